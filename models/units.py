"""Units of amounts in both languages: how much each is, and how it is said behind a number."""

from __future__ import annotations

import re

GRAMS = {
    "克": 1.0,
    "g": 1.0,
    "公斤": 1000.0,
    "千克": 1000.0,
    "kg": 1000.0,
    "斤": 500.0,
    "两": 50.0,
    "gram": 1.0,
    "kilo": 1000.0,
    "kilogram": 1000.0,
    "ounce": 28.35,
    "oz": 28.35,
    "pound": 453.6,
    "lb": 453.6,
}
MILLIMETRES = {
    "毫米": 1.0,
    "mm": 1.0,
    "mil": 1.0,
    "厘米": 10.0,
    "cm": 10.0,
    "公分": 10.0,
    "米": 1000.0,
    "m": 1000.0,
    "英寸": 25.4,
    "吋": 25.4,
    "寸": 33.3,
    "尺": 333.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "centimeter": 10.0,
    "centimetre": 10.0,
    "inch": 25.4,
    '"': 25.4,
    "foot": 304.8,
    "feet": 304.8,
    "ft": 304.8,
    "meter": 1000.0,
    "metre": 1000.0,
}
MILLILITRES = {
    "毫升": 1.0,
    "ml": 1.0,
    "mil": 1.0,
    "升": 1000.0,
    "l": 1000.0,
    "milliliter": 1.0,
    "millilitre": 1.0,
    "liter": 1000.0,
    "litre": 1000.0,
    "fl oz": 29.57,
    "fluid ounce": 29.57,
    "gallon": 3785.0,
    "quart": 946.0,
    "pint": 473.0,
}
"""How many grams, millimetres and millilitres a unit is."""

COUNTED = "节饼个件片瓶袋包盒支枝只双条根枚粒颗罐张套本卷抽对把台箱桶提板单份组束朵串坨头筒捆顶床副块"
COUNT_CHAR = f"(?:包(?!邮)|[{COUNTED.replace('包', '')}])"
_MEASURE_WORD = (
    f"贴|小包|小袋|小瓶|大瓶|大包|大袋|大盒|小盒|件套|片装|瓶装|包装(?=的)|袋装|支装|盒装|"
    f"只装|个装|粒装|枚装|颗装|条装|{COUNT_CHAR}"
)
_NOT_LIANG = f"零〇一二三四五六七八九十百千万{COUNTED}天年岁次口句下"
ZH_UNIT = re.compile(
    r"\s{0,2}(?:(?P<money>块钱|块(?!儿|头)|元(?!旦|宝|素|气)|圆钱|人民币|[Rr][Mm][Bb])"
    r"|(?P<mao>毛钱?(?!巾|衣|料|发|笔)|角钱)"
    rf"|(?P<weight>公斤|千克|[kK][gG](?![A-Za-z])|克(?!服|隆|拉|制|扣|莱)|斤(?!顶)|两(?:(?=一[包袋罐盒瓶份饼个颗])|(?![{_NOT_LIANG}]))|g(?![A-Za-z]))"
    r"|(?P<length>毫米|厘米|公分|英寸|吋|寸(?!步)|尺(?!码|寸)|mm|MM|cm|CM|m(?![a-zA-Z²])|米(?!饭|粉|线|粥|白|色|面|酒|糕|其))"
    r"|(?P<volume>毫升|升(?!级|值|温|降|高|起|学|职)|ml|ML|mL|L(?![A-Za-z]))"
    rf"|(?P<count>{_MEASURE_WORD}))"
)
_WIDE = "(?:wide|thick|deep|case|strap|lens|tall|across|band)"
EN_UNIT = re.compile(
    r"(?:[ -]|(?<=half) an? | of an? )?(?:(?P<money>dollars?|bucks?|quid|euros?|yuan|rmb|usd)\b|(?P<cents>cents?)\b"
    r"|(?P<volume>fl\.? ?oz\b|fluid[ -]ounces?\b|milli(?:liters?|litres?)\b|ml\b|"
    rf"mils?\b(?! {_WIDE}\b)|liters?\b|"
    r"litres?\b|gallons?\b|quarts?\b|pints?\b|L\b)"
    r"|(?P<weight>kilograms?\b|kilos?\b|kgs?\b|grams?\b|g\b|ounces?\b|oz\b|pounds?\b|lbs?\b)"
    r"|(?P<length>millimet(?:er|re)s?\b|mm\b|"
    rf"mil(?= {_WIDE}\b)|"
    r"centimet(?:er|re)s?\b|cm\b|inch(?:es)?\b|\"|"
    r"feet\b|foot\b|ft\b|met(?:er|re)s?\b|m\b)"
    r"|(?P<count>(?:(?:full[- ]size|big|little|small|large|individual|whole|matching|separate|"
    r"single|more|extra) )?(?:pieces?|pcs|packs?|packets?"
    r"|bottles?|jars?|boxes|box|bags?|tablets?|capsules?|pills?|softgels|gummies|pods?|"
    r"sheets?|rolls?|pairs?|sets?|units?|cans?|tubes?"
    r"|bars?|sticks?|sachets?|cups?|mugs?|plates?|bowls?|towels?|socks|masks?|count|ct|"
    r"of these|of them|items?|candles?|pillows?|blades"
    r"|cartridges|tins?|wipes|servings?|batteries|lids|pans|knives|forks|spoons|brushes|"
    r"shirts|tees|bulbs?|diapers|bracelets?|rings?))\b)",
    re.IGNORECASE,
)
TABLES: dict[str, dict[str, float]] = {"length": MILLIMETRES, "volume": MILLILITRES, "weight": GRAMS}


def per(units: dict[str, float], name: str) -> float:
    """How much one unit is, named in the singular or plural."""
    if name in units:
        return units[name]
    return units[name[:-2] if name == "inches" else name.rstrip("s")]
