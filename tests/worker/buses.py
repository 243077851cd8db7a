"""What the bus tests run on: a log in memory, and a real Kafka, behind the same few calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from kafka import KafkaAdminClient, TopicPartition

from worker.bus import Bus, Message, Partition
from worker.kafka_bus import KafkaBus, KafkaSettings, TopicSpec, create_topics
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Place

PATIENCE = 30.0


class World(Protocol):
    """A broker of some kind. ``bus`` makes a member of a group, closed at the end of the test."""

    def topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str: ...

    def bus(self, group: str, *topics: str) -> Bus: ...

    def delete_before(self, place: Place) -> None: ...

    def close(self) -> None: ...


class MemoryWorld:
    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._log: MemoryLog | None = None
        self._buses: list[MemoryBus] = []

    @property
    def log(self) -> MemoryLog:
        self._log = self._log or MemoryLog(topics=self._sizes)
        return self._log

    def topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:  # noqa: ARG002
        assert self._log is None, "make the topics first"
        self._sizes[name] = partitions
        return name

    def bus(self, group: str, *topics: str) -> MemoryBus:
        self._buses.append(MemoryBus(self.log, group, topics))
        return self._buses[-1]

    def delete_before(self, place: Place) -> None:
        self.log.delete_before(place)

    def close(self) -> None:
        for bus in self._buses:
            bus.close()


class KafkaWorld:
    def __init__(self, address: str, unique: Callable[[str], str], timeout_s: float = 10) -> None:
        self.settings = KafkaSettings(address, session_timeout_s=6, timeout_s=timeout_s)
        self._unique, self._groups = unique, dict[str, str]()
        self._buses: list[KafkaBus] = []

    def topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        name = self._unique(name)
        create_topics(self.settings, [TopicSpec(name, partitions, config or {})], replication=1)
        return name

    def group(self, name: str) -> str:
        return self._groups.setdefault(name, self._unique(name))

    def bus(self, group: str, *topics: str) -> KafkaBus:
        self._buses.append(KafkaBus(self.settings, self.group(group), topics))
        return self._buses[-1]

    def delete_before(self, place: Place) -> None:
        with self.admin() as admin:
            admin.delete_records({TopicPartition(place.topic, place.partition): place.offset})

    @contextmanager
    def admin(self) -> Iterator[Any]:
        admin = KafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        try:
            yield admin
        finally:
            admin.close()

    def close(self) -> None:
        for bus in self._buses:
            bus.close()


def write(bus: Bus, topic: str, *keys: str) -> None:
    """One message per key, its value the place in the row."""
    for n, key in enumerate(keys):
        bus.publish(topic, key, str(n).encode())
    bus.flush()


def read(bus: Bus, count: int, limit: int = 100) -> list[Message]:
    """Poll until exactly ``count`` messages have come."""
    found: list[Message] = []
    wait_for(lambda: len(found) == count, lambda: found.extend(bus.poll(min(limit, count - len(found)), 0.2)))
    return found


def wait_for(done: Callable[[], object], step: Callable[[], object], patience: float = PATIENCE) -> None:
    """Take ``step`` until ``done`` is true."""
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "waited too long"
        step()


def join(*buses: Bus) -> list[Message]:
    """Poll, each member in a thread of its own, until each has a partition and nothing moves; gives what came."""
    came: list[Message] = []
    done = threading.Event()
    seen: list[list[dict[Partition, int]]] = []

    def work(bus: Bus) -> None:
        while not done.is_set():
            came.extend(bus.poll(100, 0.1))

    threads = [threading.Thread(target=work, args=(bus,)) for bus in buses]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(seen) > 4 and all(seen[-1]) and seen[-1] == seen[-5], lambda: _look(buses, seen))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return came


def _look(buses: Sequence[Bus], seen: list[list[dict[Partition, int]]]) -> None:
    time.sleep(0.1)
    seen.append([bus.assignment() for bus in buses])
