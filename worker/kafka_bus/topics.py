"""The topics of the service: how they are cut, and how long they keep what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import NoError, TopicAlreadyExistsError, for_code

from worker.bus import MAX_VALUE_BYTES
from worker.kafka_bus.client import HEADER_ROOM, KafkaSettings, open_client, trouble

_HOUR = 3_600_000
_DAY = 24 * _HOUR
_LARGE = {"max.message.bytes": str(MAX_VALUE_BYTES + HEADER_ROOM)}
_TABLE = {"cleanup.policy": "compact"}
_BROKERS_TIME = {"message.timestamp.type": "LogAppendTime"}  # whether a stream is silent is not for producers' clocks


@dataclass(frozen=True)
class TopicSpec:
    """A topic as it should be; ``config`` in Kafka's own words, the rest is the cluster's default."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TopicsMade:
    """What ``create_topics`` found: ``differs`` says for an existing topic what is not as it should be."""

    created: tuple[str, ...]
    existing: tuple[str, ...]
    differs: Mapping[str, tuple[str, ...]]


def topics(partitions: int) -> list[TopicSpec]:
    """What detection reads and writes. ``partitions`` is for what grows with the streams; the rest has few.

    Sound is kept for a day, until every clip is cut; transcripts for hours, as evidence holds copies.
    Listings are a table: the last one of each key stays.
    """
    return [
        TopicSpec("live.audio", partitions, _kept(_DAY) | _LARGE | _BROKERS_TIME),
        TopicSpec("live.text", partitions, _kept(_DAY) | _BROKERS_TIME),
        TopicSpec("live.listings", min(partitions, 4), _TABLE),
        TopicSpec("live.shown", min(partitions, 4), _kept(7 * _DAY)),
        TopicSpec("moderation.transcripts", partitions, _kept(6 * _HOUR)),
        TopicSpec("moderation.flags", partitions, _kept(14 * _DAY)),
        TopicSpec("moderation.facts", min(partitions, 4), _kept(14 * _DAY)),
        TopicSpec("moderation.reminders", min(partitions, 4), _kept(_DAY)),
        TopicSpec("moderation.heard", min(partitions, 4), _kept(14 * _DAY)),
        TopicSpec("moderation.shadow", min(partitions, 4), _kept(7 * _DAY)),
        TopicSpec("moderation.dead-letters", 1, _kept(14 * _DAY) | _LARGE),
    ]


def create_topics(settings: KafkaSettings, specs: Sequence[TopicSpec], replication: int) -> TopicsMade:
    """Make the topics that are missing and compare the others; nothing that exists is changed.

    Raises Unavailable when no broker answers.
    """
    with trouble(), open_client(KafkaAdminClient, **settings.client()) as admin:
        wanted = {spec.name: _request(spec, replication) for spec in specs}
        answers = admin.create_topics(wanted, raise_errors=False)["topics"]
        errors = {one["name"]: for_code(one["error_code"]) for one in answers}
        for one in answers:
            if errors[one["name"]] not in (NoError, TopicAlreadyExistsError):
                raise errors[one["name"]](f"{one['name']}: {one['error_message']}")
        existing = [spec for spec in specs if errors[spec.name] is TopicAlreadyExistsError]
        created = tuple(spec.name for spec in specs if spec not in existing)
        admin.wait_for_topics(created, timeout_ms=settings.timeout_ms)
        differs = _differences(admin, existing)
    return TopicsMade(created, tuple(spec.name for spec in existing), differs)


def _kept(milliseconds: int) -> dict[str, str]:
    """Deleted after so long. Whole segments go, so one may not span more than an eighth of it."""
    return {"cleanup.policy": "delete", "retention.ms": str(milliseconds), "segment.ms": str(milliseconds // 8)}


def _request(spec: TopicSpec, replication: int) -> dict[str, Any]:
    return {"num_partitions": spec.partitions, "replication_factor": replication, "configs": dict(spec.config)}


def _differences(admin: KafkaAdminClient, specs: Collection[TopicSpec]) -> dict[str, tuple[str, ...]]:
    if not specs:
        return {}
    found = {one["name"]: len(one["partitions"]) for one in admin.describe_topics([spec.name for spec in specs])}
    resources = [ConfigResource("TOPIC", spec.name) for spec in specs]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    differs = {}
    for spec in specs:
        there = {"partitions": str(found[spec.name])} | {k: v["value"] for k, v in configs[spec.name].items()}
        wanted = {"partitions": str(spec.partitions)} | dict(spec.config)
        wrong = [key for key, value in wanted.items() if there.get(key) != value]
        if wrong:
            differs[spec.name] = tuple(f"{key} is {there.get(key)}, not {wanted[key]}" for key in wrong)
    return differs
