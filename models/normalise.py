"""Text made plain before the rules look at it, with the way back to the words as they were said.

Hosts write around a word with width, case, traditional characters, symbols or fillers between its
characters, letters, digits for letters and sound-alikes; recognition errs in characters and tones.
There are three views. ``normalise`` undoes what hides a word, and is what rules and classifier see.
``figures`` (models/figures.py) goes one step further and writes amounts as digits in one unit, and
``toneless`` (models/sounds.py) gives the sounds, which survive a wrong character.

All words live in configs/lexicon/variants.yaml (models/variants.py); docs/normalising.md tells how it is written.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from models.disguises import undisguised
from models.sounds import HAN
from models.variants import Fillers, Swap, Variants
from models.views import Normalised, replaced, without

_HAN = re.compile(f"[{HAN}]")
_LATIN = re.compile("[a-z]")
_SYMBOLS = r"(?:(?!\+[vw])[ \t·•*_|~^\-—=/\\.`'\"#@&+（）()\[\]【】<>《》“”‘’…])+"
_INSIDE = re.compile(rf"(?<=[{HAN}0-9a-z]){_SYMBOLS}(?=[{HAN}])|(?<=[{HAN}]){_SYMBOLS}(?=[{HAN}0-9a-z]|\+[vw])")
_REPEATED = re.compile(r"([^\w\s])\1+|\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "﹑": "、"})
_ROUNDS = 8


def normalise(text: str, variants: Variants) -> Normalised:
    """Plain text for the rules: width, case, simplified characters, nothing inside words, no disguise.

    ``variants`` are the replacements of words, see configs/lexicon/variants.yaml. Normalising the result
    again changes nothing: a replacement may complete another word, so they are made until the text stays,
    and where a file of variants makes it go round for ever, no word is replaced at all.
    """
    written = view = _written(Normalised(text, tuple(range(len(text)))), variants)
    for _ in range(_ROUNDS):
        worded = _worded(view, variants)
        if worded is view:
            return view
        view = _written(worded, variants)
    return written


def _written(view: Normalised, variants: Variants) -> Normalised:
    """How characters are written, made plain; a second time changes nothing."""
    view = _swapped(view, variants.emoji) if not view.text.isascii() else view
    letters = variants.letters
    chars: list[str] = []
    offsets: list[int] = []
    for char, index in zip(view.text, view.offsets, strict=True):
        for plain in _plain_char(letters.get(char, char)):
            chars.append(plain)
            offsets.append(index)
    view = without(Normalised("".join(chars), tuple(offsets)), _superfluous("".join(chars)))
    return Normalised(_simplified(view.text), view.offsets)


def _worded(view: Normalised, variants: Variants) -> Normalised:
    """Words that stand for others replaced; the very same object when there are none."""
    if _HAN.search(view.text):  # the plain words are Mandarin; English text keeps its own
        view = _swapped(view, variants.han)
        for fillers in variants.fillers:
            view = _unfilled(view, fillers)
    if _LATIN.search(view.text):
        view = _swapped(view, variants.english)
        view = undisguised(view, variants.disguises)
    return view


@lru_cache(maxsize=20_000)
def _plain_char(char: str) -> str:
    """Width, case and quotes of one character; emoji become a space, what cannot be seen is dropped."""
    plain = []
    for one in unicodedata.normalize("NFKC", char.translate(_QUOTES)).lower():
        kind = unicodedata.category(one)
        if kind == "Nd":
            plain.append(str(unicodedata.digit(one)))
        elif one == "\n" or kind not in ("Cc", "Cf", "Cs", "Mn", "Me"):
            plain.append(" " if kind in ("So", "Sk", "Co", "Cn") else one.translate(_QUOTES))
    made = "".join(plain)
    return made if made == char else "".join(map(_plain_char, made))


def _simplified(text: str) -> str:
    """Traditional characters made simplified, one for one, so that offsets hold."""
    if not _HAN.search(text):
        return text
    for _ in range(_ROUNDS):  # 薴 becomes 苧, and 苧 苎
        simple: str = _opencc().convert(text)
        if len(simple) != len(text):
            simple = "".join(one if len(one := _opencc().convert(char)) == 1 else char for char in text)
        if simple == text:
            break
        text = simple
    return text


def _superfluous(text: str) -> set[int]:
    """Where symbols stand inside Han words, and repeated punctuation or spaces."""
    drop: set[int] = set()
    for match in _INSIDE.finditer(text):
        drop.update(range(*match.span()))
    for match in _REPEATED.finditer(text):
        drop.update(range(match.start() + 1, match.end()))
    return drop


def _swapped(view: Normalised, swap: Swap) -> Normalised:
    found = ((match.span(), swap.plain.get(match[0])) for match in swap.pattern.finditer(view.text))
    return replaced(view, ((*span, plain) for span, plain in found if plain is not None))


def _unfilled(view: Normalised, fillers: Fillers) -> Normalised:
    """Fillers dropped where the text without any fillers holds a listed word around them: 最某低, not 某人."""
    sounds = {index for match in fillers.sounds.finditer(view.text) for index in range(*match.span())}
    if not sounds:
        return view
    kept = [index for index in range(len(view.text)) if index not in sounds]
    drop: set[int] = set()
    for match in fillers.inside.finditer("".join([view.text[index] for index in kept])):
        drop.update(sounds.intersection(range(kept[match.start()], kept[match.end() - 1])))
    return without(view, drop)


@cache
def _opencc() -> Any:
    import opencc  # 0.1 s, and only Mandarin needs it

    return opencc.OpenCC("t2s")
