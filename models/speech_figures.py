"""How well speech is recognised: recordings heard as the worker hears them, against what is said in them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

from models import scores
from models.asr import Row, script
from models.audio import SAMPLE_RATE, read_file
from models.labelled import BadData
from models.results import Utterance
from models.scores import Rate
from models.speech import CutRules, Tail
from models.tables import share, table
from models.vad import SpeechDetector

_SOUNDS = (".wav", ".opus", ".flac")
_BLOCK_S = 10.0


class Hearing(Protocol):
    """What recognises: ``models.asr.Transcriber``."""

    def features(self, samples: Any) -> Any: ...

    def transcribe(self, rows: Sequence[Row], /) -> list[Utterance]: ...


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
    shown = [[name, *(share(_rate(row.get(column))) for column in _SPEECH_COLUMNS)] for name, row in rows]
    return table(["", *_SPEECH_COLUMNS], shown)


def _rate(value: Any) -> float | None:
    found: float | None = value["rate"] if isinstance(value, Mapping) else value
    return found
