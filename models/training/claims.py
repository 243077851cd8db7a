"""Trains the claim classifier: weights, calibration, thresholds, and a report of what they bring.

    python -m models.training.claims --out models/weights/claims
    python -m models.training.claims --out runs/claims --base hfl/chinese-roberta-wwm-ext [--device cuda]
    python -m models.training.claims --out runs/both --average models/weights/claims --average runs/claims

Without --base the linear model is trained, on numpy and scikit-learn; with it, any encoder that transformers
knows by name or folder. Lines come from --data: train.jsonl, validation.jsonl, ordinary.jsonl (everyday talk) and
heard.jsonl (what the recogniser made of some of them); the test split is never read.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.model_selection import GroupKFold  # type: ignore[import-untyped]

from models.classifier import ClaimClassifier
from models.labelled import BadData, Line
from models.labels import LabelsError, load_labels
from models.manifest import LANGUAGES, ClassifierError, Scores, write_manifest
from models.ngrams import script_of
from models.training import ngram_model
from models.training.calibrate import Aims, HeldOut, figures, named, platt, thresholds, trade_off, truth_of
from models.training.material import Material, as_heard, hashes, load, ways
from models.training.ngram_model import Settings, text_of

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "models" / "data" / "claims"
LABELS = ROOT / "configs" / "labels.yaml"
VARIANTS = ROOT / "configs" / "lexicon" / "variants.yaml"

VETO = 0.02
"""Under this score the classifier overrules a rule. On the validation split four in five of the rules' claims that it
drops are wrong."""

SUREST = 0.9
"""What doubtfully heard words must score in a language of which no line was heard well enough to tell."""

_FOLDS = 4


class Model(Protocol):
    """What was learnt: margins [lines, labels] of lines."""

    def margins(self, lines: Sequence[Line]) -> Scores: ...


class Learner(NamedTuple):
    """A way to learn: what to call it, how, how many folds give margins on training lines, how it is written."""

    kind: str
    learn: Callable[[Sequence[Line]], Model]
    save: Callable[[Model, Path], list[str]]
    settings: dict[str, Any]
    folds: int = 0
    parts: tuple[str, ...] = ()


def train(learner: Learner, material: Material, labels: Sequence[str], aims: Aims, out: Path) -> dict[str, Any]:
    """Learn, calibrate, choose thresholds, and write the folder but for model.json, whose contents come back."""
    began = time.perf_counter()
    held = _held_out(learner, material)
    model = learner.learn([*material.train, *as_heard(material.train, material.heard)])
    asked = ways(material.validation, material.heard)
    validation = _Margins(asked, model.margins(asked))
    told: dict[str, Any] = {"kind": learner.kind, "labels": list(labels), "parts": list(learner.parts)}
    told |= {"veto": VETO, "thresholds": {}, "heard": {}, "calibration": {}, "report": {"seconds": None}}
    for language in LANGUAGES:
        for part, value in _settled(held.of(language), validation.of(language), labels, aims).items():
            told[part][language] = value
    out.mkdir(parents=True, exist_ok=True)
    told["files"] = learner.save(model, out)
    told["settings"] = learner.settings | {"aims": aims._asdict()}
    told["report"]["seconds"] = round(time.perf_counter() - began)
    return told


def _settled(held: _Margins, unseen: _Margins, labels: Sequence[str], aims: Aims) -> dict[str, Any]:
    """Calibration, thresholds for written and for heard words, and the report, of one language.

    Few misheard lines touch any one label, so that none of these thresholds is believed below the middle of all.
    """
    known = held.written()
    curves = platt((known if known.lines else unseen.written()).held_out(labels))
    folds, shown = known.calibrated(curves, labels), unseen.written().calibrated(curves, labels)
    limits = thresholds(_joined(folds, shown), aims)
    heard = [one.heard().calibrated(curves, labels) for one in (held, unseen)]
    surest = thresholds(_joined(*heard), aims.when_heard) if heard[1].lines else np.full(len(labels), SUREST)
    doubted = np.maximum.reduce([limits, surest, np.full(len(labels), np.median(surest))])
    report = _report(folds, shown, limits)
    if heard[1].lines:
        report["validation_heard"] = figures(heard[1], doubted)
    return {
        "thresholds": named(labels, list(limits)),
        "heard": named(labels, list(doubted)),
        "calibration": {
            label: [round(slope, 5), round(shift, 5)] for label, (slope, shift) in zip(labels, curves, strict=True)
        },
        "report": report,
    }


class _Margins(NamedTuple):
    lines: list[Line]
    margins: Scores

    def of(self, language: str) -> _Margins:
        return self._where(lambda line: script_of(text_of(line)) == language)

    def written(self) -> _Margins:
        return self._where(lambda line: line.avg_logprob is None)

    def heard(self) -> _Margins:
        return self._where(lambda line: line.avg_logprob is not None)

    def _where(self, keep: Callable[[Line], bool]) -> _Margins:
        rows = [row for row, line in enumerate(self.lines) if keep(line)]
        return _Margins([self.lines[row] for row in rows], self.margins[rows])

    def held_out(self, labels: Sequence[str]) -> HeldOut:
        return HeldOut(self.lines, truth_of(self.lines, labels).reshape(len(self.lines), len(labels)), self.margins)

    def calibrated(self, curves: Sequence[tuple[float, float]], labels: Sequence[str]) -> HeldOut:
        slopes, shifts = np.array(curves).T
        margins = self.margins.reshape(len(self.lines), len(labels))
        scores = 1 / (1 + np.exp(-np.clip(margins * slopes + shifts, -30, 30)))
        return self.held_out(labels)._replace(values=scores)


def _held_out(learner: Learner, material: Material) -> _Margins:
    """The margins of training lines by models that never saw a line of their group."""
    margins: list[Scores] = []
    asked: list[Line] = []
    known = material.train
    if learner.folds:
        groups = [line.group for line in known]
        for seen, unseen in GroupKFold(learner.folds).split(known, groups=groups):
            rows = [known[row] for row in seen]
            model = learner.learn([*rows, *as_heard(rows, material.heard)])
            fold = ways([known[row] for row in unseen], material.heard)
            margins.append(model.margins(fold))
            asked += fold
            print(f"a fold of {len(unseen)} lines", file=sys.stderr, flush=True)
    return _Margins(asked, np.concatenate(margins) if margins else np.zeros((0, 1)))


def _joined(one: HeldOut, other: HeldOut) -> HeldOut:
    if not one.lines or not other.lines:
        return one if one.lines else other
    return HeldOut(
        [*one.lines, *other.lines],
        np.concatenate([one.truth, other.truth]),
        np.concatenate([one.values, other.values]),
    )


def _report(known: HeldOut, unseen: HeldOut, limits: Scores) -> dict[str, Any]:
    told: dict[str, Any] = {"validation": figures(unseen, limits)}
    if known.lines:
        told["folds"] = figures(known, limits)
    told["trade_off"] = list(trade_off(_joined(known, unseen), unseen))
    return told


def _linear(labels: Sequence[str], settings: Settings) -> Learner:
    return Learner(
        "linear",
        lambda known: ngram_model.train(known, labels, VARIANTS, settings),
        lambda model, folder: model.save(folder, VARIANTS),  # type: ignore[attr-defined]
        asdict(settings),
        folds=_FOLDS,
    )


def _encoder(labels: Sequence[str], options: argparse.Namespace) -> Learner:
    from models.training import encoder  # torch and transformers, which the linear model does without

    settings = encoder.Settings(
        base=options.base, epochs=options.epochs, rate=options.rate, batch=options.batch, device=options.device
    )
    return Learner(
        "transformer",
        lambda known: encoder.train(known, labels, settings),
        lambda model, folder: model.save(folder),  # type: ignore[attr-defined]
        asdict(settings),
    )


class _Mean(NamedTuple):
    """Trained classifiers, side by side."""

    parts: Sequence[ClaimClassifier]

    def margins(self, lines: Sequence[Line]) -> Scores:
        each = [part.scores([text_of(line) for line in lines]) for part in self.parts]
        odds: Scores = np.mean([np.log(one) - np.log1p(-one) for one in each], axis=0)
        return odds


def _average(labels: Sequence[str], folders: Sequence[Path]) -> Learner:
    parts = [ClaimClassifier.load(folder, labels) for folder in folders]
    names = tuple(f"{number}-{folder.name}" for number, folder in enumerate(folders))

    def save(_: Model, out: Path) -> list[str]:
        for name, folder in zip(names, folders, strict=True):
            shutil.copytree(folder, out / name, dirs_exist_ok=True)
        return [f"{name}/model.json" for name in names]

    return Learner("averaged", lambda _: _Mean(parts), save, {"of": [part.version for part in parts]}, parts=names)


def _learner(options: argparse.Namespace, labels: Sequence[str]) -> Learner:
    if options.average:
        return _average(labels, options.average)
    if options.base:
        return _encoder(labels, options)
    return _linear(labels, Settings(seed=options.seed))


def _run(options: argparse.Namespace) -> None:
    labels = [code for code, label in load_labels(LABELS).items() if label.in_text]
    material = load(options.data)
    aims = Aims(options.near_miss, options.ordinary)
    told = train(_learner(options, labels), material, labels, aims, options.out)
    files = told.pop("files")
    told |= {
        "made": datetime.now(UTC).date().isoformat(),
        "command": shlex.join(["python", "-m", "models.training.claims", *options.given]),
        "data": hashes(options.data),
        "versions": {name: version(name) for name in ("numpy", "scikit-learn")},
    }
    write_manifest(options.out, told, files)
    ClaimClassifier.load(options.out, labels)
    for language in LANGUAGES:
        print(language, told["report"][language]["validation"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of train.jsonl and validation.jsonl")
    parser.add_argument("--base", help="an encoder to fine-tune: a folder, or a name that transformers knows")
    parser.add_argument("--average", type=Path, action="append", help="a trained folder; given twice, their mean")
    parser.add_argument("--near-miss", type=float, default=0.05, help="largest share of allowed lines flagged")
    parser.add_argument("--ordinary", type=float, default=0.01, help="largest share of ordinary lines flagged")
    parser.add_argument("--epochs", type=int, default=6, help="of an encoder")
    parser.add_argument("--rate", type=float, default=3e-5, help="learning rate of an encoder")
    parser.add_argument("--batch", type=int, default=32, help="lines of a step of an encoder")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="for an encoder")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: failed, with one line on standard error; 2: wrong usage."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    options.given = given
    try:
        _run(options)
    except (BadData, ClassifierError, LabelsError, OSError, UnicodeDecodeError) as error:
        print(f"models.training.claims: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
