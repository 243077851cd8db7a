"""The labelled utterances are as many, as varied and as well formed as docs/labelling.md says."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.labels import load_labels

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "models" / "data" / "claims"
CATEGORIES = {
    "food", "health_food", "tea", "wine", "agriculture", "cosmetics", "mother_baby", "clothing", "shoes_bags",
    "jewellery", "jade", "phones", "appliances", "household", "toys", "education", "other",
}  # fmt: skip
KINDS = {"violation", "evasion", "near_miss", "clean", "context", "multi"}

Row = dict[str, Any]


def rows(part: str) -> list[Row]:
    return [json.loads(line) for line in (DATA / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def training() -> list[Row]:
    return rows("train") + rows("validation")


@pytest.fixture(scope="module")
def test_split() -> list[Row]:
    return rows("test")


@pytest.fixture(scope="module")
def labels() -> set[str]:
    """Those that text can show."""
    every = load_labels(ROOT / "configs" / "labels.yaml").values()
    return {label.code for label in every if label.found_by != "listing"}


def counted(some: Sequence[Row], lang: str, kind: str) -> Counter[str]:
    chosen = [row for row in some if row["lang"] == lang and row["kind"] == kind]
    return Counter(label for row in chosen for label in row["labels"] or row.get("near", ()))


def test_every_line_is_well_formed(training: list[Row], test_split: list[Row], labels: set[str]) -> None:
    """Known fields' values, spans inside the text that carry the line's labels, ids and texts that stand once."""
    every = training + test_split
    for row in every:
        assert row["kind"] in KINDS
        assert row["category"] in CATEGORIES
        assert set(row["labels"]) <= labels
        assert bool(row["labels"]) == (row["kind"] not in ("near_miss", "clean")), row["id"]
        assert {label for _, _, label in row["spans"]} == set(row["labels"]), row["id"]
        assert all(0 <= start < end <= len(row["text"]) for start, end, _ in row["spans"]), row["id"]
        assert (len(row["labels"]) > 1) == (row["kind"] == "multi"), row["id"]
        assert row["before"] or row["kind"] != "context", row["id"]
        assert bool(re.search("[\u4e00-\u9fff]", row["text"])) == (row["lang"] == "zh"), row["id"]
    assert len({row["id"] for row in every}) == len({row["text"] for row in every}) == len(every)


def test_there_is_enough_to_learn_from(training: list[Row], labels: set[str]) -> None:
    """7,000 lines, two thirds Mandarin; of each label 120 and 50 violations; near-misses, ordinary talk, context."""
    kinds = Counter(row["kind"] for row in training)
    assert len(training) >= 7_000
    assert sum(row["lang"] == "zh" for row in training) / len(training) == pytest.approx(2 / 3, abs=0.07)
    assert all(counted(training, "zh", "violation")[label] >= 120 for label in labels)
    assert all(counted(training, "en", "violation")[label] >= 50 for label in labels)
    assert all(counted(training, lang, "near_miss")[label] >= 12 for label in labels for lang in ("zh", "en"))
    assert kinds["near_miss"] >= 1_500
    assert kinds["clean"] >= 800
    assert kinds["context"] >= 600
    assert kinds["multi"] >= 500


def test_there_is_enough_to_measure_on(test_split: list[Row], labels: set[str]) -> None:
    """1,000 lines; of each label 12 and 6 violations; near-misses, ordinary talk, evasions, context, several labels."""
    kinds = Counter(row["kind"] for row in test_split)
    assert len(test_split) >= 1_000
    assert all(counted(test_split, "zh", "violation")[label] >= 12 for label in labels)
    assert all(counted(test_split, "en", "violation")[label] >= 6 for label in labels)
    wanted = {"near_miss": 150, "clean": 100, "evasion": 80, "context": 60, "multi": 40}
    assert all(kinds[kind] >= count for kind, count in wanted.items())
    assert all(row["plain"] != row["text"] for row in test_split if row["kind"] == "evasion")


FILLERS = re.compile(
    r"啊|呃|那个|就是说|哎|对吧|来来|家人们|宝宝们|姐妹们|老铁们?|嗯|呢|吧|哈"
    r"|\b(uh|um|you know|guys|okay|so|well|like)\b|[0-9零一二三四五六七八九十百千万两]+|[，。、！？,.!?'\s]"
)


def bare(row: Row) -> str:
    """The text without fillers, numbers, signs and the words that name host and goods."""
    text = row["text"].lower()
    for word in re.findall(r"[\u4e00-\u9fff]{2,}|[a-z]{4,}", row.get("about", "").lower()):
        text = text.replace(word, "")
    return FILLERS.sub("", text)


def grams(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)} or {text}


def nearest(some: Sequence[str], others: Sequence[str]) -> Iterator[float]:
    """For each text the highest Jaccard similarity of character 3-grams with one of the others, exactly."""
    sets = [grams(text) for text in others]
    holding: dict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(sets):
        for gram in found:
            holding[gram].append(number)
    for text in some:
        mine = grams(text)
        shared = Counter(number for gram in mine for number in holding[gram])
        yield max((count / len(mine | sets[number]) for number, count in shared.items()), default=0.0)


def nearest_before(texts: Sequence[str]) -> Iterator[float]:
    """For each text the highest similarity, as in ``nearest``, with one that stands before it."""
    sets: list[set[str]] = []
    holding: dict[str, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        mine = grams(text)
        shared = Counter(before for gram in mine for before in holding[gram])
        yield max((count / len(mine | sets[before]) for before, count in shared.items()), default=0.0)
        sets.append(mine)
        for gram in mine:
            holding[gram].append(number)


def test_nothing_is_a_template(training: list[Row], labels: set[str]) -> None:
    """Within a label at most two lines in a hundred resemble an earlier one, names and numbers left out."""
    alike = total = 0
    for label in sorted(labels):
        texts = [bare(row) for row in training if label in row["labels"]]
        total += len(texts)
        alike += sum(share >= 0.6 for share in nearest_before(texts))
    assert total >= 5_000
    assert alike / total <= 0.02


def test_lines_do_not_begin_alike(training: list[Row]) -> None:
    """No opening of six characters covers more than one line in a hundred of its language."""
    for lang in ("zh", "en"):
        openings = Counter(row["text"][:6].lower() for row in training if row["lang"] == lang)
        assert max(openings.values()) / openings.total() <= 0.01, openings.most_common(3)


def test_no_line_to_measure_on_was_learnt(training: list[Row], test_split: list[Row]) -> None:
    """No line of the test split resembles one of training, and the parts share no host."""
    measured, learnt = ([FILLERS.sub("", row["text"]) for row in some] for some in (test_split, training))
    assert max(nearest(measured, learnt)) < 0.5
    groups = [{row["group"] for row in rows(part)} for part in ("train", "validation", "test")]
    assert all(not a & b for number, a in enumerate(groups) for b in groups[number + 1 :])


def test_what_counts_as_alike_is_found() -> None:
    """The same line with another number or one word more is near; another thought is not."""
    near, far = nearest(["这面霜全国最好没有之一", "今天下雨了我们早点收摊"], ["我们这面霜全国最好没有之一啊"])
    assert near > 0.6
    assert far < 0.1
