"""What training speaks, and the proof that it never heard the samples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice

import pytest
import yaml

from models.training import corpus, samples
from tests.parts import lacking

DRAWN = 30_000
MISSING = "jieba is not installed (pip install '.[training]'): what training speaks is not drawn"
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture(scope="module")
def jieba() -> None:
    if not find_spec("jieba"):
        lacking(MISSING)


def bare(text: str, language: str) -> list[str]:
    """Han characters, or English words in lower case: what is spoken, without punctuation."""
    return re.findall(r"[\u4e00-\u9fff]" if language == "zh" else r"[a-z]+(?:'[a-z]+)*", text.lower())


@dataclass(frozen=True)
class Spoken:
    """All lines of a language that were written, and those of many drawn, as training speaks them."""

    lines: tuple[str, ...]
    language: str

    def runs(self, length: int) -> set[tuple[str, ...]]:
        return {run for line in self.lines for run in runs(bare(line, self.language), length)}

    def words(self) -> set[str]:
        return {word for line in self.lines for word in bare(line, self.language)}

    def text(self) -> str:
        return "\n".join("".join(bare(part, self.language)) for line in self.lines for part in line.split("，"))


@pytest.fixture(scope="module")
def training(jieba: None) -> dict[str, Spoken]:  # noqa: ARG001
    drawn = list(islice(corpus.lines(seed=20), DRAWN))
    return {
        language: Spoken(
            (
                *corpus.written(language),
                *corpus.validation(language),
                *(line.text for line in drawn if line.language == language),
            ),
            language,
        )
        for language in ("zh", "en")
    }


def runs(tokens: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[first:] for first in range(length)), strict=False)


def sample_lines(language: str) -> list[str]:
    return [line.text for one in samples.read_all() if one.language == language for line in one.lines]


def sample_words(language: str) -> list[str]:
    """The words of all samples: as jieba cuts Mandarin, and English ones by their spaces."""
    if language == "en":
        return [word for text in sample_lines("en") for word in bare(text, "en")]
    import jieba

    return [word for text in sample_lines("zh") for word in jieba.lcut(text) if bare(word, "zh")]


@pytest.mark.slow
@LANGUAGES
def test_no_run_of_a_sample_was_heard_in_training(training: dict[str, Spoken], language: str) -> None:
    """No 8 Han characters and no 5 English words in a row stand in any line of training, punctuation left aside."""
    length = 8 if language == "zh" else 5
    heard = training[language].runs(length)
    assert [run for text in sample_lines(language) for run in runs(bare(text, language), length) if run in heard] == []


@pytest.mark.slow
def test_a_run_that_was_heard_would_be_seen(training: dict[str, Spoken]) -> None:
    """The runs that the proof looks through hold those of the written lines themselves."""
    for language, length in (("zh", 8), ("en", 5)):
        longest = max(corpus.written(language), key=len)
        assert set(runs(bare(longest, language), length)) <= training[language].runs(length)


@pytest.mark.slow
@LANGUAGES
def test_a_tenth_of_the_samples_words_was_never_heard(training: dict[str, Spoken], language: str) -> None:
    """At least 10 % of the words said, and of the distinct ones, are in no line, Mandarin ones not even as a piece."""
    words = sample_words(language)
    heard = training[language].text() if language == "zh" else training[language].words()
    absent = {word for word in set(words) if word not in heard}
    assert len(absent) / len(set(words)) >= 0.1
    assert sum(word in absent for word in words) / len(words) >= 0.1


@LANGUAGES
@pytest.mark.usefixtures("jieba")
def test_the_held_out_words_alone_are_a_tenth(language: str) -> None:
    """However long training lasts, 10 % of the samples' words stay unheard: the words cut out of every line."""
    held, words = set(corpus.HELD_OUT.read_text(encoding="utf-8").split()), sample_words(language)
    assert len(held & set(words)) / len(set(words)) >= 0.1
    assert sum(word in held for word in words) / len(words) >= 0.1


@pytest.mark.slow
def test_no_line_holds_a_held_out_word(training: dict[str, Spoken]) -> None:
    """Neither a written line nor one drawn."""
    mandarin, english = training["zh"].text(), training["en"].words()
    held = corpus.HELD_OUT.read_text(encoding="utf-8").split()
    assert [word for word in held if word in english or (not word.isascii() and word in mandarin)] == []


def test_held_out_words_are_cut_out_and_short_rests_dropped() -> None:
    """The pieces between are spoken; English words only where they stand alone."""
    assert corpus.without_held_out("今天天气很好温水泡茶真好喝", "zh") == ["今天天气很好", "泡茶真好喝"]
    assert corpus.without_held_out("我喝温水", "zh") == []
    word = next(word for word in corpus.HELD_OUT.read_text(encoding="utf-8").split() if word.isascii())
    assert corpus.without_held_out(f"this is a line {word} and here is another", "en") == [
        "this is a line",
        "and here is another",
    ]
    assert corpus.without_held_out(f"this line has x{word}x in it", "en") == [f"this line has x{word}x in it"]


@pytest.mark.usefixtures("jieba")
def test_the_same_seed_draws_the_same_lines() -> None:
    """And another seed draws others."""
    first, again, other = (list(islice(corpus.lines(seed), 40)) for seed in (3, 3, 4))
    assert first == again != other
    assert {line.language for line in first} == {"zh", "en"}


@LANGUAGES
def test_lines_kept_for_validation_are_not_written_ones(language: str) -> None:
    """About one line in 85 is kept apart."""
    kept, written = set(corpus.validation(language)), set(corpus.written(language))
    assert not kept & written
    assert 0.004 < len(kept) / len(written) < 0.03


def git(*arguments: str) -> str:
    """What git answers; skips where there is no history to ask."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(corpus.ROOT), *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        lacking("needs the git history: a clone, no archive")
    return done.stdout.strip()


def test_the_samples_were_written_before_what_training_speaks() -> None:
    """The commit before the first text of training holds every sample as it is spoken now, and the held-out words."""
    if git("rev-parse", "--is-shallow-repository") == "true":
        lacking("needs the whole git history: git fetch --unshallow")
    first = git("log", "--diff-filter=A", "--format=%H", "--", "models/data/speech").split()[-1]
    for now in samples.read_all():
        then = yaml.safe_load(git("show", f"{first}^:configs/samples/{now.name}.yaml"))
        assert [line["text"] for line in then["lines"]] == [line.text for line in now.lines]
    held = git("show", f"{first}^:configs/samples/held_out.txt").split()
    assert held == corpus.HELD_OUT.read_text(encoding="utf-8").split()
