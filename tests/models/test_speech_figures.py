"""How well speech is recognised, with ears whose answers are known."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import evaluate, speech_figures
from models.asr import Row
from models.audio import read_file
from models.results import Utterance
from models.scores import Rate
from models.speech_figures import Recording

SAMPLES = evaluate.ROOT / "configs" / "samples"


class Parrot:
    """An ear that says the next of its texts for each row."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def features(self, samples: Any) -> Any:
        return np.zeros((80, len(samples) // 160), np.float32)

    def transcribe(self, rows: Sequence[Row], /) -> list[Utterance]:
        return [
            Utterance(text=self.texts.pop(0), language="zh", avg_logprob=-1, no_speech_prob=0, supported=bool(n))
            for n, _ in enumerate(rows)
        ]


@pytest.fixture
def two_lines(tmp_path: Path) -> Path:
    """A folder with two lines of a sample, a long pause between them, as a wav with its truth; and a sound without."""
    truth = json.loads((SAMPLES / "tea-zh.truth.json").read_text(encoding="utf-8"))
    truth["lines"] = truth["lines"][2:4]
    start, end = truth["lines"][0]["start_ms"] - 300, truth["lines"][1]["end_ms"] + 300
    sound = next(read_file(SAMPLES / "tea-zh.opus", end / 1000))[start * 16 :]
    with wave.open(str(tmp_path / "two.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    (tmp_path / "two.truth.json").write_text(json.dumps(truth), encoding="utf-8")
    (tmp_path / "alone.opus").write_bytes(b"never opened")
    return tmp_path


def test_a_recording_is_cut_heard_and_compared(two_lines: Path) -> None:
    """Two utterances, one character of 35 wrong in tone: the figures of the recording and of its language."""
    ear = Parrot("你们那边天气怎么样打在公屏上我看看", "哦，有人说哈尔滨已经落学了，那得多穿一件")
    figures = speech_figures.measure_speech(speech_figures.recordings(two_lines), ear, ["落雪", "honey"])
    one = figures["recordings"]["two"]
    assert (one["utterances"], one["unsupported"]) == (2, 1)
    assert one["cer"] == {"errors": 1, "total": 35, "rate": 1 / 35}
    assert (one["toned_syllables"]["errors"], one["syllables"]["errors"]) == (1, 0)
    assert one["cer_absent"] == {"errors": 1, "total": 2, "rate": 0.5}
    assert one["seconds"] == pytest.approx(9.98, abs=0.05)
    assert one["real_time_factor"] > 0
    assert figures["zh"]["cer"] == one["cer"]
    assert "en" not in figures
    table = speech_figures.speech_table(figures).splitlines()
    assert [line.split()[0] for line in table] == ["cer", "two", "zh"]
    assert table[1].split()[1] == "0.029"


def test_english_is_measured_in_words() -> None:
    """One wrong word of four, and it is the absent one."""
    said = Recording(Path("x.wav"), "Sleep on this pillow", "en")
    rates = speech_figures.compare(said, "sleep on this willow", ["pillow"])
    assert rates == {"cer": Rate(1, 17), "wer": Rate(1, 4), "wer_absent": Rate(1, 1)}


def test_a_wrong_tone_is_an_error_of_the_toned_syllables_alone() -> None:
    """买 heard as 卖 is one character and one toned syllable wrong, and no syllable."""
    rates = speech_figures.compare(Recording(Path("x.wav"), "快来买一瓶", "zh"), "快来卖一瓶")
    assert {name: rate.errors for name, rate in rates.items()} == {"cer": 1, "syllables": 0, "toned_syllables": 1}


def test_a_plain_text_may_stand_beside_a_recording(tmp_path: Path) -> None:
    """The language of NAME.txt is that of its letters."""
    for name, text in (("a", "一瓶"), ("b", "one bottle")):
        (tmp_path / f"{name}.flac").touch()
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assert [(x.text, x.language) for x in speech_figures.recordings(tmp_path)] == [("一瓶", "zh"), ("one bottle", "en")]
