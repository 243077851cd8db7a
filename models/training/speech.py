"""Train the shipped recogniser on synthetic voices: one command, resumable, any machine.

    python -m models.training.speech --run runs/speech --minutes 30 --longest 9     # short lines first
    python -m models.training.speech --run runs/speech --minutes 60 --longest 36 --reuse 5
    python -m models.training.speech --run runs/speech --minutes 90                 # go on by calling it again
    python -m models.training.speech --run runs/speech --export models/weights/speech

With ``--reuse`` the encoder rests and each sound is written down that many times: on a CPU the encoder
is most of the work, so the decoder, which learns slowest, gets four times the practice. See
``models/weights/speech/README.md`` for what the model is good for.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from models.training import corpus, tokens
from models.training.examples import PROMPT, Batch, Examples, Heard
from models.training.trainer import WEIGHTS, Mistakes, Trainer, readings
from models.training.voices import Speaker, units_of
from models.training.whisper import Shape

BATCH_SECONDS, HEARD_SECONDS = 48.0, 110.0
FEWEST_HELD = 30

T = TypeVar("T")


def phone_classes(lines: int = 1500) -> dict[str, int]:
    """A class for each phoneme heard in some lines; 0 is silence, the last one any other."""
    speaker, names = Speaker(), set()
    for line in islice(corpus.lines(7), lines):
        voice = "cmn-latn-pinyin" if line.language == "zh" else "en-us"
        names |= {p.name for p in speaker.say(units_of(line.text, line.language)[0], voice).phones}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


def practised(fresh: Iterator[T], times: int, draw: random.Random) -> Iterator[T]:
    """Each batch about so many times, mixed with others: a fresh one joins those held every ``times`` steps."""
    held: list[tuple[T, int]] = []
    for step in count():
        if step % times == 0 or len(held) < FEWEST_HELD:
            held.append((next(fresh), times))
        at = draw.randrange(len(held))
        batch, left = held[at]
        yield batch
        held[at] = (batch, left - 1)
        if left == 1:
            held.pop(at)


class Run:
    """A folder with the tokens, the phonemes, the newest checkpoint and the log of one training."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "tokenizer.json").exists():
            tokens.build().save(str(folder / "tokenizer.json"))
            (folder / "phones.json").write_text(json.dumps(phone_classes()), encoding="utf-8")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.phones: dict[str, int] = json.loads((folder / "phones.json").read_text(encoding="utf-8"))
        self.shape = Shape(vocabulary=self.tokenizer.get_vocab_size())
        self.trainer = Trainer(self.shape, len(self.phones) + 1, readings(self.tokenizer))
        self.optimiser = torch.optim.AdamW(self.trainer.parameters(), lr=1e-3, betas=(0.9, 0.98), weight_decay=0.01)
        self.step, self.seconds, self.rows = 0, 0.0, 0
        if self.checkpoint.exists():
            self._load(torch.load(self.checkpoint, weights_only=False))

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _load(self, state: dict[str, Any]) -> None:
        shapes = {name: value.shape for name, value in self.trainer.state_dict().items()}
        fitting = {name: value for name, value in state["trainer"].items() if value.shape == shapes.get(name)}
        self.trainer.load_state_dict(fitting, strict=False)
        if len(fitting) == len(shapes) and "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]

    def save(self) -> None:
        state = {"trainer": self.trainer.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step,
                 "seconds": self.seconds, "rows": self.rows, "shape": asdict(self.shape)}  # fmt: skip
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def log(self, line: str) -> None:
        print(line, flush=True)
        with (self.folder / "log.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def train(self, minutes: float, peak: float, longest: int, reuse: int) -> None:
        """Train for so many minutes of wall clock; the rate rises at the very start and falls to the end."""
        mistakes = Mistakes(self.trainer.read, self.step)
        began, last_check, budget = time.monotonic(), time.monotonic(), minutes * 60
        mean: dict[str, float] = {}
        first = self.step
        self.trainer.model.encoder.requires_grad_(not reuse)
        self.trainer.model.encoder.embed_positions.requires_grad_(requires_grad=False)
        for batch in self._batches(longest, reuse):
            spent = time.monotonic() - began
            if spent > budget:
                break
            fall = 0.5 + 0.5 * math.cos(math.pi * spent / budget)
            for group in self.optimiser.param_groups:
                group["lr"] = peak * min(1, (self.step - first + 1) / 200) * fall + 1e-5
            for name, loss in self._step(batch, mistakes.into(batch.inputs), bool(reuse)).items():
                mean[name] = 0.97 * mean.get(name, loss) + 0.03 * loss
            if self.step % 50 == 0:
                told = " ".join(f"{name} {loss:.3f}" for name, loss in mean.items())
                self.log(f"{self.step} {spent:.0f} s, {self.seconds / 3600:.1f} h heard: {told}")
            if time.monotonic() - last_check > 600:
                last_check = time.monotonic()
                self.save()
                self.check()
        self.save()
        self.check()

    def _batches(self, longest: int, reuse: int) -> Iterator[Batch]:
        seconds = HEARD_SECONDS if reuse else BATCH_SECONDS
        examples = Examples(self.tokenizer, self.phones, self.step + 1, longest, seconds)
        source = Heard(examples, self.trainer.model.encoder) if reuse else examples
        data = iter(DataLoader(source, batch_size=None, num_workers=1))
        return practised(data, reuse, random.Random(self.step)) if reuse else data  # noqa: S311  not for secrets

    def _step(self, batch: Batch, inputs: Tensor, resting: bool) -> dict[str, float]:
        losses = (
            self.trainer.writing(batch.features.float(), batch, inputs)
            if resting
            else self.trainer.losses(batch, inputs)
        )
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()  # type: ignore[union-attr]
        nn.utils.clip_grad_norm_(self.trainer.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1
        self.rows += len(batch.inputs)
        self.seconds += batch.seconds
        return {name: loss.item() for name, loss in losses.items()}

    def check(self) -> None:
        """Speak lines kept for validation in a voice of training and print what is heard."""
        speaker, extract = Speaker(), FeatureExtractor()
        end = tokens.number(self.tokenizer, "<|endoftext|>")
        prompt = [tokens.number(self.tokenizer, t) for t in PROMPT]
        for language, voice in (("zh", "cmn-latn-pinyin+f3"), ("en", "en-us+m3")):
            wrong = total = 0
            for line in corpus.validation(language)[:24]:
                sound = np.pad(speaker.say(units_of(line, language)[0], voice, 220).samples, (3200, 3200))
                mel = extract(sound)
                ids = self.trainer.model.greedy(torch.from_numpy(mel[None, :, : mel.shape[1] // 2 * 2]), prompt, end)[0]
                heard = self.tokenizer.decode(ids).strip()
                wrong, total = wrong + edits(line, heard), total + len(line)
                if total < 120:
                    self.log(f"    {line} | {heard}")
            self.log(f"  {language}: characters wrong {wrong / max(total, 1):.3f} of {total}")


def edits(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/speech"), help="folder of checkpoints and log")
    parser.add_argument("--minutes", type=float, default=0, help="wall-clock minutes to train in this call")
    parser.add_argument("--rate", type=float, default=5e-4, help="highest learning rate of this call")
    parser.add_argument("--longest", type=int, default=36, help="characters or words of a line; short ones first")
    parser.add_argument("--reuse", type=int, default=0, help="rest the encoder and write each sound so many times")
    parser.add_argument("--export", type=Path, help="write the CTranslate2 int8 model to this folder")
    options = parser.parse_args()
    torch.manual_seed(0)
    run = Run(options.run)
    if options.minutes:
        run.train(options.minutes, options.rate, options.longest, options.reuse)
    if options.export:
        from models.training.export import export

        export(run.trainer.model, run.tokenizer, options.export)


if __name__ == "__main__":
    main()
