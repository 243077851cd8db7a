"""On Kafka: work and replay."""

from __future__ import annotations

import faulthandler
import logging
import re
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated
from uuid import uuid4

import typer

from models.audio import BadAudio, duration_of
from models.encoding import Codec
from worker import compose, console, logs, replay, work
from worker.bus import Bus
from worker.commands.options import Brokers, ConfigFile, Spoken, kafka_of
from worker.config import Config, load_config
from worker.detection import Detection
from worker.goods import TOPICS as GOODS
from worker.goods import Follower, Goods
from worker.plain import leave, plain_errors
from worker.records import AudioChunk, LiveText, Transcript
from worker.sequences import Sequences

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


def work_command(config: ConfigFile = None) -> None:
    """Listen to live streams on Kafka: live.audio and live.text in, flags, reminders and transcripts out.

    Loads the speech model and tries it, waits for the brokers, joins the group, and works until SIGTERM or Ctrl-C;
    then it finishes what it has begun, commits, and leaves, within work.grace_s. Start as many as there is work
    for. /metrics, /livez and /readyz are served on metrics.listen; logs are JSON lines on stderr. SIGUSR1 writes there
    what each thread is doing.

    \b
    Examples:
      pinocchio topics create --config pinocchio.yaml
      pinocchio work --config pinocchio.yaml
    """
    with plain_errors(), ExitStack() as stack:
        logs.configure(logging.INFO)
        settings = load_config(config)
        faulthandler.register(signal.SIGUSR1)
        ending = work.work(_work_plan(settings, stack), _stop_on_signals())
        if ending is not work.Ending.DONE:
            leave(0 if ending is work.Ending.BEFORE_START else 1)


def replay_command(
    path: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    streams: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Live streams; without it, one per recording.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, metavar="X", help="Times as fast as real time.")] = 1.0,
    config: ConfigFile = None,
    servers: Brokers = None,
    chunk_s: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds of sound in one message.")] = 5.0,
    codec: Annotated[Codec, typer.Option(help="How the sound travels.")] = Codec.PCM,
    prefix: Annotated[
        str | None,
        typer.Option(metavar="P", help="Streams are named P-0001 and so on; without it, from PATH and the time."),
    ] = None,
    language: Spoken = None,
) -> None:
    """Play recordings as live streams into Kafka's live.audio, for trying out and measuring a worker.

    N streams take the recordings in turn; each message leaves when its last sample would have sounded, and the
    last one says that the stream ends. At --speed 1 the latency of flags is that of life; faster, the streams'
    clocks run ahead of ours, and it is not.

    \b
    Examples:
      pinocchio replay broadcast.mp4 --bootstrap-servers 127.0.0.1:9092
      pinocchio replay recordings/ --streams 50 --speed 4 --codec opus --config pinocchio.yaml
    """
    from worker import brokers

    with plain_errors():
        logs.configure(logging.CRITICAL)
        paths = replay.recordings(path)
        count = streams or len(paths)
        named = _checked_prefix(prefix) or replay.prefix_of(path, datetime.now(UTC))
        plan = replay.Plan(streams=count, speed=speed, chunk_s=chunk_s, codec=codec, prefix=named, language=language)
        total = _total_seconds(paths, count)
        with brokers.bus(kafka_of(servers, load_config(config)), "replay", AudioChunk.topic) as bus:
            played = _replayed(bus, paths, plan, total)
        print(
            f"{count} streams {named}-0001 to {named}-{count:04}: {played.messages} messages, "
            f"{console.moment(played.seconds * 1000)} of sound; the last message left {played.late_s:.1f} s late"
        )


def _work_plan(config: Config, stack: ExitStack) -> work.Plan:
    from worker import brokers

    rules, blobs, watch = compose.reloader(config), compose.blob_store(config), compose.load_watch(config)
    goods = Goods()
    follower = Follower(goods, lambda: brokers.join(config.kafka, f"goods-{uuid4().hex}", GOODS))

    def load() -> Detection:
        ears = compose.Ears(stack.enter_context(compose.decoder_pool(config)), blobs)
        follower.start(stack)
        rules.start(stack, config.policy.look_every_s)
        return compose.detection(config, rules.current, compose.load_speech(config.speech), ears, goods)

    detection = work.Part(
        name="detection",
        load=load,
        join=lambda: brokers.join(config.kafka, "detection", (AudioChunk.topic, LiveText.topic)),
        depends=lambda: (blobs.trouble() if blobs else None) or follower.trouble(),
        limits=compose.limits(config),
    )
    sequences = work.Part(
        name="sequences",
        load=lambda: Sequences(watch, rules.current),
        join=lambda: brokers.join(config.kafka, "sequences", (Transcript.topic,)),
        limits=compose.sequence_limits(config),
    )
    return work.Plan(
        parts=(detection, sequences),
        listen=config.metrics.listen,
        stalled_after_s=config.metrics.stalled_after_s,
    )


def _replayed(bus: Bus, paths: list[Path], plan: replay.Plan, total_s: float | None) -> replay.Played:
    played = replay.Played(0, 0.0, 0.0)
    with console.Going(console.console(sys.stderr), f"{plan.streams} streams", total_s) as going:
        for played in replay.play(bus, paths, plan):
            going.at(played.seconds, f"{played.late_s:.1f} s late" if played.late_s > 1 else "")
    return played


def _total_seconds(paths: list[Path], streams: int) -> float | None:
    """Seconds of sound of all streams, None where a file does not say. Raises BadAudio, naming the file."""
    lengths = []
    for path in paths[:streams]:
        try:
            lengths.append(duration_of(path))
        except BadAudio as error:
            raise BadAudio(f"{path}: {error}") from error
    known = [length for length in lengths if length is not None]
    return sum(known[n % len(known)] for n in range(streams)) if len(known) == len(lengths) else None


def _checked_prefix(prefix: str | None) -> str | None:
    if prefix is not None and not _NAME.fullmatch(prefix):
        raise typer.BadParameter("a prefix has 1 to 100 letters, digits and _ . : -", param_hint="--prefix")
    return prefix


def _stop_on_signals() -> Event:
    """Set by SIGTERM and SIGINT; the second one ends the process at once."""
    stop = Event()

    def ask(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop
