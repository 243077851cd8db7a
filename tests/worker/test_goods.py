"""Which goods are shown when, and what their listings say then, with brokers that answer and those that do not."""

import threading
from datetime import UTC, datetime, timedelta

from tests.worker.buses import wait_for
from tests.worker.sounds import STARTED_AT
from worker.bus import Bus, Unavailable
from worker.codec import Encoded
from worker.goods import Follower, Goods
from worker.listings import encode_listing, encode_shown
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Listing, ProductShown

START = datetime.fromtimestamp(STARTED_AT / 1000, UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def write(log: MemoryLog, one: Encoded) -> None:
    log.append(one.topic, one.key, one.value, one.headers)


def shop() -> tuple[MemoryLog, Goods, Follower]:
    log, goods = MemoryLog(partitions=3), Goods()
    return log, goods, Follower(goods, lambda: MemoryBus(log, "goods", ("live.listings", "live.shown")))


def read(follower: Follower) -> None:
    for _ in range(10):
        follower.step()


def test_a_listing_that_changes_in_mid_stream() -> None:
    """Speech is compared with the listing in force when it was said, also when it is heard later."""
    log, goods, follower = shop()
    write(log, encode_listing(Listing(sku="a", price=199, valid_from=at(0)), "s1"))
    write(log, encode_listing(Listing(sku="a", price=99, valid_from=at(60)), "s1"))
    write(log, encode_shown(ProductShown(stream_id="s1", sku="a", at=at(0))))
    read(follower)
    assert [one.price for s in (10, 59.9, 60, 90) for one in goods.shown("s1", at(s))] == [199, 199, 99, 99]
    assert goods.shown("s1", at(-1)) == goods.shown("s2", at(10)) == ()


def test_which_one_is_shown() -> None:
    """From ``at`` until ``until``, else until another is shown; several may be shown at the same time."""
    log, goods, follower = shop()
    for sku in "abcd":
        write(log, encode_listing(Listing(sku=sku), "s1"))
    for sku, begins, until in (("a", 0, None), ("b", 10, 20), ("c", 15, None), ("d", 15, None)):
        end = None if until is None else at(until)
        write(log, encode_shown(ProductShown(stream_id="s1", sku=sku, at=at(begins), until=end)))
    read(follower)
    assert ["".join(one.sku for one in goods.shown("s1", at(s))) for s in (5, 12, 16, 30)] == ["a", "b", "bcd", "cd"]


def test_ready_when_all_is_read() -> None:
    """Until everything that was there is read, it says so; what comes later is followed, and a null value deletes."""
    log, goods, follower = shop()
    write(log, encode_shown(ProductShown(stream_id="s1", sku="a", at=at(0))))
    write(log, encode_listing(Listing(sku="a", price=1), "s1"))
    log.append("live.listings", "s1/b/", b"no json")
    assert follower.trouble()
    read(follower)
    assert follower.trouble() is None
    assert [one.price for one in goods.shown("s1", at(1))] == [1]
    write(log, encode_listing(Listing(sku="a", price=2), "s1"))
    read(follower)
    assert [one.price for one in goods.shown("s1", at(1))] == [2]
    log.append("live.listings", "s1/a/", None)
    read(follower)
    assert goods.shown("s1", at(1)) == ()


def test_ready_while_messages_keep_coming() -> None:
    """Traffic without a pause does not put off its being ready, and what was there at the start is read by then."""
    log, goods, follower = shop()
    for n in range(3_000):
        write(log, encode_listing(Listing(sku=f"sku-{n}", price=n), "s1"))
    write(log, encode_shown(ProductShown(stream_id="s1", sku="sku-2999", at=at(0))))
    ready_at = None
    for step in range(300):
        write(log, encode_listing(Listing(sku="later", price=step), "s1"))
        follower.step()
        if ready_at is None and follower.trouble() is None:
            ready_at = step
            assert [one.price for one in goods.shown("s1", at(1))] == [2_999]
    assert ready_at is not None
    assert 0 < ready_at < 10


def test_what_was_shown_long_ago_is_forgotten() -> None:
    """Seven days after it was shown a good is dropped, with its stream; younger ones stay, whoever shows the newest."""
    log, goods, follower = shop()
    day = 86_400
    first = [("s1", 0, None), ("s2", 2 * day, None), ("s3", 0, at(3 * day))]
    for stream, seconds, until in (*first, *((f"t{n}", 8 * day, None) for n in range(2_000))):
        write(log, encode_listing(Listing(sku="a"), stream))
        write(log, encode_shown(ProductShown(stream_id=stream, sku="a", at=at(seconds), until=until)))
    read(follower)
    times = (("s1", at(1)), ("s2", at(8 * day)), ("s3", at(1)), ("t9", at(8 * day)))
    assert [len(goods.shown(stream, when)) for stream, when in times] == [0, 1, 1, 1]


def test_it_says_what_is_missing() -> None:
    """While it cannot join, the reason is told as it is, with what to do; afterwards it follows."""
    log = MemoryLog(partitions=1)
    away = threading.Event()
    away.set()

    def join() -> Bus:
        if away.is_set():
            raise Unavailable("no topic live.listings: make it with 'pinocchio topics create'")
        return MemoryBus(log, "goods", ("live.listings", "live.shown"))

    stop, follower = threading.Event(), Follower(Goods(), join)
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        wait_for(lambda: "pinocchio topics create" in (follower.trouble() or ""), lambda: stop.wait(0.05))
        away.clear()
        wait_for(lambda: follower.trouble() is None, lambda: stop.wait(0.05))
    finally:
        stop.set()
        thread.join()
