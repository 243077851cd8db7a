"""Health over HTTP: alive while the loop turns, ready while every check passes, metrics for Prometheus."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from tests.parts import lacking
from worker.health import Check, Health, Heartbeat, Server, serve


class World:
    """A server whose clock and checks the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reasons: dict[str, str | None] = {"kafka": None, "model": None}
        self.heartbeat = Heartbeat(30.0, self.now)
        self.registry = CollectorRegistry()
        checks: Mapping[str, Check] = {name: lambda name=name: self.reasons[name] for name in self.reasons}  # type: ignore[misc]
        self.server = Server("127.0.0.1:0", Health(self.registry, self.heartbeat, checks, lambda: self.now))

    def get(self, path: str, **headers: str) -> tuple[int, str, bytes]:
        request = urllib.request.Request(self.server.url + path, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return answer.status, answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read()

    def ask(self, path: str) -> tuple[int, Any]:
        status, _, body = self.get(path)
        return status, json.loads(body)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


def test_alive_while_the_loop_turns(world: World) -> None:
    """Up to the limit after the last beat it is alive, a little later not, and after a beat again."""
    world.now += 30
    assert world.ask("/livez") == (200, {"ok": True, "heartbeat_age_s": 30.0, "limit_s": 30.0})
    world.now += 0.5
    assert world.ask("/livez") == (503, {"ok": False, "heartbeat_age_s": 30.5, "limit_s": 30.0})
    world.heartbeat.beat(world.now)
    assert world.ask("/livez")[0] == 200


def test_one_loop_that_stands_still_is_enough() -> None:
    """Of several loops the slowest counts, however often the others turn; before they run all beat together."""
    heartbeat = Heartbeat(10, 0, ("one", "two"))
    heartbeat.beat(5)
    assert heartbeat.age(6) == 1
    heartbeat.beat(20, "one")
    assert heartbeat.age(21) == 16
    heartbeat.beat(21, "two")
    assert heartbeat.age(21) == 1


def test_not_ready_is_not_dead(world: World) -> None:
    """A broker that does not answer makes the worker unready and leaves it alive."""
    world.reasons["kafka"] = "no broker answers"

    assert world.ask("/readyz") == (503, {"ok": False, "not_ready": {"kafka": "no broker answers"}})
    assert world.ask("/livez")[0] == 200


def test_ready_when_every_check_passes(world: World) -> None:
    """All reasons are told at once, and none means ready."""
    world.reasons |= {"kafka": "no broker answers", "model": "模型还在加载"}
    assert world.ask("/readyz")[1]["not_ready"] == {"kafka": "no broker answers", "model": "模型还在加载"}

    world.reasons |= {"kafka": None, "model": None}
    assert world.ask("/readyz") == (200, {"ok": True, "not_ready": {}})


def test_metrics_in_the_format_asked_for(world: World) -> None:
    """Prometheus' text by default, OpenMetrics for those who ask for it."""
    Counter("pinocchio_things", "Things", registry=world.registry).inc(3)

    status, kind, body = world.get("/metrics")
    assert (status, kind.split(";")[0]) == (200, "text/plain")
    assert b"pinocchio_things_total 3.0\n" in body

    _, kind, body = world.get("/metrics?x=1", Accept="application/openmetrics-text; version=1.0.0")
    assert kind.split(";")[0] == "application/openmetrics-text"
    assert body.endswith(b"# EOF\n")


def test_other_paths_are_not_found(world: World) -> None:
    """Anything else is 404 and says what there is."""
    assert world.get("/") == (404, "text/plain; charset=utf-8", b"/metrics, /livez or /readyz\n")


def test_a_slow_client_holds_nobody_up(world: World) -> None:
    """A connection that never says anything does not delay the next request."""
    port = int(world.server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)):
        began = time.monotonic()
        assert world.ask("/livez")[0] == 200
        assert time.monotonic() - began < 2


def test_closing_frees_the_port_and_the_thread() -> None:
    """After close nothing listens, no thread is left, and the port can be used again."""
    with serve("127.0.0.1:0", CollectorRegistry(), Heartbeat(1, time.monotonic()), {}) as server:
        url = server.url
        assert "health" in {thread.name for thread in threading.enumerate()}
    assert "health" not in {thread.name for thread in threading.enumerate()}

    with serve(url.removeprefix("http://"), CollectorRegistry(), Heartbeat(1, time.monotonic()), {}) as again:
        assert again.url == url


def test_a_port_that_is_taken_is_an_error() -> None:
    """The second server on one port fails at once."""
    with serve("127.0.0.1:0", CollectorRegistry(), Heartbeat(1, 0), {}) as server:
        listen = server.url.removeprefix("http://")
        with pytest.raises(OSError, match="in use"):
            serve(listen, CollectorRegistry(), Heartbeat(1, 0), {})


def test_it_listens_on_ipv6_too() -> None:
    """An IPv6 host stands in brackets."""
    if not socket.has_ipv6:
        lacking("needs IPv6 on the loopback interface")
    with serve("[::1]:0", CollectorRegistry(), Heartbeat(1, time.monotonic()), {}) as server:
        assert server.url.startswith("http://[::1]:")
