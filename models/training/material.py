"""What the claim classifier learns from, and in which ways its lines are asked when it is measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models.labelled import BadData, Line, lines
from models.manifest import sha256
from models.training.augment import in_company

FILES = ("train.jsonl", "validation.jsonl")
ORDINARY = "ordinary.jsonl"
HEARD = "heard.jsonl"


class Heard(NamedTuple):
    """What the recogniser made of a line, and the mean log-probability of its tokens."""

    text: str
    avg_logprob: float


class Material(NamedTuple):
    """Lines to learn from and to validate on, and what was heard of some of them, by language and written text.

    Everyday talk stands in ``train``: no split of its own measures it.
    """

    train: list[Line]
    validation: list[Line]
    heard: Mapping[tuple[str, str], Heard]


def load(folder: Path) -> Material:
    """train.jsonl and validation.jsonl, with ordinary.jsonl and heard.jsonl where there are any. Raises BadData."""
    train, validation = (lines(folder / name) for name in FILES)
    everyday = lines(folder / ORDINARY) if (folder / ORDINARY).is_file() else []
    return Material([*train, *everyday], validation, _heard(folder / HEARD))


def hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """The hash and the number of lines of each file that ``load`` reads."""
    paths = [folder / name for name in (*FILES, ORDINARY, HEARD)]
    counted = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths if path.is_file()}
    return {path.name: {"sha256": sha256(path), "lines": count} for path, count in counted.items()}


def _heard(path: Path) -> dict[tuple[str, str], Heard]:
    if not path.is_file():
        return {}
    found = {}
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(raw)
            found[row["lang"], row["said"]] = Heard(str(row["text"]), float(row["avg_logprob"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadData(f"{path}:{number}: {error!r}") from error
    return found


BELIEVED = -1.0
"""Mean log-probability under which words are not believed (models.doubt.Gates): nothing can be learnt from them."""


def as_heard(of: Sequence[Line], heard: Mapping[tuple[str, str], Heard]) -> list[Line]:
    """Those of the lines that were spoken and heard well enough, as they were heard; nothing stands before them yet."""
    pairs = ((line, heard.get((line.lang, line.text))) for line in of if not line.before)
    return [
        line.model_copy(update={"text": one.text, "avg_logprob": one.avg_logprob, "spans": (), "before": ()})
        for line, one in pairs
        if one is not None and one.text.strip() and one.avg_logprob >= BELIEVED
    ]


def ways(of: Sequence[Line], heard: Mapping[tuple[str, str], Heard]) -> list[Line]:
    """Lines as they were written, again with others before them, as on air, and as they were heard, in company."""
    return [*of, *in_company(of, 1.0, seed=0), *in_company(as_heard(of, heard), 1.0, seed=0)]
