"""How Han characters sound: toneless syllables, in which what is often confused is one.

Sounds survive a wrong character: recognition errs in characters and tones more than in syllables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

HAN = r"㐀-䶿一-鿿豈-﫿"

_RUN = re.compile(f"[{HAN}]+")
_NEAR_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"))
_NEAR_FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"))


def toneless(text: str) -> list[tuple[str, int, int]]:
    """The syllables of the Han characters of ``text`` with near sounds folded, and where each stands.

    Recognition errs in tones and between near sounds (n/l, zh/z, ch/c, sh/s, f/h, in/ing, en/eng,
    an/ang), and so do many speakers; what differs only there is one syllable here.
    """
    found = []
    for run in _RUN.finditer(text):
        found += [(fold(one), at, at + 1) for at, one in enumerate(readings(run.group()), start=run.start())]
    return found


@cache
def fold(syllable: str) -> str:
    """A toneless syllable with near sounds folded: ``zhang`` and ``zan`` become the same."""
    for sound, near in _NEAR_INITIALS:
        if syllable.startswith(sound):
            syllable = near + syllable[len(sound) :]
            break
    for sound, near in _NEAR_FINALS:
        if syllable.endswith(sound):
            return syllable[: -len(sound)] + near
    return syllable


def readings(run: str) -> list[str]:
    """One toneless syllable per character of a run of Han; a character without a reading stands for itself.

    The same as ``pypinyin.lazy_pinyin`` (the longest word first, read as a whole) at a twentieth of its time.
    """
    words, chars, longest = _pypinyin()
    found: list[str] = []
    at = 0
    while at < len(run):
        for size in range(longest.get(run[at : at + 2], 1), 1, -1):
            if (readings := words.get(run[at : at + size])) and len(readings) == size:
                found += [_without_tone(reading[0]) for reading in readings]
                break
        else:
            size = 1
            found.append(_without_tone(chars.get(ord(run[at]), run[at]).partition(",")[0]))
        at += size
    return found


class _Pinyin(NamedTuple):
    """pypinyin's words and characters with their readings, and how long the words of a beginning are at most."""

    words: Mapping[str, Sequence[Sequence[str]]]
    chars: Mapping[int, str]
    longest: Mapping[str, int]


@cache
def _pypinyin() -> _Pinyin:
    from pypinyin.constants import PHRASES_DICT, PINYIN_DICT  # 0.6 s, and only Mandarin needs it

    return _Pinyin(PHRASES_DICT, PINYIN_DICT, {word[:2]: len(word) for word in sorted(PHRASES_DICT, key=len)})


@cache
def _without_tone(syllable: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal

    plain: str = to_normal(syllable)
    return plain
