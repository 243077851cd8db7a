"""The Whisper architecture (Radford et al. 2022, https://arxiv.org/abs/2212.04356), small enough to train anywhere.

Parameter names are those of transformers' WhisperForConditionalGeneration, so that a checkpoint
loads there and converts to CTranslate2. Written out because training wants what that class does
not give: windows of any length, and the cross-attention of a few heads only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    vocabulary: int
    width: int = 256
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 3
    mels: int = 80
    source_positions: int = 1500
    target_positions: int = 448


ALIGNMENT = ((1, 0), (1, 1))
"""(decoder layer, head) pairs that are taught where each token sounds; `align` reads word times off them."""

LOOKING_BACK = ((0, 0),)
"""Pairs that are taught where the token before sounds: from there the next layer finds the next one."""


def sinusoids(length: int, width: int) -> Tensor:
    steps = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(length)[:, None] * steps[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, source: Tensor, causal: bool = False) -> Tensor:
        q, k, v = (self._split(p(y)) for p, y in ((self.q_proj, x), (self.k_proj, source), (self.v_proj, source)))
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        joined: Tensor = self.out_proj(out.transpose(1, 2).flatten(2))
        return joined

    def looking(self, x: Tensor, source: Tensor, heads: list[int]) -> tuple[Tensor, Tensor]:
        """The output, and where the named heads look: [batch, heads, targets, frames], rows sum to one."""
        q, k, v = (self._split(p(y)) for p, y in ((self.q_proj, x), (self.k_proj, source), (self.v_proj, source)))
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out_proj((weights @ v).transpose(1, 2).flatten(2)), weights[:, heads]

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, decoder: bool) -> None:
        super().__init__()
        self.self_attn, self.self_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        if decoder:
            self.encoder_attn, self.encoder_attn_layer_norm = Attention(width, heads), nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, heard: Tensor | None = None, heads: list[int] | None = None) -> tuple[Tensor, Tensor]:
        normed = self.self_attn_layer_norm(x)
        x = x + self.self_attn(normed, normed, causal=heard is not None)
        looks = x.new_zeros(0)
        if heard is not None:
            normed = self.encoder_attn_layer_norm(x)
            if heads:
                attended, looks = self.encoder_attn.looking(normed, heard, heads)
            else:
                attended = self.encoder_attn(normed, heard)
            x = x + attended
        return x + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(x)))), looks


class Encoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(shape.mels, shape.width, 3, padding=1)
        self.conv2 = nn.Conv1d(shape.width, shape.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(shape.source_positions, shape.width)
        self.embed_positions.weight.data = sinusoids(shape.source_positions, shape.width)
        self.embed_positions.requires_grad_(requires_grad=False)
        self.layers = nn.ModuleList(Layer(shape.width, shape.heads, False) for _ in range(shape.encoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)

    def forward(self, features: Tensor) -> Tensor:
        """Log-mel [batch, mels, frames at 100 Hz] to states [batch, frames at 50 Hz, width]."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(features)))).transpose(1, 2)
        x = x + self.embed_positions.weight[: x.shape[1]]
        for layer in self.layers:
            x, _ = layer(x)
        return self.layer_norm(x)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.embed_positions = nn.Embedding(shape.target_positions, shape.width)
        self.layers = nn.ModuleList(Layer(shape.width, shape.heads, True) for _ in range(shape.decoder_layers))
        self.layer_norm = nn.LayerNorm(shape.width)
        nn.init.normal_(self.embed_tokens.weight, std=shape.width**-0.5)
        nn.init.normal_(self.embed_positions.weight, std=0.01)

    def forward(self, tokens: Tensor, heard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states [batch, targets, width], the taught heads' looks [batch, heads, targets, frames], and the
        states right after the layer that looks.

        The heads that look back come first. ``words`` turns hidden states into logits.
        """
        x = self.embed_tokens(tokens) + self.embed_positions.weight[: tokens.shape[1]]
        looks, early = [], x
        for number, layer in enumerate(self.layers):
            heads = [h for at, h in (*LOOKING_BACK, *ALIGNMENT) if at == number]
            x, look = layer(x, heard, heads)
            if heads:
                looks.append(look)
                early = x
        return self.layer_norm(x), torch.cat(looks, 1), self.layer_norm(early)

    def words(self, hidden: Tensor) -> Tensor:
        """Logits [batch, targets, vocabulary]."""
        return hidden @ self.embed_tokens.weight.T


class Whisper(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)

    def forward(self, features: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        heard = self.encoder(features)
        return heard, *self.decoder(tokens, heard)

    @torch.no_grad()
    def greedy(self, features: Tensor, prompt: list[int], end: int, longest: int = 120) -> list[list[int]]:
        """The likeliest token each time; slow and plain, to watch training by."""
        heard = self.encoder(features)
        rows = torch.tensor([prompt] * len(features))
        done = torch.zeros(len(features), dtype=torch.bool)
        for _ in range(longest):
            best = self.decoder.words(self.decoder(rows, heard)[0][:, -1]).argmax(-1)
            best[done] = end
            rows = torch.cat([rows, best[:, None]], 1)
            done |= best == end
            if done.all():
                break
        return [[t for t in row[len(prompt) :].tolist() if t != end] for row in rows]
