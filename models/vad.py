"""Samples -> the probability of speech, 32 ms by 32 ms, by the Silero model that faster-whisper packages.

The model file is found and run without importing faster_whisper, which would load CTranslate2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

FRAME = 512
"""Samples of 16 kHz sound in one frame (32 ms), which the model was made for."""

_CONTEXT = 64
_MOST_FRAMES = 256
_MODEL = "silero_vad_v6.onnx"

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class VadState:
    """Between two pieces of one stream: the recurrent state, the last 64 samples, and the unfinished frame."""

    h: Samples
    c: Samples
    context: Samples
    unfinished: Samples


class SpeechDetector:
    """Probabilities of speech for streams that come in pieces of any size; holds no stream itself."""

    def start(self) -> VadState:
        """The state before the first sample."""
        zeros = np.zeros((1, 1, 128), np.float32)
        return VadState(zeros, zeros, np.zeros(_CONTEXT, np.float32), np.zeros(0, np.float32))

    def feed(self, state: VadState, samples: Samples) -> tuple[Samples, VadState]:
        """The probability of each frame of 512 samples (16 kHz, mono) that is now whole, and the next state.

        However a sound is cut into pieces, the probabilities are the same.
        """
        sound = np.concatenate([state.context, state.unfinished, samples]).astype(np.float32, copy=False)
        count = (len(sound) - _CONTEXT) // FRAME
        h, c, found = state.h, state.c, []
        for first in range(0, count, _MOST_FRAMES):
            last = min(first + _MOST_FRAMES, count)
            probabilities, h, c = _session().run(None, {"input": _rows(sound, first, last), "h": h, "c": c})
            found.append(probabilities.reshape(-1))
        seen = count * FRAME
        state = VadState(h, c, sound[seen : seen + _CONTEXT].copy(), sound[seen + _CONTEXT :].copy())
        return (np.concatenate(found) if found else np.zeros(0, np.float32)), state


def _rows(sound: Samples, first: int, last: int) -> Samples:
    """Frames ``first`` to ``last``, each with the 64 samples before it: what one row of the model's input is."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, _CONTEXT + FRAME)
    return np.ascontiguousarray(windows[first * FRAME : last * FRAME : FRAME])


@cache
def _session() -> InferenceSession:
    """The model, loaded at its first use; on one thread, because the streams share the processor."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return InferenceSession(str(_model_file()), options, providers=["CPUExecutionProvider"])


def _model_file() -> Path:
    package = find_spec("faster_whisper")
    if package is None or package.origin is None:
        raise RuntimeError("faster-whisper is not installed, and its speech detector with it")
    file = Path(package.origin).parent / "assets" / _MODEL
    if not file.is_file():
        raise RuntimeError(f"the installed faster-whisper holds no {_MODEL}")
    return file
