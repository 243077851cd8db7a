"""The token set: byte-level BPE with every Han character one token, and Whisper's special tokens."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from models.training import corpus

SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|zh|>", "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
TIMESTAMPS = tuple(f"<|{n * 0.02:.2f}|>" for n in range(1501))
ENGLISH_TOKENS = 900


def _byte_names() -> dict[int, str]:
    """The printable character that byte-level BPE writes for each byte (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + n) for n, b in enumerate(rest)}


COMMA = "".join(_byte_names()[b] for b in "，".encode())
"""How the vocabulary writes the Mandarin comma."""


def _english(lines: Iterable[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(_byte_names().values())
    trainer = trainers.BpeTrainer(
        vocab_size=ENGLISH_TOKENS, initial_alphabet=alphabet, max_token_length=6, show_progress=False
    )
    tokenizer.train_from_iterator((" " + line for line in lines), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def han_characters(seed: int = 1, count: int = 400_000) -> list[str]:
    """The characters of every line written and of many lines drawn, most frequent first."""
    seen = Counter(c for line in corpus.written("zh") for c in line)
    for line in islice(corpus.lines(seed), count // 20):
        seen.update(line.text)
    return [c for c, _ in seen.most_common() if re.match(r"[\u4e00-\u9fff，]", c)]


def build() -> Tokenizer:
    """A tokenizer that faster-whisper and transformers load from tokenizer.json."""
    vocabulary, merges = _english(corpus.written("en"))
    names = _byte_names()
    for character in han_characters():
        parts = [names[b] for b in character.encode()]
        for size in range(2, len(parts) + 1):
            token = "".join(parts[:size])
            if token not in vocabulary:
                vocabulary[token] = len(vocabulary)
                merges.append(("".join(parts[: size - 1]), parts[size - 1]))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special: list[Any] = [AddedToken(t, special=True, normalized=False) for t in (*SPECIAL, *TIMESTAMPS)]
    tokenizer.add_special_tokens(special)
    return tokenizer


def number(tokenizer: Tokenizer, token: str) -> int:
    """The number of a token that is surely there."""
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token}")
    return found
