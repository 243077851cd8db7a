"""Texts that nobody means: through the service with everything as it ships, and through `pinocchio scan`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.worker.sounds import batch, text_message
from worker import compose
from worker.batches import Outcome
from worker.cli import app
from worker.config import Config
from worker.detection import Detection
from worker.local import NoSpeech, OwnSound
from worker.records import Flag, Transcript

CLAIM = "全网最低价"


@cache
def service() -> Detection:
    return compose.detection(Config(), compose.reloader(Config()).current, NoSpeech(), compose.Ears(OwnSound()))


def handled(*texts: str) -> Outcome:
    worker = service()
    return worker.handle(worker.prepare(batch([text_message(text, offset=n) for n, text in enumerate(texts)])))


def flags(outcome: Outcome) -> list[Flag]:
    return [one.record for one in outcome.results if isinstance(one.record, Flag)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("最" * 100_000, "at most 20000 characters"),
        ("\ud800", "hex escape"),
        (f"{CLAIM}\udfff", "surrogate"),
    ],
    ids=["100,000 characters", "lone surrogate", "surrogate behind a claim"],
)
def test_texts_that_are_set_aside(text: str, reason: str) -> None:
    """A dead letter that says why; its neighbours in the batch are handled as ever."""
    outcome = handled(CLAIM, text, CLAIM)

    (rejected,) = outcome.rejected
    assert (rejected.code, rejected.message.offset) == ("bad_json", 1)
    assert reason in rejected.detail
    assert [flag.flag_id for flag in flags(outcome)] == ["t0", "t2"]
    assert [spot.offset for spot in outcome.free] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("", []),
        (" \t\u3000\n", []),
        ("\x00\x01\x02\x1b[31m\x7f\x80\x9f\ufeff\ufffe\uffff\U0010ffff", []),
        ("".join(map(chr, range(256))), []),
        (f"واتساب {CLAIM} すごい 최고 दवा 👍🏽‍♀️", ["PRICE_LOWEST_CLAIM"]),
        (f"\x00{CLAIM}\x00", ["PRICE_LOWEST_CLAIM"]),
        ("好" * (20_000 - len(CLAIM)) + CLAIM, ["PRICE_LOWEST_CLAIM"]),
        ("a" * 20_000, []),
        ("\u0301" * 20_000, []),
        ("1" * 20_000, []),
        ("一" * 20_000, []),
    ],
    ids=[
        "empty", "blank", "control", "latin-1", "scripts", "nul", "claim at the end", "one letter", "accents", "digits",
        "numerals",
    ],
)  # fmt: skip
def test_texts_that_are_handled(text: str, claims: list[str]) -> None:
    """A Transcript of the very text, and the claims in it if any, whose spans lead to their words."""
    outcome = handled(text)

    assert outcome.rejected == []
    assert [one.record.text for one in outcome.results if isinstance(one.record, Transcript)] == [text]
    found = [claim for flag in flags(outcome) for claim in flag.claims]
    assert [claim.label for claim in found] == claims
    assert all(text[slice(*claim.span)] == claim.text for claim in found)


def scan(path: Path) -> Result:
    return CliRunner().invoke(app, ["scan", str(path), "--format", "jsonl"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            (CLAIM + "\n" + "最" * 100_000 + "\n").encode(),
            "line 2 has 100,000 characters; a live text has at most 20,000",
        ),
        (b"\x00\xff\xfe\x80 not text", "it is not UTF-8 text"),
        (CLAIM.encode() + b"\n\xed\xa0\x80\n", "it is not UTF-8 text"),
    ],
    ids=["long", "binary", "surrogate"],
)
def test_files_that_cannot_be_scanned(tmp_path: Path, content: bytes, told: str) -> None:
    """One line names the file and says why."""
    path = tmp_path / "odd.txt"
    path.write_bytes(content)
    result = scan(path)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {path}: ")
    assert told in line


def test_files_with_nothing_and_with_every_script(tmp_path: Path) -> None:
    """Nothing found is a result; a claim among other scripts is found."""
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "mixed.txt").write_text(f"\x00\x07\nواتساب {CLAIM} 최고 🎉\n", encoding="utf-8")

    empty, mixed = scan(tmp_path / "empty.txt"), scan(tmp_path / "mixed.txt")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert [claim.label for claim in Flag.model_validate_json(mixed.stdout).claims] == ["PRICE_LOWEST_CLAIM"]
