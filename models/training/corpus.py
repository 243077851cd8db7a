"""The text that training speaks: written lines, pieces of them, and random words.

Most of it must be unforeseeable, or the decoder learns to recite instead of to listen. Words that
stand in ``configs/samples/held_out.txt`` are cut out of every line, so that the samples measure
words never heard in training.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEXTS = ROOT / "models" / "data" / "speech"
HELD_OUT = ROOT / "configs" / "samples" / "held_out.txt"


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    language: str


@cache
def held_out() -> re.Pattern[str]:
    """Matches any word that training must not contain."""
    words = HELD_OUT.read_text(encoding="utf-8").split()
    zh = [w for w in words if not w.isascii()]
    en = [rf"\b{w}\b" for w in words if w.isascii()]
    return re.compile("|".join(sorted(zh, key=len, reverse=True) + en))


def _clean(text: str, language: str) -> str:
    text = re.sub(r"[，。？！、；：,.?!;:]+", "，" if language == "zh" else ", ", text.strip().lower())
    return re.sub(r"\s+", " ", text).strip("，, ")


def without_held_out(text: str, language: str) -> list[str]:
    """The pieces of a line between held-out words, those long enough to be worth speaking."""
    shortest = 4 if language == "zh" else 12
    pieces = (piece.strip("，, ") for piece in held_out().split(text))
    return [piece for piece in pieces if len(piece) >= shortest]


@cache
def _all_written(language: str) -> tuple[str, ...]:
    lines = []
    for path in sorted(TEXTS.glob(f"{language}*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            lines += without_held_out(_clean(line, language), language)
    return tuple(dict.fromkeys(lines))


def _for_validation(line: str) -> bool:
    return hashlib.sha256(line.encode()).digest()[0] < 3  # about one line in 85


@cache
def written(language: str) -> tuple[str, ...]:
    """Every written line of a language but those kept for validation, held-out words cut out."""
    return tuple(line for line in _all_written(language) if not _for_validation(line))


def validation(language: str) -> list[str]:
    """Lines that training does not speak, to watch it by."""
    return [line for line in _all_written(language) if _for_validation(line)]


@cache
def _zh_words() -> tuple[list[str], list[float]]:
    """Words of jieba's dictionary and their cumulated weights: a root of frequency, so that rare ones are heard too."""
    import jieba  # type: ignore[import-untyped]

    jieba.initialize()
    han = re.compile(r"[\u4e00-\u9fff]{1,6}")
    rows = {w: n for w, n in jieba.dt.FREQ.items() if n >= 20 and han.fullmatch(w) and not held_out().search(w)}
    return list(rows), list(accumulate(float(n) ** 0.6 for n in rows.values()))


@cache
def _en_words() -> tuple[list[str], list[float]]:
    counts = Counter(w for line in written("en") for w in re.findall(r"[a-z']+", line))
    return list(counts), list(accumulate(n**0.6 for n in counts.values()))


def _random_words(draw: random.Random, language: str) -> str:
    words, weights = _zh_words() if language == "zh" else _en_words()
    some = draw.choices(words, cum_weights=weights, k=draw.randint(2, 9))
    if len(some) > 4 and draw.random() < 0.5:
        some[draw.randrange(1, len(some) - 1)] += "，" if language == "zh" else ","
    return ("" if language == "zh" else " ").join(some)


def _cut(draw: random.Random, text: str, language: str) -> str:
    """A piece of a line, from anywhere to anywhere, so that no beginning foretells its end."""
    parts = list(text) if language == "zh" else text.split()
    start = draw.randrange(max(1, len(parts) // 2))
    end = draw.randint(min(start + 3, len(parts)), len(parts))
    return ("" if language == "zh" else " ").join(parts[start:end]).strip("，, ")


def one(draw: random.Random, language: str) -> str:
    kind = draw.random()
    if kind < 0.4:
        return draw.choice(written(language))
    if kind < 0.7:
        return _cut(draw, draw.choice(written(language)), language)
    return _random_words(draw, language)


def lines(seed: int, longest: int = 40, zh_share: float = 0.78) -> Iterator[Line]:
    """Lines for ever, the same ones for the same seed; none of more than ``longest`` characters or words.

    Shorter ones are always among them: a recogniser learns to look at the right place in those first.
    """
    draw = random.Random(seed)  # noqa: S311  not for secrets
    while True:
        language = "zh" if draw.random() < zh_share else "en"
        joined = ("，" if language == "zh" else ", ").join(
            one(draw, language) for _ in range(draw.choices((1, 2, 3), (4, 4, 2))[0])
        )
        for piece in without_held_out(joined, language):
            yield Line(_shortened(draw, piece, language, draw.randint(longest // 3, longest)), language)


def _shortened(draw: random.Random, text: str, language: str, longest: int) -> str:
    """Some ``longest`` characters or words of a text, from anywhere in it; fewer at times."""
    parts = list(text) if language == "zh" else text.split()
    if len(parts) <= longest:
        return text
    count = draw.randint(max(2, longest // 2), longest)
    start = draw.randint(0, len(parts) - count)
    return ("" if language == "zh" else " ").join(parts[start : start + count]).strip("，, ")
