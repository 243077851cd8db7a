"""Sound and messages for tests: speech is loud, silence is zero, and a detector that takes loudness for speech."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.audio import BadAudio, decode
from models.speech import CutRules
from models.vad import FRAME
from worker.batches import Batch
from worker.bus import Message, Partition
from worker.hearing import Blobs, Hearing

RATE = 16_000
PER_MS = 16
PCM = "audio/L16;rate=16000"
STARTED_AT = 1_790_000_000_000
"""Epoch milliseconds at which every stream of the tests began."""

Samples = NDArray[np.float32]


class Loudness:
    """The probability of speech is the loudest sample of the frame; the state is the unfinished frame."""

    def start(self) -> Samples:
        return np.zeros(0, np.float32)

    def feed(self, state: Samples, samples: Samples) -> tuple[Samples, Samples]:
        sound = np.concatenate([state, samples])
        whole = len(sound) // FRAME * FRAME
        return np.abs(sound[:whole]).reshape(-1, FRAME).max(axis=1, initial=0.0), sound[whole:]


class InPlace:
    """Decodes in this process, one by one."""

    def decode_all(self, jobs: Sequence[tuple[bytes, str]]) -> list[Samples | BadAudio]:
        return [self._decode(*job) for job in jobs]

    def _decode(self, value: bytes, content_type: str) -> Samples | BadAudio:
        try:
            return decode(value, content_type, 60.0)
        except BadAudio as error:
            return error


def sound(pattern: str, step_ms: int = 100) -> Samples:
    """``#`` is that long of speech, ``.`` of silence. No two samples of speech are alike within two seconds."""
    loud = np.repeat([letter == "#" for letter in pattern], step_ms * PER_MS)
    values = 0.8 + (np.arange(len(loud)) % (2 * RATE)) / (12 * RATE)
    return np.where(loud, values, 0.0).astype(np.float32)


def pcm(samples: Samples) -> bytes:
    return np.round(samples * 32768).clip(-32768, 32767).astype("<i2").tobytes()


def chunk_message(
    samples: Samples | bytes | None = None,
    *,
    sequence: int = 0,
    offset_ms: int = 0,
    offset: int | None = None,
    stream: str = "s1",
    partition: int = 0,
    epoch: int = 1,
    log_s: float | None = None,
    end: bool = False,
    headers: Mapping[str, str | bytes | None] | None = None,
) -> Message:
    """A chunk of a stream's sound; ``offset`` in its partition is the sequence unless told, None leaves a header out.

    The broker got it (``log_s``, seconds after the stream's start) when its last sample had sounded unless told.
    """
    value = pcm(samples) if isinstance(samples, np.ndarray) else samples
    lasts_s = len(samples) / RATE if isinstance(samples, np.ndarray) else 0.0
    log_s = offset_ms / 1000 + lasts_s if log_s is None else log_s
    given: dict[str, str | bytes | None] = {
        "stream_id": stream,
        "streamer_id": f"host-of-{stream}",
        "sequence": str(sequence),
        "offset_ms": str(offset_ms),
        "started_at": str(STARTED_AT + offset_ms),
        "content_type": PCM,
        "end": "1" if end else None,
        **(headers or {}),
    }
    raw = tuple((k, v.encode() if isinstance(v, str) else v) for k, v in given.items() if v is not None)
    at = sequence if offset is None else offset
    return Message("live.audio", partition, at, epoch, stream, value, raw, STARTED_AT + round(log_s * 1000))


def chunked(samples: Samples, lengths_ms: Iterable[int], *, end: bool = True, stream: str = "s1") -> list[Message]:
    """A stream's sound in chunks of these lengths, what is left as the last one, and ``end=1``."""
    messages: list[Message] = []
    at_ms = 0
    for length in [*lengths_ms, len(samples) // PER_MS]:
        piece = samples[at_ms * PER_MS : (at_ms + length) * PER_MS]
        if len(piece):
            messages.append(chunk_message(piece, sequence=len(messages), offset_ms=at_ms, stream=stream))
            at_ms += len(piece) // PER_MS
    if end:
        messages.append(chunk_message(sequence=len(messages), offset_ms=at_ms, stream=stream, end=True))
    return messages


def text_message(
    text: str = "今天天气好", *, offset: int = 0, partition: int = 0, epoch: int = 1, **fields: Any
) -> Message:
    """A line of live text; ``fields`` replace those of a host's chat line."""
    line = {
        "text_id": f"t{offset}",
        "stream_id": "s1",
        "streamer_id": "host-of-s1",
        "kind": "chat",
        "author_role": "host",
        "text": text,
        "sent_at": STARTED_AT,
        **fields,
    }
    value = json.dumps(line).encode()
    return Message("live.text", partition, offset, epoch, line["stream_id"], value, (), line["sent_at"])


def batch(
    messages: Sequence[Message] = (),
    *,
    now_s: float = 0.0,
    idle: Iterable[Partition] = (),
    gone: Iterable[tuple[Partition, int]] = (),
) -> Batch:
    """What the loop gives a handler; ``now_s`` is in seconds after the streams' start."""
    return Batch(messages, frozenset(idle), frozenset(gone), STARTED_AT / 1000 + now_s)


def hearing(
    *,
    rules: CutRules | None = None,
    blobs: Blobs | None = None,
    silent_after_s: float = 15.0,
    most_held_s: float = 20_000,
) -> Hearing:
    """Ears that take loudness for speech; the features of a window are its samples, [1, samples]."""
    return Hearing(
        InPlace(),
        Loudness(),  # type: ignore[arg-type]  its state is its own
        rules or CutRules(),
        lambda samples: samples.reshape(1, -1),
        blobs,
        silent_after_s=silent_after_s,
        most_held_s=most_held_s,
    )
