"""What is drawn out of utterances: fields, values and words in both languages, and what gives nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.facts import LONGEST, spoken_facts

CHINESE = {
    # price
    "今天直播间只要九十九块": "price=99",
    "到手价一百二十八块八": "price=128.8",
    "九块九包邮": "price=9.9 shipping=free",
    "三十九块九毛九": "price=39.99",
    "今天一百九十九拿走": "price=199",
    "卖一九九": "price=199",
    "只收四百五十九": "price=459",
    "五毛钱": "price=0.5",
    "￥59.9到手": "price=59.9",
    "不到一百块钱": "price=100",
    "九十九米拿走": "price=99",
    "一百九十九到手两瓶": "price=199 quantity=2",
    "这款五十九": "price=59",
    "一百二十九块": "price=129",
    "两千六百块钱": "price=2600",
    "不要一百九，不要一百五，只要九十九": "price=99",
    "九块九一斤": "price=9.9",
    # reference price
    "原价三百九十九，今天一百二十八": "reference_price=399 price=128",
    "上个月卖三百六，今天两百六": "reference_price=360 price=260",
    "专柜卖一千二，我这儿三百九十九": "reference_price=1200 price=399",
    "商场里标八万八": "reference_price=88000",
    "刚上架的时候我们卖两千六": "reference_price=2600",
    "双十一卖三百，现在一百九十九": "reference_price=300 price=199",
    "别家卖两百九十九": "reference_price=299",
    "吊牌价一千零八十元": "reference_price=1080",
    # coupons and shipping
    "满九十九减二十": "coupon=20",
    "领二十元优惠券": "coupon=20",
    "下单立减三十块": "coupon=30",
    "领券减二十，到手七十九": "coupon=20 price=79",
    "运费六块": "shipping=6",
    "全国包邮": "shipping=free",
    "运费我出": "shipping=free",
    "不包邮，运费六块": "shipping=6",
    # weights
    "净含量五百克": "weight_g=500",
    "这个足足三两": "weight_g=150",
    "一箱十斤": "weight_g=5000",
    "一斤半一袋": "weight_g=750",
    "净重三斤二两": "weight_g=1600",
    "半斤一包": "weight_g=250",
    "五公斤装": "weight_g=5000",
    "金重三点五克": "weight_g=3.5",
    "净重500g": "weight_g=500",
    # quantity
    "拍一发三": "quantity=3",
    "买一送一": "quantity=2",
    "一箱二十四罐": "quantity=24",
    "一盒里面有六十粒": "quantity=60",
    "九十九两瓶": "price=99 quantity=2",
    "一共三袋": "quantity=3",
    "这是四件套": "quantity=4",
    "到手十二包": "quantity=12",
    # sizes
    "圈口五十六": "size=56 mm",
    "一米八的床都能用": "size=1800 mm",
    "链长四十五厘米": "size=450 mm",
    "容量五百毫升": "size=500 ml",
    "直径三十二公分": "size=320 mm",
    "宽一米五": "size=1500 mm",
    "这锅深八寸": "size=266.4 mm",
    "一桶五升": "size=5000 ml",
    # materials
    "这是足金九九九的": "material=足金999",
    "不是足金，是18K金的": "material=18K金",
    "有人问是不是真丝，对，是真丝的": "material=真丝",
    "这条项链是S925银的": "material=S925银",
    "面料是百分之百桑蚕丝": "material=百分之百桑蚕丝",
    "纯羊毛的": "material=纯羊毛",
    "填的是白鹅绒": "material=白鹅绒",
    "这只是A货翡翠": "material=A货翡翠",
    "实木的，橡木做的": "material=橡木",
    "304不锈钢的": "material=304不锈钢",
    "头层牛皮做的": "material=头层牛皮",
    # origin
    "产地武夷山": "origin=武夷山",
    "正宗阿克苏冰糖心苹果": "origin=阿克苏",
    "德国进口的": "origin=德国",
    "云南勐海产的茶": "origin=云南勐海",
    "这蜜是长白山老林子里的": "origin=长白山",
    "原产地新西兰": "origin=新西兰",
    "产自王家坪的": "origin=王家坪",
    # stock
    "还剩最后五十单": "stock=50",
    "只剩三件了": "stock=3",
    "库存只有三百件": "stock=300",
    "库房就剩七台": "stock=7",
    "最后二十套": "stock=20",
    # certificates and brands
    "专利号ZL二零二零一零一二三四五六点七": "certificate=ZL202010123456.7",
    "过了3C认证": "certificate=3C认证",
    "有质检报告": "certificate=质检报告",
    "带国检证书": "certificate=国检证书",
    "牌子是恒源祥的": "brand=恒源祥",
    "正品耐克": "brand=耐克",
    "戴森官方的": "brand=戴森",
}

ENGLISH = {
    "tonight it's only nineteen ninety-nine, free shipping": "price=19.99 shipping=free",
    "was forty dollars last week, now twenty-four ninety-five": "reference_price=40 price=24.95",
    "this retails for eighty bucks in stores": "reference_price=80",
    "nineteen dollars and ninety-nine cents": "price=19.99",
    "yours for $12.50": "price=12.5",
    "the price is forty five dollars": "price=45",
    "under thirty dollars": "price=30",
    "eighteen euro fifty, for two": "price=18.5",
    "fifty cents": "price=0.5",
    "five dollars off with the coupon": "coupon=5",
    "save ten dollars": "coupon=10",
    "shipping is five ninety-five": "shipping=5.95",
    "it ships free": "shipping=free",
    "free shipping to all fifty states": "shipping=free",
    "the jar is twelve ounces": "weight_g=340.2",
    "half a pound of coffee": "weight_g=226.8",
    "it's two and a half pounds": "weight_g=1134",
    "net weight 500 g": "weight_g=500",
    "you get a pack of six": "quantity=6",
    "ninety capsules in the bottle": "quantity=90",
    "buy two get one free": "quantity=3",
    "a set of four": "quantity=4",
    "it's twenty four by sixteen inches": "size=609.6 mm size=406.4 mm",
    "a 6.7-inch screen": "size=170.18 mm",
    "a 6-foot cable": "size=1828.8 mm",
    "the bottle is 500 ml": "size=500 ml",
    "it's solid oak, not veneer": "material=solid oak",
    "eighteen karat gold": "material=18 karat gold",
    "that's sterling silver": "material=sterling silver",
    "is it real silk? yes, it's 100% mulberry silk": "material=100% mulberry silk",
    "made of full-grain leather": "material=full-grain leather",
    "handmade in Italy": "origin=Italy",
    "an Italian leather bag": "origin=Italian",
    "grown in Vermont": "origin=Vermont",
    "imported from Spain": "origin=Spain",
    "only five left, guys": "stock=5",
    "down to the last twelve": "stock=12",
    "we have 40 units left": "stock=40",
    "patent number US 10,123,456": "certificate=US 10,123,456",
    "it's USDA certified": "certificate=USDA certified",
    "comes with a certificate of authenticity": "certificate=certificate of authenticity",
    "this is a genuine Coach bag": "brand=Coach",
    "the brand is Northwind": "brand=Northwind",
}

NOTHING = [
    "三号链接",
    "一号链接先拍",
    "十来块钱",
    "好几斤呢",
    "七八块钱",
    "几十块",
    "二十多斤",
    "一百多块",
    "三五百块",
    "一两个",
    "有人问是不是真丝",
    "一百块能买到吗",
    "是不是足金的",
    "不是足金",
    "不是德国进口的",
    "没有证书",
    "不包邮",
    "不含羊毛",
    "如果卖你三百块你也不会买",
    "价值九十九的小样送你",
    "平均一天一块钱",
    "拍两件打八折",
    "第二件半价",
    "每天吃两粒",
    "我一米六三，一百一十斤",
    "孩子三岁了",
    "我瘦了十斤",
    "承重两百斤",
    "每一百克含糖二十克",
    "十分好看",
    "万一坏了",
    "千万别错过",
    "一共三种颜色",
    "一起拍",
    "七七八八的东西",
    "半斤八两",
    "今天是十一月十一号",
    "三点开播",
    "打电话一三八零零一三八零零零",
    "跟耐克同一个厂的",
    "像香奈儿那款",
    "手感像真丝一样",
    "新疆的姐妹听好",
    "除了新疆西藏",
    "从义乌发货",
    "最后三分钟",
    "卖了三万件",
    "排名第一",
    "三室一厅",
    "说三遍",
    "双十一快到了",
    "5G手机",
    "上个厕所",
    "今天天气好",
    "一块手表",
    "someone asked if it's real silk",
    "it's not solid gold",
    "link number three",
    "twenty-odd dollars",
    "a couple of pounds",
    "I lost ten pounds on this",
    "my son is five feet tall",
    "inspired by Chanel",
    "hello from Italy",
    "feels like silk",
    "no certificate yet",
    "delivery's three to five working days",
    "if it was fifty dollars you would still buy it",
    "ten minutes left",
    "I'm thirty-five",
    "see you at nine",
    "free shipping on orders over fifty dollars",
]


def told(text: str, language: str) -> str:
    facts = spoken_facts(text, language)
    return " ".join(f"{f.field}={f.value if isinstance(f.value, str) else f'{f.value:g}'}" for f in facts)


def script(text: str) -> str:
    return "en" if text.isascii() else "zh"


@pytest.mark.parametrize(("text", "facts"), CHINESE.items())
def test_mandarin(text: str, facts: str) -> None:
    """Each field is found with its value, in the order of the text."""
    assert told(text, "zh") == facts


@pytest.mark.parametrize(("text", "facts"), ENGLISH.items())
def test_english(text: str, facts: str) -> None:
    """The same fields in English."""
    assert told(text, "en") == facts


@pytest.mark.parametrize("text", NOTHING)
def test_what_gives_nothing(text: str) -> None:
    """Denials, questions, suppositions, vague amounts and numbers of other things are no facts."""
    assert told(text, script(text)) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("今天直播间只要九十九块", ["九十九块"]),
        ("👍这是足金九九九的", ["足金九九九"]),
        ("全国包邮啊", ["全国包邮"]),
        ("only nineteen ninety-nine, free shipping", ["nineteen ninety-nine", "free shipping"]),
    ],
)
def test_the_words(text: str, words: list[str]) -> None:
    """The span holds the words that carry the fact, in code points."""
    assert [text[fact.start : fact.end] for fact in spoken_facts(text, script(text))] == words


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("不到一百块钱", {"at_most"}),
        ("专柜卖一千二", {"elsewhere"}),
        ("新疆西藏也包邮", {"everywhere"}),
        ("券后七十九块", {"coupon"}),
        ("九块九一斤", {"per_unit", "per 500 g"}),
        ("重量五百克左右", {"about"}),
        ("刚才那款卖三十九", {"other"}),
        ("it's about five pounds", {"about"}),
        ("the other one is forty dollars", {"other"}),
    ],
)
def test_how_it_was_said(text: str, notes: set[str]) -> None:
    """What matters for comparing is noted beside the value."""
    (fact,) = spoken_facts(text, script(text))
    assert fact.notes - {"weak"} == notes


def test_a_value_once() -> None:
    """A host who repeats himself states one fact."""
    assert told("九十九块，就九十九块，九十九块", "zh") == "price=99"


PIECES = st.sampled_from([*CHINESE, *ENGLISH, *NOTHING, "，", "。", " ", "块", "两", "斤", "百", "一", "半", "1", "."])


@given(
    st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=12).map("".join)),
    st.sampled_from(["zh", "en", "", "fr"]),
)
@settings(max_examples=150, deadline=None)
def test_any_text(text: str, language: str) -> None:
    """It ends on anything, and every fact has words: spans lie in the text, in order, and numbers are finite."""
    facts = spoken_facts(text, language)
    assert all(0 <= fact.start < fact.end <= len(text) for fact in facts)
    assert [fact.start for fact in facts] == sorted(fact.start for fact in facts)
    assert all(isinstance(fact.value, str) or 0 <= fact.value < 1e16 for fact in facts)


@pytest.mark.parametrize("piece", ["一", "九块九", "1,", "百分之百的", "a hundred and ", "包邮", "是", "\ud800", "\0"])
def test_a_very_long_text(piece: str) -> None:
    """A hundred thousand characters end soon: what lies beyond the longest utterance is not read."""
    text = piece * (100_000 // len(piece))
    began = time.thread_time()
    found = spoken_facts(text, "zh")

    assert time.thread_time() - began < 5  # of the processor, so that a busy machine does not count
    assert all(fact.end <= LONGEST for fact in found)
