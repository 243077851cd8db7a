"""A small encoder of our own: a BERT that learns to guess masked pieces of all text at hand, before any label.

    python -m models.training.pretrain --out runs/small [--passes 10] [--device cuda]
    python -m models.training.claims --out runs/claims --base runs/small

It reads models/data/speech/*.txt and the training lines of the claims; what stands in the validation split is left
out, the test split is never read. The folder is one of transformers, as any other --base; with --passes 0 its
weights are chance, which shows what guessing brings.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor
from transformers import BertConfig, BertForMaskedLM, BertTokenizer, get_linear_schedule_with_warmup

from models.labelled import BadData, Line, lines
from models.training.material import FILES, ORDINARY

DATA = Path(__file__).parent.parent / "data"
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_LONGEST = 96
_MASKED = 0.15
_IGNORED = -100
_UNSAID = re.compile(r"\W")


class Shape(NamedTuple):
    """How large the encoder is: some 3.5 million numbers as it stands, 7 MB of 16 bits each."""

    pieces: int = 6000
    width: int = 192
    layers: int = 4
    heads: int = 4


class Course(NamedTuple):
    """How it learns: so often over all text, so many lines at once."""

    passes: int = 10
    batch: int = 64
    rate: float = 1e-3
    device: str = "cpu"
    seed: int = 1


def texts(data: Path) -> list[str]:
    """All text to learn from, each line once, in a fixed order."""
    known, measured = (lines(data / "claims" / name) for name in FILES)
    everyday = data / "claims" / ORDINARY
    written = [*known, *(lines(everyday) if everyday.is_file() else [])]
    spoken = [row for path in sorted((data / "speech").glob("*.txt")) for row in path.read_text("utf-8").splitlines()]
    held = {_bare(text) for line in measured for text in _all(line)}
    candidates = [*spoken, *(text for line in written for text in _all(line))]
    return [text for text in dict.fromkeys(candidates) if text.strip() and _bare(text) not in held]


def _all(line: Line) -> tuple[str, ...]:
    return (*line.before, line.text)


def _bare(text: str) -> str:
    return _UNSAID.sub("", text.lower())


def tokenizer(of: Sequence[str], pieces: int) -> BertTokenizer:
    """Single Han characters and pieces of English words, as often as they stand in the text."""
    made = BertWordPieceTokenizer(handle_chinese_chars=True, lowercase=True)
    made.train_from_iterator(of, vocab_size=pieces, min_frequency=2, special_tokens=_SPECIAL, show_progress=False)
    return BertTokenizer(vocab=made.get_vocab())


def pretrain(of: Sequence[str], shape: Shape, course: Course) -> tuple[BertForMaskedLM, BertTokenizer]:
    """An encoder and its tokenizer. The same text gives the same on the same machine."""
    torch.manual_seed(course.seed)
    words = tokenizer(of, shape.pieces)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=3 * shape.width,
        max_position_embeddings=130,
    )
    model: BertForMaskedLM = BertForMaskedLM(config).to(course.device)  # type: ignore[arg-type]
    if course.passes:
        _learn(model, words, of, course)
    return model, words


def _learn(model: BertForMaskedLM, words: BertTokenizer, of: Sequence[str], course: Course) -> None:
    steps = course.passes * -(-len(of) // course.batch)
    optimizer = torch.optim.AdamW(model.parameters(), course.rate, weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 20, steps)  # type: ignore[no-untyped-call]
    model.train()
    told = 0.0
    for step, batch in enumerate(_batches(of, words, course), start=1):
        inputs, targets = masked(batch["input_ids"], model.config.vocab_size)
        loss = model(input_ids=inputs, attention_mask=batch["attention_mask"], labels=targets).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        told += float(loss.detach())
        if step % 100 == 0:
            print(f"step {step} of {steps}: loss {told / 100:.3f}", file=sys.stderr, flush=True)
            told = 0.0


def _batches(of: Sequence[str], words: BertTokenizer, course: Course) -> Iterator[dict[str, Tensor]]:
    shuffle = torch.Generator().manual_seed(course.seed)
    for _ in range(course.passes):
        order = torch.randperm(len(of), generator=shuffle).tolist()
        for at in range(0, len(order), course.batch):
            chosen = [of[row] for row in order[at : at + course.batch]]
            made = words(chosen, truncation=True, max_length=_LONGEST, padding=True, return_tensors="pt")
            yield {name: made[name].to(course.device) for name in ("input_ids", "attention_mask")}


def masked(ids: Tensor, pieces: int) -> tuple[Tensor, Tensor]:
    """Inputs in which some pieces are masked, a few of these others or themselves, and the targets there."""
    chosen = (torch.rand(ids.shape, device=ids.device) < _MASKED) & (ids >= len(_SPECIAL))
    targets = torch.where(chosen, ids, torch.full_like(ids, _IGNORED))
    kind = torch.rand(ids.shape, device=ids.device)
    inputs = torch.where(chosen & (kind < 0.8), torch.full_like(ids, _SPECIAL.index("[MASK]")), ids)
    others = torch.randint(len(_SPECIAL), pieces, ids.shape, device=ids.device)
    return torch.where(chosen & (kind >= 0.9), others, inputs), targets


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: failed, with one line on standard error; 2: wrong usage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of speech/*.txt and claims/*.jsonl")
    parser.add_argument("--passes", type=int, default=Course().passes, help="over all text")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    for name, value in Shape()._asdict().items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args(arguments)
    try:
        shape = Shape(**{name: getattr(options, name) for name in Shape._fields})
        model, words = pretrain(texts(options.data), shape, Course(passes=options.passes, device=options.device))
        model.save_pretrained(options.out)
        words.save_pretrained(options.out)
    except (BadData, OSError) as error:
        print(f"models.training.pretrain: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
