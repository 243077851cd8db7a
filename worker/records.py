"""The nouns of the service, in the order they flow: frozen records, no I/O, no imports of ours.

A record that starts something (AudioChunk, LiveText, Listing) carries the id its producer gave it.
Every later record derives its id from the record it came from, so handling a message twice makes
the same ids twice and nothing is counted twice.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

SCHEMA_VERSION = 1

_BINDING = ("statute", "regulation", "platform_rule")

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
"""An id given from outside. Its characters keep derived ids, keys and file names unambiguous."""

Language = Annotated[str, Field(max_length=35)]
"""A language tag from outside, such as ``zh`` or ``zh-CN``; one that says nothing to us is no fault."""


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("not a time between the years 1 and 9999 in UTC") from error


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A wall-clock time: ISO 8601 with a zone, or epoch milliseconds. Kept in UTC."""


class Source(StrEnum):
    """Where the words of a Transcript or Flag came from."""

    SPEECH = "speech"
    CHAT = "chat"
    LISTING = "listing"
    VIEWERS = "viewers"


class TextKind(StrEnum):
    CHAT = "chat"
    TITLE = "title"
    PINNED = "pinned"
    PRODUCT = "product"


class AuthorRole(StrEnum):
    HOST = "host"
    ASSISTANT = "assistant"
    VIEWER = "viewer"
    PLATFORM = "platform"
    UNKNOWN = "unknown"

    @property
    def is_host(self) -> bool:
        """Whether the host answers for what this author says."""
        return self in (AuthorRole.HOST, AuthorRole.ASSISTANT)


class Status(StrEnum):
    """How far the text of a Transcript can be trusted."""

    OK = "ok"
    LOW_CONFIDENCE = "low_confidence"
    ASR_FAILED = "asr_failed"


class Tier(StrEnum):
    """What it takes to decide a label: T1 the utterance alone, T2 data beside it, T3 behaviour over time."""

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Suggestion(StrEnum):
    """What the machine proposes to people; it decides nothing."""

    PASS = "pass"  # noqa: S105  not a password
    REVIEW = "review"
    URGENT = "urgent"


class Place(NamedTuple):
    """One message on the bus: where sound lies, what a dead letter came from."""

    topic: str
    partition: int
    offset: int


class _PlaceObject(BaseModel):
    model_config = ConfigDict(title="Place")

    topic: str
    partition: int
    offset: int


def _as_object(place: Place) -> _PlaceObject:
    return _PlaceObject(topic=place.topic, partition=place.partition, offset=place.offset)


SoundPlace = Annotated[Place, PlainSerializer(_as_object)]
"""A Place that travels as a JSON object, not as the array a NamedTuple would be."""


class Noun(BaseModel):
    """A frozen record. Unknown fields are ignored, so that producers may be newer than we are.

    A number is always finite: JSON has no word for another.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class AudioChunk(Noun):
    """Some seconds of one stream's sound. Travels as a raw value with headers, never as JSON.

    ``offset_ms`` is where in the stream the chunk begins, ``started_at`` when its first sample sounded.
    """

    topic: ClassVar[str] = "live.audio"

    stream_id: Id
    streamer_id: Id
    sequence: Annotated[int, Field(ge=0)]
    offset_ms: Annotated[int, Field(ge=0)]
    started_at: Time
    content_type: str
    language: Language | None = None
    end: bool = False
    blob_ref: str | None = None
    sha256: str | None = None
    traceparent: str | None = None
    sound: bytes = b""

    @property
    def chunk_id(self) -> str:
        return f"{self.stream_id}/{self.sequence}"


class LiveText(Noun):
    """A line of chat, a title, a pinned text or the text of a product in one stream."""

    topic: ClassVar[str] = "live.text"

    schema_version: int = SCHEMA_VERSION
    text_id: Id
    stream_id: Id
    streamer_id: Id
    kind: TextKind
    author_id: str | None = None
    author_role: AuthorRole = AuthorRole.UNKNOWN
    text: Annotated[str, Field(max_length=20_000)]
    sent_at: Time
    language: Language | None = None


class Speech(Noun):
    """How sure the recogniser was: mean log-probability per token, probability of no speech."""

    model: str
    avg_logprob: float
    no_speech_prob: float


class Versions(Noun):
    """What found it: model names and the hash of the rules in force."""

    speech: str | None = None
    classifier: str | None = None
    lexicon: str
    policy: str | None = None


class Latency(Noun):
    """Milliseconds spent before and inside the worker on one utterance.

    ``total`` counts from the end of the utterance to the making of the record; ``queue`` is the
    part of it before recognition began.
    """

    queue: int
    speech: int
    claims: int
    total: int


class Transcript(Noun):
    """What was said or written, once: an utterance or a line of live text."""

    topic: ClassVar[str] = "moderation.transcripts"

    schema_version: int = SCHEMA_VERSION
    transcript_id: str
    stream_id: Id
    streamer_id: Id
    source: Source
    text_kind: TextKind | None = None
    author_role: AuthorRole = AuthorRole.HOST
    status: Status
    language: str
    start_ms: int | None = None
    end_ms: int | None = None
    started_at: Time
    ended_at: Time
    text: str
    speech: Speech | None = None
    sound: tuple[SoundPlace, ...] = ()

    @property
    def key(self) -> str:
        return self.stream_id


class Law(Noun):
    """A rule of law or of the platform behind a label."""

    jurisdiction: str
    kind: str
    title_zh: str
    title_en: str
    article_zh: str
    article_en: str
    in_force_from: date | None = None
    verified: bool = False

    def may_be_shown(self, on: date) -> bool:
        """Whether a host sees it: verified, binding or the platform's own, and in force on the day it was said.

        Where nobody has checked since when it is in force, it counts as in force.
        """
        in_force = self.in_force_from is None or self.in_force_from <= on
        return self.verified and self.kind in _BINDING and in_force


class Cue(Noun):
    """An utterance or line that a claim over several rests on: where it lies, and which words of it count.

    ``span`` counts Unicode code points of ``text``; ``start_ms`` and ``end_ms`` are in the stream, and null for text.
    """

    cue: str
    transcript_id: str
    source: Source
    author_role: AuthorRole
    start_ms: int | None = None
    end_ms: int | None = None
    started_at: Time
    ended_at: Time
    text: str
    span: tuple[int, int]
    sound: tuple[SoundPlace, ...] = ()


class Claim(Noun):
    """One label found in one utterance or text, or (``cues``) in several of one stream.

    ``span`` counts Unicode code points of the transcript; ``start_ms`` and ``end_ms`` are in the
    stream, and null for text.
    """

    claim_id: str
    label: str
    score: float
    threshold: float
    finder: str
    rule_id: str | None = None
    sku: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    text: str
    span: tuple[int, int]
    normalised: str
    tier: Tier
    severity: Severity
    law: tuple[Law, ...] = ()
    advice: str
    listing: dict[str, Any] | None = None
    cues: tuple[Cue, ...] = ()


class _Flagged(Noun):
    schema_version: int = SCHEMA_VERSION
    flag_id: str
    stream_id: Id
    streamer_id: Id
    source: Source
    text_kind: TextKind | None = None
    status: Status
    language: str
    start_ms: int | None = None
    end_ms: int | None = None
    started_at: Time
    ended_at: Time
    transcript: str
    context_before: str
    speech: Speech | None = None
    sound: tuple[SoundPlace, ...] = ()
    claims: tuple[Claim, ...]
    severity: Severity
    tier: Tier
    suggestion: Suggestion
    versions: Versions
    latency_ms: Latency

    @property
    def key(self) -> str:
        return self.streamer_id


class Flag(_Flagged):
    """The claims of one utterance or text, published at once, with all that people need to judge them."""

    topic: ClassVar[str] = "moderation.flags"


class ShadowFlag(_Flagged):
    """Claims that labels or rules in shadow would have made of an utterance or text: to be counted and read by those
    who try them out, never told to anybody else. The same fields as a Flag, and the id that it has or would have."""

    topic: ClassVar[str] = "moderation.shadow"


class Reminder(Noun):
    """Told to the host at once: what was said, why it is a problem, how to put it right. No points.

    ``notice`` is the line on law and rule in the host's language; ``law`` is the same for programs.
    """

    topic: ClassVar[str] = "moderation.reminders"

    schema_version: int = SCHEMA_VERSION
    reminder_id: str
    stream_id: Id
    streamer_id: Id
    label: str
    by: str = "machine"
    flag_id: str
    language: str
    said: str
    said_at: Time
    why: str
    advice: str
    law: tuple[Law, ...] = ()
    notice: str = ""

    @property
    def key(self) -> str:
        return self.streamer_id


class StreamHeard(Noun):
    """One chunk's seconds of sound, heard. A stream's day is the sum over distinct ``heard_id``."""

    topic: ClassVar[str] = "moderation.heard"

    schema_version: int = SCHEMA_VERSION
    heard_id: str
    stream_id: Id
    streamer_id: Id
    day: date
    start_ms: int
    seconds: float

    @property
    def key(self) -> str:
        return self.stream_id


NotNegative = Annotated[float, Field(ge=0)]


class Listing(Noun):
    """What the shop says of a good on sale, from ``valid_from`` on; without it, at any time. A missing field is not
    compared. Of no stream, it is sold in all."""

    topic: ClassVar[str] = "live.listings"

    schema_version: int = SCHEMA_VERSION
    stream_id: Id | None = None
    sku: str
    title: str | None = None
    category: str | None = None
    price: NotNegative | None = None
    currency: str | None = None
    lowest_price_7d: NotNegative | None = None
    coupons: tuple[str, ...] = ()
    shipping: str | None = None
    material: str | None = None
    weight_g: NotNegative | None = None
    quantity: Annotated[int, Field(ge=0)] | None = None
    size: str | None = None
    origin: str | None = None
    brand: str | None = None
    stock: Annotated[int, Field(ge=0)] | None = None
    certificates: tuple[str, ...] = ()
    valid_from: Time | None = None


class ProductShown(Noun):
    """From ``at`` on the host shows this sku: until ``until``, else until another one is shown in the stream."""

    topic: ClassVar[str] = "live.shown"

    schema_version: int = SCHEMA_VERSION
    stream_id: Id
    sku: str
    at: Time
    until: Time | None = None


class Outcome(StrEnum):
    """How a spoken fact and the listing go together."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    CANNOT_TELL = "cannot_tell"


class Fact(Noun):
    """What was said of a good, and whether its listing agrees: so that a warehouse can look at the good itself.

    ``value`` is in the unit of its field (docs/facts.md), ``words`` are ``span`` of the utterance in code points,
    ``sku`` and ``listed`` are null where no listing is known. ``label`` stands where it contradicts, ``settles``
    where it agrees and so a claim of the words alone with that label was dropped.
    """

    topic: ClassVar[str] = "moderation.facts"

    schema_version: int = SCHEMA_VERSION
    fact_id: str
    stream_id: Id
    streamer_id: Id
    transcript_id: str
    sku: str | None = None
    source: Source
    status: Status
    field: str
    value: float | str
    words: str
    span: tuple[int, int]
    start_ms: int | None = None
    end_ms: int | None = None
    said_at: Time
    outcome: Outcome
    listed: float | str | tuple[str, ...] | None = None
    label: str | None = None
    settles: str | None = None

    @property
    def key(self) -> str:
        return f"{self.stream_id}/{self.sku or ''}"


Record = Transcript | Flag | ShadowFlag | Reminder | StreamHeard | Fact
"""What a handler may give back to be published."""
