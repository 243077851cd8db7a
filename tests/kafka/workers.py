"""Pinocchio's workers on a real Kafka from outside, as an operator and a platform see them: processes and kcat."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from kafka import KafkaAdminClient

from models.audio import read_file
from tests.parts import need

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "configs" / "samples"
GROUP = "pinocchio-detection"
CHUNK_S, STARTED = 5, 1_795_348_800_000
PATIENCE_S = 120


def pinocchio(*arguments: str) -> str:
    """A command that ends, and what it printed."""
    done = subprocess.run([sys.executable, "-m", "worker.cli", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Worker:
    """One `pinocchio work` process, with the shipped speech model or another."""

    def __init__(self, address: str, folder: Path, name: str, model: str | None = None) -> None:
        self.port, self.log = free_port(), folder / f"{name}.log"
        config = folder / f"{name}.yaml"
        config.write_text(
            f"kafka: {{bootstrap_servers: '{address}', session_timeout_s: 6}}\n"
            f"metrics: {{listen: '127.0.0.1:{self.port}'}}\n"
            f"detection: {{batch_messages: 4}}\nspeech: {{threads: 1, model: {json.dumps(model)}}}\n"
            "work: {grace_s: 20}\n",
            encoding="utf-8",
        )
        self._command = [sys.executable, "-m", "worker.cli", "work", "--config", str(config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=ROOT, stderr=log, stdout=log)

    def ready(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/readyz"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own
            return bool(answer.status == 200)
        return False

    def told(self) -> str:
        """The end of its log but for the brokers it missed, and what its threads do, if it lives."""
        if self.process.poll() is None:
            self.send(signal.SIGUSR1)
            time.sleep(1)
        lines = self.log.read_text("utf-8", "replace").splitlines()
        missed = ("ECONNREFUSED", "backoff/retry")
        return "\n".join([f"{self.log}:", *[line for line in lines if not any(m in line for m in missed)][-400:]])

    def send(self, number: int) -> None:
        self.process.send_signal(number)


@contextmanager
def running(address: str, folder: Path, *names: str, model: str | None = None) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        workers = [Worker(address, folder, name, model) for name in names]
        for worker in workers:
            stack.callback(worker.process.wait)
            stack.callback(worker.process.kill)
        try:
            for worker in workers:
                until(worker.ready, f"{worker.log} to say ready")
            yield workers
        except AssertionError:
            for worker in workers:
                print(worker.told())
            raise


def until(holds: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.3)


def produce(address: str, stream: str, sequence: int, file: Path | None, content_type: str) -> None:
    """One chunk, by kcat: the file is the value, the rest are headers. Without a file the end of the stream."""
    offset = sequence * CHUNK_S * 1000
    headers = {
        "stream_id": stream, "streamer_id": f"host-{stream}", "sequence": sequence, "offset_ms": offset,
        "started_at": STARTED + offset, "content_type": content_type, "end": int(file is None),
    }  # fmt: skip
    options = [part for name, value in headers.items() for part in ("-H", f"{name}={value}")]
    options += ["-X", "message.max.bytes=5000000"]
    value = ["-K", ":"] if file is None else ["-k", stream, str(file)]
    command = [need("kcat", "kcat"), "-P", "-b", address, "-t", "live.audio", *options, *value]
    subprocess.run(command, check=True, capture_output=True, input=f"{stream}:\n".encode())


def consume(address: str, topic: str) -> list[dict[str, object]]:
    """Everything in a topic, by kcat: key, headers and value. What is sound in a dead letter is no text."""
    command = [need("kcat", "kcat"), "-C", "-b", address, "-t", topic, "-e", "-q", "-J"]
    out = subprocess.run(command, check=True, capture_output=True).stdout
    return [json.loads(line.decode("utf-8", "replace")) for line in out.splitlines()]


def flags_of(address: str) -> list[dict[str, object]]:
    return [json.loads(str(message["payload"])) for message in consume(address, "moderation.flags")]


def cut(name: str, seconds: int, folder: Path) -> list[Path]:
    """A sample broadcast in raw chunks."""
    sound = np.concatenate(list(read_file(SAMPLES / f"{name}.opus", 10.0)))[: seconds * 16_000]
    files = []
    for number, first in enumerate(range(0, len(sound), CHUNK_S * 16_000)):
        files.append(folder / f"{name}-{number}.pcm")
        files[-1].write_bytes((sound[first : first + CHUNK_S * 16_000] * 32767).astype("<i2").tobytes())
    return files


def play(address: str, stream: str, files: list[Path]) -> None:
    """A whole recording and its end."""
    for sequence, file in enumerate([*files, None]):
        produce(address, stream, sequence, file, "audio/L16;rate=16000")


def committed(address: str, group: str = GROUP) -> dict[tuple[str, int], int]:
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        found = admin.list_group_offsets(group)[group]
        return {(p.topic, p.partition): o.offset for p, o in found.items()}
    finally:
        admin.close()


def heard_ids(address: str) -> set[str]:
    return {json.loads(str(m["payload"]))["heard_id"] for m in consume(address, "moderation.heard")}


def spans(address: str, topic: str) -> dict[str, list[tuple[int, int]]]:
    """What a consumer counts of a topic: of each stream the spans of time, overlapping ones joined."""
    found: dict[str, set[tuple[int, int]]] = {}
    for message in consume(address, topic):
        one = json.loads(str(message["payload"]))
        if one.get("source") == "speech":
            found.setdefault(one["stream_id"], set()).add((one["start_ms"], one["end_ms"]))
    joined: dict[str, list[tuple[int, int]]] = {}
    for stream, all_of in found.items():
        joined[stream] = []
        for start, end in sorted(all_of):
            if joined[stream] and start < joined[stream][-1][1]:
                joined[stream][-1] = (joined[stream][-1][0], max(end, joined[stream][-1][1]))
            else:
                joined[stream].append((start, end))
    return joined
