"""Text made plain, and the way back to the words as they were said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.normalise import VariantsError, fold, load_variants, normalise, toneless

VARIANTS = load_variants(Path(__file__).parent.parent.parent / "configs" / "lexicon" / "variants.yaml")
MIXED = st.text(
    alphabet=st.one_of(st.sampled_from("最低价加我薇vxVX微信 .·*+❤️🔥，。第1一國發Ａ％½'’\n​"), st.characters())
)


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("全網最低價", "全网最低价"),
        ("ＦＤＡ　认证", "fda认证"),
        ("最·低·价", "最低价"),
        ("第 一 名", "第一名"),
        ("微🔥信", "微信"),
        ("加我V❤信", "加我微信"),
        ("想要的加我薇", "想要的加我微信"),
        ("太好了！！！", "太好了!"),
        ("蕞低价", "最低价"),
        ("100%有效", "百分之百有效"),
        ("it’s  the BEST!!!", "it's the best!"),
        ("great🔥best", "great best"),
    ],
)
def test_what_hides_a_word_is_undone(said: str, plain: str) -> None:
    """Width, case, old characters, symbols inside words, letters for words and repeats all go."""
    assert normalise(said, VARIANTS).text == plain


@pytest.mark.parametrize(
    "said", ["薇娅也在卖", "第100名", "紫薇花开了", "9.9元", "拍1+1", "加油领券", "vivo手机", "3-5天发货", "加VIP群主"]
)
def test_words_that_only_look_alike_stay(said: str) -> None:
    """A name, a number or a longer word that holds a variant by chance is left alone."""
    assert normalise(said, VARIANTS).text == said.lower()


def test_english_text_keeps_its_own_words() -> None:
    """Plain words are Mandarin, so text without a Han character is not rewritten into them."""
    assert normalise("Add me on WeChat, top 1", VARIANTS).text == "add me on wechat, top 1"


def test_offsets_lead_back_to_the_words_as_written() -> None:
    """A span of the normalised text covers exactly the characters of the original it came from."""
    said = "想要的，加 我 薇 ，主页"
    plain = normalise(said, VARIANTS)
    start = plain.text.index("加我微信")

    first, last = plain.original(start, start + 4)

    assert said[first:last] == "加 我 薇"


def test_a_longer_variant_is_covered_whole() -> None:
    """Six letters that become two characters still lead back to all six."""
    plain = normalise("加wechat吧", VARIANTS)

    assert plain.text == "加微信吧"
    assert plain.original(1, 3) == (1, 7)


@given(MIXED)
def test_there_is_one_offset_per_character_and_they_never_go_back(text: str) -> None:
    """Whatever the text, offsets are as many as characters, within it and in order."""
    plain = normalise(text, VARIANTS)

    assert len(plain.offsets) == len(plain.text)
    assert list(plain.offsets) == sorted(plain.offsets)
    assert all(0 <= offset < len(text) for offset in plain.offsets)


@pytest.mark.parametrize(
    ("one", "other"),
    [("zhang", "zan"), ("sheng", "sen"), ("nan", "lan"), ("cheng", "cen"), ("fei", "hei"), ("jing", "jin")],
)
def test_near_sounds_fold_into_one(one: str, other: str) -> None:
    """Pairs that speakers and recognition mix up are one syllable."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("ba", "pa"), ("zui", "cui"), ("jia", "jie"), ("wo", "o"), ("gai", "hai")])
def test_other_sounds_stay_apart(one: str, other: str) -> None:
    """Folding does not go further than those pairs."""
    assert fold(one) != fold(other)


def test_toneless_gives_each_syllable_its_place() -> None:
    """Only Han characters give syllables, each with the span it stands at."""
    assert toneless("ok全网") == [("quan", 2, 3), ("wan", 3, 4)]
    assert [syllable for syllable, _, _ in toneless("醉低价")] == [syllable for syllable, _, _ in toneless("最低价")]
    assert toneless("plain") == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("variants: 3", "expected a list"),
        ("", "expected a list"),
        ("variants: [{words: [a]}]", "variant 1: to"),
        ("variants: [{to: 微信, words: [1]}]", "variant 1: words"),
        ("variants: [{to: 微信, wrds: [v]}]", "variant 1: wrds"),
        ("variants: [", "expected a list"),
    ],
)
def test_a_wrong_file_of_variants_is_told(tmp_path: Path, content: str, told: str) -> None:
    """The error names the file and the entry."""
    path = tmp_path / "variants.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(VariantsError, match=rf"variants\.yaml: .*{told}"):
        load_variants(path)
