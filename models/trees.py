"""Patterns as Python's own parser reads them: the one place that knows how its trees are made.

The parser is a private part of ``re``, of which there is no public one; what is used of it has stood unchanged for
many versions, and the tests of those who look at trees tell when it does not.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["LOOKS", "MANY", "REPEATS", "codes", "inside", "parsed"]

REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)
LOOKS = (codes.ASSERT, codes.ASSERT_NOT)
MANY: int = codes.MAXREPEAT
"""The most of a repeat that has no end."""


@lru_cache(maxsize=64)
def parsed(pattern: str) -> Any:
    """The tree of a pattern, case ignored: a sequence of (what, its argument). Raises what ``re.compile`` does.

    Several look at one pattern, one right after the other, which is why the last ones are kept.
    """
    return parser.parse(pattern, re.IGNORECASE)


def inside(op: Any, argument: Any) -> list[Any]:
    """The trees that a part of a tree holds."""
    if op in REPEATS:
        return [argument[2]]
    if op is codes.SUBPATTERN:
        return [argument[3]]
    if op is codes.BRANCH:
        return list(argument[1])
    if op in LOOKS:
        return [argument[1]]
    if op is codes.GROUPREF_EXISTS:
        return [branch for branch in argument[1:] if branch is not None]
    return [argument] if op is codes.ATOMIC_GROUP else []
