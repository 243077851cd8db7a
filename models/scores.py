"""How far a recognised text is from what was said, and found labels from true ones. Pure functions.

Texts are compared as they are spoken: without punctuation and case, numerals in words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

Pair = tuple[int | None, int | None]

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SPOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9]+(?:'[a-z]+)*")
_NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=年)")
_DIGITS = "零一二三四五六七八九"
_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_GREAT = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors among so many tokens of the reference. Rates of parts add up to that of the whole."""

    errors: int = 0
    total: int = 0

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.errors + other.errors, self.total + other.total)

    @property
    def rate(self) -> float | None:
        """Errors per token of the reference; None where there is none."""
        return self.errors / self.total if self.total else None


def align(reference: Sequence[str], heard: Sequence[str]) -> list[Pair]:
    """A cheapest alignment (Levenshtein, all costs 1) as pairs of indexes; None stands where a side has nothing.

    Holds one byte per pair of tokens: meant for recordings of some minutes.
    """
    costs, moves = _table(reference, heard)
    pairs: list[Pair] = []
    at, to = len(reference), len(heard)
    while at or to:
        move = moves[at, to]
        if move == _BOTH:
            at, to = at - 1, to - 1
            pairs.append((at, to))
        elif move == _REFERENCE:
            at -= 1
            pairs.append((at, None))
        else:
            to -= 1
            pairs.append((None, to))
    return pairs[::-1]


_BOTH, _REFERENCE, _HEARD = 0, 1, 2


def _table(reference: Sequence[str], heard: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The last row of costs, and the best last move for every pair of prefixes, [reference + 1, heard + 1].

    A row at a time: insertions run along the row, so the cheapest way to a cell is a running minimum.
    """
    names: dict[str, int] = {}
    left, right = (np.array([names.setdefault(t, len(names)) for t in side], np.int64) for side in (reference, heard))
    steps = np.arange(len(right) + 1)
    moves = np.full((len(left) + 1, len(right) + 1), _HEARD, np.uint8)
    costs = steps.copy()
    for row, token in enumerate(left, start=1):
        both = np.concatenate([[costs[0] + 1], costs[:-1] + (right != token)])
        dropped = costs + 1
        best = np.minimum(both, dropped)
        costs = np.minimum.accumulate(best - steps) + steps
        moves[row][dropped == costs] = _REFERENCE
        moves[row][1:][both[1:] == costs[1:]] = _BOTH
    return costs, moves


def errors(reference: Sequence[str], heard: Sequence[str]) -> Rate:
    """Substitutions, deletions and insertions, per token of the reference."""
    return Rate(int(_table(reference, heard)[0][-1]), len(reference))


def errors_at(reference: Sequence[str], heard: Sequence[str], wanted: Collection[int]) -> Rate:
    """Errors at these tokens of the reference alone; an insertion counts if it lies between two of them."""
    wanted = set(wanted)
    wrong, before = 0, -1
    for at, to in align(reference, heard):
        if at is None:
            wrong += before in wanted and before + 1 in wanted
            continue
        before = at
        wrong += at in wanted and (to is None or heard[to] != reference[at])
    return Rate(wrong, len(wanted))


def places(reference: Sequence[str], words: Iterable[Sequence[str]]) -> set[int]:
    """Indexes of all tokens that belong to an occurrence of one of the words (each a run of tokens)."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for word in words:
        if word:
            by_first.setdefault(word[0], []).append(tuple(word))
    found: set[int] = set()
    for at, token in enumerate(reference):
        for word in by_first.get(token, ()):
            if tuple(reference[at : at + len(word)]) == word:
                found.update(range(at, at + len(word)))
    return found


def tokens(text: str, language: str) -> list[str]:
    """Han characters one by one and other words whole, as they are spoken: no punctuation, numerals in words.

    >>> tokens("OK，6.7英寸", "zh")
    ['ok', '六', '点', '七', '英', '寸']
    """
    spell = _han_numeral if language == "zh" else _english_numeral
    plain = text.lower().replace("’", "'")
    plain = _YEAR.sub(lambda year: "".join(_DIGITS[int(digit)] for digit in year.group()), plain)
    return _SPOKEN.findall(_NUMERAL.sub(lambda numeral: spell(numeral.group().replace(",", "")), plain))


def characters(text: str, language: str) -> list[str]:
    """All characters of the tokens; what CER counts."""
    return [character for token in tokens(text, language) for character in token]


def syllables(text: str, *, toned: bool) -> list[str]:
    """The pinyin of the Han characters in a text; ``toned`` with the number of the tone, 5 for none.

    >>> syllables("银行OK", toned=True)
    ['yin2', 'hang2']
    """
    from pypinyin import Style, lazy_pinyin

    han = "".join(token if _HAN.match(token) else " " for token in tokens(text, "zh"))
    style = Style.TONE3 if toned else Style.NORMAL
    return [s for run in han.split() for s in lazy_pinyin(run, style=style, neutral_tone_with_five=toned)]


def _han_numeral(numeral: str) -> str:
    import cn2an  # type: ignore[import-untyped]

    whole, _, fraction = numeral.partition(".")
    if len(whole) > 12 or (len(whole) > 1 and whole.startswith("0")):
        return "".join(_DIGITS[int(digit)] for digit in numeral.replace(".", ""))
    spelt: str = cn2an.an2cn(whole)
    return spelt + ("点" + "".join(_DIGITS[int(digit)] for digit in fraction) if fraction else "")


def _english_numeral(numeral: str) -> str:
    whole, _, fraction = numeral.partition(".")
    if len(whole) > 12 or (len(whole) > 1 and whole.startswith("0")):
        return " " + " ".join(_UNITS[int(digit)] for digit in numeral.replace(".", "")) + " "
    digits = ["point", *(_UNITS[int(digit)] for digit in fraction)] if fraction else []
    return " " + " ".join(_english_whole(int(whole)) + digits) + " "


def _english_whole(number: int) -> list[str]:
    for size, name in _GREAT:
        if number >= size:
            rest = _english_whole(number % size) if number % size else []
            return [*_english_whole(number // size), name, *rest]
    if number < 20:
        return [_UNITS[number]]
    return [_TENS[number // 10], *([_UNITS[number % 10]] if number % 10 else [])]


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a label was found rightly and wrongly, and how often it was missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Hits) -> Hits:
        return Hits(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Of what was found, the share that is right; 0 where nothing was."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Of what is true, the share that was found; 0 where nothing is."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        most = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / most if most else 0.0


def count(label: str, rows: Iterable[tuple[Collection[str], Collection[str]]]) -> Hits:
    """The hits of one label over rows of (true labels, found labels)."""
    return total(Hits(label in t and label in f, label in f and label not in t, label in t and label not in f)
                 for t, f in rows)  # fmt: skip


def total(hits: Iterable[Hits]) -> Hits:
    """All hits together, as micro means take them."""
    return reduce(Hits.__add__, hits, Hits())
