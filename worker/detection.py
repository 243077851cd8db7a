"""Speech and live text of many streams in; Transcripts, Flags, Reminders and StreamHeard out.

The second half of detection: words, then claims. Knows the models only by the few methods it calls.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from models.asr import Row, code, script
from models.labels import Label, LegalBasis
from models.results import Found, Utterance, Word
from worker.hearing import Hearing, Line, Prepared, Window
from worker.records import (
    AuthorRole,
    Claim,
    Flag,
    Latency,
    Law,
    LiveText,
    Reminder,
    Severity,
    Source,
    Speech,
    Status,
    Suggestion,
    TextKind,
    Tier,
    Transcript,
    Versions,
)  # fmt: skip
from worker.service import Batch, Outcome, Result

_CONTEXT_S = 60
_CONTEXT_SENTENCES = 3
_REMEMBERED_STREAMS = 20_000
_REMINDER_BUCKET_S = 300
_SURE_ENOUGH = 0.6
"""Mean probability that the words of a claim must have where the utterance as a whole is doubtful."""
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


class Finder(Protocol):
    """Claims in a text; spans count its code points."""

    @property
    def version(self) -> str: ...

    def find(self, text: str, language: str, /) -> list[Found]: ...


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


class Detection:
    """The handler of live sound and live text. ``clock`` (epoch seconds) only measures latency."""

    def __init__(
        self,
        hearing: Hearing,
        transcriber: Transcriber,
        finder: Finder,
        labels: Mapping[str, Label],
        *,
        jurisdiction: str = "cn",
        clock: Callable[[], float],
    ) -> None:
        self._hearing, self._transcriber = hearing, transcriber
        self._finder, self._labels = finder, labels
        self._jurisdiction, self._clock = jurisdiction, clock
        self._context = _Context()

    def held_seconds(self) -> float:
        return self._hearing.held_seconds()

    def prepare(self, batch: Batch) -> Prepared:
        return self._hearing.prepare(batch)

    def handle(self, work: Prepared) -> Outcome:
        """Recognise all windows at once, then look for claims in what was said and written, in order."""
        began = self._clock()
        rows = [Row(w.features, w.seconds, w.chunk.language) for w in work.windows]
        utterances = self._transcriber.transcribe(rows) if rows else []
        recognised = self._clock()
        said = [Said(self._transcript(w, u), w, row) for w, row, u in zip(work.windows, rows, utterances, strict=True)]
        said += [Said(_written(line.text), line, None) for line in work.lines]
        results, times = list(work.heard), Times(began, recognised)
        for one in said:
            spot = one.result_of.spot
            results += [Result(spot.partition, spot.epoch, record) for record in self._judge(one, times)]
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

    def _judge(self, said: Said, times: Times) -> list[Transcript | Flag | Reminder]:
        transcript = said.transcript
        context = self._context.before(transcript)
        if not transcript.author_role.is_host:
            return [transcript]
        self._context.add(transcript)
        found, words = self._found(said)
        if not found:
            return [transcript]
        claims = tuple(self._claim(transcript, one, words) for one in found)
        flag = self._flag(transcript, claims, context, times)
        return [transcript, flag, *self._reminders(flag)]

    def _found(self, said: Said) -> tuple[list[Found], list[Word]]:
        """The claims in what was said, and the times of its words if there are any.

        In a doubtful utterance only those whose own words were surely heard.
        """
        transcript = said.transcript
        found = _one_per_label(self._finder.find(transcript.text, transcript.language))
        if not found or said.row is None:
            return found, []
        words = self._transcriber.align(said.row, transcript.text)
        if transcript.status is Status.LOW_CONFIDENCE:
            found = [one for one in found if _sure_of(transcript.text, one, words) >= _SURE_ENOUGH]
        return found, words

    def _claim(self, transcript: Transcript, found: Found, words: Sequence[Word]) -> Claim:
        label = self._labels[found.label]
        start, end = _times_of(transcript.text, (found.start, found.end), words)
        offset = transcript.start_ms
        return Claim(
            claim_id=f"{transcript.transcript_id}/{found.label}",
            label=found.label,
            score=round(found.score, 4),
            threshold=found.threshold,
            finder="rule",
            rule_id=found.rule_id,
            start_ms=None if offset is None else offset + _ms(start) if words else offset,
            end_ms=None if offset is None else offset + _ms(end) if words else transcript.end_ms,
            text=transcript.text[found.start : found.end],
            span=(found.start, found.end),
            normalised=found.normalised,
            tier=Tier(label.tier),
            severity=Severity(label.severity),
            law=tuple(_law(basis) for basis in label.law if basis.jurisdiction == self._jurisdiction),
            advice=label.advice_zh if transcript.language == "zh" else label.advice_en,
        )

    def _flag(self, transcript: Transcript, claims: tuple[Claim, ...], context: str, times: Times) -> Flag:
        shared = {name: getattr(transcript, name) for name in _SHARED}
        severity = max((c.severity for c in claims), key=_SEVERITIES.index)
        return Flag(
            **shared,
            flag_id=transcript.transcript_id,
            transcript=transcript.text,
            context_before=context,
            claims=claims,
            severity=severity,
            tier=min(c.tier for c in claims),
            suggestion=Suggestion.URGENT if severity is Severity.CRITICAL else Suggestion.REVIEW,
            versions=Versions(
                speech=transcript.speech.model if transcript.speech else None, lexicon=self._finder.version
            ),
            latency_ms=times.since(transcript.ended_at, self._clock()),
        )

    def _reminders(self, flag: Flag) -> list[Reminder]:
        """Only what the words alone decide, and only words that were surely said."""
        if flag.status is not Status.OK:
            return []
        return [self._reminder(flag, claim) for claim in flag.claims if claim.tier is Tier.T1]

    def _reminder(self, flag: Flag, claim: Claim) -> Reminder:
        label = self._labels[claim.label]
        seconds = flag.started_at.timestamp() if flag.start_ms is None else flag.start_ms / 1000
        name = label.zh if flag.language == "zh" else label.en
        return Reminder(
            reminder_id=f"{flag.stream_id}/{claim.label}/{int(seconds) // _REMINDER_BUCKET_S}",
            stream_id=flag.stream_id,
            streamer_id=flag.streamer_id,
            label=claim.label,
            flag_id=flag.flag_id,
            language=flag.language,
            said=claim.text,
            said_at=flag.started_at,
            why=name,
            advice=claim.advice,
            law=tuple(law for law in claim.law if law.may_be_shown(flag.started_at.date())),
        )


class _Context:
    """The last sentences of each stream, for whoever reads a claim; the streams heard latest are remembered."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, deque[Transcript]] = OrderedDict()

    def before(self, transcript: Transcript) -> str:
        last = self._streams.get(transcript.stream_id, ())
        near = [t.text for t in last if 0 <= (transcript.started_at - t.started_at).total_seconds() <= _CONTEXT_S]
        return " ".join(near)

    def add(self, transcript: Transcript) -> None:
        if transcript.source is not Source.SPEECH or not transcript.text:
            return
        last = self._streams.setdefault(transcript.stream_id, deque(maxlen=_CONTEXT_SENTENCES))
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


def _law(basis: LegalBasis) -> Law:
    return Law(
        jurisdiction=basis.jurisdiction,
        kind=basis.kind,
        title_zh=basis.title_zh,
        title_en=basis.title_en,
        article_zh=basis.article_zh,
        article_en=basis.article_en,
        in_force_from=basis.in_force_from,
        verified=basis.verified,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
