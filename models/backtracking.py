"""Patterns that would keep a worker busy for ever, told by their form: in how many ways they can read one text.

Python tries one way after the other until one fits. The ways are multiplied where one repeat can read a text in
more and more of them (models/ambiguity.py), and where several repeats in a row can share a text out among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from models.ambiguity import Automaton
from models.charsets import Chars, characters
from models.trees import LOOKS, MANY, REPEATS, codes, inside, parsed

_MOST_OPEN = 2
"""Repeats without end that share one text out: from each place on, the steps are as the square of its length."""

_MOST_TIMES = 50_000_000
"""Ways that come of repeats with an end: a number that the pattern alone decides, however long the text."""

_MOST_ROUNDS = 20
_MOST_REPEATS = 5_000


@lru_cache(maxsize=4096)
def runaway(pattern: str) -> str | None:
    """Why matching ``pattern`` may take for ever; None where it does not. Raises what ``re.compile`` does.

    What is let pass takes, from each place of a text on, a number of steps that grows as the square of the text's
    length at most, times what the alternatives written in it come to. What possessive repeats, atomic groups and
    words looked at would spare is not counted as spared, so that now and then a pattern is refused that would end.
    """
    steps = _Steps()
    steps.read(parsed(pattern), _START)
    return steps.why


class _Cost(NamedTuple):
    """``times`` ways, times the length of the text for each of ``opened``."""

    times: int
    opened: int

    def by(self, lengths: int) -> _Cost:
        """As many times as much; ``MANY`` is the length of the text."""
        return self._replace(opened=self.opened + 1) if lengths == MANY else self._replace(times=self.times * lengths)

    def per(self, other: _Cost) -> _Cost:
        """For each of the others once."""
        return _Cost(self.times * other.times, self.opened + other.opened)


class _Behind(NamedTuple):
    """A repeat that one text may be shared with: in how many ways it is reached, how often it can go round more than
    it must, where it may be if it goes on over what was read since, and characters that were."""

    rounds: Automaton
    cost: _Cost
    lengths: int
    states: frozenset[int]
    between: frozenset[Chars] = frozenset()

    def past(self, chars: Chars) -> _Behind:
        """One character on."""
        states = self.rounds.read(self.states, chars)
        if states == self.states and chars in self.between:
            return self
        return _Behind(self.rounds, self.cost, self.lengths, states, self.between | {chars})

    def or_else(self, other: _Behind) -> _Behind:
        """The same by two ways."""
        return self._replace(states=self.states | other.states, between=self.between & other.between)

    def shares_with(self, rounds: Automaton) -> bool:
        """Whether both can go round over one text that also leads from the one to the other."""
        readable = all(rounds.reads(chars) for chars in self.between)
        return readable and self.rounds.goes_with(self.states, rounds)


class _Ways(NamedTuple):
    """In how many ways a place in a pattern is reached over one text: over all, and from each repeat before it on."""

    cost: _Cost
    behind: Mapping[int, _Behind]

    @property
    def arrivals(self) -> _Cost:
        """In how many ways over one text and all its beginnings."""
        return _most([self.cost, *(one.cost.by(one.lengths) for one in self.behind.values())])

    def past(self, chars: Chars) -> _Ways:
        """Behind a character: what cannot read the same is no longer of account."""
        if not self.behind:
            return self
        return _Ways(self.cost, _alive((number, one.past(chars)) for number, one in self.behind.items()))

    def over(self, rounds: Automaton) -> _Ways:
        """Behind a repeat that went round."""
        return _Ways(
            self.cost,
            _alive((n, one._replace(states=one.rounds.beside(one.states, rounds))) for n, one in self.behind.items()),
        )


def _alive(behind: Iterable[tuple[int, _Behind]]) -> Mapping[int, _Behind]:
    return {number: one for number, one in behind if one.states}


_ONE = _Cost(1, 0)
_START = _Ways(_ONE, {})


class _Steps:
    """Reads a tree from left to right: what it costs at most, and ``why`` that is too much."""

    def __init__(self) -> None:
        self.cost = _ONE
        self.why: str | None = None
        self._repeats = 0
        self._made: dict[int, Automaton] = {}
        self._plain: dict[int, bool] = {}

    def read(self, tree: Any, ways: _Ways) -> _Ways:
        """The ways behind a tree, by those before it."""
        if not ways.behind and self._is_plain(tree):
            return ways
        for op, argument in tree:
            if self.why:
                break
            ways = self._part(op, argument, ways)
        return ways

    def _part(self, op: Any, argument: Any, ways: _Ways) -> _Ways:
        if (chars := characters(op, argument)) is not None:
            return ways.past(chars)
        if op in REPEATS:
            return self._repeat(argument, ways)
        if op in LOOKS:
            self._look(argument[1], ways.arrivals)
            return ways
        parts = [self.read(tree, ways) for tree in inside(op, argument)]
        if op is codes.GROUPREF_EXISTS:
            parts.append(ways)
        return _either(parts) if parts else ways

    def _repeat(self, argument: tuple[int, int, Any], ways: _Ways) -> _Ways:
        least, most, body = argument
        if most <= 1:
            once = self.read(body, ways) if most else ways
            return once if least else _either([once, ways])
        rounds = self._automaton(body, least)
        many = self._rounds(rounds, most, body)
        lengths = MANY if most == MANY else most - least + 1
        shared = [one.cost.by(min(one.lengths, lengths)) for one in ways.behind.values() if one.shares_with(rounds)]
        reached = _most([ways.cost, *shared]).by(many)
        self._count(reached.by(lengths))
        for look in _looks(body):
            self._look(look, reached.by(lengths))
        behind = self._through(least, most, body, ways) if not _is_character(body) else ways.over(rounds)
        kept = behind if least else _either([behind, ways])
        self._repeats += 1
        here = _Behind(rounds, reached, lengths, rounds.ends)
        return _Ways(_most([kept.cost, reached]), {**kept.behind, self._repeats: here})

    def _through(self, least: int, most: int, body: Any, ways: _Ways) -> _Ways:
        """Behind the repeat's own repeats: round by round where they are few, else, as no round adds ways, one."""
        found = []
        for _ in range(most if most <= _MOST_ROUNDS else 1):
            ways = self.read(body, ways)
            found.append(ways)
        return _either(found[max(least, 1) - 1 :] or found)

    def _rounds(self, rounds: Automaton, most: int, body: Any) -> int:
        """How many times as many ways there are for going round."""
        if _is_character(body) or not rounds.runs_away():
            return 1
        if most > _MOST_ROUNDS:
            self.why = self.why or "a repeat can read one text in ways that double with every round"
            return 1
        times: int = max(_choices(body), 2) ** most
        return times

    def _look(self, tree: Any, arrivals: _Cost) -> None:
        steps = _Steps()
        steps.read(tree, _START)
        self.why = self.why or steps.why
        self._count(steps.cost.per(arrivals))

    def _count(self, cost: _Cost) -> None:
        self.cost = _most([self.cost, cost])
        if self.why:
            return
        if cost.opened > _MOST_OPEN:
            self.why = f"{cost.opened} repeats without end can share one text out among them"
        elif cost.times > _MOST_TIMES or self._repeats > _MOST_REPEATS:
            self.why = "its repeats can share one text out among them in millions of ways"

    def _is_plain(self, tree: Any) -> bool:
        """Whether there is no choice in it but that between alternatives."""
        known = self._plain.get(id(tree))
        if known is None:
            known = self._plain[id(tree)] = all(
                op not in LOOKS
                and not (op in REPEATS and argument[1] > 1)
                and all(map(self._is_plain, inside(op, argument)))
                for op, argument in tree
            )
        return known

    def _automaton(self, body: Any, least: int) -> Automaton:
        made = self._made.get(id(body))
        if made is None:
            made = self._made[id(body)] = Automaton(body, least)
        return made


def _most(costs: Iterable[_Cost]) -> _Cost:
    return _Cost(*map(max, zip(*costs, strict=True)))


def _either(parts: Iterable[_Ways]) -> _Ways:
    parts = list(parts)
    behind: dict[int, _Behind] = {}
    for number, one in (item for part in parts for item in part.behind.items()):
        behind[number] = one.or_else(behind[number]) if number in behind else one
    return _Ways(_most(part.cost for part in parts), behind)


def _is_character(body: Any) -> bool:
    return len(body) == 1 and characters(*body[0]) is not None


def _choices(tree: Any) -> int:
    """In how many ways the alternatives in a tree can be chosen."""
    found = 1
    for op, argument in tree:
        counts = [_choices(part) for part in inside(op, argument)]
        found *= sum(counts) if counts else 1
    return min(found, _MOST_TIMES)


def _looks(tree: Any) -> list[Any]:
    found = []
    for op, argument in tree:
        found += [argument[1]] if op in LOOKS else [look for part in inside(op, argument) for look in _looks(part)]
    return found
