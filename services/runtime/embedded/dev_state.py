"""What `hotline dev` remembers between commands: the ports it chose, and what its keeper process runs."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from services.runtime.embedded.broker import NodePorts
from services.runtime.embedded.cluster import EmbeddedCluster, Ports
from services.runtime.embedded.home import holder, hotline_home, lock_file
from services.runtime.ports import free_port


class Server(BaseModel, frozen=True):
    """One running server: name, `host:port`, process id, whether it runs."""

    name: str
    address: str
    pid: int
    alive: bool = True


class DevState(BaseModel, frozen=True):
    """What the keeper with process id `pid` runs."""

    pid: int
    bootstrap_servers: str
    redis_url: str
    servers: list[Server]

    @property
    def brokers(self) -> int:
        """How many brokers the cluster has."""
        return sum(server.name.startswith("kafka") for server in self.servers)

    @property
    def healthy(self) -> bool:
        """Whether every server runs."""
        return all(server.alive for server in self.servers)


def dev_home() -> Path:
    """The folder of `hotline dev`."""
    return hotline_home() / "dev"


def running(home: Path) -> DevState | None:
    """What a living keeper of `home` has ready; None if there is none, or it is still starting."""
    try:
        state = DevState.model_validate_json(_state_file(home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return state if state.pid == holder(lock_file(home)) else None


def remember(home: Path, pid: int, cluster: EmbeddedCluster) -> DevState:
    """Write down what the keeper runs now, and on which ports."""
    servers = [
        Server(name=child.name, address=child.address, pid=child.pid, alive=child.alive) for child in cluster.children
    ]
    state = DevState(pid=pid, bootstrap_servers=cluster.bootstrap_servers, redis_url=cluster.redis_url, servers=servers)
    if cluster.redis is not None:
        nodes = [[broker.ports.client, broker.ports.controller] for broker in cluster.brokers]
        _write(_ports_file(home), json.dumps({"nodes": nodes, "redis": cluster.redis.port}))
    _write(_state_file(home), state.model_dump_json(indent=1))
    return state


def forget(home: Path) -> None:
    """Say that nothing runs; the ports stay remembered."""
    _state_file(home).unlink(missing_ok=True)


def chosen_ports(home: Path, brokers: int, *, kafka_port: int | None, redis_port: int | None) -> Ports:
    """Ports for the next start: those asked for, else those of last time if they are free, else free ones.

    Broker `n` of several takes `kafka_port + n - 1`.
    """
    nodes, redis = _last_ports(home)
    nodes = [*nodes, *[(None, None)] * brokers][:brokers]
    return Ports(
        nodes=[
            NodePorts(kafka_port + index if kafka_port else free_port(client), free_port(controller))
            for index, (client, controller) in enumerate(nodes)
        ],
        redis=redis_port or free_port(redis),
    )


def _last_ports(home: Path) -> tuple[Sequence[tuple[int | None, int | None]], int | None]:
    try:
        found = json.loads(_ports_file(home).read_text())
        return [(int(client), int(controller)) for client, controller in found["nodes"]], int(found["redis"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return [], None


def _ports_file(home: Path) -> Path:
    return home / "ports.json"


def _state_file(home: Path) -> Path:
    return home / "state.json"


def _write(file: Path, text: str) -> None:
    """Replace a file at once: whoever reads it sees the old or the new text."""
    scratch = file.with_suffix(".new")
    scratch.write_text(text + "\n")
    scratch.replace(file)
