"""Speech and live text of many streams in; Transcripts, Facts, Flags, Reminders and StreamHeard out.

The second half of detection: words, then facts and claims. Knows the models only by the few methods it calls.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from models.asr import Row, code, script
from models.doubt import doubt
from models.facts import spoken_facts
from models.results import Found, Judged, Text, Utterance, Word
from models.together import together
from worker import listings
from worker.batches import Batch, Outcome, Result
from worker.hearing import Hearing, Line, Prepared, Window
from worker.records import (
    AuthorRole,
    Claim,
    Fact,
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

F = TypeVar("F", Flag, ShadowFlag)

_CONTEXT_S = 60
_CONTEXT_SENTENCES = 3
_REMEMBERED_STREAMS = 20_000
_SURE_ENOUGH = 0.6
"""Mean probability that the words of a spoken claim must have."""
_LISTING_SCORE = 0.9
"""Of a claim that the listing contradicts: the comparison is exact, the hearing and reading of the words is not."""
_LISTING_THRESHOLD = 0.5
_NEAR = 12
"""Code points between the words of a rule and those of a fact that are about the same thing."""
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
            queue=_ms(queue),
            speech=_ms(self.recognised - self.began),
            claims=_ms(now - self.recognised),
            total=_ms(max(0.0, now - ended_at.timestamp())),
        )


class Said(NamedTuple):
    """A Transcript, with the row it was recognised from where there is sound."""

    transcript: Transcript
    result_of: Window | Line
    row: Row | None


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
        self._context = _Context()
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
        compared, words_of = _compared(transcript, shown), (transcript.text, transcript.language, category_of(shown))
        found, settled = _settled(together(book.by_rule(*words_of), read.learnt), compared)
        contradicted = [one for one in compared if one.outcome is Outcomes.CONTRADICTS]
        trial = book.by_rule_on_trial(*words_of)
        counted = any(map(len, book.by_mode([*found, *(_of_listing(one, transcript.text) for one in contradicted)])))
        words = self._words(said) if counted or trial else []
        against = {listings.LABELS[one.fact.field]: one for one in reversed(_heard(said, contradicted, words))}
        claimed = [_of_listing(one, transcript.text) for one in against.values()]
        claimed += [one for one in _surely_heard(said, found, words) if one.label not in against]
        live, shadow = book.by_mode(_one_per_label(claimed))
        shadow = _one_per_label([*shadow, *_surely_heard(said, trial, words)])
        case = Case(said, " ".join(read.before), words, against, book, times)
        flags = [self._flag(Flag, case, live)] if live else []
        shadows = [self._flag(ShadowFlag, case, shadow)] if shadow else []
        where = said.result_of.spot.partition, said.result_of.spot.epoch
        reminders = [one for flag in flags for one in self._reminders.of(flag, book, where)]
        return [transcript, *_facts(transcript, compared, settled, words), *flags, *reminders, *shadows]

    def _words(self, said: Said) -> list[Word]:
        """The words of what was said and when they sounded; none of what was written."""
        return self._transcriber.align(said.row, said.transcript.text) if said.row is not None else []

    def _claim(self, case: Case, found: Found) -> Claim:
        transcript = case.said.transcript
        compared = case.against.get(found.label) if found.finder == "listing" else None
        label, said_on = case.book.labels[found.label], transcript.started_at.date()
        start_ms, end_ms = _when(transcript, (found.start, found.end), case.words)
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
            listing=_both(compared) if compared else None,
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


class _Context:
    """The last sentences of each stream, for whoever reads a claim; the streams heard latest are remembered."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, deque[Transcript]] = OrderedDict()

    def before_and_add(self, transcript: Transcript) -> tuple[str, ...]:
        """The sentences before it, oldest first; it stands before what comes, once, if a host said it."""
        last = self._streams.get(transcript.stream_id, ())
        near = [
            one.text
            for one in last
            if one.transcript_id != transcript.transcript_id
            and 0 <= (transcript.started_at - one.started_at).total_seconds() <= _CONTEXT_S
        ]
        if transcript.author_role.is_host:
            self._add(transcript)
        return tuple(near)

    def _add(self, transcript: Transcript) -> None:
        if transcript.source is not Source.SPEECH or not transcript.text:
            return
        last = self._streams.setdefault(transcript.stream_id, deque(maxlen=_CONTEXT_SENTENCES))
        if all(one.transcript_id != transcript.transcript_id for one in last):
            last.append(transcript)
        self._streams.move_to_end(transcript.stream_id)
        if len(self._streams) > _REMEMBERED_STREAMS:
            self._streams.popitem(last=False)


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


def _compared(transcript: Transcript, shown: Sequence[Listing]) -> list[listings.Compared]:
    """The facts that were said, each against the listings shown then."""
    facts = spoken_facts(transcript.text, transcript.language)
    return listings.against(facts, shown) if facts else []


def _of_listing(compared: listings.Compared, text: str) -> Found:
    """A fact that the listing contradicts, as a claim."""
    fact = compared.fact
    return Found(
        label=listings.LABELS[fact.field],
        score=_LISTING_SCORE,
        threshold=_LISTING_THRESHOLD,
        finder="listing",
        start=fact.start,
        end=fact.end,
        normalised=text[fact.start : fact.end],
    )


def _both(compared: listings.Compared) -> dict[str, Any]:
    return {"field": compared.fact.field, "said": compared.fact.value, "listed": compared.listed}


def _settled(
    found: Sequence[Found], compared: Sequence[listings.Compared]
) -> tuple[list[Found], dict[tuple[int, int, str], str]]:
    """The claims of the words alone that the listing does not bear out, and by which facts the others are settled."""
    kept: list[Found] = []
    settled: dict[tuple[int, int, str], str] = {}
    for one in found:
        facts = [c for c in compared if listings.LABELS[c.fact.field] == one.label and _is_near(one, c)]
        agreeing = [c.fact for c in facts if c.outcome is Outcomes.AGREES]
        if agreeing and len(agreeing) == len(facts):
            settled |= {(fact.start, fact.end, fact.field): one.label for fact in agreeing[:1]}
        else:
            kept.append(one)
    return kept, settled


def _is_near(found: Found, compared: listings.Compared) -> bool:
    return compared.fact.start < found.end + _NEAR and found.start < compared.fact.end + _NEAR


def _facts(
    transcript: Transcript,
    compared: Sequence[listings.Compared],
    settled: Mapping[tuple[int, int, str], str],
    words: Sequence[Word],
) -> list[Fact]:
    """What was said of the good, to be published; the second fact of a field has a 2 after its id."""
    facts: list[Fact] = []
    counts: Counter[str] = Counter()
    for one in compared:
        fact = one.fact
        counts[fact.field] += 1
        number = counts[fact.field]
        start_ms, end_ms = _when(transcript, (fact.start, fact.end), words)
        facts.append(
            Fact(
                fact_id=f"{transcript.transcript_id}/{fact.field}{number if number > 1 else ''}",
                stream_id=transcript.stream_id,
                streamer_id=transcript.streamer_id,
                transcript_id=transcript.transcript_id,
                sku=one.listing.sku if one.listing else None,
                source=transcript.source,
                status=transcript.status,
                field=fact.field,
                value=fact.value,
                words=transcript.text[fact.start : fact.end],
                span=(fact.start, fact.end),
                start_ms=start_ms,
                end_ms=end_ms,
                said_at=transcript.started_at,
                outcome=one.outcome,
                listed=one.listed,
                label=listings.LABELS[fact.field] if one.outcome is Outcomes.CONTRADICTS else None,
                settles=settled.get((fact.start, fact.end, fact.field)),
            )
        )
    return facts


def _when(transcript: Transcript, span: tuple[int, int], words: Sequence[Word]) -> tuple[int | None, int | None]:
    """When the characters of a span sounded, in milliseconds of the stream; the whole utterance where words have no
    times."""
    if transcript.start_ms is None or not words:
        return transcript.start_ms, transcript.end_ms
    start, end = _times_of(transcript.text, span, words)
    return transcript.start_ms + _ms(start), transcript.start_ms + _ms(end)


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


def _times_of(text: str, span: tuple[int, int], words: Sequence[Word]) -> tuple[float, float]:
    """When the characters of a span sounded, in seconds of the window, by the words that cover them."""
    covering = _covering(text, span, words) or words
    return (covering[0].start, covering[-1].end) if covering else (0.0, 0.0)


def _surely_heard(said: Said, found: list[Found], words: Sequence[Word]) -> list[Found]:
    """Of what was spoken the claims whose own words were surely heard: a host answers for words, not for guesses.

    Where alignment gave no words, a rule's claim in an utterance that is believed as a whole stands.
    """
    if said.row is None:
        return found
    if not words and said.transcript.status is Status.OK:
        return [one for one in found if one.finder != "classifier"]
    return [one for one in found if _sure_of(said.transcript.text, one, words) >= _SURE_ENOUGH]


def _heard(said: Said, compared: Sequence[listings.Compared], words: Sequence[Word]) -> list[listings.Compared]:
    """Of what was said of goods that which was surely heard."""
    return [one for one in compared if _surely_heard(said, [_of_listing(one, said.transcript.text)], words)]


def _sure_of(text: str, found: Found, words: Sequence[Word]) -> float:
    """The mean probability of the words that make a claim; 0 where none are known."""
    covering = _covering(text, (found.start, found.end), words)
    return sum(word.probability for word in covering) / len(covering) if covering else 0.0


def _covering(text: str, span: tuple[int, int], words: Sequence[Word]) -> list[Word]:
    """The words that hold characters of a span."""
    at, covering = 0, []
    for word in words:
        token = word.text.strip()
        start = text.find(token, at) if token else -1
        if start < 0:
            continue
        at = start + len(token)
        if start < span[1] and at > span[0]:
            covering.append(word)
    return covering


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
