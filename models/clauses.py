"""A text in clauses, and which of them state nothing: questions, suppositions, talk of another good."""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.wording import Wording

_SENTENCE = re.compile(r"[。！？!?\n；;]|\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a text between two pauses, [start, end). ``before`` is the clause before it in its sentence."""

    text: str
    start: int
    end: int
    before: str
    states: bool
    """False where it asks or supposes: then it gives no facts."""
    other: bool
    """Whether it speaks of another good than the one shown."""
    corrects: bool
    """Whether it takes back what was said before it."""
    asked: bool
    """Whether it ends in a question mark: what follows may be the answer."""
    gift: bool
    """Whether it speaks of what comes as a gift."""


def clauses(text: str, wording: Wording) -> list[Clause]:
    """The clauses of a text in order, those without words left out."""
    words = wording.clauses
    found: list[Clause] = []
    other, before, at = False, "", 0
    for match in [*words["break"].finditer(text), None]:
        end, after = (match.start(), match.end()) if match else (len(text), len(text))
        said, mark = text[at:end], text[end:after]
        other = words["other"].search(said) is not None or (other and not words["this"].search(said))
        if said.strip():
            found.append(_clause(said, at, before, mark, other, wording))
            before = said
        if _SENTENCE.search(mark):
            other = other and wording.language == "zh"
            before = ""
        at = after
    return found


def _clause(said: str, at: int, before: str, mark: str, other: bool, wording: Wording) -> Clause:
    words = wording.clauses
    asks = not words["confirms"].search(said.strip()) and (
        words["asks"].search(said.strip()) is not None or ("?" in mark or "？" in mark) and _open(said, wording)
    )
    return Clause(
        said,
        at,
        at + len(said),
        before,
        states=not asks and not words["supposes"].search(said),
        other=other,
        corrects=words["corrects"].search(said) is not None,
        asked="?" in mark or "？" in mark,
        gift=words["gift"].search(said) is not None,
    )


def _open(said: str, wording: Wording) -> bool:
    """Whether a question mark asks for the fact itself; after a price it may only mark the tone."""
    return wording.clauses["open"].search(said) is not None
