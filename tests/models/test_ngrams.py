"""N-grams: the same numbers everywhere, every span inside its text."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ngrams import VIEWS, Vocabulary, grams, script_of
from models.results import Text
from models.variants import Variants

NONE = Variants.none()


EXPECTED = (130, 12183633174659305836)


def keys(text: str, language: str, view: str, before: tuple[str, ...] = ()) -> list[int]:
    """The keys of one view of one text."""
    views = [one for one in VIEWS[language] if one.name == view]
    return grams([Text(text=text, before=before, language=language)], views, NONE).keys.tolist()


def test_keys_are_the_same_on_every_machine() -> None:
    """A model trained elsewhere knows these: the keys of two fixed texts, summed."""
    found = grams([Text(text="全网最低价", before=("家人们",)), Text(text="cures diabetes")], VIEWS["zh"], NONE)
    assert (len(found.keys), int(found.keys.sum(dtype=np.uint64))) == EXPECTED


def test_a_view_tells_its_ngrams_from_those_of_others() -> None:
    """The same characters before the text and in it are different n-grams."""
    assert not set(keys("最低价", "zh", "plain")) & set(keys("x", "zh", "before", ("最低价",)))


def test_a_sound_alike_sounds_the_same() -> None:
    """蕞氐 is not written as 最低, and its syllables are those of it."""
    assert keys("醉低价", "zh", "sounds") == keys("最低价", "zh", "sounds")
    assert keys("醉低价", "zh", "plain") != keys("最低价", "zh", "plain")


def test_width_and_case_are_gone_in_the_plain_view() -> None:
    """ＶＸ is vx, but for what is written."""
    assert keys("加ＶＸ吧", "zh", "plain") == keys("加vx吧", "zh", "plain")
    assert keys("加ＶＸ吧", "zh", "written") != keys("加vx吧", "zh", "written")


def test_ngrams_within_words_hold_no_space_in_the_middle() -> None:
    """``a b`` has no n-gram that reaches from one word into the next."""
    found = grams([Text(text="ab cd", language="en")], VIEWS["en"][:1], NONE)
    assert {tuple(span) for span in found.spans.tolist() if span[1] - span[0] > 3} == set()


def test_batches_do_not_mix_texts() -> None:
    """Each text has the same n-grams alone as among others."""
    texts = [Text(text=one) for one in ("全网最低", "", "治糖尿病", "最")]
    together = grams(texts, VIEWS["zh"], NONE)
    for row, text in enumerate(texts):
        alone = grams([text], VIEWS["zh"], NONE)
        assert sorted(together.keys[together.rows == row].tolist()) == sorted(alone.keys.tolist())


def test_vectors_count_and_weigh() -> None:
    """Twice the same n-gram weighs 1 + log 2 of one; each view has its share as length."""
    found = grams([Text(text="好好好", language="zh")], VIEWS["zh"], NONE)
    known, first = np.unique(found.keys, return_index=True)
    shares = np.array([view.share for view in VIEWS["zh"]], np.float32)
    vocabulary = Vocabulary(known, found.views[first], np.ones(len(known), np.float32), shares)
    vectors = vocabulary.vectors(found)
    assert int(vectors.counts.sum()) == len(found.keys)
    for view in range(3):
        mine = vectors.values[vocabulary.views[vectors.columns] == view]
        assert float(np.sqrt((mine**2).sum())) == pytest.approx(float(shares[view]), rel=1e-5)


@pytest.mark.parametrize(
    ("text", "language", "expected"), [("好", "en", "zh"), ("ok", "zh", "zh"), ("ok", "en", "en"), ("ok", "", "en")]
)
def test_the_script_decides(text: str, language: str, expected: str) -> None:
    """Han characters are read as Mandarin whatever the language says."""
    assert script_of(Text(text=text, language=language)) == expected


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3), st.sampled_from(["zh", "en"]))
def test_any_text_has_ngrams_with_spans_inside_it(text: str, before: list[str], language: str) -> None:
    """Whatever the characters: it ends, rows rise, spans lie within the text."""
    found = grams([Text(text=text, before=tuple(before), language=language)] * 2, VIEWS[language], NONE)
    assert (np.diff(found.rows) >= 0).all()
    assert ((found.spans >= 0) & (found.spans <= len(text))).all()
    assert (found.spans[:, 0] <= found.spans[:, 1]).all()


@pytest.mark.slow
def test_it_is_fast_enough() -> None:
    """At least 400 utterances a second of one core's time."""
    texts = [
        Text(text=f"这款面霜全网最低价第{n}批现货今天拍下明天就发走", before=("家人们看过来",)) for n in range(400)
    ]
    grams(texts[:1], VIEWS["zh"], NONE)
    began = time.process_time()
    grams(texts, VIEWS["zh"], NONE)
    assert time.process_time() - began < 1
