"""What the documents show works as shown."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from models.audio import decode
from models.facts import spoken_facts
from tests.parts import need
from worker.cli import app
from worker.config import load_config
from worker.listings import LABELS, against
from worker.metrics import CODES
from worker.records import Listing, LiveText
from worker.resources import resource

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
SOUND = (ROOT / "docs" / "sound.md").read_text(encoding="utf-8")


def blocks(text: str, language: str = "") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a document names a file that is there."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist(path: Path) -> None:
    """Every `pinocchio COMMAND` of a code line is one of the program's."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = re.findall(r"^\s*(?:\$ )?pinocchio ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= set(commands)


def test_the_readme_s_configuration_is_valid(tmp_path: Path) -> None:
    """The file it tells to write loads without a problem."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    written = re.search(r"<<'EOF'\n(.*?)^EOF", readme, re.MULTILINE | re.DOTALL)
    assert written is not None
    (tmp_path / "pinocchio.yaml").write_text(written[1], encoding="utf-8")
    assert load_config(tmp_path / "pinocchio.yaml", {}).speech.model == "large-v3-turbo"


def test_the_example_of_live_text_is_one() -> None:
    """It parses as the record that the worker reads."""
    (example,) = blocks(SOUND, "json")
    assert LiveText.model_validate_json(example).author_role.is_host


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    """The table names the codes that the metrics count, no more and no fewer."""
    rows = [line for line in SOUND.split("| reason |")[1].splitlines() if line.startswith("| `")]
    assert {code for row in rows for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])} == set(CODES)


FACTS = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
_TOLD = FACTS.partition("## Examples")[2]
FACT_ROWS = [
    [cell.strip() for cell in line.strip("| ").split("|")]
    for line in _TOLD.partition("## Where")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| said")
]


@pytest.mark.parametrize(("said", "facts", "outcomes"), FACT_ROWS)
def test_the_examples_of_facts_are_true(said: str, facts: str, outcomes: str) -> None:
    """Each gives the facts and outcomes that the page shows."""
    listing = Listing.model_validate_json(re.search(r"`({.*})`", _TOLD)[1])  # type: ignore[index]
    compared = against(spoken_facts(said, "zh"), [listing])
    values = [one.fact.value if isinstance(one.fact.value, str) else f"{one.fact.value:g}" for one in compared]
    assert ", ".join(f"{c.fact.field}={value}" for c, value in zip(compared, values, strict=True)) == facts
    assert ", ".join(one.outcome for one in compared) == outcomes


def test_every_field_of_a_fact_is_explained() -> None:
    """The table has each field with its label, no more and no fewer."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\w+) \|$", FACTS, re.MULTILINE)
    assert dict(rows) == dict(LABELS)


FFMPEG = [line for block in blocks(SOUND) for line in block.splitlines() if line.startswith("ffmpeg")]


@pytest.mark.parametrize("line", FFMPEG, ids=lambda line: str(line).rsplit(".", 1)[-1])
def test_the_ffmpeg_lines_cut_chunks_that_decode_alone(line: str, tmp_path: Path) -> None:
    """Run on a recording instead of a live source, each gives chunks of about five seconds."""
    need("ffmpeg", "ffmpeg")
    command = shlex.split(line.replace("rtmp://127.0.0.1/live/room", str(resource("configs/samples/tea-zh.opus"))))
    command[1:1] = ["-nostdin", "-loglevel", "error", "-t", "21"]
    subprocess.run(command, cwd=tmp_path, check=True)
    chunks = sorted(tmp_path.iterdir())
    types = {".flac": "audio/flac", ".ogg": "audio/ogg", ".aac": "audio/aac"}
    seconds = [len(decode(chunk.read_bytes(), types[chunk.suffix], 60)) / 16_000 for chunk in chunks]
    assert len(seconds) == 5
    assert all(4.9 < s < 5.2 for s in seconds[:4])
