"""What becomes of a claim, label by label: told, only counted or dropped; from which score on, and when to the host.

Read from a YAML file that people edit while the worker runs, see configs/policy.yaml.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.labels import Label
from models.yaml_files import Document, YamlError, read_yaml

Share = Annotated[float, Field(gt=0, le=1)]


class PolicyError(ValueError):
    """The policy cannot be used; the message names file, line and key."""


class Mode(StrEnum):
    """``live``: in Flags; ``shadow``: on moderation.shadow and in metrics only; ``off``: nowhere."""

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


class Treatment(BaseModel):
    """How the claims of a label are treated.

    A claim needs the score ``rule`` or ``classifier`` of whoever finds it (null: the classifier's own threshold);
    with ``remind`` and more, what the words alone decide is told to the host at once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Mode = Mode.LIVE
    rule: Share = 0.5
    classifier: Share | None = None
    remind: Share = 0.85

    @field_validator("mode", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        """YAML reads a bare ``off`` as false."""
        return Mode.OFF if value is False else value


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    defaults: dict[str, Any] = {}
    labels: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Policy:
    """The treatment of every label. ``version`` changes with it, and with what the labels file says."""

    labels: Mapping[str, Treatment] = field(default_factory=dict)
    defaults: Treatment = Treatment()
    version: str = "defaults"

    def of(self, label: str) -> Treatment:
        return self.labels.get(label, self.defaults)

    def thresholds(self) -> dict[str, float]:
        """The scores that the classifier must reach, for the labels where it is not the classifier's own."""
        return {label: one.classifier for label, one in self.labels.items() if one.classifier is not None}


def load_policy(path: Path, labels: Mapping[str, Label]) -> Policy:
    """The policy of a file for the labels there are. Raises PolicyError, naming file, line and key."""
    try:
        document = read_yaml(path)
        file = _File.model_validate(document.data if document.data is not None else {})
    except YamlError as error:
        raise PolicyError(str(error)) from error
    except ValidationError as error:
        raise PolicyError(_told(error, document, ())) from error
    for code in file.labels:
        if code not in labels:
            raise PolicyError(f"{document.where(('labels', code))}: labels.{code}: there is no such label")
    defaults = _treatment(file.defaults, document, ("defaults",))
    treated = {
        code: _treatment({**file.defaults, **file.labels.get(code, {})}, document, ("labels", code)) for code in labels
    }
    return Policy(treated, defaults, _version(treated, labels))


def _treatment(values: Mapping[str, Any], document: Document, at: tuple[str, ...]) -> Treatment:
    try:
        return Treatment.model_validate(values)
    except ValidationError as error:
        raise PolicyError(_told(error, document, at)) from error


def _told(error: ValidationError, document: Document, at: tuple[str, ...]) -> str:
    problem = error.errors()[0]
    loc = (*at, *(part for part in problem["loc"] if isinstance(part, str | int)))
    what = "there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
    return f"{document.where(loc)}: {'.'.join(map(str, loc)) or 'policy'}: {what.replace('Input should', 'should')}"


def _version(treated: Mapping[str, Treatment], labels: Mapping[str, Label]) -> str:
    """A hash of all that decides what becomes of a claim, and what is told with it."""
    told = [[code, one.model_dump(mode="json"), asdict(labels[code])] for code, one in sorted(treated.items())]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
