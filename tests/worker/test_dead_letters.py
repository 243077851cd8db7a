"""Dead letters are listed, and tried again from where they were first read."""

from __future__ import annotations

import pytest

from worker.bus import MAX_VALUE_BYTES, Message
from worker.codec import DEAD_LETTERS, Rejected, dead_letter
from worker.dead_letters import RETRY_OF, Letter, as_json, place_of, read, retry, take_up, told
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Place


def broken(log: MemoryLog, value: bytes, reason: str = "it is no sound") -> Place:
    """A message of live.audio that became a dead letter."""
    place = log.append("live.audio", "room-1", value, (("stream_id", b"room-1"),))
    message = Message(*place, 1, "room-1", value, (("stream_id", b"room-1"),), 0)
    letter = dead_letter(Rejected(message, "bad_audio", reason))
    log.append(letter.topic, letter.key, letter.value, letter.headers)
    return place


def letters(log: MemoryLog, group: str) -> list[Letter]:
    bus = MemoryBus(log, group, (DEAD_LETTERS,))
    try:
        return list(read(bus, 5))
    finally:
        bus.close()


def test_the_list_says_where_and_why() -> None:
    """Each dead letter names the place it was read at, its key, reason and tries; foreign ones are not listed."""
    log = MemoryLog()
    places = [broken(log, b"a"), broken(log, b"b", "too loud")]
    log.append(DEAD_LETTERS, None, b"somebody else's", ())

    found = letters(log, "list")

    assert [(one.origin, one.key, one.reason, one.attempts) for one in found] == [
        (places[0], "room-1", "bad_audio: it is no sound", 1),
        (places[1], "room-1", "bad_audio: too loud", 1),
    ]
    assert '"origin": "live.audio/0/1"' in as_json(found[1])


def test_an_empty_topic_is_an_empty_list() -> None:
    """Where nothing went wrong the list ends at once."""
    assert letters(MemoryLog(), "list") == []


def test_looking_takes_nothing_away() -> None:
    """Two who look, one after the other, see the same."""
    log = MemoryLog()
    broken(log, b"a")

    assert letters(log, "list") == letters(log, "list")


def test_a_retry_publishes_the_whole_message_anew() -> None:
    """The value and headers of the origin, not those of the dead letter, and where it came from."""
    log = MemoryLog()
    place = broken(log, b"sound")
    bus = MemoryBus(log, "retry", (DEAD_LETTERS,))

    (done,) = retry(bus, [place, place])

    anew = log.messages("live.audio")[1:]
    assert (done.origin, done.topic) == (place, "live.audio")
    assert [(m.key, m.value, m.headers) for m in anew] == [
        ("room-1", b"sound", (("stream_id", b"room-1"), (RETRY_OF, b"live.audio/0/0")))
    ]


def test_what_its_topic_no_longer_keeps_is_gone() -> None:
    """It is told as gone, nothing is published for it, and the others go on."""
    log = MemoryLog()
    first, second = broken(log, b"a"), broken(log, b"b")
    log.delete_before(second)

    done = list(retry(MemoryBus(log, "retry", (DEAD_LETTERS,)), [first, second]))

    assert [one.topic for one in done] == [None, "live.audio"]
    assert [m.value for m in log.messages("live.audio")] == [b"b", b"b"]


def test_what_is_too_large_to_publish_is_told() -> None:
    """A foreign message above our limit stays where it is; one at the limit is published anew."""
    log = MemoryLog()
    places = [broken(log, bytes(MAX_VALUE_BYTES + 1)), broken(log, bytes(MAX_VALUE_BYTES))]

    large, whole = retry(MemoryBus(log, "retry", (DEAD_LETTERS,)), places)

    assert (large.topic, whole.topic) == (None, "live.audio")
    assert "larger than 4194304 bytes" in large.reason


def test_what_was_taken_up_is_not_taken_up_again() -> None:
    """A group that took up what it read finds only what came since."""
    log = MemoryLog()
    broken(log, b"a")
    bus = MemoryBus(log, "retry", (DEAD_LETTERS,))
    assert len(list(read(bus, 5))) == 1
    take_up(bus)
    bus.close()
    later = broken(log, b"b")

    assert [one.origin for one in letters(log, "retry")] == [later]


def test_places_as_people_write_them() -> None:
    """TOPIC/PARTITION/OFFSET there and back."""
    assert place_of(told(Place("live.audio", 3, 1024))) == Place("live.audio", 3, 1024)


@pytest.mark.parametrize("text", ["", "live.audio", "live.audio/3", "live.audio/x/1", "/1/2", "a/1/2/3"])
def test_what_is_no_place(text: str) -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        place_of(text)
