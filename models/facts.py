"""Facts of the good on sale that a text states, with the words that carry them: docs/facts.md has the fields.

Pure rules in both languages; the words stand in models/wordings/. What denies, asks, supposes or stays vague gives
nothing, nor do numbers that are no facts of the good: links, ages, times, ranks, what a person weighs.
"""

from __future__ import annotations

import re
from dataclasses import replace

from models.account import Said, account
from models.amounts import Amount, amounts
from models.around import Around
from models.clauses import Clause, clauses
from models.numerals import english_value, spoken
from models.phrases import phrase_facts
from models.results import SpokenFact
from models.units import GRAMS
from models.wording import Wording, wording

__all__ = ["LONGEST", "SpokenFact", "spoken_facts"]

LONGEST = 4_000
"""Code points that are read of a text: an utterance has a few dozen, and rules must end soon on anything."""

_MOST_AMOUNTS = 60
"""Amounts that are read of a clause; hosts say two or three, and each is looked at with the words around it."""
_SHORT = 3
_DEAR = 100
"""No shipping costs that much: seven fifty is 7.50."""
_HAN = re.compile("[\u3400-\u9fff]")
_OF_A_GOOD = frozenset({"weight_g", "size", "material"})
"""What a clause about a gift tells of the gift, and not of the good on sale."""
_HOLD_NUMBERS = frozenset({"quantity", "certificate", "material"})
"""Phrases that hold numbers, which are then none of their own."""


def spoken_facts(text: str, language: str) -> list[SpokenFact]:
    """The facts that a text states of the good on sale, in the order of the text; each value of a field once.

    Mandarin rules read every text that holds a Han character, whatever its ``language``.
    """
    text = text[:LONGEST]
    words = wording("zh" if _HAN.search(text) or language.startswith("zh") else "en")
    said: list[Said] = []
    taken_back: list[int] = []
    for clause in clauses(text, words):
        if clause.corrects:
            taken_back.append(clause.start)
        if clause.states:
            said += _in_clause(clause, text, words, said[-1] if taken_back and said else None)
    return account(said, taken_back)


def _in_clause(clause: Clause, text: str, words: Wording, corrected: Said | None) -> list[Said]:
    """What a clause states. After a correction a bare number is of the field of ``corrected``."""
    found = [Said(fact, asked=clause.asked) for fact in (*_quantities(clause, words), *phrase_facts(clause, words))]
    taken = [(one.fact.start, one.fact.end) for one in found if one.fact.field in _HOLD_NUMBERS]
    every = tuple(amounts(clause.text, words.language))[:_MOST_AMOUNTS]
    for position, amount in enumerate(every):
        start, end = clause.start + amount.start, clause.start + amount.end
        if not any(first < end and start < last for first, last in taken):
            around = Around(text, clause, every, position, words)
            one = _instead(around, corrected) or _of_amount(around, text)
            found += [one] if one else []
    other = frozenset({"other"} if clause.other else ())
    return [
        replace(one, fact=replace(one.fact, notes=one.fact.notes | other))
        for one in found
        if not (clause.gift and one.fact.field in _OF_A_GOOD)
    ]


def _instead(around: Around, corrected: Said | None) -> Said | None:
    """Eight hundred grams, no wait, seven hundred: the unit is not said again."""
    amount = around.amount
    if corrected is None or corrected.amount is None or amount.kind != "bare" or corrected.fact.field == "price":
        return None
    if isinstance(corrected.fact.value, str) or not around.wording.clauses["closes"].match(around.right):
        return None
    value, start = round(amount.value * corrected.amount.times, 2), around.clause.start
    return Said(
        SpokenFact(corrected.fact.field, value, start + amount.start, start + amount.end), amount=corrected.amount
    )


def _of_amount(around: Around, text: str) -> Said | None:
    rule = next((rule for rule in around.wording.amounts if around.fits(rule)), None)
    if rule is None or rule.field is None:
        return None
    field, amount = rule.field, around.amount
    notes = _limits(around) | (frozenset({"weak"}) if rule.weak else frozenset())
    if field == "price":
        field, notes = _when(around, notes, text)
    if field == "shipping" and amount.value >= _DEAR and around.wording.language == "en":
        amount = replace(amount, value=amount.value / 100)  # seven fifty
    value = round(amount.value / GRAMS["pound"], 2) if rule.grams_to_pounds else _value(field, amount, rule.unit_of)
    start, ways = around.clause.start, around.wording.around
    return Said(
        SpokenFact(field, value, start + amount.start, start + amount.end, notes),
        amount=amount,
        asked=around.clause.asked,
        named_by=ways["named_by"].match(around.right) is not None,
        piece=around.piece,
    )


def _value(field: str, amount: Amount, unit: str) -> float | str:
    if field != "size":
        return amount.value
    return f"{amount.value:g} {unit or ('ml' if amount.kind == 'volume' else 'mm')}"


def _limits(around: Around) -> frozenset[str]:
    words, left, right = around.wording.around, around.left, around.right
    upper = words["upper_before"].search(left) or words["upper_after"].match(right)
    about = words["about_before"].search(left) or words["about_after"].match(right)
    return frozenset(name for name, said in (("at_most", upper), ("about", about)) if said)


def _when(around: Around, notes: frozenset[str], text: str) -> tuple[str, frozenset[str]]:
    """A price now, a former one or one elsewhere: the nearest word of time or place before it decides."""
    words = around.wording
    after = words.around["when_after"].match(around.right)
    if after:
        return "reference_price", frozenset({"elsewhere"} if after.lastgroup == "elsewhere" else ())
    said = words.own_shop.sub("", _said_before(around))
    cues = list(words.times.finditer(said))
    for at, cue in reversed(list(enumerate(cues))):
        earlier = {one.lastgroup for one in cues[:at]}
        place = "elsewhere" in earlier
        if cue.lastgroup == "today":
            ours = words.around["ours"].match(cue.group()) is not None
            if ours and "former" in earlier or place and not ours and said == around.left:
                continue
            break
        return "reference_price", frozenset({"elsewhere"} if place or cue.lastgroup == "elsewhere" else ())
    return "price", notes | _coupons(text, words) | _per_unit(around)


def _said_before(around: Around) -> str:
    """The words before an amount; of the clause before too where that leads up to it: 原价呢，三百九十九."""
    left = around.left
    leads = (
        len(left.strip()) <= _SHORT
        and around.last is None
        and around.wording.around["leads"].search(around.clause.before)
    )
    return f"{around.clause.before} {left}" if leads else left


def _coupons(text: str, words: Wording) -> frozenset[str]:
    """Whether a coupon of the listing is said to be used for the price."""
    if not words.around["coupon_used"].search(text):
        return frozenset()
    return frozenset({"coupon", "stacked"}) if words.around["stacked"].search(text) else frozenset({"coupon"})


def _per_unit(around: Around) -> frozenset[str]:
    """九块九一斤 is the price of a jin, not of the order."""
    match = around.wording.per_unit.match(around.right)
    return frozenset({"per_unit", f"per {around.wording.grams[match[1].lower()]:g} g"}) if match else frozenset()


def _quantities(clause: Clause, words: Wording) -> list[SpokenFact]:
    """What whole phrases say: 买一送一 is two pieces, 拍一发三 three."""
    found = []
    for pattern in words.quantities:
        for match in pattern.finditer(clause.text):
            said = [spoken(one) if words.language == "zh" else _english(one) for one in match.groupdict("").values()]
            total = sum(one or 0.0 for one in said) or 2.0
            found.append(SpokenFact("quantity", total, clause.start + match.start(), clause.start + match.end()))
    return found


def _english(said: str) -> float | None:
    return float(said) if said.isdigit() else english_value(said)
