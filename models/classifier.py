"""The second finder: a model that has learnt from labelled lines what is a claim and what only sounds like one.

A folder holds model.json (see models/manifest.py) beside its weights. Three kinds stand behind one
``ClaimClassifier``: n-grams with one weight per label, which needs numpy alone; any encoder of transformers,
for which alone torch is loaded; and the mean of several.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.manifest import LANGUAGES, ClassifierError, Language, Manifest, Scale, Scores, read_manifest
from models.ngrams import VIEWS, Grams, Vocabulary, grams, script_of
from models.normalise import VariantsError, load_variants
from models.results import Found, Text
from models.spans import window

__all__ = ["ClaimClassifier", "ClassifierError", "Device", "Precision"]

WEIGHTS = "weights.npz"
VARIANTS = "variants.yaml"

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]

_LONGEST = {"zh": 60, "en": 200}
"""Longer texts are read in pieces of at most so many code points, about as long as an utterance: in a longer one
what is no claim would drown what is."""

_OVERLAP = 12
"""Where nothing tells a piece's end, so many code points also begin the next, lest a claim be cut in two."""

_BATCH = 256
_ENDS = (re.compile(r"[。！？!?；;\n]|\.(?=\s)"), re.compile(r"[，,、]"), re.compile(r"\s"))
_SURROGATES = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """A part of a text that is read at once; it begins at code point ``start`` of the text numbered ``text``."""

    of: Text
    start: int
    text: int


class ClaimClassifier(ABC):
    """Texts to claims. Immutable, so that a reload is the swap of one reference."""

    def __init__(self, manifest: Manifest) -> None:
        self.labels = manifest.labels
        self.version = manifest.version
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
                return LinearClassifier(manifest, path)
            case "transformer":
                return TransformerClassifier(manifest, path, device, precision)
            case "averaged":
                parts = [ClaimClassifier.load(path / part, labels, device, precision) for part in manifest.parts]
                return Averaged(manifest, parts, path)

    def with_thresholds(self, wanted: Mapping[str, float]) -> Self:
        """The same classifier, weights shared, with other thresholds for some labels in every language."""
        other = copy(self)
        other._scales = {language: self._scaled(scale, wanted) for language, scale in self._scales.items()}
        return other

    def _scaled(self, scale: Scale, wanted: Mapping[str, float]) -> Scale:
        pairs = zip(self.labels, scale.thresholds, strict=True)
        return replace(scale, thresholds=np.array([wanted.get(label, float(own)) for label, own in pairs]))

    def thresholds(self, language: Language) -> dict[str, float]:
        """What the score of each label must reach in a language."""
        return dict(zip(self.labels, map(float, self._scales[language].thresholds), strict=True))

    def predict(self, texts: Sequence[Text]) -> list[list[Found]]:
        """For each text the labels whose score reaches the threshold, surest first, and the words that carry them."""
        pieces = [piece for number, text in enumerate(texts) for piece in _pieces(text, number)]
        best: list[dict[str, Found]] = [{} for _ in texts]
        for at in range(0, len(pieces), _BATCH):
            for piece, found in self._found(pieces[at : at + _BATCH]):
                known = best[piece.text].get(found.label)
                if known is None or found.score > known.score:
                    best[piece.text][found.label] = found
        return [sorted(one.values(), key=lambda found: (-found.score, found.start, found.label)) for one in best]

    def scores(self, texts: Sequence[Text]) -> Scores:
        """The calibrated score of every label, [texts, labels], whatever the thresholds; of its surest piece."""
        scores = np.zeros((len(texts), len(self.labels)))
        pieces = [piece for number, text in enumerate(texts) for piece in _pieces(text, number)]
        for at in range(0, len(pieces), _BATCH):
            batch = pieces[at : at + _BATCH]
            np.maximum.at(scores, [piece.text for piece in batch], self._scores([piece.of for piece in batch]))
        return scores

    def _found(self, pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Found]]:
        texts = [piece.of for piece in pieces]
        scores = self._scores(texts)
        thresholds = self._thresholds(texts)
        wanted = [(int(row), int(label)) for row, label in np.argwhere(scores >= thresholds)]
        weights = self.weights(texts, wanted) if wanted else []
        for (row, label), carried in zip(wanted, weights, strict=True):
            piece = pieces[row]
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

    def _scores(self, texts: Sequence[Text]) -> Scores:
        """Calibrated scores of texts that are short enough to be read at once."""
        margins = self.margins(texts)
        scores = np.zeros_like(margins)
        for language, rows in _by_script(texts):
            scores[rows] = self._scales[language].scores(margins[rows])
        return scores

    def _thresholds(self, texts: Sequence[Text]) -> Scores:
        return np.array([self._scales[script_of(text)].thresholds for text in texts]).reshape(-1, len(self.labels))

    @abstractmethod
    def margins(self, texts: Sequence[Text]) -> Scores:
        """Before calibration, [texts, labels]: the higher, the surer."""

    @abstractmethod
    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        """What each code point of a text speaks for a label, for each wanted (text, label)."""


def _pieces(text: Text, number: int) -> Iterator[Piece]:
    """A text in parts, each with what stands before it. A text of nothing has none."""
    start, before = 0, text.before
    longest = _LONGEST[script_of(text)]
    while start < len(text.text):
        end, following = _cut(text.text, start, longest)
        part = text.text[start:end]
        if part.strip():
            yield Piece(Text(text=part, before=before, language=text.language), start, number)
            before = (*before[-2:], part)
        start = following


def _cut(text: str, start: int, longest: int) -> tuple[int, int]:
    """Where the piece that begins at ``start`` ends, and where the next one begins."""
    full = start + longest
    if full >= len(text):
        return len(text), len(text)
    for kind in _ENDS:
        ends = [match.end() for match in kind.finditer(text, start + longest // 2, full)]
        if ends:
            return ends[-1], ends[-1]
    return full, full - _OVERLAP


def _by_script(texts: Sequence[Text]) -> Iterator[tuple[Language, list[int]]]:
    for language in LANGUAGES:
        if rows := [row for row, text in enumerate(texts) if script_of(text) == language]:
            yield language, rows


# N-grams --------------------------------------------------------------------------------------------------------------


class Weighed(NamedTuple):
    """What a linear model knows of a language: its n-grams and what each speaks for each label.

    ``weights`` is [n-grams, labels + 1]; the last column is for no claim at all, as ``bias`` [labels + 1].
    """

    vocabulary: Vocabulary
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


class LinearClassifier(ClaimClassifier):
    """Softmax over the labels and none, on n-grams: what speaks for one label speaks against the others."""

    def __init__(self, manifest: Manifest, folder: Path) -> None:
        super().__init__(manifest)
        try:
            self._variants = load_variants(folder / VARIANTS)
            with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
                self._of = {language: _weighed(arrays, language, len(self.labels)) for language in LANGUAGES}
        except (VariantsError, OSError, ValueError, KeyError) as error:
            raise ClassifierError(f"{folder}: the weights cannot be used: {error}") from error

    def margins(self, texts: Sequence[Text]) -> Scores:
        margins = np.zeros((len(texts), len(self.labels)))
        for language, rows in _by_script(texts):
            of = self._of[language]
            margins[rows] = log_odds(logits(self._grams([texts[row] for row in rows], language), of, len(rows)))
        return margins

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
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
        return _spread(parts[np.searchsorted(vectors.columns, columns)], found.spans[known], len(text.text))

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


def _spread(parts: NDArray[np.float32], spans: NDArray[np.int64], length: int) -> Scores:
    """Numbers of spans to numbers of code points: each in equal shares, by differences of a running sum."""
    steps = np.zeros(length + 1)
    sizes = spans[:, 1] - spans[:, 0]
    some = sizes > 0
    shares = parts[some] / sizes[some]
    np.add.at(steps, spans[some, 0], shares)
    np.subtract.at(steps, spans[some, 1], shares)
    return np.cumsum(steps)[:length]


# Transformers ---------------------------------------------------------------------------------------------------------


class TransformerClassifier(ClaimClassifier):
    """Any sequence classification model of transformers with one output per label."""

    def __init__(
        self, manifest: Manifest, folder: Path, device: Device = "auto", precision: Precision = "auto"
    ) -> None:
        super().__init__(manifest)
        self._torch, transformers = _libraries()
        cuda = device == "cuda" or (device == "auto" and self._torch.cuda.is_available())
        half = precision == "bfloat16" or (precision == "auto" and cuda)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, dtype=self._torch.bfloat16 if half else self._torch.float32
            )
        except (OSError, ValueError, KeyError, RuntimeError, _broken()) as error:
            raise ClassifierError(f"{folder}: the weights cannot be used: {error}") from error
        if model.config.num_labels != len(self.labels):
            raise ClassifierError(f"{folder}: {model.config.num_labels} outputs for {len(self.labels)} labels")
        self._model = model.to("cuda" if cuda else "cpu").eval().requires_grad_(False)
        self._longest = min(getattr(model.config, "max_position_embeddings", 514) - 2, 256)
        self._batch = 128 if cuda else 16

    def margins(self, texts: Sequence[Text]) -> Scores:
        """Batches of texts of about the same length."""
        margins = np.zeros((len(texts), len(self.labels)))
        order = sorted(range(len(texts)), key=lambda row: len(texts[row].text) + sum(map(len, texts[row].before)))
        with self._torch.inference_mode():
            for at in range(0, len(order), self._batch):
                rows = order[at : at + self._batch]
                logits = self._model(**self._tokens([texts[row] for row in rows])).logits
                margins[rows] = logits.float().cpu().numpy()
        return margins

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        """Gradient times input of each token, spread over its characters."""
        found: list[Scores] = []
        for at in range(0, len(wanted), self._batch):
            found += self._attributed(texts, wanted[at : at + self._batch])
        return found

    def _attributed(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        of = [texts[row] for row, _ in wanted]
        tokens = self._tokens(of)
        inputs = self._model.get_input_embeddings()(tokens.pop("input_ids")).detach().requires_grad_()
        logits = self._model(**tokens, inputs_embeds=inputs).logits
        chosen = logits[range(len(wanted)), [label for _, label in wanted]].sum()
        (gradient,) = self._torch.autograd.grad(chosen, inputs)
        spoken = (gradient * inputs.detach()).sum(-1).float().cpu().numpy()
        places = self._encoded(of)
        return [_spread(*_places(places, row, spoken[row]), length=len(text.text)) for row, text in enumerate(of)]

    def _encoded(self, texts: Sequence[Text]) -> Any:
        """Token ids, each text first and the sentences before it second; the longer is cut where both are too long."""
        words = [_SURROGATES.sub("\ufffd", text.text) for text in texts]
        before = [_SURROGATES.sub("\ufffd", " ".join(text.before)) for text in texts]
        return self._tokenizer(words, before, truncation="longest_first", max_length=self._longest, padding=True)

    def _tokens(self, texts: Sequence[Text]) -> dict[str, Any]:
        return dict(self._encoded(texts).convert_to_tensors("pt").to(self._model.device))


def _places(encoded: Any, row: int, spoken: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The parts and the spans of those tokens that stand in the text itself, not before it."""
    own = [at for at, of in enumerate(encoded.sequence_ids(row)) if of == 0]
    spans = [encoded.encodings[row].offsets[at] for at in own]
    return spoken[own], np.array(spans, np.int64).reshape(-1, 2)


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ClassifierError(f"a transformer needs the extra `classifier` of the installation: {error}") from error
    return torch, transformers


def _broken() -> type[Exception]:
    """What safetensors raises for a file that is none."""
    import safetensors

    broken: type[Exception] = safetensors.SafetensorError
    return broken


# Both -----------------------------------------------------------------------------------------------------------------


class Averaged(ClaimClassifier):
    """The mean of the calibrated log-odds of several classifiers; the first says which words carry a claim."""

    def __init__(self, manifest: Manifest, parts: Sequence[ClaimClassifier], folder: Path) -> None:
        super().__init__(manifest)
        if not parts or any(part.labels != self.labels for part in parts):
            raise ClassifierError(f"{folder}: its parts must be of the same labels in the same order")
        self._parts = tuple(parts)

    def margins(self, texts: Sequence[Text]) -> Scores:
        each = [_logit(part._scores(texts)) for part in self._parts]
        return reduce(np.add, each) / len(each)

    def weights(self, texts: Sequence[Text], wanted: Sequence[tuple[int, int]]) -> list[Scores]:
        return self._parts[0].weights(texts, wanted)


def _logit(scores: Scores) -> Scores:
    odds: Scores = np.log(scores) - np.log1p(-scores)
    return odds
