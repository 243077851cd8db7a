"""What the transcripts of one stream make of each other within five minutes: staged haggling, stock that comes back,
comments on demand. Speech and chat together, as ``moderation.transcripts`` has them.

The words of the cues are data (models/cues.py); here they are joined in the order of the stream's time, not in that
of arrival: what came is written down, then the whole is judged, so that a message that comes twice or after its
neighbour changes nothing. A flag is named after its first cue, and there is one per stream, label and five minutes.
"""

from __future__ import annotations

import re
from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from models.cues import LONGEST_S, Cues, Flood, Given, Rule
from models.labels import Label
from models.law import in_force
from worker.bus import Message, Partition
from worker.codec import InvalidMessage, Rejected, decode
from worker.policy import Policy
from worker.records import (
    AuthorRole,
    Claim,
    Cue,
    Flag,
    Latency,
    Law,
    Severity,
    Source,
    Status,
    Suggestion,
    TextKind,
    Tier,
    Transcript,
    Versions,
)  # fmt: skip
from worker.rulebook import by_policy
from worker.service import Batch, Outcome, Result, Spot

KEPT_S = 2 * LONGEST_S
"""How long, by the log's time, a line is kept: a row is five minutes long, and speech may come that much after chat."""

THRESHOLD = 0.5
FLOOD = "flood"
"""The name of a viewer's line as a cue."""

_MOST_LINES = 1_500
_MOST_MOMENTS = 300
_MOST_KEPT = 400_000
_ALIKE = 0.5
_BLOCK_S = 300
_BLOCKS_REMEMBERED = 8
_OVERLAP = timedelta(milliseconds=500)
_REPEATED = re.compile(r"(.+?)\1+")
_PARTS = re.compile(r"[㐀-鿿]|[a-z]+|\d+")
_SPOKEN_DIGITS = str.maketrans("一六八", "168")

Key = tuple[datetime, str, int]
Where = tuple[Partition, int] | None
"""The assignment that a stream was read under; what is read under another begins anew."""


class Said(NamedTuple):
    """A transcript, the cues in it, and when it was written to the log, in epoch seconds."""

    transcript: Transcript
    given: tuple[Given, ...]
    at: float


class Moment(NamedTuple):
    """One cue of one utterance."""

    transcript: Transcript
    given: Given
    at: float

    @property
    def key(self) -> Key:
        """Where it stands in its stream: earlier said, earlier in the words."""
        return self.transcript.started_at, self.transcript.transcript_id, self.given.start


class Line(NamedTuple):
    """A viewer's line, and what it is made of whatever is repeated in it."""

    transcript: Transcript
    parts: frozenset[str]
    at: float

    @property
    def key(self) -> Key:
        return self.transcript.started_at, self.transcript.transcript_id, 0


class Row(NamedTuple):
    """A rule, and what fulfils it: the cues in order, and the lines of the flood."""

    rule: Rule
    moments: tuple[Moment, ...]
    lines: tuple[Line, ...] = ()

    @property
    def last(self) -> Key:
        return self.lines[-1].key if self.lines else self.moments[-1].key


@dataclass(slots=True)
class _Stream:
    """What is kept of one stream, in the order of its time, and what was made of it."""

    moments: list[Moment] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    known: dict[str, float] = field(default_factory=dict)
    done: dict[str, Key] = field(default_factory=dict)
    blocks: dict[str, list[int]] = field(default_factory=dict)

    def write_down(self, said: Said) -> bool:
        """Keep what may count; false where there is nothing new in it."""
        transcript = said.transcript
        if transcript.transcript_id in self.known:
            return False
        if said.given:
            for given in said.given:
                insort(self.moments, Moment(transcript, given, said.at), key=_key)
        elif _is_viewers(transcript) and (parts := _parts(transcript.text)):
            insort(self.lines, Line(transcript, parts, said.at), key=_key)
        else:
            return False
        self.known[transcript.transcript_id] = said.at
        return True

    def forget_before(self, at: float) -> None:
        """Drop what was written to the log before a time, and what is too much."""
        if self.known and next(iter(self.known.values())) < at:
            self.moments = [one for one in self.moments if one.at >= at]
            self.lines = [one for one in self.lines if one.at >= at]
            self.known = {one: when for one, when in self.known.items() if when >= at}
        del self.lines[: len(self.lines) - _MOST_LINES], self.moments[: len(self.moments) - _MOST_MOMENTS]

    def rows(self, rules: Sequence[Rule], cues: Cues) -> Iterator[Row]:
        """The rows of one label that are complete and not told yet: of each five minutes the one that begins first."""
        while found := [row for rule in rules if (row := _first_row(rule, cues, self._open(rule), self.lines))]:
            row = min(found, key=lambda one: one.moments[0].key)
            label = row.rule.label
            self.done[label] = row.last
            block = int(row.moments[0].transcript.started_at.timestamp()) // _BLOCK_S
            told = self.blocks.setdefault(label, [])
            if block not in told:
                told.append(block)
                del told[:-_BLOCKS_REMEMBERED]
                yield row

    def _open(self, rule: Rule) -> list[Moment]:
        """The cues of a rule, guards among them, that come after the last row of its label."""
        names, done = {*rule.steps, *rule.silent_if}, self.done.get(rule.label)
        return [
            one
            for one in self.moments
            if one.given.cue in names and (done is None or one.key > done or one.given.cue in rule.silent_if)
        ]


class Watch:
    """Watches many streams. Pure but for what it remembers of them: no bus, and time comes from the records."""

    def __init__(self, cues: Cues, labels: Mapping[str, Label], *, jurisdiction: str = "cn") -> None:
        self._cues, self._labels, self._jurisdiction = cues, labels, jurisdiction
        self._streams: OrderedDict[tuple[Where, str], _Stream] = OrderedDict()
        self._kept = 0

    @property
    def version(self) -> str:
        return self._cues.version

    def read(self, transcript: Transcript, at: float) -> Said:
        """The cues in what was surely said by those the host answers for; titles and product texts are no talk."""
        if not transcript.author_role.is_host or transcript.status is not Status.OK:
            return Said(transcript, (), at)
        talk = transcript.source is Source.SPEECH or transcript.text_kind in (TextKind.CHAT, TextKind.PINNED)
        return Said(transcript, tuple(self._cues.find(transcript.text)) if talk else (), at)

    def add(self, said: Said, now: float, where: Where = None) -> list[Flag]:
        """Write down what was said and judge its stream. ``now`` (epoch seconds) only measures latency."""
        key = (where, said.transcript.stream_id)
        stream = self._streams.setdefault(key, _Stream())
        self._streams.move_to_end(key)
        before = len(stream.known)
        new = stream.write_down(said)
        stream.forget_before(said.at - KEPT_S)
        self._kept += len(stream.known) - before
        self._bound()
        rows = [row for rules in self._concerned(said) for row in stream.rows(rules, self._cues)] if new else []
        return [self._flag(row, now) for row in rows]

    def forget(self, where: Where) -> None:
        """Drop the streams read under an assignment that is over."""
        for key in [key for key in self._streams if key[0] == where]:
            self._kept -= len(self._streams.pop(key).known)

    def _concerned(self, said: Said) -> list[list[Rule]]:
        """The rules that a transcript may complete, those of a label together."""
        names = {given.cue for given in said.given}
        labels = {one.label for one in self._cues.rules if names & set(one.steps) or (one.flood and not names)}
        return [[one for one in self._cues.rules if one.label == label] for label in sorted(labels)]

    def _bound(self) -> None:
        """With more kept than memory is meant to carry, the streams silent for longest are forgotten."""
        while self._kept > _MOST_KEPT and len(self._streams) > 1:
            self._kept -= len(self._streams.popitem(last=False)[1].known)

    # -- rows to flags

    def _flag(self, row: Row, now: float) -> Flag:
        first, cues = row.moments[0].transcript, _cues(row)
        spoken = [cue for cue in cues if cue.start_ms is not None and cue.end_ms is not None]
        ended_at = max(cue.ended_at for cue in cues)
        text, span = _joined(cues)
        claim = self._claim(row, cues, text, span)
        return Flag(
            flag_id=claim.claim_id,
            stream_id=first.stream_id,
            streamer_id=first.streamer_id,
            source=Source.SPEECH if spoken else first.source,
            text_kind=None if spoken else first.text_kind,
            status=Status.OK,
            language=first.language,
            start_ms=claim.start_ms,
            end_ms=claim.end_ms,
            started_at=first.started_at,
            ended_at=ended_at,
            transcript=text,
            context_before="",
            sound=tuple(sorted({place for cue in cues for place in cue.sound})),
            claims=(claim,),
            severity=claim.severity,
            tier=claim.tier,
            suggestion=Suggestion.URGENT if claim.severity is Severity.CRITICAL else Suggestion.REVIEW,
            versions=Versions(speech=first.speech.model if first.speech else None, lexicon=self._cues.version),
            latency_ms=Latency(queue=0, speech=0, claims=0, total=max(0, round((now - ended_at.timestamp()) * 1000))),
        )

    def _claim(self, row: Row, cues: Sequence[Cue], text: str, span: tuple[int, int]) -> Claim:
        rule, first, label = row.rule, row.moments[0].transcript, self._labels[row.rule.label]
        return Claim(
            claim_id=f"{first.transcript_id}/{rule.label}/{rule.id}",
            label=rule.label,
            score=rule.score,
            threshold=THRESHOLD,
            finder="sequence",
            rule_id=rule.id,
            start_ms=min((cue.start_ms for cue in cues if cue.start_ms is not None), default=None),
            end_ms=max((cue.end_ms for cue in cues if cue.end_ms is not None), default=None),
            text=text[slice(*span)],
            span=span,
            normalised=" / ".join(cue.text[slice(*cue.span)] for cue in cues),
            tier=Tier(label.tier),
            severity=Severity(label.severity),
            law=tuple(Law(**asdict(one)) for one in in_force(label, self._jurisdiction, first.started_at.date())),
            advice=label.advice_zh if first.language == "zh" else label.advice_en,
            cues=tuple(cues),
        )


def _first_row(rule: Rule, cues: Cues, moments: Sequence[Moment], lines: Sequence[Line]) -> Row | None:
    """The complete row that begins earliest, each further cue the first that fits. Earliest, so that what comes late
    in between changes nothing of its name."""
    for number, first in enumerate(moments):
        if first.given.cue != rule.steps[0]:
            continue
        chosen = _chosen(rule, cues, first, moments[number + 1 :])
        if chosen is None:
            continue
        row = Row(rule, chosen, flood) if (flood := _flood(rule.flood, chosen[-1], lines)) is not None else None
        if row is not None and not _silenced(row, moments):
            return row
    return None


def _chosen(rule: Rule, cues: Cues, first: Moment, later: Iterable[Moment]) -> tuple[Moment, ...] | None:
    """The cues of all steps, or None."""
    chosen, until = [first], first.transcript.started_at + timedelta(seconds=rule.within_s)
    for one in later:
        if len(chosen) == len(rule.steps) or one.transcript.started_at > until:
            break
        if (
            one.given.cue == rule.steps[len(chosen)]
            and _follows(chosen[-1], one)
            and _same(rule, cues, chosen[-1], one)
        ):
            chosen.append(one)
    return tuple(chosen) if len(chosen) == len(rule.steps) else None


def _follows(before: Moment, after: Moment) -> bool:
    """Whether one cue comes after another, and is not the same sound heard a second time."""
    one, other = before.transcript, after.transcript
    if one.transcript_id == other.transcript_id:
        return after.given.start >= before.given.end
    spoken = one.source is Source.SPEECH and other.source is Source.SPEECH
    return not spoken or other.started_at >= one.ended_at - _OVERLAP


def _same(rule: Rule, cues: Cues, before: Moment, after: Moment) -> bool:
    """Whether two cues may speak of the same good: not where both name one, and others."""
    if not rule.same or before.transcript is after.transcript:
        return True
    named = zip(*(cues.goods(rule, one.transcript.text) for one in (before, after)), strict=True)
    return not any(one and other and not one & other for one, other in named)


def _silenced(row: Row, moments: Iterable[Moment]) -> bool:
    """Whether a guard was given from five minutes before the row up to its end."""
    earliest = row.moments[0].transcript.started_at - timedelta(seconds=row.rule.within_s)
    return any(
        one.given.cue in row.rule.silent_if and earliest <= one.transcript.started_at and one.key <= row.last
        for one in moments
    )


def _flood(flood: Flood | None, call: Moment, lines: Sequence[Line]) -> tuple[Line, ...] | None:
    """The first lines of the flood that a call brought on; none where the rule needs none, None where it did not."""
    if flood is None:
        return ()
    began, span = call.transcript.started_at, timedelta(seconds=flood.within_s)
    near = [line for line in lines if abs(line.transcript.started_at - began) <= span]
    asked = _parts(call.given.asked) or _commonest(line for line in near if line.transcript.started_at >= began)
    alike = [line for line in near if _alike(asked, line.parts)]
    after = [line for line in alike if line.transcript.started_at >= began]
    before = len(alike) - len(after)
    enough = max(flood.at_least, flood.times_before * before)
    return tuple(after[: flood.at_least]) if len(after) >= enough else None


def _commonest(lines: Iterable[Line]) -> frozenset[str]:
    counted = Counter(line.parts for line in lines)
    return min(counted, key=lambda parts: (-counted[parts], sorted(parts)), default=frozenset())


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _ALIKE * max(1, len(one | other))


def _parts(text: str) -> frozenset[str]:
    """The Han characters, words and numbers of a line, whatever is repeated in it: 111 is 1."""
    plain = _REPEATED.sub(r"\1", text[:100].lower().translate(_SPOKEN_DIGITS))
    return frozenset(_PARTS.findall(plain))


def _is_viewers(transcript: Transcript) -> bool:
    chat = transcript.source is Source.CHAT and transcript.text_kind is TextKind.CHAT
    return chat and transcript.author_role in (AuthorRole.VIEWER, AuthorRole.UNKNOWN)


def _key(one: Moment | Line) -> Key:
    return one.key


def _cues(row: Row) -> list[Cue]:
    cues = [_cue(one.given.cue, one.transcript, (one.given.start, one.given.end)) for one in row.moments]
    return cues + [_cue(FLOOD, line.transcript, (0, len(line.transcript.text))) for line in row.lines]


def _cue(name: str, transcript: Transcript, span: tuple[int, int]) -> Cue:
    return Cue(
        cue=name,
        transcript_id=transcript.transcript_id,
        source=transcript.source,
        author_role=transcript.author_role,
        start_ms=transcript.start_ms,
        end_ms=transcript.end_ms,
        started_at=transcript.started_at,
        ended_at=transcript.ended_at,
        text=transcript.text,
        span=span,
        sound=transcript.sound,
    )


def _joined(cues: Sequence[Cue]) -> tuple[str, tuple[int, int]]:
    """The utterances of all cues, a line each, and the span from the first cue's words to the last one's."""
    text, starts, seen = "", dict[str, int](), list[str]()
    for cue in cues:
        if cue.transcript_id not in starts:
            starts[cue.transcript_id] = len(text) + (1 if seen else 0)
            seen.append(cue.text)
            text = "\n".join(seen)
    return text, (starts[cues[0].transcript_id] + cues[0].span[0], starts[cues[-1].transcript_id] + cues[-1].span[1])


class Read(NamedTuple):
    """A batch of transcripts with their cues: those handled before, only to be remembered, and the new ones."""

    now: float
    gone: frozenset[tuple[Partition, int]]
    past: Sequence[tuple[Spot, Said]]
    said: Sequence[tuple[Spot, Said]]
    rejected: Sequence[Rejected]


class Sequences:
    """The handler of transcripts: reads cues beside, joins them in order. ``policy`` gives the one in force; it is
    asked once for each batch."""

    def __init__(self, watch: Watch, policy: Callable[[], Policy] = Policy) -> None:
        self._watch, self._policy = watch, policy

    def held_seconds(self) -> float:
        """None: it holds no sound, and no position rests on what it remembers."""
        return 0.0

    def prepare(self, batch: Batch) -> Read:
        past, _ = self._read(batch.past)
        said, rejected = self._read(batch.messages)
        return Read(batch.now, batch.gone, past, said, rejected)

    def handle(self, work: Read) -> Outcome:
        for where in work.gone:
            self._watch.forget(where)
        for spot, said in work.past:
            self._watch.add(said, work.now, (spot.partition, spot.epoch))
        results, policy = [], self._policy()
        for spot, said in work.said:
            for flag in self._watch.add(said, work.now, (spot.partition, spot.epoch)):
                results += [Result(spot.partition, spot.epoch, told) for told in by_policy(flag, policy)]
        free = [spot for spot, _ in work.said] + [_spot(rejected.message) for rejected in work.rejected]
        return Outcome(results, free, work.rejected)

    def _read(self, messages: Iterable[Message]) -> tuple[list[tuple[Spot, Said]], list[Rejected]]:
        said, rejected = [], []
        for message in messages:
            try:
                transcript = decode(Transcript, message)
            except InvalidMessage as error:
                rejected.append(Rejected(message, error.code, str(error)))
            else:
                said.append((_spot(message), self._watch.read(transcript, message.timestamp / 1000)))
        return said, rejected


def _spot(message: Message) -> Spot:
    return Spot(message.source, message.epoch, message.offset)
