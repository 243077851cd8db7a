"""How long to wait for what does not answer, and how many failures are too many."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from threading import Event

from worker.codec import Rejected


class TooManyFailures(Exception):
    """So many streams fail at once that the fault is likely ours. What was set aside is safe."""


class Waiter:
    """Waits longer each time in a row, up to five seconds, but not past a stop."""

    def __init__(self) -> None:
        self.stop = Event()
        self._pause, self._last = 0.1, 0.0

    def wait(self) -> None:
        now = time.monotonic()
        self._pause = 0.1 if now - self._last > 15 else min(5.0, self._pause * 2)
        self._last = now
        self.stop.wait(self._pause)


class Failures:
    """Which streams failed lately; many at once are no accident."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most, self._window_s = most, window_s
        self._seen: deque[tuple[float, str]] = deque()

    def add(self, rejected: Iterable[Rejected], now: float) -> None:
        self._seen.extend((now, str(r.message.key)) for r in rejected)
        while self._seen and self._seen[0][0] < now - self._window_s:
            self._seen.popleft()

    def check(self) -> None:
        """Raises TooManyFailures when more than the limit of distinct streams failed within the window."""
        streams = {key for _, key in self._seen}
        if len(streams) > self._most:
            raise TooManyFailures(
                f"messages of {len(streams)} streams became dead letters within {self._window_s:.0f} s "
                f"(limit {self._most}): look at {', '.join(sorted(streams)[:3])} in moderation.dead-letters"
            )
