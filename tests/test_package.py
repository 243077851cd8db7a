"""What ``pip install .`` brings: everything the demo needs, and nothing it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BUILD = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"
WITHOUT = "import sys; sys.modules.update(dict.fromkeys(('torch', 'transformers', 'kafka'))); "


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where it hides nothing and nothing of the checkout helps it."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *words: str) -> str:
    """The command as installed, from a folder of its own, with what the wheel does not depend on out of reach."""
    script = WITHOUT + f"sys.argv = ['pinocchio', *{words!r}]; from worker.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    """Its configuration and its labels come from the wheel."""
    script = "from worker.resources import resource; print(resource('configs/labels.yaml'))"
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-c", script]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed)
    assert not (installed / "models" / "training").exists()
    assert not (installed / "models" / "data").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_runs_from_anywhere(installed: Path, tmp_path: Path) -> None:
    """With the samples, the rules and the model of the wheel; torch, transformers and Kafka's client are not there."""
    said = run(installed, tmp_path, "demo", "--once", "--dir", "kept")
    assert "jade-zh" in said
    assert "sample-jade-zh:text-1" in (tmp_path / "kept" / "flags.jsonl").read_text(encoding="utf-8")
