"""Kafka and Redis for a demo, a test or a developer: started here, or named by the environment."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from rich.console import Console

from services.runtime.embedded.broker import (
    FAST_START,
    KafkaBroker,
    NodePorts,
    brokers_ready,
    format_template,
    jvm_command,
    new_kafka_id,
)
from services.runtime.embedded.errors import PortTakenError, StartError, ensure_room, explained
from services.runtime.embedded.home import cache_folder, exclusive, lock_file
from services.runtime.embedded.jars import class_path, kafka_version
from services.runtime.embedded.java import JavaChoice, java_program
from services.runtime.embedded.redis_server import RedisServer
from services.runtime.ports import free_port, port_is_free
from services.runtime.processes import ProcessFailedError, stop_all, wait_until

START_TIMEOUT_S = 90.0
STOP_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports to use, all on 127.0.0.1; what is left out is chosen free."""

    nodes: Sequence[NodePorts] = field(default=())
    redis: int | None = None


@dataclass(frozen=True, slots=True)
class ExistingServers:
    """Servers that run somewhere already; nothing is started or stopped."""

    bootstrap_servers: str
    redis_url: str


class EmbeddedCluster:
    """One or three Kafka brokers and a Redis as children of this process, their data and logs under `home`.

    `brokers=0` starts Redis alone. `fresh` removes what an earlier run left under `home`. `cache` holds the
    jars (default: the project's). Starting raises `StartError`, whose message says what to do.
    """

    def __init__(
        self,
        home: Path,
        brokers: int = 1,
        *,
        redis: bool = True,
        fresh: bool = True,
        java: JavaChoice = "packaged",
        cache: Path | None = None,
        ports: Ports | None = None,
        jvm_options: Sequence[str] = FAST_START,
        console: Console | None = None,
    ) -> None:
        if brokers not in (0, 1, 3):
            raise StartError(f"{brokers} brokers cannot be started; choose 1 or 3.")
        self.home = home.absolute()
        self.log_dir = self.home / "logs"
        self.lock_file = lock_file(self.home)
        self.brokers: list[KafkaBroker] = []
        self.redis: RedisServer | None = None
        self._wanted = (brokers, redis, fresh)
        self._java, self._jvm_options = java, tuple(jvm_options)
        self._cache = cache or cache_folder()
        self._ports = ports or Ports()
        self._console = console
        self._resources = contextlib.ExitStack()

    @property
    def bootstrap_servers(self) -> str:
        """The brokers' addresses, comma-separated, in the order of their node ids."""
        return ",".join(broker.address for broker in self.brokers)

    @property
    def redis_url(self) -> str:
        """Address of the Redis server. StartError if none was asked for."""
        if self.redis is None:
            raise StartError("This cluster was made without Redis.")
        return self.redis.url

    @property
    def children(self) -> list[KafkaBroker | RedisServer]:
        """All processes, dead or alive."""
        return [*self.brokers, *([self.redis] if self.redis else [])]

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to use these servers."""
        found = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers} if self.brokers else {}
        return {**found, **({"REDIS_URL": self.redis.url} if self.redis else {})}

    def start(self) -> Self:
        """Start all at the same time and return when all answer. StartError, with nothing left running."""
        try:
            self._start()
        except (OSError, ProcessFailedError) as error:
            self.stop()
            raise explained(error, self.home) from error
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop all processes in an orderly way; those that do not end within 10 s are killed."""
        stop_all(self.children, STOP_GRACE_S)
        self._resources.close()

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when all servers answer, e.g. after a `brokers[i].start()`. ProcessFailedError if not."""
        redis = self.redis
        if redis is not None:
            wait_until(redis.ready, timeout_s, "Redis answering", children=[redis])
        if self.brokers:
            wait_until(lambda: brokers_ready(self.brokers), timeout_s, "Kafka answering", children=self.brokers)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        brokers, redis, fresh = self._wanted
        in_use = f"Another process is using {self.home}. Stop it (`hotline dev down`), or use another folder."
        ensure_room(self.home)
        self._resources.enter_context(exclusive(self.lock_file, wait_s=1, otherwise=in_use))
        if fresh:
            shutil.rmtree(self.home / "data", ignore_errors=True)
            shutil.rmtree(self.log_dir, ignore_errors=True)
        if redis:
            port = _claimed(self._ports.redis)
            self.redis = RedisServer(port, home=self.home, log_dir=self.log_dir)
            self.redis.start()
        if brokers:
            self._start_brokers(brokers)
        self.wait_ready()

    def _start_brokers(self, count: int) -> None:
        jars = class_path(self._cache, console=self._console)
        jvm = jvm_command(java_program(self._java), jars, self._jvm_options)
        template = format_template(self._cache, kafka_version(), jvm, count)
        asked = list(self._ports.nodes[:count])
        nodes = [NodePorts(_claimed(node.client), _claimed(node.controller)) for node in asked]
        nodes += [NodePorts(free_port(), free_port()) for _ in range(count - len(nodes))]
        self.brokers = [
            KafkaBroker(number, nodes, home=self.home, jvm=jvm, log_dir=self.log_dir) for number in range(1, count + 1)
        ]
        cluster_id = self._cluster_id(count)
        for broker in self.brokers:
            if not broker.formatted:
                broker.format(template, cluster_id)
        for broker in self.brokers:
            broker.start()

    def _cluster_id(self, count: int) -> str:
        record = self.home / "data" / "cluster.json"
        made = {"brokers": count, "kafka": kafka_version()}
        if record.exists():
            found: dict[str, object] = json.loads(record.read_text())
            cluster_id = str(found.pop("id"))
            if found != made:
                raise StartError(
                    f"The data under {self.home} was made by {found['brokers']} broker(s) of Kafka "
                    f"{found['kafka']}, asked for are {count} of {kafka_version()}. "
                    "Start with --fresh (its topics are lost), or as it was."
                )
            return cluster_id
        cluster_id = new_kafka_id()
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({**made, "id": cluster_id}))
        return cluster_id


@contextlib.contextmanager
def infrastructure(
    home: Path, brokers: int = 1, *, fresh: bool = True, console: Console | None = None
) -> Iterator[EmbeddedCluster | ExistingServers]:
    """`KAFKA_BOOTSTRAP_SERVERS` and `REDIS_URL` select existing servers; what is unset is embedded."""
    kafka, redis = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("REDIS_URL")
    if kafka and redis:
        yield ExistingServers(kafka, redis)
        return
    embedded = EmbeddedCluster(home, 0 if kafka else brokers, redis=not redis, fresh=fresh, console=console)
    with embedded:
        if kafka or redis:
            yield ExistingServers(kafka or embedded.bootstrap_servers, redis or embedded.redis_url)
        else:
            yield embedded


def _claimed(port: int | None) -> int:
    if port is None:
        return free_port()
    if not port_is_free(port):
        raise PortTakenError(
            f"Port {port} of 127.0.0.1 is in use by another program (`ss -ltnp` shows which). "
            "End that program, name another port, or name none to have a free one chosen."
        )
    return port
