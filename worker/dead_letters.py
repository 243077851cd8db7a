"""What nobody could handle: listed for people, and given another try once the reason is mended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from worker.bus import MAX_VALUE_BYTES, Bus, Commit, Gone, Message, Partition, Unavailable
from worker.codec import DEAD_LETTERS, InvalidMessage, origin_of
from worker.records import Place

RETRY_OF = "retry_of"
"""Header of a message published anew: the place it was first read at."""

_LIMIT = 500


class Letter(NamedTuple):
    """One dead letter, as people look at it."""

    place: Place
    origin: Place
    key: str | None
    at: datetime
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one retry: the topic it was published to anew, or why it was not."""

    origin: Place
    topic: str | None
    reason: str = ""


def read(bus: Bus, patience_s: float = 60.0) -> Iterator[Letter]:
    """All dead letters that the bus's group has not taken up, up to the present end; foreign messages are left out.

    Raises Unavailable where the group gives us no partition in ``patience_s``.
    """
    _join(bus, patience_s)
    while True:
        batch = bus.poll(_LIMIT, 0.5)
        yield from (letter for message in batch if (letter := _letter(message)) is not None)
        if not batch and _read_whole(bus):
            return


def retry(bus: Bus, origins: Iterable[Place]) -> Iterator[Retried]:
    """Read each place again and publish its message anew to its topic, each place once; it is written when told."""
    for origin in dict.fromkeys(origins):
        try:
            message = bus.fetch(origin)
        except Gone:
            yield Retried(origin, None, "is gone: its topic keeps it no longer")
            continue
        if len(message.value or b"") > MAX_VALUE_BYTES:
            yield Retried(origin, None, f"is larger than {MAX_VALUE_BYTES} bytes, the most that is published here")
            continue
        kept = tuple((name, value) for name, value in message.headers if name != RETRY_OF)
        bus.publish(message.topic, message.key, message.value, (*kept, (RETRY_OF, told(origin).encode())))
        bus.flush()
        yield Retried(origin, message.topic)


def take_up(bus: Bus) -> None:
    """Remember that all that was read is taken up: the group's next ``read`` begins after it."""
    epochs, positions = bus.assignment(), bus.positions()
    bus.commit({one: Commit(positions[one], "", epoch) for one, epoch in epochs.items()})


def as_json(letter: Letter) -> str:
    """A dead letter as one line of JSON."""
    shown = {
        "dead_letter": told(letter.place),
        "origin": told(letter.origin),
        "key": letter.key,
        "at": letter.at.isoformat(),
        "reason": letter.reason,
        "attempts": letter.attempts,
    }
    return json.dumps(shown, ensure_ascii=False)


def told(place: Place) -> str:
    """A place as people write it: ``live.audio/3/1024``."""
    return f"{place.topic}/{place.partition}/{place.offset}"


def place_of(text: str) -> Place:
    """The place behind ``TOPIC/PARTITION/OFFSET``. Raises ValueError."""
    topic, partition, offset = text.split("/")
    if not topic:
        raise ValueError("no topic")
    return Place(topic, int(partition), int(offset))


def _join(bus: Bus, patience_s: float) -> None:
    """Poll, paused, until partitions are ours, so that no message is given out here."""
    taken: set[Partition] = set()

    def hold(partitions: Mapping[Partition, int]) -> None:
        taken.update(partitions)
        bus.pause(list(partitions))

    bus.on_assigned(hold)
    deadline = time.monotonic() + patience_s
    while not taken:
        if time.monotonic() > deadline:
            raise Unavailable(f"the group gave us no partition of {DEAD_LETTERS} in {patience_s:.0f} s")
        bus.poll(1, 0.5)
    bus.resume(list(taken))


def _read_whole(bus: Bus) -> bool:
    ends = bus.ends()
    return all(at >= ends[partition] for partition, at in bus.positions().items())


def _letter(message: Message) -> Letter | None:
    try:
        origin = origin_of(message)
    except InvalidMessage:
        return None
    headers = dict(message.headers)
    return Letter(
        place=message.place,
        origin=origin,
        key=message.key,
        at=datetime.fromtimestamp(message.timestamp / 1000, UTC),
        reason=headers.get("reason", b"").decode(errors="replace"),
        attempts=int(headers.get("attempts", b"1")),
    )
