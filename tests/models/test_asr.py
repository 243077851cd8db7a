"""Recognition: the same text alone and in company, an end to every decode, one bad row harms no other."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import asr
from models.asr import Decoding, Row, SpeechModelError, Transcriber
from models.doubt import Gates
from tests.models import tiny_whisper

tiny_whisper.need_torch()

RATE = 16_000
LENIENT = Gates(min_logprob=-50, max_compression=1e9)


def noise(seconds: float, seed: int) -> np.ndarray:
    """Noise whose colour and loudness wander, so that different sounds give a random model different texts."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * f * at + 3 * np.sin(at * s)) for f, s in rng.uniform(100, 3000, (4, 2)))
    return (0.1 * tones + rng.normal(0, 0.02, len(at))).astype(np.float32)


def row(transcriber: Transcriber, seconds: float, seed: int, language: str | None = None) -> Row:
    return Row(transcriber.features(noise(seconds, seed)), seconds, language)


class Made:
    """Models of this test run, each converted once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.small = tiny_whisper.tokenizer()

    @cached_property
    def random(self) -> str:
        return tiny_whisper.saved(tiny_whisper.random_model(self.small), self.small, self.folder / "small")

    @cached_property
    def many(self) -> str:
        tokens = tiny_whisper.tokenizer(tiny_whisper.MULTILINGUAL)
        return tiny_whisper.saved(tiny_whisper.random_model(tokens), tokens, self.folder / "many")

    def saying(self, text: str, *, ends: bool = True, sharpness: float = 4.0) -> str:
        """A model that writes this text whatever it hears."""
        folder = self.folder / f"saying{len(list(self.folder.iterdir()))}"
        ids = self.small.encode(text, add_special_tokens=False).ids
        ids += [self.small.token_to_id("<|endoftext|>")] if ends else []
        return tiny_whisper.saved(tiny_whisper.saying(self.small, ids, 2, sharpness), self.small, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("whisper"))


def load(folder: str, gates: Gates = LENIENT, **decoding: Any) -> Transcriber:
    return Transcriber.load(folder, "cpu", threads=1, decoding=Decoding(**decoding), gates=gates)


@pytest.fixture(scope="module")
def small(made: Made) -> Transcriber:
    return load(made.random)


@pytest.fixture(scope="module")
def many(made: Made) -> Transcriber:
    return load(made.many)


@pytest.fixture(params=["small", "many"])
def either(request: pytest.FixtureRequest) -> Transcriber:
    transcriber: Transcriber = request.getfixturevalue(request.param)
    return transcriber


@pytest.mark.parametrize("beam", [1, 3])
def test_company_changes_nothing(made: Made, beam: int) -> None:
    """Rows of several lengths and languages come out of a batch, in order, as each does alone."""
    for folder in (made.random, made.many):
        alone, together = load(folder, beam=beam), load(folder, beam=beam, batch=8)
        rows = [row(alone, s, n, lang) for n, (s, lang) in enumerate([(3, "zh"), (12, None), (1, "en"), (4, "zh-CN")])]
        single = [alone.transcribe([r])[0] for r in rows]
        for one, other in zip(together.transcribe(rows), single, strict=True):
            assert (one.text, one.language, one.supported) == (other.text, other.language, other.supported)
            if one.supported:  # a text without end is cut at its own bound, but its odds at its batch's
                assert one.avg_logprob == pytest.approx(other.avg_logprob, abs=1e-3)
            assert one.no_speech_prob == pytest.approx(other.no_speech_prob, abs=1e-4)
        assert sum(u.supported for u in single) >= 2
        assert sum(u.supported for u in single) >= 2
        assert len({u.text for u in single}) >= 3


def test_no_rows(small: Transcriber) -> None:
    """Nothing to hear gives nothing."""
    assert small.transcribe([]) == []


def test_the_language_prompts_a_multilingual_model(many: Transcriber) -> None:
    """A row's language changes what such a model writes, and is the utterance's, region and all cut off."""
    zh, en = many.transcribe([row(many, 3, 1, "zh-CN"), row(many, 3, 1, "EN_us")])
    assert (zh.language, en.language) == ("zh", "en")
    assert zh.avg_logprob != pytest.approx(en.avg_logprob, abs=1e-4)


def test_a_multilingual_model_tells_the_language(many: Transcriber) -> None:
    """A row without language, or with one the model lacks, is decoded in the one heard, and no other."""
    unknown, absent = many.transcribe([row(many, 3, 5), row(many, 3, 5, "xx")])
    zh, en = many.transcribe([row(many, 3, 5, "zh"), row(many, 3, 5, "en")])
    assert unknown.language in ("zh", "en")
    expected = {"zh": zh, "en": en}[unknown.language]
    assert unknown.avg_logprob == pytest.approx(expected.avg_logprob, abs=1e-4)
    assert absent.text == unknown.text


@pytest.mark.parametrize(
    ("text", "given", "language"),
    [("你好 hello", None, "zh"), (" hello world", None, "en"), ("你好", "en", "en"), (" hello", "cmn-Hans-CN", "zh")],
)
def test_the_language_of_a_small_model(made: Made, text: str, given: str | None, language: str) -> None:
    """A model without languages takes the row's, else tells by the script of its text."""
    transcriber = load(made.saying(text))
    (heard,) = transcriber.transcribe([row(transcriber, 2, 1, given)])
    assert (heard.text, heard.language) == (text.strip(), language)


@pytest.mark.parametrize("seconds", [1.0, 5.0, 28.0])
def test_a_decode_without_end(made: Made, seconds: float) -> None:
    """A model that never writes its end token stops at the bound for the row's length, and is not believed."""
    transcriber = load(made.saying("你好大家今天" * 70, ends=False), gates=Gates(max_compression=1e9, min_logprob=-50))
    (heard,) = transcriber.transcribe([row(transcriber, seconds, 1)])
    assert len(heard.text) == 16 + 12 * seconds
    assert not heard.supported
    assert not heard.failed


def test_a_long_row_lends_a_short_one_nothing(made: Made) -> None:
    """Of two endless rows in one batch each keeps its own bound."""
    transcriber = load(made.saying("你好大家今天" * 70, ends=False), batch=2, windows=(3000,))
    heard = transcriber.transcribe([row(transcriber, 2, 1), row(transcriber, 10, 1)])
    assert [len(u.text) for u in heard] == [40, 136]


def test_the_decoder_never_leaves_its_places(made: Made) -> None:
    """However much a row may say, the text stays within the 448 places of the decoder."""
    transcriber = load(made.saying("你好" * 223, ends=False), tokens_per_second=100.0)
    (heard,) = transcriber.transcribe([row(transcriber, 28, 1)])
    assert not heard.failed
    assert len(heard.text) == 448 - 2


def test_a_poison_row(made: Made) -> None:
    """A row the engine refuses fails alone; the others are heard as if it had not been there."""
    transcriber = load(made.random, batch=8)
    rows = [row(transcriber, 2, n) for n in range(5)]
    heard = transcriber.transcribe([*rows[:3], Row(np.zeros((79, 200), np.float32), 2.0, "zh"), *rows[3:]])
    assert [u.text for u in heard[:3] + heard[4:]] == [u.text for u in transcriber.transcribe(rows)]
    assert not any(u.failed for u in heard[:3] + heard[4:])
    assert (heard[3].failed, heard[3].text, heard[3].supported, heard[3].language) == (True, "", False, "zh")


def test_a_row_that_is_not_numbers(made: Made) -> None:
    """NaN in one row makes that row fail and leaves its neighbours alone."""
    transcriber = load(made.random, batch=4)
    good, bad = row(transcriber, 2, 1), row(transcriber, 2, 2)
    bad.features[3, 4] = np.nan
    first, second, third = transcriber.transcribe([good, bad, good])
    assert second.failed
    assert second.text == ""
    assert first.text == third.text == transcriber.transcribe([good])[0].text


def test_an_engine_that_takes_nothing(made: Made) -> None:
    """When not even silence is taken, the fault is the engine's: it is said, and no row is blamed."""
    transcriber = load(made.random)
    one = row(transcriber, 2, 1)
    transcriber._model.unload_model()
    with pytest.raises(SpeechModelError, match="does not run on cpu"):
        transcriber.transcribe([one])


def test_the_self_test(either: Transcriber) -> None:
    """A model in working order passes."""
    either.self_test()
    assert either.device == "cpu"


def test_certain_text_is_believed(made: Made) -> None:
    """Text of likely tokens that ends is supported."""
    transcriber = load(made.saying("我们的面霜很好用"), gates=Gates())
    (heard,) = transcriber.transcribe([row(transcriber, 3, 1)])
    assert heard.text == "我们的面霜很好用"
    assert heard.avg_logprob > -0.2
    assert heard.supported


def test_unsure_text_is_not(made: Made) -> None:
    """The same text of unlikely tokens is given, but not supported."""
    transcriber = load(made.saying("我们的面霜很好用", sharpness=0.6), gates=Gates())
    (heard,) = transcriber.transcribe([row(transcriber, 3, 1)])
    assert heard.text == "我们的面霜很好用"
    assert heard.avg_logprob < -1
    assert not heard.supported


def test_silence_has_no_text(made: Made) -> None:
    """Where no speech is likely and the text unlikely, nothing is said to have been said."""
    transcriber = load(made.saying("我们的面霜很好用", sharpness=0.6), gates=Gates(max_no_speech=-1.0))
    (heard,) = transcriber.transcribe([row(transcriber, 3, 1)])
    assert (heard.text, heard.supported) == ("", False)


def test_an_empty_text_is_believed(made: Made) -> None:
    """A model that ends at once heard nobody: no text, and no failure."""
    transcriber = load(made.saying(""), gates=Gates())
    (heard,) = transcriber.transcribe([row(transcriber, 3, 1)])
    assert (heard.text, heard.avg_logprob, heard.supported, heard.failed) == ("", 0.0, True, False)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    """A folder that holds no model is refused by naming what is missing."""
    with pytest.raises(SpeechModelError, match=r"model\.bin and config\.json and tokenizer\.json missing"):
        Transcriber.load(str(tmp_path))


def test_a_name_nobody_knows() -> None:
    """A wrong name is answered with the known ones and with what to do without network."""
    with pytest.raises(SpeechModelError, match=r"'large-v9' is no folder here.*large-v3-turbo.*download_model"):
        Transcriber.load("large-v9")


def test_a_model_cut_short(made: Made, tmp_path: Path) -> None:
    """A model file that was not copied whole is an error of ours and not of the engine."""
    for file in Path(made.random).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[: 1000 if file.name == "model.bin" else None])
    with pytest.raises(SpeechModelError, match="does not load"):
        Transcriber.load(str(tmp_path), "cpu")


def test_features_in_threads() -> None:
    """Many threads at once get what one gets, for both numbers of mel bands."""
    sounds = [noise(1 + n / 3, n) for n in range(12)]
    for mels in (80, 128):
        expected = [asr.features(sound, mels) for sound in sounds]
        found: dict[int, np.ndarray] = {}
        threads = [threading.Thread(target=lambda n=n: found.update({n: asr.features(sounds[n], mels)}))  # noqa: B023
                   for n in range(len(sounds))]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(found[n], expected[n]) for n in range(len(sounds)))
        assert expected[0].shape == (mels, 100)
        assert expected[0].dtype == np.float32


def test_a_window_too_long() -> None:
    """More than 30 seconds do not fit a window, neither as sound nor as features."""
    with pytest.raises(ValueError, match="30 seconds"):
        asr.features(np.zeros(31 * RATE, np.float32))
    with pytest.raises(ValueError, match="3000"):
        Row(np.zeros((80, 3001), np.float32), 30.0)


def test_windows_come_from_the_model(made: Made, tmp_path: Path) -> None:
    """A model is padded to the windows its folder names; one that names none, as Whisper's, to 30 s always."""
    fitted = load(made.random)
    for file in Path(made.random).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "preprocessor_config.json").write_text('{"feature_size": 80}')
    full = load(str(tmp_path))
    wide = load(made.random, windows=(3000,))
    one = row(fitted, 2, 1)
    assert fitted.transcribe([one])[0].avg_logprob != pytest.approx(full.transcribe([one])[0].avg_logprob, abs=1e-5)
    assert full.transcribe([one])[0].avg_logprob == pytest.approx(wide.transcribe([one])[0].avg_logprob, abs=1e-5)


def test_the_words_faster_whisper_hears(made: Made) -> None:
    """faster-whisper's own transcribe loads the folder and hears in a 30 s window what we hear."""
    from faster_whisper import WhisperModel

    ours = load(made.random, windows=(3000,))
    sound = noise(30, 4)
    segments, _ = WhisperModel(made.random, device="cpu", cpu_threads=1).transcribe(
        sound, without_timestamps=True, beam_size=1, temperature=0.0, suppress_tokens=[],
        condition_on_previous_text=False, log_prob_threshold=None, no_speech_threshold=None,
    )  # fmt: skip
    theirs = "".join(segment.text for segment in segments).strip()
    (heard,) = ours.transcribe([Row(ours.features(sound), 30.0)])
    assert len(theirs) > 5
    assert heard.text == theirs


@pytest.mark.parametrize("text", ["你好，大家今天 hello world 三二一！", "hello world, hello", "，你好", "  hello"])
def test_word_times(either: Transcriber, text: str) -> None:
    """Words tile the text, go forward, and lie inside the window; each Han character is one."""
    one = row(either, 4, 2, "zh")
    found = either.align(one, text)
    assert "".join(word.text for word in found) == text
    times = [time for word in found for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 4.0
    assert all(0 <= word.probability <= 1 for word in found)
    assert sum("你" in word.text for word in found) == text.count("你")


def test_nothing_to_align(small: Transcriber) -> None:
    """Text without a word has no word times."""
    one = row(small, 4, 2)
    assert small.align(one, "") == []
    assert small.align(one, " ，。") == []


def test_more_text_than_the_decoder_holds(either: Transcriber) -> None:
    """Words beyond the decoder's places get the window's end; none is lost."""
    text = "你好" * 400
    found = either.align(row(either, 10, 2, "zh"), text)
    assert "".join(word.text for word in found) == text
    assert found[-1].start == found[-1].end == 10.0
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.05])
def test_more_text_than_sound(small: Transcriber, seconds: float) -> None:
    """A window too short for its text still gives times within it, in order."""
    found = small.align(row(small, seconds, 2), "你好大家今天天气真不错")
    assert len(found) == 11
    times = [time for word in found for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= seconds


def test_decoding_rules() -> None:
    """Settings no engine could follow are refused where they are made."""
    for wrong in ({"beam": 0}, {"batch": 0}, {"windows": (4000,)}, {"tokens_per_second": 0.0}):
        with pytest.raises(ValueError, match="must"):
            Decoding(**wrong)
