"""Where the words of a text sounded: token times from the engine's alignment -> word times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.results import Word

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_CORE = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+(?:['’.-][^\W{_HAN}]+)*")
_LONGEST_S = 1.0

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Token:
    """A token: which code points of the text it stands for, when it sounded, and how likely it is."""

    start: int
    end: int
    begins: float
    ends: float
    probability: float


def token_starts(path: Sequence[tuple[int, int]], tokens: int, frame_s: float, seconds: float) -> list[float]:
    """When each token begins and, last, when the text ends, from the alignment's path of (token, frame) pairs.

    Never decreasing and within the window. A window too short to align gives its tokens equal shares.
    """
    if not path:
        return [seconds * at / max(tokens, 1) for at in range(tokens + 1)]
    first: dict[int, int] = {}
    for token, frame in path:
        first.setdefault(token, frame)
    return [min(first[token] * frame_s, seconds) for token in range(tokens)] + [min(first[tokens] * frame_s, seconds)]


def words(text: str, tokens: Sequence[Token], seconds: float) -> list[Word]:
    """The words of a text (in Mandarin: characters) with their times, which never go back.

    The words tile the text: spaces and punctuation are written with the word before, but their time
    is nobody's. A token of several characters is shared out evenly. What no token stands for (a text
    longer than the decoder holds) gets the end of the window.
    """
    cores = [match.span() for match in _CORE.finditer(text)]
    borders = [0, *(start for start, _ in cores[1:]), len(text)]
    return [
        _word(text[a:b], core, tokens, seconds) for (a, b), core in zip(pairwise(borders), cores, strict=bool(cores))
    ]


def _word(text: str, core: Span, tokens: Sequence[Token], seconds: float) -> Word:
    mine = [t for t in tokens if t.start < core[1] and t.end > core[0]]
    if not mine:
        return Word(start=seconds, end=seconds, text=text, probability=0.0)
    begins, ends = _at(mine[0], core[0], mine[0].begins), _at(mine[-1], core[1], mine[-1].ends)
    probability = sum(t.probability for t in mine) / len(mine)
    return Word(start=begins, end=min(ends, begins + _LONGEST_S), text=text, probability=probability)


def _at(token: Token, place: int, border: float) -> float:
    """When a place in the text is reached: inside a token in proportion, else at its border."""
    if not token.start < place < token.end:
        return border
    return token.begins + (token.ends - token.begins) * (place - token.start) / (token.end - token.start)
