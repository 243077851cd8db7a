"""Text made plain before the rules look at it, with the way back to the words as they were said.

Hosts write around a word with width, case, traditional characters, symbols or fillers between its
characters, letters, digits for letters and sound-alikes; recognition errs in characters and tones.
There are three views. ``normalise`` undoes what hides a word, and is what rules and classifier see.
``figures`` goes one step further and writes amounts as digits in one unit; it is a view of its own,
because rules, labelled spans and training text hold numerals as they were spoken (三天, 第一, 万能): only
what compares amounts asks for it. ``toneless`` gives the sounds, which survive a wrong character.

All words live in configs/lexicon/variants.yaml; docs/normalising.md tells how it is written.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from models.numerals import DIGITS, POWERS, value

HAN = r"㐀-䶿一-鿿豈-﫿"

_HAN = re.compile(f"[{HAN}]")
_RUN = re.compile(f"[{HAN}]+")
_LATIN = re.compile("[a-z]")
_NOTHING = re.compile(r"(?!)")
_SYMBOLS = r"(?:(?!\+[vw])[ \t·•*_|~^\-—=/\\.`'\"#@&+（）()\[\]【】<>《》“”‘’…])+"
_INSIDE = re.compile(rf"(?<=[{HAN}0-9a-z]){_SYMBOLS}(?=[{HAN}])|(?<=[{HAN}]){_SYMBOLS}(?=[{HAN}0-9a-z]|\+[vw])")
_REPEATED = re.compile(r"([^\w\s])\1+|\s+")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "﹑": "、"})
_NEAR_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"))
_NEAR_FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"))

_ROUNDS = 8
_SPELT = re.compile(r"(?<![a-z0-9])[a-z0-9@$]( ?[-._*~/|+]+ ?| )[a-z0-9@$](?:\1[a-z0-9@$])+(?![a-z0-9])")
_TOKEN = re.compile(r"[a-z0-9@$][a-z0-9@$!|*_.\-+']*[a-z0-9@$*]")
_ODD = re.compile(r"[a-z][0-9@$!|*_.\-+]+[a-z0-9]|[0-9@$*][a-z]|([a-z])\1\1")
_BETWEEN = str.maketrans("", "", " -._~/|+'")
_STRETCHED = re.compile(r"([a-z])\1+")
_MOST_SPELLINGS = 16
_LONGEST_WORD = 24

_D, _P = "".join(DIGITS), "".join(char for char in POWERS if char not in "wk")
_NUMERAL = re.compile(
    rf"(?<![第几数双半初{_D}{_P}0-9.a-z])(?<![{_D}{_P}0-9][到至~-])"
    rf"(?>[0-9]+(?:,[0-9]{{3}})*(?:\.[0-9]+)?(?:[{_P}]+|[wk](?![a-z0-9]))?|[{_D}{_P}]+(?:点[{_D}]+)?|半)"
    rf"(?![几多来0-9{_D}{_P}])"
)
_TAIL = re.compile(
    rf"半(?![个天年小截边价月夜只条份包盒斤公块折])|[0-9]{{1,2}}(?![0-9.])|[二三四五六七八九]{{1,2}}(?![{_P}点一三四五六七八九零])"
)


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


class Swap(NamedTuple):
    """Words and the plain word of each; what the pattern finds but ``plain`` lacks is passed over whole."""

    pattern: re.Pattern[str]
    plain: Mapping[str, str]


class Fillers(NamedTuple):
    """Sounds that are dropped where they stand inside one of the words that ``inside`` finds."""

    sounds: re.Pattern[str]
    inside: re.Pattern[str]


class Disguises(NamedTuple):
    """English words by their letters without repetition, and what a digit or sign in them may stand for."""

    words: Mapping[str, str]
    signs: Mapping[str, Sequence[str]]
    never: frozenset[str]


class Unit(NamedTuple):
    """A way to write a unit: ``times`` of it make one ``to``; with ``tenths`` a digit behind it is its tenth."""

    words: re.Pattern[str]
    to: str
    times: Decimal
    tenths: bool
    priced: bool


class Figures(NamedTuple):
    """Before which words a numeral becomes digits, after which, and where it never does."""

    units: tuple[Unit, ...]
    measures: re.Pattern[str]
    prices: re.Pattern[str]
    never: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Variants:
    """What the file says, ready to use. ``version`` is the hash of all of it."""

    version: str = ""
    letters: Mapping[str, str] = field(default_factory=dict)
    emoji: Swap = Swap(_NOTHING, {})
    han: Swap = Swap(_NOTHING, {})
    english: Swap = Swap(_NOTHING, {})
    fillers: tuple[Fillers, ...] = ()
    disguises: Disguises = Disguises({}, {}, frozenset())
    figures: Figures = Figures((), _NOTHING, _NOTHING, _NOTHING)

    @classmethod
    def none(cls) -> Variants:
        """Nothing is replaced."""
        return cls()


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
    view = _without(Normalised("".join(chars), tuple(offsets)), _superfluous("".join(chars)))
    return Normalised(_simplified(view.text), view.offsets)


def _worded(view: Normalised, variants: Variants) -> Normalised:
    """Words that stand for others replaced; the very same object when there are none."""
    if _HAN.search(view.text):  # the plain words are Mandarin; English text keeps its own
        view = _swapped(view, variants.han)
        for fillers in variants.fillers:
            view = _unfilled(view, fillers)
    if _LATIN.search(view.text):
        view = _swapped(view, variants.english)
        view = _undisguised(view, variants.disguises)
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


def _without(view: Normalised, drop: set[int]) -> Normalised:
    if not drop:
        return view
    kept = [index for index in range(len(view.text)) if index not in drop]
    return Normalised("".join([view.text[i] for i in kept]), tuple([view.offsets[i] for i in kept]))


def _swapped(view: Normalised, swap: Swap) -> Normalised:
    found = ((match.span(), swap.plain.get(match[0])) for match in swap.pattern.finditer(view.text))
    return _with(view, ((*span, plain) for span, plain in found if plain is not None))


def _with(view: Normalised, changes: Iterable[tuple[int, int, str]]) -> Normalised:
    """The text with spans replaced; the very same object when nothing is."""
    out: list[str] = []
    where: list[int] = []
    at = 0
    for start, end, plain in changes:
        if view.text[start:end] == plain:
            continue
        out.append(view.text[at:start] + plain)
        where += view.offsets[at:start] + _stretched(view.offsets[start:end], len(plain))
        at = end
    if not out:
        return view
    return Normalised("".join(out) + view.text[at:], (*where, *view.offsets[at:]))


def _stretched(offsets: tuple[int, ...], length: int) -> tuple[int, ...]:
    """Offsets for a word of another length: its first character begins, its last ends the original."""
    if length == 1:
        return offsets[-1:]
    return (*(offsets[min(i, len(offsets) - 1)] for i in range(length - 1)), offsets[-1])


def _unfilled(view: Normalised, fillers: Fillers) -> Normalised:
    """Fillers dropped where the text without any fillers holds a listed word around them: 最某低, not 某人."""
    sounds = {index for match in fillers.sounds.finditer(view.text) for index in range(*match.span())}
    if not sounds:
        return view
    kept = [index for index in range(len(view.text)) if index not in sounds]
    drop: set[int] = set()
    for match in fillers.inside.finditer("".join([view.text[index] for index in kept])):
        drop.update(sounds.intersection(range(kept[match.start()], kept[match.end() - 1])))
    return _without(view, drop)


def _undisguised(view: Normalised, disguises: Disguises) -> Normalised:
    """English words spelt letter by letter, with digits and signs for letters, or with letters repeated."""
    spelt = ((*match.span(), _joined(match[0], match[1], disguises)) for match in _SPELT.finditer(view.text))
    view = _with(view, spelt)
    if not _ODD.search(view.text):
        return view
    return _with(view, ((*match.span(), _clear(match[0], disguises)) for match in _TOKEN.finditer(view.text)))


def _joined(said: str, separator: str, disguises: Disguises) -> str:
    """``c-u-r-e`` joined when it is made of known words; by other signs than a space also any word of four."""
    letters = said.translate(_BETWEEN).replace("*", "")
    if len(letters) > 2 * _LONGEST_WORD:
        return said
    words = next((words for one in _spellings(letters, disguises) if (words := _cut(one, disguises.words))), None)
    if words:
        return " ".join(words)
    return letters if separator.strip(" /+") and len(letters) > 3 and letters.isalpha() else said


def _cut(letters: str, words: Mapping[str, str]) -> list[str]:
    """Letters cut into known words, the longest first; nothing when they are not made of them."""
    found: list[str] = []
    while letters:
        longest = min(_LONGEST_WORD, len(letters))
        size = next((size for size in range(longest, 2, -1) if _squeezed(letters[:size]) in words), 0)
        if not size:
            return []
        found.append(words[_squeezed(letters[:size])])
        letters = letters[size:]
    return found


def _clear(token: str, disguises: Disguises) -> str:
    """The known word a token hides, else the token without letters said three times and more."""
    if token in disguises.never or len(token) > 2 * _LONGEST_WORD or not _ODD.search(token):
        return token
    bare = token.translate(_BETWEEN)
    signs = sum(char in disguises.signs for char in bare)
    for spelling in _spellings(bare, disguises) if 2 * signs <= len(bare) else ():
        if word := disguises.words.get(_squeezed(spelling)):
            return word
    if re.search(r"[a-z]\*+[a-z]", token):
        return _unmasked(token, disguises) or token
    return re.sub(r"([a-z])\1{2,}", r"\1", token) if token.isalpha() and len(set(token)) > 1 else token


def _unmasked(token: str, disguises: Disguises) -> str | None:
    """The one known word that fits ``c*re``; none when several do."""
    fits = re.compile(re.escape(token).replace(r"\*", "[a-z]"))
    found = [word for word in disguises.words.values() if fits.fullmatch(word)]
    return found[0] if len(found) == 1 else None


def _spellings(token: str, disguises: Disguises) -> Iterator[str]:
    """A token with its digits and signs read as letters, in every way they are read."""
    ways = [disguises.signs.get(char, (char,)) for char in token]
    return islice(("".join(chars) for chars in product(*ways)), _MOST_SPELLINGS)


def _squeezed(word: str) -> str:
    return _STRETCHED.sub(r"\1", word)


def figures(view: Normalised, variants: Variants) -> Normalised:
    """Amounts as digits in one unit: 三斤 becomes 1500g, 九块九 9.9元, 百分之九十 90%, 两个月 2个月.

    A numeral is read only before a unit or a measure word, or after a price word, and cut out first:
    一共, 十分好看 and 七七八八 stay as they are, and so do round ones (三五天, 十几个) and 一 as an article.
    """
    for _ in range(_ROUNDS):
        made = _with(view, list(_amounts(view.text, variants.figures)))
        if made is view:
            return view
        view = made
    return view


def _amounts(text: str, known: Figures) -> Iterator[tuple[int, int, str]]:
    """Start, end and plain writing of every amount."""
    at = 0
    for match in _NUMERAL.finditer(text):
        start, end = match.span()
        if start < at:
            continue
        if skip := known.never.match(text, start):
            at = max(at, skip.end())
            continue
        if found := _amount(text, start, end, known):
            yield found
            at = found[1]


def _amount(text: str, start: int, end: int, known: Figures) -> tuple[int, int, str] | None:
    """The amount of which the numeral at start:end is the first; None where it is none."""
    if text.startswith("百分之", start - 3 if start > 2 else 0) and start > 2:
        number = Decimal(100) if text[start:end] == "百" else value(text[start:end])
        return None if number is None else (start - 3, end, f"{_plain_number(number)}%")
    priced = known.prices.search(text, max(0, start - 8), start) is not None
    if made := _measured(text, start, end, priced, known):
        return made
    number = value(text[start:end])
    if number is None or text[start:end] in ("一", "壹", "半", "零"):  # an article, and half and no are no counts
        return None
    if known.measures.match(text, end):
        return start, end, _plain_number(number)
    return (start, end, _plain_number(number)) if priced and end - start > 1 else None


def _measured(text: str, start: int, end: int, priced: bool, known: Figures) -> tuple[int, int, str] | None:
    """An amount with its unit, and what follows of the same: 两斤三两, 九块九毛九, 三斤半."""
    total, to = Decimal(0), ""
    first = start
    while True:
        part = _part(text, start, end, priced, known)
        if part is None or to not in ("", part[1].to):
            break
        amount, unit, start = part
        total, to = total + amount, unit.to
        following = _NUMERAL.match(text, start)
        if not following:
            break
        end = following.end()
    return (first, start, f"{_plain_number(total)}{to}") if to else None


def _part(text: str, start: int, end: int, priced: bool, known: Figures) -> tuple[Decimal, Unit, int] | None:
    """One number with its unit: how much, which, and where it ends. 两 may be the unit of the number before it."""
    for stop in (end, end - 1) if text[end - 1] == "两" and end - start > 1 else (end,):
        number = value(text[start:stop])
        if number is None:
            continue
        for unit in known.units:
            if (match := unit.words.match(text, stop)) and (priced or not unit.priced):
                more, at = _tenths(text, match.end(), known) if unit.tenths else (Decimal(0), match.end())
                return (number + more) * unit.times, unit, at
    return None


def _tenths(text: str, at: int, known: Figures) -> tuple[Decimal, int]:
    """The bare digits behind a unit, as in 三块五, unless they begin another amount."""
    match = _TAIL.match(text, at)
    if not match or known.measures.match(text, match.end()):
        return Decimal(0), at
    if any(unit.words.match(text, match.end()) for unit in known.units):
        return Decimal(0), at
    digits = "5" if match[0] == "半" else "".join(str(DIGITS.get(char, char)) for char in match[0])
    return Decimal(f"0.{digits}"), match.end()


def _plain_number(number: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    return f"{number.normalize():f}"


def load_variants(path: Path | str) -> Variants:
    """Read the file of variants. Raises VariantsError, naming the file and the entry."""
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
        list(data["variants"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise VariantsError(f"{path}: expected a list under variants: {error!r}") from error
    for section in data.keys() - {"version", *_SECTIONS}:
        raise VariantsError(f"{path}: {section}: unknown section")
    _check(data, str(path))
    try:
        return _variants(data)
    except re.error as error:
        raise VariantsError(f"{path}: bad pattern {error.pattern!r}: {error}") from error


def _variants(data: Mapping[str, Any]) -> Variants:
    told = json.dumps({name: data.get(name) for name in _SECTIONS}, ensure_ascii=False, sort_keys=True, default=str)
    return Variants(
        version=hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16],
        letters={char: entry["to"] for entry in data.get("letters", ()) for char in entry["chars"]},
        emoji=_swap(data.get("emoji", ())),
        han=_swap([*_in_letters(data.get("hidden", ())), *data["variants"]]),
        english=_swap(data.get("english", ())),
        fillers=tuple(Fillers(_any(entry["fillers"]), _any(entry["words"])) for entry in data.get("hidden", ())),
        disguises=_disguises(data.get("disguised", ())),
        figures=_figures(data),
    )


def _swap(entries: Sequence[Mapping[str, Any]]) -> Swap:
    plain: dict[str, str] = {}
    alone: set[str] = set()
    never: set[str] = set()
    for entry in entries:
        plain |= dict.fromkeys((*entry.get("words", ()), *entry.get("alone", ())), entry["to"])
        alone.update(entry.get("alone", ()))
        never.update(entry.get("never", ()))
    return Swap(_pattern(plain, alone, never), plain)


def _in_letters(entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Words with one character in pinyin (全wang), those of three and more also with its first letter or all in it."""
    for word in {word for entry in entries if entry.get("pinyin") for word in entry["words"]}:
        readings = _readings(word)
        letters = [*enumerate(readings), *enumerate(reading[0] for reading in readings if len(word) > 2)]
        made = {f"{word[:at]}{latin}{word[at + 1 :]}" for at, latin in letters}
        yield {"to": word, "words": sorted(made | ({"".join(readings)} if len(word) > 2 else set()))}


def _disguises(entries: Sequence[Mapping[str, Any]]) -> Disguises:
    words: dict[str, str] = {}
    for word in sorted({word for entry in entries for word in entry.get("words", ())}, reverse=True):
        words[_squeezed(word)] = word
    signs = {sign: tuple(ways) for entry in entries for sign, ways in entry.get("signs", {}).items()}
    return Disguises(words, signs, frozenset(word for entry in entries for word in entry.get("never", ())))


def _figures(data: Mapping[str, Any]) -> Figures:
    units = tuple(
        Unit(
            re.compile("|".join(entry["words"])),
            entry["to"],
            Decimal(str(entry["times"])),
            entry.get("tenths", False),
            entry.get("priced", False),
        )
        for entry in data.get("units", ())
    )
    parts = ["|".join(word for entry in data.get("numerals", ()) for word in entry.get(key, ())) for key in _AROUND]
    measures, prices, never = (f"(?:{part})" if part else "(?!)" for part in parts)
    return Figures(units, re.compile(measures), re.compile(prices + r"[是才就个您你]?\Z"), re.compile(never))


def _check(data: Mapping[str, Any], path: str) -> None:
    for section, (needed, other) in _SECTIONS.items():
        entries = data.get(section) or ()
        if not isinstance(entries, (list, tuple)):
            raise VariantsError(f"{path}: expected a list under {section}")
        for number, entry in enumerate(entries, start=1):
            where = f"{path}: {section.removesuffix('s')} {number}"
            for key in needed:
                if not isinstance(entry, dict) or key not in entry:
                    raise VariantsError(f"{where}: {key}: missing")
            for key in entry:
                _check_value(key, entry[key], {*needed, *other}, where)


def _check_value(key: str, found: Any, known: set[str], where: str) -> None:
    if key not in known:
        raise VariantsError(f"{where}: {key}: unknown key")
    good, expected = _SHAPES.get(key, _WORDS)
    if not good(found):
        raise VariantsError(f"{where}: {key}: expected {expected}")


def _pattern(words: Iterable[str], alone: set[str], never: set[str]) -> re.Pattern[str]:
    """One alternation, longest first; those of ``never`` are matched, so that they are passed over whole.

    Words of one first character stand together behind it, which lets the search skip all other characters.
    """
    after: dict[str, list[str]] = {}
    for word in sorted({*words, *never}, key=lambda word: (-len(word), word)):
        after.setdefault(word[0], []).append(_bounded(word, word in alone))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in after.items()) or r"(?!)")


def _bounded(word: str, alone: bool) -> str:
    """All of a word behind its first character."""
    first, last = word[0], word[-1]
    left = rf"(?<![a-z0-9]{re.escape(first)})" if alone or first.isascii() and first.isalnum() else ""
    right = r"(?![a-z])" if alone or last.isascii() and last.isalpha() else ""
    right = r"(?![0-9])" if last.isdigit() else right
    return left + re.escape(word[1:]) + right


def _any(words: Iterable[str]) -> re.Pattern[str]:
    return _pattern(words, set(), set())


def _is_words(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(word, str) and word for word in found)


def _is_word(found: Any) -> bool:
    return isinstance(found, str) and bool(found)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = (_is_words, "a list of words (numbers in quotes)")
_SHAPES = {
    "to": (_is_word, "a word"),
    "chars": (_is_word, "characters"),
    "times": (lambda found: type(found) in (int, float) and found > 0, "a number above 0"),
    "tenths": (lambda found: isinstance(found, bool), "true or false"),
    "pinyin": (lambda found: isinstance(found, bool), "true or false"),
    "priced": (lambda found: isinstance(found, bool), "true or false"),
    "signs": (lambda found: isinstance(found, dict) and all(map(_is_words, found.values())), "sign: list of letters"),
}
_AROUND = ("measures", "prices", "never")
_SECTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "variants": (("to",), ("words", "alone", "never")),
    "emoji": (("to", "words"), ()),
    "letters": (("to", "chars"), ()),
    "hidden": (("words", "fillers"), ("pinyin",)),
    "english": (("to",), ("words", "alone", "never")),
    "disguised": ((), ("words", "signs", "never")),
    "units": (("to", "times", "words"), ("tenths", "priced")),
    "numerals": ((), _AROUND),
}
"""The sections of the file: the keys an entry needs, and those it may have."""


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
    for run in _RUN.finditer(text):
        found += [(fold(one), at, at + 1) for at, one in enumerate(_readings(run.group()), start=run.start())]
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


def _readings(run: str) -> list[str]:
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


@cache
def _without_tone(syllable: str) -> str:
    from pypinyin.contrib.tone_convert import to_normal

    plain: str = to_normal(syllable)
    return plain


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
