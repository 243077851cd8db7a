"""Programs and libraries that some tests need: where one is missing the test is skipped, and fails in CI."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest


def need(part: str, install: str) -> str:
    """The path of a program; without it the test ends here, saying what to install."""
    path = shutil.which(part)
    return path if path is not None else lacking(f"needs {part}; to install: {install}")


def need_library(name: str, install: str) -> None:
    """Without the library the test or module ends here, saying what to install."""
    if find_spec(name) is None:
        lacking(f"needs {name}; to install: {install}")


def lacking(reason: str) -> NoReturn:
    """Skip this test or module, or fail it when PINOCCHIO_REQUIRE_ALL is 1."""
    if os.environ.get("PINOCCHIO_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
