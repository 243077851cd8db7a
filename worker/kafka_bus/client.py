"""How to reach Kafka: settings, clients that close when they fail, and its errors in our words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import (
    BrokerNotAvailableError,
    CommitFailedError,
    IllegalGenerationError,
    InvalidProducerEpochError,
    KafkaError,
    OutOfOrderSequenceNumberError,
    RebalanceInProgressError,
    RetriableError,
    UnknownBrokerIdError,
    UnknownMemberIdError,
    UnknownProducerIdError,
)
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

from worker.bus import CommitFailed, Message, Unavailable

HEADER_ROOM = 64 * 1024
"""Bytes that the key and the headers of a record may take beside its value."""

PASSING = (RetriableError, BrokerNotAvailableError, UnknownBrokerIdError)
"""No broker answers, or not the right one yet."""

MOVING = (CommitFailedError, RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError)
"""The group is rebalancing, or went on without us."""

LOST_COUNT = (OutOfOrderSequenceNumberError, InvalidProducerEpochError, UnknownProducerIdError)
"""The idempotent producer and the broker no longer agree on what was written."""

_Client = TypeVar("_Client")


@dataclass(frozen=True)
class KafkaSettings:
    """How to reach the brokers. ``timeout_s`` bounds every wait for an answer.

    The group takes a member for dead after ``session_timeout_s`` without a heartbeat, and gives its
    partitions away. The security fields are kafka-python's.
    """

    bootstrap_servers: str
    client_id: str = "pinocchio"
    session_timeout_s: float = 45.0
    timeout_s: float = 15.0
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None

    @property
    def timeout_ms(self) -> int:
        return int(self.timeout_s * 1000)

    def client(self) -> dict[str, Any]:
        """The options that every kafka-python client takes."""
        return {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
            "ssl_cafile": self.ssl_cafile,
            "bootstrap_timeout_ms": self.timeout_ms,
            "request_timeout_ms": self.timeout_ms,
            "reconnect_backoff_max_ms": 1000,
        }


@contextmanager
def trouble() -> Iterator[None]:
    """Say it in our words: the group is moving, or no broker answers."""
    try:
        yield
    except MOVING as error:
        raise CommitFailed(str(error)) from error
    except (*PASSING, *LOST_COUNT) as error:
        raise Unavailable(str(error)) from error


class Loop(NetworkSelector):  # type: ignore[misc]
    """kafka-python's I/O loop, for which nobody waits for ever.

    ``run`` of 3.0.12 waits without a limit. When the loop's thread has died, or has lost the coroutine that is
    waited for, a worker would stand still until somebody looks; one that ends is started again.
    """

    patience_s = 120.0
    """Longer than any answer takes: a group that rebalances waits for its members for at most 60 s."""

    def run(self, coroutine: Any, *args: Any) -> Any:
        """Raises RuntimeError when the loop has died or does not answer within ``patience_s``."""
        thread = self._io_thread
        if thread is None or thread is threading.current_thread():
            return super().run(coroutine, *args)
        done = threading.Event()
        future = self.call_soon_with_future(coroutine, *args)
        future.add_both(lambda _: done.set())
        limit = time.monotonic() + self.patience_s
        while not done.wait(0.5):
            if not thread.is_alive() or time.monotonic() > limit:
                raise RuntimeError(f"kafka-python's I/O thread {'is stuck' if thread.is_alive() else 'has died'}")
        if future.exception is not None:
            raise future.exception
        return future.value


def open_client(kind: Callable[..., _Client], **options: Any) -> _Client:
    """Make a client; one that finds no broker is closed, which kafka-python leaves to nobody."""
    made: list[KafkaNetClient] = []

    def connect(**config: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(net=Loop(**config), **config))
        return made[-1]

    try:
        return kind(kafka_client=connect, **options)
    except KafkaError:
        for client in made:
            client.close()
        raise


def answers(settings: KafkaSettings, timeout: float) -> bool:
    try:
        open_client(KafkaAdminClient, **settings.client() | {"bootstrap_timeout_ms": int(timeout * 1000)}).close()
    except KafkaError:
        return False
    return True


def need_topics(consumer: KafkaConsumer, topics: Iterable[str]) -> None:
    missing = [topic for topic in sorted(topics) if not consumer.partitions_for_topic(topic)]
    if missing:
        raise Unavailable(f"no topic {', '.join(missing)}: make it with 'pinocchio topics create'")


def message_of(record: Any, epoch: int) -> Message:
    """Foreign producers may write any bytes as a key, and no value in a header."""
    key = record.key.decode("utf-8", "replace") if record.key is not None else None
    headers = tuple((name, value if value is not None else b"") for name, value in record.headers)
    place = (record.topic, record.partition, record.offset)
    return Message(*place, epoch, key, record.value, headers, record.timestamp)
