"""Speech and live text of many streams in; Transcripts, Facts, Flags, Reminders and StreamHeard out.

The second half of detection: words, then facts and claims. Knows the models only by the few methods it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from models.asr import Row, code, script
from models.doubt import doubt
from models.results import Found, Judged, Text, Utterance, Word
from models.together import together
from worker import listings
from worker.batches import Batch, Outcome, Result
from worker.context import Context
from worker.heard_words import Said, milliseconds, surely_heard, when
from worker.hearing import Hearing, Prepared, Window
from worker.records import (
    AuthorRole,
    Claim,
    Flag,
    Latency,
    Listing,
    LiveText,
    Record,
    Severity,
    ShadowFlag,
    Source,
    Speech,
    Status,
    Suggestion,
    TextKind,
    Tier,
    Transcript,
    Versions,
)  # fmt: skip
from worker.records import Outcome as Outcomes
from worker.reminders import Reminders
from worker.rulebook import Rulebook, law_in_force
from worker.said_of_goods import both_values, compared_with, facts_of, heard_of, of_listing, settled_by

F = TypeVar("F", Flag, ShadowFlag)

_SEVERITIES = list(Severity)
_SHARED = (
    "stream_id", "streamer_id", "source", "text_kind", "status", "language",
    "start_ms", "end_ms", "started_at", "ended_at", "speech", "sound",
)  # fmt: skip
"""What a Flag takes over from its Transcript."""


class Transcriber(Protocol):
    """Rows of many streams to utterances, and the time of each word of one row."""

    @property
    def name(self) -> str: ...

    def transcribe(self, rows: Sequence[Row], /) -> list[Utterance]: ...

    def align(self, row: Row, text: str, /) -> list[Word]: ...


class Shown(Protocol):
    """The listings in force of the goods that a stream shows at a time."""

    def shown(self, stream_id: str, at: datetime, /) -> Sequence[Listing]: ...


class Nothing:
    """No listings: every fact is published, and none can be told."""

    def shown(self, stream_id: str, at: datetime) -> Sequence[Listing]:  # noqa: ARG002
        return ()


@dataclass(frozen=True, slots=True)
class Times:
    """Epoch seconds at which recognition of one batch began and ended."""

    began: float
    recognised: float

    def since(self, ended_at: datetime, now: float) -> Latency:
        """What passed from the end of an utterance of the batch to ``now``, when its claims are found."""
        queue = max(0.0, self.began - ended_at.timestamp())
        return Latency(
            queue=milliseconds(queue),
            speech=milliseconds(self.recognised - self.began),
            claims=milliseconds(now - self.recognised),
            total=milliseconds(max(0.0, now - ended_at.timestamp())),
        )


class Read(NamedTuple):
    """The sentences before an utterance or line, and what the classifier found in it."""

    before: tuple[str, ...]
    learnt: Judged


class Case(NamedTuple):
    """An utterance or line in which there are claims, and all that a flag of it is made of: the sentences before it,
    its words where it was spoken, what the listing contradicts, and what is in force."""

    said: Said
    context: str
    words: Sequence[Word]
    against: Mapping[str, listings.Compared]
    book: Rulebook
    times: Times


class Detection:
    """The handler of live sound and live text.

    ``rulebook`` gives what is in force; it is asked once for each batch. ``clock`` (epoch seconds) only measures
    latency.
    """

    def __init__(
        self,
        hearing: Hearing,
        transcriber: Transcriber,
        rulebook: Callable[[], Rulebook],
        *,
        goods: Shown | None = None,
        jurisdiction: str = "cn",
        clock: Callable[[], float],
    ) -> None:
        self._hearing, self._transcriber, self._rulebook = hearing, transcriber, rulebook
        self._goods = goods or Nothing()
        self._jurisdiction, self._clock = jurisdiction, clock
        self._context = Context()
        self._reminders = Reminders(jurisdiction)

    def held_seconds(self) -> float:
        return self._hearing.held_seconds()

    def prepare(self, batch: Batch) -> Prepared:
        return self._hearing.prepare(batch)

    def handle(self, work: Prepared) -> Outcome:
        """Recognise all windows at once, then look for claims in what was said and written, in order."""
        book, began = self._rulebook(), self._clock()
        rows = [Row(w.features, w.seconds, w.chunk.language) for w in work.windows]
        utterances = self._transcriber.transcribe(rows) if rows else []
        recognised = self._clock()
        said = [Said(self._transcript(w, u), w, row) for w, row, u in zip(work.windows, rows, utterances, strict=True)]
        said += [Said(_written(line.text), line, None) for line in work.lines]
        results, times = list(work.heard), Times(began, recognised)
        for one, read in zip(said, self._read([one.transcript for one in said], book), strict=True):
            spot = one.result_of.spot
            results += [Result(spot.partition, spot.epoch, record) for record in self._judge(one, read, book, times)]
        return Outcome(results, work.free, work.rejected)

    # -- one utterance or line

    def _transcript(self, window: Window, heard: Utterance) -> Transcript:
        status = Status.ASR_FAILED if heard.failed else Status.OK if heard.supported else Status.LOW_CONFIDENCE
        return Transcript(
            transcript_id=window.utterance_id,
            stream_id=window.chunk.stream_id,
            streamer_id=window.chunk.streamer_id,
            source=Source.SPEECH,
            status=status,
            language=heard.language,
            start_ms=window.start_ms,
            end_ms=window.end_ms,
            started_at=window.started_at,
            ended_at=window.ended_at,
            text=heard.text,
            speech=Speech(
                model=self._transcriber.name, avg_logprob=heard.avg_logprob, no_speech_prob=heard.no_speech_prob
            ),
            sound=window.places,
        )

    def _read(self, transcripts: Sequence[Transcript], book: Rulebook) -> list[Read]:
        """The sentences before each, and what the classifier finds in those of hosts, in one batch."""
        befores = [self._context.before_and_add(transcript) for transcript in transcripts]
        found = [Judged() for _ in transcripts]
        own = [number for number, transcript in enumerate(transcripts) if transcript.author_role.is_host]
        if book.classifier is not None and own:
            asked = [_text(transcripts[number], befores[number]) for number in own]
            for number, claims in zip(own, book.classifier.judge(asked), strict=True):
                found[number] = claims
        return [Read(before, claims) for before, claims in zip(befores, found, strict=True)]

    def _judge(self, said: Said, read: Read, book: Rulebook, times: Times) -> list[Record]:
        transcript = said.transcript
        if not transcript.author_role.is_host:
            return [transcript]
        shown = self._goods.shown(transcript.stream_id, transcript.started_at)
        compared, words_of = (
            compared_with(transcript, shown),
            (transcript.text, transcript.language, category_of(shown)),
        )
        found, settled = settled_by(together(book.by_rule(*words_of), read.learnt), compared)
        contradicted = [one for one in compared if one.outcome is Outcomes.CONTRADICTS]
        trial = book.by_rule_on_trial(*words_of)
        counted = any(map(len, book.by_mode([*found, *(of_listing(one, transcript.text) for one in contradicted)])))
        words = self._words(said) if counted or trial else []
        against = {listings.LABELS[one.fact.field]: one for one in reversed(heard_of(said, contradicted, words))}
        claimed = [of_listing(one, transcript.text) for one in against.values()]
        claimed += [one for one in surely_heard(said, found, words) if one.label not in against]
        live, shadow = book.by_mode(_one_per_label(claimed))
        shadow = _one_per_label([*shadow, *surely_heard(said, trial, words)])
        case = Case(said, " ".join(read.before), words, against, book, times)
        flags = [self._flag(Flag, case, live)] if live else []
        shadows = [self._flag(ShadowFlag, case, shadow)] if shadow else []
        where = said.result_of.spot.partition, said.result_of.spot.epoch
        reminders = [one for flag in flags for one in self._reminders.of(flag, book, where)]
        return [transcript, *facts_of(transcript, compared, settled, words), *flags, *reminders, *shadows]

    def _words(self, said: Said) -> list[Word]:
        """The words of what was said and when they sounded; none of what was written."""
        return self._transcriber.align(said.row, said.transcript.text) if said.row is not None else []

    def _claim(self, case: Case, found: Found) -> Claim:
        transcript = case.said.transcript
        compared = case.against.get(found.label) if found.finder == "listing" else None
        label, said_on = case.book.labels[found.label], transcript.started_at.date()
        start_ms, end_ms = when(transcript, (found.start, found.end), case.words)
        listing = compared.listing if compared else None
        return Claim(
            claim_id=f"{transcript.transcript_id}/{found.label}",
            label=found.label,
            score=round(found.score, 4),
            threshold=found.threshold,
            finder=found.finder,
            rule_id=found.rule_id or None,
            sku=listing.sku if listing else None,
            start_ms=start_ms,
            end_ms=end_ms,
            text=transcript.text[found.start : found.end],
            span=(found.start, found.end),
            normalised=found.normalised,
            tier=Tier(label.tier),
            severity=Severity(found.severity or label.severity),
            law=law_in_force(label, self._jurisdiction, said_on),
            advice=found.advice or label.advice_in(transcript.language),
            listing=both_values(compared) if compared else None,
        )

    def _flag(self, kind: type[F], case: Case, found: Sequence[Found]) -> F:
        transcript, book = case.said.transcript, case.book
        claims = tuple(self._claim(case, one) for one in found)
        severity = max((c.severity for c in claims), key=_SEVERITIES.index)
        return kind(
            **{name: getattr(transcript, name) for name in _SHARED},
            flag_id=transcript.transcript_id,
            transcript=transcript.text,
            context_before=case.context,
            claims=claims,
            severity=severity,
            tier=min(c.tier for c in claims),
            suggestion=Suggestion.URGENT if severity is Severity.CRITICAL else Suggestion.REVIEW,
            versions=Versions(
                speech=transcript.speech.model if transcript.speech else None,
                classifier=book.classifier.version if book.classifier else None,
                lexicon=book.finder.version,
                policy=book.policy.version,
            ),
            latency_ms=case.times.since(transcript.ended_at, self._clock()),
        )


def _written(text: LiveText) -> Transcript:
    """A live text as a Transcript. Titles and product text are the listing's words, the rest is chat."""
    role = text.author_role if text.kind is TextKind.CHAT else AuthorRole.HOST
    return Transcript(
        transcript_id=text.text_id,
        stream_id=text.stream_id,
        streamer_id=text.streamer_id,
        source=Source.LISTING if text.kind in (TextKind.TITLE, TextKind.PRODUCT) else Source.CHAT,
        text_kind=text.kind,
        author_role=role,
        status=Status.OK,
        language=code(text.language) or script(text.text),
        started_at=text.sent_at,
        ended_at=text.sent_at,
        text=text.text,
    )


def category_of(shown: Sequence[Listing]) -> str | None:
    """The category of the goods shown, where it is one and known."""
    categories = {one.category for one in shown}
    return categories.pop() if len(categories) == 1 else None


def _text(transcript: Transcript, before: tuple[str, ...]) -> Text:
    unsure = doubt(transcript.speech.avg_logprob) if transcript.speech else 0.0
    return Text(text=transcript.text, before=before, language=transcript.language, doubt=unsure)


def _one_per_label(found: Sequence[Found]) -> list[Found]:
    """The surest place of each label, in the order of the text; a claim's id is its utterance and label."""
    best: dict[str, Found] = {}
    for one in found:
        if one.label not in best or one.score > best[one.label].score:
            best[one.label] = one
    return sorted(best.values(), key=lambda one: (one.start, one.label))
