"""The evaluation, with finders and ears whose answers are known."""

from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import evaluate
from models.asr import Row
from models.audio import read_file
from models.evaluate import Answer, Line, Recording
from models.results import Utterance
from models.scores import Rate

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
    figures = evaluate.measure_speech(evaluate.recordings(two_lines), ear, ["落雪", "honey"])
    one = figures["recordings"]["two"]
    assert (one["utterances"], one["unsupported"]) == (2, 1)
    assert one["cer"] == {"errors": 1, "total": 35, "rate": 1 / 35}
    assert (one["toned_syllables"]["errors"], one["syllables"]["errors"]) == (1, 0)
    assert one["cer_absent"] == {"errors": 1, "total": 2, "rate": 0.5}
    assert one["seconds"] == pytest.approx(9.98, abs=0.05)
    assert one["real_time_factor"] > 0
    assert figures["zh"]["cer"] == one["cer"]
    assert "en" not in figures
    table = evaluate.speech_table(figures).splitlines()
    assert [line.split()[0] for line in table] == ["cer", "two", "zh"]
    assert table[1].split()[1] == "0.029"


def test_english_is_measured_in_words() -> None:
    """One wrong word of four, and it is the absent one."""
    said = Recording(Path("x.wav"), "Sleep on this pillow", "en")
    rates = evaluate.compare(said, "sleep on this willow", ["pillow"])
    assert rates == {"cer": Rate(1, 17), "wer": Rate(1, 4), "wer_absent": Rate(1, 1)}


def test_a_wrong_tone_is_an_error_of_the_toned_syllables_alone() -> None:
    """买 heard as 卖 is one character and one toned syllable wrong, and no syllable."""
    rates = evaluate.compare(Recording(Path("x.wav"), "快来买一瓶", "zh"), "快来卖一瓶")
    assert {name: rate.errors for name, rate in rates.items()} == {"cer": 1, "syllables": 0, "toned_syllables": 1}


def test_a_plain_text_may_stand_beside_a_recording(tmp_path: Path) -> None:
    """The language of NAME.txt is that of its letters."""
    for name, text in (("a", "一瓶"), ("b", "one bottle")):
        (tmp_path / f"{name}.flac").touch()
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    assert [(x.text, x.language) for x in evaluate.recordings(tmp_path)] == [("一瓶", "zh"), ("one bottle", "en")]


def test_a_folder_without_recordings_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the folder's name on standard error, nothing on standard output."""
    assert evaluate.main(["speech", "--data", str(tmp_path), "--json", str(tmp_path / "out.json")]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert str(tmp_path) in told.err
    assert told.err.count("\n") == 1
    assert not (tmp_path / "out.json").exists()


def test_a_missing_argument_is_wrong_usage() -> None:
    """Exit code 2."""
    with pytest.raises(SystemExit) as ended:
        evaluate.main(["claims", "--data", "x.jsonl"])
    assert ended.value.code == 2


LINES = [
    Line(id="1", text="ab", lang="zh", labels=frozenset("AB"), kind="multi"),
    Line(id="2", text="a", lang="zh", labels=frozenset("A"), kind="violation"),
    Line(id="3", text="a", lang="zh", kind="near_miss"),
    Line(id="4", text="x", lang="zh", kind="near_miss"),
    Line(id="5", text="x", lang="en", labels=frozenset("L"), kind="violation"),
]


def letters(data: Sequence[Line]) -> list[Answer]:
    """Finds A where there is an a; in Mandarin C where there is a b."""
    found = [("a" in line.text, "b" in line.text and line.lang == "zh") for line in data]
    return [Answer(({"A": (0, 1)} if a else {}) | ({"C": (1, 2)} if c else {})) for a, c in found]


def test_claims_are_counted_by_label_language_and_kind() -> None:
    """A: 2 right, 1 wrong. B: missed. C: wrong. L, which words cannot show, is missed and not in the macro mean."""
    figures = evaluate.measure_claims(LINES, letters, ["A", "B", "C", "Z"])
    every, zh, en = (figures[name] for name in ("all", "zh", "en"))
    assert every["labels"]["A"] == {
        "precision": 2 / 3, "recall": 1, "f1": pytest.approx(0.8), "right": 2, "wrong": 1, "missed": 0
    }  # fmt: skip
    assert every["macro"] == pytest.approx({"precision": 2 / 9, "recall": 1 / 3, "f1": 0.8 / 3})
    assert every["micro"] == pytest.approx({"precision": 2 / 4, "recall": 2 / 4, "f1": 1 / 2})
    assert every["false_alarms"] == {"multi": 1, "near_miss": 0.5, "violation": 0}
    assert every["recall_by_kind"] == {"multi": 0.5, "violation": 0.5}
    assert zh["recall_by_kind"] == {"multi": 0.5, "violation": 1}
    assert zh["macro"] == every["macro"]
    assert (en["lines"], en["labels"]["L"]["missed"], en["macro"]["f1"]) == (1, 1, 0)


def test_a_language_without_lines_is_left_out() -> None:
    """No figures are made up for English where there is none."""
    assert set(evaluate.measure_claims(LINES[:4], letters, ["A"])) == {"all", "zh"}


def test_spans_are_compared_character_by_character() -> None:
    """Found [0, 1) of the labelled [0, 2): half is covered, half is common; claims not found do not count."""
    lines = [
        Line(id="1", text="ab", lang="zh", labels=frozenset("A"), kind="violation", spans=((0, 2, "A"),)),
        Line(id="2", text="xx", lang="zh", labels=frozenset("A"), kind="violation", spans=((0, 2, "A"),)),
    ]
    figures = evaluate.measure_claims(lines, letters, ["A"])["all"]
    assert figures["spans"] == {"claims": 1, "covered": 0.5, "iou": 0.5}
    assert evaluate.measure_claims(LINES, letters, ["A"])["all"]["spans"] is None


def test_calibration_is_how_far_scores_are_from_how_often_they_are_right() -> None:
    """Two scores of .9, one right: .4 off. Scores of next to nothing do not count."""
    rows = [
        (LINES[1], Answer({}, {"A": 0.9, "B": 0.01})),
        (LINES[3], Answer({}, {"A": 0.9, "B": 0.01})),
    ]
    assert evaluate.calibration_error(rows) == pytest.approx(0.4)
    assert evaluate.calibration_error([(LINES[1], Answer({}))]) is None


def test_the_interval_of_the_macro_f1_holds_it() -> None:
    """Narrow where all is right, wide where chance decides; the same every time."""
    half = [(frozenset("A"), {"A"}), (frozenset("A"), set[str]())] * 10
    low, high = evaluate.bootstrap(half, ["A"])
    assert 0.4 < low < 2 / 3 < high < 0.9
    assert evaluate.bootstrap(half, ["A"]) == [low, high]
    assert evaluate.bootstrap(half[::2], ["A"]) == [1, 1]


def test_what_is_confused_most_stands_first() -> None:
    """The label that was true and missed, the one found instead, and how often."""
    figures = evaluate.measure_claims([*LINES, *LINES[2:3]], letters, ["A"])["all"]
    assert figures["confused"] == [["none", "A", 2], ["B", "C", 1]]


def test_rules_classifier_and_both_stand_side_by_side(tmp_path: Path) -> None:
    """Both find what either finds; false alarms are counted by kind for each."""
    data, out = tmp_path / "data.jsonl", tmp_path / "out.json"
    rows = [
        {"id": "1", "text": "全网最低价，哪都买不到", "lang": "zh", "labels": ["PRICE_LOWEST_CLAIM"],
         "kind": "violation", "spans": [[0, 5, "PRICE_LOWEST_CLAIM"]]},
        {"id": "2", "text": "今天天气不错，我们出去走走", "lang": "zh", "kind": "clean"},
        {"id": "3", "text": "good evening everybody", "lang": "en", "kind": "clean"},
    ]  # fmt: skip
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert evaluate.main(["claims", "--data", str(data), "--json", str(out)]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert list(figures) == ["rules", "classifier", "both"]
    recall = {name: one["all"]["macro"]["recall"] for name, one in figures.items()}
    assert recall["both"] >= max(recall["rules"], recall["classifier"]) > 0
    assert figures["both"]["zh"]["false_alarms"]["clean"] == 0
    assert figures["classifier"]["zh"]["calibration_error"] is not None
    assert figures["rules"]["zh"]["calibration_error"] is None


def test_a_classifier_that_cannot_be_used_ends_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the folder's name."""
    data = tmp_path / "data.jsonl"
    data.write_text('{"id": "1", "text": "x", "lang": "zh", "kind": "clean"}', encoding="utf-8")
    asked = ["claims", "--data", str(data), "--json", str(tmp_path / "o.json"), "--classifier", str(tmp_path / "no")]
    assert evaluate.main(asked) == 1
    assert str(tmp_path / "no") in capsys.readouterr().err


def test_the_command_asks_the_rules_and_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules in force find a plain superlative; the table and the JSON say the same."""
    data, out = tmp_path / "data.jsonl", tmp_path / "new" / "out.json"
    rows = [
        {"id": "1", "text": "全国最好的茶，没有之一", "lang": "zh", "labels": ["ABS_SUPERLATIVE"], "kind": "violation"},
        {"id": "2", "text": "今天天气不错，我们出去走走", "lang": "zh", "labels": [], "kind": "clean", "spans": []},
    ]  # fmt: skip
    data.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    assert evaluate.main(["claims", "--data", str(data), "--json", str(out), "--classifier", "none"]) == 0
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert set(figures) == {"rules"}
    assert figures["rules"]["all"]["labels"]["ABS_SUPERLATIVE"]["recall"] == 1
    assert figures["rules"]["all"]["false_alarms"]["clean"] == 0
    assert "ABS_SUPERLATIVE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('{"id": "1", "text": "x", "lang": "zh"}', "data.jsonl:1: kind"),
        ('{"id": "1", "text": "x", "lang": "zh", "kind": "clean", "labels": ["NEVER"]}', "NEVER"),
        ("no json", "data.jsonl:1"),
        ("", "holds no lines"),
    ],
)
def test_data_that_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, told: str
) -> None:
    """One line on standard error that names the place, exit code 1."""
    data = tmp_path / "data.jsonl"
    data.write_text(row, encoding="utf-8")
    assert evaluate.main(["claims", "--data", str(data), "--json", str(tmp_path / "out.json")]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
