"""The command line, and the only place that builds real parts and puts them together.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed with one clear line, 2 wrong usage.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import IO, Annotated
from uuid import uuid4

import typer
import yaml
from rich.console import Console

from models.audio import BadAudio, duration_of
from models.encoding import Codec
from worker import compose, console, dead_letters, demo, logs, recordings, replay, screens, work
from worker.bus import Bus
from worker.codec import DEAD_LETTERS
from worker.config import Config, ConfigError, KafkaSection, load_config
from worker.detection import Detection
from worker.goods import TOPICS as GOODS
from worker.goods import Follower, Goods
from worker.listings import read_listings
from worker.local import LocalRun, NoSpeech, OwnSound
from worker.plain import complain, fail, leave, plain_errors
from worker.records import AudioChunk, Flag, LiveText, Place, ShadowFlag, Transcript
from worker.resources import resource
from worker.rulebook import Rulebook, by_policy
from worker.scanning import Scan
from worker.sequences import Sequences
from worker.service import Limits

SYNTHETIC_ONLY = (
    "The speech model shipped with Pinocchio learnt from synthetic voices and hears only those. "
    "For real recordings name another, such as --speech-model large-v3-turbo, small, or a folder."
)
"""What a user must know before believing a scan."""

_WAITING = 16
_LOCAL_GRACE_S = 0.2
_JOIN_S = 60.0
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
topics_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The Kafka topics that Pinocchio needs.")
letters_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Messages that nobody could handle.")
app.add_typer(topics_app, name="topics")
app.add_typer(letters_app, name="dead-letters")


class Format(StrEnum):
    TABLE = "table"
    JSONL = "jsonl"


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="YAML configuration; without it, the defaults.")
]
Brokers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", metavar="HOST:PORT", help="Brokers, instead of kafka.bootstrap_servers."),
]
SpeechModel = Annotated[
    str | None,
    typer.Option(
        "--speech-model",
        metavar="M",
        help="A model name faster-whisper knows (large-v3-turbo) or a folder in CTranslate2's format; "
        "without it, the small model shipped with Pinocchio.",
    ),
]
AsFormat = Annotated[Format, typer.Option("--format", help="A table to read, or JSON lines for programs.")]
Spoken = Annotated[
    Language | None, typer.Option("--language", help="What is spoken; without it, the model listens for it.")
]


def main() -> None:
    """The program ``pinocchio``."""
    app()


@app.callback()
def pinocchio() -> None:
    """Pinocchio listens to livestream shopping and flags false and exaggerated claims.

    Begin with `pinocchio demo`, then `pinocchio scan` a recording of yours. Every setting can come from the
    environment too: PINOCCHIO_SPEECH__DEVICE=cuda sets speech.device; configs/pinocchio.yaml shows them all.
    """


# In one process -------------------------------------------------------------------------------------------------------


@app.command("demo")
def demo_command(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,  # noqa: ARG001
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="D", help="Keep results here; without it, in a folder of yours.")
    ] = None,
    speech_model: SpeechModel = None,
) -> None:
    """Play eight sample broadcasts as live streams and print every flag as it is found.

    All in this one process: no broker, no database, nothing to set up. The table at the end compares what was
    found with what is known to be in the samples. D keeps flags.jsonl, facts.jsonl and transcripts.jsonl. This
    version has no web pages: it ends after the table, with --once and without.

    \b
    Examples:
      pinocchio demo --once
      pinocchio demo --dir /tmp/demo
    """
    with plain_errors():
        logs.configure(logging.ERROR)
        config, folder = _config(None, speech_model), _results_folder(directory)
        samples, claims = demo.broadcasts(resource("configs/samples")), compose.load_rulebook(config)
        screen = screens.Screen(console.console(sys.stdout), console.console(sys.stderr), claims.labels)
        run = _local(config, claims, _loaded(config, screen.err), time.time)
        with screens.Kept(folder) as kept:
            messages = demo.messages(samples, datetime.now(UTC))
            screens.show_demo(samples, run.results(messages), screen, kept)
        print(f"Kept in {folder}: flags.jsonl, facts.jsonl, transcripts.jsonl")


@app.command("scan")
def scan_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sound, video, or text (.txt).")],
    listing: Annotated[
        Path | None,
        typer.Option(
            "--listing",
            metavar="FILE",
            help="The shop's listing: JSON, one object or an array. What is said of price, weight, material and so on "
            "is compared with it; with several, it must fit one of them.",
        ),
    ] = None,
    speech_model: SpeechModel = None,
    output: AsFormat = Format.TABLE,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the results here.")] = None,
    language: Spoken = None,
) -> None:
    """Look for false and exaggerated claims in recordings and texts of any length.

    A recording is any audio or video file. In a text file (.txt, UTF-8) each line is something the host wrote;
    texts need no speech model. Progress goes to stderr, results to stdout. JSON lines are Flags as the service
    publishes them, each written as soon as it is found.

    \b
    Examples:
      pinocchio scan broadcast.mp4
      pinocchio scan broadcast.mp4 --speech-model large-v3-turbo --language zh
      pinocchio scan titles.txt --format jsonl --out flags.jsonl
    """
    with plain_errors(), ExitStack() as stack:
        logs.configure(logging.ERROR)
        for path in files:
            path.open("rb").close()
        config, listings = _config(None, speech_model), read_listings(listing) if listing else ()
        claims = compose.load_rulebook(config)
        file = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        err = console.console(sys.stderr)
        sounds = not all(recordings.is_text(path) for path in files)
        recogniser = _loaded(config, err, warn=True) if sounds else NoSpeech()
        scan = Scan(lambda clock: _local(config, claims, recogniser, clock), listings, language)
        done = [scan.show(path, _printer(output, file, claims), err) for path in files]
        if not all(done):
            raise SystemExit(1)


# On Kafka -------------------------------------------------------------------------------------------------------------


@app.command("work")
def work_command(config: ConfigFile = None) -> None:
    """Listen to live streams on Kafka: live.audio and live.text in, flags, reminders and transcripts out.

    Loads the speech model and tries it, waits for the brokers, joins the group, and works until SIGTERM or Ctrl-C;
    then it finishes what it has begun, commits, and leaves, within work.grace_s. Start as many as there is work
    for. /metrics, /livez and /readyz are served on metrics.listen; logs are JSON lines on stderr.

    \b
    Examples:
      pinocchio topics create --config pinocchio.yaml
      pinocchio work --config pinocchio.yaml
    """
    with plain_errors(), ExitStack() as stack:
        logs.configure(logging.INFO)
        settings = load_config(config)
        ending = work.work(_work_plan(settings, stack), _stop_on_signals())
        if ending is not work.Ending.DONE:
            leave(0 if ending is work.Ending.BEFORE_START else 1)


@app.command("replay")
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
        with brokers.bus(_on(servers, load_config(config)), "replay", AudioChunk.topic) as bus:
            played = _replayed(bus, paths, plan, total)
        print(
            f"{count} streams {named}-0001 to {named}-{count:04}: {played.messages} messages, "
            f"{console.moment(played.seconds * 1000)} of sound; the last message left {played.late_s:.1f} s late"
        )


@topics_app.command("create")
def topics_create(
    config: ConfigFile = None,
    servers: Brokers = None,
    replication: Annotated[
        int, typer.Option(min=-1, metavar="N", help="Copies of each message; -1: what the brokers do by default.")
    ] = -1,
    partitions: Annotated[
        int, typer.Option(min=1, metavar="N", help="Partitions of the large topics: the most workers at a time.")
    ] = 12,
) -> None:
    """Make the topics that are missing. What exists is compared and never changed.

    \b
    Examples:
      pinocchio topics create
      pinocchio topics create --config pinocchio.yaml --partitions 48 --replication 3
    """
    from worker import brokers

    with plain_errors():
        logs.configure(logging.CRITICAL)
        made = brokers.make_topics(_on(servers, load_config(config)), partitions, replication)
        for topic in made.created:
            print(f"made {topic}")
        for topic in made.existing:
            differs = made.differs.get(topic)
            print(f"kept {topic}" + (f": {'; '.join(differs)}" if differs else ""))


@app.command("check-config")
def check_config(file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML configuration.")]) -> None:
    """Say what is wrong in a configuration, one line per problem; else print ok and every setting in force.

    The rules and labels it names are read too. Settings from the environment count as they would at work.

    \b
    Example:
      pinocchio check-config pinocchio.yaml
    """
    with plain_errors():
        config = load_config(file)
        if problems := _problems(config):
            raise ConfigError(problems)
        print("ok")
        print(_PASSWORD.sub(r"\1***@", yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)), end="")


@letters_app.command("list")
def letters_list(
    config: ConfigFile = None,
    servers: Brokers = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Only the last N.")] = 50,
    output: AsFormat = Format.TABLE,
) -> None:
    """List the messages that nobody could handle: where each was read, when, and why.

    \b
    Examples:
      pinocchio dead-letters list --config pinocchio.yaml
      pinocchio dead-letters list --limit 1000 --format jsonl
    """
    from worker import brokers

    with plain_errors():
        logs.configure(logging.CRITICAL)
        with brokers.bus(_on(servers, load_config(config)), f"dead-letters-{os.getpid()}", DEAD_LETTERS) as bus:
            letters = list(dead_letters.read(bus, _JOIN_S))
        if output is Format.JSONL:
            for letter in letters[-limit:]:
                print(dead_letters.as_json(letter))
        else:
            screens.show_letters(letters[-limit:], len(letters), console.console(sys.stdout))


@letters_app.command("retry")
def letters_retry(
    place: Annotated[
        str | None, typer.Argument(metavar="TOPIC/PARTITION/OFFSET", help="Where it was read, as the list says.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All since the last time that this was asked for.")] = False,
    config: ConfigFile = None,
    servers: Brokers = None,
) -> None:
    """Give messages another try, once what was wrong is mended.

    Each is read again where it was first read and published anew to its topic, so the whole message counts and not
    what the dead letter holds of it. Where the topic no longer keeps it, it is gone, and a line says so. The dead
    letter itself stays in the list.

    \b
    Examples:
      pinocchio dead-letters retry live.audio/3/1024
      pinocchio dead-letters retry --all --config pinocchio.yaml
    """
    if (place is None) is not everything:
        raise typer.BadParameter("name one TOPIC/PARTITION/OFFSET, or --all")
    from worker import brokers

    wanted = _place(place) if place is not None else None
    with plain_errors():
        logs.configure(logging.CRITICAL)
        group = "dead-letters" if everything else f"dead-letters-{os.getpid()}"
        with brokers.bus(_on(servers, load_config(config)), group, DEAD_LETTERS) as bus:
            known = [letter.origin for letter in dead_letters.read(bus, _JOIN_S)]
            if wanted is not None and wanted not in known:
                fail(f"no dead letter was read at {place}; see `pinocchio dead-letters list`")
            gone = _retried(bus, [wanted] if wanted else known)
            if everything:
                dead_letters.take_up(bus)
        if gone and wanted is not None:
            raise SystemExit(1)


# Parts ----------------------------------------------------------------------------------------------------------------


def _local(config: Config, claims: Rulebook, recogniser: compose.Recogniser, clock: Callable[[], float]) -> LocalRun:
    """Detection and sequences in this process. Its streams all say when they end, however slowly they are read."""
    goods = Goods()
    endless = config.detection.model_copy(update={"silent_after_s": float("inf")})
    handler = compose.detection(
        config.model_copy(update={"detection": endless}),
        lambda: claims,
        recogniser,
        compose.Ears(OwnSound()),
        goods,
        clock,
    )
    watch = compose.load_watch(config)

    def after(heard: Transcript) -> list[Flag | ShadowFlag]:
        flags = watch.add(watch.read(heard, heard.started_at.timestamp()), clock())
        return [told for flag in flags for told in by_policy(flag, claims.policy)]

    limits = Limits(batch_messages=8, grace_s=_LOCAL_GRACE_S)
    return LocalRun(handler, limits, waiting=_WAITING, clock=clock, after=after, goods=goods)


def _loaded(config: Config, err: Console, *, warn: bool = False) -> compose.Recogniser:
    if warn and config.speech.model is None:
        err.print(SYNTHETIC_ONLY, style="yellow", soft_wrap=True)
    with err.status("loading the speech model"):
        return compose.load_speech(config.speech)


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
        load=lambda: Sequences(watch, lambda: rules.current().policy),
        join=lambda: brokers.join(config.kafka, "sequences", (Transcript.topic,)),
        limits=compose.sequence_limits(config),
    )
    return work.Plan(
        parts=(detection, sequences),
        listen=config.metrics.listen,
        stalled_after_s=config.metrics.stalled_after_s,
    )


def _config(path: Path | None, speech_model: str | None) -> Config:
    config = load_config(path)
    if speech_model is None:
        return config
    return config.model_copy(update={"speech": config.speech.model_copy(update={"model": speech_model})})


def _on(servers: str | None, config: Config) -> KafkaSection:
    return config.kafka if servers is None else config.kafka.model_copy(update={"bootstrap_servers": servers})


def _problems(config: Config) -> tuple[str, ...]:
    """What only shows when the files are looked at that the settings name."""
    problems: list[str] = []
    builds: tuple[Callable[[Config], object], ...] = (compose.load_rulebook, compose.load_watch, compose.blob_store)
    for build in builds:
        try:
            build(config)
        except ConfigError as error:
            problems += [one for one in error.problems if one not in problems]
    model, authority = config.speech.model, config.kafka.ssl_cafile
    if model and model.startswith((".", "/")) and not Path(model).is_dir():
        problems.append(f"speech.model: there is no folder {model}")
    if authority and not authority.is_file():
        problems.append(f"kafka.ssl_cafile: there is no file {authority}")
    return tuple(problems)


# Small steps of the commands ------------------------------------------------------------------------------------------


def _printer(output: Format, file: IO[str], claims: Rulebook) -> screens.Printer:
    return screens.Lines(file) if output is Format.JSONL else screens.Tables(console.console(file), claims.labels)


def _results_folder(directory: Path | None) -> Path:
    """Where the demo keeps what it found: D, else a folder of the user's."""
    if directory is not None:
        return directory
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "pinocchio" / "demo"


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


def _retried(bus: Bus, places: Iterable[Place]) -> int:
    """Retry, saying what became of each; how many could not be."""
    anew = left = 0
    for one in dead_letters.retry(bus, places):
        if one.topic is None:
            left += 1
            complain(f"{dead_letters.told(one.origin)} {one.reason}")
        else:
            anew += 1
            print(f"{dead_letters.told(one.origin)} published anew to {one.topic}")
    print(f"{anew} published anew, {left} not")
    return left


def _place(text: str) -> Place:
    try:
        return dead_letters.place_of(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not TOPIC/PARTITION/OFFSET, such as live.audio/3/1024") from None


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


if __name__ == "__main__":
    main()
