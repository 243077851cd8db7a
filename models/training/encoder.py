"""Fine-tunes an encoder of transformers to the labels: what production does, where there is a GPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

from models.labelled import Line
from models.manifest import ClassifierError, Scores
from models.training.augment import copies, in_company
from models.training.calibrate import truth_of


@dataclass(frozen=True, slots=True)
class Settings:
    """How an encoder is fine-tuned; ``near_miss``, ``copies`` and ``company`` as for the linear model."""

    base: str
    epochs: int = 6
    rate: float = 3e-5
    batch: int = 32
    device: str = "auto"
    longest: int = 128
    near_miss: float = 1.7
    copies: float = 0.3
    company: float = 0.5
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A fine-tuned encoder and its tokenizer."""

    model: Any
    tokenizer: Any
    settings: Settings

    def margins(self, lines: Sequence[Line]) -> Scores:
        """[lines, labels]"""
        batches = (lines[at : at + self.settings.batch] for at in range(0, len(lines), self.settings.batch))
        self.model.eval()
        with torch.inference_mode():
            found = [self.model(**self.tokens(batch)).logits.float().cpu().numpy() for batch in batches]
        return np.concatenate(found).astype(np.float64)

    def tokens(self, lines: Sequence[Line]) -> dict[str, Tensor]:
        """The text first, what was said before it second."""
        texts, before = [line.text for line in lines], [" ".join(line.before) for line in lines]
        longest = min(self.settings.longest, self.model.config.max_position_embeddings - 2)
        made = self.tokenizer(
            texts, before, truncation="longest_first", max_length=longest, padding=True, return_tensors="pt"
        )
        return dict(made.to(self.model.device))

    def save(self, folder: Path) -> list[str]:
        """Write the model as transformers keeps one; the names of the files."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        return [path.name for path in folder.iterdir() if path.is_file() and path.name != "model.json"]


def train(lines: Sequence[Line], labels: Sequence[str], settings: Settings) -> Encoder:
    """Learn from the lines and spoilt copies of some. Raises ClassifierError where the base is no encoder."""
    torch.manual_seed(settings.seed)
    encoder = _loaded(labels, settings)
    spoilt = copies(lines, settings.copies, settings.seed)
    rows = [*lines, *spoilt, *in_company(lines, settings.company, settings.seed)]
    truth = torch.from_numpy(truth_of(rows, labels).astype(np.float32))
    weight = torch.tensor([settings.near_miss if line.kind == "near_miss" else 1.0 for line in rows])
    steps = settings.epochs * -(-len(rows) // settings.batch)
    optimizer = torch.optim.AdamW(encoder.model.parameters(), settings.rate, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)  # type: ignore[no-untyped-call]
    encoder.model.train()
    for step, chosen in enumerate(_batches(len(rows), settings), start=1):
        loss = _loss(encoder, [rows[row] for row in chosen], truth[chosen], weight[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(encoder.model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            print(f"step {step} of {steps}: loss {float(loss.detach()):.3f}", file=sys.stderr, flush=True)
    return encoder


def _loaded(labels: Sequence[str], settings: Settings) -> Encoder:
    cuda = settings.device == "cuda" or (settings.device == "auto" and torch.cuda.is_available())
    names = dict(enumerate(labels))
    try:
        tokenizer = AutoTokenizer.from_pretrained(settings.base)
        model = AutoModelForSequenceClassification.from_pretrained(
            settings.base,
            num_labels=len(labels),
            id2label=names,
            label2id={label: number for number, label in names.items()},
            problem_type="multi_label_classification",
            ignore_mismatched_sizes=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise ClassifierError(f"--base {settings.base}: cannot be used: {error}") from error
    return Encoder(model.to("cuda" if cuda else "cpu"), tokenizer, settings)


def _batches(rows: int, settings: Settings) -> Iterator[list[int]]:
    shuffle = torch.Generator().manual_seed(settings.seed)
    for _ in range(settings.epochs):
        order = torch.randperm(rows, generator=shuffle).tolist()
        yield from (order[at : at + settings.batch] for at in range(0, rows, settings.batch))


def _loss(encoder: Encoder, lines: Sequence[Line], truth: Tensor, weight: Tensor) -> Tensor:
    device = encoder.model.device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        logits = encoder.model(**encoder.tokens(lines)).logits
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), truth.to(device), reduction="none")
    return (each.sum(dim=1) * weight.to(device)).mean()
