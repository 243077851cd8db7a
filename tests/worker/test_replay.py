"""Recordings are played as live streams, on time."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.audio import BadAudio
from models.encoding import Codec
from worker.codec import decode_chunk
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import AudioChunk
from worker.replay import Clock, Plan, play, prefix_of, recordings
from worker.resources import resource

SAMPLES = resource("configs/samples")
TWO = [SAMPLES / "pillow-en.opus", SAMPLES / "supplements-en.opus"]


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def plan(streams: int, speed: float = 1.0) -> Plan:
    return Plan(streams=streams, speed=speed, chunk_s=20.0, codec=Codec.PCM, prefix="run", language="en")


def chunks(log: MemoryLog) -> dict[str, list[AudioChunk]]:
    found = defaultdict(list)
    for message in log.messages(AudioChunk.topic):
        chunk = decode_chunk(message)
        found[chunk.stream_id].append(chunk)
    return found


def test_streams_take_the_recordings_in_turn() -> None:
    """Three streams of two recordings: the first and third are the same sound, each ends, and nothing is missing."""
    log, time = MemoryLog(), Time()

    *_, last = play(MemoryBus(log, "replay", ()), TWO, plan(3), Clock(lambda: time.now, time.sleep))

    streams = chunks(log)
    assert sorted(streams) == ["run-0001", "run-0002", "run-0003"]
    assert [c.sound for c in streams["run-0001"]] == [c.sound for c in streams["run-0003"]]
    assert streams["run-0001"][0].sound != streams["run-0002"][0].sound
    for found in streams.values():
        assert [c.sequence for c in found] == list(range(len(found)))
        assert [c.end for c in found] == [False] * (len(found) - 1) + [True]
    assert last.messages == len(log.messages(AudioChunk.topic))
    assert last.seconds == pytest.approx(sum(len(c.sound) / 32000 for found in streams.values() for c in found))


@pytest.mark.parametrize("speed", [1.0, 8.0])
def test_a_message_leaves_when_its_last_sample_sounded(speed: float) -> None:
    """A recording of 140 s takes 140 s at life's pace, an eighth of that at eight times, and is never late."""
    time = Time()

    *_, last = play(MemoryBus(MemoryLog(), "replay", ()), TWO[:1], plan(1, speed), Clock(lambda: time.now, time.sleep))

    assert time.now - 100 == pytest.approx(last.seconds / speed, abs=0.1)
    assert time.slept[0] == pytest.approx(20 / speed)
    assert last.late_s == 0


def test_a_slow_outbox_is_told() -> None:
    """Where sending takes longer than the sound lasts, it says by how much it is late."""
    time = Time()

    class Slow(MemoryBus):
        def flush(self) -> None:
            time.now += 60

    *_, last = play(Slow(MemoryLog(), "replay", ()), TWO[:1], plan(1), Clock(lambda: time.now, time.sleep))

    assert last.late_s > 60


def test_recordings_of_a_folder() -> None:
    """Those of a folder by their endings, in order; a file is itself; nothing there is an error that names it."""
    assert [path.name for path in recordings(SAMPLES)] == sorted(path.name for path in SAMPLES.glob("*.opus"))
    assert recordings(TWO[0]) == [TWO[0]]
    for missing in (Path("no/such/folder"), resource("configs/lexicon")):
        with pytest.raises(FileNotFoundError):
            recordings(missing)


def test_a_file_without_sound_is_named(tmp_path: Path) -> None:
    """Among many recordings one must know which it was."""
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all")

    with pytest.raises(BadAudio, match=r"bad\.wav"):
        list(play(MemoryBus(MemoryLog(), "replay", ()), [bad], plan(1)))


def test_a_later_run_has_other_names() -> None:
    """Streams are named after what is played and the second it began."""
    path, at = Path("some room.mp4"), datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert prefix_of(path, at).endswith("-20260301T120000Z")
    assert prefix_of(path, at) != prefix_of(path, at.replace(second=1))
