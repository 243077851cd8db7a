"""The characters a pattern can begin with, looked at before its branches are tried: most places fail at once."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from models.trees import LOOKS, REPEATS, codes, parsed

_WIDEST = 200
_Chars = frozenset[str]


@lru_cache(maxsize=4096)
def hastened(pattern: str) -> str:
    """The same pattern behind a look at its first character, where all of these are known; else as it is.

    Python tries the branches of a pattern one after the other at every place of a text. One look whether
    any of them can begin there costs a tenth of that.
    """
    try:
        chars, empty = _of_sequence(parsed(pattern))
    except re.error:
        return pattern
    if empty or chars is None:
        return pattern
    return f"(?:(?=[{''.join(map(re.escape, sorted(chars)))}])(?:{pattern}))"


def _of_sequence(tree: Any) -> tuple[_Chars | None, bool]:
    """What may come first, None where anything may; and whether the whole may match nothing."""
    together: _Chars = frozenset()
    for op, argument in tree:
        if op in LOOKS or op is codes.AT:
            continue
        chars, empty = _of_part(op, argument)
        if chars is None:
            return None, empty
        together |= chars
        if not empty:
            return together, False
    return together, True


def _of_part(op: Any, argument: Any) -> tuple[_Chars | None, bool]:
    if op is codes.LITERAL:
        return _both_cases(chr(argument)), False
    if op is codes.IN:
        return _of_set(argument), False
    if op is codes.SUBPATTERN:
        return _of_sequence(argument[3])
    if op in REPEATS:
        chars, empty = _of_sequence(argument[2])
        return chars, empty or argument[0] == 0
    if op is codes.BRANCH:
        return _of_branches(argument[1])
    return None, False


def _of_branches(branches: Any) -> tuple[_Chars | None, bool]:
    found = [_of_sequence(branch) for branch in branches]
    empty = any(nothing for _, nothing in found)
    known = [chars for chars, _ in found if chars is not None]
    return (frozenset().union(*known) if len(known) == len(found) else None), empty


def _of_set(choices: Any) -> _Chars | None:
    chars: set[str] = set()
    for op, argument in choices:
        if op is codes.LITERAL:
            chars |= _both_cases(chr(argument))
        elif op is codes.RANGE and argument[1] - argument[0] < _WIDEST:
            chars.update(*(_both_cases(chr(code)) for code in range(argument[0], argument[1] + 1)))
        else:
            return None
    return frozenset(chars)


def _both_cases(char: str) -> _Chars:
    return frozenset(one for one in (char, char.lower(), char.upper()) if len(one) == 1)
