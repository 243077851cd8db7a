"""From margins on held-out lines to probabilities, and to thresholds for a wanted precision."""

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

_FEWEST = 3
"""A precision counts where at least so many lines were found."""

_MOST, _LEAST = 0.98, 0.05


class Aims(NamedTuple):
    """What thresholds are chosen for: precision of each label, shares of allowed and of ordinary lines flagged."""

    precision: float = 0.9
    near_miss: float = 0.05
    ordinary: float = 0.01


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
    """What each label's score must reach: for the wanted precision, and then for the shares of false alarms.

    Where no threshold has the precision, the one with the highest F0.5 counts. A common floor is raised
    until allowed and ordinary lines are flagged as seldom as wanted.
    """
    of = zip(held_out.values.T, held_out.truth.T, strict=True)
    each = np.array([_threshold(scores, truth, aims.precision) for scores, truth in of])
    chosen: Scores = np.clip(np.maximum(each, _floor(held_out, each, aims)), _LEAST, _MOST)
    return chosen


def _threshold(scores: Scores, truth: Truth, precision: float) -> float:
    cuts, right, found = _cuts(scores, truth)
    reached = np.flatnonzero((right / found >= precision) & (found >= _FEWEST))
    if len(reached):
        return float(cuts[reached[-1]])
    f_half = 1.25 * right / (found + 0.25 * max(int(truth.sum()), 1))
    return float(cuts[int(np.argmax(f_half))])


def _cuts(scores: Scores, truth: Truth) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64]]:
    """Each score as a threshold, highest first; how many are right and how many are found there."""
    order = np.argsort(-scores, kind="stable")
    return scores[order], np.cumsum(truth[order]), np.arange(1, len(order) + 1)


def _floor(held_out: HeldOut, each: Scores, aims: Aims) -> float:
    floors = np.arange(0.0, _MOST, 0.01)
    for floor in floors:
        wrong = false_alarms(held_out, np.maximum(each, floor))
        if wrong.get("near_miss", 0.0) <= aims.near_miss and wrong.get("clean", 0.0) <= aims.ordinary:
            return float(floor)
    return float(floors[-1])


def false_alarms(held_out: HeldOut, limits: Scores) -> dict[str, float]:
    """Of the allowed and of the ordinary lines, the share with a label found."""
    flagged: Truth = np.any(held_out.values >= limits, axis=1)
    kinds = np.array([line.kind for line in held_out.lines])
    return {kind: float(flagged[kinds == kind].mean()) for kind in ("near_miss", "clean") if (kinds == kind).any()}


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


def trade_off(chosen_on: HeldOut, shown_on: HeldOut, aims: Aims) -> Iterator[dict[str, Any]]:
    """What each wanted precision costs and brings, with and without the aims for false alarms."""
    for precision in (0.6, 0.7, 0.8, 0.9, 0.95):
        for held in (Aims(precision, 1.0, 1.0), aims._replace(precision=precision)):
            limits = thresholds(chosen_on, held)
            yield {"wanted_precision": precision, "near_miss_aim": held.near_miss, **figures(shown_on, limits)}


def named(labels: Sequence[str], values: Sequence[float]) -> Mapping[str, float]:
    """Numbers by label, short enough to be read."""
    return {label: round(float(value), 4) for label, value in zip(labels, values, strict=True)}
