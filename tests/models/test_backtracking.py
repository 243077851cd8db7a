"""Patterns that would never come to an end are told from those that only look long, and in no time."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings

from models.backtracking import runaway
from tests.models.backtracker import Backtracker, Node, TooMany, patterns

_ROUNDS = "double with every round"
_SHARED = "share one text out"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+b", _ROUNDS),
        ("(?:(?:最|最好)+)+的", _ROUNDS),
        ("(?:a|a)+b", _ROUNDS),
        ("(a|a)*b", _ROUNDS),
        ("(?:[ab]c|[bd]c)+x", _ROUNDS),
        (r"(\s*a?)*$", _ROUNDS),
        ("(?:a?){30,}b", _ROUNDS),
        ("(?:hundred|hundreds?)*x", _ROUNDS),
        ("x(?:a|aa){1,60}y", _ROUNDS),
        ("(?:a{1,30}){1,30}b", _ROUNDS),
        ("(?:a{1,9}){9}b", _SHARED),
        ("价格(?:[一二]{1,9}[一二三]{0,9}){0,20}元", _SHARED),
        ("(?=(?:a|a)+b)c", _ROUNDS),
        (".*.*.*.*x", _SHARED),
        (r"\w*,?\w*[^x]*y", _SHARED),
        (r"\w+价\w+低\w+x", _SHARED),
        (r"(?:(?=\w*\w*x)\w)*", _SHARED),
        ("[^。]{0,60}" * 5 + "x", _SHARED),
        ("(" * 12 + "a" + "){0,9}" * 12, _SHARED),
    ],
)
def test_a_pattern_without_end_is_told_in_short_time(pattern: str, why: str) -> None:
    """Repeats that read one text in ever more ways, alone or several in a row, are found out by their form."""
    began = time.process_time()

    assert why in (runaway(pattern) or "")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "pattern",
    [
        "最低价",
        r"(?:\w+ )*cure",
        "(?:[a-z]{1,9},)+x",
        "[^。]{0,24}价[^。]{0,24}低",
        r"(?: \w+){0,3} best(?: \w+){0,3} price",
        "(?:好|很好){0,3}的",
        "(?:最|最好)+的",
        "«[^»]*not[^»]*»",
        r"\d*[a-z]*\s*x",
        r"(?:\w|A)+!",
        r"(?:\d{3},)*\d{3}",
        r"(?:five|six)(?:[ -](?:five|six|hundred|hundreds))* percent",
        r"(?P<a>[上卖])[^。]{0,2}不(?P=a)",
        r"[^。]{0,9}价(?![^。]{0,9}低)[^。]{0,9}元",
    ],
)
def test_a_pattern_that_ends_is_let_pass(pattern: str) -> None:
    """Repeats that share nothing, or little of it, are fine, open or not."""
    assert runaway(pattern) is None


@settings(max_examples=200, deadline=None)
@given(patterns())
def test_what_is_let_pass_takes_steps_as_the_square_of_the_text_at_most(node: Node) -> None:
    """A text of one short word again and again takes six times the steps at most when it is twice as long."""
    if runaway(str(node)):
        return
    for word in ("".join(chars) for size in (1, 2, 3) for chars in product("ab", repeat=size)):
        few, some = _steps(node, word, 12), _steps(node, word, 24)
        assert some < 6 * few + 20_000, word
        if some < 20_000:
            assert _steps(node, word, 48) < 6 * some + 1_000, word


def _steps(node: Node, word: str, length: int) -> int:
    try:
        return Backtracker(word * (length // len(word)), 500_000).fail(node)
    except TooMany:
        pytest.fail(f"{length} characters keep {node} busy")
