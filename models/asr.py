"""Windows of sound -> text, in batches across streams, straight on faster-whisper's CTranslate2 engine.

faster-whisper's own pipeline batches the pieces of one recording in one language. Here each row is
another stream's, so the call below it is made directly: one encoder pass, one prompt per row.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.doubt import Gates, believable, silent
from models.results import Utterance, Word
from models.word_times import Token, token_starts, words

RATE = 16_000
FRAME_S = 0.01
WINDOW_FRAMES = 3000
"""The longest window Whisper takes: 30 seconds."""

_POSITIONS = 448  # tokens the decoder has places for, the prompt's included
_SPARE_TOKENS = 16
_GPU_BATCH = 32
_IMPOSSIBLE = -100.0  # the log-probability of what was not recognised at all
_SAME_LANGUAGE = {"cmn": "zh", "zho": "zh", "chi": "zh", "eng": "en"}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")

Samples = NDArray[np.float32]


class SpeechModelError(Exception):
    """The speech model cannot be found, loaded or run on this machine; the message says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One window of one stream: log-mel [mels, frames at 100 Hz], its seconds, and its language if known."""

    features: Samples
    seconds: float
    language: str | None = None

    def __post_init__(self) -> None:
        if self.features.ndim != 2 or self.features.shape[1] > WINDOW_FRAMES:
            raise ValueError(f"a window is [mels, at most {WINDOW_FRAMES} frames], not {self.features.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How rows are batched and decoded.

    ``windows`` are the lengths in frames a row may be padded to (None: those the model was made for,
    which is 30 s unless its folder says otherwise; Whisper loses words in shorter ones). ``batch`` is
    rows at once (None: 1 on a CPU, where more are no faster, and 32 on a GPU). ``tokens_per_second``
    bounds how much a row may say, so that a decoder that lost its way comes back.
    """

    beam: int = 1
    windows: tuple[int, ...] | None = None
    batch: int | None = None
    tokens_per_second: float = 12.0

    def __post_init__(self) -> None:
        if self.beam < 1 or (self.batch is not None and self.batch < 1) or self.tokens_per_second <= 0:
            raise ValueError("beam and batch must be at least 1 and tokens_per_second above 0")
        if self.windows is not None and not all(0 < frames <= WINDOW_FRAMES for frames in self.windows):
            raise ValueError(f"windows must lie between 1 and {WINDOW_FRAMES} frames")


def features(samples: Samples, mels: int = 80) -> Samples:
    """The log-mel of one window, [mels, frames], from up to 30 s of 16 kHz mono sound. Safe in any thread."""
    if len(samples) > WINDOW_FRAMES * FRAME_S * RATE:
        raise ValueError(f"a window holds 30 seconds, not {len(samples) / RATE:.1f}")
    mel: Samples = _extractor(mels)(samples)[:, :-1]
    return mel


@cache
def _extractor(mels: int) -> Any:
    """faster-whisper's extractor; it changes itself only when it is given a chunk length, which we never do."""
    from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

    return FeatureExtractor(feature_size=mels)


class Transcriber:
    """A Whisper model, loaded. One thread uses it at a time; ``features`` may be called from any."""

    def __init__(self, name: str, engine: Any, decoding: Decoding, gates: Gates, windows: Sequence[int]) -> None:
        """Use ``load``. ``engine`` is a faster_whisper.WhisperModel, of which only the parts are used."""
        self.name, self._decoding, self._gates = name, decoding, gates
        self._model, self._tokens = engine.model, engine.hf_tokenizer
        self._windows = sorted({*windows, WINDOW_FRAMES})
        self._batch = decoding.batch or (1 if self._model.device == "cpu" else _GPU_BATCH)
        self._end = self._special("<|endoftext|>")
        self._begin, self._plain = self._special("<|startoftranscript|>"), self._special("<|notimestamps|>")

    @classmethod
    def load(
        cls,
        model: str,
        device: str = "auto",
        compute_type: str = "default",
        *,
        threads: int = 0,
        decoding: Decoding = Decoding(),  # noqa: B008  frozen
        gates: Gates = Gates(),  # noqa: B008  frozen
    ) -> Transcriber:
        """Load a folder, a name faster-whisper knows (``large-v3-turbo``), or ``owner/name`` on the Hugging Face Hub.

        Raises SpeechModelError where it is not there or this machine cannot hold it.
        """
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        folder = _found(model)
        try:
            engine = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=threads)
        except (RuntimeError, ValueError) as error:
            raise SpeechModelError(f"the speech model {model} does not load: {error}. {_advice(error)}") from error
        windows = decoding.windows or _made_for(folder)
        return cls(Path(model).resolve().name if folder == Path(model) else model, engine, decoding, gates, windows)

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""
        return str(self._model.device)

    def features(self, samples: Samples) -> Samples:
        """The log-mel of one window as this model wants it (80 or 128 mels). Safe in any thread."""
        return features(samples, self._model.n_mels)

    def self_test(self) -> None:
        """Recognise a second of silence, so that what is missing shows now and not at the first stream.

        Raises SpeechModelError, saying what to install.
        """
        try:
            self._decode([Row(self.features(np.zeros(RATE, np.float32)), 1.0)])
        except (RuntimeError, ValueError, MemoryError) as error:
            raise SpeechModelError(
                f"the speech model {self.name} does not run on {self.device}: {error}. {_advice(error)}"
            ) from error

    def transcribe(self, rows: Sequence[Row]) -> list[Utterance]:
        """What is said in each row, in the order given; the same whatever rows come together.

        (But for the odds of a text that never ended: it is cut at its own row's bound, and decoding stops
        at the longest of its batch.) A row the engine cannot take comes back ``failed``, the others as if
        it had not been there.

        Raises SpeechModelError where the engine takes nothing any more.
        """
        heard: dict[int, Utterance] = {}
        for batch in self._batches(rows):
            heard.update(zip(batch, self._heard([rows[at] for at in batch]), strict=True))
        return [heard[at] for at in range(len(rows))]

    def align(self, row: Row, text: str) -> list[Word]:
        """When each word (in Mandarin: character) of a row's text sounded, in seconds from the window's start.

        The texts of the words, joined, are the text; see ``models.word_times.words``. None where the engine
        cannot tell.
        """
        try:
            return self._aligned(row, text)
        except (RuntimeError, ValueError, MemoryError):
            return []

    def _aligned(self, row: Row, text: str) -> list[Word]:
        lead = "" if _HAN.match(text) else " "  # Whisper writes a space before a word
        encoding = self._tokens.encode(lead + text, add_special_tokens=False)
        encoded = self._encode([row])
        start = self._prompt(self._languages([row], encoded)[0])[:-1]
        ids = encoding.ids[: _POSITIONS - len(start) - 2]
        frames = min(row.features.shape[1], round(row.seconds / FRAME_S))
        found = self._model.align(encoded, start, [ids], frames)[0]
        times = token_starts(found.alignments, len(ids), 2 * FRAME_S, row.seconds)
        spans = ((max(0, a - len(lead)), b - len(lead)) for a, b in encoding.offsets)
        probabilities = found.text_token_probs
        tokens = [Token(*span, *when, p) for span, when, p in zip(spans, pairwise(times), probabilities, strict=False)]
        return words(text, tokens, row.seconds)

    def _batches(self, rows: Sequence[Row]) -> Iterator[list[int]]:
        """Which rows go together: those padded to the same window, so that company changes nothing."""
        alike = defaultdict(list)
        for at, row in enumerate(rows):
            alike[self._window(row)].append(at)
        for _, group in sorted(alike.items()):
            yield from (group[first : first + self._batch] for first in range(0, len(group), self._batch))

    def _heard(self, rows: list[Row]) -> list[Utterance]:
        """Decode rows, halving a batch that fails until the row to blame stands alone."""
        try:
            return self._decode(rows)
        except (RuntimeError, ValueError, MemoryError):
            if len(rows) > 1:
                middle = len(rows) // 2
                return self._heard(rows[:middle]) + self._heard(rows[middle:])
            self.self_test()
            return [_nothing(rows[0])]

    def _decode(self, rows: list[Row]) -> list[Utterance]:
        encoded = self._encode(rows)
        languages = self._languages(rows, encoded)
        prompts = [self._prompt(language) for language in languages]
        limits = [self._limit(row, len(prompts[0])) for row in rows]
        results = self._model.generate(
            encoded,
            prompts,
            beam_size=self._decoding.beam,
            max_length=2 * max(limits),  # CTranslate2 makes half of it into text
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=[-1],
        )
        return [self._utterance(*parts) for parts in zip(rows, results, languages, limits, strict=True)]

    def _encode(self, rows: Sequence[Row]) -> Any:
        """What the encoder makes of rows of one window length, zeros after each as faster-whisper pads."""
        from ctranslate2 import StorageView  # type: ignore[import-untyped]

        batch = np.zeros((len(rows), self._model.n_mels, self._window(rows[0])), np.float32)
        for at, row in enumerate(rows):
            batch[at, :, : row.features.shape[1]] = row.features
        return self._model.encode(StorageView.from_array(batch))

    def _window(self, row: Row) -> int:
        return next(frames for frames in self._windows if frames >= row.features.shape[1])

    def _limit(self, row: Row, prompt: int) -> int:
        """The most tokens a row may have."""
        return min(_SPARE_TOKENS + math.ceil(row.seconds * self._decoding.tokens_per_second), _POSITIONS - prompt)

    def _prompt(self, language: str | None) -> list[int]:
        """No earlier text: it would carry one row's mistakes into the next."""
        if language is None:
            return [self._begin, self._plain]
        return [self._begin, self._special(f"<|{language}|>"), self._special("<|transcribe|>"), self._plain]

    def _languages(self, rows: Sequence[Row], encoded: Any) -> list[str | None]:
        """The language to prompt each row with: its own where the model has it, else what the model hears.

        None for a model that has no languages.
        """
        if not self._model.is_multilingual:
            return [None] * len(rows)
        known = [code(row.language) for row in rows]
        known = [c if c and self._tokens.token_to_id(f"<|{c}|>") is not None else None for c in known]
        if all(known):
            return known
        likeliest = [found[0][0].strip("<|>") for found in self._model.detect_language(encoded)]
        return [mine or heard for mine, heard in zip(known, likeliest, strict=True)]

    def _utterance(self, row: Row, result: Any, language: str | None, limit: int) -> Utterance:
        """What one row's result says. A text that never ended, or whose odds are no number, is not believed."""
        whole = result.sequences_ids[0]
        avg_logprob = float(result.scores[0]) * len(whole) / (len(whole) + 1) if whole else 0.0
        if not math.isfinite(avg_logprob):
            return _nothing(row)
        text = self._tokens.decode([t for t in whole[:limit] if t < self._end]).strip()
        if silent(avg_logprob, result.no_speech_prob, self._gates):
            text = ""
        return Utterance(
            text=text,
            language=code(row.language) or language or script(text),
            avg_logprob=avg_logprob,
            no_speech_prob=float(result.no_speech_prob),
            supported=len(whole) < limit and believable(text, avg_logprob, self._gates),
        )

    def _special(self, token: str) -> int:
        found = self._tokens.token_to_id(token)
        if found is None:
            raise SpeechModelError(f"the speech model {self.name} has no token {token}: is it a Whisper?")
        return int(found)


def code(language: str | None) -> str | None:
    """The two-letter code of a language tag (``zh-CN`` and ``cmn-Hans`` are ``zh``), None for none."""
    first = re.split(r"[-_]", (language or "").strip().lower())[0]
    return _SAME_LANGUAGE.get(first, first) or None


def script(text: str) -> str:
    """The language of a text as far as its letters tell: ``zh`` where there are Han characters, else ``en``."""
    return "zh" if _HAN.search(text) else "en"


def _nothing(row: Row) -> Utterance:
    return Utterance(
        text="",
        language=code(row.language) or script(""),
        avg_logprob=_IMPOSSIBLE,
        no_speech_prob=0.0,
        supported=False,
        failed=True,
    )


def _found(model: str) -> Path:
    """The folder of a model given by folder or by name; a name is looked for in the cache and then fetched."""
    from faster_whisper.utils import available_models, download_model  # type: ignore[import-untyped]

    if (folder := Path(model)).is_dir():
        missing = [name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()]
        if missing:
            raise SpeechModelError(f"the folder {model} holds no speech model: {' and '.join(missing)} missing")
        return folder
    try:
        return Path(download_model(model))
    except (OSError, ValueError) as error:
        raise SpeechModelError(
            f"the speech model {model!r} is no folder here, nor in the Hugging Face cache, and cannot be fetched "
            f"({str(error).splitlines()[0]}). Known names: {', '.join(available_models())}. Without network, run "
            f"python -c \"from faster_whisper import download_model; download_model('large-v3-turbo', 'FOLDER')\" "
            "where there is one, bring FOLDER here and name that folder as the model."
        ) from error


def _made_for(folder: Path) -> tuple[int, ...]:
    """The window lengths a model says it was trained on, in frames; none for Whisper as published."""
    try:
        settings = json.loads((folder / "preprocessor_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(int(frames) for frames in settings.get("windows", ()))


def _advice(error: BaseException) -> str:
    """What to do about an error of the engine."""
    said = str(error)
    if "cublas" in said:
        return (
            "Install libcublas.so.12 (the Python package nvidia-cublas-cu12; CUDA 13's will not do) and put its "
            "lib folder on LD_LIBRARY_PATH before starting."
        )
    if "CUDA" in said or "cuda" in said:
        return "Check that the driver takes CUDA 12.8 (nvidia-smi; R570 or newer), or choose the device cpu."
    if "compute type" in said:
        return "Choose the compute type default or auto."
    return "Choose another device, or fetch the model again if its files are cut short."
