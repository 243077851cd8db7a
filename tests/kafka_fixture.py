"""Fixtures that give tests a real Kafka.

``PINOCCHIO_KAFKA`` names a running broker to use for all but the tests that stop theirs. Without it one is
started, which needs Java and Maven; where they are missing the tests are skipped, or fail when
``PINOCCHIO_REQUIRE_ALL`` is 1.
"""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.parts import need

JARS = Path(__file__).parent.parent / ".cache" / "kafka"
INSTALL = "default-jre-headless and maven for a real Kafka, or name one as PINOCCHIO_KAFKA=host:port"


def _need_java() -> None:
    for part in ("java", "mvn"):
        need(part, INSTALL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """kafka-python leaves the socket of a connection that was refused to the garbage collector."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(autouse=True)
def _collect_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """So that those sockets are not found in somebody else's test."""
    yield
    if request.node.get_closest_marker("kafka"):
        gc.collect()


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
