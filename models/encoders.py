"""Any encoder of transformers with one output per label: what production runs. The only file that loads torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.manifest import ClassifierError, Scores
from models.results import Text
from models.spans import spread

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]

_SURROGATES = re.compile("[\ud800-\udfff]")


class Encoder:
    """Any sequence classification model of transformers with one output per label."""

    def __init__(self, folder: Path, labels: int, device: Device = "auto", precision: Precision = "auto") -> None:
        """Load a folder's model of so many labels. Raises ClassifierError where it cannot be used."""
        self._labels = labels
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
        if model.config.num_labels != labels:
            raise ClassifierError(f"{folder}: {model.config.num_labels} outputs for {labels} labels")
        self._model = model.to("cuda" if cuda else "cpu").eval().requires_grad_(False)
        self._longest = min(getattr(model.config, "max_position_embeddings", 514) - 2, 256)
        self._batch = 128 if cuda else 16

    def margins(self, texts: Sequence[Text]) -> Scores:
        """Batches of texts of about the same length."""
        margins = np.zeros((len(texts), self._labels))
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
        return [spread(*_places(places, row, spoken[row]), length=len(text.text)) for row, text in enumerate(of)]

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
