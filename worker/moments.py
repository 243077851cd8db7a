"""What stands in a stream: cues and viewers' lines, each with its place in the order of the stream's time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from models.cues import Given
from worker.records import Transcript

Key = tuple[datetime, str, int]


class Said(NamedTuple):
    """A transcript, the cues in it, and when it was written to the log, in epoch seconds."""

    transcript: Transcript
    given: tuple[Given, ...]
    at: float


class Moment(NamedTuple):
    """One cue of one utterance."""

    transcript: Transcript
    given: Given
    at: float

    @property
    def key(self) -> Key:
        """Where it stands in its stream: earlier said, earlier in the words."""
        return self.transcript.started_at, self.transcript.transcript_id, self.given.start


class Line(NamedTuple):
    """A viewer's line, and what it is made of whatever is repeated in it."""

    transcript: Transcript
    parts: frozenset[str]
    at: float

    @property
    def key(self) -> Key:
        return self.transcript.started_at, self.transcript.transcript_id, 0


def key_of(one: Moment | Line) -> Key:
    """Where it stands, to order by."""
    return one.key


def time_of(one: Moment | Line) -> datetime:
    """When it was said or written."""
    return one.transcript.started_at
