"""How well speech is recognised and claims are found.

    python -m models.evaluate speech --data DIR --json OUT [--speech-model M] [--absent FILE]
    python -m models.evaluate claims --data FILE.jsonl --json OUT [--heard FILE.jsonl] [--classifier FOLDER|none]

``speech`` hears every recording of a folder (wav, opus, flac) as the worker does, and compares with
NAME.truth.json or NAME.txt beside it. ``claims`` asks the finders about written lines and, with --heard, about
the same lines once spoken and recognised (``python -m models.training.heard`` makes them). Figures go to OUT
as JSON and to standard output as a table; those of claims also to a page with pictures beside OUT.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.asr import SpeechModelError, Transcriber
from models.audio import BadAudio
from models.claim_figures import claims_table, finders, measure_claims, through_speech
from models.classifier import ClaimClassifier, ClassifierError
from models.figures_page import page
from models.labelled import BadData, Line, lines
from models.labels import LabelsError, load_labels
from models.lexicon import Lexicon, LexiconError
from models.speech_figures import measure_speech, recordings, speech_table

ROOT = Path(__file__).parent.parent
SPEECH_MODEL = ROOT / "models" / "weights" / "speech"
CLASSIFIER = ROOT / "models" / "weights" / "claims"
NO_CLASSIFIER = "none"
LEXICON = ROOT / "configs" / "lexicon"
LABELS = ROOT / "configs" / "labels.yaml"


def _speech(options: argparse.Namespace) -> str:
    data = recordings(options.data)
    absent = options.absent.read_text(encoding="utf-8").split() if options.absent else []
    ear = Transcriber.load(options.speech_model, options.device, options.compute_type)
    figures = {"model": ear.name, **measure_speech(data, ear, absent)}
    _write(options.json, figures)
    return speech_table(figures)


def _claims(options: argparse.Namespace) -> str:
    labels = load_labels(options.labels)
    data = lines(options.data)
    if unknown := sorted({label for line in data for label in line.labels} - set(labels)):
        raise BadData(f"{options.data}: {', '.join(unknown)}: no label of {options.labels}")
    in_text = [code for code, label in labels.items() if label.in_text]
    classifier = ClaimClassifier.load(options.classifier, in_text) if options.classifier != NO_CLASSIFIER else None
    all_finders = finders(Lexicon.load(options.lexicon, labels), classifier)
    figures = {name: measure_claims(data, finder, in_text) for name, finder in all_finders.items()}
    if options.heard:
        heard = _heard_of(data, options.heard)
        for name, finder in all_finders.items():
            through_speech(figures[name], heard, finder, in_text)
    _write(options.json, figures)
    if options.json.is_file():
        options.json.with_suffix(".html").write_text(page(figures, options.data.name), encoding="utf-8")
    return claims_table(figures)


def _heard_of(data: Sequence[Line], path: Path) -> list[Line]:
    """The lines as they were heard. Raises BadData where one is of other data."""
    heard, known = lines(path), {line.id for line in data}
    if strangers := sorted({line.id for line in heard} - known):
        raise BadData(f"{path}: {strangers[0]}: no line of that id in --data")
    return heard


def _write(path: Path, figures: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    speech = commands.add_parser("speech", help="recognise recordings and compare with their texts")
    speech.set_defaults(run=_speech)
    speech.add_argument("--data", type=Path, required=True, help="folder of recordings and their texts")
    speech.add_argument("--speech-model", default=str(SPEECH_MODEL), help="folder or name (default: the shipped one)")
    speech.add_argument("--device", default="auto", help="cpu, cuda or auto")
    speech.add_argument("--compute-type", default="default", help="CTranslate2's, such as int8 or float16")
    speech.add_argument("--absent", type=Path, help="file of words, to count errors at these alone as well")
    claims = commands.add_parser("claims", help="ask the finders about written lines")
    claims.set_defaults(run=_claims)
    claims.add_argument("--data", type=Path, required=True, help="JSON lines")
    claims.add_argument("--heard", type=Path, help="the same lines as models.training.heard made them")
    claims.add_argument("--classifier", default=str(CLASSIFIER), help="its folder (default: the shipped one), or none")
    claims.add_argument("--lexicon", type=Path, default=LEXICON, help="folder of rules")
    claims.add_argument("--labels", type=Path, default=LABELS, help="file of labels")
    for command in (speech, claims):
        command.add_argument("--json", type=Path, required=True, help="file to write the figures to")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """0: done; 1: failed, with one line on standard error; 2: wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        print(options.run(options))
    except (
        BadData,
        BadAudio,
        SpeechModelError,
        LabelsError,
        LexiconError,
        ClassifierError,
        OSError,
        UnicodeDecodeError,
    ) as error:
        print(f"models.evaluate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
