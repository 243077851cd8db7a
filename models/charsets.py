"""Sets of characters as a pattern names them, made comparable: whether two of them share a character."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from models.trees import codes

_Pairs = tuple[tuple[int, int], ...]
"""Code points from the first to the last of each pair, in order, pairs apart from each other."""

_BEYOND = (0x10000, sys.maxunicode)
"""Code points of which it is not asked what kind they are: they are taken to be of every kind."""

_KINDS = {
    codes.CATEGORY_DIGIT: (r"\d+", False),
    codes.CATEGORY_SPACE: (r"\s+", False),
    codes.CATEGORY_WORD: (r"\w+", False),
    codes.CATEGORY_NOT_DIGIT: (r"\d+", True),
    codes.CATEGORY_NOT_SPACE: (r"\s+", True),
    codes.CATEGORY_NOT_WORD: (r"\w+", True),
}


class Chars:
    """A set of characters; made by ``characters`` alone, so that the same object stands for the same writing."""

    __slots__ = ("_meets", "_pairs")

    def __init__(self, pairs: _Pairs) -> None:
        self._pairs = pairs
        self._meets: dict[Chars, bool] = {}

    def meets(self, other: Chars) -> bool:
        """Whether a character is in both."""
        known = self._meets.get(other)
        if known is None:
            known = self._meets[other] = _overlap(self._pairs, other._pairs)
        return known


ANY = Chars(((0, sys.maxunicode),))


def characters(op: Any, argument: Any) -> Chars | None:
    """What one character may be where this part of a tree stands, in either case; None where it is no character."""
    if op is codes.LITERAL:
        return _one(argument)
    if op is codes.IN:
        return _one_of(tuple(argument))
    if op is codes.NOT_LITERAL:
        return _one_of(((codes.NEGATE, None), (codes.LITERAL, argument)))
    return ANY if op is codes.ANY else None


@lru_cache(maxsize=8192)
def _one(code: int) -> Chars:
    return Chars(_both_cases(code, code))


@lru_cache(maxsize=4096)
def _one_of(choices: tuple[Any, ...]) -> Chars:
    negated = choices[0][0] is codes.NEGATE
    pairs = _together(_of_choice(op, argument) for op, argument in choices if op is not codes.NEGATE)
    return Chars(_others(pairs) if negated else pairs)


def _of_choice(op: Any, argument: Any) -> _Pairs:
    if op is codes.LITERAL:
        return _both_cases(argument, argument)
    return _both_cases(*argument) if op is codes.RANGE else _of_kind(*_KINDS[argument])


@lru_cache(maxsize=4096)
def _both_cases(first: int, last: int) -> _Pairs:
    text = "".join(map(chr, range(first, last + 1)))
    upper, lower = text.upper(), text.lower()
    if upper == lower:
        return ((first, last),)
    return _together([((first, last),), *(((ord(char),) * 2,) for char in {*upper, *lower, *upper.lower()})])


@cache
def _of_kind(pattern: str, negated: bool) -> _Pairs:
    plane = "".join(map(chr, range(_BEYOND[0])))
    found = tuple((match.start(), match.end() - 1) for match in re.finditer(pattern, plane))
    return _together([_others(found) if negated else found, (_BEYOND,)])


def _overlap(one: _Pairs, other: _Pairs) -> bool:
    left, right = 0, 0
    while left < len(one) and right < len(other):
        if one[left][1] < other[right][0]:
            left += 1
        elif other[right][1] < one[left][0]:
            right += 1
        else:
            return True
    return False


def _together(sets: Iterable[_Pairs]) -> _Pairs:
    found: list[tuple[int, int]] = []
    for first, last in sorted(pair for one in sets for pair in one):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def _others(pairs: _Pairs) -> _Pairs:
    found = []
    at = 0
    for first, last in pairs:
        if at < first:
            found.append((at, first - 1))
        at = last + 1
    return (*found, (at, sys.maxunicode)) if at <= sys.maxunicode else tuple(found)
