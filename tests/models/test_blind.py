"""The sets that nothing may be tuned on are those that were written before the rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent.parent / "models" / "data"


FOLDERS = sorted(path.parent.name for path in DATA.glob("*/SHA256SUMS"))


def test_the_sets_are_there() -> None:
    """None was lost."""
    assert {"blind", "claims", "facts"} <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_set_is_as_it_was_written(folder: str) -> None:
    """Its bytes have the hash committed with it."""
    digest, name = (DATA / folder / "SHA256SUMS").read_text(encoding="utf-8").split()

    assert hashlib.sha256((DATA / folder / name).read_bytes()).hexdigest() == digest
