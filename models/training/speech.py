"""Train the shipped recogniser on synthetic voices: one command, resumable, any machine.

    python -m models.training.speech --run runs/speech --minutes 30 --longest 8     # short lines first
    python -m models.training.speech --run runs/speech --minutes 90                 # go on by calling it again
    python -m models.training.speech --run runs/speech --export models/weights/speech

Losses: the next token; where the alignment heads look (espeak-ng tells when each unit sounds), which
stops the decoder from reciting; each frame's phoneme and tone, which teaches the encoder sound before
words; and the reading of each character, asked of its vector and of what was heard, which teaches the
decoder how even a rare character sounds. See ``models/weights/speech/README.md`` for what it is good for.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from models.training import corpus, sounds, tokens
from models.training.voices import EN_VOICES, RATE, ZH_VOICES, Speaker, Spoken, is_han, pinyin, units_of
from models.training.whisper import LOOKING_BACK, Shape, Whisper

HOP = 160  # samples per log-mel frame; the encoder has one state for two
TONES = 6
PROMPT = ("<|startoftranscript|>", "<|notimestamps|>")
BATCH_SECONDS = 48.0
LONGEST_S = 24.0
WEIGHTS = {"text": 1.0, "phone": 1.0, "tone": 0.3, "read": 0.5, "sound": 1.0, "early": 0.7, "back": 0.3, "look": 0.5}


@dataclass(frozen=True, slots=True)
class Example:
    """A sound and its text: token ids, each token's samples, and phones as (class, tone, start, end)."""

    samples: NDArray[np.float32]
    ids: list[int]
    times: list[tuple[int, int]]
    phones: list[tuple[int, int, int, int]]


class Batch:
    """Tensors of one step; lengths in encoder frames of 20 ms. A class of its own so that workers can send it."""

    def __init__(self, features: Tensor, inputs: Tensor, targets: Tensor, spans: Tensor, frames: Tensor) -> None:
        self.features, self.inputs, self.targets, self.spans, self.frames = features, inputs, targets, spans, frames


class Examples(IterableDataset[Batch]):
    """Endless batches of like length, spoken as they are asked for."""

    def __init__(self, tokenizer: Tokenizer, phones: dict[str, int], seed: int, longest: int) -> None:
        self.tokenizer, self.phones, self.seed, self.longest = tokenizer, phones, seed, longest

    def __iter__(self) -> Iterator[Batch]:
        info = torch.utils.data.get_worker_info()
        seed = self.seed * 100 + (info.id if info else 0)
        draw, rng = random.Random(seed), np.random.default_rng(seed)  # noqa: S311  not for secrets
        source = self._examples(draw, rng, corpus.lines(seed, self.longest))
        extract = FeatureExtractor()
        while True:
            pool = sorted(islice(source, 220), key=lambda e: len(e.samples))
            batches = list(_by_length(pool))
            draw.shuffle(batches)
            for rows in batches:
                yield collate(rows, self.tokenizer, extract, draw)

    def _examples(
        self, draw: random.Random, rng: np.random.Generator, lines: Iterator[corpus.Line]
    ) -> Iterator[Example]:
        speaker, other = Speaker(), np.zeros(0, np.float32)
        for line in lines:
            if draw.random() < 0.02:
                quiet = (sounds.noise(rng, draw.randint(8_000, 64_000)) * rng.uniform(0, 0.02)).astype(np.float32)
                yield Example(quiet, [], [], [])
            voice = draw.choice(ZH_VOICES if line.language == "zh" else EN_VOICES)
            spoken, written = units_of(line.text, line.language)
            if not spoken:
                continue
            said = speaker.say(spoken, voice, draw.randint(170, 260), draw.randint(35, 65))
            if not 0.3 < len(said.samples) / RATE <= LONGEST_S:
                continue
            before, after = draw.randint(0, 4_800), draw.randint(0, 4_800)
            example = self._example(said, written, line.language, before)
            samples = sounds.worn(rng, np.pad(said.samples, (before, after)), other)
            other = said.samples
            yield Example(samples, example.ids, example.times, example.phones)

    def _example(self, said: Spoken, written: list[str], language: str, shift: int) -> Example:
        ids: list[int] = []
        times: list[tuple[int, int]] = []
        for number, (unit, (start, end)) in enumerate(zip(written, said.units, strict=True)):
            after = said.units[number + 1][0] if number + 1 < len(said.units) else len(said.samples)
            for token in self.tokenizer.encode(unit if language == "zh" else " " + unit).ids:
                pause = self.tokenizer.id_to_token(token) in (",", tokens.COMMA)
                ids.append(token)
                times.append((shift + end, shift + max(after, end + 1)) if pause else (shift + start, shift + end))
        other = len(self.phones)
        phones = [(self.phones.get(p.name, other), p.tone, shift + p.start, shift + p.end) for p in said.phones]
        return Example(said.samples, ids, times, phones)


def _by_length(pool: list[Example]) -> Iterator[list[Example]]:
    rows: list[Example] = []
    for example in pool:
        if rows and len(example.samples) * (len(rows) + 1) > BATCH_SECONDS * RATE:
            yield rows
            rows = []
        rows.append(example)
    yield rows


def collate(rows: list[Example], tokenizer: Tokenizer, extract: FeatureExtractor, draw: random.Random) -> Batch:
    """Pad to the longest, sometimes far beyond; half the time with silence and half with zero features."""
    longest = max(len(e.samples) for e in rows) // HOP + draw.randint(2, 60)
    if draw.random() < 0.06:
        longest, rows = max(longest, 1000), rows[:8]
    if draw.random() < 0.03:
        longest, rows = 3000, rows[:3]
    longest = min(3000, longest + longest % 2)
    silence = draw.random() < 0.5
    features = np.zeros((len(rows), 80, longest), np.float32)
    for row, example in enumerate(rows):
        after = max(0, longest * HOP - len(example.samples)) if silence else 0
        sound = np.pad(example.samples, (0, after))
        mel = extract(sound)[:, :longest]
        features[row, :, : mel.shape[1]] = mel
    return Batch(torch.from_numpy(features), *_targets(rows, tokenizer), _frames(rows, longest // 2))


def _targets(rows: list[Example], tokenizer: Tokenizer) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, targets (-100: none) and each target's first and last frame (-1: none), [batch, tokens(, 2)]."""
    end, prompt = tokens.number(tokenizer, "<|endoftext|>"), [tokens.number(tokenizer, t) for t in PROMPT]
    width = max(len(e.ids) for e in rows) + len(prompt)
    inputs = torch.full((len(rows), width), end)
    targets = torch.full((len(rows), width), -100)
    spans = torch.full((len(rows), width, 2), -1)
    first = len(prompt) - 1
    for row, e in enumerate(rows):
        inputs[row, : len(prompt) + len(e.ids)] = torch.tensor(prompt + e.ids)
        targets[row, first : first + len(e.ids) + 1] = torch.tensor([*e.ids, end])
        for at, (start, stop) in enumerate(e.times):
            spans[row, first + at] = torch.tensor([max(0, start // (2 * HOP) - 1), stop // (2 * HOP) + 1])
    return inputs, targets, spans


def _frames(rows: list[Example], length: int) -> Tensor:
    """Phoneme + tone class of each frame, [batch, frames, 2]; phoneme 0 is silence."""
    frames = torch.zeros((len(rows), length, 2), dtype=torch.long)
    for row, e in enumerate(rows):
        for phone, tone, start, end in e.phones:
            frames[row, start // (2 * HOP) : end // (2 * HOP), 0] = phone
            frames[row, start // (2 * HOP) : end // (2 * HOP), 1] = tone
    return frames


def readings(tokenizer: Tokenizer) -> Tensor:
    """[tokens, 3]: classes of each token's initial, final and tone; of an English piece, of its first and last letter.

    -1 where a token has none.
    """
    names: list[tuple[str, str, int] | None] = []
    for token in range(tokenizer.get_vocab_size()):
        text = tokenizer.decode([token]).strip()
        if is_han(text):
            names.append(pinyin(text))
        else:
            names.append((f"<{text[0]}", f"{text[-1]}>", 0) if text.isascii() and text.isalpha() else None)
    known = [name for name in names if name]
    initials = {name: n for n, name in enumerate(sorted({name[0] for name in known}))}
    finals = {name: n for n, name in enumerate(sorted({name[1] for name in known}))}
    return torch.tensor([(initials[n[0]], finals[n[1]], n[2]) if n else (-1, -1, -1) for n in names])


class Trainer(nn.Module):
    """The recogniser and the heads that only training needs."""

    def __init__(self, shape: Shape, phones: int, read: Tensor) -> None:
        super().__init__()
        self.model = Whisper(shape)
        self.phone_head, self.tone_head = nn.Linear(shape.width, phones), nn.Linear(shape.width, TONES)
        sizes = [int(n) + 1 for n in read.amax(0)]
        self.read_heads = nn.ModuleList(nn.Linear(shape.width, size) for size in sizes)
        self.read = read

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        heard, hidden, looks, early = self.model(batch.features, batch.inputs)
        logits = self.model.decoder.words(hidden)
        targets = batch.targets.flatten()
        back = len(LOOKING_BACK)
        before = functional.pad(batch.spans, (0, 0, 1, 0), value=-1)[:, :-1]
        known = self.read[:, 0] >= 0
        return {
            "text": functional.cross_entropy(logits.flatten(0, 1), targets, ignore_index=-100, label_smoothing=0.05),
            "phone": functional.cross_entropy(self.phone_head(heard).flatten(0, 1), batch.frames[..., 0].flatten()),
            "tone": functional.cross_entropy(self.tone_head(heard).flatten(0, 1), batch.frames[..., 1].flatten()),
            "read": self.reading_loss(self.model.decoder.embed_tokens.weight[known], self.read[known]),
            "sound": self.reading_loss(hidden.flatten(0, 1), self.read[targets.clamp_min(0)], targets >= 0),
            "early": self.reading_loss(early.flatten(0, 1), self.read[targets.clamp_min(0)], targets >= 0),
            "back": looking_loss(looks[:, :back], before),
            "look": looking_loss(looks[:, back:], batch.spans),
        }

    def reading_loss(self, vectors: Tensor, read: Tensor, where: Tensor | None = None) -> Tensor:
        """How well vectors in the space of tokens tell initial, final and tone.

        Asked of the tokens' own vectors and of the hidden states that are compared with them: so what is heard
        prefers all characters of one sound, before it is known which of them is written.
        """
        wanted = read if where is None else read.masked_fill(~where[:, None], -1)
        heads = enumerate(self.read_heads)
        if not (wanted >= 0).any():
            return vectors.sum() * 0  # silence alone has no sound to tell
        losses = [functional.cross_entropy(head(vectors), wanted[:, n], ignore_index=-1) for n, head in heads]
        return torch.stack(losses).mean()


def looking_loss(looks: Tensor, spans: Tensor) -> Tensor:
    """Minus the log of the attention that falls on the frames where the token sounds."""
    frame = torch.arange(looks.shape[-1])
    inside = (frame >= spans[..., :1]) & (frame <= spans[..., 1:])  # [batch, targets, frames]
    on = (looks * inside[:, None]).sum(-1).clamp_min(1e-6)
    known = (spans[..., 0] >= 0)[:, None].expand_as(on)
    return -(on.log()[known]).mean() if known.any() else on.sum() * 0


def phone_classes(count: int = 1500) -> dict[str, int]:
    """A class for each phoneme heard in some lines; 0 is silence, the last one any other."""
    speaker, names = Speaker(), set()
    for line in islice(corpus.lines(7), count):
        voice = "cmn-latn-pinyin" if line.language == "zh" else "en-us"
        names |= {p.name for p in speaker.say(units_of(line.text, line.language)[0], voice).phones}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


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

    def train(self, minutes: float, peak: float, longest: int) -> None:
        """Train for so many minutes of wall clock; the rate rises at the very start and falls to the end."""
        examples = Examples(self.tokenizer, self.phones, self.step + 1, longest)
        data = iter(DataLoader(examples, batch_size=None, num_workers=1))
        began, last_check, budget = time.monotonic(), time.monotonic(), minutes * 60
        mean: dict[str, float] = {}
        first = self.step
        while (spent := time.monotonic() - began) < budget:
            fall = 0.5 + 0.5 * math.cos(math.pi * spent / budget)
            for group in self.optimiser.param_groups:
                group["lr"] = peak * min(1, (self.step - first + 1) / 200) * fall + 1e-5
            for name, loss in self._step(next(data)).items():
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

    def _step(self, batch: Batch) -> dict[str, float]:
        losses = self.trainer.losses(batch)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()  # type: ignore[union-attr]
        nn.utils.clip_grad_norm_(self.trainer.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.step += 1
        self.rows += len(batch.features)
        self.seconds += batch.features.shape[0] * batch.features.shape[2] / 100
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
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate of this call")
    parser.add_argument("--longest", type=int, default=40, help="characters or words of a line; short ones first")
    parser.add_argument("--export", type=Path, help="write the CTranslate2 int8 model to this folder")
    options = parser.parse_args()
    torch.manual_seed(0)
    run = Run(options.run)
    if options.minutes:
        run.train(options.minutes, options.rate, options.longest)
    if options.export:
        from models.training.export import export

        export(run.trainer.model, run.tokenizer, options.export)


if __name__ == "__main__":
    main()
