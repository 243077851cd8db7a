"""Words get the times of their own tokens: shared ones in proportion, pauses to nobody."""

import pytest

from models.results import Word
from models.word_times import Token, token_starts, words


def timed(*spans: tuple[int, int]) -> list[Token]:
    """Tokens over these code points, each sounding for a tenth of a second after the other."""
    return [Token(a, b, at / 10, (at + 1) / 10, 0.5) for at, (a, b) in enumerate(spans)]


def times(found: list[Word]) -> list[tuple[str, float, float]]:
    return [(word.text, pytest.approx(word.start), pytest.approx(word.end)) for word in found]


def test_characters_and_words() -> None:
    """A Han character is a word, letters and digits run together are one; what follows is written with it."""
    found = words("买 iPhone，好", timed((0, 1), (2, 3), (3, 8), (8, 9), (9, 10)), 9.0)
    assert times(found) == [("买 ", 0.0, 0.1), ("iPhone，", 0.1, 0.3), ("好", 0.4, 0.5)]


def test_a_pause_belongs_to_nobody() -> None:
    """The time of a comma is in no word."""
    found = words("你，好", [Token(0, 1, 0.0, 0.2, 0.9), Token(1, 2, 0.2, 0.9, 0.9), Token(2, 3, 0.9, 1.1, 0.4)], 9.0)
    assert times(found) == [("你，", 0.0, 0.2), ("好", 0.9, 1.1)]
    assert [word.probability for word in found] == [0.9, 0.4]


def test_a_token_of_two_characters() -> None:
    """A token that stands for two characters gives each half of its time."""
    assert times(words("我们的", timed((0, 2), (2, 3)), 9.0)) == [
        ("我", 0.0, 0.05),
        ("们", 0.05, 0.1),
        ("的", 0.1, 0.2),
    ]


def test_a_character_of_several_tokens() -> None:
    """A rare character written as bytes lasts from the first to the last of them."""
    assert times(words("龘好", timed((0, 1), (0, 1), (0, 1), (1, 2)), 9.0)) == [("龘", 0.0, 0.3), ("好", 0.3, 0.4)]


def test_what_stands_before_the_first_word() -> None:
    """Punctuation at the start is written with the first word."""
    assert times(words("，，hello", timed((0, 1), (1, 2), (2, 7)), 9.0)) == [("，，hello", 0.2, 0.3)]


def test_numbers_and_apostrophes_hold_together() -> None:
    """A decimal number, a hyphenated and a contracted word are one word each."""
    found = words("don't pay 3.5 for all-in-one.", timed(*((n, n + 1) for n in range(29))), 9.0)
    assert [word.text for word in found] == ["don't ", "pay ", "3.5 ", "for ", "all-in-one."]


def test_no_word_lasts_longer_than_a_second() -> None:
    """Silence after the last word, which alignment gives to it, is taken off."""
    assert times(words("好", [Token(0, 1, 1.0, 8.0, 0.5)], 9.0)) == [("好", 1.0, 2.0)]


def test_text_without_tokens() -> None:
    """Words that no token stands for are put at the window's end."""
    found = words("你好", timed((0, 1)), 9.0)
    assert times(found) == [("你", 0.0, 0.1), ("好", 9.0, 9.0)]
    assert found[1].probability == 0.0


def test_starts_are_each_tokens_first_frame() -> None:
    """A token begins where the alignment's path first comes to it; the last border is the text's end."""
    path = [(0, 0), (0, 1), (1, 5), (1, 6), (2, 6), (2, 7), (3, 40)]
    assert token_starts(path, 3, 0.02, 0.5) == pytest.approx([0.0, 0.1, 0.12, 0.5])


def test_starts_without_a_path() -> None:
    """A window too short to align is shared out evenly."""
    assert token_starts([], 4, 0.02, 0.2) == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
    assert token_starts([], 0, 0.02, 0.2) == [0.0]
