"""Why something was found, or was not: explain."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from worker import compose, console, logs
from worker.commands.local import local_run
from worker.commands.options import ConfigFile, Spoken
from worker.config import load_config
from worker.explaining import Decision, Explanation, Parts, Seen, checked, explain
from worker.listings import read_listings
from worker.local import NoSpeech
from worker.plain import plain_errors
from worker.records import AuthorRole, LiveText, TextKind

_MOST_SCORES = 5
_STREAM = "explained"


class As(StrEnum):
    TABLE = "table"
    JSON = "json"


def explain_command(
    text: Annotated[str, typer.Option("--text", metavar="T", help="What a host says, in any wording.")],
    language: Spoken = None,
    listing: Annotated[
        Path | None,
        typer.Option("--listing", metavar="FILE", help="The shop's listing: JSON, one object or an array."),
    ] = None,
    config: ConfigFile = None,
    output: Annotated[As, typer.Option("--format", help="Tables to read, or one JSON object.")] = As.TABLE,
) -> None:
    """Show what each finder sees in a sentence of a host, and what becomes of it.

    First the text as the rules see it, after the normaliser. Then each finder alone: the rules that fire, with the
    words they found and the score they must reach; the classifier's surest labels beside their thresholds (all of
    them with --format json); the facts that were said of the goods, each against the listing; the cues that count
    towards claims over several sentences. Last what the service makes of it by the policy in force: which labels are
    flagged, in shadow (counted only) or dropped, and why, and whether the host is reminded at once.

    Nothing is published. Try an edit of rules or policy with it before workers see it.

    \b
    Examples:
      pinocchio explain --text "全网最低价，加我薇信"
      pinocchio explain --text "今天只要九十九块" --listing listing.json
      pinocchio explain --text "this cures diabetes" --config pinocchio.yaml --format json
    """
    with plain_errors():
        logs.configure(logging.ERROR)
        checked(text)
        settings, listings = load_config(config), read_listings(listing) if listing else ()
        book, watch = compose.load_rulebook(settings), compose.load_watch(settings)
        run = local_run(settings, book, NoSpeech(), time.time)
        found = explain(said(text, language), listings, Parts(book, watch, run, settings.detection.jurisdiction))
        if output is As.JSON:
            print(json.dumps(asdict(found), ensure_ascii=False))
        else:
            show(found, console.console(sys.stdout))


def said(text: str, language: str | None) -> LiveText:
    """A sentence as a line that a host writes now."""
    return LiveText(
        text_id=_STREAM,
        stream_id=_STREAM,
        streamer_id="host",
        kind=TextKind.CHAT,
        author_role=AuthorRole.HOST,
        text=text,
        sent_at=datetime.now(UTC),
        language=language,
    )


def show(found: Explanation, out: Console) -> None:
    """An explanation as tables; of what is not there, a line that says so."""
    _line(out, f"text        {found.text}")
    _line(out, f"language    {found.language}")
    _line(out, f"normalised  {found.normalised}")
    rules = [
        (one.rule_id, one.label, one.words, _of(one.score, one.threshold), "on trial" if one.on_trial else "")
        for one in found.rules
    ]
    _table(out, "Rules", ("rule", "label", "words", "score of threshold", ""), rules)
    surest = [one for n, one in enumerate(found.classifier) if n < _MOST_SCORES or one.score >= one.threshold]
    scores = [(one.label, _of(one.score, one.threshold), _found(one.score, one.threshold)) for one in surest]
    _table(out, "Classifier, the surest", ("label", "score of threshold", ""), scores)
    facts = [(one.what, one.words, _plain(one.value), _plain(one.listed), _outcome(one)) for one in found.facts]
    _table(out, "Facts and the listing", ("field", "words", "said", "listed", "outcome"), facts)
    _table(out, "Cues of sequences", ("cue", "words"), [(one.what, one.words) for one in found.cues])
    columns = ("label", "tier", "mode", "becomes", "by", "words", "reminder", "law and rule", "advice")
    _table(out, "What becomes of it", columns, [_decided(one) for one in found.decisions])
    _line(out, "versions    " + ", ".join(f"{name} {version or 'none'}" for name, version in found.versions.items()))


def _table(out: Console, title: str, columns: Iterable[str], lines: Sequence[tuple[str, ...]]) -> None:
    if lines:
        out.print(console.rows(title, columns, lines))
    else:
        _line(out, f"{title}: nothing")


def _line(out: Console, line: str) -> None:
    out.print(Text(line), soft_wrap=True)


def _decided(one: Decision) -> tuple[str, ...]:
    becomes = one.told + (f": {one.why}" if one.why else "")
    told = (one.notice, one.advice) if one.told == "flag" else ("", "")
    return f"{one.label}\n{one.name}", one.tier, one.mode, becomes, one.finder, one.words, one.reminder, *told


def _outcome(one: Seen) -> str:
    return f"{one.outcome}: {one.label}" if one.label else one.outcome


def _of(score: float, threshold: float) -> str:
    return f"{score:.2f} of {threshold:.2f}"


def _found(score: float, threshold: float) -> str:
    return "found" if score >= threshold else ""


def _plain(value: object) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
