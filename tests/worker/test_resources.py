"""Shipped files: found from a checkout and from an installed wheel, which holds them all and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.resources import resource

ROOT = Path(__file__).parent.parent.parent

WORKSHOP = ("models/training/", "models/data/")
"""What stays in the repository: the code and texts that models are made of."""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Runs a script with the wheel's files, from a folder where no checkout is in sight; gives what it prints."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # noqa: S202 (our own wheel)

    def run(script: str) -> str:
        script = f"import sys; sys.path.insert(0, {str(site)!r})\n{script}"
        command = [sys.executable, "-P", "-c", script]
        done = subprocess.run(command, cwd=site.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert str(ROOT / "worker") not in done.stdout
        return done.stdout.strip()

    return run


def files(folder: str) -> set[str]:
    """The files of a folder of the repository, by their path in it."""
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT).as_posix() for path in paths}


def test_a_checkout_has_its_files_beside_the_code() -> None:
    """A file and a folder are found by their path in the repository."""
    assert resource("configs/labels.yaml") == ROOT / "configs" / "labels.yaml"
    assert resource("configs/lexicon") == ROOT / "configs" / "lexicon"


def test_a_missing_file_is_named() -> None:
    """An installation that lacks something says what."""
    with pytest.raises(FileNotFoundError, match=r"configs/none\.yaml is missing from this installation"):
        resource("configs/none.yaml")


def test_the_wheel_holds_all_that_ships(wheel: Path) -> None:
    """Code, configuration, labels, rules, samples and weights, each file of the repository."""
    held = set(zipfile.ZipFile(wheel).namelist())
    code = {path for path in files("worker") | files("models") if not path.startswith(WORKSHOP)}
    configs = {f"worker/{path}" for path in files("configs")}

    assert code | configs == {path for path in held if ".dist-info/" not in path}


def test_an_installed_wheel_finds_its_files(installed: Callable[[str], str]) -> None:
    """From any folder, the files lie inside the installed package and can be read."""
    script = (
        "from worker.resources import resource\n"
        "print(resource('configs/labels.yaml'))\n"
        "assert resource('configs/labels.yaml').read_bytes()\n"
        "assert any(resource('configs/samples').iterdir())\n"
    )

    assert installed(script).endswith("/worker/configs/labels.yaml")


def test_an_installed_wheel_loads_its_configuration_labels_and_rules(installed: Callable[[str], str]) -> None:
    """What the service reads at its start is whole in the wheel."""
    script = (
        "from models.labels import load_labels\n"
        "from models.lexicon import Lexicon\n"
        "from worker.config import Config, load_config\n"
        "from worker.resources import resource\n"
        "labels = load_labels(resource('configs/labels.yaml'))\n"
        "assert Lexicon.load(resource('configs/lexicon'), labels).find('加我薇信', 'zh')\n"
        "assert load_config(resource('configs/pinocchio.yaml'), {}) == Config()\n"
        "print(len(labels))\n"
    )

    assert installed(script) == "27"
