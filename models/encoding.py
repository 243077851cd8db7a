"""16 kHz samples -> bytes in a codec that ``models.audio.decode`` reads back, each value decodable alone."""

from __future__ import annotations

from enum import StrEnum
from io import BytesIO
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from models.audio import SAMPLE_RATE

_OPUS_BITS = 24_000  # a second; FLAC does not ask

Samples = NDArray[np.float32]


class Codec(StrEnum):
    """How sound travels: raw 16-bit PCM, FLAC (lossless, about half of it) or Opus (about a tenth)."""

    PCM = "pcm"
    FLAC = "flac"
    OPUS = "opus"


def encode(samples: Samples, codec: Codec) -> tuple[str, bytes]:
    """The content type and the value of some mono sound in [-1, 1]."""
    whole = np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2")
    match codec:
        case Codec.PCM:
            return f"audio/L16;rate={SAMPLE_RATE};channels=1", whole.tobytes()
        case Codec.FLAC:
            return "audio/flac", _contained(whole, "flac", "flac")
        case Codec.OPUS:
            return "audio/ogg", _contained(whole, "ogg", "libopus")


def _contained(samples: NDArray[np.int16], container: str, codec: Literal["flac", "libopus"]) -> bytes:
    """A container of its own around the samples, with its head."""
    file = BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=SAMPLE_RATE, layout="mono", bit_rate=_OPUS_BITS)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    return file.getvalue()
