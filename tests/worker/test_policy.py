"""The policy file: what it says, and what is told of mistakes in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.labels import load_labels
from worker.policy import Mode, Policy, PolicyError, Treatment, load_policy
from worker.resources import resource

LABELS = load_labels(Path("configs/labels.yaml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_policy() -> None:
    """Everything is live, with the classifier's own thresholds; it says what the defaults of the code are."""
    policy = load_policy(resource("configs/policy.yaml"), LABELS)

    assert {code: policy.of(code) for code in LABELS} == dict.fromkeys(LABELS, Treatment())
    assert policy.defaults == Treatment()
    assert policy.thresholds() == {}


@pytest.mark.parametrize("text", ["", "# nothing\n", "labels: {}\n", "defaults: {}\n"])
def test_what_is_left_out_keeps_its_default(tmp_path: Path, text: str) -> None:
    """An empty file says nothing, and is the shipped policy."""
    shipped = load_policy(resource("configs/policy.yaml"), LABELS)

    assert load_policy(written(tmp_path, text), LABELS) == shipped


def test_label_by_label(tmp_path: Path) -> None:
    """A label's keys stand over the defaults of the file, and these over ours."""
    text = "defaults: {mode: shadow, classifier: 0.7}\nlabels:\n  MINORS: {mode: live}\n  CERT_FAKE: {rule: 0.8}\n"
    policy = load_policy(written(tmp_path, text), LABELS)

    assert policy.of("MINORS") == Treatment(mode=Mode.LIVE, classifier=0.7)
    assert policy.of("CERT_FAKE") == Treatment(mode=Mode.SHADOW, classifier=0.7, rule=0.8)
    assert policy.of("DISPARAGE").mode is Mode.SHADOW
    assert policy.thresholds() == dict.fromkeys(LABELS, 0.7)


@pytest.mark.parametrize("written_as", ["off", "'off'", "false"])
def test_a_bare_off_is_off(tmp_path: Path, written_as: str) -> None:
    """YAML makes false of it; it is meant as it stands."""
    policy = load_policy(written(tmp_path, f"labels:\n  MINORS: {{mode: {written_as}}}\n"), LABELS)

    assert policy.of("MINORS").mode is Mode.OFF


def test_the_version_follows_what_is_in_force(tmp_path: Path) -> None:
    """Comments and what was so anyway change nothing; a mode, a score and what the labels say do."""
    version = load_policy(resource("configs/policy.yaml"), LABELS).version
    advised = LABELS | {"MINORS": replace(LABELS["MINORS"], advice_zh="请家长决定")}

    assert load_policy(written(tmp_path, "labels: {MINORS: {mode: live}} # as ever"), LABELS).version == version
    others = {
        load_policy(written(tmp_path, "labels: {MINORS: {mode: off}}"), LABELS).version,
        load_policy(written(tmp_path, "labels: {MINORS: {remind: 0.9}}"), LABELS).version,
        load_policy(written(tmp_path, ""), advised).version,
        Policy().version,
        version,
    }
    assert len(others) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("labels:\n  MINORS: {mode: live}\n  NOTHING: {mode: off}\n", "3: labels.NOTHING: there is no such label"),
        ("labels:\n  MINORS:\n    mode: on\n", "3: labels.MINORS.mode: should be 'live', 'shadow' or 'off'"),
        ("labels:\n  MINORS:\n    mod: live\n", "3: labels.MINORS.mod: there is no such key"),
        ("\ndefaults: {remind: 1.2}\n", "2: defaults.remind: should be less than or equal to 1"),
        ("defaults: {rule: 0}\n", "1: defaults.rule: should be greater than 0"),
        ("defaults: {classifier: .nan}\n", "1: defaults.classifier: should be a finite number"),
        ("labels: [MINORS]\n", "1: labels: should be a valid dictionary"),
        ("labels:\n  MINORS: off\n", "2: labels.MINORS: should be a valid dictionary"),
        ("label: {}\n", "1: label: there is no such key"),
        ("labels:\n  MINORS: {}\n  MINORS: {}\n", "3: is not YAML: the key MINORS stands twice"),
        ("labels: }\n", "1: is not YAML: "),
        ("- MINORS\n", "1: policy: should be a valid dictionary"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    """One line that leads to the place."""
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path, text), LABELS)

    assert str(caught.value).startswith(f"{tmp_path}/policy.yaml:{told}")
    assert "\n" not in str(caught.value)
