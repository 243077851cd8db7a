"""Rows of cues in written scenes: how many staged ones are found, how many honest ones are flagged, and how fast.

    python -m tests.benchmarks.scenes --data FILE [--wrong N]

A line of the file is a scene: ``{"id", "lang", "label", "lines": [{"at_s", "source", "role", "text"}], "cues"}``;
``label`` null for an honest one, ``cues`` the numbers of the lines by which a person would tell. A staged scene is
found where a claim has its label; an honest one is flagged where there is any claim. Of the lines a claim names,
``named right`` is the share that a person would have named too. ``--wrong`` prints that many scenes that went wrong.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.worker.scenes import Scene, flags_of, read_scenes
from worker.compose import load_watch
from worker.config import Config
from worker.records import Flag
from worker.sequences import Watch


class Judged(NamedTuple):
    """A scene and what was claimed of it."""

    scene: Scene
    flags: tuple[Flag, ...]

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(claim.label for flag in self.flags for claim in flag.claims)

    @property
    def right(self) -> bool:
        return self.scene.label in self.labels if self.scene.label else not self.flags


def judged(scenes: Iterable[Scene], watch: Watch) -> list[Judged]:
    """Each scene as a broadcast of its own."""
    return [Judged(scene, tuple(flags_of(watch, scene.said))) for scene in scenes]


def named_right(done: Iterable[Judged]) -> float:
    """Of the lines that the right claims name, the share that a person named too."""
    named = [
        cue.transcript_id in one.scene.cues
        for one in done
        for flag in one.flags
        for claim in flag.claims
        if claim.label == one.scene.label
        for cue in claim.cues
    ]
    return sum(named) / max(1, len(named))


def per_second(scenes: Sequence[Scene], watch: Watch, rounds: int = 5) -> float:
    """Transcripts read and joined in a second of one core."""
    said = [
        one.model_copy(update={"stream_id": f"{one.stream_id}-{number}"})
        for number in range(rounds)
        for scene in scenes
        for one in scene.said
    ]
    began = time.process_time()
    flags_of(watch, said)
    return len(said) / (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wrong", type=int, default=0)
    options = parser.parse_args()
    watch, scenes = load_watch(Config()), read_scenes(options.data)
    done = judged(scenes, watch)
    table = Table("language", "label", "scenes", "right", "another label too")
    groups = Counter((one.scene.lang, one.scene.label or "(honest)") for one in done)
    for lang, label in sorted(groups):
        these = [one for one in done if (one.scene.lang, one.scene.label or "(honest)") == (lang, label)]
        others = sum(bool(one.labels - {one.scene.label}) for one in these)
        table.add_row(lang, label, str(len(these)), str(sum(one.right for one in these)), str(others))
    console = Console()
    console.print(table)
    staged = [one for one in done if one.scene.label]
    honest = [one for one in done if not one.scene.label]
    console.print(f"staged found: {sum(one.right for one in staged)} of {len(staged)}")
    console.print(f"honest flagged: {sum(not one.right for one in honest)} of {len(honest)}")
    console.print(f"lines named right: {named_right(done):.3f}")
    console.print(f"transcripts a second of one core: {per_second(scenes, watch):.0f}")
    for one in [one for one in done if not one.right][: options.wrong]:
        told = [f"{claim.rule_id}: {claim.normalised}" for flag in one.flags for claim in flag.claims]
        console.print(f"{one.scene.id} {one.scene.lang} {one.scene.label}: {told}", markup=False)


if __name__ == "__main__":
    main()
