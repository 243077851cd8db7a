"""The first finder: versioned rules over the raw text, the normalised text and its sounds.

The rules are data (configs/lexicon), see models/rules.py for how they are written. They are compiled
once; one scan for the words they cannot do without leaves few of them to try on a text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import ahocorasick_rs

from models.literals import Prefilter
from models.normalise import normalise
from models.patterns import sentence
from models.results import Found
from models.rules import Compiled, LexiconError, load_rules
from models.sounds import HAN, toneless
from models.variants import Variants, VariantsError, load_variants
from models.views import Normalised

__all__ = ["THRESHOLD", "Lexicon", "LexiconError"]

THRESHOLD = 0.5
"""What a score must reach; a rule that is not sure enough is not written, or runs in shadow."""

HEARD = 0.85
"""How much of a rule's score is left when only the sound of its words was matched."""

_VARIANTS = "variants.yaml"
_HAN = re.compile(f"[{HAN}]")
_WINDOW = {"zh": 40, "en": 100}
_BREAK = "\ue000"


class Hit(NamedTuple):
    """Words that one rule found; ``start`` and ``end`` count code points of the original text."""

    rule: Compiled
    start: int
    end: int
    score: float


class Lexicon:
    """Rules in force. Immutable, so that a reload is the swap of one reference."""

    def __init__(self, rules: Sequence[Compiled], variants: Variants) -> None:
        self.rules = tuple(rules)
        self.version = _version(rules, variants)
        self._variants = variants
        self._of = {language: _Rules(rules, language) for language in ("zh", "en")}

    @classmethod
    def load(cls, folder: Path | str, labels: Container[str]) -> Lexicon:
        """Read and check all rules of a folder. Raises LexiconError, naming file and rule."""
        path = Path(folder)
        try:
            variants = load_variants(path / _VARIANTS) if (path / _VARIANTS).exists() else Variants.none()
        except VariantsError as error:
            raise LexiconError(str(error)) from error
        rules = load_rules(path, labels, skip=_VARIANTS)
        try:
            return cls(rules, variants)
        except RecursionError as error:
            raise LexiconError(f"{path}: a pattern goes too deep") from error

    def find(self, text: str, language: str, category: str | None = None, *, shadow: bool = False) -> list[Found]:
        """The claims in a text, highest score first; with ``shadow`` those of the shadow rules instead.

        Hits of one label that overlap are one claim, under the rule with the higher score. Mandarin
        rules run wherever there is a Han character, English ones when ``language`` is English or
        there is none. ``category`` is that of the goods spoken of, None where it is not known.
        """
        if not text:
            return []
        plain = normalise(text, self._variants)
        hits = [
            hit
            for hit in self._hits(text, plain, language)
            if hit.rule.rule.shadow is shadow and hit.rule.rule.applies_to(category)
        ]
        found = [_found(group, plain) for group in _joined(hits)]
        return sorted(found, key=lambda one: (-one.score, one.start, one.label))

    def normalised(self, text: str) -> str:
        """The text as the rules see it."""
        return normalise(text, self._variants).text

    def problems(self) -> list[str]:
        """What the rules' own examples tell: a hit not found by its rule, a miss found under its label."""
        wrong = []
        for one in self.rules:
            rule = one.rule
            wrong += [
                f"{rule.id} is silent on: {text}"
                for text in rule.hits
                if rule.id not in {hit.rule.rule.id for hit in self._all(text, rule.language)}
            ]
            for text in rule.misses:
                wrong += [
                    f"{hit.rule.rule.id} fires on a miss of {rule.id}: {text}"
                    for hit in self._all(text, rule.language)
                    if hit.rule.rule.label == rule.label
                ]
        return wrong

    def _all(self, text: str, language: str) -> list[Hit]:
        return list(self._hits(text, normalise(text, self._variants), language))

    def _hits(self, text: str, plain: Normalised, language: str) -> Iterator[Hit]:
        han = _HAN.search(plain.text) is not None
        if han:
            yield from self._of["zh"].written(text, plain)
            yield from self._of["zh"].heard(plain)
        if language.startswith("en") or not han:
            yield from self._of["en"].written(text, plain)


class _Rules:
    """The rules of one language, with what is built once to run them fast."""

    def __init__(self, rules: Iterable[Compiled], language: str) -> None:
        self._rules = [rule for rule in rules if rule.rule.language == language]
        self._window = _WINDOW[language]
        self._prefilter = Prefilter([rule.ways for rule in self._rules])

    def written(self, text: str, plain: Normalised) -> Iterator[Hit]:
        """What is found by its characters: in the normalised text, else in the text as given."""
        views = {plain.text: plain}
        if text.lower() != plain.text:  # case alone makes no difference to any rule
            views[text] = Normalised(text, tuple(range(len(text))))
        for index in sorted(self._prefilter.candidates(view.lower() for view in views)):
            for view in views.values():
                matches = list(self._rules[index].find.finditer(view.text))
                for match in matches:
                    yield from self._hit(self._rules[index], view, match.span(), 1.0)
                if matches:
                    break

    def heard(self, plain: Normalised) -> Iterator[Hit]:
        """What is found by its sound only: phrases whose syllables stand in the text in other characters."""
        sounds = self._sounds
        for rule, start, end in sounds.find(plain.text) if sounds else ():
            yield from self._hit(rule, plain, (start, end), HEARD)

    def _hit(self, rule: Compiled, view: Normalised, span: tuple[int, int], share: float) -> Iterator[Hit]:
        start, end = span
        if start < end and not _allowed(rule, sentence(view.text, start, end, self._window)):
            yield Hit(rule, *view.original(start, end), round(rule.rule.score * share, 4))

    @cached_property
    def _sounds(self) -> _Sounds | None:
        phrases = [(rule, phrase) for rule in self._rules for phrase in rule.rule.sounding]
        return _Sounds(phrases) if phrases else None


class _Sounds:
    """Phrases by their syllables: one letter stands for one syllable, so that a scan for strings finds them."""

    def __init__(self, phrases: Sequence[tuple[Compiled, str]]) -> None:
        self._phrases = phrases
        self._letters: dict[str, str] = {}
        coded = ["".join(map(self._learnt, toneless(phrase))) for _, phrase in phrases]
        self._scan = ahocorasick_rs.AhoCorasick(coded)

    def _learnt(self, syllable: tuple[str, int, int]) -> str:
        return self._letters.setdefault(syllable[0], chr(0xE001 + len(self._letters)))

    def find(self, text: str) -> Iterator[tuple[Compiled, int, int]]:
        """Rule and span of each phrase that sounds in ``text`` but is written otherwise there.

        A third of its characters must stand in their place: recognition seldom errs in all of them,
        and other common words of the same sound share fewer.
        """
        syllables = toneless(text)
        letters = "".join(self._letters.get(syllable, _BREAK) for syllable, _, _ in syllables)
        for number, first, last in self._scan.find_matches_as_indexes(letters, overlapping=True):
            rule, phrase = self._phrases[number]
            start, end = syllables[first][1], syllables[last - 1][2]
            said = text[start:end]
            same = sum(a == b for a, b in zip(said, phrase, strict=False))
            if len(said) == len(phrase) and len(phrase) // 3 <= same < len(phrase):
                yield rule, start, end


def _allowed(rule: Compiled, sentence: str) -> bool:
    """Whether a guard of the rule matches the sentence, in which the words found are marked."""
    if rule.not_if_marked and rule.not_if_marked.search(sentence):
        return True
    return bool(rule.not_if and rule.not_if.search(sentence.replace("«", "").replace("»", "")))


def _joined(hits: Iterable[Hit]) -> Iterator[list[Hit]]:
    """Hits grouped so that those of one label that overlap are together."""
    group: list[Hit] = []
    reach = -1
    for hit in sorted(hits, key=lambda one: (one.rule.rule.label, one.start, one.end)):
        if group and (hit.rule.rule.label != group[0].rule.rule.label or hit.start >= reach):
            yield group
            group, reach = [], -1
        group.append(hit)
        reach = max(reach, hit.end)
    if group:
        yield group


def _found(group: Sequence[Hit], plain: Normalised) -> Found:
    best = max(group, key=lambda hit: (hit.score, hit.end - hit.start))
    start, end = min(hit.start for hit in group), max(hit.end for hit in group)
    said = "".join(char for char, at in zip(plain.text, plain.offsets, strict=True) if start <= at < end)
    return Found(
        label=best.rule.rule.label,
        score=best.score,
        threshold=THRESHOLD,
        rule_id=best.rule.rule.id,
        start=start,
        end=end,
        normalised=said,
        severity=best.rule.rule.severity,
        advice=best.rule.rule.advice,
    )


def _version(rules: Sequence[Compiled], variants: Variants) -> str:
    """A hash of all that decides what is found and told, and who approved it; of nothing else."""
    effective = [
        [rule.id, rule.label, rule.language, source, list(rule.sounding), rule.score, rule.shadow]
        + [guard.pattern if guard else "" for guard in guards]
        + [sorted(rule.only_in), sorted(rule.not_in), rule.severity, rule.advice, sorted(set(rule.approved_by))]
        for rule, source, _, _, *guards in sorted(rules, key=lambda one: one.rule.id)
    ]
    told = json.dumps([effective, variants.version], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
