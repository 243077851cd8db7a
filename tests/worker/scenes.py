"""Scenes as configs/sequences.yaml and models/data/scenes write them, played as transcripts of one stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from worker.records import AuthorRole, Flag, Place, Source, Status, TextKind, Transcript
from worker.sequences import Watch

STARTED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
_LINE = re.compile(r'(host|assistant|viewer)(?: x(\d+))?(?: \+(\d+))?: "?(.*?)"?')


def played(scene: Sequence[str], stream: str = "room", started: datetime = STARTED) -> list[Transcript]:
    """The host speaks, all others write. Ids rise with the lines."""
    said: list[Transcript] = []
    at_s = 0.0
    before = ""
    for line in scene:
        match = _LINE.fullmatch(line)
        assert match is not None, f"not a line of a scene: {line}"
        who, times, gap, words = match.groups()
        for _ in range(int(times or 1)):
            at_s += float(gap or (1 if who == before == "viewer" else 10)) if said else 0.0
            said.append(transcript(len(said), who, words, at_s, stream=stream, started=started))
            before = who
    return said


def transcript(
    number: int,
    who: str,
    words: str,
    at_s: float,
    *,
    stream: str = "room",
    started: datetime = STARTED,
    spoken: bool | None = None,
) -> Transcript:
    """An utterance, or a line of chat; the host speaks and all others write, unless told."""
    begin = started + timedelta(seconds=at_s)
    shared = {
        "stream_id": stream, "streamer_id": f"host-{stream}", "status": Status.OK, "author_role": AuthorRole(who),
        "language": "en" if words.isascii() else "zh", "started_at": begin, "text": words,
    }  # fmt: skip
    if not (who == "host" if spoken is None else spoken):
        return Transcript(
            transcript_id=f"{stream}-t{number:04}",
            source=Source.CHAT,
            text_kind=TextKind.CHAT,
            ended_at=begin,
            **shared,
        )
    return Transcript(
        transcript_id=f"{stream}/{number:04}/0",
        source=Source.SPEECH,
        start_ms=round(at_s * 1000),
        end_ms=round(at_s * 1000) + 4000,
        ended_at=begin + timedelta(seconds=4),
        sound=(Place("live.audio", 0, number),),
        **shared,
    )


def flags_of(watch: Watch, said: Iterable[Transcript]) -> list[Flag]:
    """What comes of them, written to the log as they began."""
    return [flag for one in said for flag in watch.add(watch.read(one, one.started_at.timestamp()), 0.0)]


class Scene(NamedTuple):
    """A scene of a file: which label it is to be flagged with, None for an honest one, what was said, and by which
    lines of it (ids of transcripts) a person would tell."""

    id: str
    lang: str
    label: str | None
    said: tuple[Transcript, ...]
    cues: frozenset[str]


def read_scenes(path: Path) -> list[Scene]:
    """The scenes of a JSONL file: ``{"id", "lang", "label", "lines": [{"at_s", "source", "role", "text"}], "cues"}``.

    ``cues``, the numbers of the lines that a person would name, stand in the development set alone.

    Recognition does not tell voices apart: all that is spoken counts as the host's, as it does in a broadcast.
    """
    scenes = []
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        lines = [
            transcript(
                number,
                "host" if line["source"] == "speech" else line["role"],
                line["text"],
                line["at_s"],
                stream=row["id"],
                spoken=line["source"] == "speech",
            )
            for number, line in enumerate(row["lines"])
        ]
        cues = frozenset(lines[number].transcript_id for number in row.get("cues", ()))
        scenes.append(Scene(row["id"], row["lang"], row["label"], tuple(lines), cues))
    return scenes
