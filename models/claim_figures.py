"""How well claims are found in labelled lines, by one finder or by both together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from models import scores
from models.classifier import ClaimClassifier
from models.doubt import doubt
from models.labelled import Line
from models.lexicon import Lexicon
from models.results import Found, Text
from models.scores import Hits
from models.tables import share, table
from models.together import together


class Answer(NamedTuple):
    """What one finder says of a line: the labels found, the span of each, and every label's score if it has one."""

    found: Mapping[str, tuple[int, int]]
    scores: Mapping[str, float] = {}


Finder = Callable[[Sequence[Line]], list[Answer]]
"""Asks about all lines at once, as a batch of utterances is."""

Rows = Sequence[tuple[Line, Answer]]


def finders(lexicon: Lexicon, classifier: ClaimClassifier | None = None) -> dict[str, Finder]:
    """Each finder there is, by name; with a classifier also it and both together, as the worker joins them."""

    def rules(data: Sequence[Line]) -> list[Answer]:
        return [Answer(_best(_by_rules(lexicon, line))) for line in data]

    if classifier is None:
        return {"rules": rules}

    def learnt(data: Sequence[Line]) -> list[Answer]:
        texts = [_text(line) for line in data]
        scores = [dict(zip(classifier.labels, row, strict=True)) for row in classifier.scores(texts).tolist()]
        return [Answer(_best(one), of) for one, of in zip(classifier.predict(texts), scores, strict=True)]

    def both(data: Sequence[Line]) -> list[Answer]:
        judged = classifier.judge([_text(line) for line in data])
        pairs = zip(data, judged, strict=True)
        return [Answer(_best(together(_by_rules(lexicon, line), one))) for line, one in pairs]

    return {"rules": rules, "classifier": learnt, "both": both}


def _text(line: Line) -> Text:
    unsure = 0.0 if line.avg_logprob is None else doubt(line.avg_logprob)
    return Text(text=line.text, before=line.before, language=line.lang, doubt=unsure)


def _by_rules(lexicon: Lexicon, line: Line) -> list[Found]:
    return [found for found in lexicon.find(line.text, line.lang) if found.score >= found.threshold]


def _best(found: Iterable[Found]) -> dict[str, tuple[int, int]]:
    """The span of the surest place of each label."""
    return {one.label: (one.start, one.end) for one in sorted(found, key=lambda one: one.score)}


def measure_claims(data: Sequence[Line], finder: Finder, in_text: Sequence[str]) -> dict[str, Any]:
    """Figures of one finder for ``all`` lines and for each language; macro means over the labels ``in_text``."""
    rows = list(zip(data, finder(data), strict=True))
    figures = {"all": _claim_figures(rows, in_text)}
    for language in ("zh", "en"):
        if mine := [row for row in rows if row[0].lang == language]:
            figures[language] = _claim_figures(mine, in_text)
    for language, of in figures.items():
        of["evasion"] = _evasion([line for line in data if language in ("all", line.lang)], finder)
    return figures


def through_speech(figures: dict[str, Any], data: Sequence[Line], finder: Finder, in_text: Sequence[str]) -> None:
    """Add to each language's figures those of its lines once spoken and heard, and how much macro F1 that costs.

    Compared are the ``data`` that were heard, with what they were: lines of the same ids.
    """
    for language, of in measure_claims(data, finder, in_text).items():
        lost = figures[language]["macro"]["f1"] - of["macro"]["f1"]
        figures[language]["through_speech"] = of | {"macro_f1_lost": lost}


def _evasion(data: Sequence[Line], finder: Finder) -> dict[str, float] | None:
    """Recall on disguised lines, on the same lines without the disguise, and the one as a share of the other."""
    disguised = [line for line in data if line.plain]
    if not disguised:
        return None
    plain = [line.model_copy(update={"text": line.plain}) for line in disguised]
    as_is, bare = (_recall(list(zip(of, finder(of), strict=True))) for of in (disguised, plain))
    return {"lines": len(disguised), "recall": as_is, "plain": bare, "share": as_is / bare if bare else 0.0}


def _claim_figures(rows: Rows, in_text: Sequence[str]) -> dict[str, Any]:
    pairs = [(line.labels, set(answer.found)) for line, answer in rows]
    labels = sorted({label for true, found in pairs for label in (*true, *found)})
    by_label = {label: scores.count(label, pairs) for label in labels}
    averaged = {label: hits for label, hits in by_label.items() if label in in_text}
    return {
        "lines": len(rows),
        "macro": _mean(list(averaged.values())),
        "macro_f1_interval": bootstrap(pairs, list(averaged)),
        "micro": _figures(scores.total(by_label.values())),
        "labels": {label: _figures(hits) | asdict(hits) for label, hits in by_label.items()},
        "false_alarms": dict(_by_kind(rows, _false_alarm_share)),
        "recall_by_kind": dict(_by_kind([row for row in rows if row[0].labels], _recall)),
        "spans": span_overlap(rows),
        "calibration_error": calibration_error(rows),
        "confused": confused(pairs),
    }


def _figures(hits: Hits) -> dict[str, float]:
    return {"precision": hits.precision, "recall": hits.recall, "f1": hits.f1}


def _mean(hits: Sequence[Hits]) -> dict[str, float]:
    """The mean over labels that are true of a line or were found in one; the others have nothing to tell."""
    each = [_figures(one) for one in hits]
    return {name: sum(one[name] for one in each) / max(len(each), 1) for name in ("precision", "recall", "f1")}


def bootstrap(pairs: Sequence[tuple[Set[str], Set[str]]], labels: Sequence[str], draws: int = 1000) -> list[float]:
    """Between what bounds macro F1 lies for 95 of 100 sets of as many lines, drawn from these with return."""
    true = np.array([[label in one for label in labels] for one, _ in pairs], float).reshape(len(pairs), len(labels))
    found = np.array([[label in one for label in labels] for _, one in pairs], float).reshape(true.shape)
    if not true.size:
        return [0.0, 0.0]
    drawn = np.random.default_rng(0).multinomial(len(pairs), np.full(len(pairs), 1 / len(pairs)), size=draws)
    right, either = drawn @ (true * found), drawn @ (true + found)
    known = either > 0
    f1 = np.where(known, 2 * right / np.maximum(either, 1), 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return [round(float(bound), 4) for bound in np.quantile(f1, (0.025, 0.975))]


def span_overlap(rows: Rows) -> dict[str, float] | None:
    """Of the claims rightly found: the share of their labelled characters covered, and intersection over union."""
    wanted: list[tuple[set[int], set[int]]] = []
    for line, answer in rows:
        for label, (start, end) in answer.found.items():
            true = {at for first, last, of in line.spans if of == label for at in range(first, last)}
            if true:
                wanted.append((true, set(range(start, end))))
    if not wanted:
        return None
    common = [len(true & found) for true, found in wanted]
    return {
        "claims": len(wanted),
        "covered": sum(common) / sum(len(true) for true, _ in wanted),
        "iou": sum(n / len(true | found) for n, (true, found) in zip(common, wanted, strict=True)) / len(wanted),
    }


def calibration_error(rows: Rows, bins: int = 10) -> float | None:
    """How far scores are from how often they are right: the mean over equal bins of the scores from 0.05 up.

    Nearly all scores of a line are next to nothing and right to be so; they would hide the others.
    """
    pairs = [(score, label in line.labels) for line, answer in rows for label, score in answer.scores.items()]
    told = np.array([pair for pair in pairs if pair[0] >= 0.05], float)
    if not len(told):
        return None
    bin_of = np.minimum((told[:, 0] * bins).astype(int), bins - 1)
    gaps = [abs((told[bin_of == one, 0] - told[bin_of == one, 1]).sum()) for one in range(bins)]
    return float(sum(gaps) / len(told))


def confused(pairs: Sequence[tuple[Set[str], Set[str]]], most: int = 10) -> list[list[Any]]:
    """[true label or none, wrongly found label, times], where most is wrong: what missed aims come from."""
    counts = Counter(
        (missed, wrong) for true, found in pairs for wrong in found - true for missed in (true - found or {"none"})
    )
    return [[missed, wrong, times] for (missed, wrong), times in sorted(counts.items(), key=lambda x: (-x[1], x[0]))][
        :most
    ]


def _by_kind(rows: Rows, measure: Callable[[Rows], float]) -> Iterator[tuple[str, float]]:
    for kind in sorted({line.kind for line, _ in rows}):
        yield kind, measure([row for row in rows if row[0].kind == kind])


def _false_alarm_share(rows: Rows) -> float:
    """The share of lines with a label found that is not theirs."""
    return sum(bool(set(answer.found) - line.labels) for line, answer in rows) / len(rows)


def _recall(rows: Rows) -> float:
    """Of all true labels of these lines, the share that was found."""
    hit = sum(len(line.labels & set(answer.found)) for line, answer in rows)
    return hit / sum(len(line.labels) for line, _ in rows)


def claims_table(figures: Mapping[str, Any]) -> str:
    """For each finder and language the means and false alarms, then every label over all lines."""
    parts = []
    for finder, by_language in figures.items():
        rows = [
            [f"{finder} {language}", *_triples(one["macro"]), *_triples(one["micro"]), _kinds(one["false_alarms"])]
            for language, one in by_language.items()
        ]
        head = ["", *(f"{mean} {x}" for mean in ("macro", "micro") for x in ("P", "R", "F1")), "false alarms"]
        parts.append(table(head, rows))
        labels = by_language["all"]["labels"].items()
        each = [[label, *_triples(one), *(str(one[x]) for x in ("right", "wrong", "missed"))] for label, one in labels]
        parts.append(table(["", "P", "R", "F1", "right", "wrong", "missed"], each))
    return "\n\n".join(parts)


def _triples(one: Mapping[str, float]) -> list[str]:
    return [share(one[name]) for name in ("precision", "recall", "f1")]


def _kinds(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {share(of)}" for kind, of in shares.items())
