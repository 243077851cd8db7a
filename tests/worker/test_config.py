"""Configuration: the file, the environment over it, and errors that can be acted on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from worker.config import Config, ConfigError, load_config
from worker.resources import resource

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration file."""

    def write(text: str) -> Path:
        path = tmp_path / "pinocchio.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, **environ: str) -> list[str]:
    """What is wrong with a file and environment, without the folder of the file."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ)
    folder = "" if path is None else f"{path.parent}/"
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return [problem.replace(folder, "") for problem in caught.value.problems]


def settings() -> list[tuple[str, str, Any]]:
    """Section, key and field of everything that can be set."""
    return [
        (section, key, field)
        for section, of in Config.model_fields.items()
        for key, field in of.annotation.model_fields.items()
    ]


def test_the_shipped_file_shows_every_key_with_its_default() -> None:
    """configs/pinocchio.yaml holds all keys, no other, each equal to the default."""
    shipped = yaml.safe_load(resource("configs/pinocchio.yaml").read_text(encoding="utf-8"))

    assert shipped == Config().model_dump(mode="json")
    assert load_config(resource("configs/pinocchio.yaml"), {}) == Config()


@pytest.mark.parametrize(("section", "key", "field"), settings())
def test_the_shipped_file_explains_every_key(section: str, key: str, field: Any) -> None:
    """Above each key stands, as a comment, what the code says of it."""
    text = resource("configs/pinocchio.yaml").read_text(encoding="utf-8")
    before = text.partition(f"\n{section}:\n")[2].partition(f"\n  {key}:")[0]
    comment = [line.strip(" #") for line in before.splitlines() if line.startswith("  #")]

    assert field.description
    assert " ".join(comment).endswith(field.description)


def test_the_production_example_is_valid() -> None:
    """The example for a GPU node loads, and recognises with a large model on cuda."""
    config = load_config(resource("configs/production.example.yaml"), {"PINOCCHIO_KAFKA__SASL_PASSWORD": "x"})

    assert (config.speech.model, config.speech.device, config.speech.compute_type) == (
        "large-v3-turbo",
        "cuda",
        "float16",
    )
    assert "127.0.0.1" not in config.kafka.bootstrap_servers


@pytest.mark.parametrize(
    "key",
    [
        "kafka.bootstrap_servers",
        "store.url",
        "clips.url",
        "keys.url",
        "web.listen",
        "web.jwt_keys",
        "penalties.file",
        "speech.model",
        "speech.device",
        "speech.compute_type",
        "classifier.model",
    ],
)
def test_the_keys_that_outsiders_set_exist(key: str) -> None:
    """The keys promised to other systems are accepted."""
    assert key in {f"{section}.{name}" for section, name, _ in settings()}


def test_without_a_file_everything_has_its_default() -> None:
    """No file and an empty environment give the defaults."""
    assert load_config(None, {}) == Config()


@pytest.mark.parametrize("text", ["", "# nothing\n", "kafka:\n", "kafka: {}\n"])
def test_what_is_left_out_keeps_its_default(write: Write, text: str) -> None:
    """An empty file and an empty section say nothing."""
    assert load_config(write(text), {}) == Config()


def test_the_environment_overrides_the_file(write: Write) -> None:
    """One key comes from the environment, its neighbours stay as the file has them."""
    path = write("speech: {device: cuda, beam: 2}\n")

    config = load_config(path, {"PINOCCHIO_SPEECH__BEAM": "7", "PINOCCHIO_LEXICON__FOLDER": "/rules"})

    assert (config.speech.device, config.speech.beam) == ("cuda", 7)
    assert config.lexicon.folder == Path("/rules")


def test_other_variables_are_not_ours(write: Write) -> None:
    """Variables without a section, empty ones and those of other programs change nothing."""
    environ = {
        "PINOCCHIO_REQUIRE_ALL": "1",
        "PINOCCHIO_KAFKA": "h:1",
        "PINOCCHIO_SPEECH__BEAM": "",
        "SPEECH__BEAM": "3",
    }

    assert load_config(write("{}"), environ) == Config()


def test_it_cannot_be_changed() -> None:
    """A loaded configuration is frozen, sections too."""
    with pytest.raises(ValueError, match="frozen"):
        Config().speech.beam = 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "kafka: {bootstrap_server: 'h:1'}",
            "kafka.bootstrap_server: there is no such key; the nearest is kafka.bootstrap_servers",
        ),
        ("detecton: {batch_messages: 3}", "detecton: there is no such key; the nearest is detection"),
        ("speech: {device: gpu}", "speech.device: should be 'auto', 'cpu' or 'cuda', not 'gpu'"),
        ("speech: {device: null}", "speech.device: should be 'auto', 'cpu' or 'cuda', not null"),
        ("speech: {beam: 0}", "speech.beam: should be greater than or equal to 1, not 0"),
        ("work: {grace_s: .inf}", "work.grace_s: should be a finite number, not inf"),
        ("metrics: 9108", "metrics: should be a section with keys such as metrics.listen"),
        (
            "metrics: {listen: '9108'}",
            "metrics.listen: '9108' does not fit: host:port that serves /metrics, /livez and /readyz.",
        ),
        ("kafka: {security_protocol: SASL_SSL}", "kafka: SASL_SSL also needs sasl_mechanism"),
    ],
)
def test_a_problem_is_one_line_with_file_key_and_what_is_expected(write: Write, text: str, line: str) -> None:
    """Each kind of mistake names the file, the key, and what should stand there."""
    assert problems(write(text)) == [f"pinocchio.yaml: {line}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("kafka: [", "is not YAML: line 1: expected the node content, but found '<stream end>'"),
        ("- kafka", "should hold sections such as kafka and speech"),
        ("speech:\n  beam: 1\n  beam: 2\n", "is not YAML: line 3: the key beam stands twice"),
        ("web: {}\nspeech: {}\nweb: {}\n", "is not YAML: line 3: the key web stands twice"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_line_too(write: Write, text: str, line: str) -> None:
    """Broken YAML, another shape and a key that stands twice are refused with the place."""
    assert problems(write(text)) == [f"pinocchio.yaml: {line}"]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A missing file, and one that is not UTF-8."""
    (tmp_path / "latin.yaml").write_bytes("speech: {model: größer}".encode("latin-1"))

    assert problems(tmp_path / "none.yaml") == ["none.yaml: cannot be read: No such file or directory"]
    assert problems(tmp_path / "latin.yaml") == ["latin.yaml: is not UTF-8 text"]


def test_all_problems_are_told_at_once(write: Write) -> None:
    """A file with three mistakes gives three lines."""
    found = problems(write("speech: {device: gpu, beam: 0}\nkafkaa: {}\n"))

    assert [line.split(": ")[1] for line in found] == ["speech.device", "speech.beam", "kafkaa"]


@pytest.mark.parametrize("text", [None, "web: {}\n"])
@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("SPEECH__DEVICE", "gpu", "speech.device: should be 'auto', 'cpu' or 'cuda', not 'gpu'"),
        ("SPEECH__DEVISE", "cpu", "speech.devise: there is no such key; the nearest is speech.device"),
        ("SPEACH__DEVICE", "cpu", "speach: there is no such key; the nearest is speech"),
        ("WEB__LISTEN__PORT", "8", "web.listen.port: there is no such key; the nearest is web.listen"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    write: Write, text: str | None, name: str, value: str, line: str
) -> None:
    """With a file or without, the variable is named and not the file."""
    path = None if text is None else write(text)

    assert problems(path, **{f"PINOCCHIO_{name}": value}) == [f"PINOCCHIO_{name}: {line}"]


def test_passwords_are_never_shown(write: Write) -> None:
    """Neither errors nor the printed configuration hold a password."""
    found = problems(write("kafka: {sasl_password: 31337}\nstore: {url: 31337}\nweb: {jwt_keys: 31337}\n"))
    config = load_config(None, {"PINOCCHIO_KAFKA__SASL_PASSWORD": "31337"})

    assert len(found) == 3
    assert "31337" not in "\n".join(found) + repr(config) + config.model_dump_json()
