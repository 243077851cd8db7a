"""What training asks of the recogniser: the losses, and the heads that only they need.

The next token; where the alignment heads look (espeak-ng tells when each unit sounds), which stops the
decoder from reciting; each frame's phoneme and tone, which teaches the encoder sound before words; and
the reading of each character, asked of its vector and of what was heard, which teaches the decoder how
even a rare character sounds.
"""

from __future__ import annotations

import random

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from models.training.examples import PROMPT, Batch
from models.training.voices import is_han, pinyin
from models.training.whisper import LOOKING_BACK, Shape, Whisper

TONES = 6
WEIGHTS = {"text": 1.0, "phone": 1.0, "tone": 0.3, "read": 0.5, "sound": 1.0, "early": 0.7, "back": 0.3, "look": 0.5}

VECTOR_SCALE = 4.0
"""Tokens' vectors are that much shorter than the hidden states that the same heads read."""


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


class Mistakes:
    """Puts wrong tokens before the decoder, as its own decoding does: mostly words of the same sound.

    It then looks for its place by what it hears, and not only by what it has written.
    """

    def __init__(self, read: Tensor, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311  not for secrets
        self._sound = [tuple(row[:2]) if row[0] >= 0 else None for row in read.tolist()]
        self._alike: dict[tuple[int, ...], list[int]] = {}
        for token, sound in enumerate(self._sound):
            if sound is not None:
                self._alike.setdefault(sound, []).append(token)

    def into(self, inputs: Tensor) -> Tensor:
        """[batch, tokens] with some tokens exchanged in six rows of ten."""
        out = inputs.clone()
        for row in out:
            share = self._draw.choice((0.05, 0.1, 0.2)) if self._draw.random() < 0.6 else 0.0
            for at in range(len(PROMPT), len(row)):
                if self._draw.random() < share:
                    row[at] = self._other(int(row[at]), inputs)
        return out

    def _other(self, token: int, inputs: Tensor) -> int:
        sound = self._sound[token]
        if sound is None:
            return token
        if self._draw.random() < 0.6:
            return self._draw.choice(self._alike[sound])
        return int(inputs[self._draw.randrange(inputs.shape[0]), self._draw.randrange(len(PROMPT), inputs.shape[1])])


class Trainer(nn.Module):
    """The recogniser and the heads that only training needs."""

    def __init__(self, shape: Shape, phones: int, read: Tensor) -> None:
        super().__init__()
        self.model = Whisper(shape)
        self.phone_head, self.tone_head = nn.Linear(shape.width, phones), nn.Linear(shape.width, TONES)
        sizes = [int(n) + 1 for n in read.amax(0)]
        self.read_heads = nn.ModuleList(nn.Linear(shape.width, size) for size in sizes)
        self.read = read

    def losses(self, batch: Batch, inputs: Tensor) -> dict[str, Tensor]:
        heard = self.model.encoder(batch.features)
        return self._hearing(heard, batch.frames) | self.writing(heard, batch, inputs)

    def _hearing(self, heard: Tensor, frames: Tensor) -> dict[str, Tensor]:
        return {
            "phone": functional.cross_entropy(self.phone_head(heard).flatten(0, 1), frames[..., 0].flatten()),
            "tone": functional.cross_entropy(self.tone_head(heard).flatten(0, 1), frames[..., 1].flatten()),
        }

    def writing(self, heard: Tensor, batch: Batch, inputs: Tensor) -> dict[str, Tensor]:
        """What is asked of the decoder, given encoder states [batch, frames, width]."""
        hidden, looks, early = self.model.decoder(inputs, heard)
        vectors = self.model.decoder.embed_tokens.weight
        targets, there = batch.targets, batch.targets >= 0
        logits = self.model.decoder.words(hidden[there])
        back = len(LOOKING_BACK)
        before = functional.pad(batch.spans, (0, 0, 1, 0), value=-1)[:, :-1]
        known = self.read[:, 0] >= 0
        read = self.read[targets[there]]
        return {
            "text": functional.cross_entropy(logits, targets[there], label_smoothing=0.05),
            "read": self._reading_loss(VECTOR_SCALE * vectors[known], self.read[known]),
            "sound": self._reading_loss(hidden[there], read),
            "early": self._reading_loss(early[there], read),
            "back": looking_loss(looks[:, :back], before),
            "look": looking_loss(looks[:, back:], batch.spans),
        }

    def _reading_loss(self, vectors: Tensor, read: Tensor) -> Tensor:
        """How well vectors in the space of tokens tell initial, final and tone.

        Asked of the tokens' own vectors and of the hidden states that are compared with them: so what is heard
        prefers all characters of one sound, before it is known which of them is written.
        """
        if not (read >= 0).any():
            return vectors.sum() * 0  # silence alone has no sound to tell
        heads = enumerate(self.read_heads)
        losses = [functional.cross_entropy(head(vectors), read[:, n], ignore_index=-1) for n, head in heads]
        return torch.stack(losses).mean()


def looking_loss(looks: Tensor, spans: Tensor) -> Tensor:
    """Minus the log of the attention that falls on the frames where the token sounds."""
    frame = torch.arange(looks.shape[-1])
    inside = (frame >= spans[..., :1]) & (frame <= spans[..., 1:])  # [batch, targets, frames]
    on = (looks * inside[:, None]).sum(-1).clamp_min(1e-6)
    known = (spans[..., 0] >= 0)[:, None].expand_as(on)
    return -(on.log()[known]).mean() if known.any() else on.sum() * 0
