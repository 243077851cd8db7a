"""Which words a pattern cannot match without, so that most rules are passed over by one scan of the text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import ahocorasick_rs

from models.trees import REPEATS, codes, parsed

_MOST_WORDS = 500
_MOST_WAYS = 60
_Words = frozenset[str]
Way = frozenset[_Words]
"""One way a pattern can match: sets of words, in lower case, and every match holds one of each set."""


class _Known(NamedTuple):
    """A way of a pattern, and the bits of its sets."""

    pattern: int
    bits: int


class Prefilter:
    """Tells which of many patterns, given by what each requires, can match a text at all: one in lower case.

    The rarest set of each way tells where it is worth a look; the bits of the others whether they are there too.
    """

    def __init__(self, patterns: Sequence[Iterable[Way]]) -> None:
        every = [(index, way) for index, ways in enumerate(patterns) for way in ways]
        self._always = {index for index, way in every if not way}
        sets = dict.fromkeys(words for _, way in every for words in way)
        numbers = {words: 1 << number for number, words in enumerate(sets)}
        bits: defaultdict[str, int] = defaultdict(int)
        for words, bit in numbers.items():
            for word in words:
                bits[word] |= bit
        looks: defaultdict[str, list[_Known]] = defaultdict(list)
        for index, way in every:
            for word in _rarest(way) if way else ():
                looks[word].append(_Known(index, sum(numbers[words] for words in way)))
        self._there = [(of_word, tuple(looks[word])) for word, of_word in bits.items()]
        self._scan = ahocorasick_rs.AhoCorasick(list(bits))

    def candidates(self, texts: Iterable[str]) -> set[int]:
        """The indices of the patterns that may match one of the texts."""
        found = set(self._always)
        for text in texts:
            there = 0
            ways: list[_Known] = []
            for number in {match[0] for match in self._scan.find_matches_as_indexes(text, overlapping=True)}:
                bits, rarest = self._there[number]
                there |= bits
                ways += rarest
            found |= {pattern for pattern, needed in ways if needed & there == needed}
        return found


def required(patterns: Iterable[str]) -> frozenset[Way]:
    """The ways one of the patterns can match; an empty one where nothing is certain."""
    return frozenset(way for pattern in patterns for way in _of_sequence(parsed(pattern)))


def _of_sequence(tree: Any) -> list[Way]:
    """All that follow one another: every way of each with every way of the others, where these are not too many."""
    parts: list[list[Way]] = []
    run = ""
    for op, argument in tree:
        if op is codes.LITERAL:
            run += chr(argument).lower()
            continue
        parts += [*_of_run(run), _of_part(op, argument)]
        run = ""
    parts += _of_run(run)
    while prod(map(len, parts)) > max([_MOST_WAYS, *map(len, parts)]):
        longest = max(range(len(parts)), key=lambda at: len(parts[at]))
        parts[longest] = _as_one(parts[longest])
    return [frozenset().union(*ways) for ways in product(*parts)]


def _of_run(run: str) -> list[list[Way]]:
    return [[frozenset([frozenset([run])])]] if run else []


def _of_part(op: Any, argument: Any) -> list[Way]:
    if op is codes.SUBPATTERN:
        return _of_sequence(argument[3])
    if op is codes.BRANCH:
        ways = [way for branch in argument[1] for way in _of_sequence(branch)]
        alone = frozenset(word for way in ways for words in way for word in words)
        return _as_one(ways) if all(len(way) == 1 for way in ways) and len(alone) <= _MOST_WORDS else ways
    if op in REPEATS and argument[0] >= 1:
        return _of_sequence(argument[2])
    if op is codes.IN and len(argument) <= 12 and all(kind is codes.LITERAL for kind, _ in argument):
        return [frozenset([frozenset(chr(char).lower() for _, char in argument)])]
    return [frozenset()]


def _as_one(ways: Sequence[Way]) -> list[Way]:
    """One way for all: a set that holds of each the words that let the fewest texts through."""
    if not all(ways):
        return [frozenset()]
    together = frozenset().union(*map(_rarest, ways))
    return [frozenset([together]) if len(together) <= _MOST_WORDS else frozenset()]


def _rarest(way: Way) -> _Words:
    """The set whose shortest word is longest, then the smallest."""
    return max(way, key=lambda words: (min(map(len, words)), -len(words)))
