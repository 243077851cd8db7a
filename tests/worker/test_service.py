"""The loop alone, with handlers of a few lines: what is committed when, what waits, what stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from tests.fakes import DyingBus, Fuse, Inline, Lazy, PowerCut
from worker import metrics
from worker.batches import Batch, Outcome, Result, Spot
from worker.bus import Commit, CommitFailed, Headers, Message, Partition, Unavailable
from worker.codec import DEAD_LETTERS, Rejected
from worker.memory_bus import MemoryBus, MemoryLog
from worker.patience import TooManyFailures
from worker.positions import Crashes
from worker.records import Place, Source, Status, Transcript
from worker.service import Limits, Service

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
IN, ONE = "live.text", Partition("live.text", 0)
FAST = Limits(batch_messages=4, tick_s=0, careful_rows=16)


class Echo:
    """Gives a Transcript for each message. ``hold`` are values that are never free, ``kill`` those that kill."""

    def __init__(
        self, hold: Collection[bytes] = (), kill: Collection[bytes] = (), reject: Collection[bytes] = ()
    ) -> None:
        self.hold, self.kill, self.reject = hold, kill, reject
        self.batches: list[Batch] = []
        self.down = 0

    def held_seconds(self) -> float:
        return 0.0

    def prepare(self, batch: Batch) -> Batch:
        if self.down:
            self.down -= 1
            raise Unavailable("the blob store does not answer")
        self.batches.append(batch)
        return batch

    def handle(self, work: Batch) -> Outcome:
        if any(m.value in self.kill for m in work.messages):
            raise PowerCut
        bad = [m for m in work.messages if m.value in self.reject]
        free = [Spot(m.source, m.epoch, m.offset) for m in work.messages if m.value not in self.hold]
        results = [Result(m.source, m.epoch, transcript(m)) for m in work.messages if m not in bad]
        return Outcome(results, free, [Rejected(m, "bad_json", "not ours") for m in bad])

    @property
    def seen(self) -> list[bytes]:
        return [m.value or b"" for batch in self.batches for m in batch.messages]


def transcript(message: Message) -> Transcript:
    text = (message.value or b"").decode()
    return Transcript(
        transcript_id=text, stream_id="s", streamer_id="h", source=Source.CHAT, status=Status.OK, language="en",
        started_at=NOON, ended_at=NOON, text=text,
    )  # fmt: skip


def fill(log: MemoryLog, values: Iterable[str], key: str = "s") -> None:
    for value in values:
        log.append(IN, key, value.encode())


def said(log: MemoryLog) -> list[str]:
    return [Transcript.model_validate_json(m.value or b"").text for m in log.messages(Transcript.topic)]


def loop(bus: MemoryBus, handler: Echo, limits: Limits = FAST, **more: object) -> Service[Batch]:
    return Service(bus, handler, limits, pools=(Inline(), Lazy()), **more)  # type: ignore[arg-type]


def turn(service: Service[Batch], times: int = 12) -> None:
    for _ in range(times):
        service.step(timeout=0)


class Diary(MemoryBus):
    """Writes down what is asked of it; ``refuse`` commits are refused, as during a rebalance."""

    def __init__(self, log: MemoryLog, group: str, topics: Collection[str], refuse: int = 0) -> None:
        super().__init__(log, group, topics)
        self.calls: list[str] = []
        self.refuse = refuse

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None:
        self.calls.append("publish")
        super().publish(topic, key, value, headers)

    def flush(self) -> None:
        self.calls.append("flush")
        super().flush()

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        self.calls.append("commit")
        if self.refuse:
            self.refuse -= 1
            raise CommitFailed("rebalancing")
        super().commit(commits)


def test_commit_is_last() -> None:
    """After the death counted at the start, a commit only ever follows a flush, and a flush the publishing."""
    log = MemoryLog()
    fill(log, "abcdefgh")
    bus = Diary(log, "g", [IN])
    turn(loop(bus, Echo()))
    assert bus.calls[0] == "commit"
    assert "publish" in bus.calls
    work = bus.calls[1:]
    for before, after in zip(work, work[1:], strict=False):
        assert (before, after) in {
            ("publish", "publish"), ("publish", "flush"), ("flush", "commit"), ("flush", "flush"),
            ("flush", "publish"), ("commit", "publish"), ("commit", "flush"),
        }  # fmt: skip
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 8
    assert said(log) == list("abcdefgh")


def test_a_refused_commit_is_daily_life() -> None:
    """The loop goes on, and a later commit covers it."""
    log = MemoryLog()
    fill(log, "abcdefgh")
    bus = Diary(log, "g", [IN])
    service = loop(bus, Echo())
    service.step(timeout=0)
    bus.refuse = 3
    turn(service, 20)
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 8
    assert sorted(said(log)) == list("abcdefgh")


def test_a_broker_that_is_gone_is_neither_death_nor_dead_letter() -> None:
    """While nothing answers the loop waits with its batch and says so; then it goes on as if nothing had been."""
    log = MemoryLog()
    fill(log, "abcdefgh")
    bus = MemoryBus(log, "g", [IN])
    service = loop(bus, Echo())
    turn(service, 2)
    log.down = True
    turn(service, 3)
    assert service.waiting_for == "the log is down"
    log.down = False
    turn(service, 20)
    assert list(dict.fromkeys(said(log))) == list("abcdefgh")
    assert log.messages(DEAD_LETTERS) == []
    stored = bus.committed(ONE)
    assert stored is not None
    assert Crashes.from_metadata(stored.metadata, 0).deaths == 0
    assert service.waiting_for is None


def test_prepare_waits_for_its_dependency_in_order() -> None:
    """A batch whose blobs cannot be read is prepared again before any later one."""
    log, echo = MemoryLog(), Echo()
    fill(log, "abcdefgh")
    echo.down = 2
    turn(loop(MemoryBus(log, "g", [IN]), echo))
    assert echo.seen == [c.encode() for c in "abcdefgh"]


def test_held_rows_pin_the_commit_but_not_the_work() -> None:
    """What an unfinished utterance rests on is read again after a restart, though all behind it was handled."""
    log = MemoryLog()
    fill(log, "abcdefgh")
    bus = MemoryBus(log, "g", [IN])
    turn(loop(bus, Echo(hold=[b"c"])))
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 2
    assert Crashes.from_metadata(stored.metadata, 2).frontier == 8
    bus.close()
    again = Echo()
    turn(loop(MemoryBus(log, "g", [IN]), again))
    assert again.seen == [c.encode() for c in "cdefgh"]


def live(log: MemoryLog, make: Callable[[], Echo], lives: int) -> list[Echo]:
    """So many processes one after the other; each works until it dies or has nothing left."""
    handlers = []
    for _ in range(lives):
        handlers.append(make())
        bus = MemoryBus(log, "g", [IN])
        service = loop(bus, handlers[-1])
        try:
            turn(service, 60)
        except PowerCut:
            bus.close()
            continue
        service.run(_set())
    return handlers


def _set() -> threading.Event:
    stop = threading.Event()
    stop.set()
    return stop


def test_a_row_that_kills_is_found_and_set_aside() -> None:
    """It lies behind a held row of another stream. After three deaths rows run one by one; the killing one
    becomes the one dead letter, everything else is handled, and it stays set aside while the held row pins it."""
    log = MemoryLog()
    fill(log, "abcdefgXhijk")
    live(log, lambda: Echo(hold=[b"b"], kill=[b"X"]), 8)
    letters = log.messages(DEAD_LETTERS)
    assert [m.value for m in letters] == [b"X"]
    assert dict(letters[0].headers)["reason"].startswith(b"crashed")
    assert set(said(log)) == set("abcdefghijk")
    bus = MemoryBus(log, "g", [IN])
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 1
    crashes = Crashes.from_metadata(stored.metadata, 1)
    assert crashes.skip == (7,)
    assert crashes.deaths == 0


def test_two_rows_that_kill_are_both_found() -> None:
    """One after the other; nothing else is lost."""
    log = MemoryLog()
    fill(log, "abXcdYef")
    live(log, lambda: Echo(kill=[b"X", b"Y"]), 14)
    assert sorted(m.value or b"" for m in log.messages(DEAD_LETTERS)) == [b"X", b"Y"]
    assert set(said(log)) == set("abcdef")


class HeldKiller(Echo):
    """What kills is the sound of K: at once when nothing may be held, else with the next row of all."""

    def __init__(self) -> None:
        super().__init__(hold=[b"K"])
        self.waiting = False

    def handle(self, work: Batch) -> Outcome:
        if self.waiting and work.messages:
            raise PowerCut
        self.waiting = self.waiting or any(m.value == b"K" for m in work.messages)
        if work.alone and self.waiting:
            raise PowerCut
        return super().handle(work)


def test_sound_that_kills_after_it_was_held_is_found_too() -> None:
    """The killing row was handled and held; rows run alone from the committed position on, holding nothing."""
    log = MemoryLog()
    fill(log, "abKcdefgh")
    live(log, HeldKiller, 12)
    assert [m.value for m in log.messages(DEAD_LETTERS)] == [b"K"]
    assert set(said(log)) >= set("abcdefgh")


def test_nothing_runs_beside_a_suspect_row() -> None:
    """Rows of other partitions and ticks wait, or an innocent row could be blamed for what they do."""
    log = MemoryLog(topics={IN: 2})
    for number in range(8):
        for key in ("a", "b", "c", "d"):
            log.append(IN, key, f"{key}{number}".encode())
    killer = next(m.value for m in log.messages(IN) if m.partition == 0 and m.offset == 3)
    handlers = live(log, lambda: Echo(kill=[killer or b""]), 6)
    alone = [batch for handler in handlers for batch in handler.batches if batch.alone]
    assert alone
    assert all(len(batch.messages) <= 1 for batch in alone)
    assert [m.value for m in log.messages(DEAD_LETTERS)] == [killer]
    assert len(set(said(log))) == 31


def test_a_refused_commit_before_a_suspect_row_loses_nothing() -> None:
    """The row waits until it is written down that it is tried."""
    log = MemoryLog()
    fill(log, "abcXdefg")
    live(log, lambda: Echo(kill=[b"X"]), 3)
    bus = Diary(log, "g", [IN])
    service = loop(bus, Echo())
    service.step(timeout=0)
    for _ in range(40):
        bus.refuse = 1 if len(bus.calls) % 3 == 0 else 0
        service.step(timeout=0)
    bus.refuse = 0
    turn(service, 30)
    assert set(said(log)) == set("abcXdefg")


def test_a_refused_first_commit_does_not_hold_up_the_group() -> None:
    """While taking up a partition is refused the loop goes on polling, so that the rebalance can end."""
    log = MemoryLog()
    fill(log, "abcd")
    bus = Diary(log, "g", [IN], refuse=4)
    turn(loop(bus, Echo()), 20)
    assert said(log) == list("abcd")


def test_deaths_count_only_once_dependencies_answer() -> None:
    """A start that finds its database down is no death of the message it never saw."""
    log = MemoryLog()
    fill(log, "ab")
    for _ in range(6):
        bus = MemoryBus(log, "g", [IN])
        turn(loop(bus, Echo(), depends=lambda: "the store does not answer"), 2)
        bus.close()
    assert MemoryBus(log, "g", [IN]).committed(ONE) is None


def test_deaths_fall_on_progress_and_on_a_clean_stop() -> None:
    """Deaths that lie behind progress are forgotten, and a clean stop is none."""
    log = MemoryLog()
    fill(log, "abcd")
    first = MemoryBus(log, "g", [IN])
    with pytest.raises(PowerCut):
        turn(loop(first, Echo(kill=[b"a"])))
    first.close()
    bus = MemoryBus(log, "g", [IN])
    service = loop(bus, Echo())
    turn(service, 1)
    stored = bus.committed(ONE)
    assert stored is not None
    assert Crashes.from_metadata(stored.metadata, 0).deaths == 2
    turn(service)
    service.run(_set())
    stored = MemoryBus(log, "g", [IN]).committed(ONE)
    assert stored is not None
    assert Crashes.from_metadata(stored.metadata, 0).deaths == 0


MANY = [f"m{n:02}" for n in range(40)]


class Remembers(Echo):
    """Says what it was given to remember."""

    @property
    def past(self) -> list[bytes]:
        return [m.value or b"" for batch in self.batches for m in batch.past]


def test_the_last_minutes_are_read_back() -> None:
    """A partition that becomes ours is read from so long before the last message handled, by the log's own time; what
    was handled is only to be remembered: nothing comes of it, it is not counted, and the position never goes back."""
    now = [1000.0]
    log = MemoryLog(clock=lambda: now[0])
    for number in range(20):
        now[0] += 10
        fill(log, [f"m{number:02}"])
    bus = MemoryBus(log, "g", [IN])
    first = loop(bus, Echo())
    turn(first, 3)
    first.run(_set())
    done = said(log)
    assert 0 < len(done) < 20
    stored, handler = MemoryBus(log, "g", [IN]).committed(ONE), Remembers()
    assert stored is not None
    before = metrics.REGISTRY.get_sample_value("pinocchio_messages_total", {"topic": IN, "result": "ok"}) or 0
    second = MemoryBus(log, "g", [IN])
    service = loop(second, handler, Limits(batch_messages=4, tick_s=0, back_s=25.0))
    seen = []
    for _ in range(30):
        service.step(timeout=0)
        seen.append(second.committed(ONE))
    assert [value.decode() for value in handler.past] == done[-3:]
    assert [value.decode() for value in handler.seen] == [f"m{number:02}" for number in range(len(done), 20)]
    assert said(log) == [f"m{number:02}" for number in range(20)]
    assert all(commit is not None and commit.offset >= stored.offset for commit in seen)
    counted = metrics.REGISTRY.get_sample_value("pinocchio_messages_total", {"topic": IN, "result": "ok"}) or 0
    assert counted - before == 20 - len(done)


def test_nothing_is_read_back_where_nothing_is() -> None:
    """Not before the first message, nor where the log has forgotten it, nor where all was long ago."""
    for forgotten, passed in ((0, 1.0), (4, 1.0), (0, 500.0)):
        now = [1000.0]
        log = MemoryLog(clock=lambda now=now: now[0])
        fill(log, "abcd")
        bus, fresh = MemoryBus(log, "g", [IN]), Remembers()
        first = loop(bus, fresh, Limits(batch_messages=4, tick_s=0, back_s=25.0))
        turn(first)
        first.run(_set())
        now[0] += passed
        fill(log, "ef")
        log.delete_before(Place(IN, 0, forgotten))
        handler = Remembers()
        turn(loop(MemoryBus(log, "g", [IN]), handler, Limits(batch_messages=4, tick_s=0, back_s=25.0)), 20)
        assert fresh.past == []
        assert handler.past == ([] if forgotten else [b"a", b"b", b"c", b"d"])
        assert handler.seen == [b"e", b"f"]


class DiesOfThePast(Remembers):
    def handle(self, work: Batch) -> Outcome:
        if work.past:
            raise PowerCut
        return super().handle(work)


def test_what_kills_in_the_past_is_left_out_after_three_deaths() -> None:
    """Then the partition is taken up without reading back, and the work goes on."""
    log = MemoryLog()
    fill(log, "abcd")
    first = loop(MemoryBus(log, "g", [IN]), Echo())
    turn(first)
    first.run(_set())
    fill(log, "ef")
    deaths = 0
    for _ in range(6):
        bus = MemoryBus(log, "g", [IN])
        try:
            turn(loop(bus, DiesOfThePast(), Limits(batch_messages=4, tick_s=0, back_s=600.0)), 40)
        except PowerCut:
            bus.close()
            deaths += 1
    assert said(log) == list("abcdef")
    assert 3 <= deaths <= 5


def test_a_revoked_partition_is_handed_over_with_what_is_free() -> None:
    """What was done is committed in the hand-over, what is in flight is dropped, and the next owner goes on there."""
    log = MemoryLog(topics={IN: 1})
    fill(log, MANY)
    first, second, other = MemoryBus(log, "g", [IN]), MemoryBus(log, "g", [IN]), Echo()
    service, successor = loop(first, Echo()), loop(second, other)
    turn(service, 4)
    turn(successor, 1)
    done = said(log)
    log.take("g", ONE, to=second)
    turn(service, 2)
    turn(successor, 40)
    assert 0 < len(done) < len(MANY)
    assert said(log) == MANY
    assert other.seen[0].decode() in MANY[len(done) :]
    assert first.assignment() == {}


def test_what_a_poll_brings_while_another_partition_goes_is_not_lost() -> None:
    """One poll hands a partition over and reads of the other: what it read is handled all the same."""
    for keys in (("a", "b"), ("a", "c"), ("b", "d"), ("c", "e")):
        log = MemoryLog(topics={IN: 2})
        for number in range(12):
            for key in keys:
                log.append(IN, key, f"{key}{number:02}".encode())
        bus = MemoryBus(log, "g", [IN])
        service = loop(bus, Echo())
        turn(service, 2)
        log.take("g", ONE)
        turn(service, 30)
        mine = [m.value.decode() for m in log.messages(IN) if m.partition == 1 and m.value]
        assert set(mine) <= set(said(log))


def test_a_lost_partition_is_never_committed() -> None:
    """Whoever lost it says nothing more about it: the other's position stands."""
    log = MemoryLog(topics={IN: 1})
    fill(log, MANY)
    first, second = MemoryBus(log, "g", [IN]), MemoryBus(log, "g", [IN])
    service, successor = loop(first, Echo()), loop(second, Echo())
    turn(service, 4)
    turn(successor, 1)
    log.take("g", ONE, lost=True, to=second)
    turn(successor, 40)
    stored = second.committed(ONE)
    assert stored is not None
    assert stored.offset == len(MANY)
    turn(service, 5)
    assert second.committed(ONE) == stored
    assert set(said(log)) == set(MANY)


def test_the_handler_hears_of_partitions_that_went() -> None:
    """So that it drops what it holds of them."""
    log, echo = MemoryLog(topics={IN: 1}), Echo(hold=[b"a"])
    fill(log, "a")
    bus = MemoryBus(log, "g", [IN])
    service = loop(bus, echo)
    turn(service, 4)
    epoch = bus.assignment()[ONE]
    log.take("g", ONE)
    turn(service, 4)
    assert (ONE, epoch) in {gone for batch in echo.batches for gone in batch.gone}


def test_ticks_name_only_partitions_read_to_their_end() -> None:
    """While anything is left to read of a partition it is not idle, so no stream of it can seem silent."""
    log, echo = MemoryLog(), Echo()
    fill(log, "abcdefgh")
    turn(loop(MemoryBus(log, "g", [IN]), echo))
    at_work = [batch for batch in echo.batches if batch.messages]
    assert not any(batch.idle for batch in at_work[:-1])
    assert echo.batches[-1].idle == frozenset([ONE])


def test_many_streams_failing_stop_it_after_the_commit() -> None:
    """Each is a dead letter and committed; then the loop ends with a message that says where to look."""
    log = MemoryLog()
    for number in range(6):
        log.append(IN, f"s{number}", b"bad%d" % number)
    bus = MemoryBus(log, "g", [IN])
    service = loop(bus, Echo(reject=[b"bad%d" % n for n in range(6)]), Limits(tick_s=0, failing_streams=5))
    with pytest.raises(TooManyFailures, match="6 streams"):
        turn(service, 30)
    assert len(log.messages(DEAD_LETTERS)) == 6
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 6


def test_one_stream_failing_often_does_not_stop_it() -> None:
    """A single broken producer is its own fault."""
    log = MemoryLog()
    fill(log, ["bad"] * 30)
    turn(loop(MemoryBus(log, "g", [IN]), Echo(reject=[b"bad"]), Limits(tick_s=0, failing_streams=5)), 60)
    assert len(log.messages(DEAD_LETTERS)) == 30


def test_what_is_not_read_yet_is_told() -> None:
    """By topic, as often as once a second; a topic whose partitions went has nothing behind."""
    log, now = MemoryLog(), [0.0]
    fill(log, [str(n) for n in range(30)])
    service = loop(MemoryBus(log, "g", [IN]), Echo(), clock=lambda: now[0])

    def told_after(seconds: float) -> float | None:
        now[0] += seconds
        service.step(timeout=0)
        return metrics.REGISTRY.get_sample_value("pinocchio_behind_messages", {"topic": IN})

    assert told_after(10) == 26
    assert told_after(0.5) == 26
    assert told_after(0.6) == 18
    log.take("g", ONE)
    assert [told_after(2) for _ in range(2)][-1] == 0


class Slow(Echo):
    """Handles when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def handle(self, work: Batch) -> Outcome:
        self.go.wait(20)
        return super().handle(work)


def test_work_in_flight_is_bounded_and_the_group_still_hears_from_us() -> None:
    """With a slow model only so many batches are read, but poll goes on being called."""
    log, slow = MemoryLog(), Slow()
    fill(log, [str(n) for n in range(100)])
    bus = MemoryBus(log, "g", [IN])
    service = Service(bus, slow, Limits(batch_messages=4, in_flight=3))
    for _ in range(60):
        service.step(timeout=0.001)
    assert bus.positions()[ONE] <= 3 * 4 + 1
    slow.go.set()
    deadline = time.monotonic() + 20
    while len(said(log)) < 100 and time.monotonic() < deadline:
        service.step(timeout=0.01)
    assert said(log) == [str(n) for n in range(100)]


def test_stop_finishes_what_is_on_its_way() -> None:
    """SIGTERM sets the event: nothing new is read, what was read is published and committed, the group is left."""
    log = MemoryLog()
    fill(log, "abcdefgh")
    bus, stop = MemoryBus(log, "g", [IN]), threading.Event()
    service = Service(bus, Echo(), Limits(batch_messages=4, grace_s=10))
    runner = threading.Thread(target=lambda: done.append(service.run(stop)))
    done: list[bool] = []
    runner.start()
    deadline = time.monotonic() + 20
    while not said(log) and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    runner.join(20)
    assert done == [True]
    stored = MemoryBus(log, "g", [IN]).committed(ONE)
    assert stored is not None
    assert stored.offset == len(said(log)) > 0


def test_a_stop_is_not_waited_for_longer_than_the_grace_time() -> None:
    """A model that hangs does not hold the process; what it had is left uncommitted for the next one."""
    log, slow = MemoryLog(), Slow()
    fill(log, "abcd")
    service = Service(MemoryBus(log, "g", [IN]), slow, Limits(batch_messages=4, grace_s=0.2))
    for _ in range(20):
        service.step(timeout=0.01)
    began = time.monotonic()
    assert service.run(_set()) is False
    assert time.monotonic() - began < 5
    slow.go.set()
    stored = MemoryBus(log, "g", [IN]).committed(ONE)
    assert stored is not None
    assert stored.offset == 0


def test_what_holds_up_a_stop_is_said_once() -> None:
    """A dependency that is gone while the loop stops does not fill the log."""
    log = MemoryLog()
    fill(log, "abcd")
    service = loop(MemoryBus(log, "g", [IN]), Echo(), Limits(batch_messages=4, grace_s=0.2))
    turn(service, 1)
    log.down = True
    with capture_logs() as lines:
        assert service.run(_set()) is False
    assert [line["event"] for line in lines].count("not done while stopping") == 1


def test_a_bug_stops_the_loop_and_commits_nothing() -> None:
    """Only the one excusable error is survived."""

    class Buggy(Echo):
        def handle(self, work: Batch) -> Outcome:
            return super().handle(work)._replace(free=[Spot(ONE, 1 // len(()), 0)])

    log = MemoryLog()
    fill(log, "ab")
    bus = MemoryBus(log, "g", [IN])
    with pytest.raises(ZeroDivisionError):
        turn(loop(bus, Buggy()))
    stored = bus.committed(ONE)
    assert stored is not None
    assert stored.offset == 0


def test_death_while_setting_aside_does_not_lose_the_dead_letter() -> None:
    """If the process dies again before the dead letter is written, the next start writes it."""
    log = MemoryLog()
    fill(log, "abXcd")
    make = lambda: Echo(kill=[b"X"])  # noqa: E731
    live(log, make, 6)
    log2 = MemoryLog()
    fill(log2, "abXcd")
    for blows_at in (*[None] * 5, 2, 3, None, None):
        bus = DyingBus(log2, "g", [IN], Fuse(blows_at))
        try:
            turn(loop(bus, make()), 60)
        except PowerCut:
            bus.close()
    assert {m.value for m in log2.messages(DEAD_LETTERS)} == {b"X"}
    assert set(said(log2)) == set("abcd") == set(said(log))
