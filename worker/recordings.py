"""Recordings and text files -> messages, as the ingest of a platform would send them.

The demo, a scan and a replay all go this way: what they show went through the same door as live sound.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from models.audio import SAMPLE_RATE, read_file
from models.encoding import Codec, encode
from worker.bus import Headers
from worker.codec import Encoded
from worker.records import AudioChunk, AuthorRole, LiveText, TextKind

TEXT_ENDINGS = (".txt", ".text")
_LONGEST_LINE = 20_000
_LONGEST_NAME = 80


class BadText(Exception):
    """The text file cannot be used; the message says why in one plain sentence."""


class Live(NamedTuple):
    """The broadcast that a recording is played as."""

    stream_id: str
    streamer_id: str
    started_at: datetime
    language: str | None = None


class Piece(NamedTuple):
    """Some seconds of a recording, ready to travel; of no stream yet, so that many may share it."""

    sequence: int
    offset_ms: int
    seconds: float
    content_type: str
    value: bytes


def pieces(path: Path, chunk_s: float, codec: Codec) -> Iterator[Piece]:
    """A recording of any length in pieces of ``chunk_s`` seconds, each decodable alone.

    Raises BadAudio or OSError, as ``models.audio.read_file`` does, when the first one is asked for.
    """
    before = 0
    for sequence, samples in enumerate(read_file(path, chunk_s)):
        content_type, value = encode(samples, codec)
        yield Piece(sequence, before * 1000 // SAMPLE_RATE, len(samples) / SAMPLE_RATE, content_type, value)
        before += len(samples)


def chunk(live: Live, piece: Piece) -> Encoded:
    """A piece as the message of one stream."""
    return encode_chunk(_chunk(live, piece.sequence, piece.offset_ms, piece.content_type, piece.value))


def end(live: Live, sequence: int, offset_ms: int) -> Encoded:
    """The empty last message of a stream."""
    return encode_chunk(_chunk(live, sequence, offset_ms, "audio/L16;rate=16000", b"", end=True))


def whole(path: Path, live: Live, chunk_s: float, codec: Codec = Codec.PCM) -> Iterator[tuple[float, Encoded]]:
    """All messages of a recording, the end among them, each with the seconds of its stream that are over then."""
    sequence, over = 0, 0.0
    for piece in pieces(path, chunk_s, codec):
        sequence, over = piece.sequence + 1, piece.offset_ms / 1000 + piece.seconds
        yield over, chunk(live, piece)
    yield over, end(live, sequence, round(over * 1000))


def encode_chunk(one: AudioChunk) -> Encoded:
    """A chunk of sound as a raw value with headers; ``worker.codec.decode_chunk`` reads it back."""
    told: dict[str, str | None] = {
        "stream_id": one.stream_id,
        "streamer_id": one.streamer_id,
        "sequence": str(one.sequence),
        "offset_ms": str(one.offset_ms),
        "started_at": str(round(one.started_at.timestamp() * 1000)),
        "content_type": one.content_type,
        "language": one.language,
        "end": "1" if one.end else None,
        "blob_ref": one.blob_ref,
        "sha256": one.sha256,
        "traceparent": one.traceparent,
    }
    headers: Headers = tuple((name, value.encode()) for name, value in told.items() if value is not None)
    return Encoded(AudioChunk.topic, one.stream_id, one.sound, headers)


def encode_text(text: LiveText) -> Encoded:
    """A live text as JSON under its stream."""
    value = text.model_dump_json(exclude_none=True).encode()
    return Encoded(LiveText.topic, text.stream_id, value, (("content-type", b"application/json"),))


def lines(path: Path, live: Live) -> Iterator[LiveText]:
    """Each line of a text file as a LiveText of the host, a second after the one before it.

    Its number in the file is in its id. Empty ones are left out.

    Raises BadText where the file is no UTF-8 or a line is too long for a live text, OSError where it cannot be read.
    """
    with path.open(encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if text := line.strip():
                    yield _line(live, number, text)
        except UnicodeDecodeError as error:
            raise BadText("it is not UTF-8 text; convert it first, such as by iconv -f GB18030 -t UTF-8") from error


def is_text(path: Path) -> bool:
    """Whether a file is read as lines of text; everything else is taken for sound."""
    return path.suffix.lower() in TEXT_ENDINGS


def recorded_at(path: Path) -> datetime:
    """When a recording is taken to begin: its file's time, since nothing else tells."""
    return datetime.fromtimestamp(round(path.stat().st_mtime), UTC)


def name_of(path: Path) -> str:
    """An id from a file's name; a short hash stands for what an id may not hold, so that names stay apart.

    >>> name_of(Path("room-7.mp4")), name_of(Path("直播 3.mp4"))
    ('room-7', '3-58e79531')
    """
    kept = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).strip("_.")[:_LONGEST_NAME]
    if kept == path.stem:
        return kept
    return f"{kept or 'recording'}-{hashlib.sha256(path.stem.encode()).hexdigest()[:8]}"


def _chunk(
    live: Live, sequence: int, offset_ms: int, content_type: str, sound: bytes, *, end: bool = False
) -> AudioChunk:
    return AudioChunk(
        stream_id=live.stream_id,
        streamer_id=live.streamer_id,
        sequence=sequence,
        offset_ms=offset_ms,
        started_at=live.started_at + timedelta(milliseconds=offset_ms),
        content_type=content_type,
        language=live.language,
        end=end,
        sound=sound,
    )


def _line(live: Live, number: int, text: str) -> LiveText:
    if len(text) > _LONGEST_LINE:
        raise BadText(f"line {number} has {len(text):,} characters; a live text has at most {_LONGEST_LINE:,}")
    return LiveText(
        text_id=f"{live.stream_id}:{number}",
        stream_id=live.stream_id,
        streamer_id=live.streamer_id,
        kind=TextKind.CHAT,
        author_role=AuthorRole.HOST,
        text=text,
        sent_at=live.started_at + timedelta(seconds=number - 1),
        language=live.language,
    )
