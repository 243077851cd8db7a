"""Trains the linear classifier: one softmax per language over the labels and none, on TF-IDF of n-grams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

from models.labelled import Line
from models.linear import VARIANTS, WEIGHTS, Weighed, log_odds, logits
from models.manifest import LANGUAGES, Language, Scores
from models.ngrams import VIEWS, Grams, Vocabulary, grams, script_of
from models.results import Text
from models.training.augment import copies, in_company
from models.training.calibrate import truth_of
from models.variants import Variants, load_variants


@dataclass(frozen=True, slots=True)
class Settings:
    """How the linear model is trained; each was chosen on the validation split.

    ``penalty`` is the weight of the squared weights; ``near_miss``, ``ordinary``, ``everyday``, ``copy`` and
    ``heard`` are what an allowed line, a host's ordinary talk, anybody's talk, a spoilt copy and a copy as heard
    count, where any other line counts 1; ``copies`` and ``company`` are the shares of lines copied spoilt and
    with other lines before them.
    """

    fewest_lines: int = 2
    penalty: float = 0.1
    iterations: int = 40
    near_miss: float = 1.7
    ordinary: float = 2.5
    copies: float = 0.3
    company: float = 0.5
    copy: float = 0.5
    heard: float = 0.5
    everyday: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """What was learnt, before it is written."""

    of: Mapping[Language, Weighed]
    variants: Variants

    def margins(self, lines: Sequence[Line]) -> Scores:
        """[lines, labels]"""
        width = next(iter(self.of.values())).bias.shape[0] - 1
        found = np.zeros((len(lines), width))
        for language in LANGUAGES:
            rows = [row for row, line in enumerate(lines) if script_of(text_of(line)) == language]
            if rows:
                known = _grams([lines[row] for row in rows], language, self.variants)
                found[rows] = log_odds(logits(known, self.of[language], len(rows)))
        return found

    def save(self, folder: Path, variants: Path) -> list[str]:
        """Write weights of a byte each, and the variants they were trained with; the names of the files."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for language, (vocabulary, weights, bias) in self.of.items():
            scales = (np.abs(weights).max(axis=1) / 127).astype(np.float16)
            whole = np.maximum(scales.astype(np.float32), np.float32(1e-7))[:, None]
            arrays |= {
                f"{language}.keys": vocabulary.keys,
                f"{language}.views": vocabulary.views.astype(np.uint8),
                f"{language}.idf": vocabulary.idf.astype(np.float16),
                f"{language}.weights": np.clip(np.round(weights / whole), -127, 127).astype(np.int8),
                f"{language}.scales": scales,
                f"{language}.bias": bias,
            }
        np.savez_compressed(folder / WEIGHTS, allow_pickle=False, **arrays)
        copyfile(variants, folder / VARIANTS)
        return [WEIGHTS, VARIANTS]


def text_of(line: Line) -> Text:
    """What a classifier is asked about a line."""
    return Text(text=line.text, before=line.before, language=line.lang)


def train(lines: Sequence[Line], labels: Sequence[str], variants: Path, settings: Settings) -> NgramModel:
    """Learn from these lines and spoilt copies of some of them. Lines with ``avg_logprob`` are copies as heard."""
    read = load_variants(variants)
    of = {}
    for language in LANGUAGES:
        mine = [line for line in lines if script_of(text_of(line)) == language]
        of[language] = _learnt(mine, labels, language, read, settings)
    return NgramModel(of, read)


def _learnt(
    lines: Sequence[Line], labels: Sequence[str], language: Language, variants: Variants, settings: Settings
) -> Weighed:
    written = [line for line in lines if line.avg_logprob is None]
    heard = [line for line in lines if line.avg_logprob is not None]
    spoilt = copies(written, settings.copies, settings.seed)
    more = [*spoilt, *in_company(heard, 1.0, settings.seed), *in_company(written, settings.company, settings.seed)]
    known = _grams(written, language, variants)
    vocabulary = _vocabulary(known, len(written), language, settings.fewest_lines)
    rows = [*written, *more]
    inputs = _matrix([known, _grams(more, language, variants)], [len(written), len(more)], vocabulary)
    counts = np.array([_counts(line, settings) for line in rows])
    counts[len(written) : len(written) + len(spoilt)] *= settings.copy
    weights, bias = _softmax(inputs, truth_of(rows, labels), counts, settings)
    return Weighed(vocabulary, weights, bias)


def _counts(line: Line, settings: Settings) -> float:
    """How much a line counts."""
    kinds = {"near_miss": settings.near_miss, "clean": settings.ordinary, "everyday": settings.everyday}
    return kinds.get(line.kind, 1.0) * (settings.heard if line.avg_logprob is not None else 1.0)


def _grams(lines: Sequence[Line], language: Language, variants: Variants) -> Grams:
    return grams([text_of(line) for line in lines], VIEWS[language], variants)


def _vocabulary(known: Grams, lines: int, language: Language, fewest: int) -> Vocabulary:
    """The n-grams that stand in enough lines; an n-gram of all lines weighs 1."""
    keys, first, where = np.unique(known.keys, return_index=True, return_inverse=True)
    in_lines = np.unique(where * np.int64(lines) + known.rows) // lines
    frequency = np.bincount(in_lines, minlength=len(keys))
    kept = frequency >= fewest
    idf = np.log((1 + lines) / (1 + frequency[kept])) + 1
    shares = np.array([view.share for view in VIEWS[language]], np.float32)
    return Vocabulary(keys[kept], known.views[first][kept], idf.astype(np.float32), shares)


def _matrix(parts: Sequence[Grams], sizes: Sequence[int], vocabulary: Vocabulary) -> csr_matrix:
    made = [vocabulary.vectors(part) for part in parts]
    offsets = np.cumsum([0, *sizes[:-1]])
    rows = np.concatenate([one.rows + offset for one, offset in zip(made, offsets, strict=True)])
    columns = np.concatenate([one.columns for one in made])
    values = np.concatenate([one.values for one in made])
    return csr_matrix((values, (rows, columns)), shape=(sum(sizes), len(vocabulary.keys)))


def _softmax(
    inputs: csr_matrix, truth: NDArray[np.bool_], counts: NDArray[np.float64], settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [n-grams, labels + 1] and bias, by L-BFGS. A line of several labels is a share of each.

    Stopping early is meant: it generalises better. Single precision is a quarter of the time.
    """
    targets = np.column_stack([truth, ~truth.any(axis=1)]).astype(np.float32)
    loss = _Loss(
        inputs.astype(np.float32),
        inputs.T.tocsr().astype(np.float32),
        targets / targets.sum(axis=1, keepdims=True),
        counts.astype(np.float32)[:, None],
        np.float32(settings.penalty),
    )
    start = np.zeros((inputs.shape[1] + 1) * targets.shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": settings.iterations})
    learnt = found.x.astype(np.float32).reshape(-1, targets.shape[1])
    return learnt[:-1], learnt[-1]


class _Loss(NamedTuple):
    """Cross-entropy of weighted lines and the squared weights; ``across`` is ``inputs`` turned on its side."""

    inputs: csr_matrix
    across: csr_matrix
    targets: NDArray[np.float32]
    counts: NDArray[np.float32]
    penalty: np.float32

    def __call__(self, flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The loss and its gradient at weights and bias, all in one row."""
        weights = flat.astype(np.float32).reshape(-1, self.targets.shape[1])
        outputs = self.inputs @ weights[:-1] + weights[-1]
        outputs -= outputs.max(axis=1, keepdims=True)
        powers = np.exp(outputs)
        sums = powers.sum(axis=1, keepdims=True)
        each = self.counts * (np.log(sums) - (self.targets * outputs).sum(axis=1, keepdims=True))
        loss = each.sum(dtype=np.float64) + 0.5 * self.penalty * np.square(weights[:-1]).sum(dtype=np.float64)
        wrong = self.counts * (powers / sums - self.targets)
        gradient = np.concatenate([self.across @ wrong + self.penalty * weights[:-1], wrong.sum(axis=0)[None]])
        return float(loss), gradient.ravel().astype(np.float64)
