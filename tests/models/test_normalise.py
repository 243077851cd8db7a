"""Text made plain, and the way back to the words as they were said."""

from __future__ import annotations

import time
from difflib import SequenceMatcher
from pathlib import Path

import cn2an
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from models.normalise import (
    HAN,
    Normalised,
    Variants,
    VariantsError,
    figures,
    fold,
    load_variants,
    normalise,
    toneless,
)
from models.numerals import value

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "configs" / "lexicon" / "variants.yaml"
SPEECH = ROOT / "models" / "data" / "speech"
VARIANTS = load_variants(FILE)
HIDDEN = [*VARIANTS.han.plain, *VARIANTS.han.plain.values(), *VARIANTS.english.plain, *VARIANTS.emoji.plain]
PIECES = st.one_of(
    st.sampled_from("最低价加我薇vxVX微信 .·*+❤️🔥，。第1一國發Ａ％½'’\n​-_@$38乾隆薴㍿ſİ\ud800\udfff\x00"),
    st.sampled_from(
        ["c-u-r-e", "w h a t s", "某", "什么", "三斤", "两", "半", "九块九", "只要", "百分之", "到", "万", "kg"]
    ),
    st.sampled_from(HIDDEN),
    st.characters(),
)
MIXED = (
    st.lists(PIECES, max_size=16).map("".join) | st.text() | st.binary(max_size=60).map(lambda b: b.decode("latin1"))
)
HUGE = [
    "个",
    "三",
    "最 ",
    "a.",
    "a a",
    "c-",
    "a1",
    "8888a ",
    "8a ",
    "8 ",
    "十两",
    "😀",
    "最某",
    "\ud800",
    "a*",
    "三斤",
    "1,",
    "\x00ÿ",
    "加v",
    "1亿",
]


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("全網最低價", "全网最低价"),
        ("ＦＤＡ　认证", "fda认证"),
        ("最·低·价", "最低价"),
        ("第 一 名", "第一名"),
        ("微🔥信", "微信"),
        ("加我V❤信", "加我微信"),
        ("想要的加我薇", "想要的加我微信"),
        ("太好了！！！", "太好了!"),
        ("蕞低价", "最低价"),
        ("100%有效", "百分之百有效"),
        ("it’s  the BEST!!!", "it's the best!"),
        ("great🔥best", "great best"),
        ("①号链接", "1号链接"),
        ("➕V领券", "加微信领券"),
        ("加我微✉️", "加我微信"),
        ("主页 +v", "主页加微信"),
        ("全某网最某低", "全网最低"),
        ("最母低价", "最低价"),
        ("全什么网最呃低价", "全网最低价"),
        ("全wang最di价", "全网最低价"),
        ("糖n病", "糖尿病"),
        ("zuidijia给你们", "最低价给你们"),
        ("加个薇信", "加微信"),
        ("加w h a t s a p p", "加whatsapp"),
        ("c-u-r-e your pain", "cure your pain"),
        ("add me on w h a t s a p p", "add me on whatsapp"),
        ("b e s t p r i c e", "best price"),
        ("what's app", "whatsapp"),
        ("the gr8est deal", "the greatest deal"),
        ("l0west price", "lowest price"),
        ("ch3apest", "cheapest"),
        ("F.D.A. approved", "fda. approved"),
        ("it c*res c@ncer", "it cures cancer"),
        ("freeeee shipping, sooo good", "free shipping, so good"),
        ("\u0441ur\u0435", "cure"),
        ("𝓬𝓾𝓻𝓮 ⓒⓤⓡⓔ", "cure cure"),
    ],
)
def test_what_hides_a_word_is_undone(said: str, plain: str) -> None:
    """Width, case, old characters, symbols inside words, letters for words and repeats all go."""
    assert normalise(said, VARIANTS).text == plain


@pytest.mark.parametrize(
    "said",
    [
        "某人说有什么效果",
        "治什么病都要看医生",
        "某个最好的朋友",
        "父母最低调",
        "打编号评论",
        "跟治疗无关",
        "保证品质",
        "薇娅也在卖",
        "第100名",
        "紫薇花开了",
        "9.9元",
        "拍1+1",
        "加油领券",
        "vivo手机",
        "3-5天发货",
        "加VIP群主",
    ],
)
def test_words_that_only_look_alike_stay(said: str) -> None:
    """A name, a number or a longer word that holds a variant by chance is left alone."""
    assert normalise(said, VARIANTS).text == said.lower()


def test_english_text_keeps_its_own_words() -> None:
    """Plain words are Mandarin, so text without a Han character is not rewritten into them."""
    assert normalise("Add me on WeChat, top 1", VARIANTS).text == "add me on wechat, top 1"


@pytest.mark.parametrize(
    "said",
    ["xxxl size", "3-2-1 go", "s m l sizes", "best-selling 5g phone", "the 1st of may", "u.s.a. www.x.com", "don't"],
)
def test_english_that_only_looks_disguised_stays(said: str) -> None:
    """Sizes, counts, abbreviations and words with a hyphen are no disguise."""
    assert "".join(normalise(said, VARIANTS).text.split(".")) == "".join(said.split("."))


def test_offsets_lead_back_to_the_words_as_written() -> None:
    """A span of the normalised text covers exactly the characters of the original it came from."""
    said = "想要的，加 我 薇 ，主页"
    plain = normalise(said, VARIANTS)
    start = plain.text.index("加我微信")

    first, last = plain.original(start, start + 4)

    assert said[first:last] == "加 我 薇"


def test_a_longer_variant_is_covered_whole() -> None:
    """Six letters that become two characters still lead back to all six."""
    plain = normalise("加wechat吧", VARIANTS)

    assert plain.text == "加微信吧"
    assert plain.original(1, 3) == (1, 7)


def test_a_dropped_filler_and_a_joined_word_are_covered() -> None:
    """The span of a word holds the fillers and signs inside it, and nothing beside it."""
    filled, spelt = normalise("全某网最某低价啊", VARIANTS), normalise("we c-u-r-e it", VARIANTS)

    assert filled.original(2, 5) == (3, 7)
    assert spelt.original(3, 7) == (3, 10)


def valid(view: Normalised, text: str) -> bool:
    """Offsets are as many as characters, within the text and in order."""
    within = all(0 <= offset < len(text) for offset in view.offsets)
    return within and len(view.offsets) == len(view.text) and list(view.offsets) == sorted(view.offsets)


@settings(deadline=None, max_examples=400)
@given(MIXED)
def test_any_text_has_a_valid_way_back_and_is_normalised_once_for_all(text: str) -> None:
    """Whatever the text, both views lead back into it, and neither changes when it is made again."""
    plain = normalise(text, VARIANTS)
    amounts = figures(plain, VARIANTS)

    assert valid(plain, text)
    assert valid(amounts, text)
    assert normalise(plain.text, VARIANTS).text == plain.text
    assert figures(amounts, VARIANTS) == amounts
    assert all(0 <= start < end <= len(text) for _, start, end in toneless(text))


@pytest.mark.parametrize("piece", HUGE, ids=ascii)
def test_a_hundred_thousand_characters_take_seconds(piece: str) -> None:
    """No repetition makes the time grow faster than the text."""
    text = (piece * 100_000)[:100_000]
    before = time.process_time()

    plain = normalise(text, VARIANTS)
    figures(plain, VARIANTS)
    toneless(plain.text)

    assert time.process_time() - before < 15
    assert valid(plain, text)


def test_variants_that_go_round_for_ever_are_left(tmp_path: Path) -> None:
    """Two words that replace each other end in the text as it was, not in a loop."""
    path = tmp_path / "variants.yaml"
    path.write_text(
        "variants: [{to: 甲, words: [乙]}, {to: 乙, words: [甲]}, {to: 丙丙, words: [丙]}]", encoding="utf-8"
    )
    variants = load_variants(path)

    assert normalise("甲乙", variants).text == "甲乙"
    assert normalise("丙", variants).text == "丙"


@pytest.mark.parametrize(
    ("files", "count"), [(("zh_everyday.txt", "zh_shop.txt"), 2_000), (("en.txt",), 2_000)], ids=["zh", "en"]
)
def test_ordinary_speech_is_hardly_changed(files: tuple[str, ...], count: int) -> None:
    """Of 2,000 clean utterances at most 0.5 % of letters, digits and characters become others."""
    lines = [line for name in files for line in (SPEECH / name).read_text(encoding="utf-8").splitlines()]
    wrong = total = 0
    for line in [lines[number * len(lines) // count] for number in range(count)]:
        before, after = (
            "".join(char for char in normalise(line, one).text if char.isalnum()) for one in (Variants.none(), VARIANTS)
        )
        total += len(before)
        if before != after:
            steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
            wrong += sum(max(b - a, d - c) for step, a, b, c, d in steps if step != "equal")

    assert wrong / total <= 0.005


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


def test_rules_see_numerals_as_they_were_spoken() -> None:
    """Only the view of figures reads numerals."""
    assert normalise("三斤九块九", VARIANTS).text == "三斤九块九"


def test_an_amount_leads_back_to_all_its_words() -> None:
    """The digits of an amount cover the numeral and its unit in the text as said."""
    read = figures(normalise("今天 三 斤 半 给你", VARIANTS), VARIANTS)

    assert read.original(2, 7) == (3, 8)


@given(st.integers(min_value=1, max_value=99_999_999))
def test_a_numeral_is_worth_what_cn2an_says(number: int) -> None:
    """Every whole number written out is read as cn2an reads it."""
    numeral = cn2an.an2cn(number)

    assert value(numeral) == cn2an.cn2an(numeral, "normal") == number


@pytest.mark.parametrize(
    "numeral", ["一百二", "三千五", "一万二", "十二", "三点五", "二零二六", "一万零五", "两百", "两千零八", "十"]
)
def test_a_spoken_numeral_is_worth_what_cn2an_says(numeral: str) -> None:
    """So are those with the last unit left out, decimals and rows of digits."""
    assert float(value(numeral) or 0) == cn2an.cn2an(numeral, "normal")


@pytest.mark.parametrize("numeral", ["两三", "七八", "千万", "百", "二三十", "九" * 5000, "1" * 5000])
def test_a_round_numeral_is_worth_nothing(numeral: str) -> None:
    """Two digits side by side mean "two or three"; what is longer than any price is no number."""
    assert value(numeral) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("zhang", "zan"), ("sheng", "sen"), ("nan", "lan"), ("cheng", "cen"), ("fei", "hei"), ("jing", "jin")],
)
def test_near_sounds_fold_into_one(one: str, other: str) -> None:
    """Pairs that speakers and recognition mix up are one syllable."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("ba", "pa"), ("zui", "cui"), ("jia", "jie"), ("wo", "o"), ("gai", "hai")])
def test_other_sounds_stay_apart(one: str, other: str) -> None:
    """Folding does not go further than those pairs."""
    assert fold(one) != fold(other)


def test_toneless_gives_each_syllable_its_place() -> None:
    """Only Han characters give syllables, each with the span it stands at."""
    assert toneless("ok全网") == [("quan", 2, 3), ("wan", 3, 4)]
    assert [syllable for syllable, _, _ in toneless("醉低价")] == [syllable for syllable, _, _ in toneless("最低价")]
    assert toneless("plain") == []


def test_toneless_reads_as_pypinyin_does() -> None:
    """Its own tables are used without its code, and give the same readings."""
    text = "".join(c for c in (SPEECH / "zh_shop.txt").read_text(encoding="utf-8") if HAN[0] <= c <= "鿿")

    assert [syllable for syllable, _, _ in toneless(text)] == [fold(syllable) for syllable in lazy_pinyin(text)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("variants: 3", "expected a list"),
        ("", "expected a list"),
        ("variants: [{words: [a]}]", "variant 1: to"),
        ("variants: [{to: 微信, words: [1]}]", "variant 1: words"),
        ("variants: [{to: 微信, wrds: [v]}]", "variant 1: wrds"),
        ("variants: [", "expected a list"),
        ("variants: []\nfilers: []", "filers: unknown section"),
        ("variants: []\nemoji: 3", "expected a list under emoji"),
        ("variants: []\nemoji: [{to: 信}]", "emoji 1: words: missing"),
        ("variants: []\nhidden: [{words: [最低]}]", "hidden 1: fillers: missing"),
        ("variants: []\nunits: [{to: g, times: 0, words: [克]}]", "unit 1: times"),
        ("variants: []\nunits: [{to: g, times: 1, words: ['克(']}]", "bad pattern"),
        ("variants: []\ndisguised: [{words: [off, no]}]", "disguised 1: words"),
    ],
)
def test_a_wrong_file_of_variants_is_told(tmp_path: Path, content: str, told: str) -> None:
    """The error names the file and the entry."""
    path = tmp_path / "variants.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(VariantsError, match=rf"variants\.yaml: .*{told}"):
        load_variants(path)


def test_the_version_follows_every_section(tmp_path: Path) -> None:
    """A changed filler or unit is another version, a changed comment is not."""
    text = FILE.read_text(encoding="utf-8")

    def version(content: str) -> str:
        path = tmp_path / "variants.yaml"
        path.write_text(content, encoding="utf-8")
        return load_variants(path).version

    assert version("# nothing\n" + text) == VARIANTS.version
    assert version(text.replace("牟", "谋")) != VARIANTS.version
    assert version(text.replace("times: 50,", "times: 51,")) != VARIANTS.version
