"""The words that make facts: the files as they ship, and what each kind of rule does."""

import pytest

from models.facts import spoken_facts
from models.wording import wording
from worker.listings import LABELS

KINDS = {"money", "weight", "length", "volume", "count", "bare"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_rule_is_of_a_field(language: str) -> None:
    """Each rule names kinds of amount and a field that listings are compared by; and each field has a rule."""
    words = wording(language)
    fields = {rule.field for rule in words.amounts if rule.field} | {rule.field for rule in words.phrases}
    assert all(rule.kinds and rule.kinds <= KINDS for rule in words.amounts)
    assert fields | {"reference_price"} == set(LABELS)


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("九十八，不对，八十八一件", "zh", 88),
        ("六百，五百，直接三百九十九", "zh", 399),
        ("两千零八十的包，今天一千零八十让你背走", "zh", 1080),
        ("一罐九百克，六罐一箱", "zh", 5400),
        ("一盒里面十小包，一小包三十克", "zh", 300),
        ("就剩十一双了，十一双", "zh", 11),
        ("这一提是六卷还是八卷？八卷", "zh", 8),
        ("六包，一包一百抽", "zh", 6),
        ("eight hundred grams, no wait, it's seven hundred drained", "en", 700),
        ("a quarter pound each and you get eight", "en", 907.2),
        ("I said twenty-nine, I meant thirty-nine", "en", 39),
        ("six foot by nine, this rug", "en", "2743.2 mm"),
        ("八十八一件", "zh", 88),
        ("四百一双", "zh", 400),
        ("三斤一百", "zh", 100),
        ("二两一包的虾皮，给你三包", "zh", 300),
        ("两升半的电饭煲", "zh", "2500 ml"),
        ("six pounds fifty a box", "en", 6.5),
        ("two pounds four ounces", "en", 1020.6),
        ("a fiver off if you clip the voucher", "en", 5),
        ("it's eighteen pounds, love", "en", 18),
        ("regular price four grand", "en", 4000),
    ],
)
def test_one_account(text: str, language: str, value: float | str) -> None:
    """What is taken back, counted down, multiplied, said again or asked and answered leaves what holds in the end."""
    assert value in [fact.value for fact in spoken_facts(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "gone"),
    [
        ("九十八，不对，八十八一件", "zh", 98),
        ("一罐九百克，六罐一箱", "zh", 900),
        ("就剩十一双了，十一双", "zh", "quantity"),
        ("五十四到六十二的圈口都有", "zh", "size"),
        ("四百一双的工钱", "zh", 410),
        ("eight hundred grams, no wait, it's seven hundred drained", "en", 800),
        ("two to three pounds", "en", "weight_g"),
        ("两斤装的二十九块九，五斤装的五十九块九", "zh", "weight_g"),
        ("一二三四五六七八", "zh", "price"),
        ("我八十三了", "zh", "price"),
        ("上一百二十件", "zh", 100),
        ("we don't ship free", "en", "shipping"),
    ],
)
def test_what_an_account_leaves_out(text: str, language: str, gone: float | str) -> None:
    """The value taken back, the one of a single piece, and ranges are not told."""
    facts = spoken_facts(text, language)
    assert gone not in [fact.value for fact in facts]
    assert gone not in [fact.field for fact in facts]


@pytest.mark.parametrize(
    ("text", "language", "material"),
    [
        ("不锈钢的，三零四不锈钢", "zh", "304不锈钢"),
        ("大鹅绒的被子，白鹅绒", "zh", "白鹅绒"),
        ("白橡木，全实木", "zh", "白橡木"),
        ("Cashmere. Pure cashmere. Two-ply", "en", "Pure cashmere"),
    ],
)
def test_one_material_once(text: str, language: str, material: str) -> None:
    """Of one material said twice the words that tell more are kept."""
    assert [fact.value for fact in spoken_facts(text, language)] == [material]
