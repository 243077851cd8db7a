"""A bus in memory: Kafka's twin for tests and the demo, held to the same contract test."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from worker.bus import (
    MAX_METADATA,
    MAX_VALUE_BYTES,
    Commit,
    CommitFailed,
    Gone,
    Headers,
    Message,
    Partition,
    Turns,
    Unavailable,
)
from worker.records import Place


@dataclass
class _Lane:
    """One partition: the messages still kept, the first of them at offset ``start``."""

    start: int = 0
    kept: list[Message] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.start + len(self.kept)


@dataclass
class _Group:
    """``wanted`` says who shall read a partition, ``owner`` who still holds it."""

    members: list[MemoryBus] = field(default_factory=list)
    wanted: dict[Partition, MemoryBus] = field(default_factory=dict)
    owner: dict[Partition, MemoryBus] = field(default_factory=dict)
    committed: dict[Partition, Commit] = field(default_factory=dict)


class MemoryLog:
    """The broker: topics of partitions and consumer groups, all in this process.

    A topic is made at its first use, with as many partitions as ``topics`` says for it, else ``partitions``.
    While ``down`` is set nothing answers. ``clock`` gives epoch seconds for the timestamps.
    """

    def __init__(
        self, partitions: int = 1, topics: Mapping[str, int] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.down = False
        self.changed = threading.Condition(threading.RLock())
        self._partitions, self._sizes, self._clock = partitions, dict(topics or {}), clock
        self._topics: dict[str, list[_Lane]] = {}
        self._groups: dict[str, _Group] = {}

    def append(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> Place:
        """Write a message as some other producer would, and say where it lies."""
        with self.changed:
            lanes = self.lanes(topic)
            hashed = zlib.crc32(key.encode()) if key is not None else sum(lane.end for lane in lanes)
            number = hashed % len(lanes)
            place = Place(topic, number, lanes[number].end)
            lanes[number].kept.append(Message(*place, 0, key, value, headers, int(self._clock() * 1000)))
            self.changed.notify_all()
            return place

    def messages(self, topic: str) -> list[Message]:
        """Everything still kept in a topic, partition by partition (epoch 0)."""
        with self.changed:
            return [message for lane in self.lanes(topic) for message in lane.kept]

    def delete_before(self, place: Place) -> None:
        """Delete the messages of a partition before an offset, as retention does."""
        with self.changed:
            lane = self.lane(Partition(place.topic, place.partition))
            del lane.kept[: max(0, place.offset - lane.start)]
            lane.start = max(lane.start, place.offset)

    def take(self, group: str, partition: Partition, *, lost: bool = False, to: MemoryBus | None = None) -> None:
        """Take a partition from its reader, in its next poll or (``lost``) at once, and give it ``to`` one or none."""
        with self.changed:
            there = self.group(group)
            there.wanted.pop(partition, None)
            if to is not None:
                there.wanted[partition] = to
            if lost:
                there.owner.pop(partition, None)
            self.changed.notify_all()

    def rebalance(self, group: str) -> None:
        """Spread all partitions over the members anew; who has one keeps it as far as the shares stay even."""
        with self.changed:
            there = self.group(group)
            topics = sorted({topic for member in there.members for topic in member.topics})
            partitions = [Partition(topic, n) for topic in topics for n in range(len(self.lanes(topic)))]
            shares: dict[MemoryBus, int] = dict.fromkeys(there.members, 0)
            most = -(-len(partitions) // max(1, len(shares)))
            wanted: dict[Partition, MemoryBus] = {}
            for partition in sorted(partitions, key=lambda one: one not in there.owner):
                owner = there.owner.get(partition)
                keeps = owner if owner in shares and shares[owner] < most else None
                wanted[partition] = reader = keeps or min(shares, key=lambda one: shares[one])
                shares[reader] += 1
            there.wanted = wanted
            self.changed.notify_all()

    def lanes(self, topic: str) -> list[_Lane]:
        if topic not in self._topics:
            self._topics[topic] = [_Lane() for _ in range(self._sizes.get(topic, self._partitions))]
        return self._topics[topic]

    def lane(self, partition: Partition) -> _Lane:
        return self.lanes(partition.topic)[partition.number]

    def group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group())

    def answer(self) -> None:
        if self.down:
            raise Unavailable("the log is down")


class MemoryBus:
    """A member of a group on a MemoryLog. It joins with its first poll, as Kafka's do."""

    def __init__(self, log: MemoryLog, group: str, topics: Collection[str]) -> None:
        self.topics = tuple(topics)
        self._log, self._group, self._turns = log, log.group(group), Turns()
        self._name, self._epoch, self._joined = group, 0, False
        self._epochs: dict[Partition, int] = {}
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._assigned: Callable[[Mapping[Partition, int]], None] = lambda _: None
        self._revoked: Callable[[Collection[Partition]], Mapping[Partition, Commit]] = lambda _: {}
        self._lost: Callable[[Collection[Partition]], None] = lambda _: None

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None:
        if value is not None and len(value) > MAX_VALUE_BYTES:
            raise ValueError(f"a value of {len(value)} bytes is larger than {MAX_VALUE_BYTES}")
        if key is None and value is None:
            raise ValueError("a record without a value needs a key")
        self._log.answer()
        self._log.append(topic, key, value, headers)

    def flush(self) -> None:
        self._log.answer()

    def poll(self, limit: int, timeout: float) -> list[Message]:
        deadline = time.monotonic() + timeout
        while True:
            if not self._log.down:
                self._rebalance()
            with self._log.changed:
                batch = [] if self._log.down else self._take(limit)
                left = deadline - time.monotonic()
                if batch or left <= 0:
                    return batch
                if not self._moving():
                    self._log.changed.wait(left)

    def fetch(self, place: Place) -> Message:
        self._log.answer()
        with self._log.changed:
            lanes = self._log.lanes(place.topic)
            lane = lanes[place.partition] if 0 <= place.partition < len(lanes) else _Lane()
            if not lane.start <= place.offset < lane.end:
                raise Gone(f"no message at {place}")
            return lane.kept[place.offset - lane.start]

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        if any(len(commit.metadata) > MAX_METADATA for commit in commits.values()):
            raise ValueError(f"metadata of more than {MAX_METADATA} characters")
        self._log.answer()
        with self._log.changed:
            if self._moving():
                raise CommitFailed("a rebalance is due: poll first")
            self._store(commits)

    def committed(self, partition: Partition) -> Commit | None:
        self._log.answer()
        return self._group.committed.get(partition)

    def table(self, topic: str) -> dict[str, Message]:
        self._log.answer()
        last = {message.key: message for message in self._log.messages(topic)}
        return {key: message for key, message in last.items() if key is not None and message.value is not None}

    def assignment(self) -> dict[Partition, int]:
        return dict(self._epochs)

    def positions(self) -> dict[Partition, int]:
        with self._log.changed:
            return {partition: self._position(partition) for partition in self._epochs}

    def since(self, partition: Partition, timestamp: int) -> int:
        self._log.answer()
        with self._log.changed:
            lane = self._log.lane(partition)
            return next((message.offset for message in lane.kept if message.timestamp >= timestamp), lane.end)

    def seek(self, partition: Partition, offset: int) -> None:
        with self._log.changed:
            self._positions[partition] = offset

    def ends(self) -> dict[Partition, int]:
        with self._log.changed:
            return {partition: self._log.lane(partition).end for partition in self._epochs}

    def pause(self, partitions: Collection[Partition]) -> None:
        self._paused |= set(partitions) & set(self._epochs)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._paused -= set(partitions)

    def on_assigned(self, callback: Callable[[Mapping[Partition, int]], None]) -> None:
        self._assigned = callback

    def on_revoked(self, callback: Callable[[Collection[Partition]], Mapping[Partition, Commit]]) -> None:
        self._revoked = callback

    def on_lost(self, callback: Callable[[Collection[Partition]], None]) -> None:
        self._lost = callback

    def close(self) -> None:
        with self._log.changed:
            self._drop([partition for partition, owner in self._group.owner.items() if owner is self])
            self._epochs.clear()
            if self in self._group.members:
                self._group.members.remove(self)
                self._log.rebalance(self._name)

    def _rebalance(self) -> None:
        if not self._joined:
            self._joined = True
            self._group.members.append(self)
            self._log.rebalance(self._name)
        lost, leaving = self._going()
        if lost:
            self._drop(lost)
            self._lost(lost)
        if leaving:
            last = self._revoked(leaving)
            with self._log.changed:
                self._store(last)
                self._drop(leaving)
        if new := self._take_over():
            self._assigned(new)

    def _going(self) -> tuple[list[Partition], list[Partition]]:
        """What was taken from us by force, and what we shall hand over."""
        with self._log.changed:
            owner, wanted = self._group.owner, self._group.wanted
            lost = [partition for partition in self._epochs if owner.get(partition) is not self]
            return lost, [one for one in self._epochs if one not in lost and wanted.get(one) is not self]

    def _moving(self) -> bool:
        return any(self._going()) or bool(self._free())

    def _free(self) -> list[Partition]:
        return [one for one, to in self._group.wanted.items() if to is self and one not in self._group.owner]

    def _take_over(self) -> dict[Partition, int]:
        with self._log.changed:
            new = self._free()
            for partition in new:
                self._epoch += 1
                self._group.owner[partition], self._epochs[partition] = self, self._epoch
                stored = self._group.committed.get(partition)
                self._positions[partition] = stored.offset if stored else 0
            return {partition: self._epochs[partition] for partition in new}

    def _drop(self, partitions: Collection[Partition]) -> None:
        with self._log.changed:
            for partition in partitions:
                self._epochs.pop(partition, None)
                self._paused.discard(partition)
                if self._group.owner.get(partition) is self:
                    del self._group.owner[partition]
            self._log.changed.notify_all()

    def _store(self, commits: Mapping[Partition, Commit]) -> None:
        for partition, commit in commits.items():
            if self._epochs.get(partition) == commit.epoch:
                self._group.committed[partition] = commit._replace(epoch=0)

    def _position(self, partition: Partition) -> int:
        """Where we read on; the first message left where ours is deleted or was never written."""
        lane, position = self._log.lane(partition), self._positions[partition]
        return position if lane.start <= position <= lane.end else lane.start

    def _take(self, limit: int) -> list[Message]:
        for partition in self._epochs:
            self._positions[partition] = self._position(partition)
        ends = self.ends()
        waiting = {one: ends[one] - self._positions[one] for one in self._epochs if one not in self._paused}
        return [self._next(partition) for partition in self._turns.take(waiting, limit)]

    def _next(self, partition: Partition) -> Message:
        lane, position = self._log.lane(partition), self._positions[partition]
        self._positions[partition] = position + 1
        return lane.kept[position - lane.start]._replace(epoch=self._epochs[partition])
