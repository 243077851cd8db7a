"""The whole worker on a real Kafka, from outside: kcat puts sound in and takes flags out.

Each test has a broker of its own, since the topics' names are a contract.
"""

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
import pytest
from kafka import KafkaAdminClient

from models.audio import read_file
from tests.kafka.broker import Broker
from tests.parts import need

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]

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
    """One `pinocchio work` process."""

    def __init__(self, address: str, folder: Path, name: str) -> None:
        self.port, self.log = free_port(), folder / f"{name}.log"
        config = folder / f"{name}.yaml"
        config.write_text(
            f"kafka: {{bootstrap_servers: '{address}', session_timeout_s: 6}}\n"
            f"metrics: {{listen: '127.0.0.1:{self.port}'}}\n"
            "detection: {batch_messages: 4}\nspeech: {threads: 1}\nwork: {grace_s: 20}\n",
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

    def send(self, number: int) -> None:
        self.process.send_signal(number)


@contextmanager
def running(address: str, folder: Path, *names: str) -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        workers = [Worker(address, folder, name) for name in names]
        for worker in workers:
            stack.callback(worker.process.wait)
            stack.callback(worker.process.kill)
        for worker in workers:
            until(worker.ready, f"{worker.log} to say ready")
        yield workers


def until(holds: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.3)


def produce(address: str, stream: str, sequence: int, file: Path, content_type: str, end: bool = False) -> None:
    """One chunk, by kcat: the file is the value, the rest are headers."""
    offset = sequence * CHUNK_S * 1000
    headers = {
        "stream_id": stream, "streamer_id": f"host-{stream}", "sequence": sequence, "offset_ms": offset,
        "started_at": STARTED + offset, "content_type": content_type, "end": int(end),
    }  # fmt: skip
    options = [part for name, value in headers.items() for part in ("-H", f"{name}={value}")]
    command = [need("kcat", "kcat"), "-P", "-b", address, "-t", "live.audio", "-k", stream, *options, str(file)]
    subprocess.run(command, check=True, capture_output=True)


def consume(address: str, topic: str) -> list[dict[str, object]]:
    """Everything in a topic, by kcat: key, headers and value."""
    command = [need("kcat", "kcat"), "-C", "-b", address, "-t", topic, "-e", "-q", "-J"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


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


def play(address: str, stream: str, files: list[Path], folder: Path) -> None:
    for sequence, file in enumerate(files):
        produce(address, stream, sequence, file, "audio/L16;rate=16000")
    empty = folder / "empty"
    empty.touch()
    produce(address, stream, len(files), empty, "audio/L16;rate=16000", end=True)


@pytest.fixture
def broker(own_kafka: Callable[[], Broker]) -> Broker:
    started = own_kafka()
    counts = ("--partitions", "4", "--replication", "1")
    made = pinocchio("topics", "create", "--bootstrap-servers", started.address, *counts)
    assert "made live.audio" in made
    return started


def committed(address: str) -> dict[tuple[str, int], int]:
    admin = KafkaAdminClient(bootstrap_servers=address)
    try:
        found = admin.list_group_offsets(GROUP)[GROUP]
        return {(p.topic, p.partition): o.offset for p, o in found.items()}
    finally:
        admin.close()


def test_kcat_in_kcat_out(broker: Broker, tmp_path: Path) -> None:
    """Raw sound and a line of text written by an independent client come out as flags it can read; nonsense as a
    dead letter with its reason; and SIGTERM ends the worker cleanly."""
    files = cut("tea-zh", 60, tmp_path)
    line = {
        "text_id": "t1", "stream_id": "room", "streamer_id": "host-room", "kind": "pinned", "author_role": "host",
        "text": "全网最低价，错过再等一年", "sent_at": STARTED,
    }  # fmt: skip
    text = tmp_path / "line.json"
    text.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    with running(broker.address, tmp_path, "one") as (worker,):
        play(broker.address, "room", files, tmp_path)
        subprocess.run(["kcat", "-P", "-b", broker.address, "-t", "live.text", "-k", "room", str(text)], check=True)
        produce(broker.address, "bad room!", 0, files[0], "audio/L16;rate=16000")
        until(lambda: any(f["flag_id"] == "t1" for f in flags_of(broker.address)), "the flag of the text")
        until(lambda: len(consume(broker.address, "moderation.heard")) == 13, "every chunk heard")
        until(lambda: consume(broker.address, "moderation.dead-letters"), "the dead letter")
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=5) as answer:
            assert b"pinocchio_audio_seconds_total 60.0" in answer.read()
        worker.send(signal.SIGTERM)
        assert worker.process.wait(30) == 0
    written = next(f for f in flags_of(broker.address) if f["flag_id"] == "t1")
    assert [c["label"] for c in written["claims"]] == ["PRICE_LOWEST_CLAIM"]  # type: ignore[union-attr, attr-defined]
    assert written["start_ms"] is None
    transcripts = [json.loads(str(m["payload"])) for m in consume(broker.address, "moderation.transcripts")]
    spoken = [t for t in transcripts if t["source"] == "speech"]
    assert len(spoken) >= 8
    assert all(t["sound"] for t in spoken)
    letter = consume(broker.address, "moderation.dead-letters")[0]
    headers = dict(zip(letter["headers"][::2], letter["headers"][1::2], strict=True))  # type: ignore[index]
    assert headers["reason"].startswith("bad_headers")
    assert headers["origin_topic"] == "live.audio"


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


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped and woken"])
def test_two_workers_one_falls(broker: Broker, tmp_path: Path, death: int) -> None:
    """One of two is killed in mid-batch, or stopped past its session and woken: the other takes over, every
    utterance of every stream is there, and no committed position ever goes back."""
    names = ("tea-zh", "honey-zh", "pillow-en", "jade-zh", "phone-zh", "supplements-en")
    recordings = {name: cut(name, 40, tmp_path) for name in names}
    seen: list[dict[tuple[str, int], int]] = []
    with running(broker.address, tmp_path, "one", "two") as (first, _):
        for name, files in recordings.items():
            play(broker.address, name, files, tmp_path)
        until(lambda: len(consume(broker.address, "moderation.transcripts")) >= 5, "work to be under way")
        first.send(death)
        woken = time.monotonic() + 9

        def all_heard() -> bool:
            seen.append(committed(broker.address))
            if death == signal.SIGSTOP and time.monotonic() > woken:
                first.send(signal.SIGCONT)
            return len(heard_ids(broker.address)) == sum(len(files) + 1 for files in recordings.values())

        until(all_heard, "every chunk of every stream")
        until(lambda: seen.append(committed(broker.address)) or sum(seen[-1].values()) >= 54, "every chunk committed")
        if death == signal.SIGSTOP:
            time.sleep(8)
            seen.append(committed(broker.address))
    for before, after in zip(seen, seen[1:], strict=False):
        assert all(after.get(p, 0) >= offset for p, offset in before.items())
    wanted = undisturbed(broker, recordings, tmp_path)
    got = spans(broker.address, "moderation.transcripts")
    for name in names:
        assert len(got[name]) == len(wanted[name]), name
        for mine, theirs in zip(got[name], wanted[name], strict=True):
            assert max(mine[0], theirs[0]) < min(mine[1], theirs[1])


def undisturbed(broker: Broker, recordings: dict[str, list[Path]], folder: Path) -> dict[str, list[tuple[int, int]]]:
    """The same recordings as other streams, through one worker that nothing happens to."""
    with running(broker.address, folder, "calm"):
        for name, files in recordings.items():
            play(broker.address, f"calm-{name}", files, folder)

        chunks = sum(len(files) + 1 for files in recordings.values())
        until(lambda: sum(i.startswith("calm-") for i in heard_ids(broker.address)) == chunks, "every calm chunk")
    found = spans(broker.address, "moderation.transcripts")
    return {name: found[f"calm-{name}"] for name in recordings}
