"""What several commands are told by the same words."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from worker.config import Config, KafkaSection, load_config


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


def configured(path: Path | None, speech_model: str | None) -> Config:
    config = load_config(path)
    if speech_model is None:
        return config
    return config.model_copy(update={"speech": config.speech.model_copy(update={"model": speech_model})})


def kafka_of(servers: str | None, config: Config) -> KafkaSection:
    return config.kafka if servers is None else config.kafka.model_copy(update={"bootstrap_servers": servers})
