"""What `pinocchio explain` shows of a sentence: each finder alone, then what becomes of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from models.results import Text
from models.together import STANDS_ALONE
from worker import compose, console
from worker.cli import app
from worker.commands.explain import said, show
from worker.commands.local import local_run
from worker.config import Config
from worker.explaining import Explanation, Parts, explain
from worker.local import NoSpeech
from worker.rulebook import Rulebook
from worker.sequences import Watch

VALIDATION = Path(__file__).parent.parent.parent / "models" / "data" / "claims" / "validation.jsonl"
SAID = "全网最低价，加我薇信，今天只要九十九块"


def explained(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["explain", *(str(word) for word in words)])


def as_json(*words: str | Path) -> dict[str, Any]:
    result = explained(*words, "--format", "json")
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@cache
def ready() -> tuple[Rulebook, Watch]:
    return compose.load_rulebook(Config()), compose.load_watch(Config())


def shipped(text: str, language: str | None = None) -> Explanation:
    """An explanation by what ships."""
    book, watch = ready()
    run = local_run(Config(), book, NoSpeech(), time.time)
    return explain(said(text, language), (), Parts(book, watch, run, "cn"))


def decisions(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["label"]: (one["told"], one["why"]) for one in found["decisions"]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose policy and listing stand beside it."""
    policy = (
        "labels:\n  OFFSITE_DEAL: {mode: shadow}\n  SUPERSTITION: {mode: off}\n  ABS_SUPERLATIVE: {rule: 1}\n"
        "  PRICE_LOWEST_CLAIM: {remind: 1}\n"
    )
    (tmp_path / "policy.yaml").write_text(policy)
    (tmp_path / "listing.json").write_text(json.dumps([{"sku": "a", "price": 129, "stock": 50}]))
    path = tmp_path / "c.yaml"
    path.write_text(f"policy: {{file: {tmp_path}/policy.yaml}}\n")
    return path


def test_what_each_finder_sees(config: Path) -> None:
    """The plain text, the rules' words in the text as said, every label's score, the fact against the listing."""
    found = as_json("--text", SAID, "--config", config, "--listing", config.parent / "listing.json")

    assert (found["text"], found["language"], found["normalised"][:11]) == (SAID, "zh", "全网最低价,加我微信,")
    rules = {one["label"]: one for one in found["rules"]}
    assert rules["OFFSITE_DEAL"]["words"] == SAID[slice(*rules["OFFSITE_DEAL"]["span"])] == "加我薇信"
    assert all(one["rule_id"] and 0.5 <= one["score"] <= 1 and one["threshold"] == 0.5 for one in rules.values())
    scores = [one["score"] for one in found["classifier"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 25
    assert all(0 < one["threshold"] <= 1 for one in found["classifier"])
    (fact,) = found["facts"]
    assert (fact["what"], fact["words"], fact["value"], fact["listed"]) == ("price", "九十九块", 99.0, 129.0)
    assert (fact["outcome"], fact["label"]) == ("contradicts", "PRICE_MISMATCH")
    assert ("price_given", "只要九十九块") in [(one["what"], one["words"]) for one in found["cues"]]
    assert found["versions"].keys() == {"classifier", "lexicon", "policy", "sequences"}


def test_what_becomes_of_it(config: Path) -> None:
    """By the policy in force: flagged, in shadow, dropped for one of three reasons; and why nobody is reminded."""
    listing = config.parent / "listing.json"
    found = as_json("--text", SAID + "，这是全国最好的，转运招财，最后五十单", "--config", config, "--listing", listing)

    assert decisions(found) == {
        "PRICE_LOWEST_CLAIM": ("flag", ""),
        "PRICE_MISMATCH": ("flag", ""),
        "OFFSITE_DEAL": ("shadow", "the label is in shadow"),
        "SUPERSTITION": ("dropped", "the label is off"),
        "ABS_SUPERLATIVE": ("dropped", "no score reaches its threshold"),
        "SCARCITY_FAKE": ("dropped", "the listing bears it out"),
    }
    reminders = {one["label"]: one["reminder"] for one in found["decisions"]}
    assert reminders["PRICE_LOWEST_CLAIM"] == "its score is under 1"
    assert reminders["PRICE_MISMATCH"] == "tier T2: the words alone do not decide"
    assert reminders["OFFSITE_DEAL"] == "never of what is in shadow"


def test_what_the_host_is_told() -> None:
    """At once, with the line on law, in the language of the words or the one given."""
    chinese, english = (asdict(shipped("快加我微信", language).decisions[0]) for language in (None, "en"))

    assert (chinese["reminded"], chinese["reminder"], chinese["mode"]) == (True, "told at once", "live")
    assert chinese["notice"].endswith("本平台规则“诱导站外私下交易”")
    assert english["notice"].endswith(f'this platform\'s rule "{english["name"]}"')


def test_a_table_to_read() -> None:
    """Every part has its title, also where there is nothing in it."""
    out = StringIO()
    show(shipped("大家晚上好"), console.console(out))
    show(shipped("全网最低价"), console.console(out))

    for line in ("text        大家晚上好", "language    zh", "Rules: nothing", "Facts and the listing: nothing",
                 "Cues of sequences: nothing", "What becomes of it: nothing"):  # fmt: skip
        assert line in out.getvalue().splitlines()
    assert "Classifier, the surest" in out.getvalue()
    assert "told at once" in out.getvalue()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "error: the text is empty"),
        (" \t\n\u3000", "error: the text is empty"),
        ("加我" * 50_000, "error: the text has 100000 characters, and a live text at most 20000"),
        ("加我\udcff微信", "error: the text is not UTF-8 (at character 3)"),
        ("\ud800", "error: the text is not UTF-8 (at character 1)"),
    ],
    ids=["empty", "blank", "long", "bytes", "surrogate"],
)
def test_a_text_that_cannot_be_explained(text: str, told: str) -> None:
    """One line says why, before anything is loaded."""
    result = explained("--text", text)

    assert (result.exit_code, result.stdout, result.stderr.strip()) == (1, "", told)


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x01\x02\x7f\x80\x9f\ufeff\ufffe\U0010ffff",
        "全网最低价 this cures diabetes واتساب 最高の 최고 दवा 👍🏽‍♀️",
        "加\u200b我\u200d微\u2060信",
        "最" * 20_000,
    ],
    ids=["binary", "scripts", "zero width", "longest"],
)
def test_odd_texts_are_explained(text: str) -> None:
    """Control characters, mixed scripts and the longest text give a result; spans stay within the text."""
    found = shipped(text)

    assert found.text == text
    assert all(0 <= one.span[0] <= one.span[1] <= len(text) for one in (*found.rules, *found.facts, *found.cues))


def test_wrong_usage_and_files() -> None:
    """Without a text it says how it is used; a listing that is not there is named."""
    assert explained().exit_code == 2
    result = explained("--text", "大家好", "--listing", "/no/such.json")
    assert (result.exit_code, result.stderr.strip()) == (1, "error: /no/such.json: No such file or directory")


def test_rules_look_at_the_goods_as_they_do_on_air(tmp_path: Path) -> None:
    """A rule that leaves cosmetics alone is silent beside a listing of cosmetics, and fires without one."""
    (tmp_path / "listing.json").write_text(json.dumps([{"sku": "a", "category": "cosmetics"}]))
    text = "每天泡一杯养肝护胃"
    without = {one["rule_id"] for one in as_json("--text", text)["rules"]}
    beside = {one["rule_id"] for one in as_json("--text", text, "--listing", tmp_path / "listing.json")["rules"]}
    book, _ = ready()
    left_out = {one.rule.id for one in book.finder.rules if "cosmetics" in one.rule.not_in}  # type: ignore[attr-defined]
    assert without & left_out
    assert not beside & left_out


def test_a_rule_that_the_classifier_overrules_is_told_as_such() -> None:
    """It fired over its threshold, and is dropped since the classifier is nearly sure of the contrary."""
    book, _ = ready()
    lines = [json.loads(line) for line in VALIDATION.read_text(encoding="utf-8").splitlines()]
    overruled = (
        line["text"]
        for line in lines
        if line["lang"] == "zh"
        for out in [book.classifier.judge([Text(text=line["text"])])[0].ruled_out]  # type: ignore[union-attr]
        if [hit for hit in book.by_rule(line["text"], "zh") if hit.label in out and hit.score < STANDS_ALONE]
    )
    text = next(overruled)
    assert "the classifier rules it out" in {one.why for one in shipped(text).decisions}
