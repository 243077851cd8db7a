"""The bus: where messages come from and where results go.

The protocol is here; Kafka is in kafka_bus/, its twin in memory in memory_bus.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, Protocol

from worker.records import Place

Headers = tuple[tuple[str, bytes], ...]

MAX_VALUE_BYTES = 4 * 1024 * 1024
"""The largest value a record may carry; a longer one is a ValueError in ``publish``."""

MAX_METADATA = 4096
"""The most characters a commit can remember (Kafka's ``offset.metadata.max.bytes``); more is a ValueError."""


class Partition(NamedTuple):
    topic: str
    number: int


class Message(NamedTuple):
    """One record of a topic. ``epoch`` names the assignment of its partition under which it was read.

    A null ``value`` deletes its key from a table. ``timestamp`` is the broker's, in epoch milliseconds.
    """

    topic: str
    partition: int
    offset: int
    epoch: int
    key: str | None
    value: bytes | None
    headers: Headers
    timestamp: int

    @property
    def source(self) -> Partition:
        return Partition(self.topic, self.partition)

    @property
    def place(self) -> Place:
        return Place(self.topic, self.partition, self.offset)


class Commit(NamedTuple):
    """How far a partition is done: the next offset to read, what to remember, and the epoch it was read under."""

    offset: int
    metadata: str
    epoch: int


class Gone(Exception):
    """The message asked for is not there: deleted, or not written yet."""


class Unavailable(Exception):
    """The broker does not answer. Wait and try the same again; nothing is lost and nobody is to blame."""


class CommitFailed(Exception):
    """The group is rebalancing, or moved on without us: nothing was stored. Poll, and go on.

    The callbacks of that poll name what was handed over or lost; drop that work and no other. A
    partition they do not name is still ours at the same epoch, is not read again, and its commit
    is simply due again.
    """


class Turns:
    """Whose turn it is: partitions in a ring, one message each, going on where the last batch stopped."""

    def __init__(self) -> None:
        self._last: Partition | None = None

    def take(self, waiting: Mapping[Partition, int], limit: int) -> Iterator[Partition]:
        """The partition of each message of the next batch, given how many messages wait in each."""
        left = {partition: count for partition, count in sorted(waiting.items()) if count > 0}
        ring = list(left)
        if (last := self._last) is not None:
            ring.sort(key=lambda partition: (partition <= last, partition))
        while ring and limit > 0:
            for partition in ring[:limit]:
                left[partition] -= 1
                self._last = partition
                yield partition
            limit -= len(ring)
            ring = [partition for partition in ring if left[partition]]


class Bus(Protocol):
    """Messages of a consumer group in, records out, and one promise.

    A message that was polled but not committed is polled again by whoever reads its partition next.
    So nothing is lost, and a message may come twice. Messages of one partition come in the order
    they were written. ``flush`` returns only when everything published so far is safe.

    Not for several threads, but for ``publish``, ``flush`` and ``fetch``.
    """

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None:
        """Hand a record over; it is safe only after ``flush``. Raises Unavailable when no broker answers."""

    def flush(self) -> None:
        """Wait until every record published since the last flush is written, and check each one.

        Raises Unavailable when one was not; then none of them may be counted on, publish them again.
        """

    def poll(self, limit: int, timeout: float) -> list[Message]:
        """Up to ``limit`` messages from all assigned partitions in turn, in order within each.

        Waits up to ``timeout`` seconds for the first. Assignment callbacks run inside this call.
        """

    def fetch(self, place: Place) -> Message:
        """The message at exactly that place, outside any group. Raises Gone if there is none."""

    def commit(self, commits: Mapping[Partition, Commit]) -> None:
        """Store how far we are. Those of another epoch than the present assignment's are dropped.

        Raises CommitFailed during a rebalance, Unavailable when no broker answers.
        """

    def committed(self, partition: Partition) -> Commit | None:
        """What the group stored last for a partition (its epoch is 0), or None."""

    def table(self, topic: str) -> dict[str, Message]:
        """The last message of each key of a topic, read whole up to its present end; deleted keys are absent."""

    def assignment(self) -> dict[Partition, int]:
        """The partitions read now, each with its epoch."""

    def positions(self) -> dict[Partition, int]:
        """The offset that ``poll`` gives next, for each assigned partition."""

    def since(self, partition: Partition, timestamp: int) -> int:
        """The first offset of an assigned partition written at that time (epoch milliseconds) or later, else its end.

        Raises Unavailable when no broker answers.
        """

    def seek(self, partition: Partition, offset: int) -> None:
        """Make ``poll`` go on at an offset of an assigned partition; what it gave before counts no less."""

    def ends(self) -> dict[Partition, int]:
        """The offset after the last message of each assigned partition, as last heard from the broker."""

    def pause(self, partitions: Collection[Partition]) -> None:
        """Give nothing of these partitions until ``resume``; they stay assigned."""

    def resume(self, partitions: Collection[Partition]) -> None: ...

    def on_assigned(self, callback: Callable[[Mapping[Partition, int]], None]) -> None:
        """Call back from ``poll`` with newly assigned partitions and their epochs, before their first message."""

    def on_revoked(self, callback: Callable[[Collection[Partition]], Mapping[Partition, Commit]]) -> None:
        """Call back when partitions are handed over; what is returned is committed before they go."""

    def on_lost(self, callback: Callable[[Collection[Partition]], None]) -> None:
        """Call back when partitions are gone already: somebody else may be reading them, commit nothing."""

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
