"""Whether a repeat can read one text in more and more ways: then each further round multiplies them.

A repeat is seen as an automaton whose states are the places for a character in what it repeats (Glushkov's). It is
exponentially ambiguous if, and only if, two different ways lead from a state back to it over the same text (Weber and
Seidl, On the degree of ambiguity of finite automata, 1991), which a search over pairs of states finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, NamedTuple

from models.charsets import ANY, Chars, characters
from models.trees import LOOKS, REPEATS, codes, inside

_MOST_PAIRS = 50_000
_MOST_COPIES = 8


class _Part(NamedTuple):
    """A part of a tree: in how many ways it matches nothing, and in how many a match begins and ends at a state."""

    empty: int
    first: Mapping[int, int]
    last: Mapping[int, int]


_NOTHING = _Part(1, {}, {})


class Automaton:
    """What stands in a repeat, going round: its states, and in how many ways (two at most) one follows another."""

    def __init__(self, body: Any, least: int) -> None:
        self.chars: list[Chars] = []
        self._after: list[dict[int, int]] = []
        whole = self._sequence(body)
        self._round(whole, least)
        self.ends = frozenset(whole.last)
        self._starts = frozenset(whole.first)

    def reads(self, chars: Chars) -> bool:
        """Whether one of the characters stands in it anywhere."""
        return any(own.meets(chars) for own in self.chars)

    def read(self, states: Iterable[int], chars: Chars) -> frozenset[int]:
        """Where one of the characters leads from the states."""
        if len(self.chars) == 1:
            return frozenset(states) if self.chars[0].meets(chars) else frozenset()
        return frozenset([to for one in states for to in self._after[one] if self.chars[to].meets(chars)])

    def beside(self, states: Iterable[int], other: Automaton) -> frozenset[int]:
        """Where it may be, from ``states`` on, when another has gone round over the same text."""
        return frozenset(one for one, at in self._pairs(states, other) if at in other.ends)

    def goes_with(self, states: Iterable[int], other: Automaton) -> bool:
        """Whether it, from ``states`` on, and another can both go on over one text for ever."""
        left = self._pairs(states, other)
        if any(pair in after for pair, after in left.items()):
            return True
        while over := [pair for pair, after in left.items() if after.isdisjoint(left.keys())]:
            for pair in over:
                del left[pair]
        return bool(left)

    def _pairs(self, states: Iterable[int], other: Automaton) -> dict[tuple[int, int], set[tuple[int, int]]]:
        """The states of both as they read one text, and which pairs follow each."""
        found: dict[tuple[int, int], set[tuple[int, int]]] = {}
        waiting = {pair for one in states for pair in self._both(self._after[one], other._starts, other)}
        while waiting:
            one, at = pair = waiting.pop()
            found[pair] = self._both(self._after[one], other._after[at], other)
            waiting |= found[pair] - found.keys()
        return found

    def _both(self, own: Iterable[int], others: Iterable[int], other: Automaton) -> set[tuple[int, int]]:
        return {(a, b) for a in own for b in others if self.chars[a].meets(other.chars[b])}

    def runs_away(self) -> bool:
        """Whether the ways to read a text may double with every round; so it is where there is too much to tell."""
        if any(ways > 1 for after in self._after for ways in after.values()):
            return True
        seen = set(self._parting())
        waiting = list(seen)
        while waiting:
            one, other = waiting.pop()
            if not self._after[one].keys().isdisjoint(self._after[other]):
                return True
            if len(seen) > _MOST_PAIRS:
                return True
            found = self._meeting((a, b) for a in self._after[one] for b in self._after[other])
            waiting += found - seen
            seen |= found
        return False

    def _parting(self) -> set[tuple[int, int]]:
        """The states in which two ways are, right after they parted."""
        found: set[tuple[int, int]] = set()
        for after in {tuple(sorted(after)) for after in self._after}:
            found |= self._meeting(combinations(after, 2))
        return found

    def _meeting(self, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those that one character leads to."""
        return {(min(one, other), max(one, other)) for one, other in pairs if self.chars[one].meets(self.chars[other])}

    def _sequence(self, tree: Any) -> _Part:
        whole = _NOTHING
        for op, argument in tree:
            whole = self._joined(whole, self._part(op, argument))
        return whole

    def _part(self, op: Any, argument: Any) -> _Part:
        if (chars := characters(op, argument)) is not None:
            return self._state(chars)
        if op in REPEATS:
            return self._repeat(*argument)
        if op is codes.GROUPREF:  # any text, and as long as that of the group
            part = self._state(ANY)
            self._round(part, least=0)
            return _Part(1, part.first, part.last)
        if op in LOOKS or op is codes.AT:
            return _NOTHING
        parts = [self._sequence(tree) for tree in inside(op, argument)]
        if op is codes.GROUPREF_EXISTS and argument[2] is None:
            parts.append(_NOTHING)
        return _Part(_few(sum(part.empty for part in parts)), _all(p.first for p in parts), _all(p.last for p in parts))

    def _state(self, chars: Chars) -> _Part:
        self.chars.append(chars)
        self._after.append({})
        place = {len(self.chars) - 1: 1}
        return _Part(0, place, place)

    def _joined(self, one: _Part, other: _Part) -> _Part:
        self._follow(one.last, other.first)
        first = _all([one.first, _times(other.first, one.empty)])
        return _Part(_few(one.empty * other.empty), first, _all([other.last, _times(one.last, other.empty)]))

    def _repeat(self, least: int, most: int, body: Any) -> _Part:
        if most <= 1 or (least == most <= _MOST_COPIES and len(body) == 1 and characters(*body[0]) is not None):
            whole = _NOTHING
            for _ in range(most):
                whole = self._joined(whole, self._sequence(body))
            return whole._replace(empty=_few(whole.empty + (least < most)))
        part = self._sequence(body)
        self._round(part, least)
        return part._replace(empty=_few(part.empty + (least == 0)))

    def _round(self, part: _Part, least: int) -> None:
        """Once more after the last; where a round may be empty and some must be, in more than one way."""
        self._follow(part.last, part.first, 2 if part.empty and least > 1 else 1)

    def _follow(self, last: Mapping[int, int], first: Mapping[int, int], ways: int = 1) -> None:
        for one, times in last.items():
            after = self._after[one]
            for other, more in first.items():
                after[other] = _few(after.get(other, 0) + times * more * ways)


def _few(ways: int) -> int:
    return min(ways, 2)


def _times(states: Mapping[int, int], ways: int) -> Mapping[int, int]:
    return {state: _few(count * ways) for state, count in states.items()} if ways else {}


def _all(parts: Iterable[Mapping[int, int]]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for part in parts:
        for state, count in part.items():
            found[state] = _few(found.get(state, 0) + count)
    return found
