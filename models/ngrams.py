"""What the linear classifier sees of a text: its n-grams, as numbers that are the same on every machine.

A text is looked at in several views: its characters as written, made plain, and (Mandarin) as toneless
syllables or (English) as words, and the sentences before it. Each n-gram of a view becomes a 64-bit key by
integer arithmetic alone; all texts of a batch are hashed at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.normalise import normalise
from models.results import Text
from models.sounds import HAN, toneless
from models.variants import Variants

Keys = NDArray[np.uint64]

_HAN = re.compile(f"[{HAN}]")
_WORD = re.compile(r"[a-z0-9']+|[^\sa-z0-9']")
_SENTENCES_BEFORE = 3
_CHARACTERS_BEFORE = 240
_FIRST, _LAST, _BREAK = 2, 3, 0
"""Units that stand for the beginning and the end of a text, and what no n-gram goes across."""
_SPACE = ord(" ")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Grams(NamedTuple):
    """All n-grams of a batch, in the order of its texts.

    ``rows[i]`` is the text that n-gram i stands in, ``views[i]`` the number of the view, ``keys[i]`` what it
    is, ``spans[i]`` its code points [start, end) in that text; what stands in the sentences before has the
    span [0, 0).
    """

    rows: NDArray[np.int64]
    views: NDArray[np.int64]
    keys: Keys
    spans: NDArray[np.int64]


class Vectors(NamedTuple):
    """Texts as sparse rows: ``values[i]`` stands in row ``rows[i]``, column ``columns[i]``; sorted by row.

    ``counts[i]`` is how often that n-gram stands in the text.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The n-grams that a model knows: ``keys`` in rising order, the view and the weight (idf) of each.

    ``shares`` is how much each view counts; a view has the same length in every text that it says anything of.
    """

    keys: Keys
    views: NDArray[np.int64]
    idf: NDArray[np.float32]
    shares: NDArray[np.float32]

    def places(self, found: Grams) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which n-grams are known, and the column of those."""
        at = np.minimum(np.searchsorted(self.keys, found.keys), len(self.keys) - 1)
        known = self.keys[at] == found.keys
        return known, at[known]

    def vectors(self, found: Grams) -> Vectors:
        """Sublinear TF-IDF, of unit length in each view times the share of the view."""
        known, at = self.places(found)
        size = len(self.keys)
        both, counts = np.unique(found.rows[known] * size + at, return_counts=True)
        rows, columns = both // size, both % size
        values = (1 + np.log(counts)) * self.idf[columns]
        lengths, where = _lengths(rows * len(self.shares) + self.views[columns], values)
        return Vectors(rows, columns, (values / lengths[where] * self._share(columns)).astype(np.float32), counts)

    def _share(self, columns: NDArray[np.int64]) -> NDArray[np.float32]:
        share: NDArray[np.float32] = self.shares[self.views[columns]]
        return share


def _lengths(groups: NDArray[np.int64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The Euclidean length of each group of values, and where each value finds its own."""
    names, where = np.unique(groups, return_inverse=True)
    return np.sqrt(np.bincount(where, values**2, minlength=len(names))), where


class Units(NamedTuple):
    """One text in one view: what n-grams are made of, and the code points each unit came from."""

    units: NDArray[np.uint64]
    spans: NDArray[np.int64]


class Seen(NamedTuple):
    """One text with what the views share, so that it is made once."""

    text: str
    plain: str
    offsets: NDArray[np.int64]
    before: str


class View(NamedTuple):
    """A way to look at a text: how its units are made, how many of them are one n-gram, how much it counts.

    ``within_words``: n-grams hold a space at most at their ends.
    """

    name: str
    units: Callable[[Seen], Units]
    lengths: tuple[int, ...]
    share: float
    within_words: bool = False


def script_of(text: Text) -> Literal["zh", "en"]:
    """``zh`` where there is a Han character or the language is Chinese, else ``en``: which views are looked at."""
    return "zh" if _HAN.search(text.text) or text.language.startswith("zh") else "en"


def grams(texts: Sequence[Text], views: Sequence[View], variants: Variants) -> Grams:
    """The n-grams of texts in these views; ``variants`` is what the plain view replaces."""
    seen = [_seen(text, variants) for text in texts]
    parts = [part for number, view in enumerate(views) for part in _view_grams(seen, number, view)]
    if not parts:
        empty = np.zeros(0, np.int64)
        return Grams(empty, empty, empty.astype(np.uint64), np.zeros((0, 2), np.int64))
    rows, numbers, keys, spans = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(rows, kind="stable")
    return Grams(rows[order], numbers[order], keys[order], spans[order])


def _seen(text: Text, variants: Variants) -> Seen:
    plain = normalise(text.text, variants)
    before = " ".join(text.before[-_SENTENCES_BEFORE:])[-_CHARACTERS_BEFORE:]
    return Seen(
        text.text,
        plain.text,
        np.array(plain.offsets, np.int64),
        normalise(before, variants).text if before else "",
    )


def _view_grams(seen: Sequence[Seen], number: int, view: View) -> Iterator[Grams]:
    """The n-grams of one view, one length at a time, over all texts at once."""
    of = [view.units(one) for one in seen]
    sizes = [len(one.units) + 1 for one in of]
    gap, nowhere = np.array([_BREAK], np.uint64), np.zeros((1, 2), np.int64)
    if not of:
        return
    units = np.concatenate([part for one in of for part in (one.units, gap)])
    spans = np.concatenate([part for one in of for part in (one.spans, nowhere)])
    rows = np.repeat(np.arange(len(of)), sizes)
    for length in view.lengths:
        found = _starts(units, length, view.within_words)
        last = found + length - 1
        keys = _keys(units, found, length, view.name)
        where = np.stack([spans[found, 0], spans[last, 1]], axis=1)
        yield Grams(rows[found], np.full(len(found), number), keys, where)


def _starts(units: Keys, length: int, within_words: bool) -> NDArray[np.int64]:
    """Where n-grams of this length begin: none holds a break, nor a space inside where that is asked for."""
    count = max(0, len(units) - length + 1)
    good = np.ones(count, bool)
    for at in range(length):
        here = units[at : at + count]
        good &= here != _BREAK
        if within_words and (0 < at < length - 1 or length == 1):
            good &= here != _SPACE
    return np.flatnonzero(good)


def _keys(units: Keys, starts: NDArray[np.int64], length: int, view: str) -> Keys:
    """A hash of each n-gram, different in every view and length (multiply and mix, after SplitMix64)."""
    keys = np.full(len(starts), named(f"{view} {length}"), np.uint64)
    for at in range(length):
        keys = (keys ^ units[starts + at]) * _FACTOR
        keys ^= keys >> np.uint64(29)
    return keys


@lru_cache(maxsize=100_000)
def named(unit: str) -> int:
    """A unit that is more than a character, as 64 bits; above all characters."""
    return int.from_bytes(hashlib.blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") | 1


# The views -----------------------------------------------------------------------------------------------------------


def _characters(text: str) -> Keys:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)


def _bounded(units: Keys, starts: NDArray[np.int64], ends: NDArray[np.int64], length: int) -> Units:
    """Units with the marks of beginning and end around them, which take no place."""
    marked = np.concatenate([[np.uint64(_FIRST)], units, [np.uint64(_LAST)]]).astype(np.uint64)
    begins = np.concatenate([[0], starts, [length]])
    stops = np.concatenate([[0], ends, [length]])
    return Units(marked, np.stack([begins, stops], axis=1).astype(np.int64))


def _written(seen: Seen) -> Units:
    places = np.arange(len(seen.text))
    return _bounded(_characters(seen.text), places, places + 1, len(seen.text))


def _plain(seen: Seen) -> Units:
    return _bounded(_characters(seen.plain), seen.offsets, seen.offsets + 1, len(seen.text))


def _spaced(seen: Seen) -> Units:
    """The plain characters with a space at either end, as a word has it in the middle."""
    units = _plain(seen)
    units.units[[0, -1]] = _SPACE
    return units


def _sounds(seen: Seen) -> Units:
    found = toneless(seen.plain)
    if not found:
        return Units(np.zeros(0, np.uint64), np.zeros((0, 2), np.int64))
    units = np.array([named(syllable) for syllable, _, _ in found], np.uint64)
    places = seen.offsets[[start for _, start, _ in found]]
    return _bounded(units, places, places + 1, len(seen.text))


def _words(seen: Seen) -> Units:
    found = list(_WORD.finditer(seen.plain))
    units = np.array([named(one.group()) for one in found], np.uint64)
    starts = seen.offsets[[one.start() for one in found]] if found else np.zeros(0, np.int64)
    ends = seen.offsets[[one.end() - 1 for one in found]] + 1 if found else np.zeros(0, np.int64)
    return _bounded(units, starts, ends, len(seen.text))


def _before_characters(seen: Seen) -> Units:
    units = _characters(seen.before)
    return Units(units, np.zeros((len(units), 2), np.int64))


def _before_words(seen: Seen) -> Units:
    units = np.array([named(one) for one in _WORD.findall(seen.before)], np.uint64)
    return Units(units, np.zeros((len(units), 2), np.int64))


VIEWS: Mapping[str, tuple[View, ...]] = {
    "zh": (
        View("written", _written, (1, 2), 0.5),
        View("plain", _plain, (1, 2, 3), 0.9),
        View("sounds", _sounds, (1, 2, 3), 0.5),
        View("before", _before_characters, (1, 2), 0.5),
    ),
    "en": (
        View("characters", _spaced, (2, 3, 4, 5), 0.7, within_words=True),
        View("words", _words, (1, 2, 3), 0.7),
        View("before", _before_words, (1, 2), 0.4),
    ),
}
"""What is looked at in each language. A model is of these views: another table needs another model."""
