"""The rules: their own examples, the taxonomy's, their spans, and the errors of a wrong file."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labels import Label, load_labels
from models.lexicon import HEARD, THRESHOLD, Lexicon, LexiconError
from models.literals import Prefilter, required
from models.rules import Rule

FOLDER = Path("configs/lexicon")
LABELS = load_labels("configs/labels.yaml")
LEXICON = Lexicon.load(FOLDER, LABELS)
IN_TEXT = [label for label in LABELS.values() if label.in_text]
EXAMPLES = [
    pytest.param(label, language, example.text, id=f"{label.code}-{language}-{number}")
    for label in IN_TEXT
    for language, examples in label.examples.items()
    for number, example in enumerate(examples.violations)
]
ALLOWED = [
    pytest.param(language, example.text, id=f"{label.code}-{language}")
    for label in LABELS.values()
    for language, examples in label.examples.items()
    for example in examples.allowed
]
WORDS = st.sampled_from(
    ["全网最低价", "加我薇", "治好糖尿病", "。", "，", " ", "🔥", "the best in the world", "FDA approved", "三天", "ａ"]
)

RULE = {
    "id": "zh.test.one",
    "label": "OFFSITE_DEAL",
    "phrases": ["加我微信"],
    "score": 0.8,
    "approved_by": ["law", "hosts"],
    "hits": ["加我微信"],
    "misses": ["你好"],
}


def load(folder: Path, *rules: dict[str, object], **file: object) -> Lexicon:
    content = {"language": "zh", **file, "rules": list(rules)}
    (folder / "zh_test.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return Lexicon.load(folder, LABELS)


def test_every_rule_finds_its_hits_and_its_label_is_silent_on_its_misses() -> None:
    """The examples written beside the rules hold."""
    assert LEXICON.problems() == []


def test_problems_tells_of_a_silent_rule_and_of_a_loud_miss(tmp_path: Path) -> None:
    """A rule whose examples do not hold is named with the example."""
    lexicon = load(tmp_path, {**RULE, "hits": ["再见"], "misses": ["快加我微信"]})

    assert lexicon.problems() == [
        "zh.test.one is silent on: 再见",
        "zh.test.one fires on a miss of zh.test.one: 快加我微信",
    ]


@pytest.mark.parametrize(("label", "language", "text"), EXAMPLES)
def test_the_violations_of_the_taxonomy_are_found(label: Label, language: str, text: str) -> None:
    """Each label is found in its own examples, in both languages."""
    assert label.code in {found.label for found in LEXICON.find(text, language)}


@pytest.mark.parametrize(("language", "text"), ALLOWED)
def test_the_near_misses_of_the_taxonomy_are_let_pass(language: str, text: str) -> None:
    """What is allowed raises no label at all, not even another."""
    assert LEXICON.find(text, language) == []


def test_every_label_has_at_least_three_rules_with_examples_in_each_language() -> None:
    """No label that words can show is left thin."""
    rules, hits, misses = Counter[str](), Counter[str](), Counter[str]()
    for one in LEXICON.rules:
        key = f"{one.rule.label} {one.rule.language}"
        rules[key] += 1
        hits[key] += len(one.rule.hits)
        misses[key] += len(one.rule.misses)
    keys = [f"{label.code} {language}" for label in IN_TEXT for language in ("zh", "en")]
    assert [key for key in keys if min(rules[key], hits[key], misses[key]) < 3] == []


def test_the_span_points_at_the_words_as_said() -> None:
    """Start and end count code points of the original, whatever normalisation did before them."""
    text = "🔥🔥家人们，全 網 最 低 價！！！快抢"

    (found,) = [one for one in LEXICON.find(text, "zh") if one.label == "PRICE_LOWEST_CLAIM"]

    assert text[found.start : found.end] == "全 網 最 低 價"
    assert found.normalised == "全网最低价"
    assert found.threshold == THRESHOLD <= found.score


def test_a_letter_for_a_word_is_found_where_it_stands() -> None:
    """A single letter that stands for WeChat is inside the span."""
    text = "想便宜的加我V"

    (found,) = [one for one in LEXICON.find(text, "zh") if one.label == "OFFSITE_DEAL"]

    assert "加我V" in text[found.start : found.end]
    assert "加我微信" in found.normalised


def test_what_overlaps_is_one_claim_and_what_does_not_are_two(tmp_path: Path) -> None:
    """Hits of one label join where they overlap, under the rule of the higher score."""
    second = {**RULE, "id": "zh.test.two", "phrases": ["微信下单"], "score": 0.9}
    lexicon = load(tmp_path, RULE, second)

    found = lexicon.find("加我微信下单。再说一次，加我微信", "zh")

    assert [(one.start, one.end, one.rule_id) for one in found] == [(0, 6, "zh.test.two"), (12, 16, "zh.test.one")]


def test_words_that_only_sound_alike_are_found_at_a_lower_score(tmp_path: Path) -> None:
    """A phrase written with other characters of the same sound is found; near sounds count as the same."""
    lexicon = load(tmp_path, {**RULE, "sounds_like": True})

    (heard,) = lexicon.find("家我为信", "zh")

    assert (heard.start, heard.end) == (0, 4)
    assert heard.score == pytest.approx(0.8 * HEARD)


@pytest.mark.parametrize("text", ["佳窝尾新", "家，我，为，信"])
def test_other_words_of_the_same_sound_are_left_alone(tmp_path: Path, text: str) -> None:
    """A third of the characters must be the phrase's own, and sounds are not joined across punctuation."""
    lexicon = load(tmp_path, {**RULE, "phrases": ["加我微信"], "sounds_like": True})

    assert lexicon.find(text, "zh") == []


def test_a_guard_sees_the_sentence_with_the_words_found_marked(tmp_path: Path) -> None:
    """A guard before the mark counts only in the same sentence; one without marks counts anywhere in it."""
    lexicon = load(tmp_path, {**RULE, "not_if": ["不要[^,]{0,2}«", "客服"]})

    assert lexicon.find("不要加我微信", "zh") == []
    assert lexicon.find("加我微信客服", "zh") == []
    assert len(lexicon.find("不要走。加我微信", "zh")) == 1


def test_a_shadow_rule_is_only_found_when_asked_for(tmp_path: Path) -> None:
    """Shadow rules tell nobody, and find nothing but their own when asked."""
    lexicon = load(tmp_path, {**RULE, "shadow": True})

    assert lexicon.find("加我微信", "zh") == []
    assert [one.rule_id for one in lexicon.find("加我微信", "zh", shadow=True)] == ["zh.test.one"]


def test_a_rule_that_two_roles_have_not_approved_runs_in_shadow(tmp_path: Path) -> None:
    """One role, or one named twice, puts no rule live; the file may name the roles for all its rules."""
    unapproved = {key: value for key, value in RULE.items() if key != "approved_by"}

    for rule in (unapproved, {**RULE, "approved_by": ["law"]}, {**RULE, "approved_by": ["law", "law"]}):
        lexicon = load(tmp_path, rule)
        assert lexicon.find("加我微信", "zh") == []
        assert len(lexicon.find("加我微信", "zh", shadow=True)) == 1
    assert len(load(tmp_path, unapproved, approved_by=["law", "consumers"]).find("加我微信", "zh")) == 1


def test_words_near_each_other_are_found_within_their_distance_and_sentence(tmp_path: Path) -> None:
    """Words at a distance count characters between them, in the order given unless any order will do."""
    near = {"words": ["微信", "便宜|优惠"], "within": 3}
    rule = {**RULE, "phrases": [], "near": [near], "hits": ["微信更便宜"]}

    lexicon = load(tmp_path, rule)
    assert len(lexicon.find("微信上更优惠", "zh")) == 1
    assert lexicon.find("微信上面买更便宜", "zh") == []
    assert lexicon.find("加微信。便宜", "zh") == []
    assert lexicon.find("便宜加微信", "zh") == []
    turned = load(tmp_path, {**rule, "near": [{**near, "any_order": True}]})
    assert len(turned.find("便宜加微信", "zh")) == 1


@pytest.mark.parametrize(
    ("conditions", "applies"),
    [
        ({}, {"food": True, "tea": True, None: True}),
        ({"only_in": ["food"]}, {"food": True, "tea": False, None: False}),
        ({"not_in": ["food"]}, {"food": False, "tea": True, None: True}),
    ],
)
def test_a_rule_may_look_at_some_goods_only(conditions: dict[str, object], applies: dict[str | None, bool]) -> None:
    """Conditions on the goods hold where these are known; of goods unknown a rule for some goods is silent."""
    rule = Rule.model_validate({**RULE, "language": "zh", **conditions})

    assert {category: rule.applies_to(category) for category in applies} == applies


def test_a_rule_may_tell_its_own_severity_and_advice() -> None:
    """What a rule does not say is left to its label."""
    plain = Rule.model_validate({**RULE, "language": "zh"})
    told = Rule.model_validate({**RULE, "language": "zh", "severity": "critical", "advice": "请在平台内下单"})

    assert (plain.severity, plain.advice) == (None, "")
    assert (told.severity, told.advice) == ("critical", "请在平台内下单")


def test_mandarin_rules_run_in_text_that_claims_another_language() -> None:
    """A wrong language tag hides no claim."""
    assert "PRICE_LOWEST_CLAIM" in {one.label for one in LEXICON.find("全网最低价", "en")}
    assert "CERT_FAKE" in {one.label for one in LEXICON.find("it is FDA approved", "zh")}


def test_the_version_follows_what_is_found_and_not_the_examples(tmp_path: Path) -> None:
    """Two sets that find the same have one version; a change of what a rule finds, tells or may do has another."""
    version = load(tmp_path, RULE).version

    assert load(tmp_path, {**RULE, "hits": ["快加我微信"]}).version == version
    assert load(tmp_path, {**RULE, "score": 0.81}).version != version
    assert load(tmp_path, {**RULE, "approved_by": ["hosts", "law"]}).version == version
    for change in (
        {"not_if": ["客服"]},
        {"only_in": ["food"]},
        {"not_in": ["food"]},
        {"severity": "minor"},
        {"advice": "请在平台内下单"},
        {"approved_by": ["law", "merchants"]},
    ):
        assert load(tmp_path, {**RULE, **change}).version != version
    one, other = ({**RULE, "only_in": goods} for goods in (["food", "tea"], ["tea", "food"]))
    assert load(tmp_path, one).version == load(tmp_path, other).version


def test_lists_hold_lists(tmp_path: Path) -> None:
    """A name in braces stands for its list, and lists may hold lists."""
    lexicon = load(tmp_path, {**RULE, "patterns": ["{ask}我"]}, lists={"ask": ["快{verb}"], "verb": ["加", "找"]})

    assert len(lexicon.find("快找我", "zh")) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label": "NOTHING"}, "rule zh.test.one: label: unknown label NOTHING"),
        ({"patterns": ["(加"]}, "rule zh.test.one: bad pattern"),
        ({"patterns": ["(?P<a>加)", "(?P<a>我)"]}, "rule zh.test.one: patterns do not go together: .*group"),
        ({"patterns": ["a{99999999999}"]}, "rule zh.test.one: bad pattern"),
        ({"patterns": ["(?:" * 3000 + "a" + ")" * 3000]}, "rule zh.test.one: bad pattern .*too deep"),
        ({"not_if": ["a{99999999999}"]}, "rule zh.test.one: bad pattern"),
        ({"patterns": ["a*"]}, "rule zh.test.one: pattern .* matches nothing"),
        ({"patterns": ["{who}"]}, r"rule zh.test.one: unknown list \{who\}"),
        ({"not_if": ["(别"]}, "rule zh.test.one: bad pattern"),
        ({"score": 0.2}, "rule zh.test.one: score"),
        ({"approved_by": ["king", "law"]}, "rule zh.test.one: approved_by"),
        ({"approved_by": ["law", "legal"]}, "rule zh.test.one: approved_by"),
        ({"phrases": []}, "rule zh.test.one: .*patterns, near or phrases"),
        ({"near": [{"words": ["加"]}]}, "rule zh.test.one: near.0.words"),
        ({"near": [{"words": ["加", "我"], "within": 99}]}, "rule zh.test.one: near.0.within"),
        ({"near": [{"words": ["加", "我", "信"], "any_order": True}]}, "rule zh.test.one: near.0: .*two words only"),
        ({"near": [{"words": ["加", "(我"]}]}, "rule zh.test.one: bad pattern"),
        ({"only_in": ["tools"]}, "rule zh.test.one: only_in"),
        ({"only_in": ["food"], "not_in": ["tea"]}, "rule zh.test.one: .*exclude each other"),
        ({"severity": "grave"}, "rule zh.test.one: severity"),
        ({"patterns": ["(?:加+)+微信"]}, "rule zh.test.one: pattern .* backtracks without end"),
        ({"not_if": ["(?:别|别别)+!"]}, "rule zh.test.one: pattern .* backtracks without end"),
        ({"phrases": ["加我"], "sounds_like": True}, "rule zh.test.one: .*four Han"),
        ({"hits": []}, "rule zh.test.one: hits"),
        ({"colour": "red"}, "rule zh.test.one: colour"),
    ],
)
def test_a_wrong_rule_is_told_with_file_and_id(tmp_path: Path, change: dict[str, object], told: str) -> None:
    """The error names the file, the rule and what is wrong."""
    with pytest.raises(LexiconError, match=rf"zh_test\.yaml:\d+: {told}"):
        load(tmp_path, {**RULE, **change})


def test_a_list_that_counts_too_far_is_told(tmp_path: Path) -> None:
    """Also where the wrong pattern stands in a list: the rule that uses it is named."""
    with pytest.raises(LexiconError, match=r"zh_test\.yaml:\d+: rule zh.test.one: bad pattern"):
        load(tmp_path, {**RULE, "patterns": ["{many}"]}, lists={"many": ["a{99999999999}"]})


def test_an_id_that_stands_twice_is_told(tmp_path: Path) -> None:
    """Two rules of one id are refused."""
    with pytest.raises(LexiconError, match="rule zh.test.one: id: stands twice"):
        load(tmp_path, RULE, RULE)


def test_lists_that_hold_each_other_are_told(tmp_path: Path) -> None:
    """A circle of lists ends in an error, not in a loop."""
    with pytest.raises(LexiconError, match="rule zh.test.one: lists hold each other"):
        load(tmp_path, {**RULE, "patterns": ["{a}"]}, lists={"a": ["{b}"], "b": ["{a}"]})


@pytest.mark.parametrize("content", ["", "language: zh\nrules: 3", "language: fr", "language: ["])
def test_a_broken_file_is_told(tmp_path: Path, content: str) -> None:
    """A file that is no file of rules is refused by name."""
    (tmp_path / "zh_test.yaml").write_text(content, encoding="utf-8")

    with pytest.raises(LexiconError, match="zh_test"):
        Lexicon.load(tmp_path, LABELS)


def test_a_folder_without_rules_and_a_wrong_file_of_variants_are_told(tmp_path: Path) -> None:
    """Nothing to find is an error too, so that a wrong path is never a silent finder."""
    with pytest.raises(LexiconError, match="no rules"):
        Lexicon.load(tmp_path, LABELS)
    (tmp_path / "variants.yaml").write_text("variants: 3", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"variants\.yaml"):
        load(tmp_path, RULE)


def test_a_copy_of_the_folder_is_the_same_version(tmp_path: Path) -> None:
    """The version depends on what the files say, not on where they lie."""
    shutil.copytree(FOLDER, tmp_path / "copy")

    assert Lexicon.load(tmp_path / "copy", LABELS).version == LEXICON.version


@settings(deadline=None, max_examples=150)
@given(st.text() | st.lists(WORDS | st.text(max_size=6)).map("".join), st.sampled_from(["zh", "en"]))
def test_find_never_raises_and_its_spans_lie_within_the_text(text: str, language: str) -> None:
    """Whatever the text, every claim has words inside it, a known label, and the highest score comes first."""
    found = LEXICON.find(text, language)

    assert all(0 <= one.start < one.end <= len(text) and one.label in LABELS for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("最低价", [["最低价"]]),
        ("(?:治好|根治).{0,4}病", [["治好 根治", "病"]]),
        ("Best (?:in|on)", [["best ", "on in"]]),
        ("a|.", [[], ["a"]]),
        ("[0-9]+元", [["元"]]),
        ("(?:ab)?c", [["c"]]),
        ("x.y|z", [["x", "y"], ["z"]]),
        ("(?:a.b|c)d", [["a", "b", "d"], ["c", "d"]]),
        ("[^a]", [[]]),
        ("(?!no)a", [["a"]]),
    ],
)
def test_required_words_are_those_no_match_can_lack(pattern: str, ways: list[list[str]]) -> None:
    """For each way a pattern can match, every set of words of which one must be there."""
    found = [sorted(" ".join(sorted(words, reverse=True)) for words in way) for way in required([pattern])]
    assert sorted(found) == ways


def test_a_pattern_of_very_many_ways_still_needs_its_words() -> None:
    """Where the ways multiply beyond count, the longest choice is taken together, and nothing is lost."""
    letters = "(?:a.|b.|c.|d.x|e.|f.|g.|h.|i.)"
    ways = required([f"{letters}1{letters}2{letters}3"])
    assert len(ways) <= 60
    assert all({frozenset("1"), frozenset("2"), frozenset("3")} <= way for way in ways)
    prefilter = Prefilter([ways])
    assert prefilter.candidates(["a_1d_x2i_3"]) == {0}
    assert prefilter.candidates(["a_1d_x2z_4"]) == set()


def test_the_prefilter_keeps_every_pattern_that_matches() -> None:
    """A pattern that finds something in a text is always among the candidates; one that lacks a word is not."""
    prefilter = Prefilter([required([one]) for one in ("最低价", "[0-9]", "x?y", "全.*低价.*元")])

    assert prefilter.candidates(["全网最低价"]) == {0, 1}
    assert prefilter.candidates(["xy"]) == {1, 2}
    assert prefilter.candidates(["全网低价", "九元"]) == {1}


def test_the_prefilter_passes_over_no_rule_that_finds() -> None:
    """On every example of every rule the candidates hold all the rules whose pattern is found in it."""
    texts = [text.lower() for one in LEXICON.rules for text in (*one.rule.hits, *one.rule.misses)][::25]
    prefilter = Prefilter([one.ways for one in LEXICON.rules])
    for text in texts:
        matching = {index for index, one in enumerate(LEXICON.rules) if one.find.search(text)}
        assert matching <= prefilter.candidates([text]), text


def test_rules_of_some_goods_look_at_these_alone(tmp_path: Path) -> None:
    """only_in is silent where the category is another or unknown; not_in is silent only where it is that one."""
    common = "label: A, score: 0.8, approved_by: [law, consumers], misses: [nothing]"
    lines = [
        "{id: only, phrases: [heals], hits: [heals], only_in: [food], " + common + "}",
        "{id: not, phrases: [cures], hits: [cures], not_in: [food], " + common + "}",
    ]
    (tmp_path / "en.yaml").write_text("language: en\nrules:\n" + "".join(f"  - {line}\n" for line in lines))
    lexicon = Lexicon.load(tmp_path, {"A"})
    found = {
        category: [one.rule_id for one in lexicon.find("it heals and cures", "en", category)]
        for category in ("food", "tea", None)
    }
    assert found == {"food": ["only"], "tea": ["not"], None: ["not"]}


def test_a_claim_has_what_its_rule_says_in_place_of_the_label(tmp_path: Path) -> None:
    """Its severity and its advice."""
    own = "severity: critical, advice: say less, approved_by: [law, consumers]"
    rule = "{id: x, label: A, phrases: [heals], score: 0.8, hits: [heals], misses: [nothing], " + own + "}"
    (tmp_path / "en.yaml").write_text(f"language: en\nrules:\n  - {rule}\n")
    (found,) = Lexicon.load(tmp_path, {"A"}).find("it heals", "en")
    assert (found.severity, found.advice) == ("critical", "say less")
