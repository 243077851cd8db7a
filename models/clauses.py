"""A text in clauses, and which of them state nothing: questions, suppositions, talk of another good."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BREAK = {
    "zh": re.compile(r"[，。！？；：\n!?;~…]+|[,:](?!\d)|\.(?!\d)|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"),
    "en": re.compile(r"[;!?\n…]+|,(?!\d{3})|\.(?!\d)|:(?!\d)|\s+[-–—]+\s+|—"),
}
_SENTENCE = re.compile(r"[。！？!?\n；;]|\.(?=\s|$)")
_ASKS = {
    "zh": re.compile(
        r"(?:有人|有姐妹|有朋友|有宝宝|有大哥|有位|谁|姐妹们?|朋友们?|公屏|大哥|大姐|宝宝们?|老铁|"
        r"后台|评论区?|弹幕|很多人|好多人|她|他|老是|总)[^，]{0,8}(?:问|在?问我)"
        r"|(?<![一])问(?:我|一下|了|的|下|说)?[^，]{0,6}(?:是不是|能不能|有没有|多少|几|吗)|"
        r"^[^，]{0,4}问(?:是|能|有|这)"
        r"|(?:吗|么|嘛)(?:这|这个)?$|是不是|是否|有没有|多少钱?|(?:是|还是)[^，]{1,8}还是|猜一?猜|"
        r"你们?猜|对不对|能不能|会不会"
    ),
    "en": re.compile(
        r"\b(?:someone|somebody|people|you|they|she|he|chat|everyone|\w+|y'all|folks) (?:(?:is|"
        r"are|keeps?|was|were|just|also|over there) )*"
        r"(?:ask(?:s|ed|ing)?|wants? to know|wondering|wonders)\b|^(?:is|are|was|does|do|did|can|"
        r"could|will|would|has|have) (?:it|this|that|these|they|you|the)\b"
        r"|\bif (?:it'?s|it is|this is|they'?re|these are|the)\b(?=.*\?)|\bwhether\b|^(?:what|"
        r"how much|how many|guess)\b|^ask(?:ing|ed)? ",
        re.IGNORECASE,
    ),
}
_CONFIRMS = re.compile(
    r"(?:听明白|听清楚?|看清楚?|看到|看见|知道|明白|懂|记住|香|划算|便宜|心动|好|对|行|可以|"
    r"够|值|厉害|合适|贵|多)了?(?:没有?|不|吧)?(?:吗|么|嘛)$"
)
_SUPPOSES = {
    "zh": re.compile(r"如果|要是|假如|假设|换做|换成|哪怕|就算|除非|万一|倘若|早知道|恨不得|我?还以为|以为"),
    "en": re.compile(
        (
            r"^(?:and |but |so )?(?:if|even if|unless|imagine|suppose|say)\b|\bi wish\b|\bi thought\b|"
            r"\bwould (?:be|cost|have been)\b|\bmight as well\b"
        ),
        re.IGNORECASE,
    ),
}
_OTHER = {
    "zh": re.compile(
        r"(?:刚才|刚刚|上一|上个|前面|下一|下个|待会�?|等会儿?|等下|一会儿?|后面|另外|另一|旁边|"
        r"隔壁|别的|其他|那边|明天|下周|后天|过几天)[^，]{0,4}(?:那|这|一|要)?[^，]{0,3}(?:款|个|"
        r"件|链接|品|瓶|盒|双|条|家|只|套|箱|块|把|台|茶|镯|手机|播|上的)"
        r"|(?<!这)那(?:一)?(?:款|件|个链接|个品|套|双|条(?!街|路)|只(?!是|要|有))|"
        r"[二三四五六七八九2-9]号(?:链接|那)(?:那|里|的|是|才)|别人家?的|人家那"
    ),
    "en": re.compile(
        r"\b(?:the|that) (?:other|last|next|previous|first|second|one in|older|old|bigger|larger|"
        r"smaller|cheaper|blue|red|black) (?:one|ones|item|link|version|size|listing|box|set|"
        r"model|product)\b"
        r"|\bnext up\b|\bcoming up\b|\bearlier (?:tonight|today)\b|\bthat one\b|\bthose ones?\b|"
        r"\bthe ones? (?:in|at|on|from) (?:link|number|item|the (?:other|next|last))\b|"
        r"\bmy other\b|\btomorrow\b|\bcompetitors?'?s?\b",
        re.IGNORECASE,
    ),
}
_THIS = {
    "zh": re.compile(
        r"这(?:款|个|件|条|双|只|瓶|盒|套|一|箱|把|台|里|边|罐|袋)|咱们?(?:这|今)|我们(?:这|今)|"
        r"我手[上里]|今天|今晚|现在|我这"
    ),
    "en": re.compile(r"\b(?:this|these|here|tonight|today|mine|ours)\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a text between two pauses, [start, end). ``before`` is the clause before it in its sentence."""

    text: str
    start: int
    end: int
    before: str
    sentence: str
    states: bool
    """False where it asks or supposes: then it gives no facts."""
    other: bool
    """Whether it speaks of another good than the one shown."""


def clauses(text: str, language: str) -> list[Clause]:
    """The clauses of a text in order, those without words left out."""
    found: list[Clause] = []
    other = False
    before, at, first = "", 0, 0
    for match in [*_BREAK[language].finditer(text), None]:
        end, after = (match.start(), match.end()) if match else (len(text), len(text))
        said, mark = text[at:end], text[end:after]
        if _THIS[language].search(said):
            other = False
        if _OTHER[language].search(said):
            other = True
        if said.strip():
            asks = _asks(said.strip(), "?" in mark or "？" in mark, language)
            states = not asks and not _SUPPOSES[language].search(said)
            found.append(Clause(said, at, end, before, text[first:end], states, other))
            before = said
        if _SENTENCE.search(mark):
            other = other and language == "zh"
            first = after
        at = after
    return found


def _asks(said: str, mark: bool, language: str) -> bool:
    """A question about the good, but not ``听清楚了吗``, which only underlines."""
    if language == "zh":
        if _CONFIRMS.search(said):
            return False
        return bool(_ASKS["zh"].search(said)) or (
            mark and not re.search(r"贵不贵|划不划算|香不香|值不值|什么概念", said) and _open(said)
        )
    return bool(_ASKS["en"].search(said))


def _open(said: str) -> bool:
    """A question mark after words that ask; one after a price only marks the tone."""
    return bool(re.search(r"吧$|呢$|什么|哪|怎么|谁", said)) is False and bool(re.search(r"是|真", said))
