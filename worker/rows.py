"""Rows of cues in one stream: what was said and written in the order of the stream's time, and which rule it fulfils.

Pure: the same transcripts in any order of arrival, and any number of times, make the same rows.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from models.cues import Rule
from worker.floods import MOST_LINES, Asked, Chat, flood_of, line_parts
from worker.moments import Key, Line, Moment, Said, key_of, time_of
from worker.records import AuthorRole, Source, TextKind, Transcript

NEVER = float("-inf")
_MOST_MOMENTS = 300
_BLOCK_S = 300
_BLOCKS_REMEMBERED = 8
_OVERLAP = timedelta(milliseconds=500)
_NEAR = timedelta(seconds=45)
"""How far from the last step a cue of ``also`` may stand."""


class Row(NamedTuple):
    """A rule, and what fulfils it: its cues in the order of the stream, and the lines of the flood."""

    rule: Rule
    moments: tuple[Moment, ...]
    lines: tuple[Line, ...] = ()

    @property
    def first(self) -> Transcript:
        return self.moments[0].transcript

    @property
    def last(self) -> Key:
        return max([one.key for one in self.moments] + [one.key for one in self.lines])


@dataclass(slots=True)
class Stream:
    """What is kept of one stream, in the order of its time, and what was made of it."""

    moments: list[Moment] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    known: dict[str, float] = field(default_factory=dict)
    done: dict[str, Key] = field(default_factory=dict)
    blocks: dict[str, list[int]] = field(default_factory=dict)
    latest: float = NEVER

    @property
    def size(self) -> int:
        """What it counts as: its lines, and itself."""
        return 1 + len(self.known)

    def write_down(self, said: Said) -> bool:
        """Keep what may count; false where there is nothing new in it."""
        transcript = said.transcript
        if transcript.transcript_id in self.known:
            return False
        if said.given:
            for given in said.given:
                insort(self.moments, Moment(transcript, given, said.at), key=key_of)
        elif _is_viewers(transcript) and (parts := line_parts(transcript.text)):
            insort(self.lines, Line(transcript, parts, said.at), key=key_of)
        else:
            return False
        self.known[transcript.transcript_id] = said.at
        return True

    def forget_before(self, at: float) -> None:
        """Drop what was written to the log before a time, and the oldest of what is too much."""
        if self.known and next(iter(self.known.values())) < at:
            self.moments = [one for one in self.moments if one.at >= at]
            self.lines = [one for one in self.lines if one.at >= at]
            self.known = {one: when for one, when in self.known.items() if when >= at}
        for kept, most in ((self.moments, _MOST_MOMENTS), (self.lines, MOST_LINES)):
            for one in kept[: max(0, len(kept) - most)]:
                self.known.pop(one.transcript.transcript_id, None)
            del kept[: max(0, len(kept) - most)]

    def rows(self, rules: Sequence[Rule], asked: Asked, line_at: datetime | None = None) -> Iterator[Row]:
        """The rows of one label that are complete and not told yet: of each five minutes the one that begins first.

        Where all that is new is one viewer's line, ``line_at`` is its time: a line completes no row but of a flood,
        and only where it stands after the call. The work for a line must not grow with the calls before it.
        """
        chat = Chat(self.lines, asked, line_at)
        rules = [rule for rule in rules if line_at is None or self._may_answer(rule, line_at)]
        while found := [row for rule in rules if (row := first_row(rule, self._open(rule), chat))]:
            row = min(found, key=lambda one: one.moments[0].key)
            label = row.rule.label
            self.done[label] = row.last
            block = int(row.first.started_at.timestamp()) // _BLOCK_S
            told = self.blocks.setdefault(label, [])
            if block not in told:
                told.append(block)
                del told[:-_BLOCKS_REMEMBERED]
                yield row

    def _may_answer(self, rule: Rule, line_at: datetime) -> bool:
        """Whether a call of a rule stands before a line, near enough."""
        if rule.flood is None:
            return False
        begin = bisect_right(self.moments, line_at - timedelta(seconds=rule.flood.within_s), key=time_of)
        return any(
            one.given.cue == rule.steps[-1] and one.transcript.started_at <= line_at
            for one in islice(self.moments, begin, None)
        )

    def _open(self, rule: Rule) -> list[Moment]:
        """The cues that a rule looks at: guards, and what comes after the last row of its label."""
        done = self.done.get(rule.label)
        return [
            one
            for one in self.moments
            if one.given.cue in rule.cues and (done is None or one.key > done or one.given.cue in rule.silent_if)
        ]


def first_row(rule: Rule, moments: Sequence[Moment], chat: Chat) -> Row | None:
    """The complete row that begins earliest, each further cue the first that fits. Earliest, so that what comes late
    in between changes nothing of its name."""
    for number, first in enumerate(moments):
        if first.given.cue != rule.steps[0]:
            continue
        chosen = _chosen(rule, first, islice(moments, number + 1, None))
        if chosen is None or not chat.concerns(rule, chosen[-1]) or (also := _also(rule, chosen[-1], moments)) is None:
            continue
        row = tuple(sorted((*chosen, *also), key=key_of))
        flood = flood_of(rule, row, chosen[-1], chat)
        if flood is not None and not _silenced(rule, row, moments):
            return Row(rule, row, flood)
    return None


def _chosen(rule: Rule, first: Moment, later: Iterable[Moment]) -> tuple[Moment, ...] | None:
    """The cues of all steps, or None."""
    chosen, until = [first], first.transcript.started_at + timedelta(seconds=rule.within_s)
    for one in later:
        if len(chosen) == len(rule.steps) or one.transcript.started_at > until or one.given.cue in rule.broken_by:
            break
        if one.given.cue == rule.steps[len(chosen)] and _fits(rule, chosen, one):
            chosen.append(one)
    return tuple(chosen) if len(chosen) == len(rule.steps) else None


def _fits(rule: Rule, chosen: Sequence[Moment], one: Moment) -> bool:
    """Whether a cue may be the next step."""
    if not _follows(chosen[-1], one) or (rule.same_good and not _may_be_one_good(chosen[-1], one)):
        return False
    last = len(chosen) == len(rule.steps) - 1
    return not last or rule.amounts is None or _agree(rule.amounts, chosen[0].given.amounts, one.given.amounts)


def _follows(before: Moment, after: Moment) -> bool:
    """Whether one cue comes after another, and is not the same sound heard a second time."""
    one, other = before.transcript, after.transcript
    if one.transcript_id == other.transcript_id:
        return after.given.start >= before.given.end
    spoken = one.source is Source.SPEECH and other.source is Source.SPEECH
    return not spoken or other.started_at >= one.ended_at - _OVERLAP


def _may_be_one_good(before: Moment, after: Moment) -> bool:
    """Not where both name one, and others."""
    if before.transcript is after.transcript:
        return True
    named = zip(before.given.goods, after.given.goods, strict=True)
    return not any(one and other and not one & other for one, other in named)


def _agree(times: tuple[float, float], before: frozenset[float], after: frozenset[float]) -> bool:
    least, most = times
    return any(least * one <= other <= most * one for one in before for other in after)


def _also(rule: Rule, step: Moment, moments: Iterable[Moment]) -> list[Moment] | None:
    """The first of each cue that must stand near a step; None where one is not there."""
    at = step.transcript.started_at
    near = [one for one in moments if abs(one.transcript.started_at - at) <= _NEAR]
    found = [next((one for one in near if one.given.cue == name), None) for name in rule.also]
    return None if None in found else [one for one in found if one]


def _silenced(rule: Rule, row: Sequence[Moment], moments: Iterable[Moment]) -> bool:
    """Whether a guard was given from five minutes before the row up to the end of its last utterance."""
    earliest, last = row[0].transcript.started_at - timedelta(seconds=rule.within_s), row[-1].key[:2]
    return any(
        one.given.cue in rule.silent_if and earliest <= one.transcript.started_at and one.key[:2] <= last
        for one in moments
    )


def _is_viewers(transcript: Transcript) -> bool:
    chat = transcript.source is Source.CHAT and transcript.text_kind is TextKind.CHAT
    return chat and transcript.author_role in (AuthorRole.VIEWER, AuthorRole.UNKNOWN)
