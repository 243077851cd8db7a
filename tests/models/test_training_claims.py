"""Training of the claim classifier, on a few lines and, with --base, on a tiny encoder made here."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from models.classifier import ClaimClassifier
from models.labelled import BadData, Line
from models.labels import load_labels
from models.manifest import sha256
from models.results import Text
from tests.parts import need_library

need_library("sklearn", "pip install '.[training]'")

from models.training import claims  # noqa: E402
from models.training.augment import copies, homophones, in_company, spoilt  # noqa: E402
from models.training.calibrate import Aims, HeldOut, false_alarms, platt, thresholds  # noqa: E402
from models.training.material import FILES, HEARD, Heard, as_heard, load, ways  # noqa: E402

LABELS = [code for code, label in load_labels(claims.LABELS).items() if label.in_text]


# Augmentation ---------------------------------------------------------------------------------------------------------


def test_homophones_are_characters_of_the_lines_with_the_same_sound() -> None:
    """Near sounds are one: 是 and 四 both."""
    assert homophones(["是四", "事", "价"]) == {"是": ["事", "四"], "四": ["事", "是"], "事": ["四", "是"]}


def test_copies_are_spoilt_alike_each_time() -> None:
    """The same seed gives the same copies: labels and context kept, characters changed."""
    lines = [
        Line(id=str(n), text=f"全网最低价是第{n}事四的", lang="zh", labels=frozenset({"A"}), kind="violation")
        for n in range(20)
    ]
    made = copies(lines, 1.5, seed=3)
    assert made == copies(lines, 1.5, seed=3) != copies(lines, 1.5, seed=4)
    assert len(made) == 30
    assert all(one.labels == {"A"} and one.text for one in made)
    assert sum(one.text != lines[int(one.id)].text for one in made) > 15


def test_a_spoilt_line_is_never_empty() -> None:
    """Also where every character could be lost."""
    draw = random.Random(0)  # noqa: S311
    assert all(spoilt(Line(id="1", text="好", lang=lang, kind="clean"), {}, draw) for lang in ("zh", "en") * 200)


def test_company_is_other_lines_of_the_language() -> None:
    """One to three of them stand before a copy; what a line had before it stays."""
    lines = [
        Line(id=f"{lang}{n}", text=f"{lang}{n}", lang=lang, kind="clean") for lang in ("zh", "en") for n in range(9)
    ]
    lines.append(Line(id="own", text="zh", lang="zh", kind="context", before=("好",)))
    made = in_company(lines, 1.0, seed=1)
    assert made == in_company(lines, 1.0, seed=1)
    assert sorted(one.id for one in made) == sorted(one.id for one in lines)
    assert next(one for one in made if one.id == "own").before == ("好",)
    assert all(1 <= len(one.before) <= 3 for one in made)
    assert all(said.startswith(one.lang) for one in made if one.id != "own" for said in one.before)


# Calibration ----------------------------------------------------------------------------------------------------------


def held_out(values: list[float], truth: list[bool], kinds: list[str]) -> HeldOut:
    lines = [Line(id=str(n), text="x", lang="zh", kind=kind) for n, kind in enumerate(kinds)]
    return HeldOut(lines, np.array(truth)[:, None], np.array(values)[:, None])


def test_calibrated_scores_are_as_often_right_as_they_say() -> None:
    """Margins that are right with probability 1 / (1 + exp(-(2 margin + 1))) give slope 2 and shift 1."""
    rng = np.random.default_rng(0)
    margins = rng.normal(0, 1.5, 4000)
    truth = rng.random(4000) < 1 / (1 + np.exp(-(2 * margins + 1)))
    ((slope, shift),) = platt(held_out(margins.tolist(), truth.tolist(), ["violation"] * 4000))
    assert slope == pytest.approx(2, abs=0.25)
    assert shift == pytest.approx(1, abs=0.25)


def test_a_threshold_is_where_f1_is_highest() -> None:
    """Three of the four that reach it are right, and nothing right is below it."""
    held = held_out([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [True, True, False, True, False, False], ["violation"] * 6)
    (limit,) = thresholds(held, Aims(1, 1))
    assert 0.5 < limit <= 0.6


def test_a_label_without_lines_gets_the_common_threshold() -> None:
    """It has nothing of its own to go by."""
    one = held_out([0.9, 0.8, 0.2, 0.1], [True, True, False, False], ["violation"] * 4)
    two = one._replace(truth=np.pad(one.truth, ((0, 0), (0, 1))), values=np.pad(one.values, ((0, 0), (0, 1))))
    assert len(set(thresholds(two, Aims(1, 1)).tolist())) == 1


def test_allowed_ordinary_and_everyday_lines_raise_the_thresholds() -> None:
    """As few of them flagged as wanted, though F1 would be higher with more."""
    held = held_out(
        [0.9, 0.8, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3],
        [True, True, True, False, False, False, True, True],
        ["violation"] * 3 + ["near_miss", "clean", "everyday"] + ["violation"] * 2,
    )
    loose, tight = thresholds(held, Aims(1, 10)), thresholds(held, Aims(0, 0))
    assert false_alarms(held, loose) == {"near_miss": 1, "clean": 1, "everyday": 1}
    assert false_alarms(held, tight) == {"near_miss": 0, "clean": 0, "everyday": 0}
    assert 0.65 < tight[0] <= 0.7


# Material -------------------------------------------------------------------------------------------------------------


def test_lines_are_asked_as_written_in_company_and_as_heard() -> None:
    """What was heard too badly is left out, as is a line that needs the sentences before it."""
    told = [Line(id=text, text=text, lang="zh", labels=frozenset("A"), kind="violation") for text in "甲乙"]
    told.append(Line(id="丙", text="丙", lang="zh", before=("丁",), kind="context"))
    heard = {("zh", "甲"): Heard("家", -0.5), ("zh", "乙"): Heard("一", -1.2), ("zh", "丙"): Heard("饼", -0.5)}
    assert [(one.id, one.text, one.avg_logprob) for one in as_heard(told, heard)] == [("甲", "家", -0.5)]
    asked = ways(told, heard)
    assert [bool(one.before) for one in asked] == [False, False, True, True, True, True, True]
    assert sorted(one.text for one in asked) == sorted("甲乙丙甲乙丙家")


@pytest.mark.parametrize("row", ["no json", '{"lang": "zh", "said": "x", "text": "y"}', "[]"])
def test_a_heard_line_that_cannot_be_read_is_named(data: Path, tmp_path: Path, row: str) -> None:
    """By file and number."""
    for name in FILES:
        (tmp_path / name).write_text((data / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / HEARD).write_text(row, encoding="utf-8")
    with pytest.raises(BadData, match=r"heard\.jsonl:1"):
        load(tmp_path)


# The command ----------------------------------------------------------------------------------------------------------

SAID = {
    "PRICE_LOWEST_CLAIM": ("全网最低价", "哪里都没有这个价", "历史最低就今天"),
    "EFF_MEDICAL": ("治好糖尿病", "喝了血压就降", "药都可以停了"),
    "OFFSITE_DEAL": ("加我微信转账", "私下付款更便宜", "微信上直接找我"),
}
ALLOWED = ("这不是药不能治病", "价格以页面为准", "不要加微信私下交易", "大家晚上好", "今天天气不错")
IN_ENGLISH = {"PRICE_LOWEST_CLAIM": "lowest price anywhere", "EFF_MEDICAL": "it cures diabetes", "": "good evening"}


def written(count: int, seed: int) -> list[dict[str, object]]:
    """Lines of three labels and none, in groups of ten."""
    draw = random.Random(seed)  # noqa: S311
    rows: list[dict[str, object]] = []
    for n in range(count):
        label = draw.choice([*SAID, ""])
        text = (
            f"{draw.choice(SAID[label] if label else ALLOWED)}{draw.choice('啊哦呢吧的')}{draw.choice('一二三四五')}号"
        )
        rows.append(_row(f"zh-{seed}-{n}", text, "zh", label))
        label = draw.choice(list(IN_ENGLISH))
        rows.append(_row(f"en-{seed}-{n}", f"{IN_ENGLISH[label]} number {draw.randrange(9)}", "en", label))
    return rows


def _row(name: str, text: str, language: str, label: str) -> dict[str, object]:
    number = int(name.rsplit("-", 1)[1])
    return {
        "id": name, "text": text, "lang": language, "labels": [label] if label else [], "before": [],
        "kind": "violation" if label else ("near_miss", "clean")[number % 2], "group": f"{name[:4]}{number // 10}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, (name, count) in enumerate((("train", 120), ("validation", 40))):
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in written(count, seed))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def linear(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("linear") / "model"
    assert claims.main(["--data", str(data), "--out", str(out)]) == 0
    return out


def test_the_linear_model_learns_and_says_how_it_was_made(linear: Path, data: Path) -> None:
    """What is written loads, finds what it was taught, and tells command, data, settings and report."""
    classifier = ClaimClassifier.load(linear, LABELS)
    found = classifier.predict(
        [Text(text="全网最低价啊三号", language="zh"), Text(text="大家晚上好呢一号", language="zh")]
    )
    assert [[one.label for one in each] for each in found] == [["PRICE_LOWEST_CLAIM"], []]
    told = json.loads((linear / "model.json").read_text(encoding="utf-8"))
    assert told["command"].startswith("python -m models.training.claims --data")
    assert told["data"]["train.jsonl"] == {"sha256": sha256(data / "train.jsonl"), "lines": 240}
    assert told["report"]["zh"]["validation"]["near_miss"] <= 0.05
    assert len(told["report"]["zh"]["trade_off"]) == 6
    assert set(told["thresholds"]["en"]) == set(LABELS)


def test_the_same_data_give_the_same_weights(linear: Path, data: Path, tmp_path: Path) -> None:
    """Byte for byte."""
    assert claims.main(["--data", str(data), "--out", str(tmp_path)]) == 0
    assert sha256(tmp_path / "weights.npz") == sha256(linear / "weights.npz")


def test_weights_of_a_byte_give_nearly_the_scores_learnt(linear: Path) -> None:
    """What is lost in writing is far below what decides: margins differ by a hundredth at most."""
    split = [Line.model_validate(row) for row in written(40, 7)]
    train = [Line.model_validate(row) for row in written(120, 0)]
    learnt = claims.ngram_model.train(train, LABELS, claims.VARIANTS, claims.Settings()).margins(split)
    read = ClaimClassifier.load(linear, LABELS).scorer.margins([claims.text_of(line) for line in split])
    np.testing.assert_allclose(read, learnt, atol=0.05)


def test_data_that_are_not_there_end_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the file named."""
    assert claims.main(["--data", str(tmp_path), "--out", str(tmp_path / "o")]) == 1
    assert "train.jsonl" in capsys.readouterr().err


# Encoders -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 32 numbers per token with random weights, and a tokenizer of single characters."""
    need_library("transformers", "pip install '.[classifier]'")
    need_library("torch", "pip install '.[classifier]'")
    import torch
    import transformers

    folder = tmp_path_factory.mktemp("bert")
    said = "".join("".join(one) for one in SAID.values()) + "".join(ALLOWED) + "啊哦呢吧的一二三四五号"
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    tokens = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *dict.fromkeys(said),
        *letters,
        *(f"##{x}" for x in letters),
    ]
    (folder / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    config = transformers.BertConfig(
        vocab_size=len(tokens), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=66, hidden_dropout_prob=0.0, initializer_range=0.2, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    transformers.BertTokenizerFast(vocab={token: n for n, token in enumerate(tokens)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def encoder(data: Path, tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("encoder") / "model"
    asked = ["--data", str(data), "--out", str(out), "--base", str(tiny_bert), "--epochs", "20", "--rate", "3e-3"]
    import torch  # there, since ``tiny_bert`` is

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more only wait for each other on a model so small
    assert claims.main([*asked, "--device", "cpu", "--batch", "16"]) == 0
    torch.set_num_threads(threads)
    return out


@pytest.mark.slow
def test_an_encoder_learns_with_the_same_command(encoder: Path) -> None:
    """It finds what it was taught, with spans inside the text, alone and in a batch."""
    classifier = ClaimClassifier.load(encoder, LABELS, device="cpu")
    texts = [
        Text(text=one, before=("大家晚上好",), language="zh") for one in ("全网最低价啊三号", "治好糖尿病吧一号", "")
    ]
    found = classifier.predict(texts)
    assert [{one.label for one in each} for each in found] == [{"PRICE_LOWEST_CLAIM"}, {"EFF_MEDICAL"}, set()]
    for text, each in zip(texts, found, strict=True):
        assert all(0 <= one.start < one.end <= len(text.text) for one in each)
    np.testing.assert_allclose(classifier.scores(texts)[0], classifier.scores(texts[:1])[0], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["\ud800最低", "x" * 1000, "全网最低价" * 100, "\x00\x01", "👍🏽"])
def test_an_encoder_answers_any_text(encoder: Path, text: str) -> None:
    """Lone surrogates, long words, control characters: spans stay inside the text."""
    classifier = ClaimClassifier.load(encoder, LABELS, device="cpu", precision="bfloat16")
    assert all(0 <= one.start < one.end <= len(text) for one in classifier.predict([Text(text=text)])[0])


@pytest.mark.slow
def test_two_models_can_be_averaged(linear: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
    """The folder holds both and finds what they find."""
    asked = ["--data", str(data), "--out", str(tmp_path), "--average", str(linear), "--average", str(encoder)]
    assert claims.main(asked) == 0
    classifier = ClaimClassifier.load(tmp_path, LABELS, device="cpu")
    (found,) = classifier.predict([Text(text="全网最低价啊三号", language="zh")])
    assert [one.label for one in found] == ["PRICE_LOWEST_CLAIM"]
    assert classifier.version.startswith("averaged-")


@pytest.mark.slow
def test_a_base_that_is_none_ends_with_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, the base named."""
    (tmp_path / "base").mkdir()
    asked = ["--data", str(data), "--out", str(tmp_path / "o"), "--base", str(tmp_path / "base")]
    assert claims.main(asked) == 1
    assert str(tmp_path / "base") in capsys.readouterr().err
