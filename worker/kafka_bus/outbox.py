"""The producer: what is published, and whether it was written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from worker.bus import MAX_VALUE_BYTES, Headers, Unavailable
from worker.kafka_bus.client import HEADER_ROOM, PASSING, KafkaSettings, open_client, trouble

IN_FLIGHT_BYTES = 64 * 1024 * 1024
"""How much may be published and not yet written; kafka-python's producer has no bound of its own."""

_PRODUCER = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": None,
    "max_request_size": MAX_VALUE_BYTES + HEADER_ROOM,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


class Outbox:
    """The producer: idempotent, written by all replicas in sync, uncompressed (sound is compressed already).

    After any failure it is replaced: kafka-python's refuses everything after one fatal error, and what
    the old one still holds must not be written after what is published again.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings, self._timeout = settings, settings.timeout_s
        self._changed, self._making = threading.Condition(), threading.Lock()
        self._open, self._bytes = 0, 0
        self._failure: KafkaError | None = None
        self._producer: KafkaProducer | None = self._start()

    def publish(self, topic: str, key: str | None, value: bytes | None, headers: Headers = ()) -> None:
        size = len(value or b"")
        if size > MAX_VALUE_BYTES:
            raise ValueError(f"a value of {size} bytes is larger than {MAX_VALUE_BYTES}")
        self._wait(lambda: self._bytes < IN_FLIGHT_BYTES, "too much is published and not written")
        raw = key.encode() if key is not None else None
        try:
            sent = self._usable().send(topic, value=value, key=raw, headers=list(headers))
        except MessageSizeTooLargeError as error:
            raise ValueError(str(error)) from error
        except PASSING as error:
            raise Unavailable(f"publishing to {topic}: {error}") from error
        with self._changed:
            self._open, self._bytes = self._open + 1, self._bytes + size
        sent.add_callback(self._done, size)
        sent.add_errback(self._failed, size)

    def flush(self) -> None:
        self._wait(lambda: not self._open, "what was published is not written")
        with self._changed:
            failure, self._failure = self._failure, None
        if failure is not None:
            self.close()
            with trouble():
                raise failure

    def close(self) -> None:
        with self._making:
            old, self._producer = self._producer, None
        if old is not None:
            with suppress(KafkaError):
                old.close(timeout=1)

    def _usable(self) -> KafkaProducer:
        with self._making:
            self._producer = self._producer or self._start()
            return self._producer

    def _start(self) -> KafkaProducer:
        longest = self._settings.timeout_ms
        bounds = {"max_block_ms": longest, "delivery_timeout_ms": longest}
        return open_client(KafkaProducer, **self._settings.client(), **_PRODUCER, **bounds)

    def _wait(self, ready: Callable[[], bool], otherwise: str) -> None:
        """A send fails by itself after ``timeout_s``; a little more here, and it is heard of."""
        with self._changed:
            if not self._changed.wait_for(ready, self._timeout + 5):
                raise Unavailable(f"{otherwise} after {self._timeout + 5:.0f} s")

    def _done(self, size: int, _: object) -> None:
        with self._changed:
            self._open, self._bytes = self._open - 1, self._bytes - size
            self._changed.notify_all()

    def _failed(self, size: int, error: KafkaError) -> None:
        with self._changed:
            self._failure = self._failure or error
        self._done(size, error)
