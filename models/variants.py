"""The file of variants: which words stand for which, how they are hidden, and what amounts are counted in.

docs/normalising.md tells how it is written; models/normalise.py and models/figures.py use it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from models.sounds import readings

_NOTHING = re.compile(r"(?!)")
_STRETCHED = re.compile(r"([a-z])\1+")


class VariantsError(ValueError):
    """The file of variants cannot be used; the message names it and the entry."""


class Swap(NamedTuple):
    """Words and the plain word of each; what the pattern finds but ``plain`` lacks is passed over whole."""

    pattern: re.Pattern[str]
    plain: Mapping[str, str]


class Fillers(NamedTuple):
    """Sounds that are dropped where they stand inside one of the words that ``inside`` finds."""

    sounds: re.Pattern[str]
    inside: re.Pattern[str]


class Disguises(NamedTuple):
    """English words by their letters without repetition, and what a digit or sign in them may stand for."""

    words: Mapping[str, str]
    signs: Mapping[str, Sequence[str]]
    never: frozenset[str]


class Unit(NamedTuple):
    """A way to write a unit: ``times`` of it make one ``to``; with ``tenths`` a digit behind it is its tenth."""

    words: re.Pattern[str]
    to: str
    times: Decimal
    tenths: bool
    priced: bool


class Figures(NamedTuple):
    """Before which words a numeral becomes digits, after which, and where it never does."""

    units: tuple[Unit, ...]
    measures: re.Pattern[str]
    prices: re.Pattern[str]
    never: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Variants:
    """What the file says, ready to use. ``version`` is the hash of all of it."""

    version: str = ""
    letters: Mapping[str, str] = field(default_factory=dict)
    emoji: Swap = Swap(_NOTHING, {})
    han: Swap = Swap(_NOTHING, {})
    english: Swap = Swap(_NOTHING, {})
    fillers: tuple[Fillers, ...] = ()
    disguises: Disguises = Disguises({}, {}, frozenset())
    figures: Figures = Figures((), _NOTHING, _NOTHING, _NOTHING)

    @classmethod
    def none(cls) -> Variants:
        """Nothing is replaced."""
        return cls()


def load_variants(path: Path | str) -> Variants:
    """Read the file of variants. Raises VariantsError, naming the file and the entry."""
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        list(data["variants"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise VariantsError(f"{path}: expected a list under variants: {error!r}") from error
    for section in data.keys() - {"version", *_SECTIONS}:
        raise VariantsError(f"{path}: {section}: unknown section")
    _check(data, str(path))
    try:
        return _variants(data)
    except re.error as error:
        raise VariantsError(f"{path}: bad pattern {error.pattern!r}: {error}") from error


def squeezed(word: str) -> str:
    """A word without repetition of letters, by which disguised words are looked up."""
    return _STRETCHED.sub(r"\1", word)


def _variants(data: Mapping[str, Any]) -> Variants:
    told = json.dumps({name: data.get(name) for name in _SECTIONS}, ensure_ascii=False, sort_keys=True, default=str)
    return Variants(
        version=hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        letters={char: entry["to"] for entry in data.get("letters", ()) for char in entry["chars"]},
        emoji=_swap(data.get("emoji", ())),
        han=_swap([*_in_letters(data.get("hidden", ())), *data["variants"]]),
        english=_swap(data.get("english", ())),
        fillers=tuple(Fillers(_any(entry["fillers"]), _any(entry["words"])) for entry in data.get("hidden", ())),
        disguises=_disguises(data.get("disguised", ())),
        figures=_figures(data),
    )


def _swap(entries: Sequence[Mapping[str, Any]]) -> Swap:
    plain: dict[str, str] = {}
    alone: set[str] = set()
    never: set[str] = set()
    for entry in entries:
        plain |= dict.fromkeys((*entry.get("words", ()), *entry.get("alone", ())), entry["to"])
        alone.update(entry.get("alone", ()))
        never.update(entry.get("never", ()))
    return Swap(_pattern(plain, alone, never), plain)


def _in_letters(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Words with one character in pinyin (全wang), those of three and more also with its first letter or all in it."""
    for word in {word for entry in entries if entry.get("pinyin") for word in entry["words"]}:
        sounds = readings(word)
        letters = [*enumerate(sounds), *enumerate(sound[0] for sound in sounds if len(word) > 2)]
        made = {f"{word[:at]}{latin}{word[at + 1 :]}" for at, latin in letters}
        yield {"to": word, "words": sorted(made | ({"".join(sounds)} if len(word) > 2 else set()))}


def _disguises(entries: Sequence[Mapping[str, Any]]) -> Disguises:
    words: dict[str, str] = {}
    for word in sorted({word for entry in entries for word in entry.get("words", ())}, reverse=True):
        words[squeezed(word)] = word
    signs = {sign: tuple(ways) for entry in entries for sign, ways in entry.get("signs", {}).items()}
    return Disguises(words, signs, frozenset(word for entry in entries for word in entry.get("never", ())))


def _figures(data: Mapping[str, Any]) -> Figures:
    units = tuple(
        Unit(
            re.compile("|".join(entry["words"])),
            entry["to"],
            Decimal(str(entry["times"])),
            entry.get("tenths", False),
            entry.get("priced", False),
        )
        for entry in data.get("units", ())
    )
    parts = ["|".join(word for entry in data.get("numerals", ()) for word in entry.get(key, ())) for key in _AROUND]
    measures, prices, never = (f"(?:{part})" if part else "(?!)" for part in parts)
    return Figures(units, re.compile(measures), re.compile(prices + r"[是才就个您你]?\Z"), re.compile(never))


def _check(data: Mapping[str, Any], path: str) -> None:
    for section, (needed, other) in _SECTIONS.items():
        entries = data.get(section) or ()
        if not isinstance(entries, (list, tuple)):
            raise VariantsError(f"{path}: expected a list under {section}")
        for number, entry in enumerate(entries, start=1):
            where = f"{path}: {section.removesuffix('s')} {number}"
            for key in needed:
                if not isinstance(entry, dict) or key not in entry:
                    raise VariantsError(f"{where}: {key}: missing")
            for key in entry:
                _check_value(key, entry[key], {*needed, *other}, where)


def _check_value(key: str, found: Any, known: set[str], where: str) -> None:
    if key not in known:
        raise VariantsError(f"{where}: {key}: unknown key")
    good, expected = _SHAPES.get(key, _WORDS)
    if not good(found):
        raise VariantsError(f"{where}: {key}: expected {expected}")


def _pattern(words: Iterable[str], alone: set[str], never: set[str]) -> re.Pattern[str]:
    """One alternation, longest first; those of ``never`` are matched, so that they are passed over whole.

    Words of one first character stand together behind it, which lets the search skip all other characters.
    """
    after: dict[str, list[str]] = {}
    for word in sorted({*words, *never}, key=lambda word: (-len(word), word)):
        after.setdefault(word[0], []).append(_bounded(word, word in alone))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in after.items()) or r"(?!)")


def _bounded(word: str, alone: bool) -> str:
    """All of a word behind its first character."""
    first, last = word[0], word[-1]
    left = rf"(?<![a-z0-9]{re.escape(first)})" if alone or first.isascii() and first.isalnum() else ""
    right = r"(?![a-z])" if alone or last.isascii() and last.isalpha() else ""
    right = r"(?![0-9])" if last.isdigit() else right
    return left + re.escape(word[1:]) + right


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return _pattern(words, set(), set())


def _is_words(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(word, str) and word for word in found)


def _is_word(found: Any) -> bool:
    return isinstance(found, str) and bool(found)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = (_is_words, "a list of words (numbers in quotes)")
_SHAPES = {
    "to": (_is_word, "a word"),
    "chars": (_is_word, "characters"),
    "times": (lambda found: type(found) in (int, float) and found > 0, "a number above 0"),
    "tenths": (lambda found: isinstance(found, bool), "true or false"),
    "pinyin": (lambda found: isinstance(found, bool), "true or false"),
    "priced": (lambda found: isinstance(found, bool), "true or false"),
    "signs": (lambda found: isinstance(found, dict) and all(map(_is_words, found.values())), "sign: list of letters"),
}
_AROUND = ("measures", "prices", "never")
_SECTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "variants": (("to",), ("words", "alone", "never")),
    "emoji": (("to", "words"), ()),
    "letters": (("to", "chars"), ()),
    "hidden": (("words", "fillers"), ("pinyin",)),
    "english": (("to",), ("words", "alone", "never")),
    "disguised": ((), ("words", "signs", "never")),
    "units": (("to", "times", "words"), ("tenths", "priced")),
    "numerals": ((), _AROUND),
}
"""The sections of the file: the keys an entry needs, and those it may have."""
