"""From margins on held-out lines to probabilities, and to thresholds for few false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from models.labelled import Line

Scores = NDArray[np.float64]
Truth = NDArray[np.bool_]

_BORROWED = 20.0
"""How many lines' weight all labels together have in the calibration of one: few lines alone would say too much."""

_ALLOWED = ("near_miss", "clean", "everyday")
_MOST, _LEAST = 0.98, 0.05
_GRID = np.arange(_LEAST, _MOST + 0.005, 0.01)
_PRICES = (0.0, *(0.1 * 1.25**step for step in range(40)))
"""What all of the allowed or ordinary lines flagged would cost a label, in F1."""


class Aims(NamedTuple):
    """Which shares of the allowed and of the ordinary lines may be flagged at most."""

    near_miss: float = 0.05
    ordinary: float = 0.01

    def of(self, kind: str) -> float:
        """The share of lines of this kind; everyday talk, which is no host's, shall be silent."""
        return {"near_miss": self.near_miss, "clean": self.ordinary, "everyday": self.ordinary / 10}[kind]

    @property
    def when_heard(self) -> Aims:
        """The same of lines that were misheard: a flag on words that nobody said is the worse mistake."""
        return Aims(self.near_miss / 5, self.ordinary / 2)


class HeldOut(NamedTuple):
    """Lines that the model was not trained on, what is true of them, and a number for each label: [lines, labels]."""

    lines: Sequence[Line]
    truth: Truth
    values: Scores


def truth_of(lines: Sequence[Line], labels: Sequence[str]) -> Truth:
    """[lines, labels]."""
    return np.array([[label in line.labels for label in labels] for line in lines], bool)


def platt(held_out: HeldOut) -> list[tuple[float, float]]:
    """Slope and shift of each label's logistic curve, drawn towards the one of all labels together."""
    margins, truth = held_out.values, held_out.truth
    weight = np.full(margins.size, _BORROWED / margins.size)
    fitted = []
    for label in range(margins.shape[1]):
        inputs = np.concatenate([margins.ravel(), margins[:, label]])[:, None]
        targets = np.concatenate([truth.ravel(), truth[:, label]])
        weights = np.concatenate([weight, np.ones(len(margins))])
        curve = LogisticRegression(C=1e3).fit(inputs, targets, sample_weight=weights)
        fitted.append((max(float(curve.coef_[0, 0]), 1e-3), float(curve.intercept_[0])))
    return fitted


def thresholds(held_out: HeldOut, aims: Aims) -> Scores:
    """What each label's score must reach: the best macro F1 with so few allowed and ordinary lines flagged.

    Every flagged line of these costs each label a price; the price is raised until few enough are flagged. A
    label's own threshold has few lines to stand on: it is drawn half the way to the one that is best for all.
    """
    for price in _PRICES:
        chosen = _at_price(held_out, price)
        wrong = false_alarms(held_out, chosen)
        if all(share <= aims.of(kind) for kind, share in wrong.items()):
            break
    return chosen


def _at_price(held_out: HeldOut, price: float) -> Scores:
    """The thresholds of highest F1 less the price of false alarms, each label's own and the common one averaged."""
    kinds = np.array([line.kind for line in held_out.lines])
    costs = sum((kinds == kind) / max(int((kinds == kind).sum()), 1) for kind in _ALLOWED) * price
    gains = np.array(
        [_gains(scores, truth, costs) for scores, truth in zip(held_out.values.T, held_out.truth.T, strict=True)]
    )
    known = held_out.truth.any(axis=0)
    common = float(_GRID[int(gains[known].mean(axis=0).argmax())]) if known.any() else _MOST
    own = np.where(known, _GRID[gains.argmax(axis=1)], common)
    chosen: Scores = np.clip((own + common) / 2, _LEAST, _MOST)
    return chosen


def _gains(scores: Scores, truth: Truth, costs: Scores) -> Scores:
    """F1 less the cost of the lines found, at each threshold of the grid."""
    order = np.argsort(-scores, kind="stable")
    found = len(scores) - np.searchsorted(np.sort(scores), _GRID, side="left")
    right = np.concatenate([[0], np.cumsum(truth[order])])[found]
    cost = np.concatenate([[0.0], np.cumsum(costs[order])])[found]
    gains: Scores = 2 * right / np.maximum(found + int(truth.sum()), 1) - cost
    return gains


def false_alarms(held_out: HeldOut, limits: Scores) -> dict[str, float]:
    """Of the allowed, of the hosts' ordinary and of everyday lines, the share with a label found."""
    flagged: Truth = np.any(held_out.values >= limits, axis=1)
    kinds = np.array([line.kind for line in held_out.lines])
    return {kind: float(flagged[kinds == kind].mean()) for kind in _ALLOWED if (kinds == kind).any()}


def figures(held_out: HeldOut, limits: Scores) -> dict[str, float]:
    """Macro precision, recall and F1, and false alarms, at these thresholds."""
    found, truth = held_out.values >= limits, held_out.truth
    right = (found & truth).sum(axis=0)
    known = truth.any(axis=0)
    f1 = 2 * right / np.maximum(found.sum(axis=0) + truth.sum(axis=0), 1)
    told = {
        "precision": float((right / np.maximum(found.sum(axis=0), 1))[known].mean()),
        "recall": float((right / np.maximum(truth.sum(axis=0), 1))[known].mean()),
        "f1": float(f1[known].mean()),
    } | false_alarms(held_out, limits)
    return {name: round(value, 4) for name, value in told.items()}


def trade_off(chosen_on: HeldOut, shown_on: HeldOut) -> Iterator[dict[str, Any]]:
    """What fewer false alarms cost."""
    for near_miss, ordinary in ((0.02, 0.002), (0.02, 0.01), (0.05, 0.01), (0.05, 0.05), (0.1, 0.05), (1.0, 1.0)):
        limits = thresholds(chosen_on, Aims(near_miss, ordinary))
        yield {"near_miss_aim": near_miss, "ordinary_aim": ordinary, **figures(shown_on, limits)}


def named(labels: Sequence[str], values: Sequence[float]) -> Mapping[str, float]:
    """Numbers by label, short enough to be read."""
    return {label: round(float(value), 4) for label, value in zip(labels, values, strict=True)}
