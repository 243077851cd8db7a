"""Fixtures that give tests a real Kafka.

``PINOCCHIO_KAFKA`` names a running broker to use for all but the tests that stop theirs. Without it one is
started, which needs Java and Maven; where they are missing the tests are skipped, or fail when
``PINOCCHIO_REQUIRE_ALL`` is 1.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kafka.broker import Broker

JARS = Path(__file__).parent.parent / ".cache" / "kafka"
MISSING = "needs Java 17 and Maven for a real Kafka (Debian: default-jre-headless maven), or PINOCCHIO_KAFKA=host:port"


def _need_java() -> None:
    if shutil.which("java") and shutil.which("mvn"):
        return
    if os.environ.get("PINOCCHIO_REQUIRE_ALL") == "1":
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that all tests share; give topics and groups names of their own."""
    if address := os.environ.get("PINOCCHIO_KAFKA"):
        yield address
        return
    _need_java()
    with Broker(tmp_path_factory.mktemp("kafka"), JARS) as broker:
        yield broker.address


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Callable[[], Broker]]:
    """Starts a broker for this test alone, to be killed and started again."""
    _need_java()
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Broker(tmp_path / uuid.uuid4().hex, JARS))


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A name nobody else uses, for a topic or a group."""
    return lambda name: f"{name}-{uuid.uuid4().hex[:12]}"
