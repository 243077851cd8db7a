"""Some minutes of trouble under load: workers killed, stopped and woken, the broker killed and started again.

Run by `make chaos`, not with the tests. The trouble is drawn from a seed that a failure prints.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.workers import Worker, committed, cut, heard_ids, pinocchio, play, until

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]

STREAMS = ("tea-zh", "honey-zh", "jade-zh", "phone-zh", "pillow-en", "supplements-en")
MINUTES = float(os.environ.get("CHAOS_MINUTES", "3"))


def test_a_storm_loses_nothing(own_kafka: Callable[[], Broker], tmp_path: Path) -> None:
    """Whatever happens to workers and broker, every chunk is heard in the end and no position goes back."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    draw, broker = random.Random(seed), own_kafka()  # noqa: S311  not for secrets
    counts = ("--partitions", "4", "--replication", "1")
    pinocchio("topics", "create", "--bootstrap-servers", broker.address, *counts)
    recordings = {name: cut(name, 60, tmp_path) for name in STREAMS}
    for name, files in recordings.items():
        play(broker.address, name, files)
    seen: list[dict[tuple[str, int], int]] = []
    with ExitStack() as stack:
        workers = [Worker(broker.address, tmp_path, f"w{n}") for n in range(3)]
        for worker in workers:
            stack.callback(lambda w=worker: (w.process.kill(), w.process.wait()))
        until(lambda: all(worker.ready() for worker in workers), "the workers to be ready")
        over = time.monotonic() + MINUTES * 60
        while time.monotonic() < over:
            trouble(draw, broker, workers, tmp_path, stack)
            seen.append(committed(broker.address))
        chunks = sum(len(files) + 1 for files in recordings.values())
        until(lambda: len(heard_ids(broker.address)) == chunks, f"every chunk (seed {seed})", 180)
        seen.append(committed(broker.address))
    for before, after in zip(seen, seen[1:], strict=False):
        assert all(after.get(p, 0) >= offset for p, offset in before.items()), f"seed {seed}"


def trouble(draw: random.Random, broker: Broker, workers: list[Worker], folder: Path, stack: ExitStack) -> None:
    """One mishap and the time to get over it."""
    at = draw.randrange(len(workers))
    match draw.choice(("kill", "stop", "broker", "calm")):
        case "kill":
            workers[at].send(signal.SIGKILL)
            workers[at].process.wait()
            workers[at] = Worker(broker.address, folder, f"w{at}-{time.monotonic_ns()}")
            stack.callback(lambda w=workers[at]: (w.process.kill(), w.process.wait()))
        case "stop":
            workers[at].send(signal.SIGSTOP)
            time.sleep(draw.uniform(2, 10))
            workers[at].send(signal.SIGCONT)
        case "broker":
            broker.kill()
            time.sleep(draw.uniform(1, 10))
            broker.start()
        case _:
            time.sleep(5)
    time.sleep(draw.uniform(3, 10))
