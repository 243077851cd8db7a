"""The command that evaluates: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import evaluate


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


def test_the_page_shows_what_the_figures_say(tmp_path: Path) -> None:
    """Beside the JSON stands a page with the means, a bar for each label and finder, and what heard lines cost."""
    data, heard, out = tmp_path / "data.jsonl", tmp_path / "heard.jsonl", tmp_path / "out.json"
    row = {
        "id": "1",
        "text": "全网最低价，哪都买不到",
        "lang": "zh",
        "labels": ["PRICE_LOWEST_CLAIM"],
        "kind": "violation",
    }
    data.write_text(json.dumps(row), encoding="utf-8")
    heard.write_text(json.dumps(row | {"text": "今天天气", "avg_logprob": -0.8}), encoding="utf-8")
    asked = ["claims", "--data", str(data), "--json", str(out), "--classifier", "none"]
    assert evaluate.main([*asked, "--heard", str(heard)]) == 0
    told = json.loads(out.read_text(encoding="utf-8"))["rules"]["zh"]
    assert (told["macro"]["f1"], told["through_speech"]["macro_f1_lost"]) == (1, 1)
    shown = out.with_suffix(".html").read_text(encoding="utf-8")
    assert shown.count("<rect") == 1
    assert "<td>rules, Mandarin</td><td>1.000</td>" in shown
    assert "PRICE_LOWEST_CLAIM</text>" in shown
    assert 'width="480.0"' in shown


def test_heard_lines_of_other_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures of two different things are not put side by side."""
    data, heard = tmp_path / "data.jsonl", tmp_path / "heard.jsonl"
    for path, name in ((data, "1"), (heard, "2")):
        path.write_text(json.dumps({"id": name, "text": "x", "lang": "zh", "kind": "clean"}), encoding="utf-8")
    asked = ["claims", "--data", str(data), "--json", str(tmp_path / "o.json"), "--classifier", "none"]
    assert evaluate.main([*asked, "--heard", str(heard)]) == 1
    assert "heard.jsonl: 2: no line of that id" in capsys.readouterr().err


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
