"""Looking after an installation: the configuration, the topics, the dead letters."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
import yaml

from worker import compose, console, dead_letters, logs, screens
from worker.bus import Bus
from worker.codec import DEAD_LETTERS
from worker.commands.options import AsFormat, Brokers, ConfigFile, Format, kafka_of
from worker.config import Config, ConfigError, load_config
from worker.plain import complain, fail, plain_errors
from worker.records import Place

_JOIN_S = 60.0
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")


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
        made = brokers.make_topics(kafka_of(servers, load_config(config)), partitions, replication)
        for topic in made.created:
            print(f"made {topic}")
        for topic in made.existing:
            differs = made.differs.get(topic)
            print(f"kept {topic}" + (f": {'; '.join(differs)}" if differs else ""))


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
        with brokers.bus(kafka_of(servers, load_config(config)), f"dead-letters-{os.getpid()}", DEAD_LETTERS) as bus:
            letters = list(dead_letters.read(bus, _JOIN_S))
        if output is Format.JSONL:
            for letter in letters[-limit:]:
                print(dead_letters.as_json(letter))
        else:
            screens.show_letters(letters[-limit:], len(letters), console.console(sys.stdout))


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
        with brokers.bus(kafka_of(servers, load_config(config)), group, DEAD_LETTERS) as bus:
            known = [letter.origin for letter in dead_letters.read(bus, _JOIN_S)]
            if wanted is not None and wanted not in known:
                fail(f"no dead letter was read at {place}; see `pinocchio dead-letters list`")
            gone = _retried(bus, [wanted] if wanted else known)
            if everything:
                dead_letters.take_up(bus)
        if gone and wanted is not None:
            raise SystemExit(1)


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
