"""The bus on Apache Kafka.

Three clients, because each may be used from where the others may not: a consumer in the group (one
thread), a producer (any thread), and a consumer outside the group for single places (any thread, one
at a time). What kafka-python says of a silent broker becomes ``Unavailable`` here, and what it says of
a moving group ``CommitFailed``; any other ``KafkaError`` is a fault that waiting does not mend.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from kafka.errors import KafkaError

from worker.bus import Commit, Message, Partition
from worker.kafka_bus.client import KafkaSettings, answers, trouble
from worker.kafka_bus.member import Member
from worker.kafka_bus.outbox import Outbox
from worker.kafka_bus.reader import Reader


class KafkaBus:
    """A member of a consumer group that also publishes. See ``worker.bus.Bus`` for the promises.

    ``on_revoked`` is called on kafka-python's I/O thread while ``poll`` waits for it: it may not call
    this bus, and while it works no heartbeat goes out. The other callbacks run on the polling thread.
    Raises Unavailable when no broker answers or a topic is missing.
    """

    def __init__(self, settings: KafkaSettings, group: str, topics: Collection[str]) -> None:
        self._settings = settings
        with trouble():
            self._member = Member(settings, group, topics)
            try:
                self._outbox, self._reader = Outbox(settings), Reader(settings)
            except KafkaError:
                self._member.close()
                raise
        self.publish, self.flush = self._outbox.publish, self._outbox.flush
        self.fetch, self.table = self._reader.fetch, self._reader.table

    def poll(self, limit: int, timeout: float) -> list[Message]:
        return self._member.poll(limit, timeout)

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        with trouble():
            self._member.commit(commits)

    def committed(self, partition: Partition) -> Commit | None:
        with trouble():
            return self._member.committed(partition)

    def assignment(self) -> dict[Partition, int]:
        return {partition: lane.epoch for partition, lane in self._member.lanes.items()}

    def positions(self) -> dict[Partition, int]:
        return self._member.positions()

    def since(self, partition: Partition, timestamp: int) -> int:
        with trouble():
            return self._member.since(partition, timestamp)

    def seek(self, partition: Partition, offset: int) -> None:
        self._member.seek(partition, offset)

    def ends(self) -> dict[Partition, int]:
        return self._member.ends()

    def pause(self, partitions: Collection[Partition]) -> None:
        self._member.paused |= set(partitions) & set(self._member.lanes)

    def resume(self, partitions: Collection[Partition]) -> None:
        self._member.paused -= set(partitions)

    def on_assigned(self, callback: Callable[[Mapping[Partition, int]], None]) -> None:
        self._member.assigned = callback

    def on_revoked(self, callback: Callable[[Collection[Partition]], Mapping[Partition, Commit]]) -> None:
        self._member.revoked = callback

    def on_lost(self, callback: Callable[[Collection[Partition]], None]) -> None:
        self._member.lost = callback

    def ping(self, timeout: float = 2.0) -> bool:
        """Whether a broker answers within ``timeout`` seconds. From any thread; about 15 ms when it does."""
        return answers(self._settings, timeout)

    def close(self) -> None:
        self._member.close()
        self._outbox.close()
        self._reader.close()
