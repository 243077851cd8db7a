"""Where the utterances of a stream are: cuts decided by the probabilities of speech alone, and what is held.

A cut is a pure function of the sound since the last cut, never of how that sound arrived: the same
recording gives the same utterances in any chunks, at any speed, on any worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.vad import FRAME

_FRAME_MS = FRAME // 16
_STEP = 32 * FRAME
_QUIET_BELOW = 0.15

Samples = NDArray[np.float32]
State = TypeVar("State")


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRules:
    """When an utterance is over. Times are rounded up to whole frames of 32 ms.

    Speech begins at a frame of at least ``threshold`` and is over once ``min_silence_ms`` are 0.15 below
    it; with less than ``min_speech_ms`` of frames at the threshold it was a noise. The utterance gets
    ``pad_ms`` on either side. At ``max_utterance_s`` it is cut by force at the least speech-like frame
    of the last ``search_ms``. After ``max_quiet_ms`` without speech what is held is let go.
    """

    threshold: float = 0.5
    min_speech_ms: int = 160
    min_silence_ms: int = 512
    pad_ms: int = 256
    max_utterance_s: float = 28.0
    search_ms: int = 4_000
    max_quiet_ms: int = 3_008

    def __post_init__(self) -> None:
        if not _QUIET_BELOW < self.threshold < 1:
            raise ValueError(f"threshold must lie between {_QUIET_BELOW} and 1")
        if not 0 < self.max_utterance_s <= 28:
            raise ValueError("max_utterance_s must lie above 0 and be at most 28: a window of speech holds 30 seconds")
        if not 0 < self.search_ms <= self.max_utterance_s * 500:
            raise ValueError("search_ms must be above 0 and at most half of max_utterance_s")
        if not 0 <= self.pad_ms <= self.min_silence_ms <= self.max_quiet_ms - self.pad_ms:
            raise ValueError("0 <= pad_ms <= min_silence_ms <= max_quiet_ms - pad_ms must hold")
        if not (self.min_speech_ms > 0 and self.min_silence_ms > 0):
            raise ValueError("min_speech_ms and min_silence_ms must be above 0")

    @property
    def max_frames(self) -> int:
        """The longest utterance in frames, its padding included."""
        return int(self.max_utterance_s * 1000) // _FRAME_MS


@dataclass(frozen=True, slots=True)
class Cut:
    """The sound up to frame ``at_frame`` is done with; the utterance in it, if any, is ``speech`` [start, end).

    Frames count from the last cut.
    """

    at_frame: int
    speech: tuple[int, int] | None


def first_cut(probabilities: Sequence[float], rules: CutRules) -> Cut | None:
    """The first cut that the frames since the last one make certain, None while they do not.

    More frames behind the deciding one never change it.
    """
    min_silence, pad = _frames(rules.min_silence_ms), _frames(rules.pad_ms)
    max_quiet, quiet_below = _frames(rules.max_quiet_ms), rules.threshold - _QUIET_BELOW
    start, spoken, end = -1, 0, 0  # of the utterance: padded start, frames at the threshold, end of the speech
    for frame, probability in enumerate(probabilities):
        now = frame + 1
        if probability >= rules.threshold:
            start = max(0, frame - pad) if start < 0 else start
            spoken += 1
        if start < 0:
            if now >= max_quiet:
                return Cut(now - pad, None)
            continue
        if probability >= quiet_below:
            end = now
        if now - end >= min_silence:
            return _cut(start, spoken, end + pad, rules)
        if now - start >= rules.max_frames:
            return _forced_cut(probabilities[:now], start, rules)
    return None


def flush(probabilities: Sequence[float], rules: CutRules) -> Cut:
    """The last cut, at the end of a stream: all frames are done with. They are those that gave no ``first_cut``."""
    count, pad = len(probabilities), _frames(rules.pad_ms)
    spoken = [frame for frame, probability in enumerate(probabilities) if probability >= rules.threshold]
    if len(spoken) < _frames(rules.min_speech_ms):
        return Cut(count, None)
    last = max(frame for frame in range(count) if probabilities[frame] >= rules.threshold - _QUIET_BELOW)
    return Cut(count, (max(0, spoken[0] - pad), min(count, last + 1 + pad)))


def _cut(start: int, spoken: int, at_frame: int, rules: CutRules) -> Cut:
    return Cut(at_frame, (start, at_frame) if spoken >= _frames(rules.min_speech_ms) else None)


def _forced_cut(probabilities: Sequence[float], start: int, rules: CutRules) -> Cut:
    """At the least speech-like of the last frames; the latest of several such."""
    last = len(probabilities)
    at_frame = min(range(last - 1, last - 1 - _frames(rules.search_ms), -1), key=probabilities.__getitem__)
    spoken = sum(probability >= rules.threshold for probability in probabilities[start:at_frame])
    return _cut(start, spoken, at_frame, rules)


def _frames(milliseconds: int) -> int:
    return -(-milliseconds // _FRAME_MS)


class Detector(Protocol[State]):
    """Probabilities of speech, frame by frame of 512 samples, the same however the samples are cut into pieces."""

    def start(self) -> State: ...

    def feed(self, state: State, samples: Samples, /) -> tuple[Samples, State]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The sound of one utterance; ``start_sample`` counts from the tail's origin."""

    start_sample: int
    samples: Samples

    @property
    def end_sample(self) -> int:
        return self.start_sample + len(self.samples)


class Tail(Generic[State]):
    """The sound of one stream since its last cut. Mutable, not for several threads.

    It holds at most the longest utterance, the quiet before it and a second. Blocks are kept as they
    came and joined once, when they are cut.
    """

    def __init__(self, detector: Detector[State], rules: CutRules, origin: int = 0) -> None:
        self._detector, self._rules = detector, rules
        self._begin(origin)

    @property
    def start_sample(self) -> int:
        """The first sample still held: what came before it is done with."""
        return self._start

    @property
    def end_sample(self) -> int:
        """The sample after the last one that came; none is held if it equals ``start_sample``."""
        return self._start + self._held

    def add(self, samples: Samples) -> list[Piece]:
        """Hold the next samples of the stream; gives the utterances that are now certain, in order.

        The detector starts anew after each cut, so the sound behind it is looked at again. The samples
        must not be changed afterwards: they are not copied.
        """
        pieces = []
        todo = deque(_steps(samples))
        while todo:
            self._hold(todo.popleft())
            cut = first_cut(self._probabilities, self._rules)
            if cut is not None:
                piece, rest = self._take(cut)
                pieces += piece
                todo.extendleft(reversed(_steps(rest)))
        return pieces

    def flush(self) -> list[Piece]:
        """The stream ends here, or has a gap: gives the utterances left. What comes later is counted on from here."""
        end = self.end_sample
        pieces = self.add(np.zeros(-self._held % FRAME, np.float32))
        pieces += self._take(flush(self._probabilities, self._rules))[0]
        self._begin(end)
        return [Piece(piece.start_sample, piece.samples[: end - piece.start_sample]) for piece in pieces]

    def _begin(self, start: int) -> None:
        self._start = start
        self._held = 0
        self._blocks: list[Samples] = []
        self._probabilities: list[float] = []
        self._state = self._detector.start()

    def _hold(self, block: Samples) -> None:
        found, self._state = self._detector.feed(self._state, block)
        self._probabilities += found.tolist()
        self._blocks.append(block)
        self._held += len(block)

    def _take(self, cut: Cut) -> tuple[list[Piece], Samples]:
        """Let go of all sound: gives the utterance before the cut, if there is one, and the sound behind it."""
        sound = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
        start, done = self._start, cut.at_frame * FRAME
        self._begin(start + done)
        rest = sound[done:].copy()  # a view would keep all of it alive
        if cut.speech is None:
            return [], rest
        first, last = cut.speech[0] * FRAME, cut.speech[1] * FRAME
        return [Piece(start + first, sound[first:last])], rest


def _steps(samples: Samples) -> list[Samples]:
    """About a second each, so that little is looked at twice when a cut lies early in much sound."""
    return [samples[first : first + _STEP] for first in range(0, len(samples), _STEP)]
