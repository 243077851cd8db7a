"""The consumer in a group: fair batches, epochs, and what happens when partitions come and go."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import IllegalStateError, KafkaError
from kafka.structs import MemberState, OffsetAndMetadata

from worker.bus import MAX_METADATA, MAX_VALUE_BYTES, Commit, Message, Partition, Turns, Unavailable
from worker.kafka_bus.client import MOVING, PASSING, KafkaSettings, message_of, need_topics, open_client

BUFFER_MESSAGES, BUFFER_BYTES = 64, 2 * MAX_VALUE_BYTES
"""What is held of one partition before it is paused in the consumer. Kafka keeps the rest."""

SLICE_S = 0.1
"""The consumer is asked in slices, so that assignment callbacks never wait for a message."""

JOINING_S = 5.0
"""How much longer than asked ``poll`` waits while the group rebalances: there is nothing to give then, and
kafka-python 3.0.12 begins a join anew that ends between two polls, which may start the next rebalance."""

# A record larger than these limits comes all the same, alone (since Kafka 0.10.1).
_GROUP = {
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "max_poll_interval_ms": 60_000,  # a member that hangs keeps all others waiting for so long
    "partition_assignment_strategy": [RangePartitionAssignor],
    "max_partition_fetch_bytes": 1024 * 1024,
    "fetch_max_bytes": 16 * 1024 * 1024,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


def _session(settings: KafkaSettings) -> dict[str, int]:
    session = int(settings.session_timeout_s * 1000)
    return {"session_timeout_ms": session, "heartbeat_interval_ms": min(3000, session // 3)}


@dataclass
class _Lane:
    """An assigned partition: what is read of it and not yet given out, and where that leads."""

    epoch: int
    position: int
    end: int
    waiting: deque[Message] = field(default_factory=deque)
    bytes: int = 0

    @property
    def full(self) -> bool:
        return len(self.waiting) >= BUFFER_MESSAGES or self.bytes >= BUFFER_BYTES

    def keep(self, message: Message) -> None:
        self.waiting.append(message)
        self.bytes += len(message.value or b"")

    def give(self) -> Message:
        message = self.waiting.popleft()
        self.bytes -= len(message.value or b"")
        self.position = message.offset + 1
        return message


class Member(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """The consumer in the group, with its own small buffer per partition.

    The assignor is Range, which is eager: everybody hands everything over before anybody gets
    anything, so no commit of an older epoch can follow one of a newer. (Cooperative-sticky of
    kafka-python 3.0.12 may rejoin as a new member and keep its partitions without a word.)

    kafka-python keeps the position and the pause of a partition that comes back to the same member;
    work that was dropped would never be read again. So each new epoch begins at what is committed.
    """

    def __init__(self, settings: KafkaSettings, group: str, topics: Collection[str]) -> None:
        self.lanes: dict[Partition, _Lane] = {}
        self.paused: set[Partition] = set()
        self.assigned: Callable[[Mapping[Partition, int]], None] = lambda _: None
        self.revoked: Callable[[Collection[Partition]], Mapping[Partition, Commit]] = lambda _: {}
        self.lost: Callable[[Collection[Partition]], None] = lambda _: None
        self._timeout_ms, self._epoch, self._closed, self._turns = settings.timeout_ms, 0, False, Turns()
        self._arriving: set[Partition] = set()
        self._gone: list[Partition] = []
        self._consumer = open_client(KafkaConsumer, **settings.client(), **_GROUP, group_id=group, **_session(settings))
        self._consumer.subscribe(topics=sorted(topics), listener=self)
        try:
            need_topics(self._consumer, topics)
        except Unavailable:
            self.close()
            raise

    def poll(self, limit: int, timeout: float) -> list[Message]:
        deadline = time.monotonic() + timeout
        while True:
            left = SLICE_S if self._joining() else max(0.0, deadline - time.monotonic())
            self._read(0.0 if self._waiting(limit) else min(left, SLICE_S))
            batch = self._take(limit)
            if batch or time.monotonic() >= deadline + (JOINING_S if self._joining() else 0.0):
                return batch

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        if offsets := self._offsets(commits):
            self._consumer.commit(offsets, timeout_ms=self._timeout_ms)

    def committed(self, partition: Partition) -> Commit | None:
        stored = self._consumer.committed(TopicPartition(*partition), metadata=True, timeout_ms=self._timeout_ms)
        return Commit(stored.offset, stored.metadata, 0) if stored is not None else None

    def positions(self) -> dict[Partition, int]:
        return {partition: self._position(partition, lane) for partition, lane in self.lanes.items()}

    def since(self, partition: Partition, timestamp: int) -> int:
        there = TopicPartition(*partition)
        found = self._consumer.offsets_for_times({there: max(0, timestamp)}, timeout_ms=self._timeout_ms)[there]
        if found is not None:
            return int(found.offset)
        return int(self._consumer.end_offsets([there], timeout_ms=self._timeout_ms)[there])

    def seek(self, partition: Partition, offset: int) -> None:
        """What of the partition was fetched from elsewhere is dropped, by kafka-python too."""
        lane = self.lanes[partition]
        lane.waiting.clear()
        lane.bytes, lane.position = 0, offset
        self._consumer.seek(TopicPartition(*partition), offset)

    def ends(self) -> dict[Partition, int]:
        for partition, lane in self.lanes.items():
            with suppress(IllegalStateError):
                lane.end = self._consumer.highwater(TopicPartition(*partition)) or lane.end
        return {partition: lane.end for partition, lane in self.lanes.items()}

    def close(self) -> None:
        self._closed = True
        self.lanes.clear()
        with suppress(KafkaError):
            self._consumer.close(timeout_ms=self._timeout_ms)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """On the I/O thread, inside ``poll``: hand over and commit while the group still takes it from us."""
        leaving = self._leave(revoked)
        if not leaving or self._closed:
            return
        try:
            offsets = self._offsets(self.revoked(leaving))
            if offsets:
                await self._consumer.commit_async(offsets)
        except (*MOVING, *PASSING):
            pass  # not stored, so whoever reads the partitions next does that work again
        finally:
            self._drop(leaving)

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        gone = self._leave(lost)
        self._drop(gone)
        self._gone += gone

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._consumer.pause(*assigned)
        self._arriving |= {Partition(*one) for one in assigned}

    def _read(self, wait: float) -> None:
        try:
            self._set_pauses()
            self._keep(self._ask(wait))
            self._settle()
        except (*MOVING, *PASSING):
            time.sleep(wait)

    def _ask(self, wait: float) -> dict[TopicPartition, list[Any]]:
        """All that was fetched, which the sizes in ``_GROUP`` bound. Never a part of it: kafka-python 3.0.12
        forgets the rest of a half-read fetch when its partition is paused and resumed."""
        try:
            found: dict[TopicPartition, list[Any]] = self._consumer.poll(int(wait * 1000), max_records=sys.maxsize)
        except KafkaError as error:
            if error.__cause__ is not None and not isinstance(error.__cause__, KafkaError):
                raise error.__cause__ from None  # out of on_revoked, wrapped by kafka-python
            raise
        return found

    def _keep(self, records: Mapping[TopicPartition, Iterable[Any]]) -> None:
        for source, found in records.items():
            if lane := self.lanes.get(Partition(*source)):
                for record in found:
                    lane.keep(message_of(record, lane.epoch))

    def _settle(self) -> None:
        """Tell what was lost, and begin what was assigned."""
        gone, self._gone = self._gone, []
        if gone:
            self.lost(gone)
        if self._arriving:
            new = self._starts(sorted(self._arriving))
            self._arriving.clear()
            self.lanes |= new
            self.assigned({partition: lane.epoch for partition, lane in new.items()})

    def _starts(self, partitions: Sequence[Partition]) -> dict[Partition, _Lane]:
        """Where to begin: at what is committed, or at the first message kept if that is deleted or unwritten."""
        there = [TopicPartition(*one) for one in partitions]
        firsts = self._consumer.beginning_offsets(there, timeout_ms=self._timeout_ms)
        ends = self._consumer.end_offsets(there, timeout_ms=self._timeout_ms)
        stored = {one: self._consumer.committed(one, timeout_ms=self._timeout_ms) for one in there}
        lanes = {}
        for partition, one in zip(partitions, there, strict=True):
            known = stored[one] is not None and firsts[one] <= stored[one] <= ends[one]
            start = stored[one] if known else firsts[one]
            self._consumer.seek(one, start)
            self._epoch += 1
            lanes[partition] = _Lane(self._epoch, start, ends[one])
        return lanes

    def _set_pauses(self) -> None:
        there, now = self._consumer.assignment(), self._consumer.paused()
        full = {partition for partition, lane in self.lanes.items() if lane.full}
        still = {one for one in there if Partition(*one) in full | self.paused | self._arriving}
        self._consumer.pause(*(still - now))
        self._consumer.resume(*(now - still))

    def _joining(self) -> bool:
        return bool(self._consumer.group_metadata().state is MemberState.REBALANCING)

    def _waiting(self, limit: int) -> dict[Partition, int]:
        there = {one: lane for one, lane in self.lanes.items() if one not in self.paused}
        return {partition: min(limit, len(lane.waiting)) for partition, lane in there.items() if lane.waiting}

    def _take(self, limit: int) -> list[Message]:
        return [self.lanes[partition].give() for partition in self._turns.take(self._waiting(limit), limit)]

    def _position(self, partition: Partition, lane: _Lane) -> int:
        if lane.waiting:
            return lane.waiting[0].offset
        with suppress(KafkaError, KeyError):
            behind = self._consumer.position(TopicPartition(*partition), timeout_ms=0)
            return max(lane.position, behind or 0)
        return lane.position

    def _offsets(self, commits: Mapping[Partition, Commit]) -> dict[TopicPartition, OffsetAndMetadata]:
        if any(len(commit.metadata) > MAX_METADATA for commit in commits.values()):
            raise ValueError(f"metadata of more than {MAX_METADATA} characters")
        return {
            TopicPartition(*partition): OffsetAndMetadata(commit.offset, commit.metadata, -1)
            for partition, commit in commits.items()
            if partition in self.lanes and self.lanes[partition].epoch == commit.epoch
        }

    def _leave(self, partitions: Iterable[TopicPartition]) -> list[Partition]:
        """Forget those that nobody was told of yet; the others are what callbacks must hear of."""
        leaving = {Partition(*one) for one in partitions}
        self._arriving -= leaving
        return sorted(leaving & set(self.lanes))

    def _drop(self, partitions: Iterable[Partition]) -> None:
        for partition in partitions:
            del self.lanes[partition]
            self.paused.discard(partition)
