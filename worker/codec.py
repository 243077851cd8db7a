"""Records to Kafka values and headers, and back. The only place that knows how a record travels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from worker.bus import MAX_VALUE_BYTES, Headers, Message
from worker.records import AudioChunk, Noun, Place, Record

DEAD_LETTERS = "moderation.dead-letters"
LARGEST_LETTER = MAX_VALUE_BYTES - 64 * 1024
"""Bytes of a dead letter's value: what the topic takes, less room for more headers than the message had."""

_ROOM_FOR_HEADERS = 32 * 1024
_ROOM_FOR_KEY = 1024
_YEARS = 2000, 2100
_MOST_DIGITS = 15  # fits a number of JSON, which is exact up to 2**53
_NUMBERS = "sequence", "offset_ms", "started_at"
_OURS = frozenset(AudioChunk.model_fields) - {"sound"}

R = TypeVar("R", bound=Noun)


class InvalidMessage(Exception):
    """The message can never be handled; retrying will not help. ``code`` is one of a few words, for counting."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Encoded(NamedTuple):
    topic: str
    key: str | None
    value: bytes
    headers: Headers


def encode(record: Record) -> Encoded:
    """A record as JSON under its topic and key."""
    headers = (("content-type", b"application/json"),)
    return Encoded(record.topic, record.key, record.model_dump_json().encode(), headers)


def decode(kind: type[R], message: Message) -> R:
    """A JSON value as a record of the kind. Raises InvalidMessage saying which field is wrong."""
    if message.value is None:
        raise InvalidMessage("empty", f"a {kind.__name__} has no value")
    try:
        return kind.model_validate_json(message.value)
    except ValidationError as error:
        raise InvalidMessage("bad_json", f"not a {kind.__name__}: {_first_problem(error)}") from error


def decode_chunk(message: Message) -> AudioChunk:
    """A chunk of sound from its value and headers. Raises InvalidMessage naming the header that is wrong.

    Of a header that stands twice the last counts, as Kafka has it; those we do not know may hold any bytes.
    """
    headers = _text_headers(message)
    fields: dict[str, object] = {**headers, **{name: _number(headers, name) for name in _NUMBERS}}
    fields["started_at"] = _time(_number(headers, "started_at"))
    fields["end"] = _flag(headers, "end")
    try:
        chunk = AudioChunk.model_validate(fields | {"sound": message.value or b""})
    except ValidationError as error:
        raise InvalidMessage("bad_headers", f"not an AudioChunk: {_first_problem(error)}") from error
    if not chunk.sound and not chunk.end and chunk.blob_ref is None:
        raise InvalidMessage("empty", "no sound: the value is empty, and neither end=1 nor blob_ref is set")
    if chunk.blob_ref is not None and chunk.sha256 is None:
        raise InvalidMessage("bad_headers", "header sha256 is missing beside blob_ref")
    return chunk


def _text_headers(message: Message) -> dict[str, str]:
    return {name: _text(name, value) for name, value in message.headers if name in _OURS}


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidMessage("bad_headers", f"header {name} is not UTF-8: {error.reason}") from error


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name)
    if text is None:
        raise InvalidMessage("bad_headers", f"header {name} is missing")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise InvalidMessage("bad_headers", f"header {name} must be a whole number, not {text[:40]!r}")
    return int(text)


def _time(epoch_ms: int) -> datetime:
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000 for year in _YEARS)
    if not first <= epoch_ms < last:
        raise InvalidMessage("bad_headers", f"header started_at is not epoch milliseconds of this century: {epoch_ms}")
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _flag(headers: Mapping[str, str], name: str) -> bool:
    value = headers.get(name, "0")
    if value not in ("0", "1"):
        raise InvalidMessage("bad_headers", f"header {name} must be 0 or 1, not {value[:40]!r}")
    return value == "1"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]


class Rejected(NamedTuple):
    """A message that can never be handled, and why: a code for counting, a sentence for people."""

    message: Message
    code: str
    detail: str
    attempts: int = 1


def dead_letter(rejected: Rejected) -> Encoded:
    """The raw value, cut to what the topic takes, with headers that tell where it came from and why.

    ``sha256`` is that of the whole value, so a cut one can still be matched with its origin. The
    message's own headers follow as ``header.NAME`` while there is room; a giant key is cut too.
    """
    message, value = rejected.message, rejected.message.value or b""
    cut = value[:LARGEST_LETTER]
    headers = [
        ("reason", f"{rejected.code}: {rejected.detail}"[:1000].encode()),
        ("origin_topic", message.topic.encode()),
        ("origin_partition", str(message.partition).encode()),
        ("origin_offset", str(message.offset).encode()),
        ("attempts", str(rejected.attempts).encode()),
        ("sha256", hashlib.sha256(value).hexdigest().encode()),
        ("cut", b"1" if len(cut) < len(value) else b"0"),
    ]
    room = _ROOM_FOR_HEADERS
    for name, content in message.headers:
        room -= len(name.encode()) + len(content) + 16
        if room > 0:
            headers.append((f"header.{name}", content))
    key = message.key[:_ROOM_FOR_KEY] if message.key is not None else None
    return Encoded(DEAD_LETTERS, key, cut, tuple(headers))


def origin_of(letter: Message) -> Place:
    """Where the message behind a dead letter was read. Raises InvalidMessage if its headers do not tell."""
    headers = dict(letter.headers)
    try:
        return Place(headers["origin_topic"].decode(), int(headers["origin_partition"]), int(headers["origin_offset"]))
    except (KeyError, ValueError) as error:
        raise InvalidMessage("bad_headers", f"not a dead letter of ours: {error}") from error
