"""A real Apache Kafka on a free loopback port, for tests. Needs Java 17 and Maven.

with Broker(Path("/tmp/somewhere"), Path(".cache/kafka")) as broker:
    print(broker.address)
"""

from __future__ import annotations

import base64
import socket
import subprocess
import time
import uuid
from pathlib import Path

POM = Path(__file__).parent / "pom.xml"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=200
"""


def fetch_jars(folder: Path) -> None:
    """Fetch the broker's jars into ``folder``, once (46 files, 43 MB, about 5 s)."""
    whole = folder / "whole"
    if whole.exists() and whole.read_bytes() == POM.read_bytes():
        return
    folder.mkdir(parents=True, exist_ok=True)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder.resolve()}"]
    subprocess.run(["mvn", "-q", "-B", "-f", POM, *goal], check=True)
    whole.write_bytes(POM.read_bytes())


class Broker:
    """One broker and controller in one process, its data under ``root``. Clean stop at the end of ``with``."""

    def __init__(self, root: Path, jars: Path) -> None:
        fetch_jars(jars)
        self.port = _free_port()
        self._root, self._classpath = root, f"{jars.resolve()}/*"
        self._properties, self._log = root / "server.properties", root / "broker.log"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Broker:
        self._root.mkdir(parents=True, exist_ok=True)
        text = PROPERTIES.format(port=self.port, controller=_free_port(), data=self._root / "data")
        self._properties.write_text(text)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        cluster = cluster.replace("-", "A")  # one that began with a dash would be taken for an option
        form = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", self._properties]
        subprocess.run([*self._java("128m"), *form], check=True, capture_output=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, timeout: float = 120) -> None:
        """Start, or start again on the same data and port; returns when the broker says that it runs."""
        levels = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                  "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info"]  # fmt: skip
        with self._log.open("w") as log:
            command = [*self._java("512m"), *levels, "kafka.Kafka", self._properties]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + timeout
        while "Kafka Server started" not in self._log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Kafka did not start, see {self._log}:\n{self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _java(self, heap: str) -> list[str]:
        return ["java", f"-Xmx{heap}", "-XX:TieredStopAtLevel=1", "-cp", self._classpath]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
