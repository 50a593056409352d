"""One Apache Kafka node (broker and KRaft controller in one JVM) as a child process."""

import base64
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.runtime.ports import port_accepts
from services.runtime.processes import Child, ProcessFailedError, spawn, wait_until

HEAP_MB = 512
_FORMAT_TIMEOUT_S = 120
FAST_START = ("-XX:TieredStopAtLevel=1",)  # a quarter less time and CPU to start, at some throughput under long load
_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
_DATE_FORMAT = "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX"


@dataclass(frozen=True, slots=True)
class NodePorts:
    """TCP ports of one node on 127.0.0.1: for clients, and for the controllers among themselves."""

    client: int
    controller: int


class KafkaBroker(Child):
    """A node of the cluster; `start`, `stop`, `kill` and `start` again on the same data, alone."""

    def __init__(
        self, node_id: int, cluster: Sequence[NodePorts], *, home: Path, jvm: Sequence[str], log_dir: Path
    ) -> None:
        self.node_id = node_id
        self.ports = cluster[node_id - 1]
        self.data_dir = home / "data" / f"kafka-{node_id}"
        self.config_file = home / "data" / f"kafka-{node_id}.properties"
        self._properties = server_properties(node_id, cluster, self.data_dir)
        super().__init__(
            f"kafka-{node_id}",
            [*jvm, "kafka.Kafka", str(self.config_file)],
            log_dir=log_dir,
            env=_plain_environment(),
        )

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"127.0.0.1:{self.ports.client}"

    @property
    def formatted(self) -> bool:
        """Whether the data folder belongs to a cluster already."""
        return (self.data_dir / "meta.properties").is_file()

    def format(self, template: Path, cluster_id: str) -> None:
        """Make an empty data folder of the cluster from a formatted template."""
        shutil.copytree(template, self.data_dir)
        lines = (
            "version=1",
            f"cluster.id={cluster_id}",
            f"node.id={self.node_id}",
            f"directory.id={new_kafka_id()}",
        )
        (self.data_dir / "meta.properties").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        """Write the configuration and start the JVM; returns before the broker is ready."""
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(self._properties)
        super().start()


def jvm_command(java: Path, class_path: Sequence[Path], options: Sequence[str] = FAST_START) -> list[str]:
    """The command line of a broker's JVM up to its main class."""
    memory = (f"-Xmx{HEAP_MB}m", "-Xms128m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
    network = ("-Djava.net.preferIPv4Stack=true", "-Djava.awt.headless=true")
    classes = ("-cp", os.pathsep.join(map(str, class_path)))
    return [str(java), *memory, *network, *options, *_QUIET, _DATE_FORMAT, *classes]


def server_properties(node_id: int, cluster: Sequence[NodePorts], data_dir: Path) -> str:
    """A node's configuration: one broker keeps one copy; three keep three, of which two must be written."""
    copies, in_sync = (3, 2) if len(cluster) >= 3 else (1, 1)
    voters = ",".join(f"{number}@127.0.0.1:{ports.controller}" for number, ports in enumerate(cluster, start=1))
    ports = cluster[node_id - 1]
    values: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node_id,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{ports.client},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{ports.client}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data_dir,
        "auto.create.topics.enable": "false",
        "log.message.timestamp.type": "LogAppendTime",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a kill: how long until others lead, or until a single broker may register again.
        "broker.session.timeout.ms": 6000 if copies > 1 else 3000,
        "broker.heartbeat.interval.ms": 1000 if copies > 1 else 500,
        "replica.lag.time.max.ms": 10_000,
        "log.cleaner.dedupe.buffer.size": 16_777_216,  # of the heap; the default is 128 MB
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def format_template(cache: Path, version: str, jvm: Sequence[str], nodes: int) -> Path:
    """A folder formatted by Kafka's storage tool, once per version; a copy of it is a new node's data."""
    template = cache / f"kafka-{version}-format-{nodes}"
    if template.is_dir():
        return template
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        data, config = Path(scratch, "data"), Path(scratch, "server.properties")
        config.write_text(server_properties(1, [NodePorts(1, 2)] * nodes, data))
        tool = ("kafka.tools.StorageTool", "format", "--cluster-id", new_kafka_id(), "--config", str(config))
        formatter = spawn("format", [*jvm, *tool], log_dir=Path(scratch), env=_plain_environment())
        wait_until(lambda: not formatter.alive, _FORMAT_TIMEOUT_S, "end of Kafka's storage tool")
        if formatter.returncode != 0:
            raise ProcessFailedError("Kafka's storage tool failed", formatter.log_text())
        (data / "meta.properties").unlink()
        with contextlib.suppress(OSError):  # another process was first: its copy is as good
            data.rename(template)
    return template


def new_kafka_id() -> str:
    """A random id as Kafka writes them: 16 bytes in URL-safe base64 that does not begin with a dash."""
    while (name := base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")).startswith("-"):
        pass
    return name


def brokers_ready(brokers: Sequence[KafkaBroker]) -> bool:
    """Whether every broker takes connections and the cluster knows them all."""
    if not all(port_accepts(broker.ports.client) for broker in brokers):
        return False
    servers = ",".join(broker.address for broker in brokers)
    try:
        known = AdminClient({"bootstrap.servers": servers, "log_level": 0}).list_topics(timeout=2)
    except KafkaException:
        return False
    return {broker.node_id for broker in brokers} <= set(known.brokers)


def _plain_environment() -> dict[str, str]:
    """This process's environment without options for other JVMs, and without the secrets of the services."""
    return {name: value for name, value in os.environ.items() if not re.match(r"(JAVA|JDK_JAVA|KAFKA|HOTLINE)_", name)}
