"""model.json: what a claim classifier says of itself, read and checked before its weights are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE = "model.json"
Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
Share = Annotated[float, Field(gt=0, le=1)]
Scores = NDArray[np.float64]


class ClassifierError(ValueError):
    """The folder is no classifier that can be used; the message names it and says what is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """From raw margins to probabilities in one language, and what each label's must reach.

    All arrays have one number per label: score = 1 / (1 + exp(-(slope * margin + shift))). ``heard`` are the
    thresholds of words that were doubtfully heard.
    """

    slopes: Scores
    shifts: Scores
    thresholds: Scores
    heard: Scores

    def scores(self, margins: Scores) -> Scores:
        """Calibrated probabilities of margins [texts, labels]."""
        scaled = np.clip(margins * self.slopes + self.shifts, -30, 30)
        probabilities: Scores = 1 / (1 + np.exp(-scaled))
        return probabilities

    def needed(self, doubt: float) -> Scores:
        """What each label's score must reach, between ``thresholds`` (doubt 0) and ``heard`` (doubt 1)."""
        return self.thresholds + doubt * (self.heard - self.thresholds)


class Manifest(BaseModel):
    """The contents of model.json. More keys may stand in it; they are for people.

    ``heard`` are the thresholds for words doubtfully heard, ``veto`` the score under which the classifier
    overrules a rule (see models/together.py). A folder without them treats heard words as written ones and
    overrules nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    kind: Literal["linear", "transformer", "averaged"]
    labels: tuple[str, ...] = Field(min_length=1)
    thresholds: dict[Language, dict[str, Share]]
    calibration: dict[Language, dict[str, tuple[Annotated[float, Field(gt=0)], float]]]
    files: dict[str, str]
    parts: tuple[str, ...] = ()
    heard: dict[Language, dict[str, Share]] = {}
    veto: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _is_whole(self) -> Manifest:
        for language in LANGUAGES:
            _has_all(self.labels, self.thresholds.get(language, {}), f"thresholds: {language}")
            _has_all(self.labels, self.calibration.get(language, {}), f"calibration: {language}")
            if self.heard:
                _has_all(self.labels, self.heard.get(language, {}), f"heard: {language}")
        return self

    @property
    def version(self) -> str:
        """A name that changes with the weights, the calibration and the thresholds."""
        told = self.model_dump_json().encode()
        return f"{self.kind}-{hashlib.sha256(told).hexdigest()[:12]}"

    def scale(self, language: Language) -> Scale:
        """Calibration and thresholds of a language, in the order of the labels."""
        pairs = np.array([self.calibration[language][label] for label in self.labels], np.float64)
        written, heard = self.thresholds[language], self.heard.get(language, self.thresholds[language])
        thresholds, doubted = (np.array([of[label] for label in self.labels], np.float64) for of in (written, heard))
        return Scale(pairs[:, 0], pairs[:, 1], thresholds, np.maximum(thresholds, doubted))


def read_manifest(folder: Path, labels: Collection[str]) -> Manifest:
    """model.json of a folder whose files are as it says. Raises ClassifierError.

    ``labels`` are those of the taxonomy that text can show; a model of others is refused.
    """
    try:
        manifest = Manifest.model_validate(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except OSError as error:
        raise ClassifierError(f"{folder}: no classifier: {FILE}: {error.strerror}") from error
    except ValidationError as error:
        raise ClassifierError(f"{folder / FILE}: {_told(error)}") from error
    except ValueError as error:
        raise ClassifierError(f"{folder / FILE}: is no JSON: {error}") from error
    if unknown := sorted(set(manifest.labels) - set(labels)):
        raise ClassifierError(f"{folder / FILE}: labels: {', '.join(unknown)}: no label that text can show")
    for name, expected in manifest.files.items():
        _check(folder / name, expected)
    return manifest


def write_manifest(folder: Path, told: Mapping[str, Any], files: Collection[str]) -> Manifest:
    """Write model.json beside the ``files`` of the folder, whose hashes it holds."""
    hashes = {name: sha256(folder / name) for name in sorted(files)}
    manifest = Manifest.model_validate({**told, "files": hashes})
    text = json.dumps({**told, "files": hashes}, ensure_ascii=False, indent=1)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    return manifest


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_all(labels: Collection[str], of: Collection[str], where: str) -> None:
    if missing := sorted(set(labels) - set(of)):
        raise ValueError(f"{where}: none for {', '.join(missing)}")


def _check(path: Path, expected: str) -> None:
    try:
        found = sha256(path)
    except OSError as error:
        raise ClassifierError(f"{path}: {error.strerror}") from error
    if found != expected:
        raise ClassifierError(f"{path}: is not the file that {FILE} was written for (sha256 {found[:12]})")


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    what = first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
