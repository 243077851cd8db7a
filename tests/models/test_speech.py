"""Where utterances begin and end, whatever way the sound arrives, and what is held meanwhile."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.speech import Cut, CutRules, Piece, Tail, first_cut, flush
from models.vad import FRAME, SpeechDetector

SECOND = 16_000
SMALL = CutRules(min_speech_ms=64, min_silence_ms=128, pad_ms=64, max_utterance_s=0.96, search_ms=320, max_quiet_ms=320)
"""In frames: speech 2, silence 4, padding 2, utterance 30, search 10, quiet 10."""


def frames(pattern: str) -> list[float]:
    """``#`` is speech, ``.`` silence, ``-`` neither (between the two thresholds)."""
    return [{"#": 0.9, ".": 0.1, "-": 0.4}[letter] for letter in pattern]


@pytest.mark.parametrize(
    ("pattern", "cut"),
    [
        ("", None),
        ("." * 9, None),
        ("." * 10, Cut(8, None)),
        ("####...", None),
        ("####....", Cut(6, (0, 6))),
        (".....####....", Cut(11, (3, 11))),
        (".....####...#####....", Cut(19, (3, 19))),
        ("...#....", Cut(6, None)),
        ("...#-------....", Cut(13, None)),
        ("..##--....", Cut(8, (0, 8))),
        (".........#", None),
        (".........##....", Cut(13, (7, 13))),
        ("--------------", Cut(8, None)),
        ("#" * 29, None),
        ("#" * 30, Cut(29, (0, 29))),
        ("#" * 24 + "-" + "#" * 5, Cut(24, (0, 24))),
        ("#" * 15 + "-" + "#" * 14, Cut(29, (0, 29))),
        ("#" * 22 + "." + "##" + "." + "####", Cut(25, (0, 25))),
        ("....." + "#" * 30, Cut(32, (3, 32))),
        ("#" + "-" * 29, Cut(29, None)),
    ],
)
def test_the_first_cut(pattern: str, cut: Cut | None) -> None:
    """Speech and enough silence, too much quiet, or too long an utterance make a cut; nothing else does."""
    assert first_cut(frames(pattern), SMALL) == cut


@pytest.mark.parametrize(
    ("pattern", "cut"),
    [
        ("", Cut(0, None)),
        (".....", Cut(5, None)),
        ("...#..", Cut(6, None)),
        (".....####", Cut(9, (3, 9))),
        (".....####...", Cut(12, (3, 11))),
        ("#--...", Cut(6, None)),
        ("##--...", Cut(7, (0, 6))),
    ],
)
def test_the_last_cut(pattern: str, cut: Cut) -> None:
    """At the end of a stream all is done with, and what was said by then is an utterance."""
    assert flush(frames(pattern), SMALL) == cut


probabilities = st.lists(st.sampled_from([0.02, 0.1, 0.3, 0.4, 0.5, 0.7, 0.95, 0.99]), max_size=120)
runs = st.lists(st.tuples(st.sampled_from([0.05, 0.4, 0.8, 0.97]), st.integers(1, 25)), max_size=12).map(
    lambda made: [probability for probability, count in made for _ in range(count)]
)
rule_sets = st.sampled_from([SMALL, CutRules(), CutRules(max_utterance_s=1.5, search_ms=500, pad_ms=0, threshold=0.3)])


@given(probabilities | runs, rule_sets)
def test_a_cut_is_decided_once(found: list[float], rules: CutRules) -> None:
    """Frame by frame or all at once, the first cut is the same, and later frames never change it."""
    cuts = [first_cut(found[:count], rules) for count in range(len(found) + 1)]
    decided = [cut for cut in cuts if cut is not None]
    assert len(set(decided)) <= 1
    assert cuts[len(cuts) - len(decided) :] == decided


@given(probabilities | runs, rule_sets)
def test_a_cut_makes_sense(found: list[float], rules: CutRules) -> None:
    """A cut goes forward, lies in what was heard, ends with its utterance, and that is not too long."""
    cut = first_cut(found, rules)
    if cut is None:
        cut = flush(found, rules)
    else:
        assert 0 < cut.at_frame <= len(found)
    if cut.speech is not None:
        start, end = cut.speech
        assert 0 <= start < end <= cut.at_frame
        assert end - start <= rules.max_frames
        assert max(found[start:end]) >= rules.threshold


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.1},
        {"threshold": 1.0},
        {"max_utterance_s": 28.5},
        {"max_utterance_s": 4.0, "search_ms": 2_500},
        {"search_ms": 0},
        {"pad_ms": 600},
        {"pad_ms": -1},
        {"max_quiet_ms": 600},
        {"min_speech_ms": 0},
        {"min_silence_ms": 0, "pad_ms": 0},
    ],
)
def test_rules_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    """Rules that could cut before the speech, never go forward or not fit a window are a ValueError."""
    with pytest.raises(ValueError, match="must"):
        CutRules(**wrong)  # type: ignore[arg-type]


# Tails ----------------------------------------------------------------------------------------------------------------


class LoudnessDetector:
    """A frame is speech as far as it is loud; like the real one it remembers, so its start matters."""

    def start(self) -> tuple[np.ndarray, float]:
        return np.zeros(0, np.float32), 0.0

    def feed(self, state: tuple[np.ndarray, float], samples: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, float]]:
        sound = np.concatenate([state[0], samples])
        last = state[1]
        found = []
        for first in range(0, len(sound) - FRAME + 1, FRAME):
            last = 0.2 * last + 0.8 * float(np.abs(sound[first : first + FRAME]).mean())
            found.append(last)
        return np.array(found, np.float32), (sound[len(found) * FRAME :], last)


def sound_of(spans: list[tuple[float, int]]) -> np.ndarray:
    """Spans of a loudness and a length in samples. No two samples alike, so that each tells where it stood."""
    sound = np.concatenate([np.zeros(0, np.float32), *(np.full(size, level, np.float32) for level, size in spans)])
    return sound + np.arange(len(sound), dtype=np.float32) * np.float32(1e-7)


def pieces_of(sound: np.ndarray, borders: list[int], rules: CutRules = SMALL, detector=None) -> list[Piece]:
    tail = Tail(detector or LoudnessDetector(), rules)
    pieces = []
    for start, end in pairwise([0, *sorted(borders), len(sound)]):
        pieces += tail.add(sound[start:end])
    return pieces + tail.flush()


def as_values(pieces: list[Piece]) -> list[tuple[int, bytes]]:
    return [(piece.start_sample, piece.samples.tobytes()) for piece in pieces]


sounds = st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.6, 0.9]), st.integers(1, 20_000)), max_size=12).map(sound_of)


@settings(max_examples=150, deadline=None)
@given(sounds, st.lists(st.integers(0, 240_000), max_size=30))
def test_any_chunks_give_the_same_pieces(sound: np.ndarray, borders: list[int]) -> None:
    """The utterances of a sound are the same, sample by sample, in any chunks, even empty ones."""
    borders = [min(border, len(sound)) for border in borders]
    assert as_values(pieces_of(sound, borders)) == as_values(pieces_of(sound, []))


@settings(max_examples=100, deadline=None)
@given(sounds, st.integers(1, 3_000))
def test_pieces_are_the_sound_where_they_say(sound: np.ndarray, size: int) -> None:
    """Pieces are in order, do not overlap, are not too long, and hold the very samples of their place."""
    pieces = pieces_of(sound, list(range(0, len(sound), size)))
    ends = [0]
    for piece in pieces:
        assert ends[-1] <= piece.start_sample < piece.end_sample <= len(sound)
        assert piece.end_sample - piece.start_sample <= SMALL.max_frames * FRAME
        assert np.array_equal(piece.samples, sound[piece.start_sample : piece.end_sample])
        ends.append(piece.end_sample)


TOO_SHORT = (2 + 1 + 2) * FRAME
"""Less than the least speech of SMALL, a frame in which the detector finds its way, a begun frame on either side."""


@settings(max_examples=100, deadline=None)
@given(sounds)
def test_what_is_loud_is_heard(sound: np.ndarray) -> None:
    """What is loud lies in a piece, but for what is too short behind a forced cut to pass for speech."""
    heard = np.zeros(len(sound), bool)
    for piece in pieces_of(sound, []):
        heard[piece.start_sample : piece.end_sample] = True
    loud = sound >= 0.55
    starts, ends = edges(loud)
    for start, end in zip(starts, ends, strict=True):
        assert np.count_nonzero(~heard[start:end]) < TOO_SHORT


def edges(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    change = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


@settings(max_examples=60, deadline=None)
@given(sounds, st.integers(100, 3_000))
def test_little_is_held(sound: np.ndarray, size: int) -> None:
    """Of a stream of any length no more is held than an utterance, the quiet before it and a little."""
    tail = Tail(LoudnessDetector(), SMALL)
    most = (SMALL.max_frames + 10 + 1) * FRAME + size
    for first in range(0, len(sound), size):
        tail.add(sound[first : first + size])
        assert tail.end_sample == min(first + size, len(sound))
        assert 0 <= tail.end_sample - tail.start_sample <= most


def test_an_utterance_comes_as_soon_as_it_is_certain() -> None:
    """Half a second after the last word the utterance is given, with its padding; the silence behind it stays held."""
    tail = Tail(LoudnessDetector(), CutRules())
    assert tail.add(sound_of([(0.0, SECOND), (0.9, 2 * SECOND), (0.0, SECOND // 3)])) == []
    [piece] = tail.add(np.zeros(SECOND // 2, np.float32))
    assert abs(piece.start_sample / SECOND - 0.75) < 0.07
    assert abs(piece.end_sample / SECOND - 3.25) < 0.1
    assert tail.start_sample == piece.end_sample
    assert tail.flush() == []
    assert tail.start_sample == tail.end_sample


def test_a_gap_starts_anew() -> None:
    """After ``flush`` the tail holds nothing, and what comes next counts on from there as if it were new."""
    sound = sound_of([(0.9, 12_345)])
    tail = Tail(LoudnessDetector(), SMALL, origin=1_000)
    first = tail.add(sound) + tail.flush()
    second = tail.add(sound) + tail.flush()
    assert [piece.start_sample for piece in first] == [1_000 + piece.start_sample for piece in pieces_of(sound, [])]
    assert first[-1].end_sample == 13_345
    assert [(p.start_sample - 12_345, p.samples.tobytes()) for p in second] == as_values(first)


def test_one_who_never_pauses_is_cut_at_the_quietest_place() -> None:
    """A minute without a pause becomes utterances below the limit, cut where the voice dips, and no sample is lost."""
    dips = [(0.9, 25 * SECOND), (0.45, SECOND // 4), (0.9, 35 * SECOND)]
    pieces = pieces_of(sound_of(dips), [], CutRules())
    assert [piece.start_sample for piece in pieces[1:]] == [piece.end_sample for piece in pieces[:-1]]
    assert pieces[0].start_sample == 0
    assert pieces[-1].end_sample == 60 * SECOND + SECOND // 4
    assert 25 * SECOND < pieces[0].end_sample <= 25.3 * SECOND
    assert max(len(piece.samples) for piece in pieces) <= 28 * SECOND


def test_a_held_rest_keeps_no_other_sound_alive() -> None:
    """What stays held after a cut is its own memory: a thousand quiet streams do not keep their last utterances."""
    tail = Tail(LoudnessDetector(), CutRules())
    tail.add(sound_of([(0.9, 20 * SECOND), (0.0, SECOND)]))
    assert tail.end_sample - tail.start_sample < SECOND
    bases = {id(base): base.nbytes for base in (block if block.base is None else block.base for block in tail._blocks)}
    assert sum(bases.values()) < 4 * SECOND


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 20 * SECOND), max_size=20))
def test_the_real_detector_gives_the_same_pieces(borders: list[int]) -> None:
    """With Silero's probabilities too, chunks do not matter."""
    assert as_values(pieces_of(VOICE, borders, EAGER, SpeechDetector())) == EXPECTED


def voice() -> np.ndarray:
    """Twenty seconds of buzzing, swelling noise with breaks: what Silero takes for speech now and then."""
    rng = np.random.default_rng(11)
    at = np.arange(20 * SECOND) / SECOND
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * np.sin(5 * at)) * at)) + rng.normal(0, 0.3, len(at))
    return (0.2 * buzz * np.abs(np.sin(2 * np.pi * 1.7 * at)) * (at % 4 < 2.5)).astype(np.float32)


VOICE = voice()
EAGER = CutRules(threshold=0.2, min_silence_ms=320)
EXPECTED = as_values(pieces_of(VOICE, [], EAGER, SpeechDetector()))


def test_the_noise_above_is_worth_testing() -> None:
    """The sound of the test before has several utterances."""
    assert len(EXPECTED) >= 2


def test_no_library_is_loaded() -> None:
    """Where the cuts are is arithmetic: importing it loads numpy and no model runtime."""
    code = "import sys, models.speech; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not set(run.stdout.split()) & {"onnxruntime", "faster_whisper", "ctranslate2", "torch", "av"}
