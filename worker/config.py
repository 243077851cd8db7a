"""What can be configured: a YAML file, with single keys overridden by the environment.

``PINOCCHIO_KAFKA__BOOTSTRAP_SERVERS=broker:9092`` sets ``kafka.bootstrap_servers``; an empty variable
counts as not set. Every key has a default, and configs/pinocchio.yaml shows them all.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from models.yaml_files import RefusesRepeats

PREFIX = "PINOCCHIO_"

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Listen = Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}$")]


class ConfigError(ValueError):
    """The configuration cannot be used. One line per problem: where, which key, what is wrong, what is expected."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class KafkaSection(Section):
    bootstrap_servers: Annotated[str, Field(pattern=r"^[^\s,]+:\d+(,[^\s,]+:\d+)*$")] = "127.0.0.1:9092"
    """Brokers to ask first: host:port, several with commas and no spaces."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to them: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How to log in: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""
    sasl_username: str | None = None
    """Who logs in."""
    sasl_password: SecretStr | None = None
    """Its password; better from the environment, PINOCCHIO_KAFKA__SASL_PASSWORD, than in a file."""
    ssl_cafile: Path | None = None
    """The certificate authority of the brokers (PEM); null: the system's."""
    session_timeout_s: Annotated[float, Field(ge=1, le=1800)] = 45.0
    """Seconds without a heartbeat after which the group gives our partitions to others."""
    timeout_s: Seconds = 15.0
    """The longest wait for an answer of a broker, in seconds."""
    group_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")] = "pinocchio"
    """Consumer groups are named <prefix>-<service>; one prefix per installation."""

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            for key in ("sasl_mechanism", "sasl_username", "sasl_password"):
                if getattr(self, key) is None:
                    raise ValueError(f"{self.security_protocol} also needs {key}")
        return self


class SpeechSection(Section):
    model: str | None = None
    """A folder in CTranslate2's format or a faster-whisper model name; null: the small model shipped with Pinocchio."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where recognition runs: auto, cpu or cuda."""
    compute_type: Literal[
        "auto", "default", "int8", "int8_float16", "int8_bfloat16", "int8_float32", "float16", "bfloat16", "float32"
    ] = "default"
    """Numbers to calculate with, as CTranslate2 names them; default: the model's own, auto: the fastest."""
    beam: Annotated[int, Field(ge=1, le=20)] = 1
    """Guesses followed at a time; 1 is fastest."""
    batch: Count | None = None
    """Utterances recognised at once; null: 1 on a CPU, where more are no faster, and 32 on a GPU."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Threads of recognition on a CPU; 0: one per core."""


class ClassifierSection(Section):
    model: str | None = None
    """Folder of the claim classifier; none: rules alone; null: the one shipped with Pinocchio."""


class DetectionSection(Section):
    batch_messages: Annotated[int, Field(ge=1, le=4096)] = 8
    """Messages of all streams together that are handled at once."""
    min_silence_ms: Annotated[int, Field(ge=256, le=2500)] = 512
    """Silence that ends an utterance, in milliseconds."""
    max_utterance_s: Annotated[float, Field(ge=8, le=28)] = 28.0
    """An utterance is cut by force at this length, in seconds; the recogniser hears 30 at once."""
    jurisdiction: Literal["cn", "eu", "us"] = "cn"
    """Whose law is shown with a claim: cn, eu or us."""
    silent_after_s: Seconds = 15.0
    """A stream that sends nothing for so many seconds has ended, and what is held of it is handled."""


class AudioSection(Section):
    decoders: Annotated[int, Field(ge=1, le=256)] = 2
    """Child processes that decode sound."""
    limit_s: Seconds = 60.0
    """The longest sound of one message, in seconds; a longer one is a dead letter."""
    child_memory_mb: Annotated[int, Field(ge=64)] = 512
    """Memory that one decoding may take."""
    child_timeout_s: Seconds = 20.0
    """Seconds that one decoding may take."""
    blob_root: str | None = None
    """Folder or URL (s3://...) under which every blob_ref must lie; null: messages with one are refused."""


class LexiconSection(Section):
    folder: Path | None = None
    """Folder of the rules; null: those shipped with Pinocchio."""


class SequencesSection(Section):
    file: Path | None = None
    """Cues and rules of claims over several utterances; null: those shipped with Pinocchio."""


class LabelsSection(Section):
    file: Path | None = None
    """The taxonomy of claims; null: the one shipped with Pinocchio."""


class PolicySection(Section):
    file: Path | None = None
    """What becomes of each label's claims: live, shadow or off, from which score on; null: the policy shipped."""
    look_every_s: Seconds = 5.0
    """How often `work` looks whether policy, labels or rules have changed, in seconds."""


class WorkSection(Section):
    grace_s: Seconds = 30.0
    """Seconds from a stop signal to the end: what is at work is finished and committed."""
    dead_streams_limit: Count = 20
    """So many different streams with dead letters within dead_streams_window_s stop the worker: the fault is ours."""
    dead_streams_window_s: Seconds = 60.0
    """The time over which they are counted, in seconds."""
    max_held_s: Seconds = 20_000.0
    """Seconds of unfinished utterances held, of all streams (64 kB each); above it the longest are cut short."""


class MetricsSection(Section):
    listen: Listen = "127.0.0.1:9108"
    """host:port that serves /metrics, /livez and /readyz."""
    stalled_after_s: Seconds = 60.0
    """/livez fails when the loop has not turned for so many seconds."""


class StoreSection(Section):
    url: str | None = None
    """The database of `review` and `web`: an SQLAlchemy URL; null: SQLite in the user's folder."""


class ClipsSection(Section):
    url: str | None = None
    """Folder or URL (s3://...) where clips are kept."""


class KeysSection(Section):
    url: str | None = None
    """Where the keys of persons are kept, apart from the database."""


class WebSection(Section):
    listen: Listen = "127.0.0.1:8080"
    """host:port of the pages and the HTTP API."""
    jwt_keys: str | None = None
    """A JWKS file or URL: whose tokens are believed."""


class PenaltiesSection(Section):
    file: Path | None = None
    """The penalty policy; null: the one shipped with Pinocchio."""


class Config(Section):
    """The whole configuration, checked. Only the composition root sees it; others get the values they need."""

    kafka: KafkaSection = KafkaSection()
    """The brokers."""
    speech: SpeechSection = SpeechSection()
    """Recognition of speech."""
    classifier: ClassifierSection = ClassifierSection()
    """The model that finds claims, beside the rules."""
    detection: DetectionSection = DetectionSection()
    """From sound and text to flags."""
    audio: AudioSection = AudioSection()
    """Decoding of sound."""
    lexicon: LexiconSection = LexiconSection()
    """The rules that find claims."""
    sequences: SequencesSection = SequencesSection()
    """The rules over several utterances."""
    labels: LabelsSection = LabelsSection()
    """What a claim can be."""
    policy: PolicySection = PolicySection()
    """What becomes of a claim."""
    work: WorkSection = WorkSection()
    """Limits of the role `work`."""
    metrics: MetricsSection = MetricsSection()
    """Metrics and health over HTTP."""
    store: StoreSection = StoreSection()
    """For `review` and `web`."""
    clips: ClipsSection = ClipsSection()
    """For `review` and `web`."""
    keys: KeysSection = KeysSection()
    """For `review` and `web`."""
    web: WebSection = WebSection()
    """For `web`."""
    penalties: PenaltiesSection = PenaltiesSection()
    """For `review`."""


def load_config(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration of a YAML file (None: the defaults) with what the environment overrides.

    Relative paths in it count from the working directory. Raises ConfigError.
    """
    values = _read(path) if path is not None else {}
    overrides = {tuple(_key(name)): name for name in _variables(environ)}
    for key, name in overrides.items():
        section = values.setdefault(key[0], {})
        if isinstance(section, dict):
            section[".".join(key[1:])] = environ[name]
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        file = str(path) if path is not None else "the environment"
        lines = [_line(problem, file, overrides) for problem in error.errors(include_url=False)]
        raise ConfigError(tuple(lines)) from None


def _variables(environ: Mapping[str, str]) -> Iterator[str]:
    """Names with a section and a key; PINOCCHIO_REQUIRE_ALL and the like are for others."""
    return (name for name, value in environ.items() if name.startswith(PREFIX) and "__" in name and value)


def _key(variable: str) -> list[str]:
    return variable.removeprefix(PREFIX).lower().split("__")


# Reading --------------------------------------------------------------------------------------------------------------


class _Loader(RefusesRepeats, yaml.SafeLoader):
    """In Python, whose words on what is wrong people understand better than those of the one in C."""


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (a SafeLoader)
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise ConfigError((f"{path}: is not UTF-8 text",)) from None
    except yaml.YAMLError as error:
        raise ConfigError((f"{path}: is not YAML: {_first_words(error)}",)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError((f"{path}: should hold sections such as kafka and speech",))
    return {str(section): {} if values is None else values for section, values in data.items()}


def _first_words(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark is not None else " ".join(problem.split())


# Saying what is wrong -------------------------------------------------------------------------------------------------


def _line(problem: ErrorDetails, file: str, overrides: Mapping[tuple[str, ...], str]) -> str:
    key = tuple(".".join(str(part) for part in problem["loc"]).split("."))
    unknown = problem["type"] == "extra_forbidden"
    names = (name for of, name in overrides.items() if of == key or (unknown and of[: len(key)] == key))
    return f"{next(names, file)}: {'.'.join(key)}: {_what(problem, key)}"


def _what(problem: ErrorDetails, key: tuple[str, ...]) -> str:
    if problem["type"] == "extra_forbidden":
        return f"there is no such key; the nearest is {_nearest('.'.join(key))}"
    if problem["type"] == "model_type":
        return f"should be a section with keys such as {next(_keys_of(key[0]), 'none')}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{problem['input']!r} does not fit: {_described(*key)}"
    if problem["type"] == "value_error":
        return problem["msg"].removeprefix("Value error, ")
    return f"{problem['msg'].replace('Input should', 'should').replace('String should', 'should')}{_but(problem, key)}"


def _but(problem: ErrorDetails, key: tuple[str, ...]) -> str:
    """What stood there instead; nothing of what may hold a password."""
    value = problem["input"]
    if key[-1] in ("sasl_password", "url", "jwt_keys") or not isinstance(value, str | int | float | bool | None):
        return ""
    return f", not {'null' if value is None else repr(value)}"


def _nearest(key: str) -> str:
    known = [name for section in Config.model_fields for name in (section, *_keys_of(section))]
    return max(known, key=lambda name: difflib.SequenceMatcher(None, key, name).ratio())


def _described(section: str, key: str) -> str:
    return _fields(section)[key].description or ""


def _keys_of(section: str) -> Iterator[str]:
    return (f"{section}.{key}" for key in _fields(section))


def _fields(section: str) -> dict[str, FieldInfo]:
    model = Config.model_fields[section].annotation
    return model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
