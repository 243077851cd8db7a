"""Numbers as people say them, in Mandarin and English, with where they stand in the text.

Only the cut-out numeral is converted, never a sentence. What is vague (十来, 七八, several, twenty-odd) is
found too, as a number without value, so that no part of it is taken for a number of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import prod

_NUMBERS = ("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
DIGITS = {char: number for number, chars in enumerate(_NUMBERS) for char in chars}
"""Chinese digits, those of cheques too -> what they are worth."""
POWERS = {
    "十": 10,
    "拾": 10,
    "百": 100,
    "佰": 100,
    "千": 1000,
    "仟": 1000,
    "万": 10**4,
    "w": 10**4,
    "k": 1000,
    "亿": 10**8,
}
"""Chinese places, and the letters that stand for them behind digits -> what they are worth."""
_LONGEST = 24
_PURE = re.compile(
    rf"\d[\d,]*(?:\.\d+)?[{''.join(POWERS)}]*|[{''.join(DIGITS)}{''.join(POWERS)}]+(?:点[{''.join(DIGITS)}]*)?"
)
"""Wholly in digits, powers behind them, or wholly in characters: 八8 is two numerals side by side."""

SAID_DIGITS = "零〇一二三四五六七八九两"
"""The digits of spoken amounts."""
_PLACES = "十百千万亿"
_ARABIC = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_ZH = re.compile(
    rf"(?P<before>好几|几|(?:数|上|成)(?=[十百千万])(?!十)|近百|百)?"
    rf"(?P<core>(?:{_ARABIC})[十百千万亿]*(?:(?<=[百千万])[1-9](?!\d))?|半|"
    rf"[{SAID_DIGITS}{_PLACES}]+(?:点[{SAID_DIGITS}]+)?)"
    r"(?P<after>[多余几]|来(?=[块元斤克个件单条只瓶岁年天公两毛盒袋米份片包箱台号])|好几)?"
)
_UNIT_LIANG = re.compile(
    r"(?<=[一二三四五六七八九十半\d])两(?:(?![零〇一二三四五六七八九十百千万])|(?=[一十]?[一二三四五六七八九]?[包袋罐盒瓶份饼个颗]))"
)
_COUNTING = "一二三四五六七八九十"
_MEASURE = "个件天次瓶只条包盒句勺月年岁块下口支片袋双罐套颗粒枚把台张箱单份位年边头样"
_PAIR = re.compile(rf"[{SAID_DIGITS}]{{2}}")
_ROW = re.compile(rf"[{SAID_DIGITS}]{{3,}}")


@dataclass(frozen=True, slots=True)
class Number:
    """A numeral of a text, [start, end) in code points; ``value`` is None where it is vague."""

    value: float | None
    start: int
    end: int


@lru_cache(maxsize=10_000)
def value(numeral: str) -> Decimal | None:
    """What a Chinese numeral is worth, cut out of its sentence; None where it is none or only a round one (两三, 千万).

    Reads 39.9, 1.5万, 三百零五, 三点五, 二零二六, and as spoken 一百二 and 三万五.
    """
    if numeral == "半":
        return Decimal("0.5")
    if len(numeral) > _LONGEST or not _PURE.fullmatch(numeral):
        return None
    if numeral[:1].isdigit():
        digits = numeral.rstrip("".join(POWERS))
        powers = [POWERS[char] for char in numeral[len(digits) :]]
        return Decimal(digits.replace(",", "")) * Decimal(prod(powers))
    whole, _, decimals = numeral.partition("点")
    number = _whole(whole)
    if number is None or not decimals:
        return None if number is None else Decimal(number)
    return number + Decimal("0." + "".join(str(DIGITS[char]) for char in decimals))


def _whole(numeral: str) -> int | None:
    """A whole number in Chinese. Digits alone count where they cannot mean "two or three"."""
    if all(char in DIGITS for char in numeral):
        if len(numeral) == 2 and numeral[0] not in "零〇" and numeral[1] not in "零〇":
            return None
        return int("".join(str(DIGITS[char]) for char in numeral)) if numeral else None
    if numeral[0] in POWERS and numeral[0] not in "十拾":
        return None
    total = section = 0
    digit: int | None = None
    last = 1
    for index, char in enumerate(numeral):
        if char in DIGITS:
            if digit:
                return None
            digit = DIGITS[char]
            last = last if digit else 1
            continue
        power = POWERS[char]
        if power < 10**4:
            section += (digit if digit is not None else 1 if index == 0 or power == 10 else 0) * power
        else:
            total, section = (total + section + (digit or 0)) * power, 0
        digit, last = None, power
    return total + section + (digit or 0) * max(1, last // 10)


def chinese_numbers(text: str, at: int = 0) -> Iterator[Number]:
    """The numerals of a Mandarin text from ``at`` on, in characters or digits, in order, without their units."""
    while match := _ZH.search(text, at):
        start, end = match.span("core")
        end = _without_article(text, start, _without_unit(text, start, end))
        vague = bool(match["before"] or match["after"]) or _vague(text[start:end])
        at = match.end() if vague else end
        worth = None if vague else spoken(text[start:end])
        yield Number(worth, match.start() if match["before"] else start, at)


def spoken(numeral: str) -> float | None:
    """As ``value``, and 九九 is 99: for a numeral that is known not to mean "about so many"."""
    if len(numeral) == 2 and all(char in DIGITS for char in numeral):
        return 10.0 * DIGITS[numeral[0]] + DIGITS[numeral[1]]
    if numeral[1:] and numeral[-1] in "123456789" and numeral[-2] in _PLACES:  # 1万2
        high, low = value(numeral[:-1]), POWERS[numeral[-2]] // 10
        return None if high is None else float(high + low * int(numeral[-1]))
    worth = value("一" + numeral if numeral[0] in "百千" else numeral)
    return None if worth is None else float(worth)


def _without_unit(text: str, start: int, end: int) -> int:
    """Where the numeral ends when a 两 in it is the unit: 三两 is three of them, 三两百 and 三两个 are vague."""
    for match in _UNIT_LIANG.finditer(text, start + 1):
        if match.end() > end:
            break
        if match.end() == end and text[end : end + 1] in _MEASURE and text[end : end + 1]:
            if match.start() - start >= 2:  # 九十九两瓶: two bottles for ninety-nine
                return match.start()
            continue
        return match.start()
    return end


def _without_article(text: str, start: int, end: int) -> int:
    """Where the numeral ends when the digit behind it counts the next word: 四百一双, 八十八一件, 九十九三瓶."""
    said = text[start:end]
    if (
        len(said) < 2
        or _vague(said)
        or text[end : end + 1] not in _MEASURE
        or not text[end : end + 1]
        or said[-1] not in DIGITS
    ):
        return end
    article = said[-1] == "一" and said[-2] in "百千万"
    return end - 1 if article or (spoken(said) is None and spoken(said[:-1]) is not None) else end


def _vague(said: str) -> bool:
    """Two neighbouring digits without a place, 七八块, 三五百, 一两个, mean about so many."""
    if said == "七七八八" or (len(said) > 2 and said in _COUNTING):
        return True
    pair = _PAIR.search(said)
    if pair is None or _ROW.search(said) or "点" in said or any(char in "零〇" for char in pair.group()):
        return False
    one, two = (DIGITS[char] for char in pair.group())
    return 0 < two - one <= 2 and (pair.end() < len(said) or pair.start() > 0 or two - one == 1 or (one, two) == (3, 5))


_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SMALL = {word: number for number, word in enumerate(_ONES)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_TIMES = {"hundred": 100, "thousand": 1000, "grand": 1000, "dozen": 12}
_WORD = "|".join(sorted([*_SMALL, *_TIMES], key=len, reverse=True))
_EN = re.compile(
    rf"(?<![\w.])(?:(?P<digits>{_ARABIC})(?P<k>k\b)?|"
    rf"(?P<words>(?:(?:half )?an? (?=hundred|thousand|grand|dozen|half))?"
    rf"\b(?:{_WORD}|half(?= a?n? ?\w)|quarter(?=[ -]\w))(?:(?:[ -]|,? and (?:an? )?| a | point )(?:{_WORD}|half)\b)*)"
    rf"|(?P<note>(?:\ba )?\b(?:fiver|tenner)\b)"
    rf"|(?P<one>\ban?(?= (?:pound|ounce|dozen|liter|litre|kilo|gallon|foot|quart|pint)\b)))",
    re.IGNORECASE,
)
_EN_VAGUE_BEFORE = re.compile(r"(?:\bsome|\bseveral|\bcouple of|\bfew|\bmany)\s+$", re.IGNORECASE)
_EN_VAGUE_AFTER = re.compile(r"(?:[ -]?(?:ish|odd|something|plus)\b|s\b|\+)", re.IGNORECASE)
_MOST_DIGITS = 15
_BEFORE = 40
"""Characters before a numeral that hold the word that makes it vague."""


def english_numbers(text: str, at: int = 0) -> Iterator[Number]:
    """The numerals of an English text from ``at`` on, in words or digits, in order."""
    for match in _EN.finditer(text, at):
        vague = _EN_VAGUE_BEFORE.search(text, max(0, match.start() - _BEFORE), match.start()) or (
            match["words"] and not match["words"].endswith("half") and _EN_VAGUE_AFTER.match(text, match.end())
        )
        yield Number(None if vague else _english_value(match), match.start(), match.end())


def _english_value(match: re.Match[str]) -> float | None:
    if match["digits"]:
        digits = match["digits"].replace(",", "")
        return float(digits) * (1000 if match["k"] else 1) if len(digits) <= _MOST_DIGITS else None
    if match["note"]:
        return 5.0 if match["note"].endswith("fiver") else 10.0
    return 1.0 if match["one"] else english_value(match["words"])


def english_value(said: str) -> float | None:
    """What number words mean: a hundred and twenty 120, two and a half 2.5, nineteen ninety-nine 19.99."""
    words = re.findall(r"[a-z]+", said.lower())
    if "point" in words:
        return _decimal(words)
    words = [word for word in words if word not in ("and", "a", "an")]
    total, current, before = 0.0, 0.0, 0
    for word in words:
        if word in ("half", "quarter"):
            current += 0.5 if word == "half" else 0.25
        elif word in _TIMES:
            current = (current or 1) * _TIMES[word]
            if word in ("thousand", "grand"):
                total, current = total + current, 0.0
            before = 0
        elif before and (before < 20 or _SMALL[word] >= 10):
            return _two_groups(words)
        else:
            current += _SMALL[word]
            before = _SMALL[word] or 20
    return total + current


def _decimal(words: list[str]) -> float | None:
    at = words.index("point")
    whole = english_value(" ".join(words[:at])) if words[:at] else 0.0
    digits = [_SMALL.get(word, -1) for word in words[at + 1 :]]
    if whole is None or not digits or any(not 0 <= digit <= 9 for digit in digits[:-1]) or not 0 <= digits[-1] < 100:
        return None
    return float(f"{int(whole)}.{''.join(map(str, digits))}")


def _two_groups(words: list[str]) -> float | None:
    """Nineteen ninety-nine and twenty four fifty are dollars and cents, one fifty is a hundred and fifty."""
    if any(word not in _SMALL for word in words):
        return None
    for cut in range(len(words) - 1, 0, -1):
        left, right = (_plain(part) for part in (words[:cut], words[cut:]))
        if left and right and right >= 10:
            hundreds = left == 1 or (left < 10 and right % 5 == 0 and right < 90)
            return left * 100 + right if hundreds else left + right / 100
    return None


def _plain(words: list[str]) -> int | None:
    values = [_SMALL[word] for word in words]
    if len(values) == 1:
        return values[0]
    return sum(values) if len(values) == 2 and values[0] >= 20 and values[1] < 10 else None
