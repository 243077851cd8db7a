"""What only a real Kafka shows: outages, members thrown out, topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from kafka.admin import MemberToRemove
from kafka.errors import MessageSizeTooLargeError

from tests.kafka.broker import Broker
from tests.worker.buses import KafkaWorld, read, wait_for, write
from worker.bus import MAX_VALUE_BYTES, Bus, Commit, CommitFailed, Message, Partition, Unavailable
from worker.kafka_bus import KafkaBus, KafkaSettings, TopicSpec, create_topics, topics
from worker.records import Place

pytestmark = pytest.mark.kafka


@pytest.fixture
def world(kafka: str, unique: Callable[[str], str]) -> Iterator[KafkaWorld]:
    made = KafkaWorld(kafka, unique)
    yield made
    made.close()


@pytest.fixture
def alone(
    own_kafka: Callable[[], Broker], unique: Callable[[str], str]
) -> Iterator[Callable[[float], tuple[Broker, KafkaWorld]]]:
    """A broker for this test alone, and a world on it with that timeout."""
    with ExitStack() as stack:

        def start(timeout_s: float) -> tuple[Broker, KafkaWorld]:
            broker = own_kafka()
            made = KafkaWorld(broker.address, unique, timeout_s)
            stack.callback(made.close)
            return broker, made

        yield start


def insist(call: Callable[[], object], patience: float = 60) -> int:
    """Do it until the broker answers, as the service does; how often it was Unavailable."""
    failed = 0
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            call()
        except Unavailable:
            failed += 1
            time.sleep(0.2)
        else:
            return failed
    raise AssertionError("the broker never answered")


def publish(bus: Bus, topic: str, *values: bytes) -> None:
    for value in values:
        bus.publish(topic, "k", value)
    bus.flush()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_work_goes_on_after_the_broker_was_killed(alone: Callable[[float], tuple[Broker, KafkaWorld]]) -> None:
    """While it is down polls are empty and all else Unavailable; started again, all is there and goes on."""
    broker, world = alone(4)
    topic = world.topic("t")
    bus = world.bus("g", topic)
    publish(bus, topic, b"before-0", b"before-1")
    before = read(bus, 2)
    bus.commit({before[0].source: Commit(1, "one", before[0].epoch)})
    broker.kill()
    began = time.monotonic()
    assert bus.poll(10, 1) == []
    assert not bus.ping(1)
    for call in (
        lambda: publish(bus, topic, b"lost?"),
        lambda: bus.commit({before[1].source: Commit(2, "", before[1].epoch)}),
        lambda: bus.committed(before[0].source),
        lambda: bus.fetch(Place(topic, 0, 0)),
        lambda: bus.table(topic),
    ):
        with pytest.raises(Unavailable):
            call()
    assert bus.poll(10, 0.5) == []
    assert time.monotonic() - began < 100
    broker.start()
    insist(lambda: publish(bus, topic, b"after-0", b"after-1"))
    insist(lambda: bus.fetch(Place(topic, 0, 0)))
    found: list[Message] = []
    wait_for(lambda: any(m.value == b"after-1" for m in found), lambda: found.extend(bus.poll(10, 0.2)), 60)
    values = [m.value for m in found if m.value != b"lost?"]
    assert values in ([b"after-0", b"after-1"], [b"before-1", b"after-0", b"after-1"])
    insist(lambda: bus.commit({found[-1].source: Commit(found[-1].offset + 1, "all", found[-1].epoch)}))
    assert bus.committed(found[-1].source) == Commit(found[-1].offset + 1, "all", 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_short_outage_costs_nothing(alone: Callable[[float], tuple[Broker, KafkaWorld]]) -> None:
    """What was published while the broker was away for a moment is written once it is back, once and in order."""
    broker, world = alone(150)
    topic = world.topic("t")
    bus = world.bus("g", topic)
    publish(bus, topic, b"0")
    broker.kill()
    for n in range(1, 20):
        bus.publish(topic, "k", str(n).encode())
    broker.start()
    bus.flush()
    assert [m.value for m in read(bus, 20)] == [str(n).encode() for n in range(20)]


def test_nobody_there_is_said_at_once() -> None:
    """Without a broker the bus cannot be made, and says so within its timeout."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        KafkaBus(KafkaSettings("127.0.0.1:9", timeout_s=1), "g", ["t"])
    assert time.monotonic() - began < 5


def test_a_missing_topic_is_named(kafka: str, unique: Callable[[str], str]) -> None:
    """A bus on a topic that nobody made, a table of one and publishing to one are refused with its name."""
    world = KafkaWorld(kafka, unique, timeout_s=2)
    with pytest.raises(Unavailable, match="no-such-topic"):
        world.bus("g", "no-such-topic")
    bus = world.bus("g", world.topic("t"))
    with pytest.raises(Unavailable, match="no-such-topic"):
        bus.table("no-such-topic")
    with pytest.raises(Unavailable, match="no-such-topic"):
        publish(bus, "no-such-topic", b"v")
    world.close()


def test_a_value_that_the_topic_refuses_is_no_outage(world: KafkaWorld) -> None:
    """Over the topic's own limit the flush fails for good, and what is published next passes."""
    topic = world.topic("t", config={"max.message.bytes": "2000"})
    bus = world.bus("g", topic)
    with pytest.raises(MessageSizeTooLargeError):
        publish(bus, topic, b"x" * 5000)
    publish(bus, topic, b"fits")
    assert [m.value for m in read(bus, 1)] == [b"fits"]


def test_a_member_thrown_out_is_told_and_starts_anew(world: KafkaWorld) -> None:
    """Its commit fails, it hears of the loss, and reads again from what was committed, at a new epoch."""
    topic = world.topic("t")
    bus = world.bus("g", topic)
    lost: list[Partition] = []
    bus.on_lost(lost.extend)
    bus.on_revoked(lambda ps: {p: Commit(2, "never", 1) for p in ps})
    publish(bus, topic, b"0", b"1", b"2")
    before = read(bus, 3)
    bus.commit({before[0].source: Commit(1, "one", before[0].epoch)})
    with world.admin() as admin:
        group = world.group("g")
        there = admin.describe_groups([group])[group]["members"]
        admin.remove_group_members(group, [MemberToRemove(member["member_id"]) for member in there])
    with pytest.raises(CommitFailed):
        bus.commit({before[0].source: Commit(3, "late", before[0].epoch)})
    again = read(bus, 2)
    assert lost == [before[0].source]
    assert [m.value for m in again] == [b"1", b"2"]
    assert again[0].epoch > before[0].epoch
    bus.commit({before[0].source: Commit(3, "stale", before[0].epoch)})
    assert bus.committed(before[0].source) == Commit(1, "one", 0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_members_lose_nothing_in_many_rebalances(world: KafkaWorld) -> None:
    """Members come and go while messages are read and committed: each message is read, and commits never go back."""
    topic = world.topic("t", 3)
    steady = world.bus("g", topic)
    seen: set[tuple[int, int]] = set()
    highest: dict[Partition, int] = {}

    def work(bus: KafkaBus) -> None:
        batch = bus.poll(20, 0.05)
        seen.update((m.partition, m.offset) for m in batch)
        done = {m.source: Commit(m.offset + 1, "", m.epoch) for m in batch}
        try:
            bus.commit(done)
        except CommitFailed:
            return
        for source in done:
            stored = bus.committed(source)
            assert stored is not None
            assert stored.offset >= highest.get(source, 0)
            highest[source] = stored.offset

    for _ in range(2):
        write(steady, topic, *[f"k{n}" for n in range(200)])
        guest = world.bus("g", topic)
        wait_for(lambda guest=guest: guest.assignment(), lambda guest=guest: (work(steady), work(guest)))
        for _ in range(5):
            work(steady)
            work(guest)
        guest.close()
    wait_for(lambda: len(seen) == 400, lambda: work(steady))


def test_topics_are_made_once_and_compared(world: KafkaWorld, unique: Callable[[str], str]) -> None:
    """What is missing is made, what is there is left alone, and what differs is said, key by key."""
    one, two = TopicSpec(unique("one"), 2, {"retention.ms": "60000"}), TopicSpec(unique("two"), 1)
    made = create_topics(world.settings, [one], replication=1)
    assert (made.created, made.existing, made.differs) == ((one.name,), (), {})
    again = create_topics(world.settings, [one, two], replication=1)
    assert (again.created, again.existing, again.differs) == ((two.name,), (one.name,), {})
    other = TopicSpec(one.name, 3, {"retention.ms": "1", "cleanup.policy": "delete"})
    found = create_topics(world.settings, [other], replication=1)
    assert found.differs == {one.name: ("partitions is 2, not 3", "retention.ms is 60000, not 1")}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_our_topics_can_be_made(own_kafka: Callable[[], Broker]) -> None:
    """The broker takes every topic as specified, and finds it unchanged the next time."""
    settings = KafkaSettings(own_kafka().address)
    specs = topics(3)
    assert create_topics(settings, specs, replication=1).created == tuple(spec.name for spec in specs)
    again = create_topics(settings, specs, replication=1)
    assert (again.existing, again.differs) == (tuple(spec.name for spec in specs), {})
    bus = KafkaBus(settings, "g", ["live.audio"])
    for topic in ("live.audio", "moderation.dead-letters"):
        bus.publish(topic, "s", bytes(MAX_VALUE_BYTES), (("reason", b"x" * 1000),))
    bus.flush()
    bus.close()


def test_a_password_is_not_shown() -> None:
    """Settings can be logged: the password is not in their text."""
    assert "secret" not in repr(KafkaSettings("h:1", sasl_password="secret"))  # noqa: S106
