"""Figures in columns, for people."""

from __future__ import annotations

from collections.abc import Sequence


def share(value: float | None) -> str:
    """Three places; nothing for None."""
    return "" if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join("  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows))
