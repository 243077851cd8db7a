"""The sets that nothing may be tuned on are those that were written before the rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent.parent / "models" / "data"


@pytest.mark.parametrize("folder", ["blind", "claims", "facts", "scenes"])
def test_the_set_is_as_it_was_written(folder: str) -> None:
    """Its bytes have the hash committed with it."""
    digest, name = (DATA / folder / "SHA256SUMS").read_text(encoding="utf-8").split()

    assert hashlib.sha256((DATA / folder / name).read_bytes()).hexdigest() == digest
