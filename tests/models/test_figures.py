"""Amounts as digits in one unit, and the way back to the words as they were said."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.figures import figures
from models.normalise import normalise
from models.variants import load_variants

VARIANTS = load_variants(Path(__file__).parent.parent.parent / "configs" / "lexicon" / "variants.yaml")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("一共三两", "一共150g"),
        ("二十两", "1000g"),
        ("半斤", "250g"),
        ("两斤三两", "1150g"),
        ("三斤半", "1750g"),
        ("三斤一起拍", "1500g一起拍"),
        ("两公斤", "2000g"),
        ("两升半", "2500ml"),
        ("一米八", "180cm"),
        ("九块九", "9.9元"),
        ("三十九块九包邮", "39.9元包邮"),
        ("九块九毛九", "9.99元"),
        ("39块9", "39.9元"),
        ("五毛", "0.5元"),
        ("一块钱", "1元"),
        ("只要九十九", "只要99"),
        ("只要九十九米", "只要99元"),
        ("原价一千九百八", "原价1980"),
        ("1.5万元", "15000元"),
        ("3w块钱", "30000元"),
        ("１，２９９元", "1299元"),
        ("壹佰元", "100元"),
        ("百分之九十九点九", "99.9%"),
        ("十分钟", "10分钟"),
        ("两个月", "2个月"),
        ("三块肥皂", "3块肥皂"),
        ("二零二六年", "2026年"),
        ("火锅底料一块三百克", "火锅底料一块300g"),
    ],
)
def test_amounts_become_digits_in_one_unit(said: str, read: str) -> None:
    """Numerals before a unit or measure word or after a price word are read, and units have one name."""
    assert figures(normalise(said, VARIANTS), VARIANTS).text == read


@pytest.mark.parametrize(
    "said",
    [
        "一共", "一起", "十分", "十分好看", "万一", "千万", "千万别买", "七七八八", "三两个",
        "三两天", "三五天", "十几个", "三十多块", "一百二十多块", "第三天", "一个", "半天", "只要千万别",
        "一块去", "零件", "三只松鼠", "双十一天猫", "七到十天", "三星手机", "5g手机", "两两配对",
    ],
)  # fmt: skip
def test_what_is_no_amount_stays_as_it_is_said(said: str) -> None:
    """Words that hold a numeral, round numbers, ranges, ordinals and 一 as an article are not read."""
    assert figures(normalise(said, VARIANTS), VARIANTS).text == said


def test_an_amount_leads_back_to_all_its_words() -> None:
    """The digits of an amount cover the numeral and its unit in the text as said."""
    read = figures(normalise("今天 三 斤 半 给你", VARIANTS), VARIANTS)

    assert read.original(2, 7) == (3, 8)
