"""Long texts in parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.pieces import pieces
from models.results import Text


def test_sentences_are_read_one_by_one_with_what_was_said_before() -> None:
    """A short one goes with the next; language and doubt are those of the whole."""
    text = Text(
        text="全网最低价，你到哪都买不到。真的。大家好，欢迎来到我的直播间。", before=("来",), language="zh", doubt=0.5
    )
    found = list(pieces(text, 7))
    said = ["全网最低价，你到哪都买不到。", "真的。大家好，欢迎来到我的直播间。"]
    assert [piece.of.text for piece in found] == said
    assert [piece.of.before for piece in found] == [("来",), ("来", said[0])]
    assert [(piece.start, piece.text, piece.of.doubt) for piece in found] == [(0, 7, 0.5), (len(said[0]), 7, 0.5)]


@given(st.text(alphabet="好的。，! .ab\n", max_size=600))
def test_no_character_is_left_out(text: str) -> None:
    """Pieces follow each other from the first character to the last, where they overlap by a little at most."""
    end = 0
    for piece in pieces(Text(text=text), 0):
        assert not text[end : piece.start].strip()
        assert piece.of.text == text[piece.start : piece.start + len(piece.of.text)]
        end = piece.start + len(piece.of.text)
    assert not text[end:].strip()
