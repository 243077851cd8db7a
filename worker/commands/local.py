"""In one process, without brokers: demo and scan."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console

from worker import compose, console, demo, logs, recordings, screens
from worker.commands.options import AsFormat, Format, SpeechModel, Spoken, configured
from worker.config import Config
from worker.goods import Goods
from worker.listings import read_listings
from worker.local import LocalRun, NoSpeech, OwnSound
from worker.plain import plain_errors
from worker.records import Flag, ShadowFlag, Transcript
from worker.resources import resource
from worker.rulebook import Rulebook, by_policy
from worker.scanning import Scan
from worker.service import Limits

SYNTHETIC_ONLY = (
    "The speech model shipped with Pinocchio learnt from synthetic voices and hears only those. "
    "For real recordings name another, such as --speech-model large-v3-turbo, small, or a folder."
)
"""What a user must know before believing a scan."""

_WAITING = 16
_LOCAL_GRACE_S = 0.2


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
        config, folder = configured(None, speech_model), _results_folder(directory)
        samples, claims = demo.broadcasts(resource("configs/samples")), compose.load_rulebook(config)
        screen = screens.Screen(console.console(sys.stdout), console.console(sys.stderr), claims.labels)
        run = local_run(config, claims, _loaded(config, screen.err), time.time)
        with screens.Kept(folder) as kept:
            messages = demo.messages(samples, datetime.now(UTC))
            screens.show_demo(samples, run.results(messages), screen, kept)
        print(f"Kept in {folder}: flags.jsonl, facts.jsonl, transcripts.jsonl")


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
        config, listings = configured(None, speech_model), read_listings(listing) if listing else ()
        claims = compose.load_rulebook(config)
        file = stack.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        err = console.console(sys.stderr)
        sounds = not all(recordings.is_text(path) for path in files)
        recogniser = _loaded(config, err, warn=True) if sounds else NoSpeech()
        scan = Scan(lambda clock: local_run(config, claims, recogniser, clock), listings, language)
        done = [scan.show(path, _printer(output, file, claims), err) for path in files]
        if not all(done):
            raise SystemExit(1)


def local_run(config: Config, claims: Rulebook, recogniser: compose.Recogniser, clock: Callable[[], float]) -> LocalRun:
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


def _printer(output: Format, file: IO[str], claims: Rulebook) -> screens.Printer:
    return screens.Lines(file) if output is Format.JSONL else screens.Tables(console.console(file), claims.labels)


def _results_folder(directory: Path | None) -> Path:
    """Where the demo keeps what it found: D, else a folder of the user's."""
    if directory is not None:
        return directory
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "pinocchio" / "demo"
