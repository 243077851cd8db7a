"""The commands as a user types them, on real small input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from models.audio import read_file
from tests.models import tiny_whisper
from worker.cli import app
from worker.commands.local import SYNTHETIC_ONLY
from worker.records import Flag, Source
from worker.resources import resource

ROOT = Path(__file__).parent.parent.parent
COMMANDS = [
    ["demo"], ["scan"], ["explain"], ["work"], ["replay"], ["check-config"], ["topics", "create"],
    ["dead-letters", "list"], ["dead-letters", "retry"],
]  # fmt: skip
SAID = "全网最低价"


def pinocchio(*words: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env=env)


def flags(lines: str) -> list[Flag]:
    return [Flag.model_validate_json(line) for line in lines.splitlines()]


def one_line(result: Result) -> str:
    """The one line of a command that failed as it should: nothing else, and no results."""
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def saved(samples: Iterable[np.ndarray], path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for block in samples:
            file.writeframes((block * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A speech model that hears a forbidden claim in every utterance."""
    tiny_whisper.need_torch()
    tokens = tiny_whisper.tokenizer()
    ids = [*tokens.encode(SAID, add_special_tokens=False).ids, tokens.token_to_id("<|endoftext|>")]
    folder = tmp_path_factory.mktemp("whisper") / "saying"
    return tiny_whisper.saved(tiny_whisper.saying(tokens, ids, 2, 4.0), tokens, folder)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of somebody speaking."""
    blocks = islice(read_file(resource("configs/samples/pillow-en.opus"), 5.0), 4)
    return saved(blocks, tmp_path_factory.mktemp("sound") / "talk.wav")


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("大家晚上好\n\n全网最低价，加微信私下交易\n", encoding="utf-8")
    return path


# Help and usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches_by_example(command: list[str]) -> None:
    """Every command's help has an example of itself, on a line of its own."""
    result = pinocchio(*command, "--help")

    assert result.exit_code == 0
    examples = [line.strip() for line in result.output.partition("Example")[2].splitlines()]
    assert any(line.startswith(f"pinocchio {' '.join(command)}") for line in examples)


@pytest.mark.parametrize(
    "words",
    [
        ["scan"], ["scan", "a.wav", "--format", "xml"], ["scan", "a.wav", "--language", "fr"], ["nonsense"],
        ["check-config"], ["dead-letters", "retry"], ["dead-letters", "retry", "live.audio"],
        ["dead-letters", "retry", "live.audio/0/1", "--all"], ["replay", "a.wav", "--speed", "0"],
        ["replay", "a.wav", "--streams", "0"], ["topics", "create", "--partitions", "0"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(words: list[str]) -> None:
    """What cannot be meant ends with 2 and says how it is used."""
    result = pinocchio(*words)

    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert result.stdout == ""


def test_a_prefix_that_no_stream_can_have(recording: Path) -> None:
    """It is wrong usage, before anything is asked of a broker."""
    assert pinocchio("replay", recording, "--prefix", "a b").exit_code == 2


# scan -----------------------------------------------------------------------------------------------------------------


def test_a_text_file_line_by_line(lines: Path) -> None:
    """The claims of each line, on standard output, one Flag per line, with the line in its id; stderr is silent."""
    result = pinocchio("scan", lines, "--format", "jsonl")

    assert result.exit_code == 0
    (flag,) = flags(result.stdout)
    assert (flag.flag_id, flag.source, flag.transcript) == ("lines:3", Source.CHAT, "全网最低价，加微信私下交易")
    assert {claim.label for claim in flag.claims} == {"PRICE_LOWEST_CLAIM", "OFFSITE_DEAL"}
    assert result.stderr == ""


def test_lines_of_a_text_count_one_after_the_other(tmp_path: Path) -> None:
    """What only several lines make is found too, told with the words of each, and named after the first."""
    path = tmp_path / "talk.txt"
    path.write_text("大家晚上好\n三号链接没了没了\n看看评论\n运营再给我加十单\n", encoding="utf-8")

    found = [flag for flag in flags(pinocchio("scan", path, "--format", "jsonl").stdout) if flag.claims[0].cues]

    assert [flag.flag_id for flag in found] == ["talk:2/SCARCITY_FAKE/sequence"]
    assert [cue.transcript_id for cue in found[0].claims[0].cues] == ["talk:2", "talk:4"]
    table = pinocchio("scan", path).stdout
    assert "line 2" in table
    assert "链接没了 … 再给我加十单" in table


def test_a_table_says_how_much_was_looked_at(lines: Path) -> None:
    """The claims in words, and a line that sums up."""
    result = pinocchio("scan", lines)

    assert "line 3" in result.stdout
    assert "全网最低价" in result.stdout
    assert result.stdout.splitlines()[-1] == "lines.txt: 2 lines, 2 claims"


def test_nothing_found_is_said(tmp_path: Path) -> None:
    """An innocent file gives no table but a line, so that nobody waits for more."""
    path = tmp_path / "good.txt"
    path.write_text("大家晚上好\n", encoding="utf-8")

    assert pinocchio("scan", path).stdout == "good.txt: 1 lines, no claims\n"


def test_a_recording_by_the_model_named(model: str, recording: Path) -> None:
    """Every utterance is found with its times in the recording, twice the same, and nobody is warned."""
    first, second = (pinocchio("scan", recording, "--format", "jsonl", "--speech-model", model) for _ in range(2))

    assert first.exit_code == 0, first.stderr
    found = flags(first.stdout)
    assert len(found) >= 3
    assert [f.flag_id for f in found] == [f.flag_id for f in flags(second.stdout)]
    assert [f.started_at for f in found] == [f.started_at for f in flags(second.stdout)]
    times = [(f.start_ms or 0, f.end_ms or 0) for f in found]
    assert times == sorted(times)
    assert times[-1][1] <= 20_000
    assert all(claim.start_ms is not None and "talk" in f.stream_id for f in found for claim in f.claims)
    assert all(f.latency_ms.total < 60_000 for f in found)
    assert first.stderr == ""


def test_results_into_a_file(model: str, recording: Path, tmp_path: Path) -> None:
    """--out takes the results, and standard output stays empty."""
    out = tmp_path / "flags.jsonl"

    result = pinocchio("scan", recording, "--format", "jsonl", "--speech-model", model, "--out", out)

    assert (result.exit_code, result.stdout) == (0, "")
    assert len(flags(out.read_text(encoding="utf-8"))) >= 3


def test_files_of_one_name_stay_apart(tmp_path: Path, lines: Path) -> None:
    """Two files of the same name in two folders are two streams."""
    other = tmp_path / "b" / lines.name
    other.parent.mkdir()
    other.write_bytes(lines.read_bytes())

    found = flags(pinocchio("scan", lines, other, "--format", "jsonl").stdout)

    assert [flag.flag_id for flag in found] == ["lines:3", "lines-2:3"]


def test_the_shipped_model_is_not_trusted_with_people(recording: Path, lines: Path) -> None:
    """Only where it is about to hear a recording does stderr say what it can hear and what to name instead."""
    with_sound = pinocchio("scan", recording, "--format", "jsonl")
    with_text = pinocchio("scan", lines, "--format", "jsonl")

    assert SYNTHETIC_ONLY in with_sound.stderr
    assert "large-v3-turbo" in SYNTHETIC_ONLY
    assert SYNTHETIC_ONLY not in with_sound.stdout + with_text.stderr


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, lines: Path) -> None:
    """It is named on a line, the others are scanned, and the exit code tells."""
    bad = tmp_path / "bad.txt"
    bad.write_bytes("最低价".encode("gb18030"))

    result = pinocchio("scan", bad, lines, "--format", "jsonl")

    assert result.exit_code == 1
    assert len(flags(result.stdout)) == 1
    assert [str(bad) in line for line in result.stderr.splitlines()] == [True]


def test_a_missing_file_is_told_before_any_work(lines: Path) -> None:
    """The name and the reason, and no results of the others."""
    assert one_line(pinocchio("scan", lines, "nope.mp3")) == "error: nope.mp3: No such file or directory"


def test_what_is_no_sound(model: str) -> None:
    """A file that is no recording is named, without a traceback."""
    line = one_line(pinocchio("scan", ROOT / "pyproject.toml", "--speech-model", model))

    assert "pyproject.toml: it is no sound that can be read" in line


def test_a_model_that_is_not_there(recording: Path, tmp_path: Path) -> None:
    """An empty folder is told as one, on one line."""
    assert "model.bin" in one_line(pinocchio("scan", recording, "--speech-model", tmp_path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "is not JSON"), ('["x"]', "listing 1: expected an object"),
        ('[{}, {"price": "dear"}]', "listing 2: price"), ('{"stock": 1.5}', "listing 1: stock"),
    ],
)  # fmt: skip
def test_a_listing_that_is_none(content: str, reason: str, tmp_path: Path, lines: Path) -> None:
    """The file, the listing and the field are named before anything is scanned."""
    listing = tmp_path / "listing.json"
    listing.write_text(content, encoding="utf-8")

    line = one_line(pinocchio("scan", lines, "--listing", listing))

    assert str(listing) in line
    assert reason in line


@pytest.mark.parametrize("content", ["{}", "[]", '[{"title": "岩茶"}, {"sku": "a", "price": 3}]'])
def test_a_listing_is_carried_along(content: str, tmp_path: Path, lines: Path) -> None:
    """One object or several, every field optional: the scan goes on as without it."""
    listing = tmp_path / "listing.json"
    listing.write_text(content, encoding="utf-8")

    assert len(flags(pinocchio("scan", lines, "--listing", listing, "--format", "jsonl").stdout)) == 1


@pytest.mark.parametrize(("kind", "loaded"), [("text", False), ("sound", True)])
def test_a_scan_loads_no_torch(kind: str, loaded: bool, model: str, recording: Path, lines: Path) -> None:
    """Neither for sound nor for text, and CTranslate2 only for sound."""
    words = ["scan", str(lines if kind == "text" else recording), "--speech-model", model]
    script = f"import sys; sys.argv = ['pinocchio', *{words!r}]; from worker.cli import main; main()"

    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )

    modules = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    assert modules & {"torch", "transformers", "kafka"} == set()
    assert ("ctranslate2" in modules) is loaded


# demo -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo(model: str, tmp_path: Path) -> None:
    """All samples are heard to their end, texts are judged beside them, and D keeps what was found."""
    result = pinocchio("demo", "--once", "--dir", tmp_path / "d", "--speech-model", model)

    assert result.exit_code == 0, result.stderr
    names = [path.stem for path in sorted(resource("configs/samples").glob("*.yaml"))]
    table = [line.split("│") for line in result.stdout.splitlines() if line.startswith("│")]
    assert [row[1].strip() for row in table] == [*names, "all"]
    assert all(int(row[3]) > 20 for row in table)
    kept = flags((tmp_path / "d" / "flags.jsonl").read_text(encoding="utf-8"))
    written = {flag.flag_id: flag for flag in kept if flag.source is not Source.SPEECH}
    assert "sample-jade-zh:text-1" in written
    viewers = [
        t["text"]
        for t in json.loads(resource("configs/samples/texts.json").read_text())
        if t["author_role"] == "viewer"
    ]
    transcripts = (tmp_path / "d" / "transcripts.jsonl").read_text(encoding="utf-8")
    assert viewers
    assert all(text in transcripts for text in viewers)
    assert not {flag.transcript for flag in kept} & set(viewers)


def test_the_viewers_lines_of_the_demo_would_count_from_a_host() -> None:
    """So that it means something that they do not count."""
    from worker import compose
    from worker.config import Config

    finder = compose.load_rulebook(Config()).finder
    texts = json.loads(resource("configs/samples/texts.json").read_text(encoding="utf-8"))

    assert all(finder.find(text["text"], "zh") for text in texts if text["author_role"] == "viewer")


# check-config ---------------------------------------------------------------------------------------------------------


def test_a_good_configuration(tmp_path: Path) -> None:
    """ok, then every setting in force as YAML, passwords hidden."""
    file = tmp_path / "c.yaml"
    file.write_text(
        "kafka: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: me, sasl_password: secret}\n"
        "store: {url: 'postgresql://me:secret@db/p'}\n"
    )

    result = pinocchio("check-config", file, env={"PINOCCHIO_SPEECH__BEAM": "3"})

    assert result.exit_code == 0, result.stderr
    first, _, rest = result.stdout.partition("\n")
    assert first == "ok"
    assert yaml.safe_load(rest)["speech"]["beam"] == 3
    assert "secret" not in rest
    assert "postgresql://me:***@db/p" in rest


def test_every_problem_has_a_line(tmp_path: Path) -> None:
    """All that is wrong is told at once, with the key, and nothing goes to standard output."""
    file = tmp_path / "c.yaml"
    file.write_text("speech: {device: gpu}\nkafka: {bootstrap_server: 'a:1'}\n")

    result = pinocchio("check-config", file)

    assert (result.exit_code, result.stdout) == (1, "")
    assert ["speech.device" in line or "bootstrap_server" in line for line in result.stderr.splitlines()] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("speech: {model: /no/such/folder}", "speech.model"), ("labels: {file: /no/such.yaml}", "/no/such.yaml"),
        ("policy: {file: /no/such.yaml}", "/no/such.yaml: cannot be read"),
        ("lexicon: {folder: /no/such}", "/no/such"), ("classifier: {model: x}", "classifier.model"),
        ("kafka: {ssl_cafile: /no/such.pem}", "kafka.ssl_cafile"),
        ("audio: {blob_root: 'nonsense://x'}", "audio.blob_root"),
    ],
)  # fmt: skip
def test_what_the_settings_name_is_looked_at(content: str, reason: str, tmp_path: Path) -> None:
    """A file or folder that is not there, and a classifier that this version does not have, are problems too."""
    file = tmp_path / "c.yaml"
    file.write_text(content)

    assert reason in one_line(pinocchio("check-config", file))


# Without a broker -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [["topics", "create"], ["dead-letters", "retry", "live.audio/0/0"], ["replay"]],
    ids=" ".join,
)  # fmt: skip
def test_a_broker_that_does_not_answer(words: list[str], recording: Path) -> None:
    """One-shot commands give up after a while, with a line that names the brokers."""
    extra = [str(recording)] if words == ["replay"] else []

    run = subprocess.run(
        [sys.executable, "-m", "worker.cli", *words, *extra, "--bootstrap-servers", "127.0.0.1:1"],
        capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ | {"PINOCCHIO_KAFKA__TIMEOUT_S": "1"},
    )  # fmt: skip

    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    assert line.startswith("error: Kafka at 127.0.0.1:1: ")
