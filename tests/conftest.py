"""Fixtures that tests of several folders use, and where the time went."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy machine is no reason to fail
settings.load_profile("any machine")

pytest_plugins = ["tests.kafka_fixture"]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command under test sets up logging for its process, which is everybody's here."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Seconds per suite, the longest first."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[report.nodeid.split("::")[0]] += report.duration
    terminalreporter.section("seconds per suite")
    for suite, spent in seconds.most_common():
        terminalreporter.write_line(f"{spent:7.1f}  {suite}")
