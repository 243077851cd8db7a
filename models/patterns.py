"""What the patterns of rules and of cues have in common: lists inside them, and the sentence around what they found."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\{([a-z_]+)\}")
_DEEPEST = 8
_SENTENCE_END = re.compile(r"[。!?！？;；\n]|\.(?=\s|$)")


class PatternError(ValueError):
    """The pattern cannot be written out; the message says why, and whoever reads the file where."""


def expanded(pattern: str, lists: Mapping[str, str]) -> str:
    """The pattern with every ``{name}`` replaced by its list; lists may hold lists. Raises PatternError."""
    for _ in range(_DEEPEST):
        names = set(_REFERENCE.findall(pattern))
        if not names:
            return pattern
        for name in names:
            if name not in lists:
                raise PatternError(f"unknown list {{{name}}}")
            pattern = pattern.replace(f"{{{name}}}", lists[name])
    raise PatternError("lists hold each other")


def sentence(text: str, start: int, end: int, most: int) -> str:
    """The sentence around a hit, at most so many characters to either side, with « and » around the hit."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, max(0, start - most), start)]
    first = ends[-1] if ends else max(0, start - most)
    stop = _SENTENCE_END.search(text, end, min(len(text), end + most))
    last = stop.end() if stop else min(len(text), end + most)
    return f"{text[first:start]}«{text[start:end]}»{text[end:last]}"
