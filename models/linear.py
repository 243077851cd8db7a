"""N-grams with one weight per label, per language: the claim classifier that ships. Needs numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.manifest import LANGUAGES, ClassifierError, Language, Scores
from models.ngrams import VIEWS, Grams, Vocabulary, grams, script_of
from models.pieces import by_script
from models.results import Text
from models.spans import spread
from models.variants import VariantsError, load_variants

WEIGHTS = "weights.npz"
VARIANTS = "variants.yaml"


class Weighed(NamedTuple):
    """What a linear model knows of a language: its n-grams and what each speaks for each label.

    ``weights`` is [n-grams, labels + 1]; the last column is for no claim at all, as ``bias`` [labels + 1].
    """

    vocabulary: Vocabulary
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


class Linear:
    """Softmax over the labels and none, on n-grams: what speaks for one label speaks against the others."""

    def __init__(self, folder: Path, labels: int) -> None:
        """Read the weights of a folder, for so many labels. Raises ClassifierError where they are broken."""
        self._labels = labels
        try:
            self._variants = load_variants(folder / VARIANTS)
            with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
                self._of = {language: _weighed(arrays, language, labels) for language in LANGUAGES}
        except (VariantsError, OSError, ValueError, KeyError) as error:
            raise ClassifierError(f"{folder}: the weights cannot be used: {error}") from error

    def margins(self, texts: Sequence[Text]) -> Scores:
        """[texts, labels]: the log-odds of each label under the softmax."""
        margins = np.zeros((len(texts), self._labels))
        for language, rows in by_script(texts):
            of = self._of[language]
            margins[rows] = log_odds(logits(self._grams([texts[row] for row in rows], language), of, len(rows)))
        return margins

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        """What each code point of a text speaks for a label, for each wanted (text, label)."""
        return [self._spoken(texts[row], label) for row, label in wanted]

    def _spoken(self, text: Text, label: int) -> Scores:
        """Each n-gram's part in the margin, spread over the characters it covers."""
        language = script_of(text)
        of = self._of[language]
        found = self._grams([text], language)
        vectors = of.vocabulary.vectors(found)
        gain = of.weights[vectors.columns]
        parts = vectors.values * (gain[:, label] - gain.mean(axis=1)) / vectors.counts
        known, columns = of.vocabulary.places(found)
        return spread(parts[np.searchsorted(vectors.columns, columns)], found.spans[known], len(text.text))

    def _grams(self, texts: Sequence[Text], language: Language) -> Grams:
        return grams(texts, VIEWS[language], self._variants)


def _weighed(arrays: Any, language: str, labels: int) -> Weighed:
    """The arrays of a language, unpacked. Raises ValueError where their shapes do not fit together."""
    keys, weights = arrays[f"{language}.keys"], arrays[f"{language}.weights"]
    scales, bias = arrays[f"{language}.scales"], arrays[f"{language}.bias"]
    views, idf = arrays[f"{language}.views"], arrays[f"{language}.idf"]
    if {len(keys)} != {len(weights), len(scales), len(views), len(idf)} or not len(keys):
        raise ValueError(f"{language}: the arrays are of different lengths")
    if weights.shape[1:] != (labels + 1,) or bias.shape != (labels + 1,):
        raise ValueError(f"{language}: weights for {weights.shape[1] - 1} labels instead of {labels}")
    shares = np.array([view.share for view in VIEWS[language]], np.float32)
    vocabulary = Vocabulary(keys, views.astype(np.int64), idf.astype(np.float32), shares)
    return Weighed(vocabulary, weights * scales.astype(np.float32)[:, None], bias.astype(np.float32))


def logits(found: Grams, of: Weighed, texts: int) -> Scores:
    """Softmax inputs of so many texts by their n-grams, [texts, labels + 1]."""
    vectors = of.vocabulary.vectors(found)
    inputs = np.tile(of.bias.astype(np.float64), (texts, 1))
    if len(vectors.rows):
        rows, first = np.unique(vectors.rows, return_index=True)
        spoken = of.weights[vectors.columns] * vectors.values[:, None]
        inputs[rows] += np.add.reduceat(spoken, first, axis=0)
    return inputs


def log_odds(inputs: Scores) -> Scores:
    """The log-odds of each label under the softmax of ``inputs``, whose last column stands for no label."""
    shifted = inputs - inputs.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    others = powers.sum(axis=1, keepdims=True) - powers
    odds: Scores = shifted - np.log(np.maximum(others, 1e-12))
    return odds[:, :-1]
