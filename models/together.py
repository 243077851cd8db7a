"""What the rules and the classifier say of one text, as one answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from models.results import Found, Judged

STANDS_ALONE = 0.9
"""A rule of this score or more is told whatever the classifier thinks: words that mean one thing only."""


def together(by_rule: Sequence[Found], judged: Judged) -> list[Found]:
    """The claims of both. What both found is one claim: the rule's words and name, with the higher score.

    A rule knows words, not conditions: where the classifier, which has learnt from warnings and denials, rules
    its label out, the rule's claim is dropped unless the rule stands alone.
    """
    kept = [one for one in by_rule if one.score >= STANDS_ALONE or one.label not in judged.ruled_out]
    scores = {one.label: one.score for one in judged.found}
    ruled = {one.label for one in kept}
    both = [replace(one, score=max(one.score, scores.get(one.label, 0.0))) for one in kept]
    return both + [one for one in judged.found if one.label not in ruled]
