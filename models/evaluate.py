"""How well speech is recognised and claims are found.

    python -m models.evaluate speech --data DIR --json OUT [--speech-model M] [--absent FILE]
    python -m models.evaluate claims --data FILE.jsonl --json OUT

``speech`` hears every recording of a folder (wav, opus, flac) as the worker does, and compares with
NAME.truth.json or NAME.txt beside it. ``claims`` asks the finders about written lines. Figures go to OUT
as JSON and to standard output as a table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from models import scores
from models.asr import Row, SpeechModelError, Transcriber, script
from models.audio import SAMPLE_RATE, BadAudio, read_file
from models.labels import LabelsError, load_labels
from models.lexicon import Lexicon, LexiconError
from models.results import Utterance
from models.scores import Hits, Rate
from models.speech import CutRules, Tail
from models.vad import SpeechDetector

ROOT = Path(__file__).parent.parent
SPEECH_MODEL = ROOT / "models" / "weights" / "speech"
LEXICON = ROOT / "configs" / "lexicon"
LABELS = ROOT / "configs" / "labels.yaml"

_SOUNDS = (".wav", ".opus", ".flac")
_BLOCK_S = 10.0

Finder = Callable[[str, str], set[str]]
"""The labels found in a text of a language."""


class BadData(Exception):
    """The data cannot be used for measuring; the message names the file and what is wrong."""


class Hearing(Protocol):
    """What recognises: ``models.asr.Transcriber``."""

    def features(self, samples: Any) -> Any: ...

    def transcribe(self, rows: Sequence[Row], /) -> list[Utterance]: ...


# speech


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file, what is said in it, and its language (zh or en)."""

    path: Path
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised in a recording of so many seconds, in so many seconds of work."""

    text: str
    seconds: float
    took: float
    utterances: int
    unsupported: int


def recordings(folder: Path) -> list[Recording]:
    """The recordings of a folder that have their text beside them. Raises BadData if there is none."""
    found = [_recording(path) for path in sorted(folder.glob("*")) if path.suffix.lower() in _SOUNDS]
    with_text = [one for one in found if one is not None]
    if not with_text:
        raise BadData(f"{folder}: holds no wav, opus or flac file with NAME.truth.json or NAME.txt beside it")
    return with_text


def _recording(path: Path) -> Recording | None:
    truth, plain = path.with_suffix(".truth.json"), path.with_suffix(".txt")
    try:
        if truth.is_file():
            told = json.loads(truth.read_text(encoding="utf-8"))
            return Recording(path, "\n".join(line["text"] for line in told["lines"]), told["language"])
        if plain.is_file():
            text = plain.read_text(encoding="utf-8")
            return Recording(path, text, script(text))
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise BadData(f"{truth if truth.is_file() else plain}: {error!r}") from error
    return None


def hear(path: Path, ear: Hearing) -> Heard:
    """Cut a recording into utterances and recognise them, as the worker does with a stream of no stated language."""
    began, count = time.perf_counter(), 0
    tail = Tail(SpeechDetector(), CutRules())
    pieces = []
    for block in read_file(path, _BLOCK_S):
        count += len(block)
        pieces += tail.add(block)
    pieces += tail.flush()
    rows = [Row(ear.features(piece.samples), len(piece.samples) / SAMPLE_RATE) for piece in pieces]
    utterances = ear.transcribe(rows) if rows else []
    return Heard(
        text="\n".join(one.text for one in utterances),
        seconds=count / SAMPLE_RATE,
        took=time.perf_counter() - began,
        utterances=len(utterances),
        unsupported=sum(not one.supported for one in utterances),
    )


def compare(recording: Recording, heard: str, absent: Iterable[str] = ()) -> dict[str, Rate]:
    """Errors by measure: ``cer``, ``wer`` (English), ``syllables`` and ``toned_syllables`` (Mandarin).

    With ``absent`` words also ``cer_absent`` or ``wer_absent``: errors at the characters (Mandarin) or words
    (English) of these words alone, by the alignment of what was said and what was heard.
    """
    language = recording.language
    said_tokens, heard_tokens = scores.tokens(recording.text, language), scores.tokens(heard, language)
    said, got = scores.characters(recording.text, language), scores.characters(heard, language)
    rates = {"cer": scores.errors(said, got)}
    if language == "zh":
        for name, toned in (("syllables", False), ("toned_syllables", True)):
            spoken = (scores.syllables(text, toned=toned) for text in (recording.text, heard))
            rates[name] = scores.errors(*spoken)
    else:
        rates["wer"] = scores.errors(said_tokens, heard_tokens)
    if absent:
        wanted = scores.places(said_tokens, (scores.tokens(word, language) for word in absent))
        name = "cer_absent" if language == "zh" else "wer_absent"
        rates[name] = scores.errors_at(said_tokens, heard_tokens, wanted)
    return rates


def measure_speech(data: Sequence[Recording], ear: Hearing, absent: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of each recording and of each language: ``{"recordings": {name: ...}, "zh": ..., "en": ...}``."""
    rows = []
    for recording in data:
        heard = hear(recording.path, ear)
        rows.append((recording, heard, compare(recording, heard.text, absent)))
    figures: dict[str, Any] = {"recordings": {}}
    for recording, heard, rates in rows:
        said = {"language": recording.language, "said": recording.text, "heard": heard.text}
        figures["recordings"][recording.path.stem] = _speech_figures([heard], [rates]) | said
    for language in sorted({recording.language for recording in data}):
        mine = [(heard, rates) for recording, heard, rates in rows if recording.language == language]
        figures[language] = _speech_figures([heard for heard, _ in mine], [rates for _, rates in mine])
    return figures


def _speech_figures(heard: Sequence[Heard], rates: Sequence[Mapping[str, Rate]]) -> dict[str, Any]:
    seconds, took = sum(one.seconds for one in heard), sum(one.took for one in heard)
    together = {name: reduce(Rate.__add__, (one[name] for one in rates)) for name in rates[0]}
    return {name: asdict(rate) | {"rate": rate.rate} for name, rate in together.items()} | {
        "seconds": round(seconds, 3),
        "utterances": sum(one.utterances for one in heard),
        "unsupported": sum(one.unsupported for one in heard),
        "real_time_factor": took / seconds if seconds else None,
    }


_SPEECH_COLUMNS = ("cer", "wer", "syllables", "toned_syllables", "cer_absent", "wer_absent", "real_time_factor")


def speech_table(figures: Mapping[str, Any]) -> str:
    """One line for each recording and each language."""
    rows = [*figures["recordings"].items(), *((key, value) for key, value in figures.items() if key in ("zh", "en"))]
    shown = [[name, *(_share(_rate(row.get(column))) for column in _SPEECH_COLUMNS)] for name, row in rows]
    return _table(["", *_SPEECH_COLUMNS], shown)


def _rate(value: Any) -> float | None:
    found: float | None = value["rate"] if isinstance(value, Mapping) else value
    return found


# claims


class Line(BaseModel):
    """A written line and its true labels; see the README of the data for the kinds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    text: str
    lang: str
    labels: frozenset[str] = frozenset()
    kind: str
    category: str = "other"
    before: tuple[str, ...] = ()


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


def finders(lexicon: Lexicon) -> dict[str, Finder]:
    """Each finder there is, by name."""

    def rules(text: str, language: str) -> set[str]:
        return {found.label for found in lexicon.find(text, language) if found.score >= found.threshold}

    return {"rules": rules}


def measure_claims(data: Sequence[Line], finder: Finder, in_text: Sequence[str]) -> dict[str, Any]:
    """Figures of one finder for ``all`` lines and for each language; macro means over the labels ``in_text``."""
    rows = [(line, finder(line.text, line.lang)) for line in data]
    figures = {"all": _claim_figures(rows, in_text)}
    for language in ("zh", "en"):
        if mine := [row for row in rows if row[0].lang == language]:
            figures[language] = _claim_figures(mine, in_text)
    return figures


def _claim_figures(rows: Sequence[tuple[Line, set[str]]], in_text: Sequence[str]) -> dict[str, Any]:
    pairs = [(line.labels, found) for line, found in rows]
    labels = sorted({label for true, found in pairs for label in (*true, *found)})
    by_label = {label: scores.count(label, pairs) for label in labels}
    averaged = [hits for label, hits in by_label.items() if label in in_text]
    return {
        "lines": len(rows),
        "macro": _mean(averaged),
        "micro": _figures(scores.total(by_label.values())),
        "labels": {label: _figures(hits) | asdict(hits) for label, hits in by_label.items()},
        "false_alarms": dict(_by_kind(rows, _false_alarm_share)),
        "recall_by_kind": dict(_by_kind([row for row in rows if row[0].labels], _recall)),
    }


def _figures(hits: Hits) -> dict[str, float]:
    return {"precision": hits.precision, "recall": hits.recall, "f1": hits.f1}


def _mean(hits: Sequence[Hits]) -> dict[str, float]:
    """The mean over labels that are true of a line or were found in one; the others have nothing to tell."""
    each = [_figures(one) for one in hits]
    return {name: sum(one[name] for one in each) / max(len(each), 1) for name in ("precision", "recall", "f1")}


Rows = Sequence[tuple[Line, set[str]]]


def _by_kind(rows: Rows, share: Callable[[Rows], float]) -> Iterator[tuple[str, float]]:
    for kind in sorted({line.kind for line, _ in rows}):
        yield kind, share([row for row in rows if row[0].kind == kind])


def _false_alarm_share(rows: Rows) -> float:
    """The share of lines with a label found that is not theirs."""
    return sum(bool(found - line.labels) for line, found in rows) / len(rows)


def _recall(rows: Rows) -> float:
    """Of all true labels of these lines, the share that was found."""
    return sum(len(found & line.labels) for line, found in rows) / sum(len(line.labels) for line, _ in rows)


def claims_table(figures: Mapping[str, Any]) -> str:
    """For each finder and language the means and false alarms, then every label over all lines."""
    parts = []
    for finder, by_language in figures.items():
        rows = [
            [f"{finder} {language}", *_triples(one["macro"]), *_triples(one["micro"]), _kinds(one["false_alarms"])]
            for language, one in by_language.items()
        ]
        head = ["", *(f"{mean} {x}" for mean in ("macro", "micro") for x in ("P", "R", "F1")), "false alarms"]
        parts.append(_table(head, rows))
        labels = by_language["all"]["labels"].items()
        each = [[label, *_triples(one), *(str(one[x]) for x in ("right", "wrong", "missed"))] for label, one in labels]
        parts.append(_table(["", "P", "R", "F1", "right", "wrong", "missed"], each))
    return "\n\n".join(parts)


def _triples(one: Mapping[str, float]) -> list[str]:
    return [_share(one[name]) for name in ("precision", "recall", "f1")]


def _kinds(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {_share(share)}" for kind, share in shares.items())


# both


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join("  ".join(x.ljust(w) for x, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows))


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
    all_finders = finders(Lexicon.load(options.lexicon, labels))
    figures = {name: measure_claims(data, finder, in_text) for name, finder in all_finders.items()}
    _write(options.json, figures)
    return claims_table(figures)


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
    except (BadData, BadAudio, SpeechModelError, LabelsError, LexiconError, OSError, UnicodeDecodeError) as error:
        print(f"models.evaluate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
