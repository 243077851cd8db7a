"""How long a group is deaf when a worker dies: from SIGKILL of one to the next flag of what it was reading.

    python -m tests.benchmarks.failover [--rounds 3]

Two workers share four partitions and a stream of text lines, one a second into each partition; one worker is
killed. Its partitions are silent until the broker's session (6 s here) is over and the other has taken them up.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tests.kafka.broker import Broker
from tests.kafka.workers import consume, pinocchio, running

JARS = Path(".cache/kafka")
KEYS = ("a", "b", "c", "d", "e", "f", "g", "h")


def line(stream: str, number: int) -> bytes:
    text = {
        "text_id": f"{stream}-{number}", "stream_id": stream, "streamer_id": f"host-{stream}", "kind": "pinned",
        "text": "全网最低价", "sent_at": round(time.time() * 1000),
    }  # fmt: skip
    return json.dumps(text, ensure_ascii=False).encode()


def talk(address: str, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(1):
        for stream in KEYS:
            command = ["kcat", "-P", "-b", address, "-t", "live.text", "-k", stream]
            subprocess.run(command, input=line(stream, number), check=True)
        number += 1


def longest_silence(address: str, killed_at: float) -> float:
    """Of any stream: seconds from the death to the first flag that was written after it."""
    silences = []
    for stream in KEYS:
        times = [m["ts"] / 1000 for m in consume(address, "moderation.flags") if m["key"] == f"host-{stream}"]
        after = [at for at in times if at > killed_at]
        silences.append(min(after) - killed_at if after else float("inf"))
    return max(silences)


def once() -> float:
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "kafka", JARS) as broker:
        counts = ("--partitions", "4", "--replication", "1")
        pinocchio("topics", "create", "--bootstrap-servers", broker.address, *counts)
        stop = threading.Event()
        talker = threading.Thread(target=talk, args=(broker.address, stop))
        with running(broker.address, Path(folder), "one", "two") as (first, _):
            talker.start()
            time.sleep(12)
            killed_at = time.time()
            first.send(signal.SIGKILL)
            time.sleep(30)
            stop.set()
            talker.join()
        return longest_silence(broker.address, killed_at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    seconds = [round(once(), 1) for _ in range(parser.parse_args().rounds)]
    print(json.dumps({"seconds_from_kill_to_next_flag": seconds, "median": statistics.median(seconds)}))


if __name__ == "__main__":
    main()
