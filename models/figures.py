"""Amounts as digits in one unit: a view of its own of text that was made plain (models/normalise.py).

Rules, labelled spans and training text hold numerals as they were spoken (三天, 第一, 万能): only what compares
amounts asks for them as digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from models.numerals import DIGITS, POWERS, value
from models.variants import Figures, Unit, Variants
from models.views import Normalised, replaced

_ROUNDS = 8
_D, _P = "".join(DIGITS), "".join(char for char in POWERS if char not in "wk")
_NUMERAL = re.compile(
    rf"(?<![第几数双半初{_D}{_P}0-9.a-z])(?<![{_D}{_P}0-9][到至~-])"
    rf"(?>[0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?(?:[{_P}]+|[wk](?![a-z0-9]))?|[{_D}{_P}]+(?:点[{_D}]+)?|半)"
    rf"(?![几多来0-9{_D}{_P}])"
)
_TAIL = re.compile(
    rf"半(?![个天年小截边价月夜只条份包盒斤公块折])|[0-9]{{1,2}}(?![0-9.])|[二三四五六七八九]{{1,2}}(?![{_P}点一三四五六七八九零])"
)


def figures(view: Normalised, variants: Variants) -> Normalised:
    """Amounts as digits in one unit: 三斤 becomes 1500g, 九块九 9.9元, 百分之九十 90%, 两个月 2个月.

    A numeral is read only before a unit or a measure word, or after a price word, and cut out first:
    一共, 十分好看 and 七七八八 stay as they are, and so do round ones (三五天, 十几个) and 一 as an article.
    """
    for _ in range(_ROUNDS):
        made = replaced(view, list(_amounts(view.text, variants.figures)))
        if made is view:
            return view
        view = made
    return view


def _amounts(text: str, known: Figures) -> Iterator[tuple[int, int, str]]:
    """Start, end and plain writing of every amount."""
    at = 0
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        if start < at:
            continue
        if skip := known.never.match(text, start):
            at = max(at, skip.end())
            continue
        if found := _amount(text, start, end, known):
            yield found
            at = found[1]


def _amount(text: str, start: int, end: int, known: Figures) -> tuple[int, int, str] | None:
    """The amount of which the numeral at start:end is the first; None where it is none."""
    if text.startswith("百分之", start - 3 if start > 2 else 0) and start > 2:
        number = Decimal(100) if text[start:end] == "百" else value(text[start:end])
        return None if number is None else (start - 3, end, f"{_plain_number(number)}%")
    priced = known.prices.search(text, max(0, start - 8), start) is not None
    if made := _measured(text, start, end, priced, known):
        return made
    number = value(text[start:end])
    if number is None or text[start:end] in ("一", "壹", "半", "零"):  # an article, and half and no are no counts
        return None
    if known.measures.match(text, end):
        return start, end, _plain_number(number)
    return (start, end, _plain_number(number)) if priced and end - start > 1 else None


def _measured(text: str, start: int, end: int, priced: bool, known: Figures) -> tuple[int, int, str] | None:
    """An amount with its unit, and what follows of the same: 两斤三两, 九块九毛九, 三斤半."""
    total, to = Decimal(0), ""
    first = start
    while True:
        part = _part(text, start, end, priced, known)
        if part is None or to not in ("", part[1].to):
            break
        amount, unit, start = part
        total, to = total + amount, unit.to
        following = _NUMERAL.match(text, start)
        if not following:
            break
        end = following.end()
    return (first, start, f"{_plain_number(total)}{to}") if to else None


def _part(text: str, start: int, end: int, priced: bool, known: Figures) -> tuple[Decimal, Unit, int] | None:
    """One number with its unit: how much, which, and where it ends. 两 may be the unit of the number before it."""
    for stop in (end, end - 1) if text[end - 1] == "两" and end - start > 1 else (end,):
        number = value(text[start:stop])
        if number is None:
            continue
        for unit in known.units:
            if (match := unit.words.match(text, stop)) and (priced or not unit.priced):
                more, at = _tenths(text, match.end(), known) if unit.tenths else (Decimal(0), match.end())
                return (number + more) * unit.times, unit, at
    return None


def _tenths(text: str, at: int, known: Figures) -> tuple[Decimal, int]:
    """The bare digits behind a unit, as in 三块五, unless they begin another amount."""
    match = _TAIL.match(text, at)
    if not match or known.measures.match(text, match.end()):
        return Decimal(0), at
    if any(unit.words.match(text, match.end()) for unit in known.units):
        return Decimal(0), at
    digits = "5" if match[0] == "半" else "".join(str(DIGITS.get(char, char)) for char in match[0])
    return Decimal(f"0.{digits}"), match.end()


def _plain_number(number: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    return f"{number.normalize():f}"
