"""Edits of policy, labels and rules while the worker runs."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from worker import compose, metrics
from worker.config import ClassifierSection, Config, ConfigError, LabelsSection, LexiconSection, PolicySection
from worker.policy import Mode
from worker.reload import Reloader, fingerprint
from worker.resources import resource

RULES = """language: zh
rules:
  - id: zh.test.one
    label: OFFSITE_DEAL
    phrases: [加我微信]
    score: 0.9
    approved_by: [law, merchants]
    hits: [加我微信]
    misses: [加油]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Labels, a policy and one rule of their own, as a mounted ConfigMap has them: links into a dated folder."""
    _publish(tmp_path, "first", policy="labels: {}\n", rules=RULES)
    return tmp_path


def _publish(folder: Path, name: str, **files: str) -> None:
    """What Kubernetes does: write a new folder, then swap the one link that leads to it."""
    new = folder / f"..{name}"
    old = folder / "..data"
    shutil.copytree(old, new) if old.exists() else shutil.copytree(resource("configs"), new, ignore=_only_labels)
    for file, text in files.items():
        (new / f"{file}.yaml").write_text(text, encoding="utf-8")
    (folder / "..data_tmp").symlink_to(new.name)
    (folder / "..data_tmp").rename(old)
    (folder / "rules").mkdir(exist_ok=True)
    for link in ("policy", "labels", "rules/rules"):
        path = folder / f"{link}.yaml"
        if not path.is_symlink():
            path.symlink_to(os.path.relpath(old / f"{Path(link).name}.yaml", path.parent))


def _only_labels(_: str, names: list[str]) -> set[str]:
    return {name for name in names if name != "labels.yaml"}


def made(folder: Path) -> Reloader:
    return compose.reloader(
        Config(
            labels=LabelsSection(file=folder / "labels.yaml"),
            lexicon=LexiconSection(folder=folder / "rules"),
            policy=PolicySection(file=folder / "policy.yaml"),
            classifier=ClassifierSection(model="none"),
        )
    )


class Grown:
    """How much a counter grew since."""

    def __init__(self, name: str) -> None:
        self._name, self._before = name, 0.0
        self._before = self()

    def __call__(self) -> float:
        return (metrics.REGISTRY.get_sample_value(self._name) or 0.0) - self._before


@pytest.fixture
def refused() -> Grown:
    return Grown("pinocchio_reload_refused_total")


def test_without_an_edit_nothing_changes(folder: Path, refused: Grown) -> None:
    """The very same Rulebook, also after a touch and a swap of links to the same content."""
    rules = made(folder)
    first = rules.current()
    (folder / "..data" / "policy.yaml").touch()
    rules.look()
    _publish(folder, "again")
    rules.look()

    assert rules.current() is first
    assert refused() == 0


def test_an_edit_of_each_kind_comes_into_force(folder: Path) -> None:
    """A mode, a rule and a label, by the swap of one link; the versions say so."""
    rules, loads = made(folder), Grown("pinocchio_reloads_total")
    versions = [(rules.current().finder.version, rules.current().policy.version)]
    labels = (folder / "labels.yaml").read_text(encoding="utf-8")
    for name, files in (
        ("mode", {"policy": "labels: {OFFSITE_DEAL: {mode: off}}\n"}),
        ("rule", {"rules": RULES.replace("phrases: [加我微信]", "phrases: [加我, 私聊我]")}),
        ("label", {"labels": labels.replace("zh: 绝对化用语", "zh: 绝对化说法")}),
    ):
        _publish(folder, name, **files)
        rules.look()
        versions.append((rules.current().finder.version, rules.current().policy.version))

    book = rules.current()
    assert book.policy.of("OFFSITE_DEAL").mode is Mode.OFF
    assert [one.label for one in book.by_rule("私聊我", "zh")] == ["OFFSITE_DEAL"]
    assert book.labels["ABS_SUPERLATIVE"].zh == "绝对化说法"
    lexicons, policies = zip(*versions, strict=True)
    assert (len(set(lexicons)), len(set(policies)), loads()) == (2, 3, 3)


LABEL = "  - code: ABS_SUPERLATIVE"


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("policy", "labels:\n  NOTHING: {mode: off}\n", "policy.yaml:2: labels.NOTHING: there is no such label"),
        ("policy", "labels: [", "policy.yaml:2: is not YAML"),
        ("rules", RULES.replace("phrases: [", "patterns: ['(']\n    phrases: ["), "rules.yaml:3: rule zh.test.one"),
        ("rules", RULES.replace("OFFSITE_DEAL", "OFFSIDE"), "rules.yaml:3: rule zh.test.one: label: unknown"),
        (
            "rules",
            RULES.replace("phrases: [", "patterns: ['(?P<a>x)', '(?P<a>y)']\n    phrases: ["),
            "rules.yaml:3: rule zh.test.one: patterns do not go together",
        ),
        ("rules", "", "rules.yaml:1: "),
        ("labels", "labels: []", "labels.yaml: labels: expected a list"),
    ],
)  # fmt: skip
def test_an_edit_with_a_mistake_is_refused(folder: Path, refused: Grown, file: str, text: str, place: str) -> None:
    """File and line in the log, once; what was in force stays, and the mended edit comes into force."""
    rules = made(folder)
    first = rules.current()
    _publish(folder, "broken", **{file: text})
    with capture_logs() as logs:
        rules.look()
        rules.look()

    assert rules.current() is first
    assert refused() == 1
    (line,) = logs
    assert line["log_level"] == "warning"
    assert place in line["problems"][0]
    _publish(folder, "mended", policy="labels: {MINORS: {mode: shadow}}\n", rules=RULES, labels=_labels())
    rules.look()
    assert rules.current().policy.of("MINORS").mode is Mode.SHADOW


def _labels() -> str:
    return resource("configs/labels.yaml").read_text(encoding="utf-8")


def test_a_label_that_joins_or_goes_needs_a_restart(folder: Path, refused: Grown) -> None:
    """The classifier and the sequences know the old ones; the line names it."""
    rules = made(folder)
    _publish(folder, "renamed", labels=_labels().replace("code: SUPERSTITION", "code: LUCK"))
    with capture_logs() as logs:
        rules.look()

    assert "labels that join or go need a restart: LUCK, SUPERSTITION" in logs[0]["problems"][0]
    assert "SUPERSTITION" in rules.current().labels
    assert refused() == 1


def test_a_file_that_vanishes_is_refused_too(folder: Path, refused: Grown) -> None:
    """What was in force stays."""
    rules = made(folder)
    (folder / "policy.yaml").unlink()
    rules.look()

    assert refused() == 1
    assert rules.current().policy.of("MINORS").mode is Mode.LIVE


def test_files_that_change_while_they_are_read_are_left_to_the_next_look(refused: Grown) -> None:
    """Neither a half-written set nor its mistake counts."""
    seen = iter(["a", "b", "c", "d", "e", "e", "e"])
    books = iter(["first", "mixed", ConfigError(("half",)), "whole"])

    def load() -> object:
        book = next(books)
        if isinstance(book, ConfigError):
            raise book
        return made_of(book)

    rules = Reloader(load, lambda: next(seen))  # type: ignore[arg-type]
    names = []
    for _ in range(3):
        rules.look()
        names.append(rules.current().name)  # type: ignore[attr-defined]

    assert names == ["first", "first", "whole"]
    assert refused() == 0


class made_of:  # noqa: N801
    """What stands for a Rulebook here: a name, and the versions that are logged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.finder = self.policy = self
        self.version = name


def test_it_looks_by_itself(folder: Path) -> None:
    """In a thread of its own, until the stack is closed."""
    rules = made(folder)
    with ExitStack() as stack:
        rules.start(stack, 0.01)
        _publish(folder, "edit", policy="labels: {MINORS: {mode: off}}\n")
        ends = time.monotonic() + 20
        while rules.current().policy.of("MINORS").mode is not Mode.OFF and time.monotonic() < ends:
            time.sleep(0.01)
    assert rules.current().policy.of("MINORS").mode is Mode.OFF


def _asked_for_a_while(rules: Reloader) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        rules.current()
        time.sleep(0.01)


def test_an_error_nobody_expected_ends_who_asks_for_the_rules() -> None:
    """A worker that no longer sees edits does not go on as if it did: the next batch raises what ended the looking."""
    seen = iter(["first", "edited"])
    books = iter([made_of("first")])
    rules = Reloader(lambda: next(books), lambda: next(seen))  # type: ignore[arg-type, return-value]
    assert rules.current().name == "first"  # type: ignore[attr-defined]
    with ExitStack() as stack:
        rules.start(stack, 0.01)
        with pytest.raises(StopIteration):
            _asked_for_a_while(rules)


def test_the_classifier_stays_with_new_thresholds(tmp_path: Path) -> None:
    """The weights are not loaded anew; null gives the model's own threshold back."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("labels: {SUPERSTITION: {classifier: 0.123}}\n", encoding="utf-8")
    rules = compose.reloader(Config(policy=PolicySection(file=policy)))
    first = rules.current().classifier
    policy.write_text("labels: {}\n", encoding="utf-8")
    rules.look()
    second = rules.current().classifier

    assert first is not None
    assert second is not None
    own = second.thresholds("zh")  # type: ignore[attr-defined]
    assert first.thresholds("zh") == {**own, "SUPERSTITION": 0.123}  # type: ignore[attr-defined]
    assert own["SUPERSTITION"] != 0.123
    assert first.version == second.version


def test_a_fingerprint_is_that_of_content(tmp_path: Path) -> None:
    """Names and bytes count, times do not, other files of a folder do not."""
    (tmp_path / "a.yaml").write_text("1")
    first = fingerprint([tmp_path, tmp_path / "none.yaml"])
    os.utime(tmp_path / "a.yaml", (1, 1))
    (tmp_path / "notes.txt").write_text("x")
    assert fingerprint([tmp_path, tmp_path / "none.yaml"]) == first
    (tmp_path / "none.yaml").write_text("")
    second = fingerprint([tmp_path, tmp_path / "none.yaml"])
    (tmp_path / "a.yaml").write_text("2")
    assert len({first, second, fingerprint([tmp_path, tmp_path / "none.yaml"])}) == 3
