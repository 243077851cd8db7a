"""What of a partition is done: which offsets may be committed, and what a crash must remember.

Pure bookkeeping, no I/O. An offset is *handled* when everything it could give at once was written,
and *free* when nothing in memory rests on it any more (sound of an unfinished utterance does).
Only a run of free offsets from the front can be committed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

SUSPECT_AFTER = 3
"""Deaths without progress after which rows are tried one by one."""

_ROOM = 4096  # characters that Kafka stores with a commit (worker.bus.MAX_METADATA)


@dataclass(frozen=True, slots=True)
class Crashes:
    """What rides in the commit's metadata, so that a message that kills the process is found and set aside.

    ``frontier`` is the first offset never handled to the end; ``deaths`` counts starts since it last
    moved; ``trying`` is the row that runs alone now; ``skip`` are rows set aside that lie above the
    committed position.
    """

    frontier: int
    deaths: int = 0
    trying: int | None = None
    skip: tuple[int, ...] = ()

    def to_metadata(self) -> str:
        """At most 4,096 characters, Kafka's limit: rows beyond it are left out of ``skip``, oldest kept."""
        kept = self
        while len(text := json.dumps(asdict(kept), separators=(",", ":"))) > _ROOM:
            kept = replace(kept, skip=kept.skip[:-1])
        return text

    @classmethod
    def from_metadata(cls, text: str, offset: int) -> Crashes:
        """What was stored; a fresh start at ``offset`` where nothing, or nothing of ours, was stored."""
        try:
            row = json.loads(text)
            frontier, deaths, trying, skip = (row[name] for name in ("frontier", "deaths", "trying", "skip"))
            numbers = [frontier, deaths, *skip, *([] if trying is None else [trying])]
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls(offset)
        if not all(_is_offset(number) for number in numbers):
            return cls(offset)
        return cls(max(offset, frontier), deaths, trying, tuple(skip))

    def started(self) -> Crashes:
        """As it stands when a process takes the partition up: one more death unless it gets on.

        The row that ran alone at the last death is the one that kills: it is set aside, and counts as never
        handled until its dead letter is written.
        """
        started = replace(self, deaths=self.deaths + 1, trying=None)
        if self.trying is None:
            return started
        skip = tuple(sorted({*self.skip, self.trying}))
        return replace(started, skip=skip, frontier=min(self.frontier, self.trying))

    @property
    def suspicious(self) -> bool:
        """Whether rows must run one by one: this many deaths came before the present start."""
        return self.deaths > SUSPECT_AFTER


def _is_offset(number: Any) -> bool:
    return type(number) is int and 0 <= number < 2**63


class Progress:
    """The offsets of one partition under one assignment, from first read to committed."""

    def __init__(self, start: int) -> None:
        self._order: deque[int] = deque()
        self._free: set[int] = set()
        self._unhandled: deque[int] = deque()
        self._handled: set[int] = set()
        self._next = start

    def read(self, offset: int) -> None:
        """An offset was polled. They come in rising order, with gaps where the log has none."""
        self._order.append(offset)
        self._unhandled.append(offset)
        self._next = offset + 1

    def handled(self, offsets: Iterable[int]) -> None:
        self._handled.update(offsets)
        while self._unhandled and self._unhandled[0] in self._handled:
            self._handled.discard(self._unhandled.popleft())

    def freed(self, offsets: Iterable[int]) -> None:
        self._free.update(offsets)
        while self._order and self._order[0] in self._free:
            self._free.discard(self._order.popleft())

    @property
    def frontier(self) -> int:
        """The first offset not handled to the end."""
        return self._unhandled[0] if self._unhandled else self._next

    @property
    def committable(self) -> int:
        """The next offset a new owner must read: everything below it is free."""
        return self._order[0] if self._order else self._next
