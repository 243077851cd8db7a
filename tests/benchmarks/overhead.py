"""What the service costs: the whole worker over MemoryBus and over Kafka against a plain loop on the same sound.

    python -m tests.benchmarks.overhead [--seconds 120] [--rounds 3] [--speech-model M]

The plain loop does the same work with the same decoding children and the same CTranslate2 threads: decode,
detect speech, make features, recognise the same windows, one stream after the other, nothing else.
Wall and CPU seconds (decoding children included, the broker not) of the three, in turn, three rounds; ratios are
of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource as usage
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from models.asr import Row, Transcriber
from models.audio import SAMPLE_RATE, DecoderPool
from models.encoding import Codec
from models.speech import CutRules, Tail
from models.vad import SpeechDetector
from tests.kafka.broker import Broker
from worker import compose, metrics, recordings
from worker.codec import Encoded, decode_chunk
from worker.config import Config
from worker.detection import Detection
from worker.kafka_bus import KafkaBus, KafkaSettings, create_topics, topics
from worker.memory_bus import MemoryBus, MemoryLog
from worker.records import AudioChunk, LiveText, Status, StreamHeard, Transcript
from worker.resources import resource
from worker.service import Limits, Service

JARS = Path(".cache/kafka")
CHUNK_S = 5.0


class Spent(NamedTuple):
    wall: float
    cpu: float
    utterances: int


class Parts(NamedTuple):
    transcriber: Transcriber
    decoders: DecoderPool
    messages: list[Encoded]


def sounds(seconds: float) -> list[Encoded]:
    """The sample broadcasts as live streams in FLAC, their chunks in turn."""
    rows: list[tuple[float, Encoded]] = []
    for path in sorted(resource("configs/samples").glob("*.opus")):
        live = recordings.Live(path.stem, f"host-{path.stem}", datetime(2026, 1, 1, tzinfo=UTC))
        whole = list(recordings.whole(path, live, CHUNK_S, Codec.FLAC))
        rows += [row for row in whole[:-1] if row[0] <= seconds] + whole[-1:]
    return [message for _, message in sorted(rows, key=lambda row: row[0])]


def timed(run: Callable[[], int]) -> Spent:
    began, before = time.perf_counter(), _cpu()
    utterances = run()
    return Spent(time.perf_counter() - began, _cpu() - before, utterances)


def _cpu() -> float:
    """CPU seconds of this process and of the children that live (the decoders; Linux only), the broker left out."""
    mine = usage.getrusage(usage.RUSAGE_SELF)
    return mine.ru_utime + mine.ru_stime + sum(_cpu_of(pid) for pid in _decoders())


def _decoders() -> list[int]:
    tasks = Path("/proc/self/task").glob("*/children")
    pids = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in pids if "java" not in Path(f"/proc/{pid}/comm").read_text()]


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def plain(parts: Parts) -> int:
    """Decode, cut, features, recognise: a loop anybody would write first."""
    tails: dict[str, Tail] = {}
    count = 0
    for message in parts.messages:
        chunk = decode_chunk(_message(message))
        tail = tails.setdefault(chunk.stream_id, Tail(SpeechDetector(), CutRules()))
        pieces = []
        if chunk.sound:
            (samples,) = parts.decoders.decode_all([(chunk.sound, chunk.content_type)])
            pieces += tail.add(samples)
        if chunk.end:
            pieces += tail.flush()
        rows = [Row(parts.transcriber.features(p.samples), len(p.samples) / SAMPLE_RATE, None) for p in pieces]
        count += len(parts.transcriber.transcribe(rows)) if rows else 0
    return count


def _message(encoded: Encoded) -> object:
    log = MemoryLog()
    log.append(encoded.topic, encoded.key, encoded.value, encoded.headers)
    return log.messages(encoded.topic)[0]


def detection(parts: Parts) -> Detection:
    config = Config()
    return compose.detection(config, compose.reloader(config).current, parts.transcriber, compose.Ears(parts.decoders))


def over_memory(parts: Parts) -> int:
    log = MemoryLog(partitions=4)
    for one in parts.messages:
        log.append(one.topic, one.key, one.value, one.headers)
    service = Service(MemoryBus(log, "bench", [AudioChunk.topic, LiveText.topic]), detection(parts), Limits(tick_s=60))
    while len(log.messages(StreamHeard.topic)) < len(parts.messages) or service.busy:
        service.step()
    service.run(_ended())
    return len(log.messages(Transcript.topic))


def over_kafka(parts: Parts, settings: KafkaSettings, group: str) -> int:
    """A fresh group reads the topic from its beginning; what counts begins with its first poll."""
    bus = KafkaBus(settings, group, [AudioChunk.topic, LiveText.topic])
    service = Service(bus, detection(parts), Limits(tick_s=60))
    before, ends = _transcripts(), 0
    while not ends or service.busy or sum(bus.positions().values()) < ends:
        service.step()
        ends = sum(bus.ends().values())
    service.run(_ended())
    return _transcripts() - before


def _transcripts() -> int:
    return round(sum(metrics.UTTERANCES.labels(status)._value.get() for status in Status))  # noqa: SLF001


def _ended() -> threading.Event:
    ended = threading.Event()
    ended.set()
    return ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120, help="of each of the eight broadcasts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--speech-model", default=str(resource(compose.SHIPPED_SPEECH)))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    transcriber = Transcriber.load(options.speech_model, "cpu", threads=1)
    with DecoderPool(2) as decoders, tempfile.TemporaryDirectory() as folder, Broker(Path(folder), JARS) as broker:
        parts = Parts(transcriber, decoders, sounds(options.seconds))
        settings = KafkaSettings(broker.address)
        create_topics(settings, topics(4), 1)
        feed(settings, parts.messages)
        runs: dict[str, list[Spent]] = {"plain": [], "memory": [], "kafka": []}
        for number in range(options.rounds):
            runs["plain"].append(timed(lambda: plain(parts)))
            runs["memory"].append(timed(lambda: over_memory(parts)))
            runs["kafka"].append(timed(lambda n=number: over_kafka(parts, settings, f"bench-{n}")))
    report = told(runs, options.seconds * 8)
    print(json.dumps(report, indent=1))
    if options.json:
        options.json.write_text(json.dumps(report), encoding="utf-8")


def feed(settings: KafkaSettings, messages: list[Encoded]) -> None:
    bus = KafkaBus(settings, "feeder", [AudioChunk.topic])
    for one in messages:
        bus.publish(one.topic, one.key, one.value, one.headers)
    bus.flush()
    bus.close()


def told(runs: dict[str, list[Spent]], seconds: float) -> dict[str, dict[str, float]]:
    wall = {name: statistics.median(s.wall for s in spent) for name, spent in runs.items()}
    cpu = {name: statistics.median(s.cpu for s in spent) for name, spent in runs.items()}
    return {
        name: {
            "wall_s": round(wall[name], 2), "cpu_s": round(cpu[name], 2),
            "audio_s_per_s": round(seconds / wall[name], 1), "speed_to_plain": round(wall["plain"] / wall[name], 3),
            "utterances": runs[name][0].utterances,
        }
        for name in runs
    }  # fmt: skip


if __name__ == "__main__":
    main()
