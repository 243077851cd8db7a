"""What may be committed, and what a crash remembers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.bus import MAX_METADATA
from worker.positions import SUSPECT_AFTER, Crashes, Progress

offsets = st.lists(st.integers(0, 60), unique=True, max_size=20).map(sorted)


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[tuple[str, int]]]:
    """A start and what comes after it: offsets read in rising order with gaps, handled and freed later or never."""
    start = draw(st.integers(0, 5))
    read = [start + offset for offset in draw(offsets)]
    later = [(what, offset) for offset in read for what in ("handled", "freed") if draw(st.integers(0, 3))]
    steps: list[tuple[str, int]] = [("read", offset) for offset in read]
    for step in draw(st.permutations(later)):
        earliest = steps.index(("read", step[1])) + 1
        steps.insert(draw(st.integers(earliest, len(steps))), step)
    return start, steps


def first_missing(start: int, read: list[int], done: set[int]) -> int:
    """What the progress is, told the slow way: the first offset read that is not done, else the one after the last."""
    return next((offset for offset in read if offset not in done), read[-1] + 1 if read else start)


@given(histories())
def test_progress_is_what_a_naive_model_says(history: tuple[int, list[tuple[str, int]]]) -> None:
    """In any order of handling and freeing, with gaps, commit and frontier are the first offsets that are not done."""
    start, steps = history
    progress = Progress(start)
    read: list[int] = []
    done: dict[str, set[int]] = {"handled": set(), "freed": set()}
    before = start
    for what, offset in steps:
        if what == "read":
            progress.read(offset)
            read.append(offset)
        else:
            getattr(progress, what)([offset])
            done[what].add(offset)
        assert progress.frontier == first_missing(start, read, done["handled"])
        assert progress.committable == first_missing(start, read, done["freed"])
        assert all(offset in done["freed"] for offset in read if offset < progress.committable)
        assert progress.committable >= before
        before = progress.committable


def test_many_at_once() -> None:
    """Offsets may be handled and freed in one call, and the same one twice."""
    progress = Progress(10)
    for offset in (10, 11, 15):
        progress.read(offset)
    progress.handled([15, 10])
    progress.freed([11, 10, 10])
    progress.freed([10])
    assert (progress.frontier, progress.committable) == (11, 15)
    progress.handled([11])
    progress.freed([15])
    assert (progress.frontier, progress.committable) == (16, 16)


numbers = st.integers(0, 2**63 - 1)
crashes = st.builds(
    Crashes, numbers, st.integers(0, 1000), st.none() | numbers, st.lists(numbers, max_size=30).map(sorted).map(tuple)
)


@given(crashes)
def test_metadata_round_trip(stored: Crashes) -> None:
    """What is stored with a commit comes back as it was."""
    assert Crashes.from_metadata(stored.to_metadata(), 0) == stored


def test_a_frontier_never_lies_below_the_commit() -> None:
    """Where the log was committed further than the frontier remembered, that is the frontier."""
    assert Crashes.from_metadata(Crashes(5, 2).to_metadata(), 9) == Crashes(9, 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "5",
        "[]",
        "{}",
        "\x00",
        "[" * MAX_METADATA,
        '{"frontier":1,"deaths":0,"trying":null}',
        '{"frontier":1,"deaths":0,"trying":null,"skip":5}',
        '{"frontier":1,"deaths":0,"trying":null,"skip":"abc"}',
        '{"frontier":1,"deaths":0,"trying":"7","skip":[]}',
        '{"frontier":1,"deaths":0,"trying":null,"skip":[[1]]}',
        '{"frontier":-1,"deaths":0,"trying":null,"skip":[]}',
        '{"frontier":1,"deaths":-5,"trying":null,"skip":[]}',
        '{"frontier":1.5,"deaths":0,"trying":null,"skip":[]}',
        '{"frontier":true,"deaths":0,"trying":null,"skip":[]}',
        '{"frontier":NaN,"deaths":0,"trying":null,"skip":[]}',
        '{"frontier":Infinity,"deaths":0,"trying":null,"skip":[]}',
        '{"frontier":1e999,"deaths":1,"trying":null,"skip":[]}',
        '{"frontier":9223372036854775808,"deaths":1,"trying":null,"skip":[]}',
    ],
)
def test_metadata_of_somebody_else(text: str) -> None:
    """Metadata that is none of ours is a fresh start at the committed offset."""
    assert Crashes.from_metadata(text, 7) == Crashes(7)


@given(st.text(max_size=50))
def test_no_metadata_breaks_it(text: str) -> None:
    """Whatever text was stored, there is an answer, and the present offset is not above its frontier."""
    assert Crashes.from_metadata(text, 7).frontier >= 7


def test_metadata_fits() -> None:
    """Rows set aside are stored up to the last character Kafka takes; those that do not fit are the highest."""
    base = Crashes(1000, skip=tuple(range(1000, 1000 + (MAX_METADATA - len(Crashes(1000).to_metadata()) + 1) // 5)))
    room = MAX_METADATA - len(base.to_metadata())
    assert 0 <= room < 5
    full = replace(base, frontier=int("1" + "0" * (3 + room)))
    assert len(full.to_metadata()) == MAX_METADATA
    assert Crashes.from_metadata(full.to_metadata(), 0) == full
    over = replace(full, frontier=full.frontier * 10)
    assert len(over.to_metadata()) <= MAX_METADATA
    assert Crashes.from_metadata(over.to_metadata(), 0) == replace(over, skip=over.skip[:-1])


def test_deaths_without_progress() -> None:
    """Each start counts as a death in advance; after three deaths the next start tries rows one by one."""
    now = Crashes(40)
    seen = []
    for _ in range(SUSPECT_AFTER + 1):
        now = Crashes.from_metadata(now.started().to_metadata(), 40)
        seen.append(now.suspicious)
    assert seen == [False, False, False, True]
    assert now == Crashes(40, SUSPECT_AFTER + 1)


def test_the_row_that_kills_is_set_aside() -> None:
    """The row that ran alone at the last death joins those set aside; its neighbours go on being tried one by one."""
    now = Crashes(40, 4, trying=42, skip=(41, 50)).started()
    assert now == Crashes(40, 5, None, (41, 42, 50))
    assert now.suspicious


def test_the_same_row_twice() -> None:
    """A row is set aside once, also when the process dies again before it was passed."""
    assert Crashes(40, 4, trying=41, skip=(41,)).started().skip == (41,)
