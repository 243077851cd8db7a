"""The words of a language that make a fact of a good, read from models/wordings/*.yaml.

That file is data: which clauses ask or suppose, which words around an amount make it a price or a weight, and
which phrases name a material or a place. docs/facts.md tells how it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models.places import CHINESE, ENGLISH

_FOLDER = Path(__file__).parent / "wordings"
_NAMES = re.compile(r"<<(\w+)>>")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CHINESE_PLACE = rf"(?:(?!普洱[茶熟生]|龙井茶)(?:{CHINESE})(?:省|市|县|自治区|地区|产区|镇|本地|当地|山区)?){{1,3}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRule:
    """What an amount states where all of this fits it; ``field`` is None where it states no fact of the good."""

    field: str | None
    kinds: frozenset[str]
    before: re.Pattern[str] | None = None
    """Ends what stands before it, fillers between left out; ``tight``: without fillers."""
    tight: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    inside: re.Pattern[str] | None = None
    """Stands anywhere in its clause."""
    left: re.Pattern[str] | None = None
    """Stands anywhere before it in its clause."""
    text: re.Pattern[str] | None = None
    """Stands anywhere in the utterance."""
    near: re.Pattern[str] | None = None
    """Stands in its clause or in the one before it."""
    not_before: re.Pattern[str] | None = None
    not_after: re.Pattern[str] | None = None
    not_inside: re.Pattern[str] | None = None
    units: re.Pattern[str] | None = None
    least: float = 0.0
    most: float = float("inf")
    close: int | None = None
    """So few characters stand before it in its clause, fillers left out."""
    alone: bool = False
    price_for: bool = False
    """It is the one unit that an amount of money before it buys."""
    price_before: bool | None = None
    box: bool = False
    """One box, bag or set was counted right before it: 一箱六瓶."""
    unit_of: str = ""
    weak: bool = False
    """Nothing but the amount itself speaks for the field: what is far off is then no contradiction."""
    cents: bool = False
    """It has cents: 19.99."""
    whole: bool = False
    grams_to_pounds: bool = False
    """It is pounds of money and no weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseRule:
    """Words that state a fact; the value is ``value``, or what the group ``it`` holds."""

    field: str
    find: re.Pattern[str]
    value: str | None = None
    numbered: bool = False
    """What is found is a number, and needs its kind before it or letters in it."""
    sure: re.Pattern[str] | None = None
    """Without this in it, it needs ``made_before`` or ``made_after``."""
    made_before: re.Pattern[str] | None = None
    made_after: re.Pattern[str] | None = None
    not_before: re.Pattern[str] | None = None
    not_after: re.Pattern[str] | None = None
    not_inside: re.Pattern[str] | None = None
    not_left: re.Pattern[str] | None = None
    """Stands anywhere before it in the clause."""
    not_value: re.Pattern[str] | None = None
    notes: Mapping[str, re.Pattern[str]]
    unless: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All of a language. Patterns named as in the file; ``around`` are those of how an amount was said."""

    language: str
    clauses: Mapping[str, re.Pattern[str]]
    amounts: tuple[AmountRule, ...]
    phrases: tuple[PhraseRule, ...]
    quantities: tuple[re.Pattern[str], ...]
    times: re.Pattern[str]
    """Words that tell a former price, one elsewhere (groups of these names) or one now."""
    own_shop: re.Pattern[str]
    around: Mapping[str, re.Pattern[str]]
    per_unit: re.Pattern[str]
    grams: Mapping[str, float]
    fill: re.Pattern[str]


@cache
def wording(language: str) -> Wording:
    """The words of ``zh`` or ``en``."""
    data = yaml.load((_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - safe
    return _Reader(data, language).read()


class _Reader:
    """Makes patterns of the file's lists, with the lists under ``words`` put in for their names."""

    def __init__(self, data: Mapping[str, Any], language: str) -> None:
        self._data, self._language = data, language
        self._words = {name: self._any(listed) for name, listed in data["words"].items()}
        self._words["place"] = _CHINESE_PLACE if language == "zh" else ENGLISH
        self._words = {name: self._filled(pattern) for name, pattern in self._words.items()}

    def read(self) -> Wording:
        data, words = self._data, self._words
        times = "|".join(f"(?P<{name}>{words[name]})" for name in ("former", "elsewhere", "today"))
        said = {"upper": data["upper"], "about": data["about"]}
        around = {f"{name}_{side}": self._at(side, one[side]) for name, one in said.items() for side in one}
        around |= {
            name: self._in(data[name])
            for name in (
                "coupon_used",
                "stacked",
                "when_after",
                "named_by",
                "each_after",
                "each_before",
                "ours",
                "leads",
            )
        }
        return Wording(
            language=self._language,
            clauses={name: self._in(listed) for name, listed in data["clauses"].items()},
            amounts=tuple(self._amount(entry) for entry in data["amounts"]),
            phrases=tuple(self._phrase(entry) for entry in data["facts"]),
            quantities=tuple(self._in([one]) for one in data["quantities"]),
            times=self._in([times]),
            own_shop=self._in([words["own_shop"]]),
            around=around,
            per_unit=self._in([data["per_unit"]["pattern"]]),
            grams=data["per_unit"]["grams"],
            fill=self._in([words["fill"]]),
        )

    def _amount(self, entry: dict[str, Any]) -> AmountRule:
        entry = dict(entry)
        field = entry.pop("field")
        sides: dict[str, Any] = {name: self._at(name, entry.pop(name)) for name in _SIDES & entry.keys()}
        made: dict[str, Any] = {
            _INSIDE.get(name, name): self._in(entry.pop(name)) for name in ("in", "not_in") if name in entry
        }
        made |= {name: self._in(entry.pop(name)) for name in ("left", "near", "text", "units") if name in entry}
        kinds = frozenset(entry.pop("kinds"))
        return AmountRule(field=None if field == "none" else field, kinds=kinds, **sides, **made, **entry)

    def _phrase(self, entry: dict[str, Any]) -> PhraseRule:
        entry = dict(entry)
        find = re.compile(self._filled(entry.pop("find")), 0 if entry.pop("case", True) else re.IGNORECASE)
        notes, unless = (
            {key: self._in(listed) for key, listed in entry.pop(name, {}).items()} for name in ("notes", "unless")
        )
        made: dict[str, Any] = {}
        for name, side in _PHRASE_SIDES.items():
            if name in entry:
                listed = entry.pop(name)
                made[_INSIDE.get(name, name)] = self._at(side, listed) if side else self._in(listed)
        return PhraseRule(find=find, notes=notes, unless=unless, **made, **entry)

    def _at(self, side: str, listed: Iterable[str]) -> re.Pattern[str]:
        """At the end of what stands before, or at the beginning of what follows."""
        words = self._filled(self._any(listed))
        match side.removeprefix("not_"):
            case "before":
                return re.compile(f"(?:{words}){self._words['fill']}$", re.IGNORECASE)
            case "tight":
                return re.compile(f"(?:{words})$", re.IGNORECASE)
        return re.compile(f"(?:{words})", re.IGNORECASE)

    def _in(self, listed: Iterable[str]) -> re.Pattern[str]:
        return re.compile(self._filled(self._any(listed)), re.IGNORECASE)

    def _any(self, listed: Iterable[str] | str) -> str:
        """One pattern of a list, or a pattern as it is."""
        return listed if isinstance(listed, str) else "|".join(str(one) for one in listed)

    def _filled(self, pattern: str) -> str:
        while (made := _NAMES.sub(lambda name: f"(?:{self._words[name[1]]})", pattern)) != pattern:
            pattern = made
        return pattern


_SIDES = {"before", "tight", "after", "not_before", "not_after"}
_INSIDE = {"in": "inside", "not_in": "not_inside"}
_PHRASE_SIDES = {
    "sure": "", "made_before": "tight", "made_after": "after", "not_before": "tight", "not_after": "after",
    "not_in": "", "not_left": "", "not_value": "",
}  # fmt: skip
