"""Detection in one process, in bounded memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from worker import compose
from worker.codec import Encoded
from worker.config import Config
from worker.local import LocalRun, NoSpeech, NotHandled, OwnSound
from worker.recordings import encode_text
from worker.records import AuthorRole, Flag, LiveText, Reminder, TextKind, Transcript
from worker.service import Limits

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOOK = compose.load_rulebook(Config())


def run() -> LocalRun:
    handler = compose.detection(Config(), lambda: BOOK, NoSpeech(), compose.Ears(OwnSound()))
    return LocalRun(handler, Limits(batch_messages=8, grace_s=0.2), waiting=16, clock=time.time)


def line(number: int, text: str, role: AuthorRole = AuthorRole.HOST) -> Encoded:
    return encode_text(
        LiveText(
            text_id=f"room:{number}",
            stream_id="room",
            streamer_id="host",
            kind=TextKind.CHAT,
            author_role=role,
            text=text,
            sent_at=NOW,
        )  # fmt: skip
    )


def test_everything_comes_out_once_and_in_order() -> None:
    """Each line gives its transcript, those with a claim a flag, the first of them a reminder before it."""
    lines = [line(n, "全网最低价" if n % 10 == 0 else "大家好") for n in range(100)]

    found = list(run().results(lines))

    assert [r.transcript_id for r in found if isinstance(r, Transcript)] == [f"room:{n}" for n in range(100)]
    assert [r.flag_id for r in found if isinstance(r, Flag)] == [f"room:{n}" for n in range(0, 100, 10)]
    kinds = [(type(r), r.flag_id) for r in found if isinstance(r, Flag | Reminder)]
    assert kinds[:2] == [(Reminder, "room:0"), (Flag, "room:0")]
    assert [kind for kind, _ in kinds].count(Reminder) == 1


def test_a_viewers_line_gives_no_flag() -> None:
    """The same words from a viewer are a transcript and nothing more."""
    found = list(run().results([line(1, "全网最低价", AuthorRole.VIEWER)]))

    assert [type(record) for record in found] == [Transcript]


def test_messages_are_taken_as_there_is_room_and_forgotten_when_done() -> None:
    """However many there are, only so many are taken ahead of what is done, and none is kept at the end."""
    taken = done = ahead = 0
    local = run()

    def feed() -> Iterator[Encoded]:
        nonlocal taken, ahead
        for number in range(400):
            taken += 1
            ahead = max(ahead, taken - done)
            yield line(number, "大家好")

    for _ in local.results(feed()):
        done += 1

    assert done == 400
    assert ahead <= 16 + 5 * 8
    assert local.kept() == 0


def test_a_message_nobody_can_handle_is_an_error() -> None:
    """What would be a dead letter on Kafka is told, not swallowed."""
    with pytest.raises(NotHandled, match="bad_json"):
        list(run().results([Encoded("live.text", "room", b"{}", ())]))
