"""How likely is speech: the same answer however the sound arrives, high in speech and low outside it."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audio import SAMPLE_RATE, read_file
from models.vad import FRAME, SpeechDetector
from tests.parts import need

SENTENCES = {
    "en-us": "This cream cures every disease. Buy it now, only today, for ninety nine dollars.",
    "cmn-latn-pinyin": "zhe4 kuan3 mian4 shuang1 neng2 zhi4 liao2 suo3 you3 ji2 bing4, jin1 tian1 zui4 pian2 yi5.",
}


def speech_like(seconds: float) -> np.ndarray:
    """Noise that swells and ebbs: no speech, but the probabilities move."""
    rng = np.random.default_rng(11)
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * np.sin(5 * at)) * at)) + rng.normal(0, 0.3, len(at))
    return (0.2 * buzz * np.abs(np.sin(2 * np.pi * 1.7 * at))).astype(np.float32)


SOUND = speech_like(6.0)
WHOLE, _ = SpeechDetector().feed(SpeechDetector().start(), SOUND)


def in_pieces(sound: np.ndarray, borders: list[int]) -> np.ndarray:
    detector = SpeechDetector()
    state = detector.start()
    found = []
    for start, end in pairwise([0, *sorted(borders), len(sound)]):
        probabilities, state = detector.feed(state, sound[start:end])
        found.append(probabilities)
    return np.concatenate(found)


def test_a_frame_is_512_samples() -> None:
    """There is one probability for each whole frame; what is left waits for more samples."""
    detector = SpeechDetector()
    none, state = detector.feed(detector.start(), SOUND[: FRAME - 1])
    one, _ = detector.feed(state, SOUND[FRAME - 1 : FRAME])
    assert len(none) == 0
    assert len(one) == 1
    assert len(WHOLE) == len(SOUND) // FRAME
    assert WHOLE.dtype == np.float32
    assert 0 <= WHOLE.min() < WHOLE.max() <= 1
    assert np.std(WHOLE) > 0.01


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=40))
def test_pieces_of_any_size_give_the_same(borders: list[int]) -> None:
    """Cut anywhere, into pieces however small or empty, a sound has the same probabilities to the last bit."""
    assert np.array_equal(in_pieces(SOUND, borders), WHOLE)


@pytest.mark.parametrize("size", [1, 160, 320, FRAME, FRAME + 1, 4 * FRAME])
def test_pieces_of_one_size_give_the_same(size: int) -> None:
    """The sizes that clients send (10 ms, 20 ms, a frame) and single samples make no difference."""
    sound = SOUND[: SAMPLE_RATE if size == 1 else None]
    assert np.array_equal(in_pieces(sound, list(range(0, len(sound), size))), WHOLE[: len(sound) // FRAME])


def test_a_long_sound_is_the_same_in_pieces() -> None:
    """Half a minute at once, more than the model is asked for in one go, equals the same in seconds."""
    sound = np.tile(SOUND, 5)
    assert np.array_equal(in_pieces(sound, []), in_pieces(sound, list(range(0, len(sound), SAMPLE_RATE))))


def test_the_past_counts() -> None:
    """The state carries what was heard: the same frames after other sound have other probabilities."""
    detector = SpeechDetector()
    _, state = detector.feed(detector.start(), SOUND[: 50 * FRAME])
    later, _ = detector.feed(state, SOUND[: 20 * FRAME])
    assert not np.array_equal(later, WHOLE[:20])


def test_a_state_can_be_used_twice() -> None:
    """Feeding changes no state: the same state and samples give the same again."""
    detector = SpeechDetector()
    _, state = detector.feed(detector.start(), SOUND[:10_000])
    once, _ = detector.feed(state, SOUND[10_000:40_000])
    again, _ = detector.feed(state, SOUND[10_000:40_000])
    assert np.array_equal(once, again)


def test_the_state_is_small() -> None:
    """A thousand streams cost megabytes: the state keeps no sound but the unfinished frame."""
    _, state = SpeechDetector().feed(SpeechDetector().start(), np.tile(SOUND, 10)[:-100])
    assert state.context.base is None
    assert state.unfinished.base is None
    assert state.h.nbytes + state.c.nbytes + state.context.nbytes + state.unfinished.nbytes < 4_000


def test_no_heavy_library_is_loaded() -> None:
    """The detector works without faster_whisper, CTranslate2 or torch; importing it loads not even its runtime."""
    code = (
        "import sys, models.vad as v; light = 'onnxruntime' not in sys.modules; d = v.SpeechDetector(); "
        "import numpy as np; d.feed(d.start(), np.zeros(1024, np.float32)); print(light, *sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    light, *loaded = run.stdout.split()
    assert light == "True"
    assert "onnxruntime" in loaded
    assert not set(loaded) & {"faster_whisper", "ctranslate2", "torch", "av"}


@pytest.mark.parametrize("loudness", [0.0, 1e-4, 0.01, 0.1])
def test_silence_and_noise_are_no_speech(loudness: float) -> None:
    """Silence and white noise, faint or loud, stay below the threshold throughout."""
    noise = np.random.default_rng(5).normal(0, 1, 20 * SAMPLE_RATE).astype(np.float32) * np.float32(loudness)
    probabilities, _ = SpeechDetector().feed(SpeechDetector().start(), noise)
    assert probabilities.max() < 0.5


# Speech ---------------------------------------------------------------------------------------------------------------


def spoken(voice: str, folder: Path) -> np.ndarray:
    """A sentence by espeak-ng at 16 kHz, without the silence around it."""
    program = need("espeak-ng", "apt-get install espeak-ng")
    path = folder / "said.wav"
    subprocess.run([program, "-v", voice, "-w", path, SENTENCES[voice]], check=True)  # noqa: S603
    sound = np.concatenate([*read_file(path, 60.0)])
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[loud[0] : loud[-1]]


@pytest.mark.parametrize("voice", SENTENCES)
def test_speech_is_told_from_silence(voice: str, tmp_path: Path) -> None:
    """English and Mandarin are above the threshold nearly throughout, and the silence around them is below it."""
    said = spoken(voice, tmp_path)
    quiet = np.zeros(2 * SAMPLE_RATE, np.float32)
    probabilities, _ = SpeechDetector().feed(SpeechDetector().start(), np.concatenate([quiet, said, quiet]))
    first, last = len(quiet) // FRAME, (len(quiet) + len(said)) // FRAME
    assert np.mean(probabilities[first:last] >= 0.5) > 0.8
    assert probabilities[: first - 1].max() < 0.3
    assert probabilities[last + 10 :].max() < 0.3
