"""Lines that are spoken and heard again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.labelled import lines
from models.training import heard
from tests.parts import lacking


@pytest.fixture(scope="module", autouse=True)
def speaker() -> None:
    try:
        heard.Speaker()
    except OSError:
        lacking("needs libespeak-ng1; to install: espeak-ng")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [
        {"id": "1", "text": "家人们晚上好，欢迎来到直播间", "lang": "zh", "kind": "clean", "group": "a"},
        {"id": "2", "text": "全网最低价，哪都买不到", "lang": "zh", "labels": ["A"], "kind": "violation", "group": "a"},
        {"id": "3", "text": "！！", "lang": "zh", "kind": "clean"},
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


@pytest.mark.slow
def test_lines_come_back_as_they_were_heard(data: Path, tmp_path: Path) -> None:
    """With their labels and the recogniser's certainty; what has no sound is left out."""
    assert heard.main(["--data", str(data), "--out", str(tmp_path / "a"), "--clean"]) == 0
    found = lines(tmp_path / "a")
    assert [(one.id, one.labels) for one in found] == [("1", frozenset()), ("2", frozenset("A"))]
    assert all(one.text and one.avg_logprob is not None and one.avg_logprob < 0 for one in found)


@pytest.mark.slow
def test_a_run_goes_on_where_it_ended(data: Path, tmp_path: Path) -> None:
    """What was heard is kept and not heard again; pairs hold what was said beside what was heard."""
    out = tmp_path / "pairs.jsonl"
    first = {"lang": "zh", "said": "全网最低价，哪都买不到", "text": "kept", "avg_logprob": -0.1}
    out.write_text(json.dumps(first, ensure_ascii=False) + "\n", encoding="utf-8")
    assert heard.main(["--data", str(data), "--out", str(out), "--pairs"]) == 0
    rows = [json.loads(row) for row in out.read_text(encoding="utf-8").splitlines()]
    assert rows[0] == first
    assert [row["said"] for row in rows[1:]] == ["家人们晚上好，欢迎来到直播间"]
    assert set(rows[1]) == set(heard.PAIR)


def test_data_that_are_not_there_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    assert heard.main(["--data", str(tmp_path / "no.jsonl"), "--out", str(tmp_path / "o")]) == 1
    assert "no.jsonl" in capsys.readouterr().err
