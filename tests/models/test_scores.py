"""Scores by examples worked by hand, and by a slow and obvious Levenshtein."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import scores
from models.scores import Hits, Rate

TOKENS = st.lists(st.sampled_from("abcd"), max_size=9)


def naive(reference: list[str], heard: list[str]) -> int:
    @cache
    def cost(at: int, to: int) -> int:
        if at == 0 or to == 0:
            return at + to
        same = reference[at - 1] == heard[to - 1]
        return min(cost(at - 1, to - 1) + (not same), cost(at - 1, to) + 1, cost(at, to - 1) + 1)

    return cost(len(reference), len(heard))


@given(TOKENS, TOKENS)
def test_errors_are_levenshteins(reference: list[str], heard: list[str]) -> None:
    """The fast distance equals the slow one."""
    assert scores.errors(reference, heard) == Rate(naive(reference, heard), len(reference))


@given(TOKENS, TOKENS)
def test_an_alignment_is_whole_in_order_and_as_cheap_as_can_be(reference: list[str], heard: list[str]) -> None:
    """Every token of either side stands in it once, in order, and what differs in it is the distance."""
    pairs = scores.align(reference, heard)
    assert [at for at, _ in pairs if at is not None] == list(range(len(reference)))
    assert [to for _, to in pairs if to is not None] == list(range(len(heard)))
    assert (None, None) not in pairs
    differ = sum(at is None or to is None or reference[at] != heard[to] for at, to in pairs)
    assert differ == naive(reference, heard)


@given(TOKENS, TOKENS)
def test_errors_at_every_token_are_all_but_those_at_the_ends(reference: list[str], heard: list[str]) -> None:
    """Wanted everywhere, only insertions before the first and after the last token are left out."""
    kinds = [at is None for at, _ in scores.align(reference, heard)]
    first = kinds.index(False) if reference else len(kinds)
    last = kinds[::-1].index(False) if reference else 0
    outside = first + last
    found = scores.errors_at(reference, heard, range(len(reference)))
    assert found == Rate(naive(reference, heard) - outside, len(reference))


def test_kitten_is_three_from_sitting() -> None:
    """Two substitutions and one insertion, of six."""
    assert scores.errors("kitten", "sitting") == Rate(3, 6)
    assert scores.errors("kitten", "sitting").rate == 0.5
    assert scores.errors("", "ab") == Rate(2, 0)
    assert Rate(2, 0).rate is None
    assert Rate(1, 4) + Rate(2, 6) == Rate(3, 10)


def test_only_errors_at_the_wanted_words_count() -> None:
    """One of three wrong characters lies in the wanted word."""
    said, heard = list("这瓶洋槐蜜很甜"), list("这平洋坏蜜很田")
    wanted = scores.places(said, [list("洋槐蜜")])
    assert wanted == {2, 3, 4}
    assert scores.errors_at(said, heard, wanted) == Rate(1, 3)


def test_an_insertion_counts_inside_a_wanted_word_and_not_beside_it() -> None:
    """Something put in before the word is not its fault."""
    said = list("这瓶洋槐蜜")
    assert scores.errors_at(said, list("这瓶的洋槐蜜"), {2, 3, 4}) == Rate(0, 3)
    assert scores.errors_at(said, list("这瓶洋的槐蜜"), {2, 3, 4}) == Rate(1, 3)
    assert scores.errors_at(said, list("这瓶洋蜜"), {2, 3, 4}) == Rate(1, 3)


def test_places_are_whole_tokens() -> None:
    """A word is not found inside another English one, and overlapping words count their tokens once."""
    assert scores.places(["the", "foam", "foams"], [["foam"]]) == {1}
    assert scores.places(list("蜂蜜水"), [list("蜂蜜"), list("蜜水")]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("屏幕6.7英寸，1,250元！", "zh", "屏 幕 六 点 七 英 寸 一 千 二 百 五 十 元"),
        ("2024年买了10台", "zh", "二 零 二 四 年 买 了 十 台"),
        ("It's 24 inches, $1,250.50", "en", "it's twenty four inches one thousand two hundred fifty point five zero"),
        ("007 and 2000000", "en", "zero zero seven and two million"),
        ("It’s 13; 100!", "en", "it's thirteen one hundred"),
    ],
)
def test_tokens_are_what_is_spoken(text: str, language: str, expected: str) -> None:
    """No punctuation, no case, numerals in words."""
    assert scores.tokens(text, language) == expected.split()


def test_characters_of_english_are_without_spaces() -> None:
    """CER does not count spaces."""
    assert "".join(scores.characters("Hi there, you", "en")) == "hithereyou"


def test_syllables_with_and_without_tone() -> None:
    """A wrong tone is an error only of toned syllables; a sound-alike is none at all."""
    said, wrong_tone, alike = "买一瓶", "卖一瓶", "买一屏"
    assert scores.syllables("吗7", toned=True) == ["ma5", "qi1"]
    assert scores.errors(scores.syllables(said, toned=True), scores.syllables(wrong_tone, toned=True)).errors == 1
    assert scores.errors(scores.syllables(said, toned=False), scores.syllables(wrong_tone, toned=False)).errors == 0
    assert scores.errors(scores.syllables(said, toned=True), scores.syllables(alike, toned=True)).errors == 0


def test_hits_of_a_label() -> None:
    """Two right, one wrong, one missed: two of three found are right, two of three true ones found."""
    rows = [({"A"}, {"A"}), ({"A", "B"}, {"A"}), (set(), {"A"}), ({"A"}, {"B"}), (set(), set())]
    hits = scores.count("A", rows)
    assert hits == Hits(2, 1, 1)
    assert (hits.precision, hits.recall, hits.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert scores.total([hits, scores.count("B", rows)]) == Hits(2, 2, 2)
    assert (Hits().precision, Hits().recall, Hits().f1) == (0, 0, 0)
