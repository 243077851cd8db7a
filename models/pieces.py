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

_SHORTEST = {"zh": 12, "en": 40}
"""A sentence of at least so many code points is read by itself, for the same reason."""

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
    script = script_of(text)
    while start < len(text.text):
        end, following = _cut(text.text, start, script)
        part = text.text[start:end]
        if part.strip():
            yield Piece(replace(text, text=part, before=before), start, number)
            before = (*before[-2:], part)
        start = following


def _cut(text: str, start: int, script: Language) -> tuple[int, int]:
    """Where the piece that begins at ``start`` ends, and where the next one begins."""
    full = start + _LONGEST[script]
    if sentence := _ENDS[0].search(text, start + _SHORTEST[script], full):
        return sentence.end(), sentence.end()
    if full >= len(text):
        return len(text), len(text)
    for kind in _ENDS[1:]:
        ends = [match.end() for match in kind.finditer(text, start + _LONGEST[script] // 2, full)]
        if ends:
            return ends[-1], ends[-1]
    return full, full - _OVERLAP


def by_script(texts: Sequence[Text]) -> Iterator[tuple[Language, list[int]]]:
    for language in LANGUAGES:
        if rows := [row for row, text in enumerate(texts) if script_of(text) == language]:
            yield language, rows
