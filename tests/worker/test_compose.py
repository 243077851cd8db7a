"""Parts built from a configuration hold what it says."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from worker import compose, metrics
from worker.config import (
    AudioSection,
    ClassifierSection,
    Config,
    ConfigError,
    DetectionSection,
    LabelsSection,
    LexiconSection,
    PolicySection,
    SequencesSection,
    SpeechSection,
    WorkSection,
)
from worker.resources import resource
from worker.sequences import KEPT_S


def test_decoding_is_as_configured() -> None:
    """Beam and batch reach the recogniser."""
    made = compose.decoding(SpeechSection(beam=5, batch=16))

    assert (made.beam, made.batch, made.windows) == (5, 16, None)


def test_limits_are_as_configured() -> None:
    """The loop's limits are those of the sections detection and work."""
    work = WorkSection(grace_s=7, dead_streams_limit=3, dead_streams_window_s=9)
    made = compose.limits(Config(detection=DetectionSection(batch_messages=64), work=work))

    assert (made.batch_messages, made.grace_s, made.failing_streams, made.failing_window_s) == (64, 7, 3, 9)


def test_a_lost_decoder_is_counted() -> None:
    """A decoding child that dies is one restart in the metrics."""
    before = restarts()
    with compose.decoder_pool(Config(audio=AudioSection(decoders=1))) as pool:
        pool.decode_all([(b"no sound", "audio/ogg")])
        assert restarts() == before
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        pool.decode_all([(b"no sound", "audio/ogg")])

    assert restarts() == before + 1


def restarts() -> float:
    return metrics.REGISTRY.get_sample_value("pinocchio_decoder_restarts_total") or 0.0


def children() -> list[int]:
    """The decoding children of this process."""
    others = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [int(path.name) for path in others if is_decoder(path)]


def is_decoder(process: Path) -> bool:
    with suppress(OSError):  # it may have ended meanwhile
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        return int(parent) == os.getpid() and b"_serve" in (process / "cmdline").read_bytes()
    return False


def test_no_store_without_a_root() -> None:
    """Without audio.blob_root there is none."""
    assert compose.blob_store(Config()) is None


def test_a_store_that_nothing_reads_is_a_problem_of_the_configuration() -> None:
    """A URL of an unknown kind names the key."""
    with pytest.raises(ConfigError, match=r"audio\.blob_root: nonsense://x"):
        compose.blob_store(Config(audio=AudioSection(blob_root="nonsense://x")))


def test_sequences_read_back_and_take_more_at_a_time() -> None:
    """The limits are those of the configuration but for that."""
    work = WorkSection(grace_s=7, dead_streams_limit=3)
    made = compose.sequence_limits(Config(work=work))

    assert (made.batch_messages, made.back_s, made.grace_s, made.failing_streams) == (64, KEPT_S, 7, 3)


def test_cues_that_cannot_be_used_are_a_problem_of_the_configuration(tmp_path: Path) -> None:
    """The line names the file and the entry; the shipped ones can be used."""
    path = tmp_path / "cues.yaml"
    path.write_text("cues: []", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"cues\.yaml:1: .*rules"):
        compose.load_watch(Config(sequences=SequencesSection(file=path)))
    compose.load_watch(Config())


def test_the_classifier_is_the_shipped_one_or_none() -> None:
    """Without a name the one in the package; ``none`` is rules alone."""
    assert compose.load_rulebook(Config(classifier=ClassifierSection(model="none"))).classifier is None
    shipped = compose.load_rulebook(Config()).classifier
    assert shipped is not None
    assert shipped.version.startswith("linear-")


def test_a_classifier_that_cannot_be_used_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    """The line names the key and the folder."""
    with pytest.raises(ConfigError, match=r"classifier\.model: .*nowhere: no classifier"):
        compose.load_rulebook(Config(classifier=ClassifierSection(model=str(tmp_path / "nowhere"))))


def test_labels_that_the_listing_check_finds_must_be_there(tmp_path: Path) -> None:
    """Without one a price that the listing contradicts would have no name; the line says which file lacks which."""
    path = tmp_path / "labels.yaml"
    shipped = resource("configs/labels.yaml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("code: PRICE_MISMATCH", "code: PRICE_OTHER"), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"labels\.yaml: no label PRICE_MISMATCH, which the listing check finds"):
        compose.load_rulebook(Config(labels=LabelsSection(file=path)))


def test_a_classifier_of_labels_that_nobody_knows(tmp_path: Path) -> None:
    """The labels file must hold what the classifier finds."""
    path = tmp_path / "labels.yaml"
    shipped = resource("configs/labels.yaml").read_text(encoding="utf-8")
    path.write_text(shipped.replace("code: SUPERSTITION", "code: LUCK"), encoding="utf-8")

    with pytest.raises(ConfigError, match=r"classifier\.model: .*SUPERSTITION: no label that text can show"):
        compose.load_rulebook(Config(labels=LabelsSection(file=path)))


def test_a_policy_that_cannot_be_used_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    """The line names file, line and key."""
    path = tmp_path / "policy.yaml"
    path.write_text("labels:\n  MINORS: {mode: loud}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"policy\.yaml:2: labels\.MINORS\.mode: should be 'live', 'shadow' or 'off'"):
        compose.load_rulebook(Config(policy=PolicySection(file=path)))


def test_rules_on_trial_are_a_finder_of_their_own(tmp_path: Path) -> None:
    """Only where there are some; they find nothing for the others."""
    rule = "{id: zh.a, label: MINORS, phrases: [小朋友], score: 0.9, approved_by: [law, hosts]"
    rule += ", hits: [小朋友], misses: [好]"
    path = tmp_path / "rules.yaml"
    config = Config(lexicon=LexiconSection(folder=tmp_path), classifier=ClassifierSection(model="none"))
    path.write_text(f"language: zh\nrules:\n  - {rule}}}\n", encoding="utf-8")
    assert compose.load_rulebook(config).on_trial is None
    path.write_text(f"language: zh\nrules:\n  - {rule}, shadow: true}}\n", encoding="utf-8")
    book = compose.load_rulebook(config)

    assert book.by_rule("小朋友", "zh") == []
    assert [one.label for one in book.by_rule_on_trial("小朋友", "zh")] == ["MINORS"]
