"""What the models give back. Plain records; importing this file loads no model library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word (in Mandarin: a character) and when it sounded, in seconds from the start of its window."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What was recognised in one window of sound.

    ``supported`` is false where the sound does not carry the text: the decoder was unsure
    (``avg_logprob``, mean natural log-probability per token), the window may hold no speech
    (``no_speech_prob``) or the text repeats itself. Such text is never told to a host. ``failed`` is
    true where recognition itself did.
    """

    text: str
    language: str
    avg_logprob: float
    no_speech_prob: float
    supported: bool
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One claim found in a text by one rule or model: the label and where its words stand.

    ``finder`` is rule, classifier or listing; only a rule has a ``rule_id``, and may have a ``severity`` and an
    ``advice`` of its own in place of its label's. ``start`` and ``end`` count Unicode code points of the text as given.
    """

    label: str
    score: float
    threshold: float
    rule_id: str | None = None
    finder: str = "rule"
    start: int
    end: int
    normalised: str
    severity: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a classifier says of a text: the claims it finds, and the labels it is nearly sure the text has not."""

    found: tuple[Found, ...] = ()
    ruled_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Words to look for claims in, the sentences said ``before`` them (oldest first), and their language.

    ``doubt`` is how far they may be other words than were said: 0 for what was written or surely heard, 1 where
    the recogniser was as unsure as where it errs in every other word (``models.doubt.doubt``).
    """

    text: str
    before: tuple[str, ...] = ()
    language: str = ""
    doubt: float = 0.0


@dataclass(frozen=True, slots=True)
class SpokenFact:
    """A fact of the good on sale that somebody said: see docs/facts.md for the fields and their values.

    ``start`` and ``end`` count code points; the words are ``text[start:end]``. ``notes`` tell how it was said
    where that matters for comparing: ``elsewhere``, ``at_most``, ``about``, ``coupon``, ``stacked``, ``everywhere``,
    ``other``; ``per_unit`` for the price of a pound, a jin; and ``weak`` where nothing but the amount itself speaks
    for the field.
    """

    field: str
    value: float | str
    start: int
    end: int
    notes: frozenset[str] = frozenset()
