"""Rows of cues on a real Kafka: two workers, the call spoken, the flood written, and a death between them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.workers import (
    STARTED,
    committed,
    consume,
    cut,
    flags_of,
    pinocchio,
    play,
    running,
    until,
)  # fmt: skip
from tests.models import tiny_whisper
from tests.parts import need

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(500)]

CALL = "没拍的也打已拍"
ROOMS = [f"room-{number}" for number in range(6)]
PARTITIONS = 4
LINES = 8
GROUP = "pinocchio-sequences"


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A speech model that hears the call in everything."""
    tiny_whisper.need_torch()
    tokens = tiny_whisper.tokenizer()
    ids = [*tokens.encode(CALL, add_special_tokens=False).ids, tokens.token_to_id("<|endoftext|>")]
    return tiny_whisper.saved(tiny_whisper.saying(tokens, ids, 2, 4.0), tokens, tmp_path / "model")


@pytest.fixture
def broker(own_kafka: Callable[[], Broker]) -> Broker:
    started = own_kafka()
    pinocchio(
        "topics", "create", "--bootstrap-servers", started.address, "--partitions", str(PARTITIONS),
        "--replication", "1",
    )  # fmt: skip
    return started


def homes(address: str, topic: str) -> dict[str, int]:
    """The partition that each room's messages lie in."""
    return {str(message["key"]): int(str(message["partition"])) for message in consume(address, topic)}


def flood(address: str, room: str, partition: int) -> None:
    """The same line from many viewers, written into one partition."""
    begin = datetime.fromtimestamp(STARTED / 1000, UTC) + timedelta(seconds=20)
    lines = [
        {"text_id": f"{room}:line-{n}", "stream_id": room, "streamer_id": f"host-{room}", "kind": "chat",
         "author_id": f"viewer-{n}", "author_role": "viewer", "text": "已拍" + "!" * (n % 3),
         "sent_at": (begin + timedelta(seconds=n)).isoformat()}
        for n in range(LINES)
    ]  # fmt: skip
    command = [need("kcat", "kcat"), "-P", "-b", address, "-t", "live.text", "-p", str(partition), "-k", room]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    subprocess.run(command, check=True, capture_output=True, input=text.encode())


def of_sequences(address: str) -> list[dict[str, object]]:
    return [flag for flag in flags_of(address) if any(c["finder"] == "sequence" for c in flag["claims"])]  # type: ignore[attr-defined]


def calls(address: str) -> dict[str, list[dict[str, object]]]:
    """What was spoken in each room, in the order of the stream."""
    said: dict[str, list[dict[str, object]]] = {}
    for message in consume(address, "moderation.transcripts"):
        one = json.loads(str(message["payload"]))
        if one["source"] == "speech" and one["text"] == CALL:
            said.setdefault(one["stream_id"], []).append(one)
    return {room: sorted(ones, key=lambda one: int(str(one["start_ms"]))) for room, ones in said.items()}


def test_a_death_between_the_call_and_the_flood(broker: Broker, model: str, tmp_path: Path) -> None:
    """In each room the host asks for comments; that is heard, published and committed. Then one of the two workers is
    killed, and the viewers write, in partitions whose workers never heard the host. Every room is flagged once, under
    its first call, with all cues named."""
    address = broker.address
    sound = cut("tea-zh", 15, tmp_path)
    with running(address, tmp_path, "one", "two", model=model) as (first, second):
        for room in ROOMS:
            play(address, room, sound)
        until(lambda: len(calls(address)) == len(ROOMS), "the call in every room")
        until(lambda: sum(committed(address).values()) == len(ROOMS) * (len(sound) + 1), "all sound committed")
        said = calls(address)
        written = len(consume(address, "moderation.transcripts"))
        until(lambda: sum(committed(address, GROUP).values()) == written, "all transcripts committed")
        assert of_sequences(address) == []
        first.send(signal.SIGKILL)
        spoken = homes(address, "live.audio")
        for room in ROOMS:
            flood(address, room, (spoken[room] + 1) % PARTITIONS)
        until(lambda: {flag["stream_id"] for flag in of_sequences(address)} == set(ROOMS), "a flag for every room")
        second.send(signal.SIGTERM)
        assert second.process.wait(60) == 0
    assert homes(address, "live.text") != spoken
    flags = of_sequences(address)
    wanted = {room: f"{said[room][0]['transcript_id']}/SALES_FAKE/sequence" for room in ROOMS}
    assert {str(flag["stream_id"]): flag["flag_id"] for flag in flags} == wanted
    assert len({flag["flag_id"] for flag in flags}) == len(ROOMS)
    for flag in flags:
        (claim,) = flag["claims"]  # type: ignore[misc]
        room = str(flag["stream_id"])
        lines = [cue["transcript_id"] for cue in claim["cues"] if cue["cue"] == "flood"]
        assert lines == [f"{room}:line-{n}" for n in range(5)]
        assert claim["cues"][0]["sound"] == flag["sound"] == said[room][0]["sound"]
        assert flag["sound"]
