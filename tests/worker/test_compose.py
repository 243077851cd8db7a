"""Parts built from a configuration hold what it says."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from worker import compose, metrics
from worker.config import AudioSection, Config, ConfigError, DetectionSection, SpeechSection, WorkSection


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
