"""Metrics and health over HTTP: /metrics for Prometheus, /livez and /readyz for Kubernetes.

Alive means that the loop turns; whether brokers answer is no part of it, since a restart mends no
broker. Ready means that every named check passes.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], str | None]
"""None when all is well, else why not, in a few words. Called from the server's threads; must not block."""


class Heartbeat:
    """When each loop last turned, in monotonic seconds; the slowest counts. They count as turning when made."""

    def __init__(self, limit_s: float, now: float, loops: Iterable[str] = ("loop",)) -> None:
        self.limit_s = limit_s
        self._last = dict.fromkeys(loops, now)

    def beat(self, now: float, loop: str | None = None) -> None:
        """One loop turned, or (None) all of them."""
        for name in self._last if loop is None else (loop,):
            self._last[name] = now

    def age(self, now: float) -> float:
        return now - min(self._last.values())


@dataclass(frozen=True)
class Health:
    """What the server tells: the numbers, the loop's heartbeat, and the checks of readiness by name."""

    registry: CollectorRegistry
    heartbeat: Heartbeat
    checks: Mapping[str, Check]
    clock: Callable[[], float] = time.monotonic

    def metrics(self, accept: str) -> tuple[HTTPStatus, str, bytes]:
        encode, content_type = choose_encoder(accept)
        return HTTPStatus.OK, content_type, encode(self.registry)

    def alive(self) -> tuple[HTTPStatus, str, bytes]:
        age, limit = self.heartbeat.age(self.clock()), self.heartbeat.limit_s
        return _json(age <= limit, {"heartbeat_age_s": round(age, 3), "limit_s": limit})

    def ready(self) -> tuple[HTTPStatus, str, bytes]:
        reasons = {name: reason for name, check in self.checks.items() if (reason := check()) is not None}
        return _json(not reasons, {"not_ready": reasons})


class Server:
    """Serves a Health until closed, each request in a thread of its own."""

    def __init__(self, listen: str, health: Health) -> None:
        host, _, port = listen.rpartition(":")
        self._http = _Http((host.strip("[]"), int(port)), health)
        self._thread = threading.Thread(target=self._http.serve_forever, name="health", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens; with port 0 the system chose one."""
        host, port = self._http.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(listen: str, registry: CollectorRegistry, heartbeat: Heartbeat, checks: Mapping[str, Check]) -> Server:
    """Serve on ``host:port`` (an IPv6 host in brackets). Raises OSError where that cannot be listened on."""
    return Server(listen, Health(registry, heartbeat, checks))


def _json(good: bool, answer: Mapping[str, Any]) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "application/json", json.dumps({"ok": good, **answer}, ensure_ascii=False).encode() + b"\n"


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], health: Health) -> None:
        self.health = health
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the DNS for the name of the address and may wait for it.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = 10.0
    server_version = "Pinocchio"
    sys_version = ""

    def do_GET(self) -> None:  # noqa: N802 (the name http.server calls)
        health, path = self.server.health, self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(*health.metrics(self.headers.get("Accept", "")))
        elif path == "/livez":
            self._answer(*health.alive())
        elif path == "/readyz":
            self._answer(*health.ready())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"/metrics, /livez or /readyz\n")

    def log_message(self, *_: object) -> None:
        """Nothing: probes come every few seconds."""

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
