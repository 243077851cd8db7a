"""Detection in one process, without brokers: the same loop, over a log in memory that forgets what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from threading import Event

import numpy as np
from numpy.typing import NDArray

from models.asr import Row
from models.audio import BadAudio, decode
from models.results import Utterance, Word
from worker.batches import Handler
from worker.codec import DEAD_LETTERS, Encoded
from worker.codec import decode as decoded
from worker.goods import TOPICS, Follower, Goods
from worker.hearing import Prepared
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import (
    AudioChunk,
    Fact,
    Flag,
    LiveText,
    Place,
    Record,
    Reminder,
    ShadowFlag,
    StreamHeard,
    Transcript,
)
from worker.service import Limits, Service

Samples = NDArray[np.float32]

_LONGEST_CHUNK_S = 60.0
_KINDS: tuple[type[Record], ...] = (StreamHeard, Transcript, Fact, Reminder, Flag, ShadowFlag)
_GROUP = "local"


class NotHandled(Exception):
    """A message became a dead letter; the message of this says why."""


class OwnSound:
    """Decodes in this process: for sound that we made ourselves, which needs no guarding."""

    def decode_all(self, jobs: Sequence[tuple[bytes, str]]) -> list[Samples | BadAudio]:
        return [self._decoded(value, content_type) for value, content_type in jobs]

    def _decoded(self, value: bytes, content_type: str) -> Samples | BadAudio:
        try:
            return decode(value, content_type, _LONGEST_CHUNK_S)
        except BadAudio as error:
            return error


class NoSpeech:
    """Stands where a speech model would, for texts, which need none."""

    name = "none"

    def features(self, samples: Samples) -> Samples:
        raise AssertionError(f"{len(samples)} samples of sound where only texts were to come")

    def transcribe(self, rows: Sequence[Row]) -> list[Utterance]:
        raise AssertionError(f"{len(rows)} utterances where only texts were to come")

    def align(self, row: Row, text: str) -> list[Word]:
        raise AssertionError(f"{text!r} was said in {row.seconds} s where only texts were to come")


class LocalRun:
    """A handler over a log in memory. At most ``waiting`` messages are written and unread at any time.

    ``after`` says what comes of a transcript beside, once it is heard.
    """

    def __init__(
        self,
        handler: Handler[Prepared],
        limits: Limits,
        *,
        waiting: int,
        clock: Callable[[], float],
        goods: Goods | None = None,
        after: Callable[[Transcript], Iterable[Record]] = lambda _: (),
    ) -> None:
        self._log, self._waiting, self._after = MemoryLog(clock=clock), waiting, after
        self._bus = MemoryBus(self._log, _GROUP, (AudioChunk.topic, LiveText.topic))
        shop = MemoryBus(self._log, "goods", TOPICS)
        self._follower = Follower(goods or Goods(), lambda: shop)
        self._service = Service(self._bus, handler, limits, clock=clock)

    def results(self, messages: Iterable[Encoded]) -> Iterator[Record]:
        """What comes of the messages, as it is found; a Reminder comes before the Flag it belongs to.

        Each message is taken when there is room for it. Raises NotHandled, and what the messages raise.
        """
        feed, more = iter(messages), True
        self._service.step(0.0)  # joins, so that there is something to wait for
        try:
            while more or self._service.busy or self._unread():
                more = more and self._feed(feed)
                self._follower.step()
                self._service.step()
                self._forget()
                yield from self._published()
        finally:
            stop = Event()
            stop.set()
            self._service.run(stop)

    def kept(self) -> int:
        """Messages of sound and text still in memory."""
        return sum(len(self._log.messages(topic)) for topic in self._bus.topics)

    def _feed(self, feed: Iterator[Encoded]) -> bool:
        """Fill up what waits to be read; whether there may be more."""
        room = self._waiting - self._unread()
        taken = list(islice(feed, max(0, room)))
        for one in taken:
            self._log.append(one.topic, one.key, one.value, one.headers)
        return len(taken) >= room

    def _unread(self) -> int:
        positions = self._bus.positions()
        return sum(end - positions[partition] for partition, end in self._bus.ends().items())

    def _forget(self) -> None:
        for partition in self._bus.assignment():
            if done := self._bus.committed(partition):
                self._log.delete_before(Place(partition.topic, partition.number, done.offset))

    def _published(self) -> Iterator[Record]:
        for kind in _KINDS:
            for message in self._log.messages(kind.topic):
                self._drop(message.place)
                record = decoded(kind, message)
                yield record
                if isinstance(record, Transcript):
                    yield from self._after(record)
        for letter in self._log.messages(DEAD_LETTERS):
            raise NotHandled(dict(letter.headers)["reason"].decode())

    def _drop(self, place: Place) -> None:
        self._log.delete_before(place._replace(offset=place.offset + 1))
