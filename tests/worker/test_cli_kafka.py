"""The commands that work on Kafka, against a real broker of their own, one after the other as operators use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.kafka.broker import Broker
from tests.models import tiny_whisper
from worker.bus import Message
from worker.codec import decode
from worker.kafka_bus import KafkaBus, KafkaSettings
from worker.records import Flag
from worker.resources import resource

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent


class Operator:
    """Types commands, with one configuration."""

    def __init__(self, config: Path, servers: str) -> None:
        self.config, self.servers = config, servers

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "worker.cli", *words, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)

    def start(self, *words: str, log: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "worker.cli", *words, "--config", str(self.config)]
        with log.open("wb") as file:
            return subprocess.Popen(command, stderr=file, cwd=ROOT, env=dict(os.environ))

    def messages(self, topic: str, count: int, group: str) -> list[Message]:
        """At least so many messages of a topic, from its beginning."""
        bus = KafkaBus(KafkaSettings(self.servers), group, (topic,))
        try:
            found: list[Message] = []
            deadline = time.monotonic() + 120
            while len(found) < count and time.monotonic() < deadline:
                found += bus.poll(100, 1.0)
            return found
        finally:
            bus.close()


@pytest.fixture
def operator(own_kafka: Callable[[], Broker], tmp_path: Path) -> Operator:
    tiny_whisper.need_torch()
    tokens = tiny_whisper.tokenizer()
    ids = [*tokens.encode("全网最低价", add_special_tokens=False).ids, tokens.token_to_id("<|endoftext|>")]
    model = tiny_whisper.saved(tiny_whisper.saying(tokens, ids, 2, 4.0), tokens, tmp_path / "model")
    broker = own_kafka()
    config = {
        "kafka": {"bootstrap_servers": broker.address},
        "speech": {"model": model, "device": "cpu"},
        "metrics": {"listen": "127.0.0.1:0"},
    }
    file = tmp_path / "pinocchio.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return Operator(file, broker.address)


def logged(log: Path, event: str, patience: float = 120) -> dict[str, str]:
    """The log line of an event; every line is JSON."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        lines = [
            json.loads(line) for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1:] == "\n"
        ]
        for line in lines:
            if line["event"] == event:
                return dict(line)
        time.sleep(0.2)
    raise AssertionError(f"{event!r} never came:\n{log.read_text(encoding='utf-8')}")


def answered(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_from_empty_brokers_to_flags_and_back(operator: Operator, tmp_path: Path) -> None:
    """Topics are made, a worker gets ready and flags a replay, a broken message is listed and retried, all ends."""
    missing = operator.run("dead-letters", "list")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "pinocchio topics create" in missing.stderr

    made = operator.run("topics", "create", "--partitions", "2")
    assert "made live.audio" in made.stdout.splitlines()
    again = operator.run("topics", "create", "--partitions", "3")
    assert "kept live.audio: partitions is 2, not 3" in again.stdout.splitlines()
    assert (made.returncode, again.returncode) == (0, 0)
    too_many = operator.run("topics", "create", "--replication", "3")
    assert too_many.returncode == 0 or len(too_many.stderr.splitlines()) == 1

    log = tmp_path / "work.log"
    worker = operator.start("work", log=log)
    try:
        url = logged(log, "serving metrics and health")["url"]
        logged(log, "joining the group")
        deadline = time.monotonic() + 60
        while (ready := answered(f"{url}/readyz")) != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert (ready, answered(f"{url}/livez"), answered(f"{url}/metrics")) == (200, 200, 200)

        played = operator.run(
            "replay", str(resource("configs/samples/pillow-en.opus")), "--streams", "2", "--speed", "50",
            "--codec", "flac", "--prefix", "run",
        )  # fmt: skip
        assert played.returncode == 0, played.stderr
        assert played.stdout.startswith("2 streams run-0001 to run-0002: 60 messages, 04:4")
        flags = [decode(Flag, message) for message in operator.messages("moderation.flags", 40, "look")]
        assert {flag.stream_id for flag in flags} == {"run-0001", "run-0002"}

        bus = KafkaBus(KafkaSettings(operator.servers), "write", ("live.audio",))
        bus.publish("live.audio", "x", b"no sound", (("stream_id", b"x"),))
        bus.flush()
        bus.close()
        assert len(operator.messages("moderation.dead-letters", 1, "letters")) == 1
        listed = operator.run("dead-letters", "list", "--format", "jsonl")
        (letter,) = [json.loads(line) for line in listed.stdout.splitlines()]
        assert letter["reason"].startswith("bad_headers")

        retried = operator.run("dead-letters", "retry", letter["origin"])
        assert retried.returncode == 0, retried.stderr
        assert f"{letter['origin']} published anew to live.audio" in retried.stdout
        assert len(operator.messages("moderation.dead-letters", 2, "letters-2")) == 2
        assert "2 published anew, 0 not" in operator.run("dead-letters", "retry", "--all").stdout
        never = operator.run("dead-letters", "retry", "live.audio/0/999")
        assert (never.returncode, len(never.stderr.splitlines())) == (1, 1)
    finally:
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(60)
    assert code == 0
    logged(log, "stopped", 1)


def test_a_worker_waits_for_its_brokers(tmp_path: Path) -> None:
    """Without brokers it is alive and not ready, says why once, and stops at once when asked."""
    tiny_whisper.need_torch()
    tokens = tiny_whisper.tokenizer()
    model = tiny_whisper.saved(tiny_whisper.random_model(tokens), tokens, tmp_path / "model")
    config = tmp_path / "pinocchio.yaml"
    settings = {"kafka": {"bootstrap_servers": "127.0.0.1:1", "timeout_s": 1.0}, "speech": {"model": model},
                "metrics": {"listen": "127.0.0.1:0"}}  # fmt: skip
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    log = tmp_path / "work.log"
    worker = Operator(config, "").start("work", log=log)
    try:
        url = logged(log, "serving metrics and health")["url"]
        assert "127.0.0.1:1" in logged(log, "waiting for a dependency")["reason"]
        assert (answered(f"{url}/readyz"), answered(f"{url}/livez")) == (503, 200)
    finally:
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(30)
    assert code == 0
