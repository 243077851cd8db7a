"""Numbers as people say them, in Mandarin and English, with where they stand in the text.

Only the cut-out numeral is converted, never a sentence. What is vague (十来, 七八, several, twenty-odd) is
found too, as a number without value, so that no part of it is taken for a number of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_DIGITS = "零〇一二三四五六七八九幺两"
_PLACES = "十百千万亿"
_ARABIC = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MOST_DIGITS = 15

_ZH = re.compile(
    rf"(?P<before>好几|几|数|上|成|近百|百)?"
    rf"(?P<core>(?:{_ARABIC})[十百千万亿]*(?:(?<=[百千万])[1-9](?!\d))?|半|"
    rf"[{_DIGITS}{_PLACES}]+(?:点[{_DIGITS}]+)?)"
    r"(?P<after>[多余几]|来(?=[块元斤克个件单条只瓶岁年天公两毛盒袋米份片包箱台号])|好几)?"
)
_UNIT_LIANG = re.compile(r"(?<=[一二三四五六七八九十半\d])两(?![零〇一二三四五六七八九十百千万])")
_MEASURE = "个件天次瓶只条包盒句勺月年岁块下口支片袋双罐套颗粒枚把台张箱单份位年边头样"
_ADJACENT = re.compile(rf"[{_DIGITS}]{{2}}")
_GROUPED = re.compile(rf"[{_DIGITS}]{{3,}}")
_ONE_BY_ONE = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")

_ONES = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SMALL = _ONES | _TENS
_WORD = "|".join(sorted([*_SMALL, "hundred", "thousand", "dozen"], key=len, reverse=True))
_EN = re.compile(
    rf"(?<![\w.])(?:(?P<digits>{_ARABIC})(?P<k>k\b)?|"
    rf"(?P<words>(?:(?:half )?an? (?=hundred|thousand|dozen|half))?"
    rf"\b(?:{_WORD}|half(?= a?n? ?\w)|quarter(?=[ -]\w))(?:(?:[ -]|,? and (?:an? )?| a | point )(?:{_WORD}|half)\b)*)"
    rf"|(?P<one>\ban?(?= (?:pound|ounce|dozen|liter|litre|kilo|gallon|foot|quart|pint)\b)))",
    re.IGNORECASE,
)
_EN_VAGUE_BEFORE = re.compile(r"(?:\bsome|\bseveral|\bcouple of|\bfew|\bmany)\s+$", re.IGNORECASE)
_EN_VAGUE_AFTER = re.compile(r"(?:[ -]?(?:ish|odd|something|plus)\b|s\b|\+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A numeral of a text, [start, end) in code points; ``value`` is None where it is vague."""

    value: float | None
    start: int
    end: int


def chinese_numbers(text: str, at: int = 0) -> Iterator[Number]:
    """The numerals of a Mandarin text from ``at`` on, in characters or digits, in order, without their units."""
    while match := _ZH.search(text, at):
        start, end = match.span("core")
        end = _without_unit(text, start, end)
        vague = bool(match["before"] or match["after"]) or _vague(text, start, end)
        value = None if vague else chinese_value(text[start:end])
        at = match.end() if vague else end
        yield Number(value, match.start() if match["before"] else start, at)


def _without_unit(text: str, start: int, end: int) -> int:
    """Where the numeral ends when a 两 in it is the unit: 三两 is three of them, 三两百 and 三两个 are vague."""
    for match in _UNIT_LIANG.finditer(text, start + 1, end):
        if match.end() == end and text[end : end + 1] in _MEASURE and text[end : end + 1]:
            if match.start() - start >= 2:  # 九十九两瓶: two bottles for ninety-nine
                return match.start()
            continue
        return match.start()
    return end


def _vague(text: str, start: int, end: int) -> bool:
    """Two neighbouring digits without a place, 七八块, 三五百, 一两个, mean about so many."""
    said = text[start:end]
    if said == "七七八八":
        return True
    pair = _ADJACENT.search(said)
    if pair is None or _GROUPED.search(said) or "点" in said or any(c in "零〇" for c in pair.group()):
        return False
    one, two = (int(char.translate(_ONE_BY_ONE)) for char in pair.group())
    return 0 < two - one <= 2 and (pair.end() < len(said) or pair.start() > 0 or two - one == 1 or (one, two) == (3, 5))


def chinese_value(said: str) -> float | None:
    """What a cut-out numeral means: 一百二 120, 一九九 199, 半 0.5, 1.5万 15000. None where it means nothing."""
    if said == "半":
        return 0.5
    if len(said) > 2 * _MOST_DIGITS:
        return None
    if re.fullmatch(rf"[{_DIGITS}]{{2,{_MOST_DIGITS}}}", said):
        return float(said.translate(_ONE_BY_ONE))
    plain = said.replace(",", "").replace("幺", "一").replace("〇", "零")
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return float(plain) if len(plain) <= _MOST_DIGITS else None
    plain = "一" + plain if plain[0] in "百千" else plain
    try:
        value = float(_cn2an().cn2an(plain, "smart"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@cache
def _cn2an() -> Any:
    import cn2an  # type: ignore[import-untyped]  # 0.1 s, and only Mandarin needs it

    return cn2an


def english_numbers(text: str, at: int = 0) -> Iterator[Number]:
    """The numerals of an English text from ``at`` on, in words or digits, in order."""
    for match in _EN.finditer(text, at):
        value = _english_value(match)
        vague = _EN_VAGUE_BEFORE.search(text, 0, match.start()) or (
            match["words"] and not match["words"].endswith("half") and _EN_VAGUE_AFTER.match(text, match.end())
        )
        yield Number(None if vague else value, match.start(), match.end())


def _english_value(match: re.Match[str]) -> float | None:
    if match["digits"]:
        digits = match["digits"].replace(",", "")
        return float(digits) * (1000 if match["k"] else 1) if len(digits) <= _MOST_DIGITS else None
    if match["one"]:
        return 1.0
    return english_value(match["words"])


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
        elif word in ("hundred", "thousand", "dozen"):
            times = {"hundred": 100, "thousand": 1000, "dozen": 12}[word]
            current = (current or 1) * times
            if word == "thousand":
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
            return left * 100 + right if left < 10 and right % 5 == 0 and right < 90 else left + right / 100
    return None


def _plain(words: list[str]) -> int | None:
    values = [_SMALL[word] for word in words]
    if len(values) == 1:
        return values[0]
    return sum(values) if len(values) == 2 and values[0] >= 20 and values[1] < 10 else None
