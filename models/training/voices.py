"""Speech from text by espeak-ng's library, with the time of every phoneme.

The library tells at which sample each word and phoneme begins, so the sounds come with their own
alignment: the encoder is taught each frame's phoneme, the decoder where to look, and the samples'
truth files are exact. The library keeps global state: one Speaker a process.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000

_ZH_VARIANTS = ("", "+f1", "+f2", "+f3", "+f4", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m7", "+m8")
_EN_VARIANTS = ("", "+f1", "+f2", "+f3", "+f5", "+m1", "+m2", "+m3", "+m4", "+m5", "+m7")
ZH_VOICES = tuple(f"cmn-latn-pinyin{variant}" for variant in _ZH_VARIANTS)
EN_VOICES = tuple(accent + variant for accent in ("en-us", "en-gb-x-rp") for variant in _EN_VARIANTS)
UNSEEN_VOICES = {"zh": "cmn-latn-pinyin+m6", "en": "en-us+f4"}
"""One voice per language that training never hears; the samples use it."""

_WORD, _PHONEME = 1, 7
_RATE_PARAMETER, _PITCH_PARAMETER, _RANGE_PARAMETER = 1, 3, 4


@dataclass(frozen=True, slots=True)
class Phone:
    """A phoneme (espeak-ng's name), the tone of its syllable (0: none), and its samples [start, end)."""

    name: str
    tone: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A spoken text: 16 kHz mono float32 samples, each unit's (syllable's, word's) samples, all phones."""

    samples: NDArray[np.float32]
    units: tuple[tuple[int, int], ...]
    phones: tuple[Phone, ...]


class _Name(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Name),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Speaker:
    """espeak-ng in this process. Raises OSError where the library (Debian: libespeak-ng1) is missing."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL("libespeak-ng.so.1")
        synchronous, phoneme_events, dont_exit = 2, 0x0001, 0x8000
        self._rate = self._lib.espeak_Initialize(synchronous, 0, None, phoneme_events | dont_exit)
        if self._rate <= 0:
            raise OSError("espeak-ng does not start: is espeak-ng-data installed?")
        self._pieces: list[NDArray[np.int16]] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _Callback(self._take)
        self._lib.espeak_SetSynthCallback(self._callback)

    def say(self, units: list[str], voice: str, rate: int = 200, pitch: int = 50) -> Spoken:
        """Speak units (tone-numbered pinyin syllables or English words, commas attached) one after the other.

        ``rate`` is in words a minute, ``pitch`` 0 to 99 (espeak-ng's scales).
        """
        self._pieces.clear()
        self._events.clear()
        text = " ".join(units)
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        self._lib.espeak_SetParameter(_RATE_PARAMETER, rate, 0)
        self._lib.espeak_SetParameter(_PITCH_PARAMETER, pitch, 0)
        value, utf8 = text.encode() + b"\0", 1
        self._lib.espeak_Synth(value, len(value), 0, 1, 0, utf8, None, None)
        self._lib.espeak_Synchronize()
        pcm = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
        return self._spoken(units, pcm)

    def _take(self, wav: Any, count: int, events: Any) -> int:
        if wav and count:
            self._pieces.append(np.ctypeslib.as_array(wav, (count,)).copy())
        at = 0
        while events[at].type != 0:
            event = events[at]
            if event.type in (_WORD, _PHONEME):
                name = event.id.string.decode("utf-8", "replace") if event.type == _PHONEME else ""
                self._events.append((event.type, event.text_position, event.sample, name))
            at += 1
        return 0

    def _spoken(self, units: list[str], pcm: NDArray[np.int16]) -> Spoken:
        scale = RATE / self._rate
        at = np.arange(int(len(pcm) * scale)) / scale
        samples = np.interp(at, np.arange(len(pcm)), pcm / 32768).astype(np.float32)
        starts = np.cumsum([1] + [len(unit) + 1 for unit in units])  # text positions count from 1
        spans: list[list[int]] = [[-1, -1] for _ in units]
        phones = []
        ends = [int(e[2] * scale) for e in self._events[1:]] + [len(samples)]
        for (kind, position, sample, name), end in zip(self._events, ends, strict=True):
            unit = int(np.searchsorted(starts, position, side="right")) - 1
            start = int(sample * scale)
            if kind != _PHONEME or not 0 <= unit < len(units) or end <= start:
                continue
            if name.startswith("_"):
                continue
            tone = int(units[unit][-1]) if units[unit][-1].isdigit() else 0
            tone = tone or _tone_before_comma(units[unit])
            phones.append(Phone(name, tone, start, end))
            spans[unit] = [start if spans[unit][0] < 0 else spans[unit][0], end]
        return Spoken(samples, tuple(_filled(spans, len(samples))), tuple(phones))


def _tone_before_comma(unit: str) -> int:
    return int(unit[-2]) if len(unit) > 1 and unit[-2].isdigit() else 0


def _filled(spans: list[list[int]], length: int) -> list[tuple[int, int]]:
    """Units the synthesiser ran together get the time between their neighbours."""
    filled = []
    before = 0
    for at, (start, end) in enumerate(spans):
        if start < 0:
            start = before
            end = next((s for s, _ in spans[at + 1 :] if s >= 0), length)
        filled.append((start, max(end, start + 1)))
        before = filled[-1][1]
    return filled


_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def _lazy_pinyin() -> Any:
    from pypinyin import Style, lazy_pinyin

    return lambda text: lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)


def is_han(text: str) -> bool:
    """Whether this is one Han character."""
    return len(text) == 1 and _HAN.match(text) is not None


def pinyin(character: str) -> tuple[str, str, int]:
    """A character's commonest reading: initial (may be empty), final, tone 1 to 5."""
    from pypinyin import Style, lazy_pinyin

    reading = _lazy_pinyin()(character)[0]
    initial = lazy_pinyin(character, style=Style.INITIALS, strict=False)[0]
    tone = int(reading[-1]) if reading[-1].isdigit() else 5
    return initial, reading.rstrip("12345").removeprefix(initial), tone


def units_of(text: str, language: str) -> tuple[list[str], list[str]]:
    """What is spoken and what is written for it, unit by unit: syllables and characters, or words.

    >>> units_of("你好，天气", "zh")
    (['ni3', 'hao3,', 'tian1', 'qi4'], ['你', '好，', '天', '气'])
    """
    if language == "en":
        words = text.split()
        return words, words
    spoken: list[str] = []
    written: list[str] = []
    for run in re.findall(r"[\u4e00-\u9fff]+|[，。？！]", text):
        if _HAN.match(run):
            spoken += _lazy_pinyin()(run)
            written += run
        elif spoken:
            spoken[-1] += ","
            written[-1] += "，"
    return spoken, written
