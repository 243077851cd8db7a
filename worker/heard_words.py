"""Which words of an utterance make a claim: when they sounded, and how surely they were heard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.asr import Row
from models.results import Found, Word
from worker.hearing import Line, Window
from worker.records import Status, Transcript

_SURE_ENOUGH = 0.6
"""Mean probability that the words of a spoken claim must have."""


class Said(NamedTuple):
    """A Transcript, with the row it was recognised from where there is sound."""

    transcript: Transcript
    result_of: Window | Line
    row: Row | None


def when(transcript: Transcript, span: tuple[int, int], words: Sequence[Word]) -> tuple[int | None, int | None]:
    """When the characters of a span sounded, in milliseconds of the stream; the whole utterance where words have no
    times."""
    if transcript.start_ms is None or not words:
        return transcript.start_ms, transcript.end_ms
    start, end = times_of(transcript.text, span, words)
    return transcript.start_ms + milliseconds(start), transcript.start_ms + milliseconds(end)


def times_of(text: str, span: tuple[int, int], words: Sequence[Word]) -> tuple[float, float]:
    """When the characters of a span sounded, in seconds of the window, by the words that cover them."""
    covering = _covering(text, span, words) or words
    return (covering[0].start, covering[-1].end) if covering else (0.0, 0.0)


def surely_heard(said: Said, found: list[Found], words: Sequence[Word]) -> list[Found]:
    """Of what was spoken the claims whose own words were surely heard: a host answers for words, not for guesses.

    Where alignment gave no words, a rule's claim in an utterance that is believed as a whole stands.
    """
    if said.row is None:
        return found
    if not words and said.transcript.status is Status.OK:
        return [one for one in found if one.finder != "classifier"]
    return [one for one in found if _sure_of(said.transcript.text, one, words) >= _SURE_ENOUGH]


def _sure_of(text: str, found: Found, words: Sequence[Word]) -> float:
    """The mean probability of the words that make a claim; 0 where none are known."""
    covering = _covering(text, (found.start, found.end), words)
    return sum(word.probability for word in covering) / len(covering) if covering else 0.0


def _covering(text: str, span: tuple[int, int], words: Sequence[Word]) -> list[Word]:
    """The words that hold characters of a span."""
    at, covering = 0, []
    for word in words:
        token = word.text.strip()
        start = text.find(token, at) if token else -1
        if start < 0:
            continue
        at = start + len(token)
        if start < span[1] and at > span[0]:
            covering.append(word)
    return covering


def milliseconds(seconds: float) -> int:
    """Of seconds."""
    return round(seconds * 1000)
