"""Which file may import what. The table is the architecture; this test keeps it true."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "models": set(),
    "models.results": set(),
    "models.audio": {"av", "numpy"},
    "models.encoding": {"models.audio", "av", "numpy"},
    "models.vad": {"numpy", "onnxruntime"},
    "models.speech": {"models.vad", "numpy"},
    "models.doubt": set(),
    "models.word_times": {"models.results"},
    "models.asr": {"models.doubt", "models.results", "models.word_times", "ctranslate2", "faster_whisper", "numpy"},
    "models.yaml_files": {"yaml"},
    "models.labels": {"models.yaml_files", "pydantic"},
    "models.law": {"models.labels"},
    "models.trees": set(),
    "models.charsets": {"models.trees"},
    "models.ambiguity": {"models.charsets", "models.trees"},
    "models.backtracking": {"models.ambiguity", "models.charsets", "models.trees"},
    "models.firsts": {"models.trees"},
    "models.literals": {"models.trees", "ahocorasick_rs"},
    "models.numerals": set(),
    "models.sounds": {"pypinyin"},
    "models.views": set(),
    "models.variants": {"models.sounds", "yaml"},
    "models.disguises": {"models.variants", "models.views"},
    "models.figures": {"models.numerals", "models.variants", "models.views"},
    "models.normalise": {"models.disguises", "models.sounds", "models.variants", "models.views", "opencc"},
    "models.patterns": set(),
    "models.rules": {
        "models.backtracking", "models.firsts", "models.literals", "models.patterns", "models.yaml_files", "pydantic",
    },
    "models.lexicon": {
        "models.literals", "models.normalise", "models.patterns", "models.results", "models.rules", "models.sounds",
        "models.variants", "models.views", "ahocorasick_rs",
    },
    "models.scores": {"cn2an", "numpy", "pypinyin"},
    "models.cues": {
        "models.backtracking", "models.normalise", "models.numerals", "models.patterns", "models.sounds",
        "models.variants", "models.views", "models.yaml_files", "pydantic",
    },
    "models.units": set(),
    "models.amounts": {"models.numerals", "models.units"},
    "models.places": {"yaml"},
    "models.materials": {"models.numerals", "models.places", "yaml"},
    "models.certificates": {"models.materials"},
    "models.wording": {"models.places", "yaml"},
    "models.clauses": {"models.wording"},
    "models.around": {"models.amounts", "models.clauses", "models.wording"},
    "models.phrases": {"models.clauses", "models.materials", "models.places", "models.results", "models.wording"},
    "models.account": {
        "models.amounts", "models.certificates", "models.materials", "models.places", "models.results",
    },
    "models.facts": {
        "models.account", "models.amounts", "models.around", "models.clauses", "models.numerals", "models.phrases",
        "models.results", "models.units", "models.wording",
    },
    "models.labelled": {"pydantic"},
    "models.manifest": {"numpy", "pydantic"},
    "models.ngrams": {"models.normalise", "models.results", "models.sounds", "models.variants", "numpy"},
    "models.spans": {"numpy"},
    "models.pieces": {"models.manifest", "models.ngrams", "models.results"},
    "models.linear": {
        "models.manifest", "models.ngrams", "models.pieces", "models.results", "models.spans", "models.variants",
        "numpy",
    },
    "models.encoders": {
        "models.manifest", "models.results", "models.spans", "numpy", "safetensors", "torch", "transformers",
    },
    "models.classifier": {
        "models.encoders", "models.linear", "models.manifest", "models.ngrams", "models.pieces", "models.results",
        "models.spans", "numpy",
    },
    "models.together": {"models.results"},
    "models.tables": set(),
    "models.speech_figures": {
        "models.asr", "models.audio", "models.labelled", "models.results", "models.scores", "models.speech",
        "models.tables", "models.vad",
    },
    "models.claim_figures": {
        "models.classifier", "models.doubt", "models.labelled", "models.lexicon", "models.results", "models.scores",
        "models.tables", "models.together", "numpy",
    },
    "models.figures_page": set(),
    "models.evaluate": {
        "models.asr", "models.audio", "models.claim_figures", "models.classifier", "models.figures_page",
        "models.labelled", "models.labels", "models.lexicon", "models.speech_figures",
    },
    "worker": set(),
    "worker.resources": set(),
    "worker.config": {"models.yaml_files", "pydantic", "pydantic_core", "yaml"},
    "worker.records": {"pydantic"},
    "worker.bus": {"worker.records"},
    "worker.memory_bus": {"worker.bus", "worker.records"},
    "worker.kafka_bus": {"worker.bus", "worker.records", "worker.kafka_bus", "kafka"},
    "worker.codec": {"worker.bus", "worker.records", "pydantic"},
    "worker.blobs": {"worker.bus", "worker.codec", "fsspec"},
    "worker.positions": set(),
    "worker.metrics": {"worker.bus", "worker.codec", "worker.records", "prometheus_client"},
    "worker.health": {"prometheus_client"},
    "worker.batches": {"worker.bus", "worker.codec", "worker.records"},
    "worker.patience": {"worker.codec"},
    "worker.assigned": {"worker.bus", "worker.positions"},
    "worker.service": {
        "worker.assigned", "worker.batches", "worker.bus", "worker.codec", "worker.metrics", "worker.patience",
        "worker.positions", "worker.records", "structlog",
    },
    "worker.hearing": {
        "models.audio", "models.speech", "models.vad", "worker.batches", "worker.bus", "worker.codec",
        "worker.records", "numpy",
    },
    "worker.listings": {
        "models.amounts", "models.certificates", "models.materials", "models.places", "models.results",
        "worker.codec", "worker.records", "pydantic",
    },
    "worker.goods": {"worker.bus", "worker.codec", "worker.records", "structlog"},
    "worker.policy": {"models.labels", "models.yaml_files", "pydantic"},
    "worker.rulebook": {"models.labels", "models.law", "models.results", "worker.policy", "worker.records"},
    "worker.reminders": {"models.law", "worker.bus", "worker.records", "worker.rulebook"},
    "worker.reload": {"worker.config", "worker.metrics", "worker.rulebook", "structlog"},
    "worker.context": {"worker.records"},
    "worker.heard_words": {"models.asr", "models.results", "worker.hearing", "worker.records"},
    "worker.said_of_goods": {
        "models.facts", "models.results", "worker.heard_words", "worker.listings", "worker.records",
    },
    "worker.detection": {
        "models.asr", "models.doubt", "models.results", "models.together", "worker.batches", "worker.context",
        "worker.heard_words", "worker.hearing", "worker.listings", "worker.records", "worker.reminders",
        "worker.rulebook", "worker.said_of_goods",
    },
    "worker.moments": {"models.cues", "worker.records"},
    "worker.floods": {"models.cues", "worker.moments"},
    "worker.rows": {"models.cues", "worker.floods", "worker.moments", "worker.records"},
    "worker.sequences": {
        "models.cues", "models.labels", "worker.batches", "worker.bus", "worker.codec", "worker.floods",
        "worker.moments", "worker.policy", "worker.records", "worker.rows", "worker.rulebook",
    },
    "worker.schemas": {"worker.records"},
    "worker.logs": {"structlog"},
    "worker.brokers": {"worker.bus", "worker.config", "worker.kafka_bus"},
    "worker.dead_letters": {"worker.bus", "worker.codec", "worker.records"},
    "worker.recordings": {"models.audio", "models.encoding", "worker.bus", "worker.codec", "worker.records"},
    "worker.replay": {"models.audio", "models.encoding", "worker.bus", "worker.codec", "worker.recordings"},
    "worker.demo": {"worker.codec", "worker.listings", "worker.recordings", "worker.records", "yaml"},
    "worker.local": {
        "models.asr", "models.audio", "models.results", "worker.batches", "worker.codec", "worker.goods",
        "worker.hearing", "worker.memory_bus",
        "worker.records", "worker.service", "numpy",
    },
    "worker.console": {"models.labels", "worker.demo", "worker.records", "rich"},
    "worker.screens": {
        "models.labels", "worker.console", "worker.dead_letters", "worker.demo", "worker.records", "rich",
    },
    "worker.plain": {
        "models.asr", "models.audio", "worker.bus", "worker.config", "worker.listings", "worker.local",
        "worker.patience", "worker.recordings",
    },
    "worker.scanning": {
        "models.audio", "worker.codec", "worker.console", "worker.listings", "worker.local", "worker.plain",
        "worker.recordings", "worker.records", "worker.screens", "rich",
    },
    "worker.work": {
        "worker.batches", "worker.bus", "worker.health", "worker.metrics", "worker.service", "structlog",
    },
    "worker.compose": {
        "models.asr", "models.audio", "models.classifier", "models.cues", "models.labels", "models.lexicon",
        "models.results", "models.speech", "models.vad", "models.variants", "worker.sequences",
        "worker.blobs", "worker.config", "worker.detection", "worker.hearing", "worker.listings",
        "worker.metrics", "worker.policy", "worker.reload", "worker.resources", "worker.rulebook", "worker.service",
    },
    "worker.explaining": {
        "models.classifier", "models.law", "models.lexicon", "models.ngrams", "models.results", "worker.codec",
        "worker.detection", "worker.listings", "worker.local", "worker.policy", "worker.recordings", "worker.records",
        "worker.rulebook", "worker.sequences",
    },
    "worker.commands": {"models", "worker", "rich", "typer", "yaml"},
    "worker.cli": {"worker.commands", "typer"},
}  # fmt: skip
"""File -> what it may import besides the standard library: files of ours, and other people's packages.

A folder stands for all files in it. What a file imports of ours stands above it in its half of the
table, so there are no circles. worker.commands, the composition root, may import all of ours.
"""

HEAVY = {
    "torch": {"models.encoders"},
    "transformers": {"models.encoders"},
    "ctranslate2": {"models.asr"},
    "faster_whisper": {"models.asr"},
    "onnxruntime": {"models.vad"},
    "av": {"models.audio", "models.encoding"},
    "kafka": {"worker.kafka_bus"},
    "prometheus_client": {"worker.metrics", "worker.health"},
    "typer": {"worker.cli", "worker.commands"},
    "rich": {"worker.commands", "worker.console", "worker.scanning", "worker.screens"},
}
"""Package -> the only files that may import it; models.training, which is not part of the service, may too."""


def files() -> dict[str, Path]:
    """Every file of the service by its place in the table; models/training apart."""
    paths = [path for folder in ("worker", "models") for path in (ROOT / folder).rglob("*.py")]
    return {module(path): path for path in paths if not module(path).startswith("models.training")}


def module(path: Path) -> str:
    """The dotted name of a file, and of a folder for its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def entry(name: str) -> str | None:
    """The line of the table that a module falls under: its own, else its folder's."""
    if name in MAY_IMPORT:
        return name
    folder = name.rpartition(".")[0]
    return folder if folder.count(".") and folder in MAY_IMPORT else None


def imported(path: Path) -> Iterator[str]:
    """Everything a file imports, also inside functions: ours by module, others by package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(level=0, module=str(base)):
                inside = [f"{base}.{alias.name}" for alias in node.names]
                names = [one if is_module(one) else base for one in inside]
            case ast.ImportFrom():
                raise AssertionError(f"{path}:{node.lineno}: a relative import does not say where it leads")
            case _:
                continue
        yield from (name if name.split(".")[0] in ("worker", "models") else name.split(".")[0] for name in names)


def is_module(name: str) -> bool:
    """Whether a dotted name is a file or folder of ours, rather than something inside one."""
    place = ROOT / name.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def foreign(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] not in sys.stdlib_module_names}


def allowed(name: str, by: set[str]) -> bool:
    """Whether a line of the table allows a module: it, or a folder it lies in."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in by for count in range(1, len(parts) + 1))


def test_every_file_is_in_the_table() -> None:
    """A new file is placed in the table by its author, and a removed one leaves it."""
    assert {name for name in files() if entry(name) is None} == set()
    assert {name for name in MAY_IMPORT if name not in {entry(file) for file in files()}} == set()


@pytest.mark.parametrize("name", sorted(files()))
def test_a_file_imports_only_what_the_table_allows(name: str) -> None:
    """Imports at the top and inside functions are those of the file's line."""
    by = MAY_IMPORT[entry(name) or pytest.fail(f"{name} is not in the table")]

    assert {other for other in foreign(files()[name]) if not allowed(other, by)} == set()


def test_imports_go_one_way() -> None:
    """Whatever a line of the table allows of ours stands above it, so that no two files can import each other."""
    order = list(MAY_IMPORT)
    ours = {name: {one for one in by if one in order and one != name} for name, by in MAY_IMPORT.items()}

    assert {(name, one) for name, of in ours.items() for one in of if order.index(one) > order.index(name)} == set()


def test_models_know_nothing_of_the_worker() -> None:
    """No file under models, training included, imports worker."""
    paths = (ROOT / "models").rglob("*.py")

    assert {module(path) for path in paths if any(name.split(".")[0] == "worker" for name in imported(path))} == set()


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_is_imported_in_its_one_place(package: str) -> None:
    """Only the files named for it import it."""
    users = {entry(name) or name for name, path in files().items() if package in foreign(path)}

    assert users <= HEAVY[package]


@pytest.mark.parametrize(
    "script",
    ["import worker.cli", "import sys, worker.cli; sys.argv = ['pinocchio', '--help']; worker.cli.main()"],
    ids=["import", "help"],
)
def test_the_command_line_starts_without_the_models(script: str) -> None:
    """Neither importing worker.cli nor --help imports torch, transformers, CTranslate2 or Kafka's client."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")}
    said = [line for line in run.stderr.splitlines() if not line.startswith("import time:")]

    assert run.returncode == 0, said
    assert "worker.cli" in loaded
    assert loaded & {"torch", "transformers", "ctranslate2", "faster_whisper", "kafka"} == set()
