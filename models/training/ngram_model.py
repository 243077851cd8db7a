"""Trains the linear classifier: one softmax per language over the labels and none, on TF-IDF of n-grams."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from models.classifier import VARIANTS, WEIGHTS, Weighed, log_odds, logits
from models.labelled import Line
from models.manifest import LANGUAGES, Language, Scores
from models.ngrams import VIEWS, Grams, Vocabulary, grams, script_of
from models.normalise import Variants, load_variants
from models.results import Text
from models.training.augment import copies, in_company
from models.training.calibrate import truth_of


@dataclass(frozen=True, slots=True)
class Settings:
    """How the linear model is trained; each was chosen on the validation split.

    ``penalty`` is the weight of the squared weights; ``near_miss``, ``ordinary`` and ``copy`` are what an
    allowed line, ordinary talk and a spoilt copy count, where any other line counts 1; ``copies`` and
    ``company`` are the shares of lines copied spoilt and with other lines before them.
    """

    fewest_lines: int = 2
    penalty: float = 0.1
    iterations: int = 40
    near_miss: float = 1.7
    ordinary: float = 2.5
    copies: float = 0.3
    company: float = 0.5
    copy: float = 0.5
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
    """Learn from these lines and spoilt copies of some of them."""
    read = load_variants(variants)
    of = {}
    for language in LANGUAGES:
        mine = [line for line in lines if script_of(text_of(line)) == language]
        of[language] = _learnt(mine, labels, language, read, settings)
    return NgramModel(of, read)


def _learnt(
    lines: Sequence[Line], labels: Sequence[str], language: Language, variants: Variants, settings: Settings
) -> Weighed:
    spoilt = copies(lines, settings.copies, settings.seed)
    more = [*spoilt, *in_company(lines, settings.company, settings.seed)]
    known = _grams(lines, language, variants)
    vocabulary = _vocabulary(known, len(lines), language, settings.fewest_lines)
    rows = [*lines, *more]
    inputs = _matrix([known, _grams(more, language, variants)], [len(lines), len(more)], vocabulary)
    counts = np.ones(len(rows))
    counts[len(lines) : len(lines) + len(spoilt)] = settings.copy
    hard = {"near_miss": settings.near_miss, "clean": settings.ordinary}
    counts *= np.array([hard.get(line.kind, 1.0) for line in rows])
    weights, bias = _softmax(inputs, truth_of(rows, labels), counts, settings)
    return Weighed(vocabulary, weights, bias)


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
    """Weights [n-grams, labels + 1] and bias. A line of several labels counts as a share of a line of each."""
    targets = np.column_stack([truth, ~truth.any(axis=1)])
    rows, classes = np.nonzero(targets)
    counts = (counts / targets.sum(axis=1))[rows]
    model = LogisticRegression(C=1 / settings.penalty, max_iter=settings.iterations, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant: it generalises better
        model.fit(inputs[rows], classes, sample_weight=counts)
    weights = np.zeros((inputs.shape[1], targets.shape[1]), np.float32)
    bias = np.full(targets.shape[1], -20.0, np.float32)  # of a label without lines
    weights[:, model.classes_] = model.coef_.T
    bias[model.classes_] = model.intercept_
    return weights, bias
