"""Services as processes, one of them several times if wanted, and what they cost."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from services.runtime.embedded import EmbeddedCluster
from services.runtime.mesh import START_SECONDS, Mesh
from services.runtime.settings import Settings


class Workers:
    """Processes by service, so many of each; entering waits until all are ready, each within `ready_within` seconds."""

    def __init__(
        self,
        settings: Settings,
        logs: Path,
        counts: Mapping[str, int],
        cluster: EmbeddedCluster | None = None,
        *,
        ready_within: float = START_SECONDS,
    ) -> None:
        self._meshes = []
        for number in range(max(counts.values())):
            named = settings.model_copy(update={"instance": str(number)})
            services = [name for name, count in counts.items() if count > number]
            self._meshes.append(Mesh(named, logs / str(number), services, ready_within))
        self._cluster = cluster
        self._others: dict[str, psutil.Process] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for mesh in self._meshes:
            self._stack.enter_context(mesh)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def first(self) -> Mesh:
        """Give the mesh of the first process of every service."""
        return self._meshes[0]

    def watch(self, name: str, process: psutil.Process) -> None:
        """Count one more process in."""
        self._others[name] = process

    def processes(self) -> dict[str, psutil.Process]:
        """Give every process by name; a further one of a service as `router-1`."""
        found = {}
        for number, mesh in enumerate(self._meshes):
            for service, child in mesh.children.items():
                found[f"{service}-{number}" if number else service] = psutil.Process(child.pid)
        for server in self._cluster.children if self._cluster else ():
            found[server.name] = psutil.Process(server.pid)
        return found | self._others

    def metrics(self) -> Iterator[str]:
        """Give what a scrape of each service's process reads now."""
        for mesh in self._meshes:
            for service in mesh.children:
                yield mesh.metrics(service)

    def cpu(self) -> dict[str, float]:
        """Give the seconds of processor time that each has used."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self.processes().items()}

    def memory_mb(self) -> dict[str, int]:
        """Give the resident memory of each, shared pages by shares (PSS)."""
        return {name: round(process.memory_full_info().pss / 1e6) for name, process in self.processes().items()}

    def resident_mb(self) -> dict[str, int]:
        """Give the resident memory of each as it is usually counted (RSS): shared pages count for everybody."""
        return {name: round(process.memory_info().rss / 1e6) for name, process in self.processes().items()}


def together(values: Mapping[str, float], service: str) -> float:
    """Give the sum of what `Workers` says of all processes of a service; a further one is named as `router-1`."""
    return sum(value for name, value in values.items() if name == service or name.startswith(f"{service}-"))
