"""Records to values and headers and back, and what is refused on the way."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.made import EVERY_RECORD
from tests.worker.sounds import PCM, STARTED_AT, chunk_message, text_message
from worker.bus import MAX_VALUE_BYTES, Message
from worker.codec import (
    DEAD_LETTERS,
    LARGEST_LETTER,
    InvalidMessage,
    Rejected,
    dead_letter,
    decode,
    decode_chunk,
    encode,
    origin_of,
)
from worker.records import AudioChunk, Listing, LiveText, Place


def message(value: bytes | None, headers: tuple[tuple[str, bytes], ...] = (), key: str | None = "k") -> Message:
    return Message("live.text", 3, 7, 1, key, value, headers, STARTED_AT)


def refused(chunk: Message) -> InvalidMessage:
    with pytest.raises(InvalidMessage) as caught:
        decode_chunk(chunk)
    return caught.value


# Sound ------------------------------------------------------------------------------------------------------------


def test_a_chunk_is_its_headers_and_value() -> None:
    """Everything a producer says of a chunk arrives, the time to the millisecond."""
    chunk = decode_chunk(
        chunk_message(
            b"ab",
            sequence=3,
            offset_ms=5_123,
            headers={"language": "zh-CN", "traceparent": "00-1-2-01"},
        )
    )
    assert chunk == AudioChunk(
        stream_id="s1",
        streamer_id="host-of-s1",
        sequence=3,
        offset_ms=5_123,
        started_at=datetime.fromtimestamp((STARTED_AT + 5_123) / 1000, UTC),
        content_type=PCM,
        language="zh-CN",
        traceparent="00-1-2-01",
        sound=b"ab",
    )
    assert chunk.chunk_id == "s1/3"


@pytest.mark.parametrize("name", ["stream_id", "streamer_id", "sequence", "offset_ms", "started_at", "content_type"])
def test_a_missing_header_is_named(name: str) -> None:
    """A chunk without a header it must have is refused, and the reason names the header."""
    error = refused(chunk_message(b"ab", headers={name: None}))
    assert (error.code, name in str(error)) == ("bad_headers", True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stream_id", ""),
        ("stream_id", "a b"),
        ("stream_id", "a/b"),
        ("stream_id", "a\n"),
        ("stream_id", "直播间"),
        ("stream_id", "a" * 129),
        ("streamer_id", "../h"),
        ("sequence", ""),
        ("sequence", "-1"),
        ("sequence", "+1"),
        ("sequence", "1.0"),
        ("sequence", " 1"),
        ("sequence", "1_0"),
        ("sequence", "١"),
        ("sequence", "9" * 16),
        ("offset_ms", "9" * 400),
        ("offset_ms", "-5"),
        ("offset_ms", "now"),
        ("started_at", "1790000000.5"),
        ("started_at", "2026-01-01T00:00:00Z"),
        ("started_at", "1790000000"),
        ("started_at", "946684799999"),
        ("started_at", "4102444800000"),
        ("started_at", "9" * 15),
        ("started_at", "9" * 5000),
        ("end", "true"),
        ("end", ""),
        ("language", "z" * 36),
        ("stream_id", b"\xff\xfe"),
        ("content_type", b"audio/\xc3\x28"),
    ],
)
def test_a_wrong_header_is_named(name: str, value: str | bytes) -> None:
    """A header that cannot be right makes a dead letter whose reason names it, never another error."""
    error = refused(chunk_message(b"ab", headers={name: value}))
    assert (error.code, name in str(error)) == ("bad_headers", True)
    assert len(str(error)) < 300


@pytest.mark.parametrize("value", ["a" * 128, "A-Z_a.z:09", "-"])
def test_ids_that_are_allowed(value: str) -> None:
    """An id is 1 to 128 of the characters allowed."""
    assert decode_chunk(chunk_message(b"ab", headers={"stream_id": value})).stream_id == value


@pytest.mark.parametrize("value", ["946684800000", "4102444799999"])
def test_the_first_and_last_moment_of_the_century(value: str) -> None:
    """Times of this century are taken, its first and last millisecond too."""
    at = decode_chunk(chunk_message(b"ab", headers={"started_at": value})).started_at
    assert round(at.timestamp() * 1000) == int(value)


def test_foreign_headers_may_hold_anything() -> None:
    """Headers that other software adds are none of our business, also when they are no text."""
    assert decode_chunk(chunk_message(b"ab", headers={"b3": b"\xff\x00", "sound": b"x"})).sound == b"ab"


def test_a_header_that_stands_twice() -> None:
    """The last of two headers of one name counts, as Kafka's own lastHeader has it."""
    one = chunk_message(b"ab", sequence=4)
    assert decode_chunk(one._replace(headers=(*one.headers, ("sequence", b"9")))).sequence == 9
    assert decode_chunk(one._replace(headers=(("sequence", b"9"), *one.headers))).sequence == 4


@pytest.mark.parametrize("value", [None, b""])
def test_no_sound(value: bytes | None) -> None:
    """An empty or null value is a chunk only with end=1 or a reference to its sound."""
    assert refused(chunk_message(value)).code == "empty"
    assert refused(chunk_message(value, headers={"end": "0"})).code == "empty"
    ended = decode_chunk(chunk_message(value, end=True))
    assert (ended.end, ended.sound) == (True, b"")
    held = decode_chunk(chunk_message(value, headers={"blob_ref": "a/b.opus", "sha256": "00"}))
    assert (held.blob_ref, held.end) == ("a/b.opus", False)


def test_a_reference_needs_a_checksum() -> None:
    """A reference without the sha256 of what it means is refused."""
    error = refused(chunk_message(None, headers={"blob_ref": "a"}))
    assert (error.code, "sha256" in str(error)) == ("bad_headers", True)


@given(st.lists(st.tuples(st.sampled_from([*AudioChunk.model_fields, "x"]), st.binary(max_size=40)), max_size=12))
def test_no_headers_break_it(headers: list[tuple[str, bytes]]) -> None:
    """Whatever the headers hold, the answer is a chunk or InvalidMessage."""
    try:
        chunk = decode_chunk(chunk_message(b"ab")._replace(headers=tuple(headers)))
    except InvalidMessage as error:
        assert error.code in {"bad_headers", "empty"}  # noqa: PT017  either is right
    else:
        assert chunk.stream_id


# JSON -------------------------------------------------------------------------------------------------------------


def test_a_line_of_text() -> None:
    """A LiveText arrives whole; unknown fields are let pass, so that producers may be newer."""
    line = decode(LiveText, text_message("你好", text_id="a:1", newer={"deep": [1]}))
    assert (line.text, line.text_id, line.sent_at.timestamp() * 1000) == ("你好", "a:1", STARTED_AT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text_id", "a/b"),
        ("text_id", None),
        ("kind", "song"),
        ("author_role", "Host"),
        ("text", 5),
        ("text", None),
        ("text", "x" * 20_001),
        ("sent_at", "2026-01-01T00:00:00"),
        ("sent_at", "yesterday"),
        ("sent_at", 1e300),
        ("sent_at", float("nan")),
        ("sent_at", "0001-01-01T00:00:00+14:00"),
        ("sent_at", "9999-12-31T23:59:59-12:00"),
        ("language", "z" * 36),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    """A field of the wrong kind makes a dead letter whose reason names it, also times that no calendar holds."""
    line = json.loads(text_message("x", text_id="a").value or b"") | {field: value}
    with pytest.raises(InvalidMessage, match=field) as caught:
        decode(LiveText, message(json.dumps(line).encode()))
    assert caught.value.code == "bad_json"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"text_id": "a"}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"sku": ' + b"9" * 10_000 + b"}",
        b'{"sku": "\\ud800"}',
    ],
)
def test_json_that_is_none(value: bytes) -> None:
    """A value that is no JSON object of the kind is InvalidMessage with a short reason, however deep or torn it is."""
    for kind in (LiveText, Listing):
        with pytest.raises(InvalidMessage) as caught:
            decode(kind, message(value))
        assert caught.value.code == "bad_json"
        assert len(str(caught.value)) < 300


def test_no_value() -> None:
    """A null value where a record should be is refused as empty."""
    with pytest.raises(InvalidMessage) as caught:
        decode(LiveText, message(None))
    assert caught.value.code == "empty"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_are_finite(number: str) -> None:
    """A price that is no number is refused: JSON has no word for it, and no consumer could read it again."""
    with pytest.raises(InvalidMessage, match="price"):
        decode(Listing, message(f'{{"sku": "a", "price": {number}}}'.encode()))


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_no_value_breaks_it(value: bytes) -> None:
    """Whatever bytes come, the answer is InvalidMessage and nothing else."""
    with pytest.raises(InvalidMessage):
        decode(LiveText, message(value))


@pytest.mark.parametrize("name", EVERY_RECORD)
def test_round_trip(name: str) -> None:
    """Every record comes back equal from its value, under its own topic and key."""
    record = EVERY_RECORD[name]
    encoded = encode(record)
    assert (encoded.topic, encoded.key) == (record.topic, record.key)
    assert encoded.headers == (("content-type", b"application/json"),)
    json.loads(encoded.value, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert decode(type(record), message(encoded.value)) == record


# Dead letters -----------------------------------------------------------------------------------------------------


def test_a_dead_letter() -> None:
    """It is the raw value, with the reason, where it was read, how often it was tried, and the headers it had."""
    dead = message(b"\x00raw", (("stream_id", b"s1"), ("x", b"\xff")))
    letter = dead_letter(Rejected(dead, "bad_json", "text: is missing", attempts=3))
    assert (letter.topic, letter.key, letter.value) == (DEAD_LETTERS, "k", b"\x00raw")
    assert dict(letter.headers) == {
        "reason": b"bad_json: text: is missing",
        "origin_topic": b"live.text",
        "origin_partition": b"3",
        "origin_offset": b"7",
        "attempts": b"3",
        "sha256": hashlib.sha256(b"\x00raw").hexdigest().encode(),
        "cut": b"0",
        "header.stream_id": b"s1",
        "header.x": b"\xff",
    }


def test_a_dead_letter_of_nothing() -> None:
    """A null value becomes an empty one: Kafka would take null for a deletion."""
    letter = dead_letter(Rejected(message(None, key=None), "empty", "no value"))
    assert (letter.key, letter.value) == (None, b"")


@pytest.mark.parametrize(("over", "cut"), [(0, b"0"), (1, b"1")])
def test_a_dead_letter_is_cut_to_fit(over: int, cut: bytes) -> None:
    """A value that fits is kept to the last byte, one byte more is cut; the sha256 is always of the whole."""
    value = bytes(LARGEST_LETTER + over)
    letter = dead_letter(Rejected(message(value), "bad_audio", "x"))
    assert len(letter.value) == LARGEST_LETTER
    assert dict(letter.headers)["cut"] == cut
    assert dict(letter.headers)["sha256"] == hashlib.sha256(value).hexdigest().encode()


def weight(letter_key: str | None, headers: tuple[tuple[str, bytes], ...]) -> int:
    return len((letter_key or "").encode()) + sum(len(name.encode()) + len(value) for name, value in headers)


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        ("k", (("a", b"x" * 3_000_000), ("b", b"y"))),
        ("k", tuple((f"h{n}", b"") for n in range(20_000))),
        ("k", (("头" * 12_000, b""), ("字" * 12_000, b""))),
        ("键" * 1_000_000, ()),
    ],
)
def test_giant_headers_and_keys(key: str, headers: tuple[tuple[str, bytes], ...]) -> None:
    """However large its key and headers were, a dead letter fits its topic, and its own headers are all there."""
    letter = dead_letter(Rejected(message(bytes(MAX_VALUE_BYTES), headers, key), "x" * 5_000, "原" * 5_000))
    assert len(letter.value) + weight(letter.key, letter.headers) <= MAX_VALUE_BYTES
    assert {"reason", "origin_topic", "origin_offset", "sha256", "cut"} <= dict(letter.headers).keys()


def test_a_dead_letter_tells_where_it_came_from() -> None:
    """``origin_of`` gives back the place of the message, whatever headers it carried itself."""
    dead = message(b"x", (("origin_offset", b"99"),))
    letter = dead_letter(Rejected(dead, "bad_json", "x"))
    assert origin_of(message(letter.value, letter.headers)) == Place("live.text", 3, 7)


@pytest.mark.parametrize("missing", ["origin_topic", "origin_partition", "origin_offset"])
@pytest.mark.parametrize("value", [None, b"\xff"])
def test_a_letter_of_somebody_else(missing: str, value: bytes | None) -> None:
    """A message among the dead letters whose headers do not tell its origin is InvalidMessage."""
    headers = dict(dead_letter(Rejected(message(b"x"), "a", "b")).headers)
    del headers[missing]
    if value is not None:
        headers[missing] = value
    with pytest.raises(InvalidMessage):
        origin_of(message(b"x", tuple(headers.items())))
