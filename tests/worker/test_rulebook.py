"""What becomes of flags that are made of several utterances, by the policy in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.cues import Cues
from models.labels import load_labels
from tests.worker.made import FLAG
from tests.worker.scenes import played
from worker.batches import Batch
from worker.bus import Message
from worker.codec import encode
from worker.policy import Mode, Policy, Treatment
from worker.records import Flag, ShadowFlag
from worker.rulebook import by_policy
from worker.sequences import FixedTerms, Sequences, Watch

LABELS = load_labels(Path("configs/labels.yaml"))
CUES = Cues.load(Path("configs/sequences.yaml"), LABELS)
GONE_AND_BACK = ("host: 三号链接没了没了", "host: 运营再给我加十单")


def policy(label: str, mode: Mode) -> Policy:
    return Policy({label: Treatment(mode=mode)}, version="policy-3")


@pytest.mark.parametrize(("mode", "kinds"), [(Mode.LIVE, [Flag]), (Mode.SHADOW, [ShadowFlag]), (Mode.OFF, [])])
def test_a_flag_by_the_mode_of_its_label(mode: Mode, kinds: list[type]) -> None:
    """Told, only counted or nothing; with the version of the policy, and all else as it was."""
    told = by_policy(FLAG, policy("PRICE_LOWEST", mode))

    assert [type(one) for one in told] == kinds
    for one in told:
        assert one.versions.policy == "policy-3"
        assert dict(one) == dict(FLAG) | {"versions": one.versions}


@pytest.mark.parametrize(("mode", "kinds"), [(Mode.LIVE, [Flag]), (Mode.SHADOW, [ShadowFlag]), (Mode.OFF, [])])
def test_sequences_have_a_mode_too(mode: Mode, kinds: list[type]) -> None:
    """Stock that comes back, in shadow or off, is no Flag."""
    lines = [encode(one) for one in played(GONE_AND_BACK)]
    messages = [
        Message(one.topic, 0, number, 1, one.key, one.value, one.headers, 0) for number, one in enumerate(lines)
    ]
    handler = Sequences(Watch(CUES, LABELS), lambda: FixedTerms(LABELS, policy("SCARCITY_FAKE", mode)))
    outcome = handler.handle(handler.prepare(Batch(messages, frozenset(), frozenset(), 0.0)))

    assert [type(result.record) for result in outcome.results] == kinds
    assert len(outcome.free) == 2


def test_without_a_policy_everything_is_live() -> None:
    """What nobody configured is told."""
    assert Policy().of("PRICE_LOWEST") == Treatment()
    assert [type(one) for one in by_policy(FLAG, Policy())] == [Flag]
