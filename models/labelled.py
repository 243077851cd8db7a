"""Labelled lines of models/data/claims: a text, the labels true of it, and where the words stand."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError


class BadData(Exception):
    """The data cannot be used; the message names the file and what is wrong."""


class Line(BaseModel):
    """A written line and its true labels; docs/labelling.md tells of the kinds.

    ``spans`` are [start, end, label] in code points; ``near`` are labels that an allowed line resembles;
    ``plain`` is an evasion without its disguise; lines of one ``group`` were written together and never stand
    in two splits. A line that was spoken and heard has ``avg_logprob``, the mean log-probability of its tokens.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    text: str
    lang: str
    labels: frozenset[str] = frozenset()
    kind: str
    category: str = "other"
    before: tuple[str, ...] = ()
    spans: tuple[tuple[int, int, str], ...] = ()
    near: frozenset[str] = frozenset()
    group: str = ""
    plain: str = ""
    avg_logprob: float | None = None


def lines(path: Path) -> list[Line]:
    """The lines of a JSON-lines file. Raises BadData naming the line that cannot be read."""
    found = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            found.append(Line.model_validate_json(raw))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "line"
            raise BadData(f"{path}:{number}: {where}: {first['msg']}") from error
    if not found:
        raise BadData(f"{path}: holds no lines")
    return found
