"""What people see on their terminal: a flag as it is found, closing tables, how far it is.

Results go to stdout, everything else to stderr. Where stdout is no terminal, lines are wide enough not to be cut.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import IO, Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from models.labels import Label
from worker.demo import Tally
from worker.records import Claim, Flag, Source

WIDE = 160
LONG_S = 30.0
"""Where stderr is no terminal, work that takes longer than this says how far it is, this often."""

_COLOURS = {"minor": "yellow", "major": "dark_orange", "critical": "red"}


def console(file: IO[str]) -> Console:
    """A console on a stream; wide where that is no terminal."""
    return Console(file=file, width=None if file.isatty() else WIDE, highlight=False, soft_wrap=False)


def moment(milliseconds: float) -> str:
    """A time in a stream.

    >>> moment(43_962), moment(3_723_000)
    ('00:43', '1:02:03')
    """
    minutes, seconds = divmod(int(milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def law_of(claim: Claim, flag: Flag) -> str:
    """The first law that may be shown to a host, in the flag's language; empty where there is none."""
    law = next((one for one in claim.law if one.may_be_shown(flag.started_at.date())), None)
    if law is None:
        return ""
    if flag.language == "zh":
        return f"《{law.title_zh}》{law.article_zh}"
    return f"{law.title_en}, {law.article_en}".rstrip(", ")


def show_flag(out: Console, flag: Flag, room: str, labels: Mapping[str, Label], reminded: Collection[str]) -> None:
    """Print a flag: when, where and what was claimed; the words, the law, and what to say instead.

    ``reminded`` are the labels of it that the host is told of at once.
    """
    for claim in flag.claims:
        where = flag.source.value if claim.start_ms is None else moment(claim.start_ms)
        head = Text(f"{where:>7}  {room}  ", style="bold")
        head.append(f"{labels[claim.label].name_in(flag.language)} ", style=f"bold {_COLOURS[claim.severity]}")
        head.append(claim.label, style="dim")
        if claim.label in reminded:
            head.append("  host reminded", style="green")
        out.print(head)
        for title, text in (("said", _quoted(claim, flag)), ("law", law_of(claim, flag)), ("advice", claim.advice)):
            if text:
                out.print(Text(f"         {title:<7}", style="dim") + Text(text), overflow="fold")


def demo_table(tallies: Iterable[Tally]) -> Table:
    """One row per broadcast: what was heard, and which of its known claims were found, missed, or come on top."""
    table = Table(title="Sample broadcasts", title_justify="left")
    table.add_column("broadcast")
    for name in ("heard", "utterances", "flags", "claims in it", "found", "missed", "extra"):
        table.add_column(name, justify="right")
    sums = [0] * 6
    seconds = 0.0
    for tally in tallies:
        numbers = [tally.utterances, tally.flags, len(tally.broadcast.expected)]
        numbers += [len(tally.found), len(tally.missed), len(tally.extra)]
        table.add_row(tally.broadcast.name, moment(tally.seconds * 1000), *map(str, numbers))
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
        seconds += tally.seconds
    table.add_section()
    table.add_row("all", moment(seconds * 1000), *map(str, sums), style="bold")
    return table


def scan_table(title: str, flags: Iterable[Flag], labels: Mapping[str, Label]) -> Table:
    """The claims of one recording or text, in the order they were found."""
    table = Table(title=escape(title), title_justify="left", show_lines=True)
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("claim", overflow="fold")
    for name, ratio in (("words", 2), ("law", 2), ("advice", 3)):
        table.add_column(name, ratio=ratio, overflow="fold")
    for flag in flags:
        for claim in flag.claims:
            table.add_row(
                _at(flag, claim),
                Text(f"{labels[claim.label].name_in(flag.language)}\n{claim.label}", style=_COLOURS[claim.severity]),
                Text(_said(claim)),
                Text(law_of(claim, flag)),
                Text(claim.advice),
            )
    return table


class Going:
    """How far work is, on stderr: a bar with the time left on a terminal, else a line now and then if it is long."""

    def __init__(
        self, err: Console, title: str, total_s: float | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._err, self._title, self._total, self._clock = err, title, total_s, clock
        self._began = self._told = clock()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[heard]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}"),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task: TaskID = self._bar.add_task(escape(title), total=total_s, heard="", note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._began

    def at(self, seconds: float, note: str = "") -> None:
        """So many seconds of sound are done."""
        self._bar.update(self._task, completed=seconds, heard=self._heard(seconds), note=note)
        now = self._clock()
        if not self._err.is_terminal and now - self._told >= LONG_S:
            self._told = now
            left = self._left(seconds, self.spent_s)
            self._err.print(Text(f"{self._title}: {self._heard(seconds)}{left}{note and ', ' + note}"))

    def _heard(self, seconds: float) -> str:
        total = "" if self._total is None else f" of {moment(self._total * 1000)}"
        return f"{moment(seconds * 1000)}{total}"

    def _left(self, seconds: float, spent: float) -> str:
        if not self._total or not seconds:
            return ""
        return f", about {moment(1000 * spent * max(0.0, self._total / seconds - 1))} left"


def rows(title: str, columns: Iterable[str], lines: Iterable[Iterable[Any]]) -> Table:
    """A plain table."""
    table = Table(title=escape(title), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(Text(str(cell)) for cell in line))
    return table


def _at(flag: Flag, claim: Claim) -> str:
    if claim.start_ms is not None:
        return moment(claim.start_ms)
    first = claim.cues[0].transcript_id if claim.cues else flag.flag_id
    return f"line {first.rpartition(':')[2]}" if flag.source is Source.CHAT else flag.source.value


def _quoted(claim: Claim, flag: Flag) -> str:
    said = _said(claim)
    return f"「{said}」" if flag.language == "zh" else f'"{said}"'


def _said(claim: Claim) -> str:
    """The words that carry a claim; of one over several utterances, those of each."""
    return " … ".join(cue.text[slice(*cue.span)] for cue in claim.cues) or claim.text
