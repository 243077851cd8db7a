"""What people see: flags, tables, and how far it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from models.labels import load_labels
from worker import console
from worker.console import Going, demo_table, law_of, moment, scan_table, show_flag
from worker.demo import Broadcast, Expected, Tally, same
from worker.records import (
    Claim,
    Flag,
    Latency,
    Law,
    Severity,
    Source,
    Status,
    StreamHeard,
    Suggestion,
    Tier,
    Transcript,
    Versions,
)
from worker.resources import resource

LABELS = load_labels(resource("configs/labels.yaml"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG = "请大家在平台里下单，有问题点右下角联系店铺客服，" * 12


def law(title: str, **changes: object) -> Law:
    fields = {"jurisdiction": "cn", "kind": "statute", "title_zh": title, "title_en": title, "article_zh": "第9条",
              "article_en": "Art. 9", "in_force_from": date(2020, 1, 1), "verified": True}  # fmt: skip
    return Law.model_validate(fields | changes)


def claim(label: str = "EFF_MEDICAL", start_ms: int | None = 43_962, advice: str = "别这么说", *laws: Law) -> Claim:
    return Claim(
        claim_id=f"room/1/0/{label}", label=label, score=0.9, threshold=0.5, finder="rule", start_ms=start_ms,
        end_ms=None if start_ms is None else start_ms + 1000, text="包治百病", span=(0, 4), normalised="包治百病",
        tier=Tier.T1, severity=Severity.CRITICAL, law=laws, advice=advice,
    )  # fmt: skip


def flag(*claims: Claim, source: Source = Source.SPEECH, language: str = "zh") -> Flag:
    return Flag(
        flag_id="room:7", stream_id="room", streamer_id="host", source=source, status=Status.OK, language=language,
        started_at=NOW, ended_at=NOW, transcript="包治百病", context_before="", claims=claims,
        severity=Severity.CRITICAL, tier=Tier.T1, suggestion=Suggestion.URGENT, versions=Versions(lexicon="1"),
        latency_ms=Latency(queue=0, speech=0, claims=0, total=0),
    )  # fmt: skip


def broadcast(*expected: Expected) -> Broadcast:
    return Broadcast("sample", Path("a.opus"), "room", "host", "zh", 60.0, expected, ())


def printed(*what: object) -> str:
    out = console.console(StringIO())
    for one in what:
        out.print(one)
    return out.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_flag_on_the_screen() -> None:
    """When, where, the label in the stream's language, the words, the law, the advice, and who is reminded."""
    out = console.console(StringIO())

    show_flag(out, flag(claim("EFF_MEDICAL", 43_962, LONG, law("广告法"))), "jade", LABELS, ["EFF_MEDICAL"])

    text = out.file.getvalue()  # type: ignore[attr-defined]
    head, *rest = text.splitlines()
    assert head.split() == ["00:43", "jade", LABELS["EFF_MEDICAL"].zh, "EFF_MEDICAL", "host", "reminded"]
    assert "「包治百病」" in text
    assert "《广告法》第9条" in text
    assert LONG in "".join(line.strip() for line in rest).replace(" ", "")


def test_who_is_not_reminded() -> None:
    """Without a reminder the line does not say so; text has no time in the stream, but says what it was."""
    out = console.console(StringIO())

    show_flag(out, flag(claim(start_ms=None), source=Source.CHAT, language="en"), "jade", LABELS, [])

    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert "reminded" not in text
    assert text.split()[:2] == ["chat", "jade"]
    assert LABELS["EFF_MEDICAL"].en in text


@pytest.mark.parametrize("hidden", [{"verified": False}, {"kind": "guideline"}, {"in_force_from": date(2030, 1, 1)}])
def test_only_law_that_may_be_shown(hidden: dict[str, object]) -> None:
    """Law that is not verified, not binding or not in force then is passed over for the next."""
    one = claim("EFF_MEDICAL", 0, "", law("不该看", **hidden), law("该看"))

    assert law_of(one, flag(one)) == "《该看》第9条"
    assert law_of(claim("EFF_MEDICAL", 0, "", law("不该看", **hidden)), flag(one)) == ""


def test_a_scan_table_cuts_nothing_off() -> None:
    """Long advice without any space goes on in the next line; a text's claim names its line."""
    text = printed(scan_table("[a].txt", [flag(claim(start_ms=None, advice=LONG), source=Source.CHAT)], LABELS))

    cells = [line.split("│")[5].strip() for line in text.splitlines() if line.count("│") == 6]
    assert "".join(cells) == LONG
    assert "line 7" in text
    assert "[a].txt" in text
    assert "…" not in text


def test_found_missed_and_extra() -> None:
    """A claim counts as found by its label and about its time; one elsewhere or of another label comes on top."""
    tally = Tally(broadcast(Expected("EFF_MEDICAL", 40_000, 44_000, "a"), Expected("DISPARAGE", 50_000, 52_000, "b")))
    tally.add(flag(claim("EFF_MEDICAL", 44_900), claim("OFFSITE_DEAL", 50_000), claim("DISPARAGE", 53_500)))
    tally.add(flag(claim("EFF_MEDICAL", None), source=Source.LISTING))
    tally.add(StreamHeard(heard_id="1", stream_id="room", streamer_id="host", day=NOW.date(), start_ms=0, seconds=60))

    assert [one.label for one in tally.found] == ["EFF_MEDICAL"]
    assert [one.label for one in tally.missed] == ["DISPARAGE"]
    assert [one.label for one in tally.extra] == ["OFFSITE_DEAL", "DISPARAGE"]
    assert printed(demo_table([tally])).splitlines()[-2].split("│")[1:-1][1:] == [
        " 01:00 ", "          0 ", "     2 ", "            2 ", "     1 ", "      1 ", "     2 ",
    ]  # fmt: skip


def test_only_utterances_count_as_such() -> None:
    """A live text is no utterance."""
    tally = Tally(broadcast())
    for source in (Source.SPEECH, Source.CHAT):
        tally.add(
            Transcript(
                transcript_id="1",
                stream_id="room",
                streamer_id="host",
                source=source,
                status=Status.OK,
                language="zh",
                started_at=NOW,
                ended_at=NOW,
                text="好",
            )  # fmt: skip
        )

    assert tally.utterances == 1


def test_a_claim_without_a_time_is_never_the_one_expected() -> None:
    """What was written is not what was said."""
    assert not same(Expected("EFF_MEDICAL", 0, 1000, "a"), claim(start_ms=None))


@pytest.mark.parametrize(("ms", "told"), [(0, "00:00"), (59_999, "00:59"), (3_600_000, "1:00:00")])
def test_moments(ms: int, told: str) -> None:
    """Minutes and seconds, hours where there are any."""
    assert moment(ms) == told


def test_long_work_says_how_far_it_is() -> None:
    """Where stderr is no terminal, a line comes only now and then, with the time left."""
    err, now = Console(file=StringIO(), width=160), [0.0]
    with Going(err, "a.mp4", 600.0, lambda: now[0]) as going:
        for second in range(0, 100, 10):
            now[0] = float(second)
            going.at(second * 3.0, "2 claims")

    assert err.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "a.mp4: 01:30 of 10:00, about 02:50 left, 2 claims",
        "a.mp4: 03:00 of 10:00, about 02:20 left, 2 claims",
        "a.mp4: 04:30 of 10:00, about 01:50 left, 2 claims",
    ]


def test_short_work_says_nothing() -> None:
    """A scan of seconds leaves stderr empty."""
    err = Console(file=StringIO())
    with Going(err, "a.mp4", None) as going:
        going.at(5.0)

    assert err.file.getvalue() == ""  # type: ignore[attr-defined]
