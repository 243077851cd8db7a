"""Text that was changed, with the way back to the words as they were said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Normalised:
    """``text`` made plain; ``offsets[i]`` is the code point of the original that ``text[i]`` came from."""

    text: str
    offsets: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that a span of ``text`` came from, symbols dropped inside included."""
        if start >= end:
            return (self.offsets[start], self.offsets[start]) if start < len(self.offsets) else (0, 0)
        return self.offsets[start], self.offsets[end - 1] + 1


def without(view: Normalised, drop: set[int]) -> Normalised:
    """The text without the characters at some places; the very same object when there are none."""
    if not drop:
        return view
    kept = [index for index in range(len(view.text)) if index not in drop]
    return Normalised("".join([view.text[i] for i in kept]), tuple([view.offsets[i] for i in kept]))


def replaced(view: Normalised, changes: Iterable[tuple[int, int, str]]) -> Normalised:
    """The text with spans replaced; the very same object when nothing is."""
    out: list[str] = []
    where: list[int] = []
    at = 0
    for start, end, plain in changes:
        if view.text[start:end] == plain:
            continue
        out.append(view.text[at:start] + plain)
        where += view.offsets[at:start] + _stretched(view.offsets[start:end], len(plain))
        at = end
    if not out:
        return view
    return Normalised("".join(out) + view.text[at:], (*where, *view.offsets[at:]))


def _stretched(offsets: tuple[int, ...], length: int) -> tuple[int, ...]:
    """Offsets for a word of another length: its first character begins, its last ends the original."""
    if length == 1:
        return offsets[-1:]
    return (*(offsets[min(i, len(offsets) - 1)] for i in range(length - 1)), offsets[-1])
