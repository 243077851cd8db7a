"""Floods of viewers' lines: many that are nearly the same, soon after the host called for them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from models.cues import Cues, Rule
from worker.moments import Line, Moment, time_of

MOST_LINES = 1_500
_MOST_ANSWERS = MOST_LINES // 2
"""How many lines after a call are looked at, so that those before it are still there to compare with."""

_MOST_ASKED = 4_000
_ALIKE = 0.5
_CANDIDATES = 8
_LONGEST_LINE = 100
_REPEATED = re.compile(r"(.+?)\1+")
_PARTS = re.compile(r"[㐀-鿿]|[a-z']+|\d+")
_DIGITS = str.maketrans("一二两三四五六七八九", "1223456789")
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], 1)
} | {"ones": "1"}


class Asked:
    """Which viewers' lines a rule wants; remembered, because every call asks about the same few."""

    def __init__(self, cues: Cues) -> None:
        self._cues = cues
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, rule: Rule, text: str) -> bool:
        key = (rule.id, text)
        if key not in self._known:
            if len(self._known) >= _MOST_ASKED:
                self._known.clear()
            self._known[key] = self._cues.floods(rule, text)
        return self._known[key]


class Window(NamedTuple):
    """The lines around a call, by their numbers: before it from ``begin``, after it from ``middle`` up to ``end``."""

    begin: int
    middle: int
    end: int


@dataclass(slots=True)
class Chat:
    """The viewers' lines of a stream as they are now, counted once for all rules and all calls that ask.

    ``line_at`` is the time of the one new line, None where more than a line is new.
    """

    lines: Sequence[Line]
    asked: Asked
    line_at: datetime | None = None
    _windows: dict[tuple[datetime, int], Window] = field(default_factory=dict)
    _counted: dict[tuple[int, int], Counter[frozenset[str]]] = field(default_factory=dict)
    _common: dict[tuple[int, int], list[tuple[frozenset[str], str]]] = field(default_factory=dict)

    def concerns(self, rule: Rule, call: Moment) -> bool:
        """Whether what is new may complete a row with this call."""
        if self.line_at is None or rule.flood is None:
            return True
        _, middle, end = self.window(call, rule.flood.within_s)
        return middle < end and call.transcript.started_at <= self.line_at <= time_of(self.lines[end - 1])

    def window(self, call: Moment, within_s: int) -> Window:
        """So many seconds before and after a call; fewer, and as many on both sides, where that is a great many
        lines."""
        began = call.transcript.started_at
        if (known := self._windows.get((began, within_s))) is not None:
            return known
        span = timedelta(seconds=within_s)
        middle, end = (bisect_left(self.lines, at, key=time_of) for at in (began, began + span))
        if end - middle > _MOST_ANSWERS:
            end = middle + _MOST_ANSWERS
            span = time_of(self.lines[end]) - began
        found = Window(bisect_left(self.lines, began - span, key=time_of), middle, end)
        self._windows[began, within_s] = found
        return found

    def common(self, begin: int, end: int) -> list[tuple[frozenset[str], str]]:
        """What most lines are made of, the commonest first, and the first line that is."""
        if (begin, end) not in self._common:
            parts = [one for one, _ in self._count(begin, end).most_common(_CANDIDATES)]
            first = (next(line for line in islice(self.lines, begin, end) if line.parts == one) for one in parts)
            self._common[begin, end] = [(line.parts, line.transcript.text) for line in first]
        return self._common[begin, end]

    def alike(self, parts: frozenset[str], begin: int, end: int) -> int:
        """How many lines are nearly made of these."""
        return sum(count for other, count in self._count(begin, end).items() if _alike(parts, other))

    def _count(self, begin: int, end: int) -> Counter[frozenset[str]]:
        if (begin, end) not in self._counted:
            self._counted[begin, end] = Counter(line.parts for line in self.lines[begin:end])
        return self._counted[begin, end]


def flood_of(rule: Rule, row: Sequence[Moment], call: Moment, chat: Chat) -> tuple[Line, ...] | None:
    """The first lines of the flood that a call brought on; none where the rule needs none, None where it did not."""
    if (flood := rule.flood) is None:
        return ()
    begin, middle, end = chat.window(call, flood.within_s)
    if end - middle < flood.at_least:
        return None
    words = frozenset[str]().union(*(parts_of(one.transcript.text) for one in row))
    wanted = _candidates(rule, words, chat.common(middle, end), chat)
    counts = {parts: chat.alike(parts, middle, end) for parts in wanted}
    parts = max(counts, key=counts.__getitem__, default=frozenset[str]())
    if counts.get(parts, 0) < flood.at_least:
        return None
    alike = (line for line in islice(chat.lines, middle, end) if _alike(parts, line.parts))
    lines = tuple(islice(alike, flood.at_least))
    return lines if counts[parts] >= flood.times_before * chat.alike(lines[0].parts, begin, middle) else None


def _candidates(
    rule: Rule, words: frozenset[str], common: Iterable[tuple[frozenset[str], str]], chat: Chat
) -> Iterator[frozenset[str]]:
    """Of what is common that which may be what was asked for."""
    for parts, text in common:
        if chat.asked(rule, text) if rule.flood and rule.flood.lines else len(parts & words) > _ALIKE * len(parts):
            yield parts


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    both = len(one & other)
    return both >= _ALIKE * (len(one) + len(other) - both)


@lru_cache(maxsize=500)
def parts_of(text: str) -> frozenset[str]:
    """The Han characters, words and numbers of a text; 一 and one are 1."""
    return frozenset(_NUMBERS.get(part, part) for part in _PARTS.findall(text.lower().translate(_DIGITS)))


def line_parts(text: str) -> frozenset[str]:
    """Those of a viewer's line, whatever is repeated in it: 111 is 1."""
    return parts_of(_REPEATED.sub(r"\1", text[:_LONGEST_LINE].lower()))
