"""Which goods a stream shows at a time, and what their listings say: two tables that every worker holds whole.

``live.listings`` and ``live.shown`` are read by a member of a group of its own from their beginning, so that nothing
depends on how topics are partitioned, and are followed while speech is handled.
"""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta

import structlog

from worker.bus import Bus, Message, Partition, Unavailable
from worker.codec import InvalidMessage, decode
from worker.records import Listing, ProductShown

log = structlog.get_logger(__name__)

TOPICS = (Listing.topic, ProductShown.topic)

_AT_ONCE = 2_000
_WAIT_S = 0.5
_KEPT = timedelta(days=7)
"""How long what was shown is remembered, by the time of the newest: longer than speech waits to be heard."""
_SWEEP_EVERY = 1_000
_SHOWN_PER_STREAM = 500
"""Of a stream the last ones shown are remembered: days of an ordinary broadcast."""


class Goods:
    """The two tables. One thread may write while others read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listings: dict[str, dict[str, Listing]] = {}
        self._places: dict[str, str] = {}
        self._shown: dict[str, list[tuple[datetime, str, ProductShown]]] = {}
        self._since_sweep = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Take messages of both topics in. One that cannot be read is left out, and the log says so."""
        for message in messages:
            try:
                self._take(message)
            except InvalidMessage as error:
                log.warning("left out of the goods", topic=message.topic, key=message.key, reason=str(error))

    def _take(self, message: Message) -> None:
        if message.topic == ProductShown.topic:
            if message.value is not None:
                self._show(decode(ProductShown, message))
            return
        key = message.key or ""
        listing = decode(Listing, message) if message.value is not None else None
        with self._lock:
            if (old := self._places.pop(key, None)) is not None:
                self._listings[old].pop(key, None)
            if listing is not None:
                self._places[key] = listing.sku
                self._listings.setdefault(listing.sku, {})[key] = listing

    def _show(self, shown: ProductShown) -> None:
        with self._lock:
            rows = self._shown.setdefault(shown.stream_id, [])
            same = [row for row in rows if (row[0], row[1]) == (shown.at, shown.sku)]
            for row in same:  # told again, perhaps with its end
                rows.remove(row)
            insort(rows, (shown.at, shown.sku, shown), key=lambda row: (row[0], row[1]))
            del rows[:-_SHOWN_PER_STREAM]
            self._forget(shown.at)

    def _forget(self, newest: datetime) -> None:
        """Drop what ended, or began without an end, long before the newest; looked for at every thousandth."""
        self._since_sweep += 1
        if self._since_sweep < _SWEEP_EVERY:
            return
        self._since_sweep = 0
        for stream_id, rows in list(self._shown.items()):
            rows[:] = [row for row in rows if newest - max(row[0], row[2].until or row[0]) <= _KEPT]
            if not rows:
                del self._shown[stream_id]

    def shown(self, stream_id: str, at: datetime) -> tuple[Listing, ...]:
        """The listings, in force at that time, of the goods that the stream shows then; one per sku."""
        with self._lock:
            rows = self._shown.get(stream_id, ())
            began = [row for row in rows if row[0] <= at]
            newest = max((row[0] for row in began), default=None)
            skus = [
                sku for begins, sku, shown in began if (begins == newest if shown.until is None else at < shown.until)
            ]
            found = [self._in_force(sku, stream_id, at) for sku in dict.fromkeys(skus)]
        return tuple(one for one in found if one is not None)

    def _in_force(self, sku: str, stream_id: str, at: datetime) -> Listing | None:
        """The latest listing of a sku that began by then; the stream's own before one of all streams."""
        candidates = [
            one
            for one in self._listings.get(sku, {}).values()
            if one.stream_id in (None, stream_id) and (one.valid_from is None or one.valid_from <= at)
        ]
        return max(candidates, key=lambda one: (one.stream_id is not None, _stamp(one.valid_from)), default=None)


def _stamp(at: datetime | None) -> float:
    return float("-inf") if at is None else at.timestamp()


class Follower:
    """Keeps a Goods up to date from a bus. Until all that was there at the start is read, ``trouble`` says why not."""

    def __init__(self, goods: Goods, join: Callable[[], Bus]) -> None:
        self._goods, self._join = goods, join
        self._bus: Bus | None = None
        self._whole = False
        self._assigned: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._reason = "the listings are not read whole yet"

    def trouble(self) -> str | None:
        """Why no speech should be compared yet, and what to do where something is missing; or None."""
        return None if self._whole else self._reason

    def step(self, timeout: float = 0.0) -> None:
        """Read what is there. Raises Unavailable where no broker answers."""
        bus = self._bus = self._bus or self._join()
        self._goods.take(bus.poll(_AT_ONCE, timeout))
        self._whole = self._whole or self._caught_up(bus)

    def _caught_up(self, bus: Bus) -> bool:
        """Whether all is read that was there when the partitions were assigned; what comes meanwhile does not count."""
        if (assigned := bus.assignment()) != self._assigned:
            self._assigned, self._ends = assigned, bus.ends()
        positions = bus.positions()
        topics = {partition.topic for partition in positions}
        return topics == set(TOPICS) and all(at >= self._ends.get(p, at + 1) for p, at in positions.items())

    def start(self, stack: ExitStack) -> None:
        """Follow in a thread of its own until the stack is closed."""
        stop = threading.Event()
        stack.callback(stop.set)
        threading.Thread(target=self.run, args=(stop,), name="goods", daemon=True).start()

    def run(self, stop: threading.Event) -> None:
        """Follow until ``stop``; a broker that does not answer is waited for."""
        while not stop.is_set():
            try:
                self.step(_WAIT_S)
            except Unavailable as error:
                if self._reason != str(error):
                    log.warning("cannot follow the listings", reason=str(error))
                self._reason = str(error)
                stop.wait(_WAIT_S)
        if self._bus is not None:
            self._bus.close()
