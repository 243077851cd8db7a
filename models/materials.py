"""Materials of goods as they are said and listed: what they are made of, how pure, and how they were treated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from models.numerals import spoken
from models.places import places_in, same_place

_DATA = yaml.safe_load((Path(__file__).parent / "wordings" / "materials.yaml").read_text(encoding="utf-8"))
_IN: dict[str, str] = _DATA["in"]
_ALL = 100
_IMITATED = re.compile(
    r"仿|人造|合成(?!树脂)|人工|养殖(?!珍珠)|faux|imitation|simulated|lab[- ](?:grown|"
    r"created)|vegan|synthetic|培育|印花"
)
_PLATED = re.compile(
    (
        r"镀|包金|鎏金|涂层|贴金|描金|[- ]?plated?|vermeil|gold[- ]filled|gold[- ]tone|"
        r"silver[- ]tone|coated|plating|dipped|贴皮|veneer"
    ),
    re.I,
)
_TREATED = re.compile(
    r"处理|充填|注胶|充胶|染色|漂白|B货|B\+C|C货|优化|加热|热处理|压制|再造|二代|硫化|注油|"
    r"dyed|treated(?<!untreated)|(?<!un)heated|enhanced|stabilized"
    r"|bleached|irradiated|reconstituted|bonded|pressed|二层|合成",
    re.I,
)
_NATURAL = re.compile(
    (
        r"天然|A货|原矿|未处理|无处理|没(?:有)?处理|无优化|未优化|没优化|无烧|没烧|未加热|纯天然|"
        r"原生|无添加|natural|untreated|unheated|undyed|genuine|unprocessed"
    ),
    re.I,
)
_WHOLE = re.compile(
    (
        r"纯|全(?!网)|百分之?百|百分百|100 ?%|实木|原木|真皮|真丝|真金|pure|solid|all[- ]|"
        r"hundred percent|100 percent|足金|真"
    ),
    re.I,
)
_PERCENT = re.compile(r"(?P<before>\d{1,3}(?:\.\d+)?) ?(?:%|％|percent)|百分之(?P<zh>[一二三四五六七八九十百零点\d]+)")
_KARAT = re.compile(r"(?P<k>\d{1,2}) ?(?:[kK](?![A-Za-z])|karat|carat gold|ct gold)")
_GRADE = re.compile(r"(?<!\d)(?:201|202|304|316|430|18/8|18/10)(?!\d)")
_GROWN = re.compile(r"养殖|培育|cultured|farmed|lab[- ]grown", re.IGNORECASE)
_GRAIN = re.compile(r"头层|full[- ]grain|top[- ]grain", re.IGNORECASE)
_SPLIT = re.compile(r"二层|split|bonded|再生", re.IGNORECASE)
_FINENESS = re.compile(r"(?<!\d)(?P<of>999\.?9?|990|925|950|916|900|750|585|375)(?!\d)")
_SPOKEN = (("九九九九", "9999"), ("九九九", "999"), ("九九零", "990"), ("九二五", "925"), ("九五零", "950"),
           ("三零四", "304"), ("三一六", "316"), ("二十四", "24"), ("二十二", "22"), ("十八", "18"), ("十四", "14"),
           ("九K", "9K"), ("七五零", "750"))  # fmt: skip
_ENGLISH = (("twenty-four", "24"), ("twenty four", "24"), ("eighteen", "18"), ("fourteen", "14"),
            ("ten karat", "10 karat"),
            ("nine twenty-five", "925"), ("nine two five", "925"), ("nine twenty five", "925"),
            ("a hundred percent", "100%"), ("one hundred percent", "100%"), ("hundred percent", "100%"))  # fmt: skip


def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (kind, re.compile("|".join(_whole_word(one) for one in words), re.IGNORECASE))
        for kind, words in _DATA["kinds"].items()
    ]


def _whole_word(pattern: str) -> str:
    return rf"\b(?:{pattern})\b" if re.fullmatch(r"[A-Za-z ?]+", pattern) else pattern


_PATTERNS = _patterns()


@dataclass(frozen=True, slots=True)
class Material:
    """What a text says of a material. ``fineness`` is in thousandths, ``whole`` means of nothing else."""

    kinds: frozenset[str]
    fineness: float | None
    share: float | None
    whole: bool
    plated: bool
    treated: bool
    natural: bool
    imitated: bool

    @property
    def families(self) -> frozenset[str]:
        """The kinds that its kinds are kinds of: cowhide is leather, oak is wood."""
        return frozenset(_IN.get(kind, kind) for kind in self.kinds)

    @property
    def told(self) -> int:
        """How much it tells: a fineness or share, and a kind of its own."""
        return (
            (self.fineness is not None)
            + (self.share is not None and self.share < _ALL)
            + 2 * any(kind in _IN for kind in self.kinds)
        )


def digits(text: str) -> str:
    """Spoken fineness and grades in digits: 足金九九九 is 足金999, eighteen karat is 18 karat."""
    for said, written in _SPOKEN if not text.isascii() else _ENGLISH:
        text = re.sub(re.escape(said), written, text, flags=re.IGNORECASE)
    return text


def material(text: str) -> Material:
    """Read a material as said or as listed."""
    plain = digits(text)
    kinds = {kind for kind, pattern in _PATTERNS if pattern.search(plain)}
    if "fauxleather" in kinds or "bonded" in plain.lower():
        kinds = (kinds - {"leather"}) | {"fauxleather"}
    if "boards" in kinds:
        kinds -= {"wood"}
    if kinds & {"shellpearl"}:
        kinds -= {"pearl"}
    if "rubberwood" in kinds:
        kinds -= {"rubber"}
    if kinds & {"goosedown", "duckdown"}:
        kinds -= {"down"}
    if "sandalwood" in kinds or "agarwood" in kinds:
        kinds -= {"wood"}
    share = _PERCENT.search(plain)
    return Material(
        kinds=frozenset(kinds),
        fineness=_fineness(plain),
        share=_share(share) if share else None,
        whole=bool(_WHOLE.search(plain)),
        plated=bool(_PLATED.search(plain)),
        treated=bool(
            _TREATED.search(
                re.sub(
                    r"(?:未|无|没有?|不)(?:经)?(?:过)?(?:人工)?(?:任何)?(?:优化)?(?:处理|染色|加热|优化|充填|注胶)",
                    "天然",
                    plain,
                )
            )
        ),
        natural=bool(_NATURAL.search(plain)),
        imitated=bool(_IMITATED.search(plain)),
    )


def _share(match: re.Match[str]) -> float | None:
    if match["before"]:
        return float(match["before"])
    words = match["zh"]
    values = {"一百": 100.0, "百": 100.0}
    if words in values:
        return values[words]
    return spoken(words)


def _fineness(text: str) -> float | None:
    if match := _FINENESS.search(text):
        return float(match["of"][:3])
    if match := _KARAT.search(text):
        return min(999.0, round(int(match["k"]) / 24 * 1000))
    if re.search(r"万足|千足", text):
        return 999.0
    return 990.0 if re.search(r"足[金银]", text) else None


def contradicts(said: str, listed: str) -> bool | None:
    """Whether a said material is another, purer or better one than the listed; None where they cannot be compared.

    Another kind, a lower purity, a plating, a blend where all of it was said, or a treatment where the natural
    thing was said.
    """
    ours, theirs = material(said), material(listed)
    if ours.natural and (theirs.treated or theirs.imitated or _GROWN.search(listed)):
        return True
    if not ours.kinds or not theirs.kinds:
        return False if _clean(said) in _clean(listed) else None
    if (theirs.plated and not ours.plated) or (theirs.imitated and not ours.imitated):
        return True
    if not _shared(ours.kinds, theirs.kinds) or _lesser(said, listed) or _from_elsewhere(said, listed):
        return True
    if ours.fineness and theirs.fineness and ours.fineness > theirs.fineness + 1:
        return True
    if ours.share and theirs.share and ours.share > theirs.share + 1:
        return True
    return ours.whole and _blended(theirs) and not _only(ours, theirs)


def _lesser(said: str, listed: str) -> bool:
    """Another grade of steel, or the split of a hide where its grain was said."""
    one, other = (_GRADE.search(digits(text)) for text in (said, listed))
    if one and other and one.group() != other.group():
        return True
    return bool(_GRAIN.search(said) and _SPLIT.search(listed))


def _from_elsewhere(said: str, listed: str) -> bool:
    """Hainan rosewood is not that of Vietnam."""
    one, other = places_in(said), places_in(listed)
    return bool(one and other) and same_place(said, listed) is False


def _clean(text: str) -> str:
    return re.sub(r"\s+", "", digits(text)).lower()


def _blended(one: Material) -> bool:
    families = {_IN.get(kind, kind) for kind in one.kinds}
    return len(families) > 1 or (one.share is not None and one.share < 95)


def _only(ours: Material, theirs: Material) -> bool:
    return theirs.share is not None and theirs.share >= 95 and bool(ours.kinds & theirs.kinds)


def _shared(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    """A kind in common, or one that is a kind of the other."""
    up = {_IN[kind] for kind in ours if kind in _IN}
    down = {_IN[kind] for kind in theirs if kind in _IN}
    return bool(ours & theirs or ours & down or (up & theirs and not theirs - up - ours))
