"""Whisper models small enough to make in a test.

Some write at random, but what depends on the sound; some write what they are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.parts import lacking

HAN = "你好大家今天天气真不错谢来了上链接三二一我们的面霜很用"
MISSING = "needs torch and transformers to make a model: pip install -e .[training]"
WIDTH = 64
MULTILINGUAL = 51_865  # tokens of a multilingual Whisper


def need_torch() -> None:
    """Skip the test where models cannot be made, or fail it where everything must be there."""
    if all(find_spec(name) for name in ("torch", "transformers", "tokenizers")):
        return
    lacking(MISSING)


def tokenizer(size: int | None = None) -> Any:
    """Bytes, a few Han characters and two words, then Whisper's special tokens; filled up to ``size``.

    One of a multilingual Whisper's size has its empty token too, by which CTranslate2 knows such a model.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    from models.training.tokens import SPECIAL, TIMESTAMPS

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {name: at for at, name in enumerate(alphabet)}
    merges: list[tuple[str, str]] = []
    for piece in (*dict.fromkeys(HAN), " hello", " world"):
        [(parts, _)] = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(piece)
        for end in range(2, len(parts) + 1):
            if (token := parts[:end]) not in vocabulary:
                vocabulary[token] = len(vocabulary)
                merges.append((parts[: end - 1], parts[end - 1]))
    special = (*SPECIAL, *TIMESTAMPS)
    if size == MULTILINGUAL:
        vocabulary[""] = len(vocabulary)
    for at in range(len(vocabulary), (size or 0) - len(special)):
        vocabulary[f"filler{at}"] = at
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    return made


def random_model(tokens: Any, seed: int = 0) -> Any:
    """Weights wide enough apart that what it writes depends on what it hears; the end grows likelier as it writes."""
    import torch

    from models.training.whisper import Shape, Whisper

    torch.manual_seed(seed)
    shape = Shape(vocabulary=tokens.get_vocab_size(), width=WIDTH, heads=2, encoder_layers=1, decoder_layers=2)
    model = Whisper(shape).eval()
    for name, weights in model.named_parameters():
        if "proj.weight" in name:
            weights.data *= 4
    end = tokens.token_to_id("<|endoftext|>")
    vectors, positions = model.decoder.embed_tokens.weight.data, model.decoder.embed_positions.weight.data
    vectors[end + 4 :] = 0  # nor does it write timestamps
    positions.normal_(std=0.5)
    positions += 1.5 * torch.arange(len(positions))[:, None] * vectors[end] / vectors[end].norm()
    return model


def saying(tokens: Any, text: Sequence[int], prompt: int, sharpness: float = 4.0) -> Any:
    """A model that writes these tokens whatever it hears, by its positions alone; ``prompt`` tokens stand before."""
    import torch

    model = random_model(tokens)
    decoder = model.decoder
    with torch.no_grad():
        for layer in decoder.layers:
            for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                last.weight.zero_()
                last.bias.zero_()
        decoder.embed_tokens.weight.normal_(std=1).div_(decoder.embed_tokens.weight.norm(dim=1, keepdim=True))
        decoder.layer_norm.weight.fill_(sharpness)
        decoder.embed_positions.weight.zero_()
        for at, token in enumerate(text):
            decoder.embed_positions.weight[prompt - 1 + at] = 50 * decoder.embed_tokens.weight[token]
    return model


def saved(model: Any, tokens: Any, folder: Path, quantization: str | None = None) -> str:
    """The folder of a model, converted for CTranslate2."""
    from models.training.export import export

    export(model, tokens, folder, quantization)
    return str(folder)
