"""Which words a pattern cannot match without, so that most rules are passed over by one scan of the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import ahocorasick_rs

from models.trees import REPEATS, codes, parsed

_MOST = 500
_Words = frozenset[str] | None


class Prefilter:
    """Tells which of many patterns, given by what each requires, can match a text at all: one in lower case."""

    def __init__(self, patterns: Sequence[_Words]) -> None:
        where: dict[str, list[int]] = {}
        self._always: set[int] = set()
        for index, words in enumerate(patterns):
            if words is None:
                self._always.add(index)
            for word in words or ():
                where.setdefault(word, []).append(index)
        self._where = list(where.values())
        self._scan = ahocorasick_rs.AhoCorasick(list(where)) if where else None

    def candidates(self, texts: Iterable[str]) -> set[int]:
        """The indices of the patterns that may match one of the texts."""
        found = set(self._always)
        for text in texts:
            if self._scan is not None:
                for word, _, _ in self._scan.find_matches_as_indexes(text, overlapping=True):
                    found.update(self._where[word])
        return found


def required(patterns: Iterable[str]) -> frozenset[str] | None:
    """Words of which every match of one of the patterns holds at least one, in lower case; None where there are
    none such."""
    return _of_branches(parsed(pattern) for pattern in patterns)


def _of_sequence(tree: Any) -> _Words:
    best: _Words = None
    run = ""
    for op, argument in tree:
        if op is codes.LITERAL:
            run += chr(argument).lower()
            best = _better(best, frozenset([run]))
            continue
        best, run = _better(best, _of_part(op, argument)), ""
    return best


def _of_part(op: Any, argument: Any) -> _Words:
    if op is codes.SUBPATTERN:
        return _of_sequence(argument[3])
    if op is codes.BRANCH:
        return _of_branches(argument[1])
    if op in REPEATS and argument[0] >= 1:
        return _of_sequence(argument[2])
    if op is codes.IN and len(argument) <= 12 and all(kind is codes.LITERAL for kind, _ in argument):
        return frozenset(chr(char).lower() for _, char in argument)
    return None


def _of_branches(branches: Any) -> _Words:
    together: set[str] = set()
    for branch in branches:
        words = _of_sequence(branch)
        if words is None:
            return None
        together |= words
    return frozenset(together) if len(together) <= _MOST else None


def _better(one: _Words, other: _Words) -> _Words:
    """The one whose shortest word is longer, then the smaller one: it lets fewer texts through."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda words: (min(map(len, words)), -len(words)))
