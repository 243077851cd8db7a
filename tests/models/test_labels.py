"""The taxonomy as it is read from configs/labels.yaml."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from models.labels import LabelsError, load_labels

PATH = Path("configs/labels.yaml")


@pytest.fixture(scope="module")
def entries() -> list[dict[str, object]]:
    return yaml.safe_load(PATH.read_text(encoding="utf-8"))["labels"]


def write(folder: Path, entries: object) -> Path:
    path = folder / "labels.yaml"
    path.write_text(yaml.safe_dump({"labels": entries}, allow_unicode=True), encoding="utf-8")
    return path


def test_the_taxonomy_holds_27_labels_of_which_two_need_the_listing() -> None:
    """All 27 labels are there, and only the two listing labels cannot be seen in words."""
    labels = load_labels(PATH)

    assert len(labels) == 27
    assert [code for code, label in labels.items() if not label.in_text] == ["FACT_QUANTITY", "PRICE_MISMATCH"]


def test_every_label_can_be_asked_about_advised_on_and_shown_by_example() -> None:
    """No label lacks words for reviewers and hosts, or an example of either side in either language."""
    for label in load_labels(PATH).values():
        assert all((label.zh, label.en, label.question_zh, label.question_en, label.advice_zh, label.advice_en))
        for language in ("zh", "en"):
            assert label.examples[language].violations
            assert label.examples[language].allowed


def test_every_label_rests_on_verified_law_in_china_and_somewhere_else() -> None:
    """Each label has at least one verified basis in China and one outside."""
    for label in load_labels(PATH).values():
        verified = {basis.jurisdiction for basis in label.law if basis.verified}
        assert "cn" in verified, label.code
        assert verified & {"eu", "us"}, label.code


def test_a_law_has_one_number_on_any_day() -> None:
    """The same law is dated alike under every label; where it was renumbered its spans do not overlap."""
    spans: dict[str, set[tuple[date, date]]] = {}
    for label in load_labels(PATH).values():
        for basis in label.law:
            span = (basis.in_force_from or date.min, basis.in_force_until or date.max)
            spans.setdefault(basis.title_en, set()).add(span)
    pairs = [(title, sorted(of)) for title, of in spans.items() if len(of) > 1]
    assert [title for title, _ in pairs] == ["Anti-Unfair Competition Law of the PRC"]
    assert all(one[1] < other[0] for _, of in pairs for one, other in pairwise(of))


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("tier", "T9", "tier"),
        ("severity", None, "severity"),
        ("found_by", "guess", "found_by"),
        ("law", [{"jurisdiction": "cn"}], "law.0.kind"),
        ("colour", "red", "colour"),
        ("zh", 5, "zh"),
    ],
)
def test_a_wrong_key_is_told_with_file_and_label(
    tmp_path: Path, entries: list[dict[str, object]], key: str, value: object, told: str
) -> None:
    """The error names the file, the label and the key that is wrong."""
    path = write(tmp_path, [{**entries[0], key: value}])

    with pytest.raises(LabelsError, match=rf"labels\.yaml:\d+: label ABS_SUPERLATIVE: .*{told}"):
        load_labels(path)


def test_a_missing_key_is_told(tmp_path: Path, entries: list[dict[str, object]]) -> None:
    """The error names a key that is not there."""
    entry = {key: value for key, value in entries[0].items() if key != "question_en"}

    with pytest.raises(LabelsError, match="label ABS_SUPERLATIVE: question_en"):
        load_labels(write(tmp_path, [entry]))


def test_a_code_that_stands_twice_is_told(tmp_path: Path) -> None:
    """Two labels of one code are refused, with the line of the second."""
    text = PATH.read_text(encoding="utf-8").replace("code: CITE_UNSUPPORTED", "code: ABS_SUPERLATIVE")
    path = tmp_path / "labels.yaml"
    path.write_text(text, encoding="utf-8")
    line = [number for number, one in enumerate(text.splitlines(), 1) if "code: ABS_SUPERLATIVE" in one][1]

    with pytest.raises(LabelsError, match=rf"labels\.yaml:{line}: label ABS_SUPERLATIVE: code: stands twice"):
        load_labels(path)


@pytest.mark.parametrize("code", ["", "abs", "A B", "A/B", "1A", None])
def test_a_code_is_a_plain_word(tmp_path: Path, entries: list[dict[str, object]], code: str | None) -> None:
    """It becomes part of ids and metrics: capitals, digits and _ only."""
    with pytest.raises(LabelsError, match=r"labels\.yaml:\d+: label .*code: "):
        load_labels(write(tmp_path, [{**entries[0], "code": code}]))


def test_the_line_of_a_wrong_key(tmp_path: Path) -> None:
    """The error leads to the very line."""
    text = PATH.read_text(encoding="utf-8")
    path = tmp_path / "labels.yaml"
    path.write_text(text.replace("tier: T3", "tier: T4", 1), encoding="utf-8")
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "tier: T3" in one)

    with pytest.raises(LabelsError, match=rf"labels\.yaml:{line}: label HYPE_SCRIPT: tier: "):
        load_labels(path)


@pytest.mark.parametrize("content", ["", "labels: 3", "labels: []", "labels: [", "- a"])
def test_a_file_that_is_no_list_of_labels_is_told(tmp_path: Path, content: str) -> None:
    """An empty, broken or foreign file is refused by name."""
    path = tmp_path / "labels.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(LabelsError, match=r"labels\.yaml"):
        load_labels(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing file is a LabelsError too."""
    with pytest.raises(LabelsError, match="nowhere"):
        load_labels(tmp_path / "nowhere.yaml")
