"""Numerals as they are written out and as they are spoken."""

from __future__ import annotations

import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.numerals import value


@given(st.integers(min_value=1, max_value=99_999_999))
def test_a_numeral_is_worth_what_cn2an_says(number: int) -> None:
    """Every whole number written out is read as cn2an reads it."""
    numeral = cn2an.an2cn(number)

    assert value(numeral) == cn2an.cn2an(numeral, "normal") == number


@pytest.mark.parametrize(
    "numeral", ["一百二", "三千五", "一万二", "十二", "三点五", "二零二六", "一万零五", "两百", "两千零八", "十"]
)
def test_a_spoken_numeral_is_worth_what_cn2an_says(numeral: str) -> None:
    """So are those with the last unit left out, decimals and rows of digits."""
    assert float(value(numeral) or 0) == cn2an.cn2an(numeral, "normal")


@pytest.mark.parametrize("numeral", ["两三", "七八", "千万", "百", "二三十", "九" * 5000, "1" * 5000])
def test_a_round_numeral_is_worth_nothing(numeral: str) -> None:
    """Two digits side by side mean "two or three"; what is longer than any price is no number."""
    assert value(numeral) is None
