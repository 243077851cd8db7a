"""The sample broadcasts as live streams, and how what was found compares with what is known to be in them."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from worker.codec import Encoded
from worker.listings import encode_listing, encode_shown, read_listings
from worker.recordings import Live, encode_text, whole
from worker.records import (
    AuthorRole,
    Claim,
    Flag,
    Listing,
    LiveText,
    ProductShown,
    Record,
    Source,
    StreamHeard,
    TextKind,
    Transcript,
)

CHUNK_S = 5.0
NEAR_MS = 1_000
"""A claim found this close to where one is known to be is that one: cuts and word times are not exact."""

_TEXTS = "texts.json"


class Expected(NamedTuple):
    """A claim that a broadcast is known to hold."""

    label: str
    start_ms: int
    end_ms: int
    words: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One sample: its sound, who speaks, and what is in it."""

    name: str
    sound: Path
    stream_id: str
    streamer_id: str
    language: str
    seconds: float
    expected: tuple[Expected, ...]
    texts: tuple[dict[str, Any], ...]
    listings: tuple[Listing, ...] = ()

    def live(self, started_at: datetime) -> Live:
        return Live(self.stream_id, self.streamer_id, started_at, self.language)


@dataclass(slots=True)
class Tally:
    """What became of one broadcast. ``claims`` are those in its speech, ``flags`` counts its texts' too."""

    broadcast: Broadcast
    seconds: float = 0.0
    utterances: int = 0
    flags: int = 0
    claims: list[Claim] = field(default_factory=list)

    def add(self, record: Record) -> None:
        match record:
            case StreamHeard():
                self.seconds += record.seconds
            case Transcript(source=Source.SPEECH):
                self.utterances += 1
            case Flag():
                self.flags += 1
                self.claims += record.claims if record.source is Source.SPEECH else ()

    @property
    def found(self) -> list[Expected]:
        return [one for one in self.broadcast.expected if any(same(one, claim) for claim in self.claims)]

    @property
    def missed(self) -> list[Expected]:
        return [one for one in self.broadcast.expected if not any(same(one, claim) for claim in self.claims)]

    @property
    def extra(self) -> list[Claim]:
        """Claims where none is known to be."""
        return [claim for claim in self.claims if not any(same(one, claim) for one in self.broadcast.expected)]


def same(expected: Expected, claim: Claim) -> bool:
    """Whether a claim found is the one expected: its label, at about its time."""
    if claim.label != expected.label or claim.start_ms is None or claim.end_ms is None:
        return False
    return claim.start_ms < expected.end_ms + NEAR_MS and claim.end_ms > expected.start_ms - NEAR_MS


def broadcasts(folder: Path) -> list[Broadcast]:
    """The samples of a folder: NAME.yaml, .opus, .truth.json and .listing.json, with their lines of texts.json.

    Raises FileNotFoundError where one of them is missing.
    """
    texts = json.loads((folder / _TEXTS).read_text(encoding="utf-8"))
    return [_broadcast(path, texts) for path in sorted(folder.glob("*.yaml"))]


def messages(samples: Iterable[Broadcast], started_at: datetime) -> Iterator[Encoded]:
    """All samples at once, each sound and text when its stream is that far; decoded as they are asked for."""
    streams = [_one(sample, started_at) for sample in samples]
    by_time: Callable[[tuple[float, Encoded]], float] = lambda timed: timed[0]  # noqa: E731
    return (message for _, message in heapq.merge(*streams, key=by_time))


def _one(sample: Broadcast, started_at: datetime) -> Iterator[tuple[float, Encoded]]:
    texts = [(float(text["at_s"]), encode_text(_text(sample, n, started_at))) for n, text in enumerate(sample.texts)]
    goods = [(0.0, one) for listing in sample.listings for one in _shown(sample, listing, started_at)]
    texts = [*goods, *texts]
    sound = whole(sample.sound, sample.live(started_at), CHUNK_S)
    return heapq.merge(texts, sound, key=lambda timed: timed[0])


def _shown(sample: Broadcast, listing: Listing, started_at: datetime) -> tuple[Encoded, Encoded]:
    """The good of a sample is shown from its beginning to its end."""
    shown = ProductShown(stream_id=sample.stream_id, sku=listing.sku, at=started_at)
    return encode_listing(listing, sample.stream_id), encode_shown(shown)


def _text(sample: Broadcast, number: int, started_at: datetime) -> LiveText:
    text = sample.texts[number]
    return LiveText(
        text_id=f"{sample.stream_id}:text-{number + 1}",
        stream_id=sample.stream_id,
        streamer_id=sample.streamer_id,
        kind=TextKind(text["kind"]),
        author_role=AuthorRole(text["author_role"]),
        text=text["text"],
        sent_at=started_at + timedelta(seconds=text["at_s"]),
        language=sample.language,
    )


def _broadcast(path: Path, texts: Iterable[dict[str, Any]]) -> Broadcast:
    about = yaml.safe_load(path.read_text(encoding="utf-8"))
    truth = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    sound = path.with_suffix(".opus")
    if not sound.is_file():
        raise FileNotFoundError(2, "No such file or directory", str(sound))
    claims = [claim for line in truth["lines"] for claim in line["claims"]]
    return Broadcast(
        name=path.stem,
        sound=sound,
        stream_id=about["stream_id"],
        streamer_id=about["streamer_id"],
        language=truth["language"],
        seconds=truth["seconds"],
        expected=tuple(Expected(c["label"], c["start_ms"], c["end_ms"], c["words"]) for c in claims),
        texts=tuple(sorted((t for t in texts if t["broadcast"] == path.stem), key=lambda text: float(text["at_s"]))),
        listings=read_listings(path.with_suffix(".listing.json")),
    )
