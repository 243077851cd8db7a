"""Rules as people write them: YAML with word lists, read, expanded, checked and compiled.

A file holds ``language``, ``lists`` (name: fragments of patterns, used as ``{name}`` and shared by all
files of the language), ``not_if`` and ``approved_by`` (for every rule of the file) and ``rules``.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.backtracking import runaway
from models.firsts import hastened
from models.literals import Way, required
from models.patterns import PatternError, expanded
from models.yaml_files import YamlError, lines_of, read_yaml

Language = Literal["zh", "en"]
Role = Literal["law", "merchants", "hosts", "consumers"]
Severity = Literal["minor", "major", "critical"]
Category = Literal[
    "agriculture",
    "appliances",
    "clothing",
    "cosmetics",
    "education",
    "food",
    "health_food",
    "household",
    "jade",
    "jewellery",
    "mother_baby",
    "other",
    "phones",
    "shoes_bags",
    "tea",
    "toys",
    "wine",
]

_MARK = re.compile("[«»]")
_ROLES_TO_GO_LIVE = 2
_BAD = (re.error, OverflowError, RecursionError)
"""What the compiler of patterns raises: for one that is wrong, counts too far, or goes too deep."""

_HAN_ONLY = re.compile(r"[\u3400-\u9fff]{4,}")


class LexiconError(ValueError):
    """The rules cannot be used; the message names file, line and rule."""


class Near(BaseModel):
    """Words that stand close together in one sentence: each at most ``within`` characters after the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Annotated[tuple[str, ...], Field(min_length=2)]
    within: Annotated[int, Field(ge=0, le=40)] = 8
    any_order: bool = False

    @model_validator(mode="after")
    def _two_for_any_order(self) -> Near:
        if self.any_order and len(self.words) != 2:
            raise ValueError("any_order is for two words only")
        return self

    @property
    def pattern(self) -> str:
        """The same as a regular expression."""
        gap = f"[^。!?;]{{0,{self.within}}}"
        words = [f"(?:{word})" for word in self.words]
        orders = [words, words[::-1]] if self.any_order else [words]
        return "|".join(gap.join(order) for order in orders)


class Rule(BaseModel):
    """One way of saying something.

    ``patterns`` are regular expressions, ``near`` words at a distance, ``phrases`` literal words; where
    ``sounds_like`` is set, phrases of four Han characters or more are also matched by sound. A hit is let
    pass when one of ``not_if`` matches its sentence, in which the words found stand between « and », and
    where the goods on sale are not of ``only_in`` or are of ``not_in``. ``hits`` and ``misses`` are what the
    rule must and must not find. ``severity`` and ``advice`` (how to say it rightly, in the rule's language)
    stand in for the label's. A rule that two different roles have not approved is a ``shadow`` rule: these
    are only counted, never told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$")]
    label: str
    language: Language
    patterns: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    phrases: tuple[str, ...] = ()
    sounds_like: bool = False
    not_if: tuple[str, ...] = ()
    only_in: tuple[Category, ...] = ()
    not_in: tuple[Category, ...] = ()
    score: Annotated[float, Field(ge=0.5, le=1)]
    severity: Severity | None = None
    advice: str = ""
    approved_by: tuple[Role, ...] = ()
    shadow: bool = False
    hits: Annotated[tuple[str, ...], Field(min_length=1)]
    misses: Annotated[tuple[str, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _unapproved_in_shadow(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and len(set(raw.get("approved_by") or ())) < _ROLES_TO_GO_LIVE:
            return {**raw, "shadow": True}
        return raw

    @model_validator(mode="after")
    def _finds_something(self) -> Rule:
        if not self.patterns and not self.near and not self.phrases:
            raise ValueError("needs patterns, near or phrases")
        if self.sounds_like and not self.sounding:
            raise ValueError("sounds_like needs a phrase of at least four Han characters and nothing else")
        if self.only_in and self.not_in:
            raise ValueError("only_in and not_in exclude each other")
        return self

    def applies_to(self, category: str | None) -> bool:
        """Whether the rule looks at goods of this category; of goods unknown, all but ``only_in`` rules do."""
        if self.only_in:
            return category in self.only_in
        return category not in self.not_in

    @property
    def sounding(self) -> tuple[str, ...]:
        """The phrases that are also matched by sound."""
        return tuple(p for p in self.phrases if _HAN_ONLY.fullmatch(p)) if self.sounds_like else ()


class RuleFile(BaseModel):
    """One file of rules; ``lists`` alone is fine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language
    lists: dict[str, tuple[str, ...]] = {}
    not_if: tuple[str, ...] = ()
    approved_by: tuple[Role, ...] = ()
    rules: tuple[dict[str, Any], ...] = ()


class AnyOf(NamedTuple):
    """Patterns of which one is enough. Those of a whole file are compiled once, not with every rule of it."""

    patterns: tuple[re.Pattern[str], ...]

    @property
    def pattern(self) -> str:
        """All of them as one, as it would be written."""
        return "|".join(one.pattern for one in self.patterns)

    def search(self, text: str) -> re.Match[str] | None:
        """The first match of the first pattern that has one."""
        return next((match for one in self.patterns if (match := one.search(text))), None)


class Compiled(NamedTuple):
    """A rule ready to run: ``source`` is its whole pattern, ``find`` the same compiled.

    ``ways`` are the words that each way to match requires.
    Guards that hold a mark look at the sentence with the marks, the others at the sentence as it is.
    """

    rule: Rule
    source: str
    find: re.Pattern[str]
    ways: frozenset[Way]
    not_if: AnyOf | None
    not_if_marked: AnyOf | None


def load_rules(folder: Path, labels: Container[str], skip: str) -> list[Compiled]:
    """All rules of the YAML files in ``folder`` but ``skip``, compiled, in the order of file names.

    Raises LexiconError: a broken file, a wrong key, an unknown label or list, a bad pattern or one that may take
    for ever, an id that stands twice.
    """
    files = {path: _read(path) for path in sorted(folder.glob("*.yaml")) if path.name != skip}
    if not any(file.rules for file in files.values()):
        raise LexiconError(f"{folder}: no rules")
    lists: dict[str, dict[str, str]] = {"zh": {}, "en": {}}
    for path, file in files.items():
        _gather(file, lists[file.language], path)
    for of_language in lists.values():
        of_language.update({name: _whole(name, of_language) for name in of_language})
    rules: dict[str, Compiled] = {}
    for path, file in files.items():
        for raw, place in zip(file.rules, _places(path), strict=True):
            ready = _compiled(raw, file, lists[file.language], place)
            if ready.rule.label not in labels:
                raise LexiconError(f"{place}: rule {ready.rule.id}: label: unknown label {ready.rule.label}")
            if ready.rule.id in rules:
                raise LexiconError(f"{place}: rule {ready.rule.id}: id: stands twice")
            rules[ready.rule.id] = ready
    return list(rules.values())


def _read(path: Path) -> RuleFile:
    try:
        document = read_yaml(path)
        return RuleFile.model_validate(document.data)
    except YamlError as error:
        raise LexiconError(str(error)) from error
    except ValidationError as error:
        raise LexiconError(f"{document.where(error.errors()[0]['loc'])}: {_told(error)}") from error


def _places(path: Path) -> list[str]:
    """``file:line`` of each rule of a file."""
    return [f"{path}:{line}" for line in lines_of(path, "rules")]


def _gather(file: RuleFile, lists: dict[str, str], path: Path) -> None:
    for name, fragments in file.lists.items():
        if name in lists:
            raise LexiconError(f"{path}: list {name}: stands twice")
        lists[name] = "(?:" + "|".join(fragments) + ")"


def _whole(name: str, lists: Mapping[str, str]) -> str:
    """A list with the lists inside it; as it is where these are wrong, for the rule that uses it to tell."""
    try:
        return hastened(expanded(lists[name], lists))
    except (PatternError, *_BAD):
        return lists[name]


def _compiled(raw: Mapping[str, Any], file: RuleFile, lists: Mapping[str, str], place: str) -> Compiled:
    where = f"{place}: rule {raw.get('id', '(without id)')}"
    try:
        rule = Rule.model_validate({"language": file.language, "approved_by": file.approved_by, **raw})
    except ValidationError as error:
        raise LexiconError(f"{where}: {_told(error)}") from error
    written = (*rule.patterns, *(near.pattern for near in rule.near))
    parts = [_expanded(p, lists, where) for p in written] + [re.escape(p) for p in rule.phrases]
    guards = [_expanded(p, lists, where) for p in (*file.not_if, *rule.not_if)]
    source = "|".join(f"(?:{part})" for part in parts)
    marked = [guard for guard in guards if _MARK.search(guard)]
    plain = [guard for guard in guards if not _MARK.search(guard)]
    find = _one(parts, where)
    return Compiled(rule, source, find, required(parts), _any(plain, where), _any(marked, where))


def _expanded(pattern: str, lists: Mapping[str, str], where: str) -> str:
    try:
        return expanded(pattern, lists)
    except PatternError as error:
        raise LexiconError(f"{where}: {error}") from error


def _any(patterns: Sequence[str], where: str) -> AnyOf | None:
    return AnyOf(tuple(_one([pattern], where) for pattern in patterns)) if patterns else None


def _one(patterns: Sequence[str], where: str) -> re.Pattern[str]:
    """One pattern for all; only when it does not compile, each is tried to name the wrong one."""
    try:
        found = _compile("|".join(map(hastened, patterns)))
    except _BAD as error:
        for pattern in patterns:
            _try(pattern, where)
        raise LexiconError(f"{where}: patterns do not go together: {_why(error)}") from error
    if found.match(""):
        empty = next((pattern for pattern in patterns if re.match(pattern, "")), patterns[0])
        raise LexiconError(f"{where}: pattern {empty[:80]!r} matches nothing at all")
    for pattern in patterns:
        if why := _runaway(pattern, where):
            raise LexiconError(f"{where}: pattern {pattern[:80]!r} backtracks without end: {why}")
    return found


def _runaway(pattern: str, where: str) -> str | None:
    try:
        return runaway(pattern)
    except _BAD as error:
        raise LexiconError(f"{where}: bad pattern {pattern[:80]!r}: {_why(error)}") from error


def _try(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except _BAD as error:
        raise LexiconError(f"{where}: bad pattern {pattern[:80]!r}: {_why(error)}") from error


def _why(error: Exception) -> str:
    return "it goes too deep" if isinstance(error, RecursionError) else str(error)


@lru_cache(maxsize=8192)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in error.errors())
