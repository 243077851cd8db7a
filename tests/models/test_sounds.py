"""Syllables of Han characters, with what is often confused as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pypinyin import lazy_pinyin

from models.sounds import HAN, fold, toneless

SPEECH = Path(__file__).parent.parent.parent / "models" / "data" / "speech"


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


def test_toneless_reads_as_pypinyin_does() -> None:
    """Its own tables are used without its code, and give the same readings."""
    text = "".join(c for c in (SPEECH / "zh_shop.txt").read_text(encoding="utf-8") if HAN[0] <= c <= "鿿")

    assert [syllable for syllable, _, _ in toneless(text)] == [fold(syllable) for syllable in lazy_pinyin(text)]
