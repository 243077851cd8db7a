"""The whole worker on a real Kafka, from outside: kcat puts sound in and takes flags out.

Each test has a broker of its own, since the topics' names are a contract.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.workers import (
    STARTED,
    committed,
    consume,
    cut,
    flags_of,
    heard_ids,
    pinocchio,
    play,
    produce,
    running,
    spans,
    until,
)  # fmt: skip

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def broker(own_kafka: Callable[[], Broker]) -> Broker:
    started = own_kafka()
    counts = ("--partitions", "4", "--replication", "1")
    made = pinocchio("topics", "create", "--bootstrap-servers", started.address, *counts)
    assert "made live.audio" in made
    return started


def test_kcat_in_kcat_out(broker: Broker, tmp_path: Path) -> None:
    """Raw sound and a line of text written by an independent client come out as flags it can read; nonsense as a
    dead letter with its reason; and SIGTERM ends the worker cleanly."""
    files = cut("tea-zh", 60, tmp_path)
    line = {
        "text_id": "t1", "stream_id": "room", "streamer_id": "host-room", "kind": "pinned", "author_role": "host",
        "text": "这壶就是全网最低价", "sent_at": STARTED,
    }  # fmt: skip
    text = tmp_path / "line.json"
    text.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    with running(broker.address, tmp_path, "one") as (worker,):
        play(broker.address, "room", files)
        subprocess.run(["kcat", "-P", "-b", broker.address, "-t", "live.text", "-k", "room", str(text)], check=True)
        produce(broker.address, "bad room!", 0, files[0], "audio/L16;rate=16000")
        huge = tmp_path / "huge"
        huge.write_bytes(b"x" * (4 * 1024 * 1024))
        produce(broker.address, "huge", 0, huge, "audio/ogg")
        until(lambda: any(f["flag_id"] == "t1" for f in flags_of(broker.address)), "the flag of the text")
        until(lambda: len(consume(broker.address, "moderation.heard")) == 13, "every chunk heard")
        until(lambda: len(letters(broker.address)) == 2, "the dead letters")
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/metrics", timeout=5) as answer:
            assert b"pinocchio_audio_seconds_total 60.0" in answer.read()
        assert "worker/service.py" in worker.told(), "asked by SIGUSR1, it tells where its threads are"
        worker.send(signal.SIGTERM)
        assert worker.process.wait(30) == 0
    written = next(f for f in flags_of(broker.address) if f["flag_id"] == "t1")
    assert [c["label"] for c in written["claims"]] == ["PRICE_LOWEST_CLAIM"]  # type: ignore[union-attr, attr-defined]
    assert written["start_ms"] is None
    transcripts = [json.loads(str(m["payload"])) for m in consume(broker.address, "moderation.transcripts")]
    spoken = [t for t in transcripts if t["source"] == "speech"]
    assert len(spoken) >= 8
    assert all(t["sound"] for t in spoken)
    first, second = sorted(letters(broker.address), key=lambda headers: headers["reason"])
    assert first["reason"].startswith("bad_audio")
    assert first["sha256"] == hashlib.sha256(huge.read_bytes()).hexdigest()
    assert second["reason"].startswith("bad_headers")
    assert second["origin_topic"] == "live.audio"


def letters(address: str) -> list[dict[str, str]]:
    """The headers of every dead letter."""
    lists = [message["headers"] for message in consume(address, "moderation.dead-letters")]
    return [dict(zip(one[::2], one[1::2], strict=True)) for one in lists]  # type: ignore[index]


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped and woken"])
def test_two_workers_one_falls(broker: Broker, tmp_path: Path, death: int) -> None:
    """One of two is killed in mid-batch, or stopped past its session and woken: the other takes over, every
    utterance of every stream is there, and no committed position ever goes back."""
    names = ("tea-zh", "honey-zh", "pillow-en", "jade-zh", "phone-zh", "supplements-en")
    recordings = {name: cut(name, 40, tmp_path) for name in names}
    seen: list[dict[tuple[str, int], int]] = []
    with running(broker.address, tmp_path, "one", "two") as (first, _):
        for name, files in recordings.items():
            play(broker.address, name, files)
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
            first.send(signal.SIGCONT)  # if all was heard before it was time to wake it
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
            play(broker.address, f"calm-{name}", files)

        chunks = sum(len(files) + 1 for files in recordings.values())
        until(lambda: sum(i.startswith("calm-") for i in heard_ids(broker.address)) == chunks, "every calm chunk")
    found = spans(broker.address, "moderation.transcripts")
    return {name: found[f"calm-{name}"] for name in recordings}


def test_a_broker_gone_for_a_minute(broker: Broker, tmp_path: Path) -> None:
    """The worker lives on, not ready; afterwards everything is heard, and nothing is a dead letter."""
    names = ("tea-zh", "pillow-en")
    recordings = {name: cut(name, 30, tmp_path) for name in names}
    with running(broker.address, tmp_path, "one") as (worker,):
        play(broker.address, names[0], recordings[names[0]])
        until(lambda: heard_ids(broker.address), "the first chunks")
        broker.kill()
        until(lambda: not worker.ready(), "not ready", 30)
        time.sleep(60)
        assert worker.process.poll() is None
        broker.start()
        play(broker.address, names[1], recordings[names[1]])
        chunks = sum(len(files) + 1 for files in recordings.values())
        until(lambda: len(heard_ids(broker.address)) == chunks, "every chunk")
        until(worker.ready, "ready again", 60)
    assert letters(broker.address) == []
