"""The role ``work`` from start to end: the model first, then the group, then the loop until somebody says stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from threading import Event, Thread
from typing import Protocol

import structlog

from worker import metrics
from worker.bus import Bus, Unavailable
from worker.health import Check, Heartbeat, serve
from worker.hearing import Prepared
from worker.service import Handler, Limits, Service

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
class Plan:
    """``load`` gives the handler, its model tried; ``join`` the bus, or raises Unavailable; ``depends`` says what
    else does not answer, or None."""

    load: Callable[[], Handler[Prepared]]
    join: Callable[[], GroupBus]
    depends: Check
    limits: Limits
    listen: str
    stalled_after_s: float


class Readiness:
    """Why we are not ready yet, by name; what /readyz tells."""

    def __init__(self) -> None:
        self.model: str | None = "loading"
        self.group: Check = lambda: "not joined yet"
        self.broker: str | None = "not asked yet"

    def checks(self) -> dict[str, Check]:
        return {"model": lambda: self.model, "group": lambda: self.group(), "broker": lambda: self.broker}


def work(plan: Plan, stop: Event) -> Ending:
    """Run until ``stop``. Raises what loading raises, OSError where nothing can be served, TooManyFailures."""
    heartbeat, ready = Heartbeat(plan.stalled_after_s, time.monotonic()), Readiness()
    with serve(plan.listen, metrics.REGISTRY, heartbeat, ready.checks()) as server:
        log.info("serving metrics and health", url=server.url)
        began = time.monotonic()
        handler = _loaded(plan.load, stop, heartbeat)
        if handler is None:
            return Ending.BEFORE_START
        ready.model = None
        log.info("model loaded and tried", seconds=round(time.monotonic() - began, 1))
        bus = _joined(plan.join, stop, heartbeat, ready)
        if bus is None:
            return Ending.BEFORE_START
        service = Service(bus, handler, plan.limits, depends=plan.depends)
        return Ending.DONE if _loop(bus, service, (stop, heartbeat, ready)) else Ending.UNFINISHED


def _loaded(load: Callable[[], Handler[Prepared]], stop: Event, heartbeat: Heartbeat) -> Handler[Prepared] | None:
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


def _loop(bus: GroupBus, service: Service[Prepared], life: tuple[Event, Heartbeat, Readiness]) -> bool:
    stop, heartbeat, ready = life
    ready.group = lambda: service.waiting_for
    ended = Event()
    Thread(target=_watch, args=(bus, ready, ended), name="watch", daemon=True).start()
    log.info("joining the group")
    try:
        done = service.run(stop, lambda: heartbeat.beat(time.monotonic()))
    except BaseException:
        bus.close()  # so that others take over at once, not after the session's time
        raise
    finally:
        ended.set()
    log.info("stopped" if done else "stopped with work unfinished; the next owner does it again")
    return done


def _watch(bus: GroupBus, ready: Readiness, ended: Event) -> None:
    """Ask the brokers now and then, since the probe itself must not wait."""
    while not ended.is_set():
        ready.broker = None if bus.ping(_PING_S) else "no broker answers"
        ended.wait(_PING_EVERY_S)
