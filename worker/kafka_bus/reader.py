"""A consumer outside any group, for single places and whole tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError

from worker.bus import MAX_VALUE_BYTES, Gone, Message, Unavailable
from worker.kafka_bus.client import KafkaSettings, answers, message_of, need_topics, open_client, trouble
from worker.records import Place

_READER = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}


class Reader:
    """A consumer outside any group, for single places and whole tables."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings, self._timeout = settings, settings.timeout_s
        self._lock = threading.Lock()
        # One message is wanted: a broker gives the first whole one however small the limit is.
        self._consumer = self._start(fetch_max_wait_ms=10, max_partition_fetch_bytes=1)

    def fetch(self, place: Place) -> Message:
        if not self._lock.acquire(timeout=self._timeout):
            raise Unavailable("other fetches wait for the broker")
        try:
            with trouble():
                return self._fetch(place)
        finally:
            self._lock.release()

    def table(self, topic: str) -> dict[str, Message]:
        with trouble():
            consumer = self._start(max_partition_fetch_bytes=MAX_VALUE_BYTES)
            try:
                need_topics(consumer, [topic])
                last = {message.key: message for message in self._whole(consumer, topic)}
            finally:
                consumer.close()
        return {key: message for key, message in last.items() if key is not None and message.value is not None}

    def close(self) -> None:
        with suppress(KafkaError):
            self._consumer.close()

    def _start(self, **options: Any) -> KafkaConsumer:
        # With an offset reset, a deleted place would silently become somebody else's sound.
        return open_client(KafkaConsumer, **self._settings.client(), **_READER, **options)

    def _fetch(self, place: Place) -> Message:
        there = TopicPartition(place.topic, place.partition)
        if place.offset < 0:
            raise Gone(f"no message at {place}")
        self._consumer.assign([there])
        self._consumer.seek(there, place.offset)
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            try:
                found = self._consumer.poll(timeout_ms=200, max_records=1).get(there)
            except OffsetOutOfRangeError:
                raise Gone(f"no message at {place}") from None
            if found and found[0].offset == place.offset:
                return message_of(found[0], 0)
            if found or self._behind(there, place.offset):
                raise Gone(f"no message at {place}")
        raise Unavailable(f"no answer for {place} in {self._timeout:.0f} s")

    def _behind(self, there: TopicPartition, offset: int) -> bool:
        """Whether a broker says that there is nothing at the offset, nor will the next answer be it."""
        if not answers(self._settings, 2.0):
            return False
        if there.partition not in self._consumer.partitions_for_topic(there.topic):
            return True
        end = self._consumer.end_offsets([there], timeout_ms=self._settings.timeout_ms)[there]
        return offset >= end or self._consumer.position(there, timeout_ms=0) not in (None, offset)

    def _whole(self, consumer: KafkaConsumer, topic: str) -> Iterator[Message]:
        there = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(there)
        consumer.seek_to_beginning(*there)
        ends = consumer.end_offsets(there, timeout_ms=self._settings.timeout_ms)
        heard = time.monotonic()
        while any((consumer.position(one, timeout_ms=self._settings.timeout_ms) or 0) < ends[one] for one in there):
            records = consumer.poll(timeout_ms=200)
            heard = time.monotonic() if records else heard
            if time.monotonic() > heard + self._timeout:
                raise Unavailable(f"no answer for {topic} in {self._timeout:.0f} s")
            yield from (message_of(record, 0) for found in records.values() for record in found)
