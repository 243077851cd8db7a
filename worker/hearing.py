"""Messages of many streams -> utterances to recognise: decoding, the stream's clock, cuts, what is held.

The first half of detection: all that needs no model of words. It owns the sound of unfinished
utterances, and knows which messages that sound rests on.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.audio import SAMPLE_RATE, BadAudio
from models.speech import CutRules, Detector, Piece, Tail
from models.vad import VadState
from worker.batches import Batch, Result, Spot
from worker.bus import Message, Partition
from worker.codec import InvalidMessage, Rejected, decode, decode_chunk
from worker.records import AudioChunk, LiveText, Place, StreamHeard

Samples = NDArray[np.float32]

JOINED_MS = 100
"""A surplus or gap between two chunks up to this long is the codec's; a longer one is a cut."""

_ROUNDED_MS = 1
"""``offset_ms`` is whole milliseconds: less of a surplus than that is no sound heard twice."""

_PER_MS = SAMPLE_RATE // 1000
_DECODED_AT_ONCE = 8
"""Chunks whose samples are in memory at a time before they are cut; what is held is bounded apart."""

_REMEMBERED_SEQUENCES = 128
_REMEMBERED_STREAMS = 20_000


class Decoders(Protocol):
    """Encoded sounds to samples, in the order of the jobs; a bad one is an answer, not an error."""

    def decode_all(self, jobs: Sequence[tuple[bytes, str]], /) -> list[Samples | BadAudio]: ...


class Blobs(Protocol):
    """Reads the sound a message only refers to."""

    def read(self, reference: str, sha256: str, /) -> bytes: ...


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One utterance to recognise: its sound, its features, where in its stream and on the bus it lies."""

    utterance_id: str
    chunk: AudioChunk
    spot: Spot
    start_ms: int
    end_ms: int
    started_at: datetime
    places: tuple[Place, ...]
    seconds: float
    features: NDArray[np.float32]

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(milliseconds=self.end_ms - self.start_ms)


class Line(NamedTuple):
    """One live text and where it was read."""

    text: LiveText
    spot: Spot


@dataclass(slots=True)
class Prepared:
    """What a batch gave before any model of words ran."""

    now: float
    windows: list[Window] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    heard: list[Result] = field(default_factory=list)
    free: list[Spot] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a chunk's samples lie in its stream's tail: [first, last), and the clock of the first one."""

    chunk: AudioChunk
    spot: Spot
    first: int
    last: int
    start_ms: float

    @property
    def end_ms(self) -> float:
        return self.start_ms + (self.last - self.first) / _PER_MS

    @property
    def place(self) -> Place:
        return Place(self.spot.partition.topic, self.spot.partition.number, self.spot.offset)


class _Stream:
    """One stream's unfinished sound and the messages it rests on."""

    def __init__(self, detector: Detector[VadState], rules: CutRules, epoch: int) -> None:
        self.epoch = epoch
        self._detector, self._rules = detector, rules
        self._tail = Tail(detector, rules)
        self._spans: list[_Span] = []
        self._before: _Span | None = None
        self._sequences: deque[int] = deque(maxlen=_REMEMBERED_SEQUENCES)
        self.last_timestamp = self.last_arrival = self.last_seconds = 0.0

    @property
    def held(self) -> int:
        """Samples of sound kept."""
        return self._tail.end_sample - self._tail.start_sample

    def knows(self, sequence: int) -> bool:
        return sequence in self._sequences

    def is_late(self, sequence: int) -> bool:
        return bool(self._sequences) and sequence < max(self._sequences)

    def add(self, chunk: AudioChunk, spot: Spot, samples: Samples) -> list[tuple[Piece, list[_Span]]]:
        """The utterances that this chunk finishes. A gap, or a clock that jumps, ends the one before."""
        pieces: list[tuple[Piece, list[_Span]]] = []
        self._sequences.append(chunk.sequence)
        newest = self._spans[-1] if self._spans else self._before
        surplus = newest.end_ms - chunk.offset_ms if newest else 0.0
        if abs(surplus) > JOINED_MS:
            pieces += self.flush()
            surplus = 0.0
        trimmed = min(len(samples), round(surplus * _PER_MS)) if surplus >= _ROUNDED_MS else 0
        samples = samples[trimmed:]
        first = self._tail.end_sample
        self._spans.append(_Span(chunk, spot, first, first + len(samples), chunk.offset_ms + trimmed / _PER_MS))
        return pieces + [(piece, self._under(piece)) for piece in self._tail.add(samples)]

    def alone(self, chunk: AudioChunk, spot: Spot, samples: Samples) -> list[tuple[Piece, list[_Span]]]:
        """The utterances of a chunk that came too late to be joined with its neighbours."""
        self._sequences.append(chunk.sequence)
        tail = Tail(self._detector, self._rules)
        span = _Span(chunk, spot, 0, len(samples), chunk.offset_ms)
        return [(piece, [span]) for piece in [*tail.add(samples), *tail.flush()]]

    def flush(self) -> list[tuple[Piece, list[_Span]]]:
        """The utterances left; the next chunk begins anew."""
        return [(piece, self._under(piece)) for piece in self._tail.flush()]

    def let_go(self) -> list[Spot]:
        """The messages no sound rests on any more, each told once."""
        done = [s for s in self._spans if s.last <= self._tail.start_sample or not self.held]
        if done:
            self._before = done[-1]
            self._spans = self._spans[len(done) :]
        return [s.spot for s in done]

    def _under(self, piece: Piece) -> list[_Span]:
        """The chunks an utterance lies in, and the one before."""
        spans = [self._before, *self._spans] if self._before else self._spans
        under = [s for s in spans if s.last > piece.start_sample and s.first < piece.end_sample]
        at = spans.index(under[0])
        return spans[max(0, at - 1) : at] + under


class Hearing:
    """The sound of all streams of the partitions we read. Used by one thread at a time, in order."""

    def __init__(
        self,
        decoders: Decoders,
        detector: Detector[VadState],
        rules: CutRules,
        features: Callable[[Samples], NDArray[np.float32]],
        blobs: Blobs | None = None,
        *,
        silent_after_s: float = 15.0,
        most_held_s: float = 20_000.0,
    ) -> None:
        self._decoders, self._detector, self._rules = decoders, detector, rules
        self._features, self._blobs = features, blobs
        self._silent_after_s, self._most_held = silent_after_s, most_held_s * SAMPLE_RATE
        self._streams: OrderedDict[tuple[Partition, str], _Stream] = OrderedDict()
        self._newest: dict[Partition, float] = {}

    def held_seconds(self) -> float:
        return sum(stream.held for stream in list(self._streams.values())) / SAMPLE_RATE

    def prepare(self, batch: Batch) -> Prepared:
        """Hear a batch. Raises Unavailable before any stream was touched, so that it can be given again."""
        done = Prepared(batch.now)
        chunks = self._chunks(batch.messages, done)
        for gone in batch.gone:
            self._forget(*gone)
        for first in range(0, len(chunks), _DECODED_AT_ONCE):
            for message, chunk, samples in self._decoded(chunks[first : first + _DECODED_AT_ONCE], done):
                self._hear(message, chunk, samples, done)
                if batch.alone:
                    self._flush(self._streams[message.source, chunk.stream_id], done)
        self._flush_silent(batch, done)
        self._bound(done)
        return done

    # -- messages to samples

    def _chunks(self, messages: Iterable[Message], done: Prepared) -> list[tuple[Message, AudioChunk]]:
        valid: list[tuple[Message, AudioChunk]] = []
        for message in messages:
            try:
                if message.topic == LiveText.topic:
                    done.lines.append(Line(decode(LiveText, message), _spot(message)))
                    done.free.append(_spot(message))
                else:
                    valid.append((message, self._with_sound(decode_chunk(message))))
            except InvalidMessage as error:
                _reject(done, message, error.code, str(error))
        return valid

    def _decoded(
        self, chunks: Sequence[tuple[Message, AudioChunk]], done: Prepared
    ) -> list[tuple[Message, AudioChunk, Samples]]:
        answers = iter(self._decoders.decode_all([(c.sound, c.content_type) for _, c in chunks if c.sound]))
        heard = []
        for message, chunk in chunks:
            samples = next(answers) if chunk.sound else np.zeros(0, np.float32)
            if isinstance(samples, BadAudio):
                _reject(done, message, "bad_audio", str(samples))
            else:
                heard.append((message, chunk.model_copy(update={"sound": b""}), samples))
        return heard

    def _with_sound(self, chunk: AudioChunk) -> AudioChunk:
        if chunk.blob_ref is None or chunk.sha256 is None:
            return chunk
        if self._blobs is None:
            raise InvalidMessage("blob_outside", "blob_ref is given, but no blob store is configured (audio.blob_root)")
        sound = self._blobs.read(chunk.blob_ref, chunk.sha256)
        if not sound and not chunk.end:
            raise InvalidMessage("empty", f"no sound: {chunk.blob_ref} in the blob store is empty")
        return chunk.model_copy(update={"sound": sound})

    # -- samples to utterances

    def _hear(self, message: Message, chunk: AudioChunk, samples: Samples, done: Prepared) -> None:
        key, spot = (message.source, chunk.stream_id), _spot(message)
        stream = self._streams.get(key)
        if stream is None or stream.epoch != message.epoch:
            stream = self._streams[key] = _Stream(self._detector, self._rules, message.epoch)
        self._streams.move_to_end(key)
        self._newest[message.source] = max(self._newest.get(message.source, 0.0), message.timestamp / 1000)
        if stream.knows(chunk.sequence):
            done.free.append(spot)
            return
        done.heard.append(_heard(chunk, spot, len(samples)))
        if stream.is_late(chunk.sequence):
            self._emit(stream.alone(chunk, spot, samples), done)
            done.free.append(spot)
            return
        if stream.last_timestamp and message.timestamp / 1000 - stream.last_timestamp >= self._patience(stream):
            self._emit(stream.flush(), done)
        stream.last_timestamp, stream.last_arrival = message.timestamp / 1000, done.now
        stream.last_seconds = len(samples) / SAMPLE_RATE
        self._emit(stream.add(chunk, spot, samples), done)
        if chunk.end:
            self._emit(stream.flush(), done)
        done.free += stream.let_go()

    def _emit(self, found: Iterable[tuple[Piece, list[_Span]]], done: Prepared) -> None:
        for piece, spans in found:
            first = next(s for s in spans if s.last > piece.start_sample)
            at_ms = first.start_ms + (piece.start_sample - first.first) / _PER_MS
            in_chunk = round(at_ms - first.chunk.offset_ms)
            last = spans[-1]
            end_ms = last.start_ms + (piece.end_sample - last.first) / _PER_MS
            done.windows.append(
                Window(
                    utterance_id=f"{first.chunk.chunk_id}/{in_chunk}",
                    chunk=first.chunk,
                    spot=last.spot,
                    start_ms=round(at_ms),
                    end_ms=round(end_ms),
                    started_at=first.chunk.started_at + timedelta(milliseconds=in_chunk),
                    places=tuple(s.place for s in spans),
                    seconds=len(piece.samples) / SAMPLE_RATE,
                    features=self._features(piece.samples),
                )
            )

    # -- what is held too long, or too much of

    def _flush_silent(self, batch: Batch, done: Prepared) -> None:
        for (partition, _), stream in self._streams.items():
            if stream.held and self._is_silent(partition, stream, batch):
                self._flush(stream, done)
        while len(self._streams) > _REMEMBERED_STREAMS:
            _, stream = self._streams.popitem(last=False)
            self._flush(stream, done)

    def _is_silent(self, partition: Partition, stream: _Stream, batch: Batch) -> bool:
        """Others of its partition went on that long, or there is nothing to read and that time went by."""
        patience = self._patience(stream)
        by_log = self._newest.get(partition, 0.0) - stream.last_timestamp >= patience
        return by_log or (partition in batch.idle and batch.now - stream.last_arrival >= patience)

    def _patience(self, stream: _Stream) -> float:
        """Seconds without a chunk after which a stream counts as silent: its chunks come that far apart anyway."""
        return self._silent_after_s + stream.last_seconds

    def _bound(self, done: Prepared) -> None:
        """With more sound held than memory is meant to carry, the longest utterances are cut short."""
        held = sum(stream.held for stream in self._streams.values())
        if held <= self._most_held:
            return
        for stream in sorted(self._streams.values(), key=lambda s: s.held, reverse=True):
            held -= stream.held
            self._flush(stream, done)
            if held <= 0.9 * self._most_held:
                return

    def _flush(self, stream: _Stream, done: Prepared) -> None:
        self._emit(stream.flush(), done)
        done.free += stream.let_go()

    def _forget(self, partition: Partition, epoch: int) -> None:
        """Also how far its log went: what is read again later is older, and nobody there is silent for that."""
        self._newest.pop(partition, None)
        for key in [k for k, s in self._streams.items() if k[0] == partition and s.epoch == epoch]:
            del self._streams[key]


def _spot(message: Message) -> Spot:
    return Spot(message.source, message.epoch, message.offset)


def _reject(done: Prepared, message: Message, code: str, detail: str) -> None:
    done.rejected.append(Rejected(message, code, detail))
    done.free.append(_spot(message))


def _heard(chunk: AudioChunk, spot: Spot, count: int) -> Result:
    record = StreamHeard(
        heard_id=f"{chunk.stream_id}/{chunk.started_at:%Y-%m-%d}/{chunk.sequence}",
        stream_id=chunk.stream_id,
        streamer_id=chunk.streamer_id,
        day=chunk.started_at.date(),
        start_ms=chunk.offset_ms,
        seconds=round(count / SAMPLE_RATE, 3),
    )
    return Result(spot.partition, spot.epoch, record)
