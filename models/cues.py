"""Cues of staged selling: words that mean little alone and something in a row, and the rows that count.

A file (configs/sequences.yaml) holds ``lists`` of fragments by language, used as ``{name}``; ``sounds``, words that
are put where something of the same toneless sound was heard; ``goods``, patterns whose one group names a good, such as
the number of its link; ``cues``, ways of saying one thing; and ``rules``, which cues in which order make which claim.
Who joins them over time is not decided here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.backtracking import runaway
from models.normalise import normalise
from models.numerals import chinese_numbers, english_numbers
from models.patterns import PatternError, expanded, sentence
from models.sounds import HAN, toneless
from models.variants import Variants
from models.views import Normalised
from models.yaml_files import YamlError, lines_of, read_yaml

Language = Literal["zh", "en"]
Role = Literal["law", "merchants", "hosts", "consumers"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

LONGEST_S = 300
"""No row is longer than five minutes of its stream."""

_HAN = re.compile(f"[{HAN}]")
_MARK = re.compile("[«»]")
_SENTENCE: dict[Language, int] = {"zh": 40, "en": 100}
_AROUND: dict[Language, int] = {"zh": 16, "en": 40}
"""How many characters before and after a cue an amount may stand that belongs to it."""

_SMALLEST = 5
_PER = re.compile(r"(?<=[二三四五六七八九十百千])一(?=[斤件个只条盒箱瓶单套份双台克床把包袋支片对])")
"""三十八一斤: thirty-eight, for one."""

_COUNTED: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"[个件只条盒箱瓶单套份双台斤克床把包罐袋支组片层天年月日号点分秒小时岁寸码米厘毫升人位名次遍折倍幅页盏颗粒株种款色度代级根口]"
    ),
    "en": re.compile(
        r"[ -]?(?:%|percent|x\b|(?:more |extra )?(?:pieces?|sets?|units?|pairs?|boxes|bottles|packs?|bags?|left|more|"
        r"minutes?|seconds|hours?|days?|weeks?|months?|years?|people|orders|inch(?:es)?|carats?|ounces?|pounds|grams|watts?|ml)\b)"
    ),
}
_LONGEST_LINE = 100
_MOST_LOOKED_AT = 2_000
"""Characters of one text: nobody says more in half a minute, and a longer text is no talk."""


class CuesError(ValueError):
    """The file cannot be used; the message names it, the line, the entry and the key."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Way(_Entry):
    """Ways of giving one cue in one language.

    ``patterns`` are regular expressions over plain text (see models.normalise). A hit is let pass where one of
    ``not_if`` matches its sentence; for one that holds a mark, « and » stand around the hit. ``hits`` and ``misses``
    are what it must and must not find.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")]
    cue: Name
    language: Language
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    not_if: tuple[str, ...] = ()
    hits: Annotated[tuple[str, ...], Field(min_length=1)]
    misses: Annotated[tuple[str, ...], Field(min_length=1)]


class Flood(_Entry):
    """Viewers' lines nearly alike after the last step: how many, how soon, and how many times as many as before.

    They begin as one of the patterns ``lines`` does or, without these, are made of words of the cues' utterances.
    """

    lines: tuple[str, ...] = ()
    at_least: Annotated[int, Field(ge=3, le=200)]
    within_s: Annotated[int, Field(ge=5, le=LONGEST_S)]
    times_before: Annotated[float, Field(ge=1)]


class Rule(_Entry):
    """A row of cues, in this order within ``within_s``, that makes a claim; with ``flood``, and then one.

    ``also`` are cues that must stand near the last step, before or after it. Silent where a cue of ``silent_if`` was
    given in the same time, where one of ``broken_by`` stands between the first step and the last, where two steps
    name different goods (``same_good``), and where no amount of the last step lies within ``amounts`` times one of
    the first. ``hits`` and ``misses`` are scenes, each a list of lines ``who: words``.
    """

    id: Name
    label: str
    steps: Annotated[tuple[Name, ...], Field(min_length=1)]
    flood: Flood | None = None
    within_s: Annotated[int, Field(ge=5, le=LONGEST_S)] = LONGEST_S
    also: tuple[Name, ...] = ()
    silent_if: tuple[Name, ...] = ()
    broken_by: tuple[Name, ...] = ()
    same_good: bool = False
    amounts: tuple[float, float] | None = None
    score: Annotated[float, Field(ge=0.5, le=1)]
    approved_by: Annotated[tuple[Role, ...], Field(min_length=2)]
    hits: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    misses: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Rule:
        if len(self.steps) < 2 and self.flood is None:
            raise ValueError("one step alone is no row: name two steps, or a flood")
        if len(set(self.approved_by)) < 2:
            raise ValueError("approved_by needs two different roles")
        return self

    @property
    def cues(self) -> frozenset[str]:
        """All that it looks at."""
        return frozenset((*self.steps, *self.also, *self.silent_if, *self.broken_by))


class _File(_Entry):
    lists: dict[Language, dict[Name, tuple[str, ...]]] = {}
    sounds: tuple[Annotated[str, Field(min_length=2, max_length=6)], ...] = ()
    goods: tuple[str, ...] = ()
    cues: Annotated[tuple[Way, ...], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Given(NamedTuple):
    """A cue found in a text: which, the code points of the text that carry it, the amounts named around it (numbers
    from five up that count nothing), and what the text names of its goods, a set for each pattern of ``goods``."""

    cue: str
    start: int
    end: int
    amounts: frozenset[float] = frozenset()
    goods: tuple[frozenset[str], ...] = ()


class _Ready(NamedTuple):
    way: Way
    patterns: tuple[re.Pattern[str], ...]
    guards: tuple[re.Pattern[str], ...]

    def lets_pass(self, sentence: str) -> bool:
        """Whether a guard matches the sentence, in which the hit is marked; those without marks see none."""
        plain = sentence.replace("«", "").replace("»", "")
        return any(guard.search(sentence if _MARK.search(guard.pattern) else plain) for guard in self.guards)


class Cues:
    """Cues and rules in force. Immutable, so that a reload is the swap of one reference."""

    def __init__(self, file: _File, ways: Sequence[_Ready], variants: Variants) -> None:
        self.ways, self.rules = file.cues, file.rules
        self._ways = {language: [one for one in ways if one.way.language == language] for language in _SENTENCE}
        self._variants = variants
        self._goods = [re.compile(pattern) for pattern in file.goods]
        self._lines = {rule.id: [re.compile(p) for p in rule.flood.lines] for rule in file.rules if rule.flood}
        self._sounds: dict[tuple[str, ...], str] = {_sound(word): word for word in file.sounds}
        expanded = [[pattern.pattern for pattern in one.patterns] for one in ways]
        said = json.dumps([file.model_dump(mode="json"), expanded, variants.version], sort_keys=True)
        self.version = hashlib.sha256(said.encode()).hexdigest()[:12]

    @classmethod
    def load(cls, path: Path | str, labels: Container[str], variants: Variants | None = None) -> Cues:
        """Read and check a file. Raises CuesError, naming the file, the line, the entry and the key."""
        file = _read(path)
        lists = {
            language: {name: f"(?:{'|'.join(parts)})" for name, parts in named.items()}
            for language, named in file.lists.items()
        }
        _check(file, labels, path)
        ways = [
            _ready(way, lists.get(way.language, {}), f"{place}: cue {way.id}")
            for way, place in zip(file.cues, _places(path, "cues"), strict=True)
        ]
        return cls(file, ways, variants or Variants.none())

    def find(self, text: str) -> list[Given]:
        """The cues in a text, in its order; Mandarin where there is a Han character, English where there is none."""
        plain = normalise(text[:_MOST_LOOKED_AT], self._variants)
        language: Language = "zh" if _HAN.search(plain.text) else "en"
        if language == "zh":
            plain = self._as_it_sounds(plain)
        found = list(_outermost({given for one in self._ways[language] for given in _given(one, plain)}))
        if not found:
            return []
        goods = tuple(frozenset(pattern.findall(plain.text)) for pattern in self._goods)
        amounts = _amounts(plain, language)
        given = [one._replace(amounts=_near(one, amounts, _AROUND[language]), goods=goods) for one in found]
        return sorted(given, key=lambda one: (one.start, one.end, one.cue))

    def floods(self, rule: Rule, text: str) -> bool:
        """Whether a viewer's line begins as a rule wants those of its flood to."""
        plain = normalise(text[:_LONGEST_LINE], self._variants).text.strip()
        return any(pattern.match(plain) for pattern in self._lines[rule.id])

    def _as_it_sounds(self, plain: Normalised) -> Normalised:
        """The same text with the words of ``sounds`` where others of their sound stood; as long as before."""
        heard = toneless(plain.text)
        text = list(plain.text)
        for size in {len(sound) for sound in self._sounds}:
            for at in range(len(heard) - size + 1):
                one, last = heard[at], heard[at + size - 1]
                if last[1] - one[1] == size - 1 and (
                    word := self._sounds.get(tuple(syllable for syllable, _, _ in heard[at : at + size]))
                ):
                    text[one[1] : last[2]] = word
        return Normalised("".join(text), plain.offsets)

    def problems(self) -> list[str]:
        """What the cues' own examples tell: a hit that is not found, a miss that is."""
        wrong = []
        for way in self.ways:
            wrong += [f"{way.id} is silent on: {t}" for t in way.hits if way.cue not in {g.cue for g in self.find(t)}]
            wrong += [f"{way.id} finds: {t}" for t in way.misses if way.cue in {g.cue for g in self.find(t)}]
        return wrong


def _given(one: _Ready, plain: Normalised) -> Iterator[Given]:
    for pattern in one.patterns:
        for match in pattern.finditer(plain.text):
            if not one.lets_pass(sentence(plain.text, *match.span(), _SENTENCE[one.way.language])):
                yield Given(one.way.cue, *plain.original(*match.span()))


def _outermost(found: set[Given]) -> Iterator[Given]:
    """Of those of a cue that overlap one: the earliest, then the longest."""
    last: dict[str, Given] = {}
    for one in sorted(found, key=lambda given: (given.cue, given.start, -given.end)):
        before = last.get(one.cue)
        if before is None or one.start >= before.end:
            last[one.cue] = one
            yield one


def _sound(word: str) -> tuple[str, ...]:
    return tuple(syllable for syllable, _, _ in toneless(word))


def _amounts(plain: Normalised, language: Language) -> list[tuple[int, float]]:
    """The numbers of a text that may be prices, and where each begins in the original."""
    numbers = chinese_numbers(_PER.sub(",", plain.text)) if language == "zh" else english_numbers(plain.text)
    return [
        (plain.offsets[one.start], one.value)
        for one in numbers
        if one.value is not None
        and (one.value >= _SMALLEST or one.value % 1)
        and not _COUNTED[language].match(plain.text, one.end)
    ]


def _near(one: Given, amounts: Sequence[tuple[int, float]], around: int) -> frozenset[float]:
    """The amounts in a cue's own words or, where there is none, around them."""
    own = frozenset(value for at, value in amounts if one.start <= at < one.end)
    return own or frozenset(value for at, value in amounts if one.start - around <= at < one.end + around)


def _read(path: Path | str) -> _File:
    try:
        document = read_yaml(path)
        return _File.model_validate(document.data)
    except YamlError as error:
        raise CuesError(str(error)) from error
    except ValidationError as error:
        raise CuesError(f"{document.where(error.errors()[0]['loc'])}: {_told(error)}") from error


def _places(path: Path | str, key: str) -> list[str]:
    """``file:line`` of each entry under a key."""
    return [f"{path}:{line}" for line in lines_of(Path(path), key)]


def _check(file: _File, labels: Container[str], path: Path | str) -> None:
    """What one entry says of another: ids that stand twice, labels and cues that do not exist."""
    known = {way.cue for way in file.cues}
    all_entries: dict[str, Sequence[Way | Rule]] = {"cue": file.cues, "rule": file.rules}
    for kind, entries in all_entries.items():
        seen: set[str] = set()
        for entry, place in zip(entries, _places(path, f"{kind}s"), strict=True):
            where = f"{place}: {kind} {entry.id}"
            if entry.id in seen:
                raise CuesError(f"{where}: id: stands twice")
            seen.add(entry.id)
            if isinstance(entry, Rule):
                _check_rule(entry, labels, known, where)
    for pattern, place in zip(file.goods, _places(path, "goods"), strict=True):
        if _compiled(pattern, {}, f"{place}: goods").groups != 1:
            raise CuesError(f"{place}: goods: {pattern!r} needs exactly one group")
    for word, place in zip(file.sounds, _places(path, "sounds"), strict=True):
        if len(_sound(word)) != len(word):
            raise CuesError(f"{place}: sounds: {word} must be Han characters alone")


def _check_rule(rule: Rule, labels: Container[str], known: Container[str], where: str) -> None:
    if rule.label not in labels:
        raise CuesError(f"{where}: label: unknown label {rule.label}")
    for key in ("steps", "also", "silent_if", "broken_by"):
        if unknown := sorted(name for name in getattr(rule, key) if name not in known):
            raise CuesError(f"{where}: {key}: no cue is named {unknown[0]}")
    for pattern in rule.flood.lines if rule.flood else ():
        _compiled(pattern, {}, f"{where}: flood.lines")


def _ready(way: Way, lists: Mapping[str, str], where: str) -> _Ready:
    patterns = tuple(_compiled(pattern, lists, f"{where}: patterns") for pattern in way.patterns)
    return _Ready(way, patterns, tuple(_compiled(guard, lists, f"{where}: not_if") for guard in way.not_if))


def _compiled(pattern: str, lists: Mapping[str, str], where: str) -> re.Pattern[str]:
    try:
        whole = expanded(pattern, lists)
        ready = re.compile(whole)
        why = runaway(whole)
    except PatternError as error:
        raise CuesError(f"{where}: {error}") from error
    except RecursionError as error:
        raise CuesError(f"{where}: bad pattern {pattern[:80]!r}: it goes too deep") from error
    except (re.error, OverflowError) as error:
        raise CuesError(f"{where}: bad pattern {pattern[:80]!r}: {error}") from error
    if why:
        raise CuesError(f"{where}: pattern {pattern[:80]!r} backtracks without end: {why}")
    if ready.search(""):
        raise CuesError(f"{where}: pattern {pattern[:80]!r} matches nothing at all")
    return ready


def _told(error: ValidationError) -> str:
    problems: list[Any] = list(error.errors(include_url=False))
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in problems)
