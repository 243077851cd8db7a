"""The nouns as others see them: the fields of the contract, ids, times, who answers for a text."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from tests.worker.made import CLAIM, FLAG, LINE, SPEECH, TRANSCRIPT
from worker.records import Flag, Listing, LiveText, Speech, StreamHeard, Transcript

FLAG_FIELDS = {
    "schema_version", "flag_id", "stream_id", "streamer_id", "source", "status", "language", "start_ms", "end_ms",
    "started_at", "ended_at", "transcript", "context_before", "speech", "sound", "claims", "severity", "tier",
    "suggestion", "versions", "latency_ms",
}  # fmt: skip
CLAIM_FIELDS = {
    "claim_id", "label", "score", "threshold", "finder", "rule_id", "sku", "start_ms", "end_ms", "text", "span",
    "normalised", "tier", "severity", "law", "advice", "listing", "cues",
}  # fmt: skip
LAW_FIELDS = {
    "jurisdiction", "kind", "title_zh", "title_en", "article_zh", "article_en", "in_force_from", "verified",
}  # fmt: skip


def as_json(record: Flag | Transcript) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.model_dump_json())
    return found


def test_the_fields_of_a_flag() -> None:
    """A Flag in JSON has exactly the fields of the contract, and ``text_kind``, which is ours."""
    flag = as_json(FLAG)
    assert flag.keys() == FLAG_FIELDS | {"text_kind"}
    assert flag["claims"][0].keys() == CLAIM_FIELDS
    assert flag["claims"][0]["law"][0].keys() == LAW_FIELDS
    assert sorted(flag["speech"]) == ["avg_logprob", "model", "no_speech_prob"]
    assert sorted(flag["versions"]) == ["classifier", "lexicon", "policy", "speech"]
    assert sorted(flag["latency_ms"]) == ["claims", "queue", "speech", "total"]


def test_the_values_of_a_flag() -> None:
    """Places are objects, spans pairs, times ISO 8601 in UTC, choices the words of the contract."""
    flag = as_json(FLAG)
    assert flag["sound"] == [
        {"topic": "live.audio", "partition": 2, "offset": 40},
        {"topic": "live.audio", "partition": 2, "offset": 41},
    ]
    assert flag["claims"][0]["span"] == [0, 5]
    assert flag["transcript"][slice(*flag["claims"][0]["span"])] == CLAIM.text
    assert (flag["started_at"], flag["ended_at"]) == ("2026-05-01T12:00:00.123000Z", "2026-05-01T12:00:04Z")
    assert [flag[name] for name in ("source", "status", "tier", "severity", "suggestion", "schema_version")] == [
        "speech",
        "ok",
        "T1",
        "major",
        "review",
        1,
    ]
    assert flag["claims"][0]["law"][0]["in_force_from"] == "2015-09-01"


def test_a_text_has_no_time_in_the_stream() -> None:
    """Times in the stream, speech and sound are null or empty for text, and present."""
    line = as_json(LINE)
    assert [line[name] for name in ("start_ms", "end_ms", "speech", "sound")] == [None, None, None, []]


def test_places_read_both_ways() -> None:
    """A place is read as the object we write; sound comes back as places."""
    again = Flag.model_validate_json(FLAG.model_dump_json())
    assert [place.offset for place in again.sound] == [40, 41]


@pytest.mark.parametrize("good", ["a", "a" * 128, "A.b_c:d-9"])
def test_ids_that_are_taken(good: str) -> None:
    """An id is 1 to 128 letters, digits and a few signs."""
    assert TRANSCRIPT.model_validate(TRANSCRIPT.model_dump() | {"stream_id": good}).stream_id == good


@pytest.mark.parametrize("bad", ["", "a" * 129, "a/b", "a b", "a\n", "\na", "ä", "a\0", "a%2f", None, 5])
def test_ids_that_are_refused(bad: object) -> None:
    """Everything else is refused, above all what would confuse derived ids, keys and file names."""
    for kind, base in ((Transcript, TRANSCRIPT), (Flag, FLAG)):
        for name in ("stream_id", "streamer_id"):
            with pytest.raises(ValidationError):
                kind.model_validate(base.model_dump() | {name: bad})


def line(**fields: object) -> LiveText:
    base = {
        "text_id": "t",
        "stream_id": "s",
        "streamer_id": "h",
        "kind": "chat",
        "text": "x",
        "sent_at": 1_790_000_000_000,
    }
    return LiveText.model_validate(base | fields)


def test_nobody_named_is_unknown() -> None:
    """A line without a role is nobody's."""
    assert line().author_role == "unknown"


@pytest.mark.parametrize(
    "told",
    [
        "2026-09-21T14:13:20Z",
        "2026-09-21T22:13:20+08:00",
        1_790_000_000_000,
        datetime(2026, 9, 21, 22, 13, 20, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_times_are_kept_in_utc(told: object) -> None:
    """However a time is told, it is the same moment in UTC."""
    at = line(sent_at=told).sent_at
    assert (at.isoformat(), at.tzinfo) == ("2026-09-21T14:13:20+00:00", UTC)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_numbers_are_finite(wrong: float) -> None:
    """No record holds a number that JSON cannot say."""
    with pytest.raises(ValidationError):
        SPEECH.model_validate({"model": "x", "avg_logprob": wrong, "no_speech_prob": 0})
    with pytest.raises(ValidationError):
        Listing(sku="a", price=wrong)


def test_records_are_frozen() -> None:
    """A record cannot be changed once it is made."""
    with pytest.raises(ValidationError):
        Speech(model="a", avg_logprob=0, no_speech_prob=0).model = "b"  # type: ignore[misc]


def test_keys() -> None:
    """What people judge goes by host, what is put together again goes by stream."""
    heard = StreamHeard(heard_id="x", stream_id="s1", streamer_id="h1", day=date(2026, 5, 1), start_ms=0, seconds=1)
    assert (FLAG.key, TRANSCRIPT.key, heard.key) == ("h1", "s1", "s1")
