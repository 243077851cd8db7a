"""What rooms, microphones and codecs do to a voice, so that the recogniser does not only know clean ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
RATE = 16_000


def noise(rng: np.random.Generator, count: int) -> Sound:
    """White to brownish noise at unit power: cumulative sums of white noise, mixed."""
    white = rng.standard_normal(count).astype(np.float32)
    colour = rng.random()
    low = np.convolve(white, np.ones(16, np.float32) / 4, mode="same")
    mixed = (1 - colour) * white + colour * low
    return _at_unit_power(mixed.astype(np.float32))


def music(rng: np.random.Generator, count: int) -> Sound:
    """Chords of a few decaying partials, changing twice a second, at unit power."""
    out = np.zeros(count, np.float32)
    for start in range(0, count, RATE // 2):
        t = np.arange(min(RATE // 2, count - start)) / RATE
        for pitch in rng.uniform(110, 880, 3):
            for partial in (1, 2, 3):
                out[start : start + len(t)] += np.sin(2 * np.pi * pitch * partial * t) * np.exp(-3 * t) / partial
    return _at_unit_power(out)


def reverberate(rng: np.random.Generator, samples: Sound) -> Sound:
    """A small room: convolution with 80 to 250 ms of decaying noise."""
    length = int(rng.uniform(0.08, 0.25) * RATE)
    tail = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
    size = 1 << (len(samples) + length - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail / np.sqrt(np.sum(tail**2)), size), size)
    return (samples + rng.uniform(0.1, 0.5) * wet[: len(samples)]).astype(np.float32)


def narrow(rng: np.random.Generator, samples: Sound) -> Sound:
    """A band-limited line: nothing above 3.2 to 7 kHz."""
    spectrum = np.fft.rfft(samples)
    spectrum[int(rng.uniform(3200, 7000) / (RATE / 2) * len(spectrum)) :] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def worn(rng: np.random.Generator, samples: Sound, other: Sound | None = None) -> Sound:
    """The samples as a livestream might carry them; ``other`` is a second voice to hear far behind."""
    if not len(samples):
        return samples
    power = np.sqrt(np.mean(samples**2)) + 1e-6
    out = samples
    if rng.random() < 0.1:
        out = reverberate(rng, out)
    if rng.random() < 0.1:
        out = narrow(rng, out)
    if rng.random() < 0.65:
        out = out + noise(rng, len(out)) * power * 10 ** (-rng.uniform(9, 35) / 20)
    if rng.random() < 0.2:
        out = out + music(rng, len(out)) * power * 10 ** (-rng.uniform(12, 30) / 20)
    if other is not None and len(other) and rng.random() < 0.05:
        out = out + np.resize(other, len(out)) * 10 ** (-rng.uniform(14, 30) / 20)
    out = out * 10 ** (rng.uniform(-12, 3) / 20)
    return np.clip(out, -1, 1).astype(np.float32)


def _at_unit_power(samples: Sound) -> Sound:
    level: np.float32 = np.sqrt(np.mean(samples**2)) + np.float32(1e-9)
    scaled: Sound = (samples / level).astype(np.float32)
    return scaled
