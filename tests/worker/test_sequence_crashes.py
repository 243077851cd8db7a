"""Whoever watches for rows of cues may die anywhere: the next one knows what was said in the last minutes."""

from __future__ import annotations

from functools import cache

import pytest

from tests.fakes import DyingBus, Fuse, Inline, Lazy, PowerCut
from tests.worker.scenes import STARTED, played
from tests.worker.test_sequences import BACK, CALL, CUES, GONE, HAGGLE, LABELS
from worker.codec import DEAD_LETTERS, encode
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Flag, Transcript
from worker.sequences import KEPT_S, Sequences, Watch
from worker.service import Limits, Service

SCENES = {
    "pots": (*HAGGLE, "viewer: 便宜", GONE, "host +40: 看下一款", BACK),
    "tea": ("host: 大家好", CALL, "viewer x9: 已拍", "host: 卖完了", "assistant: 又有货了"),
}


@cache
def written() -> tuple[Transcript, ...]:
    said = [one for name, scene in SCENES.items() for one in played(scene, name)]
    return tuple(sorted(said, key=lambda one: one.started_at))


def log_of_all() -> MemoryLog:
    """Both broadcasts in one partition, each line written when it began."""
    now = [0.0]
    log = MemoryLog(clock=lambda: now[0])
    for one in written():
        now[0] = one.started_at.timestamp()
        encoded = encode(one)
        log.append(encoded.topic, encoded.key, encoded.value, encoded.headers)
    return log


def work(bus: MemoryBus, batch: int, back_s: float) -> None:
    """One process's life: until everything is read and done, or it dies."""
    limits = Limits(batch_messages=batch, tick_s=0, back_s=back_s)
    handler = Sequences(Watch(CUES, LABELS))
    service = Service(bus, handler, limits, pools=(Inline(), Lazy()), clock=STARTED.timestamp)
    quiet = 0
    while quiet < 6:
        service.step(timeout=0)
        quiet = quiet + 1 if all(bus.positions().get(p) == end for p, end in bus.ends().items()) else 0


def run(fuse: Fuse, late: bool = False, batch: int = 2, back_s: float = KEPT_S) -> MemoryLog:
    """Start again after each death, as a supervisor would."""
    log = log_of_all()
    for _ in range(5):
        bus = DyingBus(log, "g", [Transcript.topic], fuse, late)
        try:
            work(bus, batch, back_s)
        except PowerCut:
            bus.close()
            continue
        return log
    raise AssertionError("still dying after five starts")


def flags_in(log: MemoryLog) -> set[str]:
    return {Flag.model_validate_json(message.value or b"").flag_id for message in log.messages(Flag.topic)}


@cache
def undisturbed() -> frozenset[str]:
    return frozenset(flags_in(run(Fuse(None))))


def test_the_undisturbed_run_is_worth_comparing_with() -> None:
    """Each kind of row is in it."""
    labels = sorted(one.split("/")[-2] for one in undisturbed())
    assert labels == ["HYPE_SCRIPT", "SALES_FAKE", "SCARCITY_FAKE", "SCARCITY_FAKE"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("batch", [1, 8])
def test_death_at_every_publish_flush_and_commit(batch: int, late: bool) -> None:
    """Whichever one call is the last, a second start ends with the same flags."""
    deaths = 0
    for blows_at in range(1, 1000):
        fuse = Fuse(blows_at)
        log = run(fuse, late, batch)
        if fuse.left is not None:
            break
        deaths += 1
        assert flags_in(log) == undisturbed()
        assert log.messages(DEAD_LETTERS) == []
    assert deaths > 10


def test_without_reading_back_rows_would_be_lost() -> None:
    """So the test above tests something."""
    assert any(flags_in(run(Fuse(blows_at), batch=1, back_s=0.0)) != undisturbed() for blows_at in range(1, 40))


def test_nothing_is_told_twice_after_a_clean_stop() -> None:
    """Stopped and started anew after every few messages, each row is told once."""
    log = log_of_all()
    while True:
        bus = MemoryBus(log, "g", [Transcript.topic])
        limits = Limits(batch_messages=1, in_flight=1, tick_s=0, back_s=KEPT_S)
        handler = Sequences(Watch(CUES, LABELS))
        service = Service(bus, handler, limits, pools=(Inline(), Lazy()), clock=STARTED.timestamp)
        begun = next(iter(_committed(bus)), 0)
        while next(iter(_committed(bus)), 0) < min(begun + 3, len(written())):
            service.step(timeout=0)
        bus.close()
        if next(iter(_committed(MemoryBus(log, "g", [Transcript.topic])))) == len(written()):
            break
    told = [Flag.model_validate_json(message.value or b"").flag_id for message in log.messages(Flag.topic)]
    assert sorted(told) == sorted(undisturbed())


def _committed(bus: MemoryBus) -> list[int]:
    from worker.bus import Partition

    stored = bus.committed(Partition(Transcript.topic, 0))
    return [stored.offset] if stored else []
