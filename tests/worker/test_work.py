"""The role ``work``: services that run beside each other, and end together."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread, get_ident
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.fakes import PowerCut
from worker.batches import Batch, Outcome, Spot
from worker.bus import Unavailable
from worker.memory_bus import MemoryBus, MemoryLog
from worker.service import Limits
from worker.work import Ending, Part, Plan, work

TOPICS = {"one": "live.text", "two": "moderation.transcripts"}


class Pinged(MemoryBus):
    """A bus in memory that can be asked whether it answers."""

    def ping(self, timeout: float = 2.0) -> bool:  # noqa: ARG002
        return True


class Counts:
    """Counts what it handles; raises on what kills, in whichever thread it is."""

    def __init__(self, kill: type[BaseException] | None = None) -> None:
        self.kill, self.seen, self.threads = kill, list[bytes](), set[int]()

    def held_seconds(self) -> float:
        self.threads.add(get_ident())
        return 0.0

    def prepare(self, batch: Batch) -> Batch:
        return batch

    def handle(self, work: Batch) -> Outcome:
        self.seen += [message.value or b"" for message in work.messages]
        if self.kill and b"kill" in self.seen:
            raise self.kill("killed")
        return Outcome((), [Spot(m.source, m.epoch, m.offset) for m in work.messages], ())


def part(log: MemoryLog, name: str, handler: Counts, join: Callable[[], Pinged] | None = None) -> Part:
    limits = Limits(tick_s=0.01, grace_s=5)
    return Part(
        name=name,
        load=lambda: handler,
        join=join or (lambda: Pinged(log, name, [TOPICS[name]])),
        limits=limits,
    )


def started(parts: tuple[Part, ...], stop: Event, listen: str = "127.0.0.1:0") -> tuple[Thread, list[object]]:
    """Run the role in a thread, and what it ended with."""
    ended: list[object] = []

    def run() -> None:
        try:
            ended.append(work(Plan(parts=parts, listen=listen, stalled_after_s=60), stop))
        except BaseException as error:  # noqa: BLE001  whatever it is, it is what the test looks at
            ended.append(error)

    thread = Thread(target=run)
    thread.start()
    return thread, ended


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_both_work_and_a_stop_ends_both() -> None:
    """Each reads its own topic in a group and a thread of its own; after the stop all is done and committed."""
    log, stop = MemoryLog(), Event()
    one, two = Counts(), Counts()
    thread, ended = started((part(log, "one", one), part(log, "two", two)), stop)
    log.append(TOPICS["one"], "k", b"a")
    log.append(TOPICS["two"], "k", b"b")
    until(lambda: (one.seen, two.seen) == ([b"a"], [b"b"]))
    stop.set()
    thread.join(30)
    assert ended == [Ending.DONE]
    assert len(one.threads | two.threads) == 2
    for name, topic in TOPICS.items():
        partition = log.messages(topic)[0].source
        stored = Pinged(log, name, [topic]).committed(partition)
        assert stored is not None
        assert stored.offset == 1


@pytest.mark.parametrize("name", TOPICS)
@pytest.mark.parametrize("error", [ZeroDivisionError, PowerCut])
def test_the_death_of_either_ends_both(name: str, error: type[BaseException]) -> None:
    """What one dies of is what the role dies of; the other leaves its group cleanly."""
    log, stop = MemoryLog(), Event()
    handlers = {each: Counts(error if each == name else None) for each in TOPICS}
    thread, ended = started(tuple(part(log, each, handlers[each]) for each in TOPICS), stop)
    for topic in TOPICS.values():
        log.append(topic, "k", b"kill")
    thread.join(30)
    assert not thread.is_alive()
    assert [type(one) for one in ended] == [error]
    assert all(log.group(each).members == [] for each in TOPICS)


def test_a_broker_that_does_not_answer_is_waited_for() -> None:
    """It joins when it can, and a stop before that is no failure."""
    log, stop, asked = MemoryLog(), Event(), list[int]()

    def join() -> Pinged:
        asked.append(1)
        raise Unavailable("no broker")

    handler = Counts()
    thread, ended = started((part(log, "one", handler), part(log, "two", Counts(), join)), stop)
    until(lambda: asked)
    stop.set()
    thread.join(30)
    assert ended == [Ending.BEFORE_START]
    assert handler.seen == []


def test_what_is_missing_is_told_with_what_to_do() -> None:
    """Where the tables of goods cannot be read, /readyz gives the reason as it is, and nothing is taken up."""
    reason = "no topic live.listings, live.shown: make it with 'pinocchio topics create'"
    log, stop, handler = MemoryLog(), Event(), Counts()
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    thread, ended = started((replace(part(log, "one", handler), depends=lambda: reason),), stop, listen)
    log.append(TOPICS["one"], "k", b"a")

    def told() -> bool:
        try:
            urlopen(f"http://{listen}/readyz", timeout=5).close()
        except HTTPError as error:
            return reason in json.loads(error.read())["not_ready"].get("group", "")
        except OSError:
            return False
        return False

    until(told)
    stop.set()
    thread.join(30)
    assert ended
    assert handler.seen == []
