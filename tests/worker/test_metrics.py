"""Metrics: what is counted, that the labels are bounded, and that Prometheus takes them."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import Metric, generate_latest

from tests.parts import need
from tests.worker.made import SHADOW
from worker import metrics
from worker.bus import Message
from worker.codec import Rejected
from worker.records import (
    Claim,
    Flag,
    Latency,
    Record,
    Reminder,
    Severity,
    Source,
    Status,
    StreamHeard,
    Suggestion,
    Tier,
    Transcript,
    Versions,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
WORKER = Path(metrics.__file__).parent


class Done(NamedTuple):
    """What the loop hands over: a record among other things."""

    record: Record


class Counted:
    """How much a sample grew since this was made."""

    def __init__(self) -> None:
        self._before = self._now()

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self._now().get(key, 0.0) - self._before.get(key, 0.0)

    @staticmethod
    def _now() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        samples = (sample for metric in metrics.REGISTRY.collect() for sample in metric.samples)
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


@pytest.fixture
def counted() -> Counted:
    return Counted()


def ours() -> list[Metric]:
    return [metric for metric in metrics.REGISTRY.collect() if metric.name.startswith("pinocchio_")]


def message(offset: int, topic: str = "live.audio") -> Message:
    return Message(topic, 0, offset, 1, "s", b"sound", (), 0)


def claim(label: str) -> Claim:
    return Claim(
        claim_id=f"s/0/0/{label}", label=label, score=0.9, threshold=0.5, finder="rule", text="x", span=(0, 1),
        normalised="x", tier=Tier.T1, severity=Severity.MINOR, advice="",
    )  # fmt: skip


def flag(ended_at: datetime, *labels: str) -> Flag:
    return Flag(
        flag_id="s/0/0", stream_id="s", streamer_id="h", source=Source.SPEECH, status=Status.OK, language="zh",
        started_at=ended_at, ended_at=ended_at, transcript="x", context_before="", claims=[claim(c) for c in labels],
        severity=Severity.MINOR, tier=Tier.T1, suggestion=Suggestion.REVIEW, versions=Versions(lexicon="v"),
        latency_ms=Latency(queue=0, speech=0, claims=0, total=0),
    )  # fmt: skip


def transcript(status: Status, source: Source = Source.SPEECH) -> Transcript:
    return Transcript(
        transcript_id="s/0/0", stream_id="s", streamer_id="h", source=source, status=status, language="zh",
        started_at=NOW, ended_at=NOW, text="x",
    )  # fmt: skip


def test_a_batch_counts_its_messages_by_what_became_of_them(counted: Counted) -> None:
    """Of three messages one was rejected, and one more was set aside before the handler saw it."""
    rejected = [Rejected(message(1), "bad_audio", "noise"), Rejected(message(9), "crashed", "died")]

    metrics.count([message(0), message(1), message(2, "live.text")], [], rejected, NOW.timestamp())

    assert counted("pinocchio_messages_total", topic="live.audio", result="ok") == 1
    assert counted("pinocchio_messages_total", topic="live.text", result="ok") == 1
    assert counted("pinocchio_messages_total", topic="live.audio", result="dead_letter") == 2
    assert counted("pinocchio_dead_letters_total", reason="bad_audio") == 1
    assert counted("pinocchio_dead_letters_total", reason="crashed") == 1


def test_records_count_by_what_they_say(counted: Counted) -> None:
    """Seconds heard, utterances by status (chat is none), claims and reminders by label."""
    heard = StreamHeard(heard_id="s", stream_id="s", streamer_id="h", day=NOW.date(), start_ms=0, seconds=2.5)
    reminder = Reminder(
        reminder_id="r", stream_id="s", streamer_id="h", label="A1", flag_id="f", language="zh", said="x", said_at=NOW,
        why="y", advice="z",
    )  # fmt: skip
    lines = [transcript(Status.OK), transcript(Status.ASR_FAILED), transcript(Status.OK, Source.CHAT)]

    metrics.count([], [Done(r) for r in (heard, heard, *lines, flag(NOW, "A1", "B2"), reminder)], [], NOW.timestamp())

    assert counted("pinocchio_audio_seconds_total") == 5
    assert counted("pinocchio_utterances_total", status="ok") == 1
    assert counted("pinocchio_utterances_total", status="asr_failed") == 1
    assert counted("pinocchio_flags_total", label="A1") == 1
    assert counted("pinocchio_flags_total", label="B2") == 1
    assert counted("pinocchio_reminders_total", label="A1") == 1


@pytest.mark.parametrize(("seconds", "within"), [(4, "5.0"), (100, "120.0"), (299, "300.0"), (-3, "0.5")])
def test_a_flag_is_measured_from_the_end_of_its_utterance(counted: Counted, seconds: int, within: str) -> None:
    """The wait falls into its bucket, up to 300 s; a clock that is ahead of ours counts as no wait."""
    at = NOW + timedelta(seconds=seconds)
    buckets = [0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0]

    metrics.count([], [Done(flag(NOW, "A1"))], [], at.timestamp())

    found = [str(b) for b in buckets if counted("pinocchio_flag_seconds_bucket", source="speech", le=str(b))]
    assert found[0] == within


def test_a_stage_is_measured_also_when_it_fails(counted: Counted) -> None:
    """Both runs are counted, and the error goes on."""
    with metrics.stage("handle"):
        pass
    with pytest.raises(KeyError), metrics.stage("handle"):
        raise KeyError

    assert counted("pinocchio_stage_seconds_count", service="detection", stage="handle") == 2


def test_an_unknown_code_is_counted_as_other(counted: Counted) -> None:
    """The reasons of dead letters stay a fixed set, whatever a caller invents."""
    metrics.count([], [], [Rejected(message(0), "stream-4711", "x")], NOW.timestamp())

    assert counted("pinocchio_dead_letters_total", reason="other") == 1


def test_every_code_that_the_worker_gives_is_known() -> None:
    """Each literal code of InvalidMessage, Rejected and _reject in worker/ has a label of its own."""
    codes = {code for path in WORKER.rglob("*.py") for code in codes_in(path)}

    assert codes == set(metrics.CODES)


def codes_in(path: Path) -> set[str]:
    """The literal codes given to whatever sets a message aside."""
    position = {"InvalidMessage": 0, "Rejected": 1, "_reject": 2}
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    named = [(call, call.func.id) for call in calls if isinstance(call.func, ast.Name)]
    given = [call.args[position[name]] for call, name in named if len(call.args) > position.get(name, 99)]
    return {arg.value for arg in given if isinstance(arg, ast.Constant)}


def test_no_label_is_unbounded() -> None:
    """No metric is labelled by stream, host, shop, partition or offset."""
    labels = {label for metric in ours() for sample in metric.samples for label in sample.labels}

    assert labels <= {"topic", "result", "service", "stage", "le", "status", "label", "outcome", "reason", "source"}


def test_what_alerts_ask_for_is_there_before_it_happens() -> None:
    """Dead letters of each reason are 0 in a fresh process, not absent."""
    script = "from worker import metrics; from prometheus_client import generate_latest as g; print(g().decode())"
    command = [sys.executable, "-c", script]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True, cwd=WORKER.parent).stdout

    for code in metrics.CODES:
        assert f'pinocchio_dead_letters_total{{reason="{code}"}} 0.0' in fresh


def test_promtool_finds_nothing_to_complain_about() -> None:
    """Prometheus' own checker takes the exposition, names and units included."""
    promtool = need("promtool", "prometheus (Debian)")
    metrics.count([message(0)], [Done(flag(NOW, "A1"))], [], NOW.timestamp())
    metrics.BEHIND.labels("live.audio").set(3)

    checked = subprocess.run([promtool, "check", "metrics"], input=generate_latest(), capture_output=True, check=False)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_claims_in_shadow_are_counted_apart(counted: Counted) -> None:
    """By label, and not among those that are flagged."""
    metrics.count([], [Done(SHADOW)], [], NOW.timestamp())

    assert counted("pinocchio_shadow_claims_total", label="PRICE_LOWEST") == 1
    assert counted("pinocchio_flags_total", label="PRICE_LOWEST") == 0
