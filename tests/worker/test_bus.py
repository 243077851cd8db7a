"""The contract of the bus, held by the one in memory and by the one on Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.worker.buses import KafkaWorld, MemoryWorld, World, join, read, wait_for, write
from worker.bus import MAX_METADATA, MAX_VALUE_BYTES, Bus, Commit, Gone, Message, Partition
from worker.records import Place


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def world(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> Iterator[World]:
    worlds: dict[str, Callable[[], World]] = {
        "memory": MemoryWorld,
        "kafka": lambda: KafkaWorld(request.getfixturevalue("kafka"), unique),
    }
    made = worlds[request.param]()
    yield made
    made.close()


@dataclass
class Told:
    """What a bus called back, in order."""

    assigned: list[Mapping[Partition, int]] = field(default_factory=list)
    revoked: list[Partition] = field(default_factory=list)
    lost: list[Partition] = field(default_factory=list)


def listen(bus: Bus, last: Callable[[Collection[Partition]], Mapping[Partition, Commit]] = lambda _: {}) -> Told:
    """Note the callbacks of a bus; ``last`` says what to commit of what is handed over."""
    told = Told()

    def revoked(partitions: Collection[Partition]) -> Mapping[Partition, Commit]:
        told.revoked.extend(partitions)
        return last(partitions)

    bus.on_assigned(told.assigned.append)
    bus.on_revoked(revoked)
    bus.on_lost(told.lost.extend)
    return told


def ahead(messages: list[Message], metadata: str = "") -> dict[Partition, Commit]:
    """The commits that say that all these messages are done."""
    return {message.source: Commit(message.offset + 1, metadata, message.epoch) for message in messages}


def write_both(bus: Bus, topic: str, count: int) -> None:
    """Write at least ``count`` messages into each of two partitions."""
    names = [f"probe-{n}" for n in range(40)]
    write(bus, topic, *names)
    home = {name: message.partition for name, message in bus.table(topic).items()}
    pair = [next(name for name in names if home[name] == number) for number in (0, 1)]
    write(bus, topic, *pair * count)


def test_a_message_arrives_as_it_was_written(world: World) -> None:
    """Key, value, headers (repeated ones too), topic and a timestamp of now come through unchanged."""
    topic = world.topic("live.audio")
    bus = world.bus("g", topic)
    headers = (("stream_id", b"s"), ("traceparent", b"\x00\xff"), ("stream_id", b"again"), ("end", b""))
    bus.publish(topic, "主播", b"sound", headers)
    bus.flush()
    message = read(bus, 1)[0]
    assert (message.topic, message.partition, message.offset) == (topic, 0, 0)
    assert (message.key, message.value, message.headers) == ("主播", b"sound", headers)
    assert abs(message.timestamp / 1000 - time.time()) < 60


def test_a_message_may_lack_key_headers_or_value(world: World) -> None:
    """No key, no headers and a null value arrive as None, () and None; with neither key nor value it is refused."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    bus.publish(topic, None, b"v")
    bus.publish(topic, "k", None)
    bus.flush()
    assert [(m.key, m.value, m.headers) for m in read(bus, 2)] == [(None, b"v", ()), ("k", None, ())]
    with pytest.raises(ValueError, match="key"):
        bus.publish(topic, None, None)


def test_the_largest_value_passes_and_a_larger_one_is_refused(world: World) -> None:
    """A value of MAX_VALUE_BYTES with headers arrives whole; one byte more is a ValueError at once."""
    topic = world.topic("t", config={"max.message.bytes": str(MAX_VALUE_BYTES + 64 * 1024)})
    bus = world.bus("g", topic)
    value = bytes(range(256)) * (MAX_VALUE_BYTES // 256)
    bus.publish(topic, "k", value, (("traceparent", b"x" * 1000),))
    bus.flush()
    assert read(bus, 1)[0].value == value
    with pytest.raises(ValueError, match="larger"):
        bus.publish(topic, "k", value + b"x")


def test_messages_of_a_partition_come_in_the_order_written(world: World) -> None:
    """Many small polls give one partition's messages without gap, repetition or disorder, never over the limit."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    write(bus, topic, *["k"] * 300)
    found: list[Message] = []

    def step() -> None:
        batch = bus.poll(7, 0.2)
        assert len(batch) <= 7
        found.extend(batch)

    wait_for(lambda: len(found) >= 300, step)
    assert [(m.offset, m.value) for m in found] == [(n, str(n).encode()) for n in range(300)]


def test_poll_takes_from_partitions_in_turn(world: World) -> None:
    """With a backlog in two partitions each small batch holds messages of both, whatever the limit."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    write_both(bus, topic, 150)
    wait_for(lambda: len(bus.assignment()) == 2, lambda: bus.poll(1, 0.1))
    for _ in range(10):
        assert {message.partition for message in bus.poll(6, 5)} == {0, 1}
    assert [m.partition for m in bus.poll(1, 5) + bus.poll(1, 5)] in ([0, 1], [1, 0])


def test_poll_returns_when_nothing_comes(world: World) -> None:
    """An empty topic gives an empty batch after about the timeout."""
    bus = world.bus("g", world.topic("t"))
    join(bus)
    began = time.monotonic()
    assert bus.poll(10, 0.5) == []
    assert 0.4 < time.monotonic() - began < 2


def test_positions_and_ends_follow_the_reading(world: World) -> None:
    """Positions name the next message that poll gives, ends the one after the last; both per assigned partition."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    assert (bus.assignment(), bus.positions(), bus.ends()) == ({}, {}, {})
    join(bus)
    zero = {Partition(topic, 0): 0, Partition(topic, 1): 0}
    assert (bus.positions(), bus.ends()) == (zero, zero)
    write(bus, topic, *["k"] * 10)
    source = read(bus, 4, limit=4)[0].source
    assert bus.positions() == zero | {source: 4}
    assert bus.ends() == zero | {source: 10}


def test_what_was_not_committed_comes_again(world: World) -> None:
    """The next member of the group begins at what was committed, partition by partition, the rest from the front."""
    topic = world.topic("t", 2)
    first = world.bus("g", topic)
    write(first, topic, *[f"k{n}" for n in range(40)])
    before = read(first, 40)
    done = [message for message in before if message.partition == 0 and message.offset < 5]
    first.commit(ahead(done))
    first.close()
    again = read(world.bus("g", topic), 35)
    assert {m.place for m in before} - {m.place for m in done} == {m.place for m in again}


def test_committed_gives_back_offset_and_metadata(world: World) -> None:
    """What was stored last comes back as it was, with epoch 0; a partition never committed has None."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    write(bus, topic, "k", "k")
    message = read(bus, 2)[-1]
    other = Partition(topic, 1 - message.partition)
    for metadata in ("", '{"frontier":1}', "x" * MAX_METADATA):
        bus.commit({message.source: Commit(2, metadata, message.epoch)})
        assert bus.committed(message.source) == Commit(2, metadata, 0)
    assert bus.committed(other) is None


def test_metadata_that_is_too_long_is_refused(world: World) -> None:
    """One character over the limit is a ValueError, and nothing is stored."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    join(bus)
    source, epoch = next(iter(bus.assignment().items()))
    with pytest.raises(ValueError, match="metadata"):
        bus.commit({source: Commit(0, "x" * (MAX_METADATA + 1), epoch)})
    assert bus.committed(source) is None


def test_groups_do_not_share_their_positions(world: World) -> None:
    """A second group reads everything, whatever the first committed."""
    topic = world.topic("t")
    one, other = world.bus("one", topic), world.bus("other", topic)
    write(one, topic, "k", "k")
    one.commit(ahead(read(one, 2)))
    assert len(read(other, 2)) == 2


def test_a_stale_epoch_commits_nothing(world: World) -> None:
    """A commit of another epoch than the present one's is dropped without a word, beside one that counts."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    join(bus)
    stale, good = sorted(bus.assignment())
    epochs = bus.assignment()
    for wrong in (epochs[stale] - 1, epochs[stale] + 1, 0):
        bus.commit({stale: Commit(0, "stale", wrong), good: Commit(0, "good", epochs[good])})
        assert bus.committed(stale) is None
    assert bus.committed(good) == Commit(0, "good", 0)
    bus.commit({Partition(topic, 7): Commit(0, "", 1)})


def test_messages_carry_the_epoch_of_their_partition(world: World) -> None:
    """Epochs are told on assignment, before the first message, and stand on each message."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    told = listen(bus)
    write(bus, topic, *[f"k{n}" for n in range(20)])
    messages = read(bus, 20)
    epochs = {partition: epoch for new in told.assigned for partition, epoch in new.items()}
    assert epochs == bus.assignment()
    assert all(message.epoch == epochs[message.source] > 0 for message in messages)


def test_the_assignment_callback_may_use_the_bus(world: World) -> None:
    """Before the first message of a partition, its callback can ask what is committed, commit, and pause it."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    write(bus, topic, "k", "k")
    seen: list[Commit | None] = []

    def begin(new: Mapping[Partition, int]) -> None:
        for partition, epoch in new.items():
            assert bus.positions()[partition] == 0
            bus.commit({partition: Commit(0, "started", epoch)})
            seen.append(bus.committed(partition))
        bus.pause(new)

    bus.on_assigned(begin)
    wait_for(lambda: seen, lambda: bus.poll(10, 0.1))
    assert seen == [Commit(0, "started", 0)]
    assert bus.poll(10, 0.5) == []
    bus.resume(bus.assignment())
    assert len(read(bus, 2)) == 2


def test_a_paused_partition_gives_nothing_and_loses_nothing(world: World) -> None:
    """Paused in the middle of a backlog it stays silent while others speak; resumed it goes on at the next message."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    write_both(bus, topic, 50)
    before = read(bus, 20, limit=20)
    held = Partition(topic, 0)
    bus.pause([held])
    position = bus.positions()[held]
    during = [message for _ in range(20) for message in bus.poll(10, 0.1)]
    assert {message.partition for message in during} == {1}
    assert (held in bus.assignment(), bus.positions()[held]) == (True, position)
    bus.resume([held])
    after = read(bus, bus.ends()[held] - position)
    offsets = [m.offset for m in before + during + after if m.partition == 0]
    assert offsets == list(range(bus.ends()[held]))


def test_since_finds_the_first_message_of_a_time(world: World) -> None:
    """Of the times of the messages themselves, of one between two, of one before all and one after all."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    source = Partition(topic, 0)
    for _ in range(3):
        write(bus, topic, "k", "k")
        time.sleep(0.05)
    messages = read(bus, 6)
    times = [message.timestamp for message in messages]
    assert times[1] < times[2] <= times[3] < times[4]
    for timestamp in times:
        assert bus.since(source, timestamp) == times.index(timestamp)
    assert bus.since(source, times[3] + 1) == 4
    assert bus.since(source, times[0] - 100_000) == bus.since(source, 0) == 0
    assert bus.since(source, times[-1] + 1) == 6
    world.delete_before(Place(topic, 0, 3))
    assert bus.since(source, times[0]) == 3


def test_seek_goes_on_at_an_offset(world: World) -> None:
    """Back and forth, with messages fetched and waiting; the other partition goes on undisturbed, nothing twice."""
    topic = world.topic("t", 2)
    bus = world.bus("g", topic)
    write_both(bus, topic, 150)
    before = read(bus, 60, limit=7)
    there, other = Partition(topic, 0), Partition(topic, 1)
    for offset in (5, 40, 3):
        bus.seek(there, offset)
        assert bus.positions()[there] == offset
        mine: list[int] = []
        while len(mine) < 6:
            came = bus.poll(6, 5)
            mine += [message.offset for message in came if message.source == there]
            before += [message for message in came if message.source == other]
        assert mine == list(range(offset, offset + len(mine)))
    rest = read(bus, sum(bus.ends().values()) - sum(bus.positions().values()))
    theirs = [message.offset for message in before + rest if message.source == other]
    assert theirs == list(range(bus.ends()[other]))
    assert [m.offset for m in rest if m.source == there][-1] == bus.ends()[there] - 1


def test_seek_in_the_assignment_callback(world: World) -> None:
    """Before the first message of a partition, its reader can go back behind what is committed."""
    topic = world.topic("t")
    first = world.bus("g", topic)
    write(first, topic, *["k"] * 10)
    first.commit(ahead(read(first, 8, limit=8)))
    first.close()
    second = world.bus("g", topic)
    second.on_assigned(lambda new: [second.seek(partition, 5) for partition in new])
    assert [message.offset for message in read(second, 5)] == [5, 6, 7, 8, 9]


def test_fetch_gives_exactly_that_message(world: World) -> None:
    """Single places are read outside the group, in any order, without moving its position."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    write(bus, topic, *["k"] * 20)
    for offset in (19, 0, 7, 8, 7):
        message = bus.fetch(Place(topic, 0, offset))
        assert (message.place, message.value) == (Place(topic, 0, offset), str(offset).encode())
    assert [m.offset for m in read(bus, 20)] == list(range(20))


def test_fetch_of_what_is_not_there_says_gone(world: World) -> None:
    """A deleted, a future, a negative place and a partition that does not exist are Gone, never another message."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    write(bus, topic, *["k"] * 10)
    world.delete_before(Place(topic, 0, 6))
    for number, offset in ((0, 5), (0, 10), (0, 900), (0, -1), (3, 0)):
        with pytest.raises(Gone):
            bus.fetch(Place(topic, number, offset))
    assert bus.fetch(Place(topic, 0, 6)).value == b"6"
    write(bus, topic, "k")
    assert bus.fetch(Place(topic, 0, 10)).value == b"0"


def test_reading_begins_at_the_first_message_left(world: World) -> None:
    """Where the committed position is deleted, the first message left comes next, and the position says so."""
    topic = world.topic("t")
    first = world.bus("g", topic)
    write(first, topic, *["k"] * 10)
    first.commit(ahead(read(first, 2, limit=2)))
    first.close()
    world.delete_before(Place(topic, 0, 5))
    second = world.bus("g", topic)
    second.on_assigned(second.pause)
    join(second)
    assert second.positions() == {Partition(topic, 0): 5}
    second.resume(second.assignment())
    assert [m.offset for m in read(second, 5)] == [5, 6, 7, 8, 9]


def test_a_table_is_the_last_of_each_key(world: World) -> None:
    """All partitions are read to their present end; the last value of a key counts, and a null deletes it."""
    topic = world.topic("t", 3)
    bus = world.bus("g", world.topic("other"))
    assert bus.table(topic) == {}
    write(bus, topic, *[f"k{n % 30}" for n in range(90)])
    bus.publish(topic, "k3", None)
    bus.publish(topic, "k4", None)
    bus.publish(topic, "k4", b"back")
    bus.flush()
    table = bus.table(topic)
    assert {key: message.value for key, message in table.items()} == {
        f"k{n}": b"back" if n == 4 else str(60 + n).encode() for n in range(30) if n != 3
    }


def test_a_second_member_takes_over_its_share(world: World) -> None:
    """It gets a partition that the first hands over; what was handed over is read from where the first committed."""
    topic = world.topic("t", 2)
    first, second = world.bus("g", topic), world.bus("g", topic)
    write(first, topic, *[f"k{n}" for n in range(40)])
    before = read(first, 40)
    ends = first.ends()
    kept = listen(first, lambda ps: {p: Commit(ends[p] - 3, "last", first.assignment()[p]) for p in ps})
    new = listen(second)
    again = join(first, second)
    assert set(first.assignment()) | set(second.assignment()) == set(ends)
    assert not set(first.assignment()) & set(second.assignment())
    assert set(second.assignment()) <= set(kept.revoked)
    moved = next(iter(second.assignment()))
    assert second.committed(moved) == Commit(ends[moved] - 3, "last", 0)
    assert second.positions()[moved] == ends[moved]
    for partition in kept.revoked:
        came = [message.offset for message in again if message.source == partition]
        assert came == list(range(ends[partition] - 3, ends[partition]))
    assert (len(before), new.revoked, new.lost, kept.lost) == (40, [], [], [])


def test_the_old_reader_commits_nothing_after_the_hand_over(world: World) -> None:
    """Its commits under the epoch it once had are dropped, though it still is a member of the group."""
    topic = world.topic("t", 2)
    first, second = world.bus("g", topic), world.bus("g", topic)
    write(first, topic, *[f"k{n}" for n in range(40)])
    before = read(first, 40)
    join(first, second)
    moved = next(iter(second.assignment()))
    second.commit({moved: Commit(second.ends()[moved], "mine", second.assignment()[moved])})
    first.commit(ahead([m for m in before if m.offset < 3], "stale"))
    assert second.committed(moved) == Commit(second.ends()[moved], "mine", 0)


def test_epochs_only_grow(world: World) -> None:
    """A partition that goes and comes back has a greater epoch than before, and begins at what is committed."""
    topic = world.topic("t", 2)
    first, second = world.bus("g", topic), world.bus("g", topic)
    write(first, topic, *[f"k{n}" for n in range(40)])
    read(first, 40)
    old = first.assignment()
    join(first, second)
    moved = next(iter(second.assignment()))
    assert second.assignment()[moved] > 0
    second.close()
    wait_for(lambda: moved in first.assignment(), lambda: first.poll(1, 0.1))
    assert first.assignment()[moved] > old[moved]


def test_leaving_hands_over_at_once(world: World) -> None:
    """After close the others have the partitions within seconds, not a session's end, and no callback is made."""
    topic = world.topic("t", 2)
    first, second = world.bus("g", topic), world.bus("g", topic)
    join(first, second)
    told = listen(second)
    second.close()
    began = time.monotonic()
    wait_for(lambda: len(first.assignment()) == 2, lambda: first.poll(10, 0.1))
    assert time.monotonic() - began < 5
    assert (told.revoked, told.lost) == ([], [])


def test_what_a_callback_raises_comes_out_of_poll(world: World) -> None:
    """An error in a hand-over is the poller's to see, as it was raised."""
    topic = world.topic("t", 2)
    first, second = world.bus("g", topic), world.bus("g", topic)
    join(first)

    def refuse(_: Collection[Partition]) -> Mapping[Partition, Commit]:
        raise LookupError("cannot let go")

    first.on_revoked(refuse)
    with pytest.raises(LookupError, match="cannot let go"):
        wait_for(lambda: False, lambda: (second.poll(1, 0.1), first.poll(1, 0.1)))
