"""Long texts in parts about as long as an utterance, which is what the claim classifiers have learnt on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from models.manifest import LANGUAGES, Language
from models.ngrams import script_of
from models.results import Text

_LONGEST = {"zh": 60, "en": 200}
"""Longer texts are read in pieces of at most so many code points, about as long as an utterance: in a longer one
what is no claim would drown what is."""

_OVERLAP = 12
"""Where nothing tells a piece's end, so many code points also begin the next, lest a claim be cut in two."""

_ENDS = (re.compile(r"[。！？!?；;\n]|\.(?=\s)"), re.compile(r"[，,、]"), re.compile(r"\s"))


class Piece(NamedTuple):
    """A part of a text that is read at once; it begins at code point ``start`` of the text numbered ``text``."""

    of: Text
    start: int
    text: int


def pieces(text: Text, number: int) -> Iterator[Piece]:
    """A text in parts, each with what stands before it. A text of nothing has none."""
    start, before = 0, text.before
    longest = _LONGEST[script_of(text)]
    while start < len(text.text):
        end, following = _cut(text.text, start, longest)
        part = text.text[start:end]
        if part.strip():
            yield Piece(replace(text, text=part, before=before), start, number)
            before = (*before[-2:], part)
        start = following


def _cut(text: str, start: int, longest: int) -> tuple[int, int]:
    """Where the piece that begins at ``start`` ends, and where the next one begins."""
    full = start + longest
    if full >= len(text):
        return len(text), len(text)
    for kind in _ENDS:
        ends = [match.end() for match in kind.finditer(text, start + longest // 2, full)]
        if ends:
            return ends[-1], ends[-1]
    return full, full - _OVERLAP


def by_script(texts: Sequence[Text]) -> Iterator[tuple[Language, list[int]]]:
    for language in LANGUAGES:
        if rows := [row for row, text in enumerate(texts) if script_of(text) == language]:
            yield language, rows
