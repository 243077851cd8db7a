"""Rules and classifier as one answer."""

from __future__ import annotations

import pytest

from models.results import Found, Judged
from models.together import STANDS_ALONE, together


def found(label: str, score: float, rule: str | None = None) -> Found:
    return Found(
        label=label, score=score, threshold=0.5, rule_id=rule, finder="rule" if rule else "classifier",
        start=0, end=2, normalised="ab",
    )  # fmt: skip


def test_what_both_found_is_one_claim() -> None:
    """The rule's name and words with the higher score; what only one found stays as it is."""
    joined = together([found("A", 0.7, "r"), found("B", 0.6, "s")], Judged((found("A", 0.9), found("C", 0.8))))
    assert [(one.label, one.score, one.rule_id) for one in joined] == [
        ("A", 0.9, "r"),
        ("B", 0.6, "s"),
        ("C", 0.8, None),
    ]


@pytest.mark.parametrize(("score", "kept"), [(STANDS_ALONE - 0.01, False), (STANDS_ALONE, True)])
def test_a_rule_gives_way_unless_it_stands_alone(score: float, kept: bool) -> None:
    """Where the classifier rules its label out, and only there."""
    judged = Judged(ruled_out=frozenset("A"))
    assert bool(together([found("A", score, "r")], judged)) is kept
    assert together([found("B", score, "r")], judged) != []
