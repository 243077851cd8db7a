"""The demo and a scan as people see them: results from a local run, onto the screen and into files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, Protocol, Self

from rich.console import Console
from rich.text import Text

from models.labels import Label
from worker import console, demo
from worker.dead_letters import Letter, told
from worker.records import Fact, Flag, Record, Reminder, Source, StreamHeard, Transcript


class Screen(NamedTuple):
    """Where results and all the rest are shown, and the labels in words."""

    out: Console
    err: Console
    labels: Mapping[str, Label]


class Kept:
    """Flags, facts and transcripts as JSON lines in a folder, written as they are found."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._stack = ExitStack()
        self._files: dict[type[Record], IO[str]] = {
            kind: self._stack.enter_context((folder / name).open("w", encoding="utf-8"))
            for kind, name in ((Flag, "flags.jsonl"), (Fact, "facts.jsonl"), (Transcript, "transcripts.jsonl"))
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, record: Record) -> None:
        if file := self._files.get(type(record)):
            print(record.model_dump_json(), file=file, flush=True)


def show_demo(samples: Iterable[demo.Broadcast], results: Iterable[Record], screen: Screen, kept: Kept) -> None:
    """Print each flag as it comes, then the table, and how fast it went."""
    tallies = {sample.stream_id: demo.Tally(sample) for sample in samples}
    reminded: dict[str, list[str]] = {}
    heard = 0.0
    total = sum(tally.broadcast.seconds for tally in tallies.values())
    with console.Going(screen.err, "listening", total) as going:
        for record in results:
            tally = tallies[record.stream_id]
            tally.add(record)
            kept.write(record)
            match record:
                case StreamHeard():
                    heard += record.seconds
                    going.at(heard)
                case Reminder():
                    reminded.setdefault(record.flag_id, []).append(record.label)
                case Flag():
                    told = reminded.pop(record.flag_id, [])
                    console.show_flag(screen.out, record, tally.broadcast.name, screen.labels, told)
        spent = going.spent_s
    screen.out.print()
    screen.out.print(console.demo_table(tallies.values()))
    speed = heard / spent
    screen.out.print(f"{console.moment(heard * 1000)} of sound heard in {spent:.0f} s, {speed:.1f} times real time.")


@dataclass(slots=True)
class Heard:
    """What one file gave."""

    seconds: float = 0.0
    utterances: int = 0
    lines: int = 0
    claims: int = 0

    def add(self, record: Record) -> None:
        match record:
            case StreamHeard():
                self.seconds += record.seconds
            case Transcript(source=Source.SPEECH):
                self.utterances += 1
            case Transcript():
                self.lines += 1
            case Flag():
                self.claims += len(record.claims)

    def told(self) -> str:
        what = f"{self.lines} lines" if self.lines else f"{console.moment(self.seconds * 1000)} of sound"
        said = f", {self.utterances} utterances" if not self.lines else ""
        return f"{what}{said}, {self.claims or 'no'} claim{'' if self.claims == 1 else 's'}"


class Printer(Protocol):
    """Shows the flags of one file after the other."""

    def flag(self, flag: Flag) -> None: ...

    def end(self, name: str, heard: Heard) -> None: ...


class Lines:
    """One Flag per line as JSON, as soon as it is found."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def flag(self, flag: Flag) -> None:
        print(flag.model_dump_json(), file=self._file, flush=True)

    def end(self, name: str, heard: Heard) -> None:
        """Nothing: lines are for programs."""


@dataclass(slots=True)
class Tables:
    """A table per file, when the file is done."""

    out: Console
    labels: Mapping[str, Label]
    flags: list[Flag] = field(default_factory=list)

    def flag(self, flag: Flag) -> None:
        self.flags.append(flag)

    def end(self, name: str, heard: Heard) -> None:
        if self.flags:
            self.out.print(console.scan_table(name, self.flags, self.labels))
        self.out.print(Text(f"{name}: {heard.told()}"))
        self.flags.clear()


def show_scan(name: str, results: Iterable[Record], printer: Printer, going: console.Going) -> None:
    """Show what one file gives, and how far it is."""
    heard = Heard()
    with going:
        for record in results:
            heard.add(record)
            going.at(heard.seconds, f"{heard.claims} claims")
            if isinstance(record, Flag):
                printer.flag(record)
    printer.end(name, heard)


def show_letters(letters: Sequence[Letter], all_of_them: int, out: Console) -> None:
    """Dead letters as a table, the last of ``all_of_them``."""
    lines = [(told(one.origin), f"{one.at:%Y-%m-%d %H:%M:%S}", one.key, one.attempts, one.reason) for one in letters]
    if lines:
        out.print(console.rows("Dead letters", ("read at", "time (UTC)", "key", "tries", "reason"), lines))
    out.print(f"{len(lines)} of {all_of_them} dead letters" if lines else "no dead letters")
