"""Kafka as the commands want it: settings from the configuration, a bus for a while, errors that name the brokers.

Apart from the rest of the command line, so that what needs no broker never loads Kafka's client.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from worker.bus import Unavailable
from worker.config import KafkaSection
from worker.kafka_bus import KafkaBus, KafkaSettings, TopicsMade, create_topics, topics


def settings(kafka: KafkaSection) -> KafkaSettings:
    """How to reach the brokers."""
    return KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        session_timeout_s=kafka.session_timeout_s,
        timeout_s=kafka.timeout_s,
        security_protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        sasl_username=kafka.sasl_username,
        sasl_password=kafka.sasl_password.get_secret_value() if kafka.sasl_password else None,
        ssl_cafile=str(kafka.ssl_cafile) if kafka.ssl_cafile else None,
    )


def join(kafka: KafkaSection, name: str, read: Collection[str]) -> KafkaBus:
    """A bus in the group of one of our services. Raises Unavailable when no broker answers or a topic is missing."""
    with _named(kafka):
        return KafkaBus(settings(kafka), f"{kafka.group_prefix}-{name}", read)


@contextmanager
def bus(kafka: KafkaSection, name: str, topic: str) -> Iterator[KafkaBus]:
    """A bus for one command, closed after it."""
    with _named(kafka):
        one = join(kafka, name, (topic,))
        try:
            yield one
        finally:
            one.close()


def make_topics(kafka: KafkaSection, partitions: int, replication: int) -> TopicsMade:
    """Make the topics that are missing. Raises Unavailable when no broker answers, or will not make them."""
    with _named(kafka):
        return create_topics(settings(kafka), topics(partitions), replication)


@contextmanager
def _named(kafka: KafkaSection) -> Iterator[None]:
    """Say with what Kafka complains of which brokers were asked."""
    servers = f"Kafka at {kafka.bootstrap_servers}: "
    try:
        yield
    except Unavailable as error:
        raise Unavailable(servers + str(error).removeprefix(servers)) from error
    except RuntimeError as error:
        if not type(error).__module__.startswith("kafka."):  # errors of Kafka's client, known to worker.kafka_bus alone
            raise
        raise Unavailable(servers + str(error)) from error
