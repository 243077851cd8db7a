"""An exported recogniser computes what the trained one does, and faster-whisper loads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models import tiny_whisper

tiny_whisper.need_torch()

import torch  # noqa: E402  only where it is installed

from models.training import export, whisper  # noqa: E402


@pytest.fixture(scope="module")
def tokens() -> Any:
    return tiny_whisper.tokenizer()


@pytest.fixture(scope="module")
def model(tokens: Any) -> Any:
    return tiny_whisper.random_model(tokens)


@pytest.fixture(scope="module")
def converted(model: Any, tokens: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from ctranslate2.models import Whisper

    folder = tiny_whisper.saved(model, tokens, tmp_path_factory.mktemp("export") / "float32")
    return Whisper(folder, device="cpu", intra_threads=1)


FEATURES = np.random.default_rng(3).normal(0, 0.6, (1, 80, 3000)).astype(np.float32)


def test_transformers_computes_the_same(model: Any, tokens: Any, tmp_path: Path) -> None:
    """Encoder output and next-token logits are those of transformers' own Whisper with our weights."""
    from transformers import WhisperForConditionalGeneration

    export.save_transformers(model, tokens, tmp_path)
    theirs = WhisperForConditionalGeneration.from_pretrained(tmp_path).eval()
    prompt = torch.tensor([[tokens.token_to_id("<|startoftranscript|>"), tokens.token_to_id("<|notimestamps|>")]])
    with torch.no_grad():
        heard, hidden, *_ = model(torch.from_numpy(FEATURES), prompt)
        logits = model.decoder.words(hidden)
        output = theirs(torch.from_numpy(FEATURES), decoder_input_ids=prompt)
    torch.testing.assert_close(output.encoder_last_hidden_state, heard, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(output.logits, logits, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("frames", [200, 1000, 3000])
def test_ctranslate2_computes_the_same(model: Any, tokens: Any, converted: Any, frames: int) -> None:
    """Encoder output and next-token log-probabilities agree in CTranslate2, for windows of any length."""
    from ctranslate2 import StorageView

    features = np.ascontiguousarray(FEATURES[:, :, :frames])
    prompt = [tokens.token_to_id("<|startoftranscript|>"), tokens.token_to_id("<|notimestamps|>")]
    encoded = converted.encode(StorageView.from_array(features))
    result = converted.generate(encoded, [prompt], beam_size=1, max_length=4, return_logits_vocab=True)[0]
    with torch.no_grad():
        heard, hidden, *_ = model(torch.from_numpy(features), torch.tensor([prompt]))
        logits = model.decoder.words(hidden)
    np.testing.assert_allclose(np.array(encoded), heard.numpy(), rtol=1e-3, atol=1e-3)
    theirs = torch.tensor(np.array(result.logits[0][0])).log_softmax(-1)
    torch.testing.assert_close(theirs, logits[0, -1].log_softmax(-1), rtol=1e-3, atol=1e-3)


def test_the_folder_says_how_to_decode(model: Any, tokens: Any, tmp_path: Path) -> None:
    """Alignment heads and window lengths travel with the model; no token is forbidden, so silence may stay silent."""
    folder = Path(tiny_whisper.saved(model, tokens, tmp_path / "int8", "int8"))
    config = json.loads((folder / "config.json").read_text())
    features = json.loads((folder / "preprocessor_config.json").read_text())
    assert config["alignment_heads"] == [list(pair) for pair in whisper.ALIGNMENT]
    assert config["suppress_ids"] == config["suppress_ids_begin"] == []
    assert features["windows"] == list(export.WINDOWS)
    assert features["feature_size"] == 80


def test_the_shipped_shape_stays_small(tmp_path: Path) -> None:
    """A model of the trained shape with 9,000 tokens takes at most 12 MB as int8."""
    tokens = tiny_whisper.tokenizer(9_000)
    folder = tmp_path / "int8"
    export.export(whisper.Whisper(whisper.Shape(vocabulary=9_000)), tokens, folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 12e6


def test_a_model_and_another_tokenizer(model: Any, tmp_path: Path) -> None:
    """A tokenizer of another size is refused before anything is written."""
    with pytest.raises(ValueError, match="tokens"):
        export.export(model, tiny_whisper.tokenizer(3_000), tmp_path / "none")
    assert not (tmp_path / "none").exists()
