"""Recordings played as live streams: each message leaves when its last sample would have sounded."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from models.audio import BadAudio
from models.encoding import Codec
from worker.bus import Headers
from worker.codec import Encoded
from worker.recordings import Live, Piece, chunk, end, name_of, pieces

_FLUSH_EVERY_S = 1.0
_ENDINGS = frozenset(
    {
        "aac",
        "amr",
        "avi",
        "flac",
        "flv",
        "m4a",
        "mkv",
        "mov",
        "mp3",
        "mp4",
        "oga",
        "ogg",
        "opus",
        "ts",
        "wav",
        "webm",
        "wma",
    }
)


class Outbox(Protocol):
    """Where messages go; safe only after ``flush``."""

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None: ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many streams, how fast (1 is life), in which pieces, under which names."""

    streams: int
    speed: float
    chunk_s: float
    codec: Codec
    prefix: str
    language: str | None = None


class Played(NamedTuple):
    """How far a replay is: messages and seconds of sound sent, and how late the last message left."""

    messages: int
    seconds: float
    late_s: float


class Clock(NamedTuple):
    """Monotonic seconds, and how to let some pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def recordings(path: Path) -> list[Path]:
    """The recordings of a folder (by their endings, with those in folders below), or the file itself.

    Raises FileNotFoundError where there is none.
    """
    found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix[1:].lower() in _ENDINGS)
    if not found:
        raise FileNotFoundError(2, "no recording there" if path.is_dir() else "No such file or directory", str(path))
    return found


def play(outbox: Outbox, paths: Sequence[Path], plan: Plan, clock: Clock = Clock()) -> Iterator[Played]:  # noqa: B008
    """Send ``plan.streams`` streams, which take the recordings in turn, and say now and then how far it is.

    Streams of one recording share its sound, which is read and encoded once. They begin evenly spread
    over the first piece's time, as real ones do not all cut at once.
    """
    began, started_at = clock.now(), datetime.now(UTC)
    sent, seconds, flushed = 0, 0.0, began
    for due, length, message in _timed(paths, plan, started_at):
        wait = began + due - clock.now()
        if wait > 0:
            clock.sleep(wait)
        outbox.publish(message.topic, message.key, message.value, message.headers)
        sent, seconds = sent + 1, seconds + length
        if clock.now() - flushed >= _FLUSH_EVERY_S:
            outbox.flush()
            flushed = clock.now()
            yield Played(sent, seconds, max(0.0, -wait))
    outbox.flush()
    yield Played(sent, seconds, max(0.0, clock.now() - began - due) if sent else 0.0)


def _timed(paths: Sequence[Path], plan: Plan, started_at: datetime) -> Iterator[tuple[float, float, Encoded]]:
    """All messages by the second they are due, each with the seconds of sound in it."""
    reels = [_Reel(path, plan) for path in paths[: plan.streams]]
    spread = plan.chunk_s / plan.streams
    streams = [_stream(reels[n % len(reels)], n, n * spread, plan, started_at) for n in range(plan.streams)]
    return heapq.merge(*streams, key=lambda timed: timed[0])


def _stream(
    reel: _Reel, number: int, delay_s: float, plan: Plan, started_at: datetime
) -> Iterator[tuple[float, float, Encoded]]:
    name = f"{plan.prefix}-{number + 1:04}"
    live = Live(name, f"{name}-host", started_at, plan.language)
    at, over = 0, 0.0
    while (piece := reel.piece(at)) is not None:
        at, over = piece.sequence + 1, piece.offset_ms / 1000 + piece.seconds
        yield (delay_s + over) / plan.speed, piece.seconds, chunk(live, piece)
    yield (delay_s + over) / plan.speed, 0.0, end(live, at, round(over * 1000))


class _Reel:
    """One recording read once for all streams that play it, which are never more than a piece apart."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._pieces = path, pieces(path, plan.chunk_s, plan.codec)
        self._kept: dict[int, Piece | None] = {}
        self._next = 0

    def piece(self, number: int) -> Piece | None:
        """A piece by its number, None after the last. Raises BadAudio, naming the file."""
        while self._next <= number:
            self._kept[self._next] = self._read()
            self._kept.pop(self._next - 3, None)
            self._next += 1
        return self._kept[number]

    def _read(self) -> Piece | None:
        try:
            return next(self._pieces, None)
        except BadAudio as error:
            raise BadAudio(f"{self._path}: {error}") from error


def prefix_of(path: Path, started_at: datetime) -> str:
    """Names of streams that no earlier run used: what is played, and the second it began."""
    return f"{name_of(path)[:40]}-{started_at:%Y%m%dT%H%M%SZ}"
