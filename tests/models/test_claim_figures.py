"""The figures of the claim finders, with finders whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from models import claim_figures
from models.claim_figures import Answer
from models.labelled import Line

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
    figures = claim_figures.measure_claims(LINES, letters, ["A", "B", "C", "Z"])
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
    assert set(claim_figures.measure_claims(LINES[:4], letters, ["A"])) == {"all", "zh"}


def test_spans_are_compared_character_by_character() -> None:
    """Found [0, 1) of the labelled [0, 2): half is covered, half is common; claims not found do not count."""
    lines = [
        Line(id="1", text="ab", lang="zh", labels=frozenset("A"), kind="violation", spans=((0, 2, "A"),)),
        Line(id="2", text="xx", lang="zh", labels=frozenset("A"), kind="violation", spans=((0, 2, "A"),)),
    ]
    figures = claim_figures.measure_claims(lines, letters, ["A"])["all"]
    assert figures["spans"] == {"claims": 1, "covered": 0.5, "iou": 0.5}
    assert claim_figures.measure_claims(LINES, letters, ["A"])["all"]["spans"] is None


def test_calibration_is_how_far_scores_are_from_how_often_they_are_right() -> None:
    """Two scores of .9, one right: .4 off. Scores of next to nothing do not count."""
    rows = [
        (LINES[1], Answer({}, {"A": 0.9, "B": 0.01})),
        (LINES[3], Answer({}, {"A": 0.9, "B": 0.01})),
    ]
    assert claim_figures.calibration_error(rows) == pytest.approx(0.4)
    assert claim_figures.calibration_error([(LINES[1], Answer({}))]) is None


def test_the_interval_of_the_macro_f1_holds_it() -> None:
    """Narrow where all is right, wide where chance decides; the same every time."""
    half = [(frozenset("A"), {"A"}), (frozenset("A"), set[str]())] * 10
    low, high = claim_figures.bootstrap(half, ["A"])
    assert 0.4 < low < 2 / 3 < high < 0.9
    assert claim_figures.bootstrap(half, ["A"]) == [low, high]
    assert claim_figures.bootstrap(half[::2], ["A"]) == [1, 1]


def test_what_is_confused_most_stands_first() -> None:
    """The label that was true and missed, the one found instead, and how often."""
    figures = claim_figures.measure_claims([*LINES, *LINES[2:3]], letters, ["A"])["all"]
    assert figures["confused"] == [["none", "A", 2], ["B", "C", 1]]


def test_disguised_lines_are_compared_with_themselves_undisguised() -> None:
    """One of two found as written, both without the disguise: a half; lines without a plain form say nothing."""
    lines = [
        Line(id=text, text=text, plain="a", lang="zh", labels=frozenset("A"), kind="evasion") for text in ("a", "@")
    ]
    figures = claim_figures.measure_claims([*LINES, *lines], letters, ["A"])
    assert figures["zh"]["evasion"] == {"lines": 2, "recall": 0.5, "plain": 1, "share": 0.5}
    assert figures["en"]["evasion"] is None


def test_what_speech_costs_stands_beside_what_was_written() -> None:
    """Half of the lines are no longer found once heard: macro F1 falls from 1 to two thirds."""
    written = [Line(id=n, text="a", lang="zh", labels=frozenset("A"), kind="violation") for n in "12"]
    heard = [written[0], written[1].model_copy(update={"text": "x", "avg_logprob": -0.9})]
    figures = claim_figures.measure_claims(written, letters, ["A"])
    claim_figures.through_speech(figures, heard, letters, ["A"])
    assert figures["zh"]["macro"]["f1"] == 1
    assert figures["zh"]["through_speech"]["macro"]["f1"] == pytest.approx(2 / 3)
    assert figures["zh"]["through_speech"]["macro_f1_lost"] == pytest.approx(1 / 3)
