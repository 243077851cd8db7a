"""The taxonomy: what a claim can be, what people are asked about it, and the law behind it.

Read from configs/labels.yaml. Which of the law a host is told, models/law.py says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from models.yaml_files import Document, YamlError, read_yaml


class LabelsError(ValueError):
    """The labels file cannot be used; the message names file, line, label and key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    """One rule of law or of the platform. An unknown date or article is null or empty, never guessed.

    In force from ``in_force_from`` to ``in_force_until``, both included.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    jurisdiction: Literal["cn", "eu", "us"]
    kind: Literal["statute", "regulation", "guideline", "platform_rule", "case"]
    title_zh: str
    title_en: str
    article_zh: str
    article_en: str
    in_force_from: date | None
    in_force_until: date | None = None
    verified: bool

    def is_in_force(self, on: date) -> bool:
        """Whether it counts on a day; an unknown date hides nothing."""
        began = self.in_force_from is None or self.in_force_from <= on
        return began and (self.in_force_until is None or on <= self.in_force_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Words as said; ``context`` is what makes them false or allowed, and is not spoken."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    text: str
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Violations of a label and near-misses that are allowed, in one language."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    violations: tuple[Example, ...]
    allowed: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One of the 27 kinds of claim. ``group`` is its family; ``examples`` goes by language, zh and en."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    zh: str
    en: str
    group: str
    tier: Literal["T1", "T2", "T3"]
    severity: Literal["minor", "major", "critical"]
    found_by: Literal["text", "text and sequence", "listing"]
    definition: str
    question_zh: str
    question_en: str
    advice_zh: str
    advice_en: str
    examples: dict[Literal["zh", "en"], Examples]
    law: tuple[LegalBasis, ...]

    def name_in(self, language: str) -> str:
        """What it is called, to somebody of that language: Mandarin, else English."""
        return self.zh if language == "zh" else self.en

    def advice_in(self, language: str) -> str:
        """What to say instead, in that language."""
        return self.advice_zh if language == "zh" else self.advice_en

    @property
    def in_text(self) -> bool:
        """Whether words alone can show it; the others are found by comparing with the listing."""
        return self.found_by != "listing"


_LABEL = TypeAdapter(Label)


def load_labels(path: Path | str) -> dict[str, Label]:
    """The labels by code, in the order of the file. Raises LabelsError, naming file, line, label and key."""
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise LabelsError(str(error)) from error
    labels: dict[str, Label] = {}
    for number, raw in enumerate(_entries(document)):
        label = _label(raw, document, number)
        if label.code in labels:
            raise LabelsError(f"{document.where(('labels', number))}: label {label.code}: code: stands twice")
        labels[label.code] = label
    return labels


def _entries(document: Document) -> list[Any]:
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("labels"), list) or not data["labels"]:
        raise LabelsError(f"{document.path}: labels: expected a list of labels")
    entries: list[Any] = data["labels"]
    return entries


def _label(raw: Any, document: Document, number: int) -> Label:
    try:
        return _LABEL.validate_python(raw)
    except ValidationError as error:
        problems = error.errors()
        named = raw["code"] if isinstance(raw, dict) and "code" in raw else f"number {number + 1}"
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in problems)
        where = document.where(("labels", number, *problems[0]["loc"]))
        raise LabelsError(f"{where}: label {named}: {told}") from error
