"""Dying anywhere and starting again loses nothing and counts nothing twice.

Two streams of real speech in one partition, cut by the real VAD into utterances that span chunks,
with the pipeline on. What is compared is what a consumer counts: flags of one stream and label,
those that overlap in time joined into one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.audio import decode, is_raw, read_file
from models.labels import load_labels
from models.speech import CutRules
from models.vad import SpeechDetector, VadState
from tests.fakes import DyingBus, Fuse, Inline, Keywords, Lazy, Parrot, PowerCut
from worker.codec import DEAD_LETTERS
from worker.detection import Detection
from worker.hearing import Hearing
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import Flag, Transcript
from worker.rulebook import Rulebook
from worker.service import Limits, Service

ROOT = Path(__file__).parent.parent.parent
LABELS = load_labels(ROOT / "configs" / "labels.yaml")
STREAMS = ("tea-zh", "pillow-en")
CHUNK_S, CHUNKS = 3, 7
STARTED = 1_790_000_000_000

Span = tuple[float, float]


class ByThread:
    """Decodes raw sound in the caller."""

    def decode_all(self, jobs: list[tuple[bytes, str]]) -> list[NDArray[np.float32]]:
        assert all(is_raw(kind) for _, kind in jobs)
        return [decode(value, kind, 60) for value, kind in jobs]


class Remembering:
    """The real VAD, asked once about each sound: hundreds of runs hear the same one."""

    def __init__(self) -> None:
        self._real = SpeechDetector()
        self._known: dict[tuple[bytes, ...], tuple[NDArray[np.float32], VadState]] = {}

    def start(self) -> VadState:
        return self._real.start()

    def feed(self, state: VadState, samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], VadState]:
        key = tuple(part.tobytes() for part in (state.h, state.c, state.context, state.unfinished, samples))
        if key not in self._known:
            self._known[key] = self._real.feed(state, samples)
        return self._known[key]


VAD = Remembering()


@cache
def recording(name: str) -> NDArray[np.float32]:
    blocks: Iterator[NDArray[np.float32]] = read_file(ROOT / "configs" / "samples" / f"{name}.opus", 10.0)
    return np.concatenate([next(blocks) for _ in range(3)])[: CHUNK_S * CHUNKS * 16_000]


def headers_of(stream: str, sequence: int, end: bool = False) -> tuple[tuple[str, bytes], ...]:
    offset = sequence * CHUNK_S * 1000
    values = {
        "stream_id": stream, "streamer_id": f"host-{stream}", "sequence": sequence, "offset_ms": offset,
        "started_at": STARTED + offset, "content_type": "audio/L16;rate=16000", "end": int(end),
    }  # fmt: skip
    return tuple((name, str(value).encode()) for name, value in values.items())


def fill(log: MemoryLog, streams: tuple[str, ...] = STREAMS) -> None:
    """Chunk after chunk of the streams in turn, then their ends."""
    for sequence in range(CHUNKS):
        for stream in streams:
            sound = recording(stream)[sequence * CHUNK_S * 16_000 :][: CHUNK_S * 16_000]
            log.append("live.audio", stream, (sound * 32767).astype("<i2").tobytes(), headers_of(stream, sequence))
    for stream in streams:
        log.append("live.audio", stream, b"", headers_of(stream, CHUNKS, end=True))


def detection(parrot: Parrot, decoders: ByThread | None = None) -> Detection:
    hearing = Hearing(decoders or ByThread(), VAD, CutRules(), lambda samples: samples[None, :10])
    book = Rulebook(labels=LABELS, finder=Keywords({"最低价": "PRICE_LOWEST_CLAIM"}))
    return Detection(hearing, parrot, lambda: book, clock=lambda: STARTED / 1000)


def work(bus: MemoryBus, batch: int, parrot: Parrot | None = None, decoders: ByThread | None = None) -> None:
    """One process's life: until everything is read and done, or it dies."""
    limits = Limits(batch_messages=batch, tick_s=0)
    service = Service(bus, detection(parrot or Parrot(), decoders), limits, pools=(Inline(), Lazy()))
    quiet = 0
    while quiet < 6:
        service.step(timeout=0)
        quiet = quiet + 1 if all(bus.positions().get(p) == end for p, end in bus.ends().items()) else 0


def joined(log: MemoryLog) -> dict[tuple[str, str], list[Span]]:
    """Flags as a consumer counts them: of one stream and label, overlapping ones are one."""
    spans: dict[tuple[str, str], set[Span]] = defaultdict(set)
    for message in log.messages(Flag.topic):
        flag = Flag.model_validate_json(message.value or b"")
        for claim in flag.claims:
            spans[flag.stream_id, claim.label].add((flag.start_ms or 0, flag.end_ms or 0))
    return {key: _union(sorted(found)) for key, found in spans.items()}


def _union(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for start, end in spans:
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def same(got: dict[tuple[str, str], list[Span]], wanted: dict[tuple[str, str], list[Span]]) -> None:
    """One for one: as many of each stream and label, each overlapping its own."""
    assert {key: len(spans) for key, spans in got.items()} == {key: len(spans) for key, spans in wanted.items()}
    for key, spans in wanted.items():
        for mine, theirs in zip(got[key], spans, strict=True):
            assert max(mine[0], theirs[0]) < min(mine[1], theirs[1]), (key, mine, theirs)


def in_order(log: MemoryLog) -> None:
    """What a consumer counts first comes first: the joined utterances of a stream appear in the order of its time."""
    seen: dict[str, list[Span]] = defaultdict(list)
    for message in log.messages(Transcript.topic):
        one = Transcript.model_validate_json(message.value or b"")
        seen[one.stream_id].append((one.start_ms or 0, one.end_ms or 0))
    for spans in seen.values():
        groups = _union(sorted(spans))
        firsts = [next(n for n, s in enumerate(spans) if s[0] < end and start < s[1]) for start, end in groups]
        assert firsts == sorted(firsts)


@cache
def undisturbed() -> dict[tuple[str, str], list[Span]]:
    log = MemoryLog()
    fill(log)
    work(MemoryBus(log, "g", ["live.audio"]), 8)
    return joined(log)


def run_with_death(fuse: Fuse, late: bool, batch: int, parrot: Callable[[], Parrot] = Parrot) -> MemoryLog:
    """Start again after each death, as a supervisor would."""
    log = MemoryLog()
    fill(log)
    for _ in range(10):
        bus = DyingBus(log, "g", ["live.audio"], fuse, late)
        try:
            work(bus, batch, parrot())
        except PowerCut:
            bus.close()
            continue
        return log
    raise AssertionError("still dying after ten starts")


def test_the_undisturbed_run_is_worth_comparing_with() -> None:
    """Several utterances in each stream, some across the border of two chunks."""
    runs = undisturbed()
    assert len(runs) == 2
    assert all(len(spans) >= 4 for spans in runs.values())
    assert any(a // 3000 != b // 3000 for spans in runs.values() for a, b in spans)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("batch", [1, 8])
def test_death_at_every_publish_flush_and_commit(batch: int, late: bool) -> None:
    """Whichever one call is the last, a second start ends with the same flags, one for one, in order."""
    wanted, deaths = undisturbed(), 0
    for blows_at in range(1, 1000):
        fuse = Fuse(blows_at)
        log = run_with_death(fuse, late, batch)
        if fuse.left is not None:
            break
        deaths += 1
        same(joined(log), wanted)
        in_order(log)
        assert log.messages(DEAD_LETTERS) == []
    assert deaths > 30


@pytest.mark.parametrize("batch", [1, 8])
def test_death_between_prepare_of_the_next_batch_and_handle_of_this(batch: int) -> None:
    """Recognition dies with the next batch already prepared: what that one held is heard again."""
    wanted, deaths = undisturbed(), 0
    for blows_at in range(1, 100):
        fuse = Fuse(blows_at)
        log = run_with_death(Fuse(None), False, batch, lambda fuse=fuse: Parrot(fuse=fuse))
        if fuse.left is not None:
            break
        deaths += 1
        same(joined(log), wanted)
        in_order(log)
    assert deaths >= 2


KILLER = b"KILL" * 100


class Deadly(ByThread):
    """A decoder that takes the whole process with it on one chunk."""

    def decode_all(self, jobs: list[tuple[bytes, str]]) -> list[NDArray[np.float32]]:
        if any(value == KILLER for value, _ in jobs):
            raise PowerCut
        return super().decode_all(jobs)


def test_a_chunk_that_kills_behind_a_held_utterance_is_set_aside() -> None:
    """Sound of another stream is held when it comes, so the committed position lies before it; it becomes the one
    dead letter, and nothing of the others is lost (rows that run alone are cut at their ends)."""
    log = MemoryLog()
    fill(log)
    messages = log.messages("live.audio")
    log = MemoryLog()
    for number, one in enumerate(messages):
        log.append(one.topic, one.key, one.value, one.headers)
        if number == 5:
            log.append("live.audio", "killer", KILLER, headers_of("killer", 0))
    for _ in range(12):
        bus = MemoryBus(log, "g", ["live.audio"])
        try:
            work(bus, 4, decoders=Deadly())
        except PowerCut:
            bus.close()
        else:
            break
    assert [m.value for m in log.messages(DEAD_LETTERS)] == [KILLER]
    found = joined(log)
    for key, spans in undisturbed().items():
        assert all(any(a < end and start < b for a, b in found[key]) for start, end in spans)


@pytest.mark.parametrize("speed", [1, 50, 1_000_000])
def test_the_same_utterances_at_any_speed(speed: int) -> None:
    """Live, fifty times as fast or out of a backlog: the loop's pauses and ticks never cut a stream elsewhere."""
    now = [0.0]
    log, feed = MemoryLog(clock=lambda: now[0]), MemoryLog()
    fill(feed)
    service = Service(
        MemoryBus(log, "g", ["live.audio"]), detection(Parrot()), Limits(batch_messages=4, tick_s=0.5),
        pools=(Inline(), Lazy()), clock=lambda: now[0],
    )  # fmt: skip
    for number, one in enumerate(feed.messages("live.audio")):
        now[0] = 1000 + (number // 2) * CHUNK_S / speed
        log.append(one.topic, one.key, one.value, one.headers)
        for _ in range(4 if speed < 1000 else 0):
            service.step(timeout=0)
    for _ in range(40):
        now[0] += 0.6
        service.step(timeout=0)
    assert joined(log) == undisturbed()


def test_two_deaths_in_a_row_are_no_worse() -> None:
    """A death right after the restart, too."""
    for first in range(3, 60, 7):
        log = MemoryLog()
        fill(log)
        for blows_at in (first, 5, None):
            bus = DyingBus(log, "g", ["live.audio"], Fuse(blows_at))
            try:
                work(bus, 8)
            except PowerCut:
                bus.close()
        same(joined(log), undisturbed())
