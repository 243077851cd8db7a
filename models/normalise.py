"""Text made plain before the rules look at it, with the way back to the words as they were said.

Hosts write around a word with width, case, traditional characters, symbols between its characters,
letters and sound-alikes; recognition errs in characters and tones. ``normalise`` undoes the first
kind, ``toneless`` gives the sounds that survive the second.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

HAN = r"㐀-䶿一-鿿豈-﫿"

_HAN = re.compile(f"[{HAN}]")
_SYMBOLS = r"[ \t·•*_|~^\-—=/\\.`'\"#@&+（）()\[\]【】<>《》“”‘’…]+"
_INSIDE = re.compile(rf"(?<=[{HAN}0-9a-z]){_SYMBOLS}(?=[{HAN}])|(?<=[{HAN}])(?!\+v|\+w){_SYMBOLS}(?=[{HAN}0-9a-z])")
_REPEATED = re.compile(r"([^\w\s])\1+|\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "﹑": "、", "➕": "+"})
_NEAR_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"))
_NEAR_FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"))


class VariantsError(ValueError):
    """The file of variants cannot be used; the message names it and the entry."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """``text`` made plain; ``offsets[i]`` is the code point of the original that ``text[i]`` came from."""

    text: str
    offsets: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that a span of ``text`` came from, symbols dropped inside included."""
        if start >= end:
            return (self.offsets[start], self.offsets[start]) if start < len(self.offsets) else (0, 0)
        return self.offsets[start], self.offsets[end - 1] + 1


@dataclass(frozen=True, slots=True)
class Variants:
    """What is replaced by what: one pattern over all of them, and the plain word of each."""

    pattern: re.Pattern[str]
    plain: Mapping[str, str]

    @classmethod
    def none(cls) -> Variants:
        """Nothing is replaced."""
        return cls(re.compile(r"(?!)"), {})


def normalise(text: str, variants: Variants) -> Normalised:
    """Plain text for the rules: width, case, simplified characters, nothing between Han characters.

    ``variants`` are the replacements of words, see configs/lexicon/variants.yaml.
    """
    chars, offsets = _plain(text)
    kept = _kept("".join(chars))
    chars, offsets = [chars[i] for i in kept], [offsets[i] for i in kept]
    plain = "".join(chars)
    if not _HAN.search(plain):  # the plain words are Mandarin; English text keeps its own
        return Normalised(plain, tuple(offsets))
    return _replaced(plain, offsets, variants)


def _plain(text: str) -> tuple[list[str], list[int]]:
    """Each character made plain, and simplified where the length stays."""
    chars: list[str] = []
    offsets: list[int] = []
    for index, char in enumerate(text):
        for plain in _plain_char(char):
            chars.append(plain)
            offsets.append(index)
    return list(_simplified("".join(chars))), offsets


@lru_cache(maxsize=20_000)
def _plain_char(char: str) -> str:
    """Width, case and quotes of one character; emoji become a space, what cannot be seen is dropped."""
    plain = []
    for one in unicodedata.normalize("NFKC", char.translate(_QUOTES)).lower():
        kind = unicodedata.category(one)
        if one == "\n" or kind not in ("Cc", "Cf", "Cs", "Mn", "Me"):
            plain.append(" " if kind in ("So", "Sk", "Co", "Cn") else one.translate(_QUOTES))
    return "".join(plain)


def _simplified(text: str) -> str:
    """Traditional characters made simplified, one for one, so that offsets hold."""
    if not _HAN.search(text):
        return text
    simple: str = _opencc().convert(text)
    if len(simple) == len(text):
        return simple
    return "".join(one if len(one := _opencc().convert(char)) == 1 else char for char in text)


def _kept(text: str) -> list[int]:
    """The indices that stay: no symbols inside Han words, no repeated punctuation or spaces."""
    drop: set[int] = set()
    for match in _INSIDE.finditer(text):
        drop.update(range(*match.span()))
    for match in _REPEATED.finditer(text):
        drop.update(range(match.start() + 1, match.end()))
    return [index for index in range(len(text)) if index not in drop]


def _replaced(text: str, offsets: list[int], variants: Variants) -> Normalised:
    out: list[str] = []
    where: list[int] = []
    at = 0
    for match in variants.pattern.finditer(text):
        plain = variants.plain.get(match.group())
        if plain is None:
            continue
        start, end = match.span()
        out.append(text[at:start] + plain)
        where += offsets[at:start] + _stretched(offsets[start:end], len(plain))
        at = end
    out.append(text[at:])
    return Normalised("".join(out), tuple(where + offsets[at:]))


def _stretched(offsets: list[int], length: int) -> list[int]:
    """Offsets for a word of another length: its first character begins, its last ends the original."""
    return [offsets[min(i, len(offsets) - 1)] for i in range(length - 1)] + [offsets[-1]] if length > 1 else offsets[:1]


def load_variants(path: Path | str) -> Variants:
    """Read the file of variants. Raises VariantsError, naming the file and the entry."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        entries = list(data["variants"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise VariantsError(f"{path}: expected a list under variants: {error!r}") from error
    plain: dict[str, str] = {}
    alone: set[str] = set()
    never: set[str] = set()
    for number, entry in enumerate(entries, start=1):
        _check(entry, f"{path}: variant {number}")
        plain |= dict.fromkeys((*entry.get("words", ()), *entry.get("alone", ())), entry["to"])
        alone.update(entry.get("alone", ()))
        never.update(entry.get("never", ()))
    return Variants(_pattern(plain, alone, never), plain)


def _check(entry: Any, where: str) -> None:
    if not isinstance(entry, dict) or not isinstance(entry.get("to"), str) or not entry["to"]:
        raise VariantsError(f"{where}: to: expected a word")
    for key in entry.keys() - {"to"}:
        words = entry[key]
        if key not in ("words", "alone", "never"):
            raise VariantsError(f"{where}: {key}: unknown key")
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise VariantsError(f"{where}: {key}: expected a list of words (numbers in quotes)")


def _pattern(words: Iterable[str], alone: set[str], never: set[str]) -> re.Pattern[str]:
    """One alternation, longest first; those of ``never`` are matched, so that they are passed over whole."""
    ordered = sorted({*words, *never}, key=lambda word: (-len(word), word))
    return re.compile("|".join(_bounded(word, word in alone) for word in ordered) or r"(?!)")


def _bounded(word: str, alone: bool) -> str:
    left = r"(?<![a-z0-9])" if alone or word[0].isascii() and word[0].isalnum() else ""
    right = r"(?![a-z])" if alone or word[-1].isascii() and word[-1].isalpha() else ""
    right = r"(?![0-9])" if word[-1].isdigit() else right
    return left + re.escape(word) + right


@cache
def _opencc() -> Any:
    import opencc  # 0.1 s, and only Mandarin needs it

    return opencc.OpenCC("t2s")


def toneless(text: str) -> list[tuple[str, int, int]]:
    """The syllables of the Han characters of ``text`` with near sounds folded, and where each stands.

    Recognition errs in tones and between near sounds (n/l, zh/z, ch/c, sh/s, f/h, in/ing, en/eng,
    an/ang), and so do many speakers; what differs only there is one syllable here.
    """
    found = []
    for run in re.finditer(f"[{HAN}]+", text):
        found += [(folded, run.start() + i, run.start() + i + 1) for i, folded in enumerate(_syllables(run.group()))]
    return found


@cache
def _pypinyin() -> Any:
    import pypinyin  # 0.6 s, and only rules that go by sound need it

    return pypinyin


def _syllables(run: str) -> list[str]:
    """One folded syllable per character of a run of Han; a character without a reading stands for itself."""
    readings = _pypinyin().lazy_pinyin(run)
    if len(readings) != len(run):
        readings = [_pypinyin().lazy_pinyin(char)[0] for char in run]
    return [fold(reading) for reading in readings]


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
