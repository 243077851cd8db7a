"""Pre-training of a small encoder, on some lines written here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.classifier import ClaimClassifier
from models.labels import load_labels
from tests.parts import need_library

need_library("torch", "pip install '.[training]'")
need_library("transformers", "pip install '.[training]'")

import torch  # noqa: E402  only where it is installed

from models.training import claims, pretrain  # noqa: E402

SAID = ("家人们晚上好呀", "欢迎来到直播间", "这款面霜很好用", "we ship it tomorrow", "good evening everybody")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name, said in (("train", "全网最低价"), ("validation", "这款面霜，很好用！")):
        rows = [
            {"id": f"{name}{n}", "text": text, "lang": "en" if text.isascii() else "zh", "labels": labels,
             "kind": "violation" if labels else "clean", "group": f"{name}{n}"}
            for n, (text, labels) in enumerate(
                [(said, ["MINORS"]), ("大家好", []), (f"for {name} kids", ["MINORS"]), ("hello", [])]
            )
        ]  # fmt: skip
        path = tmp_path / "claims" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    (tmp_path / "speech").mkdir()
    (tmp_path / "speech" / "all.txt").write_text("\n".join([*SAID, SAID[0], ""]), encoding="utf-8")
    return tmp_path


def test_what_will_be_measured_is_not_learnt(data: Path) -> None:
    """Lines of the validation split are left out, however they are punctuated; every other stands there once."""
    assert pretrain.texts(data) == [SAID[0], SAID[1], SAID[3], SAID[4], "全网最低价", "for train kids"]


def test_masked_pieces_are_the_targets_and_nothing_else_is() -> None:
    """Targets are the pieces that stood there; padding and marks of beginning and end are never masked."""
    words = pretrain.tokenizer(SAID * 5, 200)
    ids = words(list(SAID) * 40, padding=True, return_tensors="pt")["input_ids"]
    torch.manual_seed(0)
    inputs, targets = pretrain.masked(ids, len(words))
    there = targets != -100
    assert (targets[there] == ids[there]).all()
    assert (inputs[~there] == ids[~there]).all()
    assert not (there & (ids < 5)).any()
    assert 0.1 < there.sum() / (ids >= 5).sum() < 0.2
    assert 0.7 < (inputs[there] == words.convert_tokens_to_ids("[MASK]")).float().mean() < 0.9


def test_guessing_is_learnt() -> None:
    """After some passes masked pieces of the same lines are guessed far better than by chance."""
    shape, of = pretrain.Shape(pieces=200, width=32, layers=1, heads=2), list(SAID) * 20
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more only wait for each other on a model so small
    losses = []
    for passes in (0, 40):
        model, words = pretrain.pretrain(of, shape, pretrain.Course(passes=passes, batch=20, rate=5e-3))
        batch = words(of, padding=True, return_tensors="pt")
        torch.manual_seed(1)
        inputs, targets = pretrain.masked(batch["input_ids"], len(words))
        with torch.inference_mode():
            model.eval()
            losses.append(float(model(inputs, attention_mask=batch["attention_mask"], labels=targets).loss))
    torch.set_num_threads(threads)
    assert losses[1] < 0.5 * losses[0]


def test_the_folder_is_a_base_for_the_claims(data: Path, tmp_path: Path) -> None:
    """What is written is fine-tuned by the same command as any other encoder."""
    small = ["--pieces", "200", "--width", "32", "--layers", "1", "--heads", "2", "--passes", "1"]
    assert pretrain.main(["--data", str(data), "--out", str(tmp_path / "small"), *small]) == 0
    asked = ["--data", str(data / "claims"), "--base", str(tmp_path / "small"), "--epochs", "1", "--device", "cpu"]
    assert claims.main([*asked, "--out", str(tmp_path / "out")]) == 0
    labels = [code for code, label in load_labels(claims.LABELS).items() if label.in_text]
    assert ClaimClassifier.load(tmp_path / "out", labels, device="cpu").version.startswith("transformer-")


def test_data_that_are_not_there_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    assert pretrain.main(["--data", str(tmp_path), "--out", str(tmp_path / "o")]) == 1
    assert "train.jsonl" in capsys.readouterr().err
