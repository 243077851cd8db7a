"""What training hears: spoken lines in batches of like length, with where each token and phoneme sounds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import IterableDataset

from models.training import corpus, sounds, tokens
from models.training.voices import EN_VOICES, RATE, ZH_VOICES, Speaker, Spoken, units_of
from models.training.whisper import Encoder

HOP = 160  # samples per log-mel frame; the encoder has one state for two
PROMPT = ("<|startoftranscript|>", "<|notimestamps|>")
LONGEST_S = 24.0


@dataclass(frozen=True, slots=True)
class Example:
    """A sound and its text: token ids, each token's samples, and phones as (class, tone, start, end)."""

    samples: NDArray[np.float32]
    ids: list[int]
    times: list[tuple[int, int]]
    phones: list[tuple[int, int, int, int]]


class Batch:
    """Tensors of one step; a class of its own so that workers can send it.

    ``features``: log-mel, or what an encoder made of it. ``inputs`` and ``targets`` (-100: none) are
    token ids, ``spans`` each target's first and last frame of 20 ms (-1: none), ``frames`` each
    frame's phoneme and tone.
    """

    def __init__(self, features: Tensor, inputs: Tensor, targets: Tensor, spans: Tensor, frames: Tensor) -> None:
        self.features, self.inputs, self.targets, self.spans, self.frames = features, inputs, targets, spans, frames

    @property
    def seconds(self) -> float:
        return float(self.frames.shape[0] * self.frames.shape[1]) * 2 * HOP / RATE


class Examples(IterableDataset[Batch]):
    """Endless batches of like length and about ``seconds`` of sound, spoken as they are asked for."""

    def __init__(self, tokenizer: Tokenizer, phones: dict[str, int], seed: int, longest: int, seconds: float) -> None:
        self.tokenizer, self.phones, self.seed, self.longest, self.seconds = tokenizer, phones, seed, longest, seconds

    def __iter__(self) -> Iterator[Batch]:
        info = torch.utils.data.get_worker_info()
        seed = self.seed * 100 + (info.id if info else 0)
        draw, rng = random.Random(seed), np.random.default_rng(seed)  # noqa: S311  not for secrets
        source = self._examples(draw, rng, corpus.lines(seed, self.longest))
        extract = FeatureExtractor()
        while True:
            pool = sorted(islice(source, 220), key=lambda e: len(e.samples))
            batches = list(_by_length(pool, self.seconds))
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


class Heard(IterableDataset[Batch]):
    """The same batches as a resting encoder hears them: states in half precision instead of features."""

    def __init__(self, examples: Examples, encoder: Encoder) -> None:
        self.examples, self.encoder = examples, encoder

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.examples:
            with torch.no_grad():
                parts = [self.encoder(batch.features[at : at + 8]) for at in range(0, len(batch.features), 8)]
                heard = torch.cat(parts).half()
            yield Batch(heard, batch.inputs, batch.targets, batch.spans, batch.frames)


def _by_length(pool: list[Example], seconds: float) -> Iterator[list[Example]]:
    rows: list[Example] = []
    for example in pool:
        if rows and len(example.samples) * (len(rows) + 1) > seconds * RATE:
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
    """Inputs, targets and spans, [batch, tokens(, 2)]."""
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
