"""Missing parts: one plain line, and no silent skip in CI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.parts import need, need_library


def test_a_part_that_is_there_is_given_with_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program on the PATH is found."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))

    assert need(Path(sys.executable).name, "nothing") == sys.executable


@pytest.mark.parametrize(("require_all", "outcome"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_a_missing_part_skips_and_in_ci_fails(
    monkeypatch: pytest.MonkeyPatch, require_all: str, outcome: type[BaseException]
) -> None:
    """The line names the part and what to install, whether it skips or fails."""
    monkeypatch.setenv("PINOCCHIO_REQUIRE_ALL", require_all)

    with pytest.raises(outcome, match="needs no-such-program; to install: the package so-and-so"):
        need("no-such-program", "the package so-and-so")
    with pytest.raises(outcome, match="needs no_such_library; to install: the extra so-and-so"):
        need_library("no_such_library", "the extra so-and-so")
