"""Which characters carry a claim: per-character weights reduced to one window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]

COST = 0.1
"""What a character must weigh to be taken in, as a share of the mean of those that weigh anything at all."""

_REACH = {True: 25, False: 9}
"""Over how many characters weights are smoothed, about four words of letters (ASCII) and of Han: a claim is a
phrase, not the characters by which it is known. These and COST give the best overlap on the validation split."""


def window(text: str, weights: Weights, cost: float = COST) -> tuple[int, int]:
    """The span [start, end) of ``text`` with the highest sum of smoothed weights less ``cost``; never empty.

    ``weights`` has one number per code point of the text, which must not be empty. No spaces stand at the
    ends of the span, unless the text is nothing else.
    """
    weights = _smooth(weights, _REACH[text.isascii()])
    above = weights[weights > 0]
    if not len(above):
        return _trimmed(text, 0, len(text))
    start, end = _best(weights - cost * above.mean())
    return _trimmed(text, start, end)


def _smooth(weights: Weights, reach: int) -> Weights:
    """Running means; shorter texts are left as they are."""
    return np.convolve(weights, np.full(reach, 1 / reach), "same") if len(weights) > reach else weights


def _best(values: Weights) -> tuple[int, int]:
    """The part with the highest sum (Kadane), by running sums; at least one value long."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums[:-1])
    end = int(np.argmax(sums[1:] - lowest)) + 1
    return int(np.argmin(sums[:end])), end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    if not part.strip():
        return start, end
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def spread(parts: NDArray[np.floating], spans: NDArray[np.int64], length: int) -> Weights:
    """Numbers of spans to numbers of code points: each in equal shares, by differences of a running sum."""
    steps = np.zeros(length + 1)
    sizes = spans[:, 1] - spans[:, 0]
    some = sizes > 0
    shares = parts[some] / sizes[some]
    np.add.at(steps, spans[some, 0], shares)
    np.subtract.at(steps, spans[some, 1], shares)
    return np.cumsum(steps)[:length]
