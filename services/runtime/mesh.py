"""The six services as child processes: started together, waited for, killed and started again, stopped."""

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.topics import SERVICES, load
from services.runtime.ports import free_port
from services.runtime.processes import Child, spawn, stop_all, wait_until
from services.runtime.settings import Settings, environment
from services.runtime.topics_admin import apply

START_SECONDS = 90.0


class Mesh:
    """Six service processes against the servers that `settings` names; each on free ports of its own.

    They live in simulated time: whoever starts them writes the pulses.

    Entering creates the topics and starts what `services` names; leaving stops it. Raises `ProcessFailedError`,
    with the end of the child's log, when one does not become ready within `ready_within` seconds.
    """

    def __init__(
        self,
        settings: Settings,
        log_dir: Path,
        services: Sequence[str] = SERVICES,
        ready_within: float = START_SECONDS,
    ) -> None:
        self.ready_within = ready_within
        self.settings = settings
        self.log_dir = log_dir
        self.ports = {service: free_port() for service in services}
        self.http_port = free_port()
        self.children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        apply(self.settings, load())
        try:
            for service in self.ports:
                self.children[service] = spawn(
                    service, self._argv(service), env=self._environment(service), log_dir=self.log_dir
                )
            for service in self.ports:
                self.wait_ready(service)
        except BaseException:
            stop_all(self.children.values())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_all(self.children.values())

    def _argv(self, service: str) -> list[str]:
        return [sys.executable, "-m", "services", "run", service]

    def _environment(self, service: str) -> dict[str, str]:
        return environment(
            self.settings,
            HOTLINE_METRICS_PORT=str(self.ports[service]),
            HOTLINE_HTTP_PORT=str(self.http_port),
            HOTLINE_SIMULATED_TIME="true",
        )

    @property
    def url(self) -> str:
        """Give the address of the door's HTTP gateway."""
        return f"http://127.0.0.1:{self.http_port}"

    def metrics(self, service: str) -> str:
        """Give what a scrape of `service` reads now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    def ready(self, service: str) -> bool:
        """Say whether /readyz says yes."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self, service: str) -> None:
        """Wait until `service` is ready; raises `ProcessFailedError`."""
        child = self.children[service]
        wait_until(
            lambda: self.ready(service),
            self.ready_within,
            f"{service} to be ready",
            children=[child],
            interval_s=0.1,
        )

    def kill_and_restart(self, service: str) -> None:
        """Send SIGKILL, start the same service again and wait until it is ready."""
        child = self.children[service]
        child.kill()
        child.start()
        self.wait_ready(service)
