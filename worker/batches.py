"""What passes between the loop and those who handle its messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from worker.bus import Message, Partition
from worker.codec import Rejected
from worker.records import Record

W = TypeVar("W")


class Spot(NamedTuple):
    """One offset of a partition under one assignment of it."""

    partition: Partition
    epoch: int
    offset: int


class Result(NamedTuple):
    """A record to publish, and the assignment its sound or text was read under."""

    partition: Partition
    epoch: int
    record: Record


class Batch(NamedTuple):
    """What a handler is given: messages, partitions read to their end, those taken away, and the wall clock.

    ``now`` is in epoch seconds; it is the only clock a handler may look at. A message that runs ``alone``
    may be the one that kills: nothing of it may be held for later. Those of ``past`` were handled before our
    time: they are there to be remembered, come before the others of their partition, and give no results.
    """

    messages: Sequence[Message]
    idle: frozenset[Partition]
    gone: frozenset[tuple[Partition, int]]
    now: float
    alone: bool = False
    past: Sequence[Message] = ()


class Outcome(NamedTuple):
    """What a handler gives back: records to publish, spots nothing rests on any more, messages set aside."""

    results: Sequence[Result]
    free: Sequence[Spot]
    rejected: Sequence[Rejected]


class Handler(Protocol[W]):
    """Messages to records, in two steps that run beside each other on successive batches."""

    def prepare(self, batch: Batch) -> W:
        """Everything that needs no model. Called in order; may raise Unavailable before it changed anything."""

    def handle(self, work: W) -> Outcome:
        """Everything that needs a model, on the whole batch. Called in order."""

    def held_seconds(self) -> float:
        """Seconds of sound kept for utterances that are not over."""
