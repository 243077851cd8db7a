"""All that decides what is found and what becomes of it, as one value: a reload is the swap of one reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import NamedTuple, Protocol

from models.labels import Label
from models.law import in_force
from models.results import Found, Judged, Text
from worker.policy import Mode, Policy
from worker.records import Flag, Law, ShadowFlag


class Finder(Protocol):
    """Claims in a text; spans count its code points."""

    @property
    def version(self) -> str: ...

    def find(self, text: str, language: str, category: str | None = None, /) -> list[Found]: ...


class Classifier(Protocol):
    """Claims in texts with the sentences before them, all of a batch at once."""

    @property
    def version(self) -> str: ...

    def judge(self, texts: Sequence[Text], /) -> list[Judged]: ...


class Sorted(NamedTuple):
    """Claims that are told, and those that are only counted."""

    live: list[Found]
    shadow: list[Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """What claims can be, what finds them in words, and how they are treated. ``on_trial`` finds what rules on trial
    find, those that stand in shadow whatever the mode of their label; None where there are none."""

    labels: Mapping[str, Label]
    finder: Finder
    classifier: Classifier | None = None
    policy: Policy = field(default_factory=Policy)
    on_trial: Finder | None = None

    def by_rule(self, text: str, language: str, category: str | None = None) -> list[Found]:
        """The claims that the rules find, sure enough for the policy; ``category`` of the goods, if it is known."""
        return self._sure_enough(self.finder.find(text, language, category))

    def by_rule_on_trial(self, text: str, language: str, category: str | None = None) -> list[Found]:
        """The claims that rules on trial find, of labels that are not off."""
        found = self._sure_enough(self.on_trial.find(text, language, category)) if self.on_trial else []
        return [one for one in found if self.policy.of(one.label).mode is not Mode.OFF]

    def by_mode(self, found: Iterable[Found]) -> Sorted:
        """What is told and what is only counted; claims of labels that are off are neither."""
        modes = {mode: [] for mode in Mode}  # type: dict[Mode, list[Found]]
        for one in found:
            modes[self.policy.of(one.label).mode].append(one)
        return Sorted(modes[Mode.LIVE], modes[Mode.SHADOW])

    def _sure_enough(self, found: Iterable[Found]) -> list[Found]:
        with_threshold = (replace(one, threshold=self.policy.of(one.label).rule) for one in found)
        return [one for one in with_threshold if one.score >= one.threshold]


def law_in_force(label: Label, jurisdiction: str, on: date) -> tuple[Law, ...]:
    """The law behind a label that was in force in a place on a day, as a Claim holds it."""
    return tuple(Law(**asdict(basis)) for basis in in_force(label, jurisdiction, on))


def by_policy(flag: Flag, policy: Policy) -> list[Flag | ShadowFlag]:
    """A Flag of one claim as the policy has it: told, only counted, or nothing; with the policy's version."""
    versions = flag.versions.model_copy(update={"policy": policy.version})
    match policy.of(flag.claims[0].label).mode:
        case Mode.LIVE:
            return [flag.model_copy(update={"versions": versions})]
        case Mode.SHADOW:
            return [ShadowFlag(**{**dict(flag), "versions": versions})]
        case Mode.OFF:
            return []
