"""Spoken facts and decisions against a file of utterance and listing pairs.

    python -m tests.benchmarks.listings --data FILE [--wrong N]

A line is ``{"id", "lang", "text", "listing", "facts": [{"field", "value", "words"}], "decisions": [{"field", "outcome",
"label"}]}``. A pair is exact where its facts are those expected: the same fields and values (numbers within half a
per cent, words without spaces and case), no more and no fewer; and where its decisions are. ``--wrong`` prints that
many pairs that are not.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from models.facts import spoken_facts
from models.materials import digits
from models.results import SpokenFact
from worker.listings import LABELS, Outcome, against
from worker.records import Listing

CLOSE = 0.005


def same_value(said: Any, wanted: Any) -> bool:
    """Numbers close by, sizes by number and unit, words without spaces, case and spoken digits."""
    if isinstance(said, int | float) and isinstance(wanted, int | float):
        return abs(said - wanted) <= CLOSE * max(abs(said), abs(wanted))
    one, other = (re.fullmatch(r"([\d.]+) ?(mm|ml)", str(value)) for value in (said, wanted))
    if one and other:
        return one[2] == other[2] and same_value(float(one[1]), float(other[1]))
    return plain(said) == plain(wanted)


def plain(value: Any) -> str:
    return re.sub(r"[\s的]", "", digits(str(value))).lower()


def missing(
    found: Iterable[SpokenFact], wanted: Iterable[dict[str, Any]]
) -> tuple[list[SpokenFact], list[dict[str, Any]]]:
    """The facts that were found and not wanted, and those wanted and not found."""
    extra, left = list(found), []
    for one in wanted:
        match = next((f for f in extra if f.field == one["field"] and same_value(f.value, one["value"])), None)
        if match is None:
            left.append(one)
        else:
            extra.remove(match)
    return extra, left


def decided(found: Sequence[SpokenFact], listing: Listing) -> Counter[tuple[str, str, str | None]]:
    compared = against(found, [listing])
    return Counter(
        (c.fact.field, str(c.outcome), LABELS[c.fact.field] if c.outcome is Outcome.CONTRADICTS else None)
        for c in compared
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--wrong", type=int, default=0)
    options = parser.parse_args()
    shown, out = 0, Console()
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("all", "zh", "en")}
    for line in options.data.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        facts = spoken_facts(pair["text"], pair["lang"])
        extra, left = missing(facts, pair["facts"])
        wanted = Counter((d["field"], d["outcome"], d["label"]) for d in pair["decisions"])
        got = decided(facts, Listing.model_validate({"sku": "a", **pair["listing"]}))
        for name in ("all", pair["lang"]):
            count = counts[name]
            count["pairs"] += 1
            count["exact"] += not extra and not left
            count["facts"] += len(pair["facts"])
            count["found"] += len(pair["facts"]) - len(left)
            count["extra"] += len(extra)
            count["decisions"] += wanted.total()
            count["right"] += (wanted & got).total()
            count["decided"] += wanted == got
            count["against"] += sum(n for key, n in (got - wanted).items() if key[1] == "contradicts")
        if (extra or left or wanted != got) and shown < options.wrong:
            shown += 1
            out.print(f"{pair['id']} {pair['text']}", markup=False)
            out.print(
                f"  extra {[(f.field, f.value) for f in extra]} missing {left} decisions {dict(got - wanted)}",
                markup=False,
            )
    out.print(table(counts))


def table(counts: dict[str, Counter[str]]) -> Table:
    made = Table(title="Spoken facts against the listing")
    for name in ("", "pairs", "facts exact", "facts found", "facts too many", "decisions of a pair", "decisions right",
                 "wrongly against"):  # fmt: skip
        made.add_column(name)
    for name, c in counts.items():
        if c["pairs"]:
            made.add_row(
                name, str(c["pairs"]), share(c["exact"], c["pairs"]), share(c["found"], c["facts"]), str(c["extra"]),
                share(c["decided"], c["pairs"]), share(c["right"], c["decisions"]), str(c["against"]),
            )  # fmt: skip
    return made


def share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


if __name__ == "__main__":
    main()
