"""Facts of the good on sale that a text states, with the words that carry them: docs/facts.md has the fields.

Pure rules in both languages. What denies, asks, supposes or stays vague gives nothing, nor do numbers that are
no facts of the good: links, ages, times, ranks, what a person weighs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from models import facts_en, facts_zh, words_en, words_zh
from models.amounts import amounts
from models.around import Around, Role
from models.clauses import Clause, clauses
from models.results import SpokenFact

__all__ = ["LONGEST", "SpokenFact", "spoken_facts"]

LONGEST = 4_000
"""Code points that are read of a text: an utterance has a few dozen, and rules must end soon on anything."""

_HAN = re.compile("[\u3400-\u9fff]")


_GIFT = re.compile(
    (
        r"赠|送(?=你|大家|一[条个瓶只支包盒双]|小|的是)|\b(?:free gift|comes with a free|bonus|"
        r"throw(?:ing)? in|giveaway)\b"
    ),
    re.IGNORECASE,
)
_OF_A_GOOD = frozenset({"weight_g", "size", "material"})
"""What a clause about a gift tells of the gift, and not of the good on sale."""


class _Language(NamedTuple):
    role: Callable[[Around], Role | None]
    phrases: Callable[[str], list[tuple[str, float, int, int]]]
    words: Callable[[Clause], Iterator[SpokenFact]]


_LANGUAGES = {
    "zh": _Language(facts_zh.role, facts_zh.extra, words_zh.word_facts),
    "en": _Language(facts_en.role, facts_en.extra, words_en.word_facts),
}


def spoken_facts(text: str, language: str) -> list[SpokenFact]:
    """The facts that a text states of the good on sale, in the order of the text; each value of a field once.

    Mandarin rules read every text that holds a Han character, whatever its ``language``.
    """
    text = text[:LONGEST]
    name = "zh" if _HAN.search(text) or language.startswith("zh") else "en"
    found: list[SpokenFact] = []
    for clause in clauses(text, name):
        if clause.states:
            found += _in_clause(text, clause, _LANGUAGES[name])
    return _once(sorted(found, key=lambda fact: (fact.start, fact.end, fact.field)))


def _in_clause(text: str, clause: Clause, rules: _Language) -> Iterator[SpokenFact]:
    other = frozenset({"other"} if clause.other else ())
    phrases = rules.phrases(clause.text)
    for field, value, start, end in phrases:
        yield SpokenFact(field, value, clause.start + start, clause.start + end, other)
    gift = _GIFT.search(clause.text) is not None
    language = "zh" if rules is _LANGUAGES["zh"] else "en"
    every = tuple(amounts(clause.text, language))
    for position, amount in enumerate(every):
        if any(start < amount.end and amount.start < end for _, _, start, end in phrases):
            continue
        role = rules.role(Around(text, clause, every, position))
        if role is not None and not (gift and role.field in _OF_A_GOOD):
            yield SpokenFact(
                role.field, role.value, clause.start + amount.start, clause.start + amount.end, role.notes | other
            )
    for fact in rules.words(clause):
        if gift and fact.field in _OF_A_GOOD:
            continue
        yield SpokenFact(fact.field, fact.value, fact.start, fact.end, fact.notes | other)


def _once(facts: Iterable[SpokenFact]) -> list[SpokenFact]:
    seen: set[tuple[str, float | str]] = set()
    kept = []
    for fact in facts:
        if (fact.field, fact.value) not in seen:
            seen.add((fact.field, fact.value))
            kept.append(fact)
    return kept
