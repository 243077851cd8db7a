"""What the log in memory does beyond the contract: partitions taken away, retention, outages."""

from __future__ import annotations

import threading
import time

import pytest

from worker.bus import Commit, CommitFailed, Message, Partition, Unavailable
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Place

SOURCE = Partition("t", 0)


def filled(count: int) -> MemoryLog:
    log = MemoryLog(clock=lambda: 1.5)
    for n in range(count):
        log.append("t", "k", str(n).encode())
    return log


def offsets(messages: list[Message]) -> list[int]:
    return [message.offset for message in messages]


def test_a_lost_partition_is_told_in_the_next_poll_and_commits_nothing() -> None:
    """Until it polls the old reader is told CommitFailed; then it hears of the loss, and another one reads on."""
    log = filled(4)
    first, second = MemoryBus(log, "g", ["t"]), MemoryBus(log, "g", ["t"])
    lost: list[Partition] = []
    first.on_lost(lost.extend)
    assert offsets(first.poll(4, 0)) == [0, 1, 2, 3]
    assert second.poll(4, 0) == []
    log.take("g", SOURCE, lost=True, to=second)
    assert offsets(second.poll(4, 0)) == [0, 1, 2, 3]
    with pytest.raises(CommitFailed):
        first.commit({SOURCE: Commit(4, "", 1)})
    assert (lost, first.poll(4, 0), lost, first.assignment()) == ([SOURCE], [], [SOURCE], {})
    assert second.committed(SOURCE) is None


def test_a_revoked_partition_rests_until_a_rebalance() -> None:
    """Taken from its only reader it is handed over and read by nobody, and comes back with a new epoch."""
    log = filled(4)
    bus = MemoryBus(log, "g", ["t"])
    bus.on_revoked(lambda ps: {p: Commit(2, "m", bus.assignment()[p]) for p in ps})
    bus.poll(4, 0)
    log.take("g", SOURCE)
    assert (bus.poll(4, 0), bus.assignment()) == ([], {})
    assert bus.committed(SOURCE) == Commit(2, "m", 0)
    log.rebalance("g")
    assert [(m.offset, m.epoch) for m in bus.poll(4, 0)] == [(2, 2), (3, 2)]


def test_deleting_moves_the_position_of_a_reader() -> None:
    """A reader whose next message is deleted goes on at the first one left, and its position says so at once."""
    log = filled(10)
    bus = MemoryBus(log, "g", ["t"])
    bus.poll(2, 0)
    log.delete_before(Place("t", 0, 7))
    assert (bus.positions(), bus.ends()) == ({SOURCE: 7}, {SOURCE: 10})
    assert offsets(bus.poll(10, 0)) == [7, 8, 9]
    assert offsets(log.messages("t")) == [7, 8, 9]
    assert log.append("t", "k", b"new") == Place("t", 0, 10)


def test_while_the_log_is_down_nothing_answers() -> None:
    """Polls are empty, all else is Unavailable, and afterwards everything is as before."""
    log = filled(2)
    bus = MemoryBus(log, "g", ["t"])
    bus.poll(1, 0)
    log.down = True
    assert bus.poll(1, 0.05) == []
    calls = (
        lambda: bus.publish("t", "k", b""),
        bus.flush,
        lambda: bus.fetch(Place("t", 0, 0)),
        lambda: bus.commit({SOURCE: Commit(1, "", 1)}),
        lambda: bus.committed(SOURCE),
        lambda: bus.table("t"),
    )
    for call in calls:
        with pytest.raises(Unavailable):
            call()
    log.down = False
    assert (offsets(bus.poll(1, 0)), bus.committed(SOURCE)) == ([1], None)


def test_a_waiting_poll_wakes_when_a_message_is_published() -> None:
    """Publishing from another thread ends the wait long before its timeout."""
    log = MemoryLog()
    bus = MemoryBus(log, "g", ["t"])
    began = time.monotonic()
    writer = threading.Timer(0.1, lambda: bus.publish("t", "k", b"v"))
    writer.start()
    assert len(bus.poll(1, 20)) == 1
    assert time.monotonic() - began < 5
    writer.join()


def test_messages_have_the_time_of_the_clock() -> None:
    """Timestamps are the given clock's, in milliseconds."""
    assert filled(1).messages("t")[0].timestamp == 1500
