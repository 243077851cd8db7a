"""When a host is told at once, and what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from models.labels import load_labels
from tests.fakes import Keywords
from tests.worker.made import CLAIM, FLAG, LAW
from worker.bus import Partition
from worker.policy import Policy, Treatment
from worker.records import Flag, Status, Tier
from worker.reminders import Reminders
from worker.rulebook import Rulebook

LABELS = load_labels(Path("configs/labels.yaml"))
BEST, LOWEST = "ABS_SUPERLATIVE", "PRICE_LOWEST_CLAIM"
AUDIO, TEXT = Partition("live.audio", 0), Partition("live.text", 3)
AT = datetime(2026, 5, 1, 12, 1, tzinfo=UTC)
LAST_S = 4 * 60 - 1
"""Seconds from AT to the end of its five minutes, less one."""


def book(**treatments: Treatment) -> Rulebook:
    return Rulebook(labels=LABELS, finder=Keywords({}), policy=Policy(treatments))


def flag(flag_id: str = "s1/0/0", after_s: float = 0, **changes: object) -> Flag:
    one = CLAIM.model_copy(update={"label": BEST, "score": 0.85} | changes)
    at = AT + timedelta(seconds=after_s)
    return FLAG.model_copy(update={"flag_id": flag_id, "claims": (one,), "started_at": at, "ended_at": at})


def ids(reminders: Reminders, one: Flag, where: tuple[Partition, int] = (AUDIO, 1)) -> list[str]:
    return [f"{made.reminder_id} {made.flag_id}" for made in reminders.of(one, book(), where)]


FIRST = f"s1/{BEST}/{int(AT.timestamp()) // 300} s1/0/0"


def test_what_a_reminder_says() -> None:
    """The words, the reason, the law that may be shown, the advice and the line of the notice: all in Chinese."""
    hidden = LAW.model_copy(update={"kind": "guideline"})
    late = LAW.model_copy(update={"in_force_from": date(2026, 5, 2)})
    (made,) = Reminders("cn").of(flag(law=(LAW, hidden, late)), book(), (AUDIO, 1))

    assert (made.said, made.said_at, made.why, made.advice) == ("全网最低价", AT, "绝对化用语", CLAIM.advice)
    assert made.law == (LAW,)
    assert made.notice == "依据：《中华人民共和国广告法》第9条（3）、第57条（1）；本平台规则“绝对化用语”"
    assert (made.stream_id, made.streamer_id, made.label, made.by, made.language) == ("s1", "h1", BEST, "machine", "zh")


def test_in_the_host_s_language_and_by_the_stream_s_law() -> None:
    """An English stream in Europe is told of European law in English."""
    english = flag().model_copy(update={"language": "en"})
    (made,) = Reminders("eu").of(english, book(), (AUDIO, 1))

    assert made.why == "Absolute superlative"
    assert made.notice.startswith("Basis: Unfair Commercial Practices Directive")


@pytest.mark.parametrize(("score", "told"), [(0.8499, 0), (0.85, 1), (1.0, 1)])
def test_only_a_high_score(score: float, told: int) -> None:
    """0.85 unless the policy says otherwise."""
    assert len(Reminders("cn").of(flag(score=score), book(), (AUDIO, 1))) == told
    assert len(Reminders("cn").of(flag(score=score), book(**{BEST: Treatment(remind=0.9)}), (AUDIO, 1))) == (
        score > 0.9
    )


@pytest.mark.parametrize("tier", [Tier.T2, Tier.T3])
def test_only_what_the_words_alone_decide(tier: Tier) -> None:
    """What needs data or behaviour is for people, however high it scores."""
    assert Reminders("cn").of(flag(tier=tier, score=1.0), book(), (AUDIO, 1)) == []


@pytest.mark.parametrize("status", [Status.LOW_CONFIDENCE, Status.ASR_FAILED])
def test_only_what_was_surely_heard(status: Status) -> None:
    """Doubtful words are never told to the host."""
    assert Reminders("cn").of(flag(score=1.0).model_copy(update={"status": status}), book(), (AUDIO, 1)) == []


def test_one_in_five_minutes_of_speech_and_writing() -> None:
    """A second flag of the label gives none, wherever it was read; another label, stream or five minutes gives one."""
    reminders = Reminders("cn")

    assert ids(reminders, flag()) == [FIRST]
    assert ids(reminders, flag("s1/1/0", 5)) == []
    assert ids(reminders, flag("t9", LAST_S), (TEXT, 4)) == []
    assert len(ids(reminders, flag("s1/1/0", 5, label=LOWEST))) == 1
    assert len(ids(reminders, flag("x/1/0", 5).model_copy(update={"stream_id": "x"}))) == 1
    assert len(ids(reminders, flag("s1/60/0", LAST_S + 1))) == 1


def test_a_repeat_is_the_same_again() -> None:
    """The flag that led to it leads to it again, in this worker and in any other; its neighbour still does not."""
    reminders = Reminders("cn")

    assert ids(reminders, flag()) == ids(reminders, flag()) == ids(Reminders("cn"), flag()) == [FIRST]
    assert ids(reminders, flag("s1/1/0", 5)) == []


def test_after_a_new_assignment_it_may_be_made_anew() -> None:
    """What was made under the old one may never have been published, and words may be cut elsewhere now."""
    reminders = Reminders("cn")
    assert ids(reminders, flag(), (AUDIO, 1)) == [FIRST]

    assert ids(reminders, flag("s1/0/90", 0.09), (AUDIO, 2)) == [FIRST.replace("s1/0/0", "s1/0/90")]
    assert ids(reminders, flag("s1/1/0", 5), (AUDIO, 2)) == []
