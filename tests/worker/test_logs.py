"""Logs go to what stderr is, and never bring down the thread that writes them."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest
import structlog

from worker import logs


def test_stderr_is_exchanged_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of a library that logs later writes to the new one, whatever became of the old one."""
    first, second = io.TextIOWrapper(io.BytesIO(), line_buffering=True), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logs.configure(logging.WARNING)
    logging.getLogger("library").error("to the first")
    monkeypatch.setattr(sys, "stderr", second)
    line = json.loads(first.buffer.getvalue())
    first.close()

    logging.getLogger("library").error("to the second")

    assert (line["event"], line["level"], line["logger"]) == ("to the first", "error", "library")
    assert json.loads(second.getvalue())["event"] == "to the second"


def test_ours_and_theirs_look_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """One JSON object a line, with level and time; below the level nothing is written."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    logs.configure(logging.WARNING)

    structlog.get_logger().warning("ours", stream="room")
    structlog.get_logger().info("too low")
    logging.getLogger("library").warning("theirs")

    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    assert (ours["event"], ours["stream"], theirs["event"]) == ("ours", "room", "theirs")
    assert {"timestamp", "level"} <= ours.keys() & theirs.keys()
