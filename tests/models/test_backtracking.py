"""Patterns that would never come to an end are told from those that only look long."""

from __future__ import annotations

import time

import pytest

from models.backtracking import runaway


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(?:(?:最|最好)+)+的",
        "(?:a|a)+b",
        "x(?:a|aa){1,60}y",
        "(?:a{1,30}){1,30}b",
        "价格(?:[一二]{1,9}[一二三]{0,9}){0,20}元",
        "(?=(?:a|a)+b)c",
    ],
)
def test_a_pattern_without_end_is_told_in_short_time(pattern: str) -> None:
    """Open repeats in open repeats, and branches that match the same, are found out without hanging."""
    began = time.monotonic()

    assert runaway(pattern) is not None
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "pattern",
    [
        "最低价",
        r"(?:\w+ )*cure",
        "(?:[a-z]{1,9},)+x",
        "[^。]{0,24}价[^。]{0,24}低",
        r"(?: \w+){0,3} best",
        "(?:好|很好){0,3}的",
    ],
)
def test_a_pattern_that_ends_is_let_pass(pattern: str) -> None:
    """Repeats that nothing can split in two ways are fine, open or not."""
    assert runaway(pattern) is None
