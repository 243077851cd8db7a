"""What the transcripts of one stream make of each other within five minutes: staged haggling, stock that comes back,
comments on demand. Speech and chat together, as ``moderation.transcripts`` has them.

The words of the cues are data (models/cues.py); they are joined (worker/rows.py) in the order of the stream's time,
not in that of arrival: what came is written down, then the whole is judged, so that a message that comes twice or
after its neighbour changes nothing. A flag is named after the utterance of its first cue and its label, whichever
rule found it first, and there is one per stream, label and five minutes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from models.cues import LONGEST_S, Cues, Rule
from models.labels import Label
from worker.batches import Batch, Outcome, Result, Spot
from worker.bus import Message, Partition
from worker.codec import InvalidMessage, Rejected, decode
from worker.floods import Asked
from worker.moments import Said
from worker.policy import Policy
from worker.records import (
    Claim,
    Cue,
    Flag,
    Latency,
    Severity,
    Source,
    Status,
    Suggestion,
    TextKind,
    Tier,
    Transcript,
    Versions,
)  # fmt: skip
from worker.rows import NEVER, Row, Stream
from worker.rulebook import by_policy, law_in_force

KEPT_S = 2 * LONGEST_S
"""How long, by the log's time, a line is kept: a row is five minutes long, and speech may come that much after chat."""

FLOOD = "flood"
"""The name of a viewer's line as a cue."""

_MOST_KEPT = 400_000

Where = tuple[Partition, int] | None
"""The assignment that a stream was read under; what is read under another begins anew."""


class Terms(Protocol):
    """What labels say and how they are treated, as a Rulebook has it."""

    @property
    def labels(self) -> Mapping[str, Label]: ...

    @property
    def policy(self) -> Policy: ...


class FixedTerms(NamedTuple):
    """Terms that nobody edits."""

    labels: Mapping[str, Label]
    policy: Policy


class Watch:
    """Watches many streams. Pure but for what it remembers of them: no bus, and time comes from the records."""

    def __init__(self, cues: Cues, labels: Mapping[str, Label], *, jurisdiction: str = "cn") -> None:
        self._cues, self._jurisdiction = cues, jurisdiction
        self.terms = FixedTerms(labels, Policy())
        self._asked = Asked(cues)
        self._streams: dict[Where, OrderedDict[str, Stream]] = {}
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

    def add(self, said: Said, now: float, where: Where = None, terms: Terms | None = None) -> list[Flag]:
        """Write down what was said and judge its stream, by the labels that the watch was made with unless ``terms``
        are given. ``now`` (epoch seconds) only measures latency."""
        terms = terms or self.terms
        streams, name = self._streams.setdefault(where, OrderedDict()), said.transcript.stream_id
        stream = streams.setdefault(name, Stream())
        streams.move_to_end(name)
        before = stream.size if stream.latest > NEVER else 0
        new = stream.write_down(said)
        stream.latest = max(stream.latest, said.at)
        stream.forget_before(said.at - KEPT_S)
        self._kept += stream.size - before
        self._drop_silent(streams, said.at - KEPT_S)
        self._bound()
        line_at = None if said.given else said.transcript.started_at
        concerned = self._concerned(said, terms.policy) if new else []
        return [self._flag(row, now, terms) for rules in concerned for row in stream.rows(rules, self._asked, line_at)]

    def forget(self, where: Where) -> None:
        """Drop the streams read under an assignment that is over."""
        for stream in self._streams.pop(where, {}).values():
            self._kept -= stream.size

    def _concerned(self, said: Said, policy: Policy) -> list[list[Rule]]:
        """The rules that a transcript may complete, sure enough for the policy, those of a label together."""
        names = {given.cue for given in said.given}
        sure = [one for one in self._cues.rules if one.score >= policy.of(one.label).rule]
        labels = {one.label for one in sure if names & one.cues or (one.flood and not names)}
        return [[one for one in sure if one.label == label] for label in sorted(labels)]

    def _drop_silent(self, streams: OrderedDict[str, Stream], before: float) -> None:
        """Forget the streams of one assignment in which nothing was written since; another's log may lag behind."""
        while len(streams) > 1 and next(iter(streams.values())).latest < before:
            self._kept -= streams.popitem(last=False)[1].size

    def _bound(self) -> None:
        """With more kept than memory is meant to carry, of the assignment with most streams those silent for longest
        are forgotten."""
        while self._kept > _MOST_KEPT and len(most := max(self._streams.values(), key=len)) > 1:
            self._kept -= most.popitem(last=False)[1].size

    # -- rows to flags

    def _flag(self, row: Row, now: float, terms: Terms) -> Flag:
        first, cues = row.first, _cues(row)
        spoken = [cue for cue in cues if cue.start_ms is not None and cue.end_ms is not None]
        ended_at = max(cue.ended_at for cue in cues)
        text, span = _joined(cues)
        claim = self._claim(row, cues, (text, span), terms)
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

    def _claim(self, row: Row, cues: Sequence[Cue], joined: tuple[str, tuple[int, int]], terms: Terms) -> Claim:
        rule, first, label = row.rule, row.first, terms.labels[row.rule.label]
        text, span = joined
        return Claim(
            claim_id=f"{first.transcript_id}/{rule.label}/sequence",
            label=rule.label,
            score=rule.score,
            threshold=terms.policy.of(rule.label).rule,
            finder="sequence",
            rule_id=rule.id,
            start_ms=min((cue.start_ms for cue in cues if cue.start_ms is not None), default=None),
            end_ms=max((cue.end_ms for cue in cues if cue.end_ms is not None), default=None),
            text=text[slice(*span)],
            span=span,
            normalised=" / ".join(cue.text[slice(*cue.span)] for cue in cues),
            tier=Tier(label.tier),
            severity=Severity(label.severity),
            law=law_in_force(label, self._jurisdiction, first.started_at.date()),
            advice=label.advice_in(first.language),
            cues=tuple(cues),
        )


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
    """The handler of transcripts: reads cues beside, joins them in order. ``current`` gives the terms in force, those
    of the watch without it; it is asked once for each batch."""

    def __init__(self, watch: Watch, current: Callable[[], Terms] | None = None) -> None:
        self._watch, self._current = watch, current or (lambda: watch.terms)

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
        results, terms = [], self._current()
        for spot, said in work.past:
            self._watch.add(said, work.now, (spot.partition, spot.epoch), terms)
        for spot, said in work.said:
            for flag in self._watch.add(said, work.now, (spot.partition, spot.epoch), terms):
                results += [Result(spot.partition, spot.epoch, told) for told in by_policy(flag, terms.policy)]
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
