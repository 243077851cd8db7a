"""A look at the first character changes what a pattern costs, never what it finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.firsts import hastened

PATTERNS = [
    "(?:最低|低价|全网)价?",
    "(?<!不)(?:加|扫)我",
    "[0-9一二]{1,3}元",
    "Best|a+",
    "(?:微信|v[xX])?号",
    "(?=包)包邮|邮费",
]
OPEN = ["[^,]{0,4}价", ".低", "(?:价)?", "(?:最|[^好])低", "(低"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_whose_beginnings_are_known_is_looked_at_first(pattern: str) -> None:
    """The look stands before the pattern itself."""
    quick = hastened(pattern)

    assert quick.startswith("(?:(?=[")
    assert pattern in quick


@pytest.mark.parametrize("pattern", OPEN)
def test_a_pattern_that_may_begin_with_anything_stays_as_it_is(pattern: str) -> None:
    """So do one that may match nothing and one that is broken."""
    assert hastened(pattern) == pattern


@given(st.sampled_from(PATTERNS + OPEN[:4]), st.text("最低价全网加扫我不0一元bBesta微信vx号包邮费,", max_size=20))
def test_the_same_is_found(pattern: str, text: str) -> None:
    """Whatever the text, the same places match."""
    spans = [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]

    assert [match.span() for match in re.finditer(hastened(pattern), text, re.IGNORECASE)] == spans
