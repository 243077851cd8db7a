"""Facts that are words and not amounts: free shipping, material, origin, certificate, brand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.clauses import Clause
from models.materials import digits
from models.places import WITHIN
from models.results import SpokenFact
from models.wording import PhraseRule, Wording

_SPOKEN_DIGITS = str.maketrans("零〇一二三四五六七八九幺点", "00123456789" + "1.")
_SAID_ALONE = " 啊哦呢哈吧的是全都"
_FEWEST_DIGITS = 6
_ISSUER = re.compile(r"国药|国食|国妆|卫妆|食健")


def phrase_facts(clause: Clause, words: Wording) -> Iterator[SpokenFact]:
    """The facts of a clause that are words; where two rules of a field find the same words, the first does."""
    taken: dict[str, list[tuple[int, int]]] = {}
    for rule in words.phrases:
        spans = taken.setdefault(rule.field, [])
        for match in rule.find.finditer(clause.text):
            start, end = match.span("it")
            if any(start < last and first < end for first, last in spans) or not _holds(rule, match, clause):
                continue
            value = _value(rule, match)
            if value is not None:
                spans.append((start, end))
                yield SpokenFact(rule.field, value, clause.start + start, clause.start + end, _notes(rule, clause))


def _holds(rule: PhraseRule, match: re.Match[str], clause: Clause) -> bool:
    """Whether nothing around the words takes them back, and something bears them out where they need that."""
    text = clause.text
    left, right = text[: match.start()], text[match.end() :]
    value_left, value_right = text[: match.start("it")], text[match.end("it") :]
    if rule.not_before and (rule.not_before.search(left) or rule.not_before.search(value_left)):
        return False
    if rule.not_after and (rule.not_after.match(right) or rule.not_after.match(value_right)):
        return False
    if rule.not_inside and rule.not_inside.search(text):
        return False
    if rule.not_left and rule.not_left.search(value_left):
        return False
    if rule.not_value and rule.not_value.search(match["it"]):
        return False
    if rule.field == "brand" and match["it"] in WITHIN:
        return False
    if rule.sure is None or rule.sure.search(match["it"]) or text.strip(_SAID_ALONE) == match["it"].strip():
        return True
    made = (rule.made_before, left, rule.made_after, right)
    return bool(made[0] and made[0].search(left)) or bool(made[2] and made[2].match(right))


def _value(rule: PhraseRule, match: re.Match[str]) -> str | None:
    if rule.value is not None:
        return rule.value
    if rule.numbered:
        return _number(match)
    said = match["it"].strip()
    if rule.field == "origin":
        return said.removeprefix("the ")
    return digits(said).replace("的", "") if rule.field == "material" else said


def _number(match: re.Match[str]) -> str | None:
    """A number of a certificate or patent in digits; a row of digits alone is none."""
    said, kind = match["it"], match.groupdict().get("kind") or ""
    value = said.translate(_SPOKEN_DIGITS).strip(" .-")
    if sum(char.isdigit() for char in value) < _FEWEST_DIGITS or not (kind or re.match(r"[A-Z国卫食]", said)):
        return None
    return (kind if _ISSUER.match(kind) else "") + (value if value.isascii() and " " in value else value)


def _notes(rule: PhraseRule, clause: Clause) -> frozenset[str]:
    """A note holds where its words stand in the clause, or in the one before it, unless others do."""
    said = f"{clause.before[-12:]} {clause.text}" if clause.before else clause.text
    return frozenset(
        name
        for name, pattern in rule.notes.items()
        if pattern.search(said) and not (name in rule.unless and rule.unless[name].search(said))
    )
