"""Recordings and texts become the messages a platform would send."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.audio import SAMPLE_RATE, BadAudio, decode
from models.encoding import Codec, encode
from worker.bus import Message
from worker.codec import Encoded, decode_chunk
from worker.codec import decode as decode_json
from worker.recordings import (
    BadText,
    Live,
    encode_text,
    is_text,
    lines,
    name_of,
    pieces,
    recorded_at,
    whole,
)
from worker.records import AuthorRole, LiveText, TextKind
from worker.resources import resource

SAMPLE = resource("configs/samples/pillow-en.opus")
LIVE = Live("room-1", "host-1", datetime(2026, 3, 1, 12, tzinfo=UTC), "en")


def message(encoded: Encoded, offset: int = 0) -> Message:
    return Message(encoded.topic, 0, offset, 1, encoded.key, encoded.value, encoded.headers, 0)


@pytest.mark.parametrize("codec", Codec)
def test_a_value_decodes_alone_to_the_same_sound(codec: Codec) -> None:
    """Each codec gives back as many samples, lossless ones the same, Opus nearly."""
    at = np.arange(SAMPLE_RATE * 2) / SAMPLE_RATE
    sound = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)

    back = decode(encode(sound, codec)[1], encode(sound, codec)[0], 10)

    assert len(back) == len(sound)
    assert np.abs(back - sound).mean() < (0.05 if codec is Codec.OPUS else 1e-4)


def test_full_scale_does_not_wrap_around() -> None:
    """The loudest sample stays loud: 1.0 is not one past what 16 bits hold."""
    back = decode(encode(np.ones(1600, np.float32), Codec.PCM)[1], "audio/L16;rate=16000", 10)

    assert back.min() > 0.99


def test_the_pieces_of_a_recording_are_all_of_it() -> None:
    """Pieces follow each other without gap or overlap, numbered from 0, the last one shorter."""
    found = list(pieces(SAMPLE, 5, Codec.PCM))

    assert [piece.sequence for piece in found] == list(range(len(found)))
    assert [piece.offset_ms for piece in found] == [5000 * n for n in range(len(found))]
    assert all(piece.seconds == 5 for piece in found[:-1])
    assert 0 < found[-1].seconds <= 5
    assert sum(len(piece.value) for piece in found) == round(sum(p.seconds for p in found) * SAMPLE_RATE) * 2


def test_a_recording_travels_as_one_stream_that_ends() -> None:
    """Every message has all headers, and the last one is empty and says that the stream ends."""
    chunks = [decode_chunk(message(encoded)) for _, encoded in whole(SAMPLE, LIVE, 60)]

    assert [c.sequence for c in chunks] == [0, 1, 2, 3]
    assert {(c.stream_id, c.streamer_id, c.language) for c in chunks} == {("room-1", "host-1", "en")}
    assert [(c.started_at - LIVE.started_at).total_seconds() * 1000 for c in chunks] == [c.offset_ms for c in chunks]
    assert [c.end for c in chunks] == [False, False, False, True]
    assert chunks[-1].sound == b""


def test_what_is_no_sound() -> None:
    """A file without sound is BadAudio when its first piece is asked for."""
    with pytest.raises(BadAudio):
        next(pieces(resource("configs/labels.yaml"), 5, Codec.PCM))


def test_lines_of_a_text_are_the_hosts(tmp_path: Path) -> None:
    """Each line is a LiveText of the host with the line's number, a second after the line before; empty lines and a
    byte order mark are none."""
    path = tmp_path / "a.txt"
    path.write_text("\ufeff第一行\n\n  third line \n", encoding="utf-8")

    found = [decode_json(LiveText, message(encode_text(line))) for line in lines(path, LIVE)]

    assert [(t.text_id, t.text) for t in found] == [("room-1:1", "第一行"), ("room-1:3", "third line")]
    assert {(t.kind, t.author_role) for t in found} == {(TextKind.CHAT, AuthorRole.HOST)}
    assert [(t.sent_at - LIVE.started_at).total_seconds() for t in found] == [0, 2]


@pytest.mark.parametrize(
    ("content", "reason"), [("最低价".encode("gb18030"), "not UTF-8"), (b"x" * 20_001, "line 1 has 20,001 characters")]
)
def test_a_text_that_cannot_be_used(content: bytes, reason: str, tmp_path: Path) -> None:
    """Other encodings and endless lines are refused with a reason."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)

    with pytest.raises(BadText, match=reason):
        list(lines(path, LIVE))


def test_text_by_its_ending() -> None:
    """Only .txt and .text are lines; whatever else is taken for sound."""
    assert [is_text(Path(name)) for name in ("a.txt", "a.TXT", "a.mp4", "txt")] == [True, True, False, False]


def test_names_are_ids_and_stay_apart() -> None:
    """A plain name stays; another one keeps what an id may hold and gets a hash of the whole."""
    names = [name_of(Path(name)) for name in ("room-7.mp4", "直播一.mp4", "直播二.mp4", "a b.mp4", "x" * 300 + ".mp4")]

    assert names[0] == "room-7"
    assert len(set(names)) == 5
    for name in names:
        assert LiveText.model_validate(
            {"text_id": name, "stream_id": name, "streamer_id": "h", "kind": "chat", "text": "", "sent_at": 0}
        )


def test_a_recording_begins_at_its_files_time(tmp_path: Path) -> None:
    """So a scan of the same file says the same times every day."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"")
    os.utime(path, (1_700_000_000, 1_700_000_000))

    assert recorded_at(path) == datetime.fromtimestamp(1_700_000_000, UTC)
