"""The sample broadcasts: what is committed fits together, and the synthesiser's times are carried over exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from models.audio import decode, read_file
from models.labels import load_labels
from models.training import samples
from models.training.samples import Broadcast, Rendered, units_between
from models.training.voices import RATE, UNSEEN_VOICES, Speaker, Spoken
from tests.parts import lacking
from worker.records import Listing

BROADCASTS = samples.read_all()
EACH = pytest.mark.parametrize("broadcast", BROADCASTS, ids=lambda one: one.name)
MISSING = "espeak-ng is not installed (Debian: espeak-ng): samples are not spoken again"


def truth_of(broadcast: Broadcast) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(beside(broadcast, "truth.json").read_text(encoding="utf-8"))
    return truth


def beside(broadcast: Broadcast, suffix: str) -> Path:
    return samples.FOLDER / f"{broadcast.name}.{suffix}"


def sound_of(broadcast: Broadcast) -> samples.Sound:
    return np.concatenate(list(read_file(beside(broadcast, "opus"), 30)))


@pytest.fixture
def espeak_ng() -> None:
    try:
        Speaker()
    except OSError:
        lacking(MISSING)


def test_there_are_eight_and_each_has_a_voice_of_its_own() -> None:
    """Eight broadcasts, eight voices, one Mandarin and one English of them never heard in training."""
    voices = [one.speech.voice for one in BROADCASTS]
    assert len(voices) == len(set(voices)) == 8
    for language, unseen in UNSEEN_VOICES.items():
        assert [one.language for one in BROADCASTS if one.speech.voice == unseen] == [language]


@EACH
def test_the_truth_is_the_text_of_the_yaml(broadcast: Broadcast) -> None:
    """Lines, claims and near-misses of the truth file are those of the YAML, in its order."""
    truth = truth_of(broadcast)
    assert (truth["name"], truth["language"], truth["voice"]) == (
        broadcast.name,
        broadcast.language,
        broadcast.speech.voice,
    )
    told = [
        (line["text"], [(c["label"], c["words"]) for c in line["claims"]], line["near_miss"]) for line in truth["lines"]
    ]
    assert told == [(x.text, [(c.label, c.words) for c in x.claims], x.near_miss) for x in broadcast.lines]


@EACH
def test_times_go_forward_and_claims_lie_in_their_lines(broadcast: Broadcast) -> None:
    """Between lines lie 0.35 to 1.4 seconds; a claim lies in its line and lasts as long as its words may."""
    truth = truth_of(broadcast)
    end = 0
    for line in truth["lines"]:
        assert 349 <= line["start_ms"] - end <= 1401
        end = line["end_ms"]
        for claim in line["claims"]:
            assert line["start_ms"] <= claim["start_ms"] < claim["end_ms"] <= end
            share = (claim["end_ms"] - claim["start_ms"]) / (end - line["start_ms"])
            assert share == pytest.approx(len(claim["words"]) / len(line["text"]), abs=0.12)
    assert end < truth["seconds"] * 1000


@EACH
def test_the_sound_is_small_and_as_long_as_the_truth_says(broadcast: Broadcast) -> None:
    """Opus, mono, two to four minutes, under 500 kB, and the length of the truth file."""
    path, seconds = beside(broadcast, "opus"), truth_of(broadcast)["seconds"]
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.layout.nb_channels) == ("opus", 1)
    assert path.stat().st_size < 500_000
    assert 120 <= seconds <= 240
    assert len(sound_of(broadcast)) / RATE == pytest.approx(seconds, abs=0.002)


@EACH
def test_the_sound_is_loud_where_the_truth_says_that_somebody_speaks(broadcast: Broadcast) -> None:
    """Lines are at least 8 dB louder than the pauses between them, so sound and times belong together."""
    sound, lines = sound_of(broadcast), truth_of(broadcast)["lines"]
    spoken = np.concatenate([sound[x["start_ms"] * 16 : x["end_ms"] * 16] for x in lines])
    pauses = np.concatenate(
        [sound[a["end_ms"] * 16 + 800 : b["start_ms"] * 16 - 800] for a, b in zip(lines, lines[1:], strict=False)]
    )
    assert decibels(spoken) - decibels(pauses) > 8


@EACH
def test_there_are_claims_and_near_misses_of_labels_that_exist(broadcast: Broadcast) -> None:
    """At least three near-misses and three claims each, all of labels of the taxonomy that words can show."""
    labels = load_labels(samples.FOLDER.parent / "labels.yaml")
    near = [line.near_miss for line in broadcast.lines if line.near_miss]
    claims = [claim.label for line in broadcast.lines for claim in line.claims]
    assert min(len(near), len(claims)) >= 3
    assert all(labels[code].in_text for code in near + claims)
    assert not [line.text for line in broadcast.lines if line.near_miss and line.claims]


@EACH
def test_the_listing_is_one_that_the_worker_reads(broadcast: Broadcast) -> None:
    """The listing file is the YAML's listing, and every field of it is a field of a Listing."""
    listing = json.loads(beside(broadcast, "listing.json").read_text(encoding="utf-8"))
    assert listing == broadcast.listing
    read = Listing.model_validate_json(json.dumps(listing), strict=True, extra="forbid")
    assert read.sku
    assert read.price
    assert read.quantity


@pytest.mark.slow
@pytest.mark.usefixtures("espeak_ng")
def test_spoken_again_a_sample_has_the_committed_times_and_sound() -> None:
    """The same espeak-ng says the unseen voice's sample with the same times, length and loudness, moment by moment."""
    broadcast = next(one for one in BROADCASTS if one.speech.voice == UNSEEN_VOICES["en"])
    again = samples.render_anew(broadcast)
    assert again.truth == truth_of(broadcast)
    committed = sound_of(broadcast)[: len(again.samples)]
    assert np.corrcoef(loudness(committed), loudness(again.samples[: len(committed)]))[0, 1] > 0.98


class EvenSpeaker:
    """Says every unit as 100 ms of a tone, with 50 ms of silence before the first and after the last."""

    def say(self, units: list[str], voice: str, rate: int, pitch: int) -> Spoken:
        assert voice == "even"
        assert 174 <= rate <= 236
        assert pitch >= 0
        tone = np.sin(np.arange(1600 * len(units)) / 5).astype(np.float32)
        spans = tuple((800 + 1600 * n, 2400 + 1600 * n) for n in range(len(units)))
        return Spoken(np.pad(tone, 800), spans, ())


def rendered(background: str, snr_db: float = 20) -> Rendered:
    raw = {
        "name": "even-zh",
        "title": "",
        "language": "zh",
        "stream_id": "s",
        "streamer_id": "h",
        "speech": {"voice": "even", "rate": 200, "pitch": 50, "background": background, "snr_db": snr_db},
        "listing": {},
        "lines": [
            {"text": "早上好，坐"},
            {"text": "说真的，它天下无双，懂吗", "claims": [{"label": "X", "words": "它天下无双"}]},
            {"text": "没有这回事", "near_miss": "X"},
        ],
    }
    return samples.render(Broadcast.model_validate(raw), EvenSpeaker())  # type: ignore[arg-type]


def test_a_claim_begins_with_its_first_syllable_and_ends_with_its_last() -> None:
    """The claim after three syllables of a line begins 300 ms into it and lasts as long as its five syllables."""
    line = rendered("none").truth["lines"][1]
    claim = line["claims"][0]
    assert (claim["start_ms"] - line["start_ms"], claim["end_ms"] - claim["start_ms"]) == (300, 500)
    assert line["end_ms"] - line["start_ms"] == 1000


def test_without_background_the_pauses_are_silent_and_the_lines_are_not() -> None:
    """Sound lies exactly where the lines lie."""
    made = rendered("none")
    heard = np.zeros(len(made.samples), bool)
    for line in made.truth["lines"]:
        heard[line["start_ms"] * 16 : line["end_ms"] * 16] = True
    assert np.abs(made.samples[heard]).max() == pytest.approx(0.7, abs=0.01)
    assert decibels(made.samples[~heard]) < decibels(made.samples[heard]) - 25


@pytest.mark.parametrize("background", ["noise", "music"])
def test_the_background_is_as_far_below_the_voice_as_asked(background: str) -> None:
    """At 15 dB the pauses are 15 dB below the lines."""
    made = rendered(background, 15)
    lines = made.truth["lines"]
    pauses = np.concatenate(
        [made.samples[a["end_ms"] * 16 + 16 : b["start_ms"] * 16] for a, b in zip(lines, lines[1:], strict=False)]
    )
    spoken = np.concatenate([made.samples[x["start_ms"] * 16 : x["end_ms"] * 16] for x in lines])
    assert decibels(spoken) - decibels(pauses) == pytest.approx(15, abs=1.5)


def test_the_same_broadcast_renders_the_same() -> None:
    """Pauses and noise are seeded by the name."""
    first, second = rendered("noise"), rendered("noise")
    assert first.truth == second.truth
    assert np.array_equal(first.samples, second.samples)


@pytest.mark.parametrize(
    ("text", "words", "language", "expected"),
    [
        ("抹上两晚，皱纹没了", "皱纹没了", "zh", (4, 8)),
        ("过了今晚，就绝版，没有货", "今晚，就绝版", "zh", (2, 7)),
        ("Sleep on it, and your pain is gone", "your pain is gone", "en", (4, 8)),
        ("Not one person, I promise", "Not one person", "en", (0, 3)),
    ],
)
def test_words_are_found_by_their_units(text: str, words: str, language: str, expected: tuple[int, int]) -> None:
    """Units are Han characters or words; punctuation is none."""
    assert units_between(text, words, language) == expected


def test_words_that_are_not_said_are_an_error() -> None:
    """A claim whose words do not stand in its line cannot be timed."""
    with pytest.raises(ValueError, match="not found"):
        units_between("皱纹没了", "皱纹都没了", "zh")


def test_a_yaml_with_a_wrong_key_is_refused_by_name(tmp_path: Path) -> None:
    """The error names the file and the key."""
    path = tmp_path / "bad.yaml"
    path.write_text("name: bad\nvoice: deep\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.yaml[\s\S]*voice"):
        samples.read(path)


def test_a_written_recording_is_heard_as_it_was(tmp_path: Path) -> None:
    """Opus keeps length and loudness, and the same samples give the same bytes."""
    tone = (0.5 * np.sin(np.arange(RATE * 2) / 4)).astype(np.float32)
    samples.write_opus(tmp_path / "a.opus", tone)
    samples.write_opus(tmp_path / "b.opus", tone)
    value = (tmp_path / "a.opus").read_bytes()
    assert value == (tmp_path / "b.opus").read_bytes()
    heard = decode(value, "audio/ogg", 10)
    assert len(heard) == pytest.approx(len(tone), abs=16)
    assert decibels(heard) == pytest.approx(decibels(tone), abs=1)


def decibels(sound: samples.Sound) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-12))


def loudness(sound: samples.Sound) -> samples.Sound:
    """Root of the power of every 20 ms."""
    return np.sqrt(np.mean(sound[: len(sound) // 320 * 320].reshape(-1, 320) ** 2, axis=1))
