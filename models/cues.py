"""Cues of staged selling: words that mean little alone and something in a row, and the rows that count.

A file (configs/sequences.yaml) holds ``lists`` of fragments by language, used as ``{name}``; ``cues``, ways of
saying one thing; and ``rules``, which cues in which order make which claim. Who joins them over time is not
decided here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.normalise import HAN, Normalised, Variants, normalise

Language = Literal["zh", "en"]
Role = Literal["law", "merchants", "hosts", "consumers"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

LONGEST_S = 300
"""No row is longer than five minutes of its stream."""

_REFERENCE = re.compile(r"\{([a-z_]+)\}")
_DEEPEST = 8
_HAN = re.compile(f"[{HAN}]")
_MARK = re.compile("[«»]")
_CLAUSE_END = re.compile(r"[。!?！？;；\n]|\.(?=\s|$)")
_SENTENCE = {"zh": 40, "en": 100}
_MOST_LOOKED_AT = 2_000
"""Characters of one text: nobody says more in half a minute, and a longer text is no talk."""


class CuesError(ValueError):
    """The file cannot be used; the message names it, the entry and the key."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Way(_Entry):
    """Ways of giving one cue in one language.

    ``patterns`` are regular expressions over plain text (see models.normalise); a group named ``asked`` is what
    viewers are asked to write. A hit is let pass where one of ``not_if`` matches its sentence; for one that holds a
    mark, « and » stand around the hit. ``hits`` and ``misses`` are what it must and must not find.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")]
    cue: Name
    language: Language
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    not_if: tuple[str, ...] = ()
    hits: Annotated[tuple[str, ...], Field(min_length=1)]
    misses: Annotated[tuple[str, ...], Field(min_length=1)]


class Flood(_Entry):
    """Viewers' lines that are nearly what was asked for: how many, how soon, and how many times as many as before."""

    at_least: Annotated[int, Field(ge=3, le=200)]
    within_s: Annotated[int, Field(ge=5, le=LONGEST_S)]
    times_before: Annotated[float, Field(ge=1)]


class Rule(_Entry):
    """A row of cues, in this order within ``within_s``, that makes a claim; with ``flood``, and then one.

    Silent where a cue of ``silent_if`` was given in the same time, and where two cues name different goods:
    ``same`` are patterns whose one group names a good, such as the number of its link. ``hits`` and ``misses``
    are scenes, each a list of lines ``who: words``.
    """

    id: Name
    label: str
    steps: Annotated[tuple[Name, ...], Field(min_length=1)]
    flood: Flood | None = None
    within_s: Annotated[int, Field(ge=5, le=LONGEST_S)] = LONGEST_S
    silent_if: tuple[Name, ...] = ()
    same: tuple[str, ...] = ()
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


class _File(_Entry):
    lists: dict[Language, dict[Name, tuple[str, ...]]] = {}
    cues: Annotated[tuple[Way, ...], Field(min_length=1)]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Given(NamedTuple):
    """A cue found in a text: which, the code points of the text that carry it, and what viewers are asked to write."""

    cue: str
    start: int
    end: int
    asked: str = ""


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

    def __init__(self, ways: Sequence[_Ready], rules: Sequence[Rule], variants: Variants) -> None:
        self.ways, self.rules = tuple(ready.way for ready in ways), tuple(rules)
        self._ways = {language: [one for one in ways if one.way.language == language] for language in ("zh", "en")}
        self._variants = variants
        self._same = {rule.id: [re.compile(pattern) for pattern in rule.same] for rule in rules}
        said = [entry.model_dump(mode="json") for entry in (*self.ways, *self.rules)]
        expanded = [[pattern.pattern for pattern in one.patterns] for one in ways]
        self.version = hashlib.sha256(json.dumps([said, expanded], sort_keys=True).encode()).hexdigest()[:12]

    @classmethod
    def load(cls, path: Path | str, labels: Container[str], variants: Variants | None = None) -> Cues:
        """Read and check a file. Raises CuesError, naming the file, the entry and the key."""
        file = _read(Path(path))
        lists = {
            language: {name: f"(?:{'|'.join(parts)})" for name, parts in named.items()}
            for language, named in file.lists.items()
        }
        _check(file, labels, path)
        ways = [_ready(way, lists.get(way.language, {}), f"{path}: cue {way.id}") for way in file.cues]
        return cls(ways, file.rules, variants or Variants.none())

    def find(self, text: str) -> list[Given]:
        """The cues in a text, in its order; Mandarin where there is a Han character, English where there is none."""
        text = text[:_MOST_LOOKED_AT]
        plain = normalise(text, self._variants)
        language: Language = "zh" if _HAN.search(plain.text) else "en"
        found = {given for one in self._ways[language] for given in _given(one, plain)}
        return sorted(_outermost(found), key=lambda given: (given.start, given.end, given.cue))

    def goods(self, rule: Rule, text: str) -> list[frozenset[str]]:
        """What a text names of the goods it speaks of, one set for each of the rule's ``same``."""
        plain = normalise(text[:_MOST_LOOKED_AT], self._variants).text
        return [frozenset(pattern.findall(plain)) for pattern in self._same[rule.id]]

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
            if one.lets_pass(_sentence(plain.text, match, _SENTENCE[one.way.language])):
                continue
            asked = match.groupdict().get("asked") or ""
            yield Given(one.way.cue, *plain.original(*match.span()), asked)


def _outermost(found: set[Given]) -> Iterator[Given]:
    """Of those of a cue that overlap one: the earliest, then one that says what is asked, then the longest."""
    last: dict[str, Given] = {}
    for one in sorted(found, key=lambda given: (given.cue, given.start, not given.asked, -given.end, given.asked)):
        before = last.get(one.cue)
        if before is None or one.start >= before.end:
            last[one.cue] = one
            yield one


def _sentence(text: str, match: re.Match[str], most: int) -> str:
    start, end = match.span()
    ends = [mark.end() for mark in _CLAUSE_END.finditer(text, max(0, start - most), start)]
    stop = _CLAUSE_END.search(text, end, min(len(text), end + most))
    first, last = ends[-1] if ends else max(0, start - most), stop.end() if stop else end + most
    return f"{text[first:start]}«{text[start:end]}»{text[end:last]}"


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CuesError(f"{path}: {error}") from error
    except ValidationError as error:
        raise CuesError(f"{path}: {_told(error)}") from error


def _check(file: _File, labels: Container[str], path: Path | str) -> None:
    """What one entry says of another: ids that stand twice, labels and cues that do not exist."""
    ids = [*(f"cue {way.id}" for way in file.cues), *(f"rule {rule.id}" for rule in file.rules)]
    for twice in sorted({one for one in ids if ids.count(one) > 1}):
        raise CuesError(f"{path}: {twice}: id: stands twice")
    known = {way.cue for way in file.cues}
    for rule in file.rules:
        where = f"{path}: rule {rule.id}"
        if rule.label not in labels:
            raise CuesError(f"{where}: label: unknown label {rule.label}")
        for key, names in (("steps", rule.steps), ("silent_if", rule.silent_if)):
            if unknown := sorted(set(names) - known):
                raise CuesError(f"{where}: {key}: no cue is named {unknown[0]}")
        for pattern in rule.same:
            if _compiled(pattern, {}, f"{where}: same").groups != 1:
                raise CuesError(f"{where}: same: {pattern!r} needs exactly one group")


def _ready(way: Way, lists: Mapping[str, str], where: str) -> _Ready:
    patterns = tuple(_compiled(pattern, lists, f"{where}: patterns") for pattern in way.patterns)
    return _Ready(way, patterns, tuple(_compiled(guard, lists, f"{where}: not_if") for guard in way.not_if))


def _compiled(pattern: str, lists: Mapping[str, str], where: str) -> re.Pattern[str]:
    expanded = _expanded(pattern, lists, where)
    try:
        ready = re.compile(expanded)
    except re.error as error:
        raise CuesError(f"{where}: bad pattern {pattern[:80]!r}: {error}") from error
    if ready.search(""):
        raise CuesError(f"{where}: pattern {pattern[:80]!r} matches nothing at all")
    return ready


def _expanded(pattern: str, lists: Mapping[str, str], where: str) -> str:
    """The pattern with every ``{name}`` replaced by its list; lists may hold lists."""
    for _ in range(_DEEPEST):
        names = set(_REFERENCE.findall(pattern))
        if not names:
            return pattern
        for name in names:
            if name not in lists:
                raise CuesError(f"{where}: unknown list {{{name}}}")
            pattern = pattern.replace(f"{{{name}}}", lists[name])
    raise CuesError(f"{where}: lists hold each other")


def _told(error: ValidationError) -> str:
    problems: list[Any] = list(error.errors(include_url=False))
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in problems)
