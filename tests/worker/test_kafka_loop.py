"""What kafka-python waits for without a limit, we wait for with one. No broker is needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from kafka.future import Future

from worker.kafka_bus.client import Loop


class Impatient(Loop):
    patience_s = 1.0


@pytest.fixture
def loop() -> Iterator[Impatient]:
    made = Impatient()
    made.start()
    yield made
    made.close()


async def answer(value: int) -> int:
    return value


async def refuse() -> None:
    raise ValueError("no")


async def never() -> None:
    await Future()


def test_answers_and_errors_come_back(loop: Impatient) -> None:
    """What a coroutine gives or raises is what ``run`` gives or raises, also from many threads at once."""
    assert loop.run(answer, 5) == 5
    with pytest.raises(ValueError, match="no"):
        loop.run(refuse)
    found: list[int] = []
    threads = [threading.Thread(target=lambda n=n: found.append(loop.run(answer, n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(20))


def test_a_lost_answer_is_not_waited_for_for_ever(loop: Impatient) -> None:
    """It says that the loop is stuck, after its patience and not before."""
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="stuck"):
        loop.run(never)
    assert time.monotonic() - began >= Impatient.patience_s


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("last", [never, refuse])
def test_a_dead_loop_is_noticed(loop: Impatient, last: Callable[[], Awaitable[object]]) -> None:
    """Whoever waits while it dies is told, and whoever comes later."""
    began = time.monotonic()
    threading.Timer(0.2, lambda: (loop.call_at("no time", never), loop.wakeup())).start()
    with pytest.raises(RuntimeError, match="has died"):
        loop.run(never)
    with pytest.raises(TypeError):
        loop.run(last)
    assert time.monotonic() - began < Impatient.patience_s
