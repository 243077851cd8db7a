"""Amounts in what is said: a number with its unit, brought to one unit of its kind.

Money stays in the currency it was said in, weights become grams, lengths millimetres, volumes millilitres; a
count keeps its measure word. A number without a unit is ``bare``. A vague number gives no amount.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from models.numerals import SAID_DIGITS, Number, chinese_numbers, english_numbers, spoken
from models.units import COUNT_CHAR, COUNTED, EN_UNIT, GRAMS, MILLILITRES, MILLIMETRES, TABLES, ZH_UNIT, per

Kind = Literal["money", "weight", "length", "volume", "count", "bare"]

_DIGIT = SAID_DIGITS + "1-9"
_DECIMALS = rf"(?:[{SAID_DIGITS}]{{1,2}}(?![{SAID_DIGITS}])|[0-9]{{1,2}}(?![0-9]))"
"""What follows a unit, in one script: in 九块九9点开抢 a time follows the price."""
_AFTER_KUAI = re.compile(
    rf"(?P<mao>[{_DIGIT}])(?:毛|角)(?P<fen>[{_DIGIT}])?分?|"
    rf"(?P<one>[{_DIGIT}])(?=[{_DIGIT}十半]+(?:{COUNT_CHAR}|[斤公克]))"
    rf"|(?P<two>{_DECIMALS})(?![十百千.]|{COUNT_CHAR}|斤)"
)
_BLOCKS = re.compile(
    r"(?:手表|肥皂|香皂|表|布|肉|蛋糕|毛巾|面膜|地|砖|石|玉|豆腐|饼|巧克力|木|板|屏|装|电池|糖|牌|皮|面料|小|大)"
)
_METRES_PAID = re.compile(r"$|[，。,.啊吧呢了]|包邮|到手|拿|带走|秒|给你|一[斤个件瓶盒]|[两三四]")
_ONE_KUAI = re.compile(r"钱|$|[，。,.啊吧呢了]|包邮|到手|拿|秒|一[斤个件]|[一二三四五六七八九\d]")
_SIDE_ZH = re.compile(r"(?:长|宽|高|厚|深|径|围|口|身)(?:是|就是|有|度|达|大概|差不多|约|:|：|足足|做到了?)*$")
_AFTER_METRES = re.compile(r"\s*(?:长|宽|高|厚|深|多?长|乘|[*xX×]|的?大?床|的?被|的?线|的?沙发|的?桌|的?柜)")
_HALF_MORE = re.compile(r"\s+and a (?:half|quarter)\b", re.IGNORECASE)
_CENTS = re.compile(r"(?:,? and|,)? (?P<cents>[a-z0-9-]+(?: [a-z]+)?) cents?\b", re.IGNORECASE)
_NUMBERED = re.compile(r"号(?!的?圈口|码)(?:链接|那|这|里|品|款|是|$|[，,])")
_JOINED = re.compile(r",? (?:and )?")
_RANGE = re.compile(r"(?:号|码|多)?\s*(?:到|至|~|～|-|—|to|or|或者?)\s*")
_SALE_DAY = re.compile(r"双(?:十一|十二|11|12)$|(?<!\d)618$|六一八$")
_ROW = re.compile(r"\s*(?:[*xX×乘、/]|乘以|by)\s*")
_POUNDS = re.compile(
    r" pounds? (?P<pence>(?:ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:five|nine))?)\b", re.I
)
_LOOSE_CENTS = re.compile(
    (
        r" (?P<cents>(?:ten|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
        r"ninety)(?:[- ](?:five|nine))?)(?=$|[,.!?]| (?:for|each|today|tonight|to)\b)"
    ),
    re.I,
)
_SIGN = re.compile(r"(?:US|CA|AU)?[$£€¥￥]\s?$")

_BEFORE = 8
"""Characters before a numeral that hold its sign of money, or the name of a day."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit, [start, end) in code points of the text. ``unit`` is what was said."""

    kind: Kind
    value: float
    unit: str
    start: int
    end: int
    digits: str
    """The numeral as said."""
    times: float = 1.0
    """What one of its unit is in grams, millimetres or millilitres."""


def amounts(text: str, language: str) -> list[Amount]:
    """Every amount of a text, in order; none overlap."""
    numbers, read = (chinese_numbers, _chinese) if language == "zh" else (english_numbers, _english)
    found: list[Amount] = []
    at = 0
    while (number := next(numbers(text, at), None)) is not None:
        at = number.end
        if (
            number.value is not None
            and not _NUMBERED.match(text, number.end)
            and not _SALE_DAY.search(text[max(0, number.end - _BEFORE) : number.end])
        ):
            found.append(read(text, number))
            at = found[-1].end
    return _with_units(found, text)


def _chinese(text: str, number: Number) -> Amount:
    match = ZH_UNIT.match(text, number.end)
    sign = _SIGN.search(text, max(0, number.start - _BEFORE), number.start)
    if match is None or match.lastgroup is None:
        kind: Kind = "money" if sign else "bare"
        return _amount(
            text, kind, number.value or 0.0, "", (sign.start() if sign else number.start, number.end), number
        )
    unit = match[match.lastgroup]
    match match.lastgroup:
        case "money" | "mao":
            return _chinese_money(text, number, match)
        case "weight":
            return _chinese_weight(text, number, match)
        case "length":
            return _chinese_length(text, number, match)
        case "volume":
            half = text[match.end() : match.end() + 1] == "半"
            value = ((number.value or 0.0) + 0.5 * half) * MILLILITRES[unit.lower()]
            return _amount(text, "volume", value, unit, (number.start, match.end() + half), number)
    return _amount(text, "count", number.value or 0.0, unit, (number.start, match.end()), number)


def _chinese_money(text: str, number: Number, unit: re.Match[str]) -> Amount:
    """九块九, 九块九毛九, 五毛, 99元; 两块肥皂 counts pieces."""
    value, end = number.value or 0.0, unit.end()
    if unit.lastgroup == "mao":
        if more := re.compile(rf"[{_DIGIT}](?![{_DIGIT}十百千0-9.]|{COUNT_CHAR})").match(text, end):
            value, end = value + (spoken(more.group()) or 0.0) / 10, more.end()
        return _amount(text, "money", round(value / 10, 4), unit["mao"], (number.start, end), number)
    if unit["money"] == "块":
        more = _AFTER_KUAI.match(text, end)
        if more:
            tails = (more["mao"], more["fen"]) if more["mao"] else (more["one"] or more["two"],)
            value += sum((spoken(tail) or 0.0) / 10 ** (at + len(tail)) for at, tail in enumerate(tails) if tail)
            end = more.end()
        elif value < 20 and _BLOCKS.match(text, end) or value == 1 and not _ONE_KUAI.match(text, end):
            return _amount(text, "count", value, "块", (number.start, end), number)
    return _amount(text, "money", round(value, 4), unit["money"], (number.start, end), number)


_WEIGHT_MORE = re.compile(
    rf"(?P<half>半)|零?(?P<liang>[{_DIGIT}])两(?![零〇一二三四五六七八九十百千万{COUNTED}])|"
    rf"(?P<tenth>[{_DIGIT}])(?![{_DIGIT}十百千万0-9.{COUNTED}号块元])"
)


_TENTH = re.compile(rf"[{_DIGIT}](?![{_DIGIT}十百千万0-9.{COUNTED}号块元克斤])")


def _chinese_weight(text: str, number: Number, unit: re.Match[str]) -> Amount:
    """三斤, 三斤半, 三斤二两, 三斤六."""
    grams, end = GRAMS[unit["weight"].lower()], unit.end()
    value = (number.value or 0.0) * grams
    if grams >= 500 and (more := _WEIGHT_MORE.match(text, end)):
        if more["half"]:
            value += grams / 2
        elif more["liang"]:
            value += 50 * (spoken(more["liang"]) or 0.0)
        else:
            value += grams / 10 * (spoken(more["tenth"]) or 0.0)
        end = more.end()
    elif unit["weight"] in ("克", "公斤") and (tenth := _TENTH.match(text, end)):
        value, end = value + grams / 10 * (spoken(tenth.group()) or 0.0), tenth.end()
    elif unit["weight"] == "两" and text[end : end + 1] == "半":
        value, end = value + 25, end + 1
    return _amount(text, "weight", round(value, 2), unit["weight"], (number.start, end), number)


_AFTER_METRE = re.compile(rf"{_DECIMALS}(?![十百千.]|[{COUNTED.replace('床', '')}斤])")


def _chinese_length(text: str, number: Number, unit: re.Match[str]) -> Amount:
    """一米八 is 1800 mm; 九十九米 is money, as hosts say who may not say 块."""
    value, end, said = number.value or 0.0, unit.end(), unit["length"]
    if said != "米":
        half = text[end : end + 1] == "半"
        value += 0.5 * half
        return _amount(
            text, "length", round(value * MILLIMETRES[said.lower()], 2), said, (number.start, end + half), number
        )
    tail = _AFTER_METRE.match(text, end)
    if tail:
        value, end = value + (spoken(tail.group()) or 0.0) / 10 ** len(tail.group()), tail.end()
    elif text[end : end + 1] == "半":
        value, end = value + 0.5, end + 1
    long = (
        value < 4
        or not _METRES_PAID.match(text, end)
        or _SIDE_ZH.search(text[: number.start])
        or _AFTER_METRES.match(text, end)
    )
    if long:
        return _amount(text, "length", round(value * 1000, 2), said, (number.start, end), number)
    return _amount(text, "money", round(value, 4), said, (number.start, end), number)


def _english(text: str, number: Number) -> Amount:
    value, start, end = number.value or 0.0, number.start, number.end
    sign = _SIGN.search(text, max(0, start - _BEFORE), start)
    if sign:
        return _amount(text, "money", value, sign.group(), (sign.start(), end), number)
    if text[start:end].endswith(("fiver", "tenner")):
        return _amount(text, "money", value, "pounds", (start, end), number)
    if pounds := _POUNDS.match(text, end):
        pence = next(iter(english_numbers(pounds["pence"])), None)
        if pence and pence.value and 10 <= pence.value < 100:
            return _amount(text, "money", value + pence.value / 100, "pounds", (start, pounds.end()), number)
    unit = EN_UNIT.match(text, end)
    if unit is None or unit.lastgroup is None:
        return _amount(text, "bare", value, "", (start, end), number)
    name, end = unit[unit.lastgroup].lower(), unit.end()
    if more := _HALF_MORE.match(text, end):
        value, end = value + (0.5 if more.group().endswith("half") else 0.25), more.end()
    match unit.lastgroup:
        case "cents":
            return _amount(text, "money", value / 100, name, (start, end), number)
        case "money":
            return _dollars(text, value, name, (start, end), number)
        case "weight":
            return _amount(text, "weight", round(value * per(GRAMS, name), 2), name, (start, end), number)
        case "length":
            return _amount(text, "length", round(value * per(MILLIMETRES, name), 2), name, (start, end), number)
        case "volume":
            name = "fl oz" if name.startswith("fl") else name
            return _amount(text, "volume", round(value * per(MILLILITRES, name), 2), name, (start, end), number)
    return _amount(text, "count", value, name, (start, end), number)


def _dollars(text: str, value: float, name: str, span: tuple[int, int], number: Number) -> Amount:
    start, end = span
    if value < 10 and number.value is not None and "." in f"{value:g}" and " " in text[start : number.end]:
        value = round(value * 100)  # two ninety-nine dollars is 299
    more = _CENTS.match(text, end) or _LOOSE_CENTS.match(text, end)
    cents = next(iter(english_numbers(more["cents"])), None) if more else None
    if more and cents and cents.value is not None and cents.value < 100:
        value, end = value + cents.value / 100, more.end()
    return _amount(text, "money", round(value, 4), name, (start, end), number)


def _amount(text: str, kind: Kind, value: float, unit: str, span: tuple[int, int], number: Number) -> Amount:
    times = per(TABLES[kind], unit.lower()) if kind in TABLES else 1.0
    return Amount(kind, value, unit, span[0], span[1], text[number.start : number.end], times)


def sizes(text: str) -> list[Amount]:
    """The lengths and volumes of a listing's text, in either language."""
    apart = re.sub(r"(?<=[\d米m])\s*[xX×*]\s*(?=\d)", " x ", text)
    language = "zh" if re.search("[\u4e00-\u9fff]", apart) else "en"
    return [one for one in amounts(apart, language) if one.kind in ("length", "volume")]


def _with_units(found: list[Amount], text: str) -> list[Amount]:
    """Numbers in a row, 24 by 16 inches and six foot by nine, all have the unit of the one that has one."""
    made = list(found)
    for at in [*range(len(made) - 2, -1, -1), *range(len(made) - 1)]:
        one, after = made[at], made[at + 1]
        if not _ROW.fullmatch(text[one.end : after.start]):
            continue
        if one.kind == "bare" and after.kind in TABLES:
            made[at] = _in_unit(one, after)
        elif after.kind == "bare" and one.kind == "length":
            made[at + 1] = _in_unit(after, one)
    return _without_ranges(_together(made, text), text)


def _together(found: list[Amount], text: str) -> list[Amount]:
    """Two pounds four ounces, five foot six: one amount in two units."""
    made: list[Amount] = []
    for one in found:
        last = made[-1] if made else None
        joined = last is not None and _JOINED.fullmatch(text[last.end : one.start])
        if last and joined and last.kind == one.kind and last.kind in ("weight", "length") and one.times < last.times:
            made[-1] = replace(last, value=round(last.value + one.value, 2), end=one.end)
        else:
            made.append(one)
    return made


def _in_unit(bare: Amount, model: Amount) -> Amount:
    times = per(TABLES[model.kind], model.unit.lower())
    return replace(bare, kind=model.kind, unit=model.unit, value=round(bare.value * times, 2), times=times)


def _without_ranges(found: list[Amount], text: str) -> list[Amount]:
    """From so much to so much is no amount: 五十四到六十二, two to three pounds."""
    ends = {at for at in range(len(found) - 1) if _RANGE.fullmatch(text[found[at].end : found[at + 1].start])}
    return [one for at, one in enumerate(found) if at not in ends and at - 1 not in ends]
