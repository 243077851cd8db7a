"""The figures of the claim finders as one page that needs nothing but a browser: tables, and pictures in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_LANGUAGES = {"zh": "Mandarin", "en": "English"}
_COLOURS = {"rules": "#b8860b", "classifier": "#4a7fb5", "both": "#2e6b3e"}
_WIDTH, _NAMES, _ROW = 720, 200, 22
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}text{font:12px system-ui,sans-serif}
"""


def page(figures: Mapping[str, Mapping[str, Any]], title: str) -> str:
    """HTML of what ``measure_claims`` tells of each finder; ``title`` names the data."""
    name = escape(title)
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}</title><style>{_STYLE}</style>"]
    parts += [f"<h1>Claims found in {name}</h1>", _means(figures)]
    for language, spoken in _LANGUAGES.items():
        of = {finder: one[language] for finder, one in figures.items() if language in one}
        if of:
            parts += [f"<h2>{spoken}, F1 by label</h2>", _bars(of), _confused(of)]
    return "\n".join(parts) + "\n"


_COLUMNS = (
    "precision", "recall", "F1", "95 % interval", "near-misses flagged", "ordinary flagged", "recall: evasion",
    "of plain", "spans covered", "spans IoU", "calibration error", "F1 through speech",
)  # fmt: skip


def _means(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Macro means and false alarms, a row for each finder and language."""
    rows = [
        [f"{finder}, {_LANGUAGES.get(language, language)}", *_cells(one)]
        for finder, by_language in figures.items()
        for language, one in by_language.items()
    ]
    return _html_table(["", *_COLUMNS], rows)


def _cells(one: Mapping[str, Any]) -> Iterator[str]:
    macro, evasion, spans = one["macro"], one["evasion"] or {}, one["spans"] or {}
    yield from (_number(macro[name]) for name in ("precision", "recall", "f1"))
    yield " to ".join(_number(bound) for bound in one["macro_f1_interval"])
    yield from (_number(one["false_alarms"].get(kind)) for kind in ("near_miss", "clean"))
    yield from (_number(evasion.get(name)) for name in ("recall", "share"))
    yield from (_number(spans.get(name)) for name in ("covered", "iou"))
    yield _number(one["calibration_error"])
    yield _number(one.get("through_speech", {}).get("macro", {}).get("f1"))


def _bars(of: Mapping[str, Mapping[str, Any]]) -> str:
    """A bar for each label and finder, the best label of the last finder first."""
    last = list(of.values())[-1]["labels"]
    labels = sorted({label for one in of.values() for label in one["labels"]}, key=lambda x: (-_f1(last, x), x))
    height = _ROW * len(labels) + 40
    drawn = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="F1 by label">', *_grid(height)]
    for row, label in enumerate(labels):
        top = 24 + row * _ROW
        drawn.append(f'<text x="{_NAMES - 8}" y="{top + 13}" text-anchor="end">{escape(label)}</text>')
        drawn += _of_label(label, of, top)
    drawn += [
        f'<text x="{_NAMES + number * 110}" y="{height - 2}" fill="{_colour(finder)}">■ {escape(finder)}</text>'
        for number, finder in enumerate(of)
    ]
    return "".join([*drawn, "</svg>"])


def _of_label(label: str, of: Mapping[str, Mapping[str, Any]], top: int) -> Iterator[str]:
    thick = (_ROW - 4) / len(of)
    for number, (finder, one) in enumerate(of.items()):
        f1 = _f1(one["labels"], label)
        yield (
            f'<rect x="{_NAMES}" y="{top + number * thick:.1f}" width="{f1 * (_WIDTH - _NAMES - 40):.1f}" '
            f'height="{thick:.1f}" fill="{_colour(finder)}"><title>{escape(finder)} {f1:.3f}</title></rect>'
        )


def _grid(height: int) -> Iterator[str]:
    for tenth in range(0, 11, 2):
        x = _NAMES + tenth / 10 * (_WIDTH - _NAMES - 40)
        yield f'<line x1="{x:.0f}" y1="18" x2="{x:.0f}" y2="{height - 16}" stroke="#ddd"/>'
        yield f'<text x="{x:.0f}" y="12" text-anchor="middle" fill="#666">{tenth / 10:.1f}</text>'


def _colour(finder: str) -> str:
    return _COLOURS.get(finder, "#555")


def _f1(labels: Mapping[str, Any], label: str) -> float:
    return float(labels[label]["f1"]) if label in labels else 0.0


def _confused(of: Mapping[str, Mapping[str, Any]]) -> str:
    finder, one = list(of.items())[-1]
    rows = [[true, found, str(times)] for true, found, times in one["confused"]]
    return f"<h3>Most often wrong: {escape(finder)}</h3>" + _html_table(["true", "found", "times"], rows)


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return "<table>" + "\n".join([row(head, "th"), *(row(one, "td") for one in rows)]) + "</table>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
