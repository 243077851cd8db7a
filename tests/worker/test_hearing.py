"""Chunks of many streams to utterances: the stream's clock, cuts, what is held, and which messages that rests on."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.speech import CutRules, Piece, Tail
from tests.worker.sounds import (
    PER_MS,
    RATE,
    STARTED_AT,
    Loudness,
    Samples,
    batch,
    chunk_message,
    chunked,
    hearing,
    pcm,
    sound,
    text_message,
)
from worker.batches import Spot
from worker.bus import Message, Partition, Unavailable
from worker.hearing import Hearing, Prepared, Window
from worker.records import Place, StreamHeard

AUDIO = Partition("live.audio", 0)
SMALL = CutRules(min_speech_ms=64, min_silence_ms=128, pad_ms=64, max_utterance_s=0.96, search_ms=320, max_quiet_ms=320)


@dataclass
class Heard:
    """What a hearing gave over several batches."""

    windows: list[Window] = field(default_factory=list)
    free: list[Spot] = field(default_factory=list)
    batches: list[Prepared] = field(default_factory=list)

    def add(self, done: Prepared) -> Prepared:
        self.windows += done.windows
        self.free += done.free
        self.batches.append(done)
        return done

    @property
    def freed(self) -> list[int]:
        return [spot.offset for spot in self.free]

    @property
    def times(self) -> list[tuple[int, int]]:
        return [(w.start_ms, w.end_ms) for w in self.windows]

    @property
    def ids(self) -> list[str]:
        return [w.utterance_id for w in self.windows]


def hear(ears: Hearing, *batches: Sequence[Message]) -> Heard:
    heard = Heard()
    for messages in batches:
        heard.add(ears.prepare(batch(messages)))
    return heard


def places(window: Window) -> list[int]:
    return [place.offset for place in window.places]


def utterances(samples: Samples, rules: CutRules) -> list[Piece]:
    """What the cutter alone makes of a whole recording."""
    tail = Tail(Loudness(), rules)
    return [*tail.add(samples), *tail.flush()]


# One stream -------------------------------------------------------------------------------------------------------


def test_an_utterance_over_three_chunks() -> None:
    """Its times, its id, its sound and the messages it lies in, with the one before, are told when it is over."""
    said = sound("." * 15 + "#" * 20 + "." * 15)
    heard = hear(hearing(), *[[m] for m in chunked(said, [1_000, 1_000, 1_000, 1_000])])
    (window,) = heard.windows
    assert [len(done.windows) for done in heard.batches] == [0, 0, 0, 0, 1, 0]
    assert window.utterance_id == "s1/1/216"
    assert (window.start_ms, window.end_ms) == (1_216, 3_776)
    assert window.started_at.timestamp() * 1000 == STARTED_AT + 1_216
    assert window.ended_at.timestamp() * 1000 == STARTED_AT + 3_776
    assert window.places == tuple(Place("live.audio", 0, offset) for offset in (0, 1, 2, 3))
    assert window.spot == Spot(AUDIO, 1, 3)
    assert (window.seconds, window.chunk.sequence, window.chunk.sound) == (2.56, 1, b"")
    assert np.allclose(window.features[0], said[1_216 * PER_MS : 3_776 * PER_MS], atol=1e-4)


def test_what_is_held_is_not_free() -> None:
    """A message is free once no held sound lies in it, and each is told once."""
    heard = hear(hearing(), *[[m] for m in chunked(sound("##########" * 3 + "." * 15), [1_000, 1_000, 1_000, 1_000])])
    assert [[s.offset for s in done.free] for done in heard.batches] == [[], [], [], [0, 1, 2], [], [3, 4, 5]]


def test_silence_is_let_go() -> None:
    """A stream that says nothing gives no utterance, and pins no more than a few seconds."""
    ears = hearing()
    heard = hear(ears, *[[m] for m in chunked(sound("." * 100), [1_000] * 9)])
    assert heard.windows == []
    assert heard.freed == list(range(11))
    assert max(len(done.free) for done in heard.batches) <= 4
    assert ears.held_seconds() == 0


def test_everything_heard_is_counted() -> None:
    """Each chunk's seconds are told once, under an id of its own; a repeat's and an empty one's add nothing."""
    ears = hearing()
    one = chunk_message(sound("." * 12), sequence=7, offset_ms=3_000)
    heard = [r.record for r in hear(ears, [one, one._replace(offset=8)]).batches[0].heard]
    (record,) = heard
    assert isinstance(record, StreamHeard)
    assert (record.heard_id, record.start_ms, record.seconds) == (f"s1/{record.day}/7", 3_000, 1.2)
    ended = hear(ears, [chunk_message(sequence=8, offset_ms=4_200, end=True)]).batches[0].heard
    assert sum(r.record.seconds for r in ended if isinstance(r.record, StreamHeard)) == 0


@pytest.mark.parametrize(
    ("offset_ms", "pieces"),
    [(2_000, 1), (1_950, 1), (1_900, 1), (2_050, 1), (2_100, 1), (1_899, 2), (2_101, 2), (500, 2), (9_000, 2)],
)
def test_surplus_and_shortfall(offset_ms: int, pieces: int) -> None:
    """Up to 100 ms too much or too little between two chunks is the codec's; more is a cut."""
    first, second = sound("#" * 20), sound("#" * 10 + "." * 10)
    messages = [
        chunk_message(first, sequence=0, offset_ms=0),
        chunk_message(second, sequence=1, offset_ms=offset_ms),
        chunk_message(sequence=2, offset_ms=offset_ms + 2_000, end=True),
    ]
    heard = hear(hearing(), messages)
    assert len(heard.windows) == pieces
    assert heard.freed == [0, 1, 2]
    assert abs(heard.windows[-1].end_ms - (offset_ms + 1_256)) <= 32
    assert abs(heard.windows[0].end_ms - (2_000 if pieces == 2 else heard.windows[-1].end_ms)) <= 32


def test_a_surplus_is_trimmed() -> None:
    """What two chunks both hold is heard once, and the clock stays that of ``offset_ms``."""
    said = sound("#" * 30 + "." * 20)
    first, second = said[: 2_080 * PER_MS], said[2_000 * PER_MS :]
    heard = hear(
        hearing(),
        [chunk_message(first, sequence=0), chunk_message(second, sequence=1, offset_ms=2_000)],
        [chunk_message(sequence=2, offset_ms=5_000, end=True)],
    )
    (window,) = heard.windows
    assert np.allclose(window.features[0], said[: len(window.features[0])], atol=1e-4)
    assert (window.start_ms, window.end_ms) == (0, utterances(said, CutRules())[0].end_sample // PER_MS)


def test_codec_delay_does_not_add_up() -> None:
    """Chunks that are each 13 ms too long stay on the stream's clock for ever."""
    ears, heard = hearing(), Heard()
    spoken = {40, 41}
    for n in range(60):
        samples = np.concatenate([sound("#" * 10 if n in spoken else "." * 10), np.zeros(13 * PER_MS, np.float32)])
        heard.add(ears.prepare(batch([chunk_message(samples, sequence=n, offset_ms=n * 1_000)])))
    (window,) = heard.windows
    assert abs(window.start_ms - (40_000 - 256)) <= 32
    assert abs(window.end_ms - (42_000 + 256)) <= 32
    assert window.chunk.sequence in (39, 40)


def test_offsets_are_rounded() -> None:
    """Chunks whose borders are no whole milliseconds lose no sample: the surplus is only the rounding."""
    said = sound("." * 5 + "#" * 20 + "." * 15)
    cuts = [0, 7_001, 15_999, 30_007, len(said)]
    messages = [
        chunk_message(said[a:b], sequence=n, offset_ms=a // PER_MS)
        for n, (a, b) in enumerate(zip(cuts, cuts[1:], strict=False))
    ]
    (window,) = hear(hearing(), messages).windows
    (piece,) = utterances(said, CutRules())
    assert np.allclose(window.features[0], piece.samples, atol=1e-4)
    assert abs(window.start_ms - piece.start_sample / PER_MS) <= 1


def test_a_chunk_shorter_than_the_surplus() -> None:
    """A chunk that lies whole in what was heard already adds nothing, and is free with its neighbours."""
    messages = [
        chunk_message(sound("#" * 10), sequence=0),
        chunk_message(sound("#", 40), sequence=1, offset_ms=910),
        chunk_message(sound("." * 10), sequence=2, offset_ms=1_000),
        chunk_message(sequence=3, offset_ms=2_000, end=True),
    ]
    heard = hear(hearing(), messages)
    assert heard.freed == [0, 1, 2, 3]
    assert len(heard.windows) == 1
    assert heard.windows[0].end_ms == 1_280


def test_a_repeat_is_ignored() -> None:
    """A chunk that comes again, at once or later, is free and gives nothing."""
    said = chunked(sound("#" * 30 + "." * 20), [1_000] * 4, end=False)
    again = [m._replace(offset=m.offset + 10) for m in said]
    plain = hear(hearing(), said)
    heard = hear(hearing(), [said[0], again[0], said[1], said[2], again[1]], [said[3], said[4], again[2]])
    assert (heard.ids, heard.times) == (plain.ids, plain.times)
    assert sorted(heard.freed) == sorted([*plain.freed, 10, 11, 12])


def test_a_late_chunk_is_heard_alone() -> None:
    """What comes after its successor is not joined, but what was said in it is found, at its own time."""
    early = chunk_message(sound("." * 5 + "#" * 10 + "." * 5), sequence=0, offset=2)
    late = chunk_message(sound("." * 3 + "#" * 10 + "." * 7), sequence=1, offset_ms=2_000, offset=4)
    after = chunk_message(sound("#" * 10 + "." * 10), sequence=2, offset_ms=4_000, offset=3)
    heard = hear(hearing(), [early], [after], [late])
    assert heard.ids == ["s1/0/224", "s1/2/0", "s1/1/32"]
    assert places(heard.windows[2]) == [4]
    assert heard.windows[2].start_ms == 2_032
    assert sorted(heard.freed) == [2, 4]


def test_a_jump_in_the_sequence() -> None:
    """Missing sequence numbers alone cut nothing: time is what counts."""
    messages = [
        chunk_message(sound("#" * 10), sequence=3),
        chunk_message(sound("#" * 10 + "." * 10), sequence=900, offset_ms=1_000),
    ]
    assert len(hear(hearing(), messages).windows) == 1


def test_a_clock_that_goes_back() -> None:
    """A stream whose clock starts over ends its utterance, and goes on under the new times."""
    messages = [
        chunk_message(sound("#" * 20), sequence=0, offset_ms=60_000),
        chunk_message(sound("#" * 20 + "." * 10), sequence=1, offset_ms=0),
    ]
    heard = hear(hearing(), messages)
    assert [w.start_ms for w in heard.windows] == [60_000, 0]
    assert heard.ids == ["s1/0/0", "s1/1/0"]


def test_an_end() -> None:
    """end=1 gives what was being said, frees everything, and the stream may begin again."""
    ears = hearing()
    heard = hear(ears, chunked(sound("#" * 15), [1_000]))
    assert heard.times == [(0, 1_500)]
    assert sorted(heard.freed) == [0, 1, 2]
    again = hear(ears, [chunk_message(sound("#" * 10), sequence=5, offset_ms=8_000, end=True)])
    assert again.times == [(8_000, 9_000)]
    assert again.freed == [5]


def test_bad_chunks() -> None:
    """What cannot be read or decoded is set aside, free, with its reason; the others are heard."""
    ears = hearing()
    done = ears.prepare(
        batch(
            [
                chunk_message(sound("#" * 10), sequence=0),
                chunk_message(b"xyz", sequence=1, offset_ms=1_000),
                chunk_message(sound("#"), sequence=2, headers={"sequence": "x"}),
                chunk_message(sequence=3, headers={"blob_ref": "a", "sha256": "b"}),
                chunk_message(None, sequence=4),
                text_message("x", offset=5, kind="song"),
                chunk_message(sound("#" * 5), sequence=6, offset_ms=1_000, end=True),
            ]
        )
    )
    assert [(r.message.offset, r.code) for r in done.rejected] == [
        (2, "bad_headers"),
        (3, "blob_outside"),
        (4, "empty"),
        (5, "bad_json"),
        (1, "bad_audio"),
    ]
    assert sorted(s.offset for s in done.free) == [0, 1, 2, 3, 4, 5, 6]
    assert [(w.start_ms, w.end_ms) for w in done.windows] == [(0, 1_500)]


def test_lines_of_text() -> None:
    """Live texts pass through in order, each free with its batch."""
    done = hearing().prepare(batch([text_message("a", offset=3), text_message("b", offset=4)]))
    assert [(line.text.text, line.spot.offset) for line in done.lines] == [("a", 3), ("b", 4)]
    assert [s.offset for s in done.free] == [3, 4]


# Sound outside the bus --------------------------------------------------------------------------------------------


class Shelf:
    """A blob store of a few values; while ``down`` it does not answer."""

    def __init__(self, **values: bytes) -> None:
        self.values, self.down = values, False

    def read(self, reference: str, sha256: str) -> bytes:
        if self.down:
            raise Unavailable("the shelf is out of reach")
        value = self.values[reference]
        assert hashlib.sha256(value).hexdigest() == sha256
        return value


def referred(name: str, value: bytes, **more: object) -> Message:
    headers = {"blob_ref": name, "sha256": hashlib.sha256(value).hexdigest()}
    return chunk_message(None, headers=headers, **more)  # type: ignore[arg-type]


def test_sound_from_a_blob() -> None:
    """A chunk that only refers to its sound is heard like any other."""
    value = pcm(sound("#" * 10 + "." * 10))
    heard = hear(hearing(blobs=Shelf(a=value)), [referred("a", value)])
    assert heard.times == [(0, 1_280)]


def test_an_empty_blob() -> None:
    """A reference to nothing heard is set aside, as an empty value is."""
    done = hearing(blobs=Shelf(a=b"")).prepare(batch([referred("a", b"")]))
    assert [r.code for r in done.rejected] == ["empty"]


def test_a_store_that_does_not_answer_changes_nothing() -> None:
    """Unavailable comes before anything was heard: the same batch given again gives the same."""
    value = pcm(sound("." * 10))
    said = chunked(sound("#" * 15), [1_000], end=False)
    shelf = Shelf(a=value)
    ears = hearing(blobs=shelf)
    messages = [*said, referred("a", value, sequence=2, offset_ms=1_500)]
    shelf.down = True
    with pytest.raises(Unavailable):
        ears.prepare(batch(messages, gone=[(AUDIO, 1)]))
    assert ears.held_seconds() == 0
    shelf.down = False
    done = ears.prepare(batch(messages))
    assert [w.utterance_id for w in done.windows] == ["s1/0/0"]
    assert len(done.heard) == 3


# Several streams and assignments ----------------------------------------------------------------------------------


def test_two_streams_in_one_partition() -> None:
    """Streams do not mix, however their chunks do, and a held one pins only its own messages."""
    one, two = sound("#" * 15 + "." * 15), sound("." * 5 + "#" * 25)
    a = [m._replace(offset=2 * n) for n, m in enumerate(chunked(one, [1_000, 1_000], end=False))]
    b = [m._replace(offset=2 * n + 1) for n, m in enumerate(chunked(two, [1_000, 1_000], end=False, stream="s2"))]
    heard = hear(hearing(), [m for pair in zip(a, b, strict=True) for m in pair])
    assert [(w.chunk.stream_id, places(w)) for w in heard.windows] == [("s1", [0, 2])]
    assert heard.freed == [0]


def test_the_same_stream_in_two_partitions() -> None:
    """A producer that keys one stream in two ways has two streams here; neither takes the other's messages."""
    a = chunk_message(sound("#" * 10), sequence=0)
    b = chunk_message(sound("#" * 10), sequence=1, offset_ms=1_000, partition=1, offset=0)
    ears = hearing()
    ears.prepare(batch([a, b]))
    done = ears.prepare(
        batch([a._replace(offset=1, headers=chunk_message(None, sequence=2, end=True).headers, value=b"")])
    )
    assert [spot.partition.number for spot in done.free] == [0, 0]


def test_a_new_assignment_begins_anew() -> None:
    """Sound held under an assignment that is gone is dropped, its messages never told free, and heard again later."""
    ears = hearing()
    said = chunked(sound("#" * 25 + "." * 10), [1_000, 1_000, 1_000], end=False)
    ears.prepare(batch(said[:2]))
    assert ears.held_seconds() == 2
    assert ears.prepare(batch(gone=[(AUDIO, 1)])).free == []
    assert ears.held_seconds() == 0
    heard = hear(ears, [m._replace(epoch=2) for m in said])
    assert heard.times == [(0, 2_784)]
    assert {spot.epoch for spot in heard.free} == {2}
    assert len(heard.free) == len(set(heard.free))


def test_a_new_epoch_alone_begins_anew() -> None:
    """The first message of a new assignment drops what the old one held, also where nobody told that it is gone."""
    ears = hearing()
    said = chunked(sound("#" * 25 + "." * 10), [1_000, 1_000, 1_000], end=False)
    heard = hear(ears, said[:2], [m._replace(epoch=2) for m in said])
    assert heard.times == [(0, 2_784)]
    assert {spot.epoch for spot in heard.free} == {2}


def test_the_other_partition_stays() -> None:
    """A partition that goes takes only its own streams with it."""
    ears = hearing()
    mine = chunk_message(sound("#" * 10), sequence=0)
    other = chunk_message(sound("#" * 10), sequence=0, partition=1, stream="s2")
    ears.prepare(batch([mine, other]))
    ears.prepare(batch(gone=[(AUDIO, 1)]))
    assert ears.held_seconds() == 1


def test_read_again_after_a_hand_over() -> None:
    """A partition that comes back further behind flushes nobody: how far its log went before does not count."""
    ears = hearing()
    said = chunked(sound("#" * 30 + "." * 10), [1_000] * 4, end=False)
    other = chunk_message(sound("." * 10), sequence=0, stream="s2", offset=9, log_s=300)
    ears.prepare(batch([*said, other]))
    ears.prepare(batch(gone=[(AUDIO, 1)]))
    heard = hear(ears, *[[m._replace(epoch=2)] for m in said])
    assert heard.times == [(0, 3_264)]


# Silence ----------------------------------------------------------------------------------------------------------


def silent_stream() -> tuple[Hearing, Message]:
    """Ears that hold the beginning of an utterance, and its message; its chunk lasts a second and came at second 1."""
    ears = hearing(silent_after_s=15.0)
    message = chunk_message(sound("." * 5 + "#" * 5), sequence=0)
    assert ears.prepare(batch([message], now_s=1.0)).windows == []
    return ears, message


@pytest.mark.parametrize(("seconds", "flushed"), [(16.9, 0), (17.0, 1)])
def test_silent_by_the_log(seconds: float, flushed: int) -> None:
    """A stream is over when others of its partition went on for its patience: 15 seconds and the length of a chunk."""
    ears, _ = silent_stream()
    other = chunk_message(sound("." * 10), sequence=0, stream="s2", offset=1, log_s=seconds)
    done = ears.prepare(batch([other], now_s=2.0))
    assert len(done.windows) == flushed
    assert [s.offset for s in done.free] == [0] * flushed


def test_another_partition_says_nothing() -> None:
    """What happens in other partitions never ends a stream: each has its own pace."""
    ears, _ = silent_stream()
    other = chunk_message(sound("." * 10), sequence=0, stream="s2", partition=1, log_s=900)
    assert ears.prepare(batch([other], now_s=900.0, idle=[Partition("live.audio", 1)])).windows == []


@pytest.mark.parametrize(("seconds", "flushed"), [(16.9, 0), (17.1, 1)])
def test_silent_by_the_clock(seconds: float, flushed: int) -> None:
    """A stream is over when its partition is read to the end and its patience went by on the wall."""
    ears, _ = silent_stream()
    done = ears.prepare(batch(now_s=seconds, idle=[AUDIO]))
    assert len(done.windows) == flushed
    assert ears.prepare(batch(now_s=seconds + 1, idle=[AUDIO])).free == [] if flushed else True


def test_a_partition_that_is_paused_or_behind_ends_nothing() -> None:
    """However late it is, a stream whose partition is not read to its end is not over."""
    ears, _ = silent_stream()
    assert ears.prepare(batch(now_s=86_400.0)).windows == []
    going_on = chunk_message(sound("#" * 5 + "." * 10), sequence=1, offset_ms=1_000)
    done = ears.prepare(batch([going_on], now_s=86_401.0, idle=[AUDIO]))
    assert [(w.start_ms, w.end_ms) for w in done.windows] == [(224, 1_760)]


def test_a_long_wait_between_two_chunks_is_an_end() -> None:
    """A stream that stood still for its patience in the log is cut there, alone in its partition or not."""
    ears, _ = silent_stream()
    going_on = chunk_message(sound("#" * 5 + "." * 10), sequence=1, offset_ms=1_000, log_s=17.0)
    assert len(ears.prepare(batch([going_on], now_s=2.0)).windows) == 2


def paced(messages: Sequence[Message], speed: float) -> list[Message]:
    """The messages as the broker got them when the stream was played at that speed."""
    return [m._replace(timestamp=STARTED_AT + round((m.timestamp - STARTED_AT) / speed)) for m in messages]


def test_the_same_utterances_at_any_speed() -> None:
    """Live, at 50 times the speed, and from a backlog in one batch, a recording gives the same utterances."""
    said = sound(("." * 7 + "#" * 23 + "." * 4 + "#" * 3 + "." * 40) * 4)
    messages = chunked(said, [5_000] * 6)
    live, fast = Heard(), Heard()
    ears, quick = hearing(), hearing()
    for at, message in enumerate(messages):
        live.add(ears.prepare(batch([message], now_s=5 * at + 5)))
        live.add(ears.prepare(batch(now_s=5 * at + 9, idle=[AUDIO])))
    for at, message in enumerate(paced(messages, 50)):
        fast.add(quick.prepare(batch([message], now_s=0.1 * at, idle=[AUDIO])))
    backlog = hear(hearing(), paced(messages, 10_000))
    assert live.ids == fast.ids == backlog.ids
    assert len(live.ids) == 4
    assert live.times == fast.times == backlog.times


# Bounds -----------------------------------------------------------------------------------------------------------


def test_no_more_is_held_than_asked_for() -> None:
    """With too much held the longest utterances are cut, and only as many as needed."""
    ears = hearing(most_held_s=10)
    messages = [
        chunk_message(sound("#" * (10 * seconds)), sequence=0, offset=seconds, stream=f"s{seconds}", log_s=1)
        for seconds in (1, 2, 3, 4)
    ]
    assert ears.prepare(batch(messages)).windows == []
    done = ears.prepare(batch([chunk_message(sound("#" * 10), sequence=0, offset=9, stream="s9", log_s=1)]))
    assert [w.chunk.stream_id for w in done.windows] == ["s4"]
    assert [s.offset for s in done.free] == [4]
    assert ears.held_seconds() == 7


# Any chunks, in any order -----------------------------------------------------------------------------------------

lengths = st.lists(st.integers(10, 1_500), max_size=12)
patterns = st.lists(st.tuples(st.sampled_from("#."), st.integers(1, 12)), min_size=1, max_size=8).map(
    lambda runs: "".join(letter * count for letter, count in runs)
)
splits = st.lists(st.integers(1, 4), max_size=12)


def in_batches(messages: Sequence[Message], sizes: Iterable[int]) -> list[Sequence[Message]]:
    found, at = [], 0
    for size in [*sizes, len(messages)]:
        found.append(messages[at : at + size])
        at += size
    return found


def check_spots(heard: Heard, messages: Sequence[Message]) -> None:
    """Every message is freed once, and none before the last window that lies in it was given."""
    assert Counter(heard.freed) == Counter(m.offset for m in messages)
    given: set[int] = set()
    for done in heard.batches:
        for window in done.windows:
            first = window.chunk.sequence
            assert not {m.offset for m in messages if m.offset in places(window)[1:]} & given, first
        given |= {spot.offset for spot in done.free}


@given(patterns, lengths, splits, st.sampled_from([SMALL, CutRules()]))
@settings(deadline=None, max_examples=60)
def test_any_chunks_give_the_same(pattern: str, cut: list[int], sizes: list[int], rules: CutRules) -> None:
    """However a recording is cut into chunks and batches, the utterances are those of the whole, at the same times."""
    said = sound(pattern)
    messages = chunked(said, cut)
    heard = hear(hearing(rules=rules), *in_batches(messages, sizes))
    whole = utterances(np.frombuffer(pcm(said), "<i2").astype(np.float32) / 32768, rules)
    assert heard.times == [(p.start_sample // PER_MS, round(p.end_sample / PER_MS)) for p in whole]
    assert all(np.array_equal(w.features[0], p.samples) for w, p in zip(heard.windows, whole, strict=True))
    check_spots(heard, messages)
    starts = {m.offset: int(dict(m.headers)["offset_ms"]) for m in messages}
    ends = {m.offset: starts[m.offset] + len(m.value or b"") // 2 // PER_MS for m in messages}
    for window in heard.windows:
        under = [m for m in starts if starts[m] < window.end_ms and ends[m] > window.start_ms]
        before = [m for m in starts if ends[m] <= window.start_ms][-1:]
        assert places(window) == before + under
        assert window.start_ms == starts[under[0]] + int(window.utterance_id.rpartition("/")[2])


@st.composite
def mess(draw: st.DrawFn) -> list[Message]:
    """Two streams' chunks with wrong clocks, jumps, repeats, late ones and pauses, and an end of each at the end."""
    messages = []
    log_s = 0.0
    for offset in range(draw(st.integers(0, 14))):
        log_s += draw(st.sampled_from([0.0, 1.0, 16.0, 40.0]))
        messages.append(
            chunk_message(
                sound(draw(patterns)),
                sequence=draw(st.integers(0, 8)),
                offset_ms=draw(st.sampled_from([0, 90, 500, 1_000, 1_100, 2_000, 5_000])),
                stream=draw(st.sampled_from(["s1", "s2"])),
                offset=offset,
                log_s=log_s,
                end=draw(st.integers(0, 5)) == 0,
            )
        )
    for n, stream in enumerate(("s1", "s2")):
        messages.append(chunk_message(sequence=100, offset=len(messages) + n, stream=stream, log_s=log_s, end=True))
    return [m._replace(offset=n) for n, m in enumerate(messages)]


@given(mess(), splits)
@settings(deadline=None, max_examples=60)
def test_any_mess_is_let_go(messages: list[Message], sizes: list[int]) -> None:
    """Whatever comes in whatever order, each message is freed once, none while sound rests on it, and nothing stays."""
    ears = hearing(rules=SMALL)
    heard = hear(ears, *in_batches(messages, sizes))
    assert ears.held_seconds() == 0
    assert Counter(heard.freed) == Counter(m.offset for m in messages)
    freed_in = {s.offset: n for n, done in enumerate(heard.batches) for s in done.free}
    by_sequence = {(m.key, m.offset): m for m in messages}
    for n, done in enumerate(heard.batches):
        for window in done.windows:
            assert window.chunk.stream_id == by_sequence[(window.chunk.stream_id, window.spot.offset)].key
            assert freed_in[window.spot.offset] >= n
            assert window.spot.offset == places(window)[-1]
            assert window.end_ms > window.start_ms
            assert abs(window.seconds * 1000 - (window.end_ms - window.start_ms)) <= 1_000
    assert len(set(heard.ids)) == len(heard.ids)


@given(mess(), splits, splits)
@settings(deadline=None, max_examples=60)
def test_any_batches_give_the_same(messages: list[Message], sizes: list[int], others: list[int]) -> None:
    """How a partition's messages fall into batches changes no utterance."""
    found = []
    for split in (sizes, others):
        heard = hear(hearing(rules=SMALL), *in_batches(messages, split))
        found.append(sorted((w.utterance_id, w.start_ms, w.end_ms, tuple(places(w))) for w in heard.windows))
    assert found[0] == found[1]


def test_the_tests_own_sound() -> None:
    """The builder's speech is loud and its silence zero, so that the detector is exact."""
    said = sound("#.", 32)
    probabilities, rest = Loudness().feed(Loudness().start(), said)
    assert [round(float(p)) for p in probabilities] == [1, 0]
    assert len(rest) == 0
    assert len(said) == 64 * RATE // 1000
