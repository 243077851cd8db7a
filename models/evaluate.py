"""How well speech is recognised and claims are found.

    python -m models.evaluate speech --data DIR --json OUT [--speech-model M] [--absent FILE]
    python -m models.evaluate claims --data FILE.jsonl --json OUT [--classifier FOLDER|none]

``speech`` hears every recording of a folder (wav, opus, flac) as the worker does, and compares with
NAME.truth.json or NAME.txt beside it. ``claims`` asks the finders about written lines. Figures go to OUT
as JSON and to standard output as a table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from models import scores
from models.asr import Row, SpeechModelError, Transcriber, script
from models.audio import SAMPLE_RATE, BadAudio, read_file
from models.classifier import ClaimClassifier, ClassifierError
from models.labelled import BadData, Line, lines
from models.labels import LabelsError, load_labels
from models.lexicon import Lexicon, LexiconError
from models.results import Found, Text, Utterance
from models.scores import Hits, Rate
from models.speech import CutRules, Tail
from models.vad import SpeechDetector

ROOT = Path(__file__).parent.parent
SPEECH_MODEL = ROOT / "models" / "weights" / "speech"
CLASSIFIER = ROOT / "models" / "weights" / "claims"
NO_CLASSIFIER = "none"
LEXICON = ROOT / "configs" / "lexicon"
LABELS = ROOT / "configs" / "labels.yaml"

_SOUNDS = (".wav", ".opus", ".flac")
_BLOCK_S = 10.0


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
        texts = [Text(text=line.text, before=line.before, language=line.lang) for line in data]
        scores = [dict(zip(classifier.labels, row, strict=True)) for row in classifier.scores(texts).tolist()]
        return [Answer(_best(one), of) for one, of in zip(classifier.predict(texts), scores, strict=True)]

    def both(data: Sequence[Line]) -> list[Answer]:
        pairs = zip(learnt(data), rules(data), strict=True)
        return [Answer({**by_model.found, **by_rule.found}) for by_model, by_rule in pairs]

    return {"rules": rules, "classifier": learnt, "both": both}


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
    return figures


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


def _by_kind(rows: Rows, share: Callable[[Rows], float]) -> Iterator[tuple[str, float]]:
    for kind in sorted({line.kind for line, _ in rows}):
        yield kind, share([row for row in rows if row[0].kind == kind])


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
    classifier = ClaimClassifier.load(options.classifier, in_text) if options.classifier != NO_CLASSIFIER else None
    all_finders = finders(Lexicon.load(options.lexicon, labels), classifier)
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
