"""The second finder: a model that has learnt from labelled lines what is a claim and what only sounds like one.

A folder holds model.json (see models/manifest.py) beside its weights. Three kinds stand behind one
``ClaimClassifier``: n-grams with one weight per label, which needs numpy alone; any encoder of transformers,
for which alone torch is loaded; and the mean of several.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from models.encoders import Device, Encoder, Precision
from models.linear import Linear
from models.manifest import LANGUAGES, ClassifierError, Language, Manifest, Scale, Scores, read_manifest
from models.ngrams import script_of
from models.pieces import Piece, by_script, pieces
from models.results import Found, Judged, Text
from models.spans import window

__all__ = ["ClaimClassifier", "ClassifierError", "Device", "Precision"]

_BATCH = 256


class Scorer(Protocol):
    """What was learnt, before calibration."""

    def margins(self, texts: Sequence[Text], /) -> Scores:
        """[texts, labels]: the higher, the surer."""

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]], /) -> list[Scores]:
        """What each code point of a text speaks for a label, for each wanted (text, label)."""


class ClaimClassifier:
    """Texts to claims. Immutable, so that a reload is the swap of one reference."""

    def __init__(self, manifest: Manifest, scorer: Scorer) -> None:
        self.labels = manifest.labels
        self.version = manifest.version
        self.scorer = scorer
        self._veto = manifest.veto
        self._scales = {language: manifest.scale(language) for language in LANGUAGES}

    @staticmethod
    def load(
        folder: Path | str, labels: Collection[str], device: Device = "auto", precision: Precision = "auto"
    ) -> ClaimClassifier:
        """The classifier of a folder; ``labels`` are those of the taxonomy that text can show.

        ``device`` and ``precision`` are for transformers: auto is a GPU where there is one, bfloat16 on it and
        float32 elsewhere. Raises ClassifierError for a folder without thresholds, of other labels, or whose
        weights are broken.
        """
        path = Path(folder)
        manifest = read_manifest(path, labels)
        match manifest.kind:
            case "linear":
                return ClaimClassifier(manifest, Linear(path, len(manifest.labels)))
            case "transformer":
                return ClaimClassifier(manifest, Encoder(path, len(manifest.labels), device, precision))
            case "averaged":
                parts = [ClaimClassifier.load(path / part, labels, device, precision) for part in manifest.parts]
                return ClaimClassifier(manifest, Mean(parts, manifest.labels, path))

    def with_thresholds(self, wanted: Mapping[str, float]) -> Self:
        """The same classifier, weights shared, with other thresholds for some labels in every language.

        What was doubtfully heard never needs less than what was written.
        """
        other = copy(self)
        other._scales = {language: self._scaled(scale, wanted) for language, scale in self._scales.items()}
        return other

    def _scaled(self, scale: Scale, wanted: Mapping[str, float]) -> Scale:
        pairs = list(zip(self.labels, scale.thresholds, scale.heard, strict=True))
        written = np.array([wanted.get(label, own) for label, own, _ in pairs])
        heard = np.array([max(own, wanted.get(label, own)) for label, _, own in pairs])
        return replace(scale, thresholds=written, heard=heard)

    def thresholds(self, language: Language) -> dict[str, float]:
        """What the score of each label must reach in a language."""
        return dict(zip(self.labels, map(float, self._scales[language].thresholds), strict=True))

    def predict(self, texts: Sequence[Text]) -> list[list[Found]]:
        """For each text the labels whose score reaches the threshold, surest first, and the words that carry them.

        A text that was doubtfully heard needs a higher score: see ``Text.doubt``.
        """
        return [list(one.found) for one in self.judge(texts)]

    def judge(self, texts: Sequence[Text]) -> list[Judged]:
        """``predict``, and the labels that each text has surely not."""
        parts = [piece for number, text in enumerate(texts) for piece in pieces(text, number)]
        best: list[dict[str, Found]] = [{} for _ in texts]
        highest = np.zeros((len(texts), len(self.labels)))
        for at in range(0, len(parts), _BATCH):
            batch = parts[at : at + _BATCH]
            scores = self.calibrated([piece.of for piece in batch])
            np.maximum.at(highest, [piece.text for piece in batch], scores)
            for piece, found in self._found(batch, scores):
                known = best[piece.text].get(found.label)
                if known is None or found.score > known.score:
                    best[piece.text][found.label] = found
        return [self._judged(found.values(), row) for found, row in zip(best, highest, strict=True)]

    def _judged(self, found: Iterable[Found], highest: Scores) -> Judged:
        out = frozenset(label for label, score in zip(self.labels, highest, strict=True) if score < self._veto)
        return Judged(tuple(sorted(found, key=lambda one: (-one.score, one.start, one.label))), out)

    def scores(self, texts: Sequence[Text]) -> Scores:
        """The calibrated score of every label, [texts, labels], whatever the thresholds; of its surest piece."""
        scores = np.zeros((len(texts), len(self.labels)))
        parts = [piece for number, text in enumerate(texts) for piece in pieces(text, number)]
        for at in range(0, len(parts), _BATCH):
            batch = parts[at : at + _BATCH]
            np.maximum.at(scores, [piece.text for piece in batch], self.calibrated([piece.of for piece in batch]))
        return scores

    def calibrated(self, texts: Sequence[Text]) -> Scores:
        """Scores of texts that are short enough to be read at once, [texts, labels]."""
        margins = self.scorer.margins(texts)
        scores = np.zeros_like(margins)
        for language, rows in by_script(texts):
            scores[rows] = self._scales[language].scores(margins[rows])
        return scores

    def _found(self, parts: Sequence[Piece], scores: Scores) -> Iterator[tuple[Piece, Found]]:
        texts = [piece.of for piece in parts]
        thresholds = self._thresholds(texts)
        wanted = [(int(row), int(label)) for row, label in np.argwhere(scores >= thresholds)]
        weights = self.scorer.weights(texts, wanted) if wanted else []
        for (row, label), carried in zip(wanted, weights, strict=True):
            piece = parts[row]
            start, end = window(piece.of.text, carried)
            yield (
                piece,
                Found(
                    label=self.labels[label],
                    score=float(scores[row, label]),
                    threshold=float(thresholds[row, label]),
                    finder="classifier",
                    start=piece.start + start,
                    end=piece.start + end,
                    normalised=piece.of.text[start:end],
                ),
            )

    def _thresholds(self, texts: Sequence[Text]) -> Scores:
        each = [self._scales[script_of(text)].needed(text.doubt) for text in texts]
        return np.array(each).reshape(-1, len(self.labels))


class Mean:
    """The mean of the calibrated log-odds of several classifiers; the first says which words carry a claim."""

    def __init__(self, parts: Sequence[ClaimClassifier], labels: Sequence[str], folder: Path) -> None:
        """Raises ClassifierError where the parts are not all of these labels in this order."""
        if not parts or any(list(part.labels) != list(labels) for part in parts):
            raise ClassifierError(f"{folder}: its parts must be of the same labels in the same order")
        self._parts = tuple(parts)

    def margins(self, texts: Sequence[Text]) -> Scores:
        """[texts, labels]"""
        each = [_logit(part.calibrated(texts)) for part in self._parts]
        return reduce(np.add, each) / len(each)

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        """Those of the first."""
        return self._parts[0].scorer.weights(texts, wanted)


def _logit(scores: Scores) -> Scores:
    odds: Scores = np.log(scores) - np.log1p(-scores)
    return odds
