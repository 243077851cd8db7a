"""Places that goods come from, and which lies in which: enough to compare what is said with what is listed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

_DATA = yaml.safe_load((Path(__file__).parent / "wordings" / "places.yaml").read_text(encoding="utf-8"))


def _within() -> dict[str, tuple[str, ...]]:
    """Each place -> itself in one name, then what it lies in."""
    found: dict[str, tuple[str, ...]] = {}
    for names in _DATA["countries"]:
        found |= dict.fromkeys(names, (names[0],))
    for province, towns in _DATA["provinces"].items():
        found[province] = (province, "中国")
        found |= {town: (town, province, "中国") for town in towns}
    found["冰岛"] = ("冰岛", "云南", "冰岛国", "中国")
    for name, chinese in _DATA["english"].items():
        found[name] = found[chinese]
    for town in ("黑龙江", "吉林", "辽宁"):
        found[town] = (town, "东北", "中国")
    for name, chain in list(found.items()):
        if len(chain) == 3 and chain[1] in ("黑龙江", "吉林", "辽宁"):
            found[name] = (*chain[:2], "东北", "中国")
    return found


WITHIN: Mapping[str, tuple[str, ...]] = _within()
"""Each name of a place -> its one name, then everything it lies in: ``阿克苏`` -> 阿克苏, 新疆, 中国."""

_HAN = [name for name in WITHIN if not name.isascii() and "ü" not in name]
_LATIN = [name for name in WITHIN if name not in _HAN]
CHINESE = "|".join(sorted(_HAN, key=len, reverse=True))
ENGLISH = "|".join(re.escape(name) for name in sorted(_LATIN, key=len, reverse=True))
"""Alternations of all names, longest first."""

_NAMES = re.compile(rf"(?:{CHINESE})|\b(?:{ENGLISH})(?![A-Za-z])")


def places_in(text: str) -> list[str]:
    """The names of known places in a text, as written there."""
    return [match.group() for match in _NAMES.finditer(text)]


def same_place(said: str, listed: str) -> bool | None:
    """Whether a said place lies in, or around, one of a listed text; None where one of them is not known.

    A name that stands in the other text is the same place, known or not.
    """
    if said in listed or listed in said:
        return True
    ours, theirs = ({WITHIN[name] for name in places_in(text)} for text in (said, listed))
    if not ours or not theirs:
        return None
    return any(_near(one, other) for one in _narrowest(ours) for other in _narrowest(theirs))


def _narrowest(places: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Without those in which another of them lies: 江苏兴化 is Xinghua."""
    return {one for one in places if not any(one[0] in other[1:] for other in places)}


def _near(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """One lies in the other: the first name of either is among the names of the other."""
    return one[0] in other or other[0] in one
