"""The claim classifier: what it finds, where, and which folders it refuses."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.classifier import ClaimClassifier, ClassifierError
from models.labels import load_labels
from models.manifest import write_manifest
from models.results import Text
from models.spans import window

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "models" / "weights" / "claims"
LABELS = [code for code, label in load_labels(ROOT / "configs" / "labels.yaml").items() if label.in_text]


@cache
def loaded() -> ClaimClassifier:
    return ClaimClassifier.load(SHIPPED, LABELS)


@pytest.fixture
def shipped() -> ClaimClassifier:
    return loaded()


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("全网最低价，你到哪都买不到这个价", "zh", "PRICE_LOWEST_CLAIM"),
        ("喝三天血糖就降下来了，糖尿病的药都可以停了", "zh", "EFF_MEDICAL"),
        ("加我微信私下转账，比直播间便宜", "zh", "OFFSITE_DEAL"),
        ("message me on whatsapp and pay me directly, it's cheaper than here", "en", "OFFSITE_DEAL"),
    ],
)
def test_a_plain_claim_is_found(shipped: ClaimClassifier, text: str, language: str, label: str) -> None:
    """With a score over the threshold, and words of the text that carry it."""
    found = {one.label: one for one in shipped.predict([Text(text=text, language=language)])[0]}
    one = found[label]
    assert one.threshold <= one.score <= 1
    assert (one.finder, one.rule_id) == ("classifier", None)
    assert one.normalised == text[one.start : one.end] != ""


@pytest.mark.parametrize(
    "text", ["今天天气不错，我们聊会儿天", "大家好，欢迎来到直播间", "good evening everybody, where are you all from"]
)
def test_ordinary_talk_is_silent(shipped: ClaimClassifier, text: str) -> None:
    """Greetings and the weather are no claims."""
    assert shipped.predict([Text(text=text)]) == [[]]


def test_a_batch_is_answered_in_order(shipped: ClaimClassifier) -> None:
    """Each text gets what it gets alone, empty ones nothing."""
    texts = [Text(text=one) for one in ("全网最低价，哪都买不到", "", "   ", "今天天气不错", "全网最低价，哪都买不到")]
    found = shipped.predict(texts)
    assert found == [shipped.predict([text])[0] for text in texts]
    assert [bool(one) for one in found] == [True, False, False, False, True]
    assert shipped.predict([]) == []


def test_a_claim_far_into_a_long_text_is_found_where_it_stands(shipped: ClaimClassifier) -> None:
    """Long texts are read in pieces, and spans count from the beginning of the whole."""
    claim = "全网最低价，你到哪都买不到这个价。"
    text = "今天天气不错，我们聊会儿天。" * 100 + claim + "大家好，欢迎来到直播间。" * 100
    (one,) = [one for one in shipped.predict([Text(text=text)])[0] if one.label == "PRICE_LOWEST_CLAIM"]
    at = text.index(claim)
    assert at - 20 <= one.start < one.end <= at + len(claim) + 20


@pytest.mark.slow
def test_a_hundred_thousand_characters_end(shipped: ClaimClassifier) -> None:
    """A text of any length is answered, in a time that grows with its length alone."""
    assert len(shipped.predict([Text(text="全网最低价吗" * 17_000)])) == 1


@settings(deadline=None)
@given(st.text(max_size=400), st.lists(st.text(max_size=30), max_size=3), st.sampled_from(["zh", "en", ""]))
def test_any_text_is_answered_with_spans_inside_it(text: str, before: list[str], language: str) -> None:
    """Lone surrogates, control characters, nothing at all: scores are probabilities, spans are never empty."""
    asked = [Text(text=text, before=tuple(before), language=language)]
    scores = loaded().scores(asked)
    assert ((scores >= 0) & (scores <= 1)).all()
    for one in loaded().predict(asked)[0]:
        assert 0 <= one.start < one.end <= len(text)


@pytest.mark.slow
def test_it_is_fast_enough(shipped: ClaimClassifier) -> None:
    """At least 200 utterances a second of one core's time."""
    texts = [
        Text(text=f"这款面霜全网最低价第{n}批现货今天拍下明天就发走", before=("家人们看过来",)) for n in range(200)
    ]
    shipped.predict(texts[:1])
    began = time.process_time()
    shipped.predict(texts)
    assert time.process_time() - began < 1


# Folders --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "claims"))


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit model.json."""
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    edit(told)
    (folder / "model.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda one: one.pop("thresholds"), "thresholds"),
        (lambda one: one["thresholds"].pop("en"), "thresholds: en: none for ABS_SUPERLATIVE"),
        (lambda one: one["thresholds"]["zh"].pop("MINORS"), "thresholds: zh: none for MINORS"),
        (lambda one: one["thresholds"]["zh"].update(MINORS=1.5), "thresholds.zh.MINORS"),
        (lambda one: one["calibration"].pop("zh"), "calibration: zh"),
        (lambda one: one.update(kind="oracle"), "kind"),
    ],
)
def test_a_model_that_does_not_say_enough_is_refused(
    folder: Path, edit: Callable[[dict[str, Any]], object], told: str
) -> None:
    """The message names the file and the key."""
    change(folder, edit)
    with pytest.raises(ClassifierError, match=told) as caught:
        ClaimClassifier.load(folder, LABELS)
    assert str(folder / "model.json") in str(caught.value)


def test_labels_of_another_taxonomy_are_refused(folder: Path) -> None:
    """A label that text cannot show, or that there is not, is named."""
    with pytest.raises(ClassifierError, match="MINORS: no label that text can show"):
        ClaimClassifier.load(folder, [label for label in LABELS if label != "MINORS"])


def test_other_weights_than_those_it_was_written_for_are_refused(folder: Path) -> None:
    """A file cut short is seen by its hash."""
    (folder / "weights.npz").write_bytes((folder / "weights.npz").read_bytes()[:-100])
    with pytest.raises(ClassifierError, match=r"weights\.npz: is not the file"):
        ClaimClassifier.load(folder, LABELS)


def test_weights_that_are_none_are_refused(folder: Path) -> None:
    """Also where the hash is right."""
    (folder / "weights.npz").write_bytes(b"no weights")
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    write_manifest(folder, told, ["weights.npz"])
    with pytest.raises(ClassifierError, match="the weights cannot be used"):
        ClaimClassifier.load(folder, LABELS)


def test_weights_for_fewer_labels_are_refused(folder: Path) -> None:
    """Their shape must fit the labels of model.json."""
    change(folder, lambda one: one["labels"].pop())
    with pytest.raises(ClassifierError, match="weights for 25 labels instead of 24"):
        ClaimClassifier.load(folder, LABELS)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """With one clear line."""
    with pytest.raises(ClassifierError, match=r"no classifier: model\.json"):
        ClaimClassifier.load(tmp_path / "nowhere", LABELS)
    (tmp_path / "model.json").write_text("{", encoding="utf-8")
    with pytest.raises(ClassifierError, match="is no JSON"):
        ClaimClassifier.load(tmp_path, LABELS)


def test_other_thresholds_are_another_version(folder: Path, shipped: ClaimClassifier) -> None:
    """What is found depends on them, so the name on a flag does."""
    change(folder, lambda one: one["thresholds"]["zh"].update(MINORS=0.97))
    assert ClaimClassifier.load(folder, LABELS).version != shipped.version


def test_doubtful_words_need_a_higher_score(folder: Path) -> None:
    """A threshold between that of written and that of misheard words, by how doubtful they are."""
    text = "全网最低价，你到哪都买不到这个价"
    change(folder, lambda one: one.update(thresholds=every(one, 0.3), heard=every(one, 0.9)))
    classifier = ClaimClassifier.load(folder, LABELS)
    for doubt, needed in ((0.0, 0.3), (0.5, 0.6), (1.0, 0.9)):
        found = classifier.predict([Text(text=text, language="zh", doubt=doubt)])[0]
        assert [one.threshold for one in found] == [pytest.approx(needed)] * len(found)
        assert all(one.score >= needed for one in found)
    change(folder, lambda one: one["heard"].pop("en"))
    with pytest.raises(ClassifierError, match="heard: en: none for"):
        ClaimClassifier.load(folder, LABELS)


def every(told: dict[str, Any], limit: float) -> dict[str, dict[str, float]]:
    return {language: dict.fromkeys(told["labels"], limit) for language in ("zh", "en")}


def test_labels_that_a_text_has_surely_not_are_told(folder: Path) -> None:
    """Those whose score is under the veto; a folder that says nothing of it rules nothing out."""
    change(folder, lambda one: one.update(veto=0.02))
    texts = [Text(text="全网最低价，你到哪都买不到这个价", language="zh")]
    classifier = ClaimClassifier.load(folder, LABELS)
    (judged,) = classifier.judge(texts)
    scores = dict(zip(classifier.labels, classifier.scores(texts)[0], strict=True))
    assert judged.ruled_out == {label for label, score in scores.items() if score < 0.02}
    assert 0 < len(judged.ruled_out) < len(LABELS)
    change(folder, lambda one: one.pop("veto"))
    assert ClaimClassifier.load(folder, LABELS).judge(texts)[0].ruled_out == frozenset()


# Both -----------------------------------------------------------------------------------------------------------------


def test_the_mean_of_a_model_with_itself_is_that_model(folder: Path, shipped: ClaimClassifier, tmp_path: Path) -> None:
    """Averaged log-odds of the same scores are the same scores; both parts are checked."""
    told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    plain = {language: dict.fromkeys(told["labels"], (1, 0)) for language in ("zh", "en")}
    for part in ("a", "b"):
        shutil.copytree(folder, tmp_path / "mean" / part)
    write_manifest(
        tmp_path / "mean", told | {"kind": "averaged", "parts": ["a", "b"], "calibration": plain}, ["a/model.json"]
    )
    mean = ClaimClassifier.load(tmp_path / "mean", LABELS)
    texts = [Text(text="全网最低价，你到哪都买不到这个价"), Text(text="good evening everybody")]
    np.testing.assert_allclose(mean.scores(texts), shipped.scores(texts), atol=1e-9)
    assert mean.predict(texts) == shipped.predict(texts)


# Spans ----------------------------------------------------------------------------------------------------------------


def test_the_window_holds_what_speaks_for_the_label() -> None:
    """The heavy characters, and no spaces around them; in longer texts what stands beside them too."""
    assert window("我 最低价 吧", np.array([-1, 0, 2, 3, 2, 0, -1], float)) == (2, 5)
    weights = np.full(60, -0.1)
    weights[30:34] = 5
    start, end = window("好" * 60, weights)
    assert 24 <= start <= 30 < 34 <= end <= 40


@given(st.text(min_size=1, max_size=30), st.data())
def test_a_window_is_never_empty(text: str, data: st.DataObject) -> None:
    """Whatever the weights: inside the text, at least one character."""
    numbers = st.floats(-5, 5, allow_nan=False)
    weights = np.array(data.draw(st.lists(numbers, min_size=len(text), max_size=len(text))))
    start, end = window(text, weights)
    assert 0 <= start < end <= len(text)
