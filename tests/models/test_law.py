"""What a host is told of the law behind a label."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from models.labels import Label, LegalBasis, load_labels
from models.law import in_force, notice

LABELS = load_labels(Path("configs/labels.yaml"))
TODAY = date(2026, 11, 22)
LANGUAGES = ("zh", "en")
JURISDICTIONS = ("cn", "eu")
PLATFORMS = (
    "快手", "抖音", "淘宝", "天猫", "京东", "拼多多", "小红书", "视频号", "Kuaishou", "Douyin", "TikTok",
    "Taobao", "Tmall", "JD.com", "Pinduoduo", "Xiaohongshu", "Temu", "Shein", "Amazon", "YouTube", "Twitch",
)  # fmt: skip
NEVER = re.compile(
    r"→|&|->|\.(json|ya?ml|md|txt|csv)\b|研究资料|research notes|zh-xx|案|\bcase\b|法院|court|Xinhua|新华|指南|指引"
    r"|guide|\bnull\b|None|待核|unverified|" + "|".join(map(re.escape, PLATFORMS)),
    re.IGNORECASE,
)

EVERY = [(code, language, where) for code in LABELS for language in LANGUAGES for where in JURISDICTIONS]


def law(**changes: object) -> LegalBasis:
    made = LegalBasis(
        jurisdiction="cn", kind="statute", title_zh="甲法", title_en="A Law", article_zh="第9条", article_en="Art. 9",
        in_force_from=None, verified=True,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def label(*laws: LegalBasis) -> Label:
    return replace(LABELS["ABS_SUPERLATIVE"], law=laws)


@pytest.mark.parametrize(("code", "language", "where"), EVERY)
def test_every_notice_can_be_shown_to_a_host(code: str, language: str, where: str) -> None:
    """All 27 labels, in both languages, for a Chinese and a European stream: nothing a host should not see."""
    line = notice(LABELS[code], language, where, TODAY)

    assert NEVER.findall(line) == []
    assert not re.search(r"\n|\s{2}|[,;:；：、]$|[,;] [,;]|《》|（）|\(\)", line), line
    if language == "zh":
        assert not re.search(r"\bart|annex|directive|\bact\b|\blaw\b|;", line, re.IGNORECASE), line
    else:
        assert not re.search(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]", line), line


@pytest.mark.parametrize("code", LABELS)
def test_every_label_names_a_law_of_its_jurisdiction_or_the_platform_alone(code: str) -> None:
    """A Chinese stream is told of Chinese law and a European one of European; only off-site deals have none there."""
    lines = {where: notice(LABELS[code], "zh", where, TODAY) for where in JURISDICTIONS}

    assert "欧盟" not in lines["cn"]
    assert "《" in lines["cn"]
    assert "中华人民共和国" not in lines["eu"]
    assert ("《欧盟" in lines["eu"]) is (code != "OFFSITE_DEAL")
    assert "美国" not in lines["cn"] + lines["eu"]


def test_the_whole_line() -> None:
    """As a host reads it, in both languages."""
    superlative, offsite = LABELS["ABS_SUPERLATIVE"], LABELS["OFFSITE_DEAL"]

    assert (
        notice(superlative, "zh", "cn", TODAY)
        == "依据：《中华人民共和国广告法》第9条（3）、第57条（1）；本平台规则“绝对化用语”"
    )
    assert notice(superlative, "en", "eu", TODAY) == (
        'Basis: Unfair Commercial Practices Directive 2005/29/EC, Art. 6; this platform\'s rule "Absolute superlative"'
    )
    assert notice(offsite, "zh", "eu", TODAY) == "依据：本平台规则“诱导站外私下交易”"


@pytest.mark.parametrize(
    ("on", "zh", "en"),
    [
        (date(2025, 10, 14), "《中华人民共和国反不正当竞争法》第8条；", "Law of the PRC, Art. 8;"),
        (date(2025, 10, 15), "《中华人民共和国反不正当竞争法》第9条；", "Law of the PRC, Art. 9;"),
    ],
)
def test_a_law_that_was_renumbered(on: date, zh: str, en: str) -> None:
    """The number in force on the day it was said, and only that one."""
    told = [notice(LABELS["HYPE_SCRIPT"], language, "cn", on) for language in LANGUAGES]

    assert zh in told[0]
    assert en in told[1]
    assert told[0].count("反不正当竞争法") == told[1].count("Anti-Unfair") == 1


@pytest.mark.parametrize(
    ("code", "where", "first", "title"),
    [
        ("OFFSITE_DEAL", "cn", date(2026, 2, 1), "直播电商监督管理办法"),
        ("PERSONA_FAKE", "eu", date(2026, 8, 2), "人工智能法"),
        ("SALES_FAKE", "cn", date(2019, 1, 1), "电子商务法"),
    ],
)
def test_a_law_is_told_from_the_day_it_is_in_force(code: str, where: str, first: date, title: str) -> None:
    """Not the day before."""
    assert title in notice(LABELS[code], "zh", where, first)
    assert title not in notice(LABELS[code], "zh", where, date.fromordinal(first.toordinal() - 1))


@pytest.mark.parametrize(
    "hidden",
    [
        {"verified": False},
        {"kind": "guideline"},
        {"kind": "case"},
        {"jurisdiction": "eu"},
        {"in_force_from": date(2026, 11, 23)},
        {"in_force_until": date(2026, 11, 21)},
    ],
)
def test_without_law_the_platform_s_rule_stands_alone(hidden: dict[str, object]) -> None:
    """What is not verified, not binding, of elsewhere or not in force is not told."""
    assert notice(label(law(**hidden)), "zh", "cn", TODAY) == "依据：本平台规则“绝对化用语”"


def test_a_platform_that_names_its_rules() -> None:
    """Its own rule stands in the place of the nameless one, if it is verified and in force."""
    rule = law(kind="platform_rule", title_zh="乙平台直播规则", title_en="Rules of B", article_zh="", article_en="")

    assert notice(label(law(), rule), "zh", "cn", TODAY) == "依据：《甲法》第9条；《乙平台直播规则》"
    assert notice(label(law(), rule), "en", "cn", TODAY) == "Basis: A Law, Art. 9; Rules of B"
    assert "本平台规则" in notice(label(law(), replace(rule, verified=False)), "zh", "cn", TODAY)


def test_people_who_judge_see_more() -> None:
    """Unverified law and guidelines of the jurisdiction, but nothing that was not in force."""
    seen = (law(), law(verified=False), law(kind="guideline"), law(kind="case"))
    unseen = (law(jurisdiction="eu"), law(in_force_from=date(2027, 1, 1)), law(in_force_until=date(2020, 1, 1)))

    assert in_force(label(*seen, *unseen), "cn", TODAY) == seen
