"""A small matcher that backtracks as Python's does, and counts its steps; and patterns to give it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

Rest = Callable[[int], bool]


class TooMany(Exception):  # noqa: N818 (no error: what is asked for)
    """More steps than were granted."""


class Chars(NamedTuple):
    """One character of some."""

    chars: str

    def __str__(self) -> str:
        return self.chars if len(self.chars) == 1 else f"[{self.chars}]"


class Row(NamedTuple):
    """One after the other."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.parts))


class Either(NamedTuple):
    """One or the other."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return f"(?:{'|'.join(map(str, self.parts))})"


class Often(NamedTuple):
    """Again and again."""

    body: Node
    least: int
    most: int | None

    def __str__(self) -> str:
        return f"(?:{self.body}){{{self.least},{'' if self.most is None else self.most}}}"


Node = Chars | Row | Either | Often

_LEAVES = st.sampled_from([Chars("a"), Chars("b"), Chars("ab")])


def _larger(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(nodes, min_size=2, max_size=3).map(tuple)
    often = st.sampled_from([(0, 1), (0, None), (1, None), (2, None), (2, 2), (1, 2)])
    repeats = st.builds(lambda body, times: Often(body, *times), nodes, often)
    return st.one_of(st.builds(Row, several), st.builds(Either, several.filter(_no_set)), repeats, repeats)


def _no_set(parts: tuple[Node, ...]) -> bool:
    """Python makes one set of alternatives that are a character each."""
    return not all(isinstance(part, Chars) for part in parts)


def patterns() -> st.SearchStrategy[Node]:
    """Patterns of a few letters with alternatives and repeats inside each other."""
    return st.recursive(_LEAVES, _larger, max_leaves=5)


class Backtracker:
    """Counts what it takes to find that a pattern, with a letter behind it that never comes, does not match."""

    def __init__(self, text: str, most: int) -> None:
        self._text = text
        self.steps, self._most = 0, most

    def fail(self, node: Node) -> int:
        """How many steps from the first character on. Raises TooMany."""
        self._match(node, 0, lambda _: False)
        return self.steps

    def _match(self, node: Node, at: int, rest: Rest) -> bool:
        self.steps += 1
        if self.steps > self._most:
            raise TooMany
        match node:
            case Chars(chars):
                return self._text[at : at + 1] in tuple(chars) and rest(at + 1)
            case Row(parts):
                return self._row(parts, at, rest)
            case Either(parts):
                return any(self._match(part, at, rest) for part in parts)
            case Often(body, least, most):
                return self._often(body, least, most, at, rest)

    def _row(self, parts: tuple[Node, ...], at: int, rest: Rest) -> bool:
        if not parts:
            return rest(at)
        return self._match(parts[0], at, lambda then: self._row(parts[1:], then, rest))

    def _often(self, body: Node, least: int, most: int | None, at: int, rest: Rest) -> bool:
        def again(then: int) -> bool:
            if least <= 0 and then == at:  # a round of nothing is the last
                return rest(then)
            return self._often(body, least - 1, None if most is None else most - 1, then, rest)

        if (most is None or most > 0) and self._match(body, at, again):
            return True
        return least <= 0 and rest(at)
