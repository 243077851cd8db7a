"""Patterns that would keep a worker busy for ever: seen in their form, or tried on a text that would hurt."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MANY = 8
_SECONDS = 0.05
_LENGTHS = (12, 16, 20, 24, 28, 32, 36)
_NEVER = "\ue001"
_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
_GROUP_REPEATED = re.compile(r"\)(?:[*+]|\{\d*,(?:\}|[89]|\d\d)|\{(?:[89]|\d\d))")


@lru_cache(maxsize=4096)
def runaway(pattern: str) -> str | None:
    """Why matching ``pattern`` may take a time that doubles with each character; None where it does not.

    First its form: an open repeat of nothing but an open repeat, ``(a+)+``. Then a try: every group that may
    come eight times or more is fed what it repeats, more and more of it, and something that ends the match.
    The first text to take 50 ms of processor time condemns the pattern, so that the check always ends.
    """
    if not _GROUP_REPEATED.search(pattern):
        return None
    tree = parser.parse(pattern, re.IGNORECASE)
    if _nested(tree):
        return "one repeat without end is all that another repeats"
    found = re.compile(pattern, re.IGNORECASE)
    for before, body in _repeats(tree, ""):
        for length in _LENGTHS:
            began = time.thread_time()
            found.search(before + (body * length)[:length] + _NEVER)
            if time.thread_time() - began > _SECONDS:
                return f"{length} characters of {body[:20]!r} keep it busy for more than {_SECONDS * 1000:.0f} ms"
    return None


def _inside(op: Any, argument: Any) -> list[Any]:
    """The patterns that a part of a parsed pattern holds."""
    if op in _REPEATS or op is codes.POSSESSIVE_REPEAT:
        return [argument[2]]
    if op is codes.SUBPATTERN:
        return [argument[3]]
    if op is codes.BRANCH:
        return list(argument[1])
    if op in (codes.ASSERT, codes.ASSERT_NOT):
        return [argument[1]]
    return [argument] if op is codes.ATOMIC_GROUP else []


def _nested(tree: Any, within: bool = False) -> bool:
    for op, argument in tree:
        opened = op in _REPEATS and argument[1] is codes.MAXREPEAT
        if opened and within and len(tree) == 1:
            return True
        only = opened or (within and len(tree) == 1 and op is codes.SUBPATTERN)
        if any(_nested(part, only) for part in _inside(op, argument)):
            return True
    return False


def _repeats(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """For each group that may come often: a text that leads up to it, and texts of what it repeats."""
    for op, argument in tree:
        inside = _inside(op, argument)
        if op in _REPEATS and argument[1] >= _MANY and _varies(argument[2]):
            yield from ((before, body) for body in dict.fromkeys((_sample(argument[2]), "a", "1", "一")) if body)
        for part in inside:
            yield from _repeats(part, before)
        before += _sample([(op, argument)])


def _varies(tree: Any) -> bool:
    """Whether the same text can be matched in more than one way: something in it repeats or branches."""
    return any(
        op in _REPEATS or op is codes.BRANCH or any(map(_varies, _inside(op, argument))) for op, argument in tree
    )


def _sample(tree: Any) -> str:
    """A short text that the pattern matches, or nearly: what is only looked at is passed over."""
    text = ""
    for op, argument in tree:
        if op is codes.LITERAL:
            text += chr(argument)
        elif op is codes.IN:
            text += _member(argument)
        elif op in (codes.ANY, codes.NOT_LITERAL):
            text += "a"
        elif op not in (codes.ASSERT, codes.ASSERT_NOT):
            often = min(argument[0], 4) if op in _REPEATS else 1
            text += "".join(map(_sample, _inside(op, argument)[:1])) * often
    return text


def _member(choices: Any) -> str:
    """A character out of a set: the first that stands there, else a letter."""
    op, argument = choices[0]
    if op is codes.LITERAL:
        return chr(argument)
    if op is codes.RANGE:
        return chr(argument[0])
    return {codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " "}.get(argument, "a")
