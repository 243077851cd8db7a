"""The blind set is the one that was written before the rules."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "models" / "data" / "blind"


def test_the_blind_set_is_as_it_was_written() -> None:
    """Its bytes have the hash committed with it."""
    digest, name = (FOLDER / "SHA256SUMS").read_text(encoding="utf-8").split()

    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
