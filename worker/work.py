"""The role ``work`` from start to end: the model first, then the group, then the loop until somebody says stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from threading import Event, Thread
from typing import Any, Protocol

import structlog

from worker import metrics
from worker.batches import Handler
from worker.bus import Bus, Unavailable
from worker.health import Check, Heartbeat, serve
from worker.service import Limits, Service

log = structlog.get_logger(__name__)

_TURN_S = 1.0
_PING_EVERY_S = 5.0
_PING_S = 2.0


class Ending(Enum):
    """How it stopped: with all that was taken up done, before anything was taken up, or with work left to others."""

    DONE = "done"
    BEFORE_START = "before start"
    UNFINISHED = "unfinished"


class GroupBus(Bus, Protocol):
    """A bus that can be asked whether its brokers answer, from any thread."""

    def ping(self, timeout: float = ...) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One service of the role, in a group of its own. ``load`` gives its handler, its model tried; ``join`` the bus,
    or raises Unavailable; ``depends`` says what else does not answer, or None."""

    name: str
    load: Callable[[], Handler[Any]]
    join: Callable[[], GroupBus]
    limits: Limits
    depends: Check = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The services that run beside each other, each in a thread; the first in the caller's."""

    parts: tuple[Part, ...]
    listen: str
    stalled_after_s: float


class Readiness:
    """Why we are not ready yet, by name; what /readyz tells."""

    def __init__(self) -> None:
        self.model: str | None = "loading"
        self.groups: dict[str, Check] = {"all": lambda: "not joined yet"}
        self.broker: str | None = "not asked yet"

    def checks(self) -> dict[str, Check]:
        return {"model": lambda: self.model, "group": self._group, "broker": lambda: self.broker}

    def _group(self) -> str | None:
        reasons = {name: reason for name, check in self.groups.items() if (reason := check()) is not None}
        return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or None


def work(plan: Plan, stop: Event) -> Ending:
    """Run until ``stop``. Raises what loading raises, OSError where nothing can be served, TooManyFailures."""
    names = [part.name for part in plan.parts]
    heartbeat, ready = Heartbeat(plan.stalled_after_s, time.monotonic(), names), Readiness()
    with serve(plan.listen, metrics.REGISTRY, heartbeat, ready.checks()) as server:
        log.info("serving metrics and health", url=server.url)
        began = time.monotonic()
        handlers = [_loaded(part.load, stop, heartbeat) for part in plan.parts]
        if stop.is_set():
            return Ending.BEFORE_START
        ready.model = None
        log.info("model loaded and tried", seconds=round(time.monotonic() - began, 1))
        loops = []
        for part, handler in zip(plan.parts, handlers, strict=True):
            bus = _joined(part.join, stop, heartbeat, ready)
            if bus is None or handler is None:
                return Ending.BEFORE_START
            service = Service(bus, handler, part.limits, depends=part.depends, name=part.name)
            loops.append(_Loop(part.name, bus, service))
        ready.groups = {loop.name: loop.waiting_for for loop in loops}
        return Ending.DONE if _together(loops, (stop, heartbeat, ready)) else Ending.UNFINISHED


def _loaded(load: Callable[[], Handler[Any]], stop: Event, heartbeat: Heartbeat) -> Handler[Any] | None:
    """Load in a thread of its own, so that we stay alive, and can be stopped, however long it takes."""
    pool = ThreadPoolExecutor(1, "load")
    loading = pool.submit(load)
    while not stop.is_set():
        heartbeat.beat(time.monotonic())
        with suppress(TimeoutError):
            return loading.result(_TURN_S)
    pool.shutdown(wait=False)
    return None


def _joined(join: Callable[[], GroupBus], stop: Event, heartbeat: Heartbeat, ready: Readiness) -> GroupBus | None:
    reason = ""
    while not stop.is_set():
        heartbeat.beat(time.monotonic())
        try:
            return join()
        except Unavailable as error:
            if reason != str(error):
                log.warning("waiting for a dependency", reason=str(error))
            reason = ready.broker = str(error)
        stop.wait(_TURN_S)
    return None


class _Loop:
    """One service's loop, from joining its group to leaving it."""

    def __init__(self, name: str, bus: GroupBus, service: Service[Any]) -> None:
        self.name, self.bus, self._service = name, bus, service

    def waiting_for(self) -> str | None:
        return self._service.waiting_for

    def run(self, stop: Event, heartbeat: Heartbeat) -> bool:
        """Whether all that was taken up is done. However it ends, the others end too."""
        log.info("joining the group", service=self.name)
        try:
            return self._service.run(stop, lambda: heartbeat.beat(time.monotonic(), self.name))
        except BaseException:
            self.bus.close()  # so that others take over at once, not after the session's time
            raise
        finally:
            stop.set()


def _together(loops: Sequence[_Loop], life: tuple[Event, Heartbeat, Readiness]) -> bool:
    """Run all, the first in this thread, until one ends; then the others finish what they began. Raises its error."""
    stop, heartbeat, ready = life
    ended = Event()
    Thread(target=_watch, args=(loops[0].bus, ready, ended), name="watch", daemon=True).start()
    try:
        with ThreadPoolExecutor(len(loops), "loop") as pool:
            others = [pool.submit(loop.run, stop, heartbeat) for loop in loops[1:]]
            done = loops[0].run(stop, heartbeat)
        done = all([done, *(other.result() for other in others)])
    finally:
        ended.set()
    log.info("stopped" if done else "stopped with work unfinished; the next owner does it again")
    return done


def _watch(bus: GroupBus, ready: Readiness, ended: Event) -> None:
    """Ask the brokers now and then, since the probe itself must not wait."""
    while not ended.is_set():
        ready.broker = None if bus.ping(_PING_S) else "no broker answers"
        ended.wait(_PING_EVERY_S)
