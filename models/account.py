"""The facts of one utterance as one account: what is said twice, taken back, asked and answered, or multiplied."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from models.amounts import Amount
from models.certificates import kind
from models.materials import material
from models.places import same_place
from models.results import SpokenFact

_DEMONYM = re.compile(r"(?:ese|an|ish|ch|wegian|Thai)$")
_LONG_NUMBER = 5
_MOST_PIECES = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A fact, and how it stood in the text."""

    fact: SpokenFact
    amount: Amount | None = None
    asked: bool = False
    """In a question, which the next words may answer."""
    named_by: bool = False
    """The amount names the good: 两千的包, a bag of two thousand."""
    piece: str | None = None
    """The measure word of the one piece that it is told of; empty where it is "each"."""

    @property
    def counted(self) -> bool:
        return self.fact.field == "quantity" and self.fact.value != 1


def account(said: Sequence[Said], taken_back: Sequence[int]) -> list[SpokenFact]:
    """Facts in the order of the text, each thing once; ``taken_back`` is where corrections begin."""
    kept = sorted(said, key=lambda one: (one.fact.start, one.fact.end, one.fact.field))
    kept = _corrected(kept, taken_back)
    for step in _STEPS:
        kept = step(kept)
    return _once(one.fact for one in kept)


def _corrected(said: list[Said], taken_back: Iterable[int]) -> list[Said]:
    """九十八，不对，八十八: what was said before a correction gives way to what is said after it of its field."""
    for at in taken_back:
        after = next((one.fact.field for one in said if one.fact.start >= at), None)
        said = [one for one in said if one.fact.start >= at or one.fact.field != after]
    return said


def _answered(said: list[Said]) -> list[Said]:
    """Is it six or eight? Eight: the answer counts."""
    return [
        one
        for at, one in enumerate(said)
        if not (one.asked and any(later.fact.field == one.fact.field for later in said[at + 1 :]))
    ]


def _restated(said: list[Said]) -> list[Said]:
    """就剩十一双，十一双: the same amount again states no other fact."""
    seen: dict[tuple[str, float, str], str] = {}
    kept = []
    for one in said:
        amount = one.amount
        field = seen.setdefault((amount.kind, amount.value, amount.unit), one.fact.field) if amount else None
        if field in (None, one.fact.field) or (field, one.fact.field) == ("reference_price", "price"):
            kept.append(one)
    return kept


def _prices(said: list[Said]) -> list[Said]:
    """Of several prices of one good the last holds: hosts count down to it. One that names the good was its price."""
    prices = [one for one in said if one.fact.field == "price" and not {"other", "per_unit"} & one.fact.notes]
    if not prices:
        return said
    last, earlier = prices[-1], set(prices[:-1])
    kept = []
    for one in said:
        if one in earlier:
            if not (one.named_by and float(one.fact.value) > float(last.fact.value)):
                continue
            one = replace(one, fact=replace(one.fact, field="reference_price", notes=frozenset()))
        elif one is last and one.named_by and one.amount and one.amount.kind == "bare":
            continue
        kept.append(one)
    return kept


def _pieces(said: list[Said]) -> list[Said]:
    """A weight told of one piece counts as often as there are pieces; what is in one pack is no count of the order."""
    counts = {one.amount.unit: float(one.fact.value) for one in said if one.counted and one.amount}
    kept = []
    for one in said:
        times = counts.get(one.piece) if one.piece else max(counts.values(), default=None)
        if one.piece is None or times is None or one.fact.field not in ("weight_g", "quantity"):
            kept.append(one)
        elif one.fact.field == "weight_g" and times < _MOST_PIECES:
            kept.append(replace(one, fact=replace(one.fact, value=round(float(one.fact.value) * times, 2))))
    return kept


def _weights(said: list[Said]) -> list[Said]:
    """Two weights in one breath are two packs to choose from, or two animals: none is that of the order."""
    weights = {one.fact.value for one in said if one.fact.field == "weight_g"}
    return said if len(weights) < 2 else [one for one in said if one.fact.field != "weight_g"]  # noqa: PLR2004


_STEPS: tuple[Callable[[list[Said]], list[Said]], ...] = (_answered, _restated, _prices, _pieces, _weights)


def _once(facts: Iterable[SpokenFact]) -> list[SpokenFact]:
    found: list[SpokenFact] = []
    for fact in facts:
        same = next((at for at, one in enumerate(found) if _same(one, fact)), None)
        if same is None:
            found.append(fact)
        elif _tells_more(fact, found[same]):
            found[same] = fact
    return sorted(found, key=lambda fact: (fact.start, fact.end, fact.field))


def _same(one: SpokenFact, other: SpokenFact) -> bool:
    if one.field != other.field or ("other" in one.notes) != ("other" in other.notes):
        return False
    if one.value == other.value:
        return True
    ours, theirs = str(one.value), str(other.value)
    match one.field:
        case "material":
            return bool(material(ours).families & material(theirs).families)
        case "origin":
            return same_place(ours, theirs) is not False
        case "certificate":
            return kind(ours) == kind(theirs) or _long(ours) != _long(theirs)
        case "brand":
            return ours.lower() in theirs.lower() or theirs.lower() in ours.lower()
    return False


def _long(certificate: str) -> bool:
    return sum(char.isdigit() for char in certificate) > _LONG_NUMBER


def _tells_more(fact: SpokenFact, before: SpokenFact) -> bool:
    """Whether the second says it more exactly: a number for a kind, a purity, a kind of the family, the town."""
    said, told = str(fact.value), str(before.value)
    match fact.field:
        case "brand":
            return told == said + "s"
        case "certificate":
            return (_long(said), bool(re.search("发明|外观|实用", said)), len(said)) > (
                _long(told), bool(re.search("发明|外观|实用", told)), len(told))  # fmt: skip
        case "material":
            return (material(said).told, len(said)) > (material(told).told, len(told))
        case "origin":
            return not _DEMONYM.search(said) and (len(said) >= len(told) or _DEMONYM.search(told) is not None)
    return False
