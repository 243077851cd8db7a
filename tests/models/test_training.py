"""The parts of the recogniser's training that can be held against what they promise, on toy sizes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice

import pytest

from tests.models import tiny_whisper

tiny_whisper.need_torch()

import torch  # noqa: E402  only where it is installed

from models.training.examples import PROMPT, Batch  # noqa: E402
from models.training.speech import FEWEST_HELD, edits, practised  # noqa: E402
from models.training.trainer import WEIGHTS, Mistakes, Trainer, looking_loss  # noqa: E402
from models.training.whisper import Shape  # noqa: E402

VOCABULARY = 40
READ = torch.tensor([(-1, -1, -1) if t < 10 else (t % 3, t % 5, t % 4 + 1) for t in range(VOCABULARY)])
"""Tokens 10 to 39 are characters; those 15 apart sound alike."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Several would wait for each other on a busy machine, longer than such small sums take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def batch(seed: int = 0) -> Batch:
    made = torch.Generator().manual_seed(seed)
    inputs = torch.randint(10, VOCABULARY, (3, 8), generator=made)
    targets = torch.cat([torch.full((3, 1), -100), inputs[:, 2:], torch.full((3, 1), 1)], 1)
    spans = torch.stack([torch.arange(8) * 2, torch.arange(8) * 2 + 1], 1).expand(3, 8, 2).clone()
    frames = torch.randint(0, 5, (3, 20, 2), generator=made)
    return Batch(torch.randn(3, 80, 40, generator=made), inputs, targets, spans, frames)


@pytest.fixture
def trainer() -> Trainer:
    torch.manual_seed(1)
    shape = Shape(vocabulary=VOCABULARY, width=32, heads=2, encoder_layers=1, decoder_layers=2)
    return Trainer(shape, 6, READ)


def test_every_loss_falls_on_what_is_practised(trainer: Trainer) -> None:
    """Sixty steps on one batch lower each of the losses that training weighs."""
    optimiser = torch.optim.AdamW(trainer.parameters(), lr=3e-3)
    found = []
    for _ in range(60):
        losses = trainer.losses(batch(), batch().inputs)
        sum(WEIGHTS[name] * loss for name, loss in losses.items()).backward()
        optimiser.step()
        optimiser.zero_grad()
        found.append({name: loss.item() for name, loss in losses.items()})
    assert set(found[0]) == set(WEIGHTS)
    assert all(found[-1][name] < found[0][name] for name in WEIGHTS)


def test_a_resting_encoder_learns_nothing(trainer: Trainer) -> None:
    """Given what it heard, only the decoder and its heads get a gradient."""
    with torch.no_grad():
        heard = trainer.model.encoder(batch().features)
    sum(trainer.writing(heard, batch(), batch().inputs).values()).backward()
    assert all(p.grad is None for p in trainer.model.encoder.parameters())
    assert all(p.grad is not None for p in trainer.model.decoder.parameters())


def test_where_nothing_sounds_nothing_is_asked(trainer: Trainer) -> None:
    """A batch of silence: no place to look at, no sound to tell, and still a loss to go down on."""
    silent = batch()
    silent.spans[:] = -1
    silent.targets[:] = -100
    silent.targets[:, 1] = 1
    losses = trainer.losses(silent, silent.inputs)
    assert losses["look"] == losses["back"] == losses["sound"] == 0
    assert losses["text"] > 0


def test_looking_is_judged_by_its_place() -> None:
    """All attention on the token's frames costs nothing, none costs the most that is asked."""
    spans = torch.tensor([[[2, 3], [5, 6]]])
    there, elsewhere = torch.zeros(1, 1, 2, 8), torch.zeros(1, 1, 2, 8)
    there[0, 0, 0, 2:4] = there[0, 0, 1, 5:7] = 0.5
    elsewhere[..., 0] = 1
    assert looking_loss(there, spans) == 0
    assert looking_loss(elsewhere, spans) == pytest.approx(13.8, abs=0.1)


def test_mistakes_are_mostly_of_the_same_sound() -> None:
    """The prompt and what has no sound stay; some rows keep every token; most that change still sound alike."""
    mistakes = Mistakes(READ, 7)
    inputs = torch.randint(10, VOCABULARY, (400, 30), generator=torch.Generator().manual_seed(3))
    inputs[:, 20] = 4
    wrong = mistakes.into(inputs)
    assert torch.equal(wrong[:, : len(PROMPT)], inputs[:, : len(PROMPT)])
    assert (wrong[:, 20] == 4).all()
    changed = wrong != inputs
    assert 0.02 < changed.float().mean() < 0.12
    assert 100 < (~changed.any(1)).sum() < 300
    alike = (READ[wrong][..., :2] == READ[inputs][..., :2]).all(-1)
    assert alike[changed].float().mean() > 0.25


def test_each_batch_is_practised_so_often() -> None:
    """Fresh batches come one in so many steps, and each is used that many times before it goes."""
    used = Counter(islice(practised(count(), 5, random.Random(2)), 2_000))  # noqa: S311  not for secrets
    assert max(used.values()) == 5
    assert len(used) == pytest.approx(2_000 / 5 + FEWEST_HELD, rel=0.1)


@pytest.mark.parametrize(
    ("a", "b", "far"), [("", "", 0), ("abc", "abc", 0), ("abc", "axc", 1), ("", "ab", 2), ("你好吗", "好", 2)]
)
def test_edits(a: str, b: str, far: int) -> None:
    """The fewest letters to put in, take out or exchange."""
    assert edits(a, b) == edits(b, a) == far
