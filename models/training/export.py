"""A trained recogniser -> the folder that faster-whisper and ``models.asr`` load.

Our state dict goes into transformers' WhisperForConditionalGeneration, which CTranslate2 converts.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.training.tokens import SPECIAL
from models.training.whisper import ALIGNMENT, Shape, Whisper

WINDOWS = (200, 400, 600, 800, 1000, 1500, 2000, 3000)
"""Frames a window may have: training spoke windows of every length, so short ones need no 30 s of padding."""

LANGUAGES = ("en", "zh")
_FILES = ["tokenizer.json", "preprocessor_config.json"]


def export(model: Whisper, tokenizer: Tokenizer, folder: Path, quantization: str | None = "int8") -> None:
    """Write the model, its tokens and its features' settings to ``folder``, replacing what was there.

    Raises ValueError where the model and the tokenizer count different tokens.
    """
    from ctranslate2.converters import TransformersConverter  # type: ignore[import-untyped]

    with tempfile.TemporaryDirectory() as between:
        save_transformers(model, tokenizer, Path(between))
        shutil.rmtree(folder, ignore_errors=True)
        TransformersConverter(between, copy_files=_FILES).convert(str(folder), quantization=quantization)


def save_transformers(model: Whisper, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model as transformers keeps one, with tokenizer and feature settings beside it."""
    from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperForConditionalGeneration

    if tokenizer.get_vocab_size() != model.shape.vocabulary:
        raise ValueError(f"the model has {model.shape.vocabulary} tokens, the tokenizer {tokenizer.get_vocab_size()}")
    vocabulary = tokenizer.get_vocab()
    ids = {name: vocabulary[name] for name in SPECIAL}
    whisper = WhisperForConditionalGeneration(WhisperConfig(**_config(model.shape, ids)))
    whisper.model.load_state_dict(model.state_dict())
    whisper.tie_weights()
    whisper.generation_config = GenerationConfig(**_generation(model.shape, ids))  # type: ignore[no-untyped-call]
    whisper.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)  # type: ignore[no-untyped-call]
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {"feature_size": model.shape.mels, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30,
                "n_fft": 400, "windows": WINDOWS}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(features, indent=1) + "\n", encoding="utf-8")


def _config(shape: Shape, ids: dict[str, int]) -> dict[str, Any]:
    end = ids["<|endoftext|>"]
    return {
        "vocab_size": shape.vocabulary,
        "num_mel_bins": shape.mels,
        "d_model": shape.width,
        "encoder_layers": shape.encoder_layers,
        "decoder_layers": shape.decoder_layers,
        "encoder_attention_heads": shape.heads,
        "decoder_attention_heads": shape.heads,
        "encoder_ffn_dim": 4 * shape.width,
        "decoder_ffn_dim": 4 * shape.width,
        "max_source_positions": shape.source_positions,
        "max_target_positions": shape.target_positions,
        "decoder_start_token_id": ids["<|startoftranscript|>"],
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
    }


def _generation(shape: Shape, ids: dict[str, int]) -> dict[str, Any]:
    """What decoding needs to know. Nothing is suppressed, so that silence may be answered with no token at all."""
    return {
        "suppress_tokens": [],
        "begin_suppress_tokens": [],
        "alignment_heads": [list(pair) for pair in ALIGNMENT],
        "lang_to_id": {f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
        "task_to_id": {"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "is_multilingual": False,
        "decoder_start_token_id": ids["<|startoftranscript|>"],
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|endoftext|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "max_length": shape.target_positions,
    }
