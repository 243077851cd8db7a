"""The recogniser that ships: what it must hear, when it must say so, and what it must never make up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.asr import Row, Transcriber
from models.audio import read_file
from models.speech import CutRules, Tail
from models.vad import SpeechDetector
from tests.parts import lacking
from worker import compose, recordings
from worker.codec import Encoded
from worker.config import Config
from worker.heard_words import times_of
from worker.local import LocalRun, OwnSound
from worker.records import Claim, Flag, Record, Reminder, Transcript
from worker.resources import resource

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = resource(compose.SHIPPED_SPEECH)
SAMPLES = resource("configs/samples")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def results(messages: Iterator[Encoded] | list[Encoded]) -> list[Record]:
    """What the worker makes of messages, with everything as it ships."""
    config = Config()
    speech = compose.load_speech(config.speech)
    handler = compose.detection(config, compose.reloader(config).current, speech, compose.Ears(OwnSound()))
    run = LocalRun(handler, compose.limits(config), waiting=16, clock=lambda: NOON.timestamp())
    return list(run.results(messages))


@cache
def heard_samples() -> tuple[Record, ...]:
    """All sample broadcasts, each as its stream."""
    records: list[Record] = []
    for path in sorted(SAMPLES.glob("*.opus")):
        live = recordings.Live(path.stem, f"host-{path.stem}", NOON)
        records.extend(results([message for _, message in recordings.whole(path, live, 10.0)]))
    return tuple(records)


def truth(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.truth.json").read_text("utf-8"))
    return found


def test_it_is_small_and_says_what_it_is() -> None:
    """At most 12 MB, with a card that says plainly that it knows synthetic voices only."""
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) <= 12_000_000
    card = (WEIGHTS / "README.md").read_text(encoding="utf-8")
    assert "synthetic" in card


def test_claims_are_timed_within_half_a_second() -> None:
    """Given what was said, word alignment puts 37 of 41 claims of the truth within 500 ms of where they sounded, and
    all within two seconds: the aim of 500 ms for all is missed, see docs/benchmarks.md."""
    speech = compose.load_speech(Config().speech)
    off = [late for path in sorted(SAMPLES.glob("*.opus")) for late in misplaced(path, speech)]
    assert len(off) == 41
    assert sum(late <= 500 for late in off) >= 37
    assert max(off) <= 2000


def misplaced(path: Path, speech: Transcriber) -> Iterator[float]:
    """Of each claim of a broadcast: by how many milliseconds the worse of its two ends is off."""
    tail = Tail(SpeechDetector(), CutRules())
    sound = np.concatenate(list(read_file(path, 10.0)))
    lines = truth(path.stem)["lines"]
    for piece in [*tail.add(sound), *tail.flush()]:
        inside = [
            x for x in lines if piece.start_sample / 16 <= (x["start_ms"] + x["end_ms"]) / 2 < piece.end_sample / 16
        ]
        text = ("，" if path.stem.endswith("zh") else ", ").join(str(x["text"]) for x in inside).lower()
        claims = [claim for x in inside for claim in x["claims"]]
        if claims:
            row = Row(speech.features(piece.samples), len(piece.samples) / 16_000)
            words = speech.align(row, text)
            for claim in claims:
                start, end = times_of(text, _span(text, str(claim["words"]).lower()), words)
                first = piece.start_sample / 16
                yield max(abs(first + start * 1000 - claim["start_ms"]), abs(first + end * 1000 - claim["end_ms"]))


def _span(text: str, words: str) -> tuple[int, int]:
    return text.index(words), text.index(words) + len(words)


def claims_of(name: str) -> list[dict[str, Any]]:
    return [claim for line in truth(name)["lines"] for claim in line["claims"]]


def test_the_near_misses_of_the_samples_stay_silent() -> None:
    """No flag lies on a near-miss line, nor on a line of ordinary talk."""
    wrong = []
    for flag in (r for r in heard_samples() if isinstance(r, Flag)):
        lines = [x for x in truth(flag.stream_id)["lines"] if x["claims"]]
        wrong += [(flag.stream_id, c.label, c.text) for c in flag.claims if not any(meets(c, x) for x in lines)]
    assert wrong == []


def meets(claim: Claim, said: dict[str, Any]) -> bool:
    """Whether a claim and something in the truth overlap in time."""
    return min(claim.end_ms or 0, said["end_ms"]) > max(claim.start_ms or 0, said["start_ms"])


def spoken_talk() -> Iterator[Encoded]:
    """Twenty minutes of ordinary talk that training does not resemble, in several voices, as live sound."""
    try:
        from models.training.voices import EN_VOICES, ZH_VOICES, Speaker, units_of

        speaker = Speaker()
    except OSError:
        lacking("needs libespeak-ng1; to install: espeak-ng")
    lines = (ROOT / "tests" / "data" / "ordinary_talk.txt").read_text(encoding="utf-8").splitlines()
    live, offset, sequence = recordings.Live("talk", "host-talk", NOON), 0.0, 0
    for number, line in enumerate(lines):
        language = "en" if line.isascii() else "zh"
        voices = EN_VOICES if language == "en" else ZH_VOICES
        cleaned = line.lower() if language == "en" else line
        said = speaker.say(units_of(cleaned, language)[0], voices[number % len(voices)], 190).samples
        sound = np.pad(said, (0, 16_000 * 7 // 10))
        value = (sound * 32767).astype("<i2").tobytes()
        piece = recordings.Piece(sequence, round(offset), len(sound) / 16_000, "audio/L16;rate=16000", value)
        yield recordings.chunk(live, piece)
        offset, sequence = offset + len(sound) / 16, sequence + 1
    yield recordings.end(live, sequence, round(offset))


def test_it_does_not_recite() -> None:
    """Twenty minutes of ordinary talk give transcripts, and no flag."""
    records = results(spoken_talk())
    said = [r for r in records if isinstance(r, Transcript)]
    assert (said[-1].end_ms or 0) > 1_100_000
    assert len(said) > 250
    assert [(f.transcript, [c.label for c in f.claims]) for f in records if isinstance(f, Flag)] == []


def test_doubtful_utterances_remind_nobody() -> None:
    """Reminders only come of utterances whose sound supports their text."""
    assert any(r.status == "low_confidence" for r in heard_samples() if isinstance(r, Transcript))
    status = {r.transcript_id: r.status for r in heard_samples() if isinstance(r, Transcript)}
    assert all(status[r.flag_id] == "ok" for r in heard_samples() if isinstance(r, Reminder))
