"""What was said of goods: facts, those that a listing contradicts as claims, and claims that it bears out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from models.facts import spoken_facts
from models.results import Found, Word
from worker import listings
from worker.heard_words import Said, surely_heard, when
from worker.records import Fact, Listing, Outcome, Transcript

_LISTING_SCORE = 0.9
"""Of a claim that the listing contradicts: the comparison is exact, the hearing and reading of the words is not."""
_LISTING_THRESHOLD = 0.5
_NEAR = 12
"""Code points between the words of a rule and those of a fact that are about the same thing."""


def compared_with(transcript: Transcript, shown: Sequence[Listing]) -> list[listings.Compared]:
    """The facts that were said, each against the listings shown then."""
    facts = spoken_facts(transcript.text, transcript.language)
    return listings.against(facts, shown) if facts else []


def of_listing(compared: listings.Compared, text: str) -> Found:
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


def both_values(compared: listings.Compared) -> dict[str, Any]:
    """What was said of the field and what the listing says."""
    return {"field": compared.fact.field, "said": compared.fact.value, "listed": compared.listed}


def settled_by(
    found: Sequence[Found], compared: Sequence[listings.Compared]
) -> tuple[list[Found], dict[tuple[int, int, str], str]]:
    """The claims of the words alone that the listing does not bear out, and by which facts the others are settled."""
    kept: list[Found] = []
    settled: dict[tuple[int, int, str], str] = {}
    for one in found:
        facts = [c for c in compared if listings.LABELS[c.fact.field] == one.label and _is_near(one, c)]
        agreeing = [c.fact for c in facts if c.outcome is Outcome.AGREES]
        if agreeing and len(agreeing) == len(facts):
            settled |= {(fact.start, fact.end, fact.field): one.label for fact in agreeing[:1]}
        else:
            kept.append(one)
    return kept, settled


def _is_near(found: Found, compared: listings.Compared) -> bool:
    return compared.fact.start < found.end + _NEAR and found.start < compared.fact.end + _NEAR


def facts_of(
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
        start_ms, end_ms = when(transcript, (fact.start, fact.end), words)
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
                label=listings.LABELS[fact.field] if one.outcome is Outcome.CONTRADICTS else None,
                settles=settled.get((fact.start, fact.end, fact.field)),
            )
        )
    return facts


def heard_of(said: Said, compared: Sequence[listings.Compared], words: Sequence[Word]) -> list[listings.Compared]:
    """Of what was said of goods that which was surely heard."""
    return [one for one in compared if surely_heard(said, [of_listing(one, said.transcript.text)], words)]
