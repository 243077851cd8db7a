"""What each finder sees in a sentence, and what becomes of it: the same parts as at work, asked one by one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from models.classifier import ClaimClassifier
from models.law import notice
from models.lexicon import Lexicon
from models.ngrams import script_of
from models.results import Found, Text
from worker.codec import Encoded
from worker.detection import category_of
from worker.listings import encode_listing, encode_shown
from worker.local import LocalRun
from worker.policy import Mode
from worker.recordings import BadText, encode_text
from worker.records import (
    Claim,
    Fact,
    Flag,
    Listing,
    LiveText,
    ProductShown,
    Record,
    Reminder,
    ShadowFlag,
    Tier,
    Transcript,
    Versions,
)
from worker.rulebook import Rulebook
from worker.sequences import Watch

LONGEST = 20_000
"""Code points of a text: what a LiveText may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHit:
    """Words that a rule found; ``span`` counts code points of the text. ``on_trial`` rules stand in shadow."""

    rule_id: str
    label: str
    score: float
    threshold: float
    words: str
    span: tuple[int, int]
    normalised: str
    on_trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What the classifier makes of the text for one label."""

    label: str
    score: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something in the text that is no claim yet: a cue of a sequence, or a fact of the goods and the listing's."""

    what: str
    words: str
    span: tuple[int, int]
    value: float | str | None = None
    listed: Any = None
    outcome: str = ""
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of a label: ``flag``, ``shadow`` or ``dropped``, and why; whether the host is told at once."""

    label: str
    name: str
    tier: str
    severity: str
    mode: str
    told: Literal["flag", "shadow", "dropped"]
    why: str
    finder: str = ""
    words: str = ""
    score: float | None = None
    threshold: float | None = None
    reminded: bool = False
    reminder: str = ""
    notice: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is known of a text. ``classifier`` is empty where there is none."""

    text: str
    language: str
    normalised: str
    rules: tuple[RuleHit, ...]
    classifier: tuple[Scored, ...]
    facts: tuple[Seen, ...]
    cues: tuple[Seen, ...]
    decisions: tuple[Decision, ...]
    versions: dict[str, str | None]


class Parts(NamedTuple):
    """What explains: the rules in force, the watch for sequences, a run of the service, the law of a place."""

    book: Rulebook
    watch: Watch
    run: LocalRun
    jurisdiction: str


def checked(text: str) -> str:
    """A text that can be explained. Raises BadText."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadText(f"the text is not UTF-8 (at character {error.start + 1})") from error
    if not text.strip():
        raise BadText("the text is empty")
    if len(text) > LONGEST:
        raise BadText(f"the text has {len(text)} characters, and a live text at most {LONGEST}")
    return text


def explain(said: LiveText, listings: Sequence[Listing], parts: Parts) -> Explanation:
    """What is found in a host's text while these listings are shown. Raises BadText."""
    checked(said.text)
    records = list(parts.run.results(_messages(said, listings)))
    (transcript,) = (one for one in records if isinstance(one, Transcript))
    text, book = transcript.text, parts.book
    hits = tuple(_rule_hits(book, (text, transcript.language, category_of(listings))))
    asked = Text(text=text, language=transcript.language)
    scored = tuple(_scored(book, asked))
    ruled_out = book.classifier.judge([asked])[0].ruled_out if book.classifier else frozenset()
    given = parts.watch.read(transcript, said.sent_at.timestamp()).given
    case = _Case(book, parts.jurisdiction, transcript.language, said.sent_at.date(), ruled_out)
    return Explanation(
        text=text,
        language=transcript.language,
        normalised=book.finder.normalised(text) if isinstance(book.finder, Lexicon) else text,
        rules=hits,
        classifier=scored,
        facts=tuple(_fact(one) for one in records if isinstance(one, Fact)),
        cues=tuple(Seen(what=one.cue, words=text[one.start : one.end], span=(one.start, one.end)) for one in given),
        decisions=tuple(_decisions(records, hits, scored, case)),
        versions=_versions(book, parts.watch),
    )


def _messages(said: LiveText, listings: Iterable[Listing]) -> Iterator[Encoded]:
    for one in listings:
        yield encode_listing(one, said.stream_id)
        yield encode_shown(ProductShown(stream_id=said.stream_id, sku=one.sku, at=said.sent_at))
    yield encode_text(said)


def _rule_hits(book: Rulebook, words_of: tuple[str, str, str | None]) -> Iterator[RuleHit]:
    """What the rules find in a text of a language about goods of a category, whatever they must reach."""
    for finder, on_trial in ((book.finder, False), (book.on_trial, True)):
        for one in finder.find(*words_of) if finder else ():
            yield _rule_hit(one, words_of[0], book, on_trial)


def _rule_hit(one: Found, text: str, book: Rulebook, on_trial: bool) -> RuleHit:
    return RuleHit(
        rule_id=one.rule_id or "",
        label=one.label,
        score=one.score,
        threshold=book.policy.of(one.label).rule,
        words=text[one.start : one.end],
        span=(one.start, one.end),
        normalised=one.normalised,
        on_trial=on_trial,
    )


def _scored(book: Rulebook, text: Text) -> Iterator[Scored]:
    """Every label, the surest first."""
    classifier = book.classifier
    if not isinstance(classifier, ClaimClassifier):
        return
    thresholds = classifier.thresholds(script_of(text))
    pairs = zip(classifier.labels, classifier.scores([text])[0], strict=True)
    for label, score in sorted(pairs, key=lambda pair: -pair[1]):
        yield Scored(label=label, score=round(float(score), 4), threshold=thresholds[label])


def _fact(fact: Fact) -> Seen:
    agrees = f"agrees, so that {fact.settles} is dropped" if fact.settles else fact.outcome.value
    return Seen(
        what=fact.field,
        words=fact.words,
        span=fact.span,
        value=fact.value,
        listed=fact.listed,
        outcome=agrees,
        label=fact.label,
    )


# What becomes of it ---------------------------------------------------------------------------------------------------


class _Case(NamedTuple):
    """What is in force where and when it was said, the host's language, and what the classifier rules out."""

    book: Rulebook
    jurisdiction: str
    language: str
    on: date
    ruled_out: frozenset[str]


def _decisions(
    records: Sequence[Record], hits: Sequence[RuleHit], scored: Sequence[Scored], case: _Case
) -> Iterator[Decision]:
    """The labels that are told, those in shadow, and those that somebody found and that were dropped."""
    reminded = {one.label for one in records if isinstance(one, Reminder)}
    told: set[str] = set()
    for record in records:
        if isinstance(record, Flag | ShadowFlag):
            for claim in record.claims:
                told.add(claim.label)
                yield _told(claim, isinstance(record, Flag), reminded, case)
    facts = [one for one in records if isinstance(one, Fact)]
    found = {one.label for one in hits} | {one.label for one in scored if one.score >= one.threshold}
    found |= {one.label for one in facts if one.label}
    fired = {one.label for one in hits if one.score >= one.threshold and not one.on_trial}
    for label in sorted(found - told):
        yield _dropped(label, _why(label, facts, fired, case), case)


def _told(claim: Claim, live: bool, reminded: Collection[str], case: _Case) -> Decision:
    in_shadow = case.book.policy.of(claim.label).mode is Mode.SHADOW
    at_once = live and claim.label in reminded
    return _decision(
        claim.label,
        case,
        told="flag" if live else "shadow",
        why="" if live else "the label is in shadow" if in_shadow else "the rule is on trial",
        finder=claim.finder + (f" {claim.rule_id}" if claim.rule_id else ""),
        words=claim.text,
        score=claim.score,
        threshold=claim.threshold,
        reminded=at_once,
        reminder="told at once" if at_once else _silence(claim, live, case),
        advice=claim.advice,
    )


def _silence(claim: Claim, live: bool, case: _Case) -> str:
    """Why the host is not told at once."""
    if not live:
        return "never of what is in shadow"
    if claim.tier is not Tier.T1:
        return f"tier {claim.tier}: the words alone do not decide"
    return f"its score is under {case.book.policy.of(claim.label).remind:g}"


def _why(label: str, facts: Sequence[Fact], fired: Collection[str], case: _Case) -> str:
    """Why nothing is told of a label that somebody found."""
    if case.book.policy.of(label).mode is Mode.OFF:
        return "the label is off"
    if label in {one.settles for one in facts}:
        return "the listing bears it out"
    if label in fired and label in case.ruled_out:
        return "the classifier rules it out"
    return "no score reaches its threshold"


def _dropped(label: str, why: str, case: _Case) -> Decision:
    return _decision(label, case, told="dropped", why=why)


def _decision(label: str, case: _Case, **more: Any) -> Decision:
    of = case.book.labels[label]
    return Decision(
        label=label,
        name=of.name_in(case.language),
        tier=of.tier,
        severity=of.severity,
        mode=case.book.policy.of(label).mode.value,
        notice=notice(of, case.language, case.jurisdiction, case.on),
        **more,
    )


def _versions(book: Rulebook, watch: Watch) -> dict[str, str | None]:
    versions = Versions(
        classifier=book.classifier.version if book.classifier else None,
        lexicon=book.finder.version,
        policy=book.policy.version,
    )
    return versions.model_dump(exclude={"speech"}) | {"sequences": watch.version}
