"""A real Prometheus on a free port, with the project's own rules and scrape configuration on other targets."""

import math
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from rule_files import FOLDER, RULES
from tools import need

from services.runtime.ports import free_port
from services.runtime.processes import spawn, wait_until

WINDOW = {"$__rate_interval": "10s", "$service": ".*", "$unit_group": ".*"}
"""What Grafana would put in place of its variables."""
CLIENT = httpx.Client(trust_env=False)
"""One for all: each reads the certificates, in fifty milliseconds, and waiting asks often."""


class QueryFailedError(AssertionError):
    """Prometheus refused a query; the message is its own."""


def service_at(target: str) -> str:
    """Ask the metrics at host:port which service shows them."""
    text = CLIENT.get(f"http://{target}/metrics", timeout=10).text
    found = re.search(r'^hotline_build_info\{.*?service="([^"]+)"', text, re.MULTILINE)
    assert found, f"{target} shows no hotline_build_info"
    return found[1]


def configuration(targets: Iterable[str]) -> dict[str, Any]:
    """Give ops/prometheus/prometheus.yml, scraping these targets each second in place of its own."""
    config: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    at = {service_at(target): target for target in targets}
    (job,) = config["scrape_configs"]
    assert set(at) == {entry["labels"]["service"] for entry in job["static_configs"]}
    for entry in job["static_configs"]:
        entry["targets"] = [at[entry["labels"]["service"]]]
    return config


class PrometheusServer:
    """Runs from entering to leaving; entering returns when every target was scraped `scrapes` times."""

    def __init__(self, targets: Iterable[str], folder: Path, scrapes: int = 8) -> None:
        self._folder, self._targets, self._scrapes = folder, list(targets), scrapes
        self.url = ""

    def __enter__(self) -> Self:
        program, port = need("prometheus"), free_port()
        self.url = f"http://127.0.0.1:{port}"
        file = self._folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration(self._targets)))
        storage = self._folder / "data"
        argv = [program, f"--config.file={file}", f"--storage.tsdb.path={storage}", "--log.level=warn"]
        self._child = spawn("prometheus", [*argv, f"--web.listen-address=127.0.0.1:{port}"], log_dir=self._folder)
        try:
            wait_until(self._ready, 30, "Prometheus to be ready", children=[self._child])
            enough = f'count(count_over_time(up{{job="hotline-mesh"}}[1m]) >= {self._scrapes} and up == 1)'
            count = len(self._targets)
            wait_until(lambda: self.values(enough) == [count], 60, "scrapes", children=[self._child], interval_s=0.5)
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()

    def _ready(self) -> bool:
        try:
            return CLIENT.get(f"{self.url}/-/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """Give `data` of an answer of the HTTP API; raises `QueryFailedError`."""
        answer = CLIENT.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=20).json()
        if answer["status"] != "success":
            raise QueryFailedError(f"{parameters}: {answer['error']}")
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        """Give what an instant query finds."""
        return [float(found["value"][1]) for found in self.get("query", query=expression)["result"]]

    def history(self, expression: str, seconds: int = 30) -> list[float]:
        """Give every point that a range query finds in the last seconds."""
        now = time.time()
        data = self.get("query_range", query=expression, start=str(now - seconds), end=str(now), step="1")
        return [float(point[1]) for found in data["result"] for point in found["values"]]

    def alerts(self, state: str) -> dict[str, str]:
        """Give the alerts in that state with their severity."""
        found = [alert["labels"] for alert in self.get("alerts")["alerts"] if alert["state"] == state]
        return {labels["alertname"]: labels["severity"] for labels in found}

    def wait_for(self, happened: Callable[[], bool], what: str) -> None:
        """Wait up to 20 s; raises `ProcessFailedError`."""
        wait_until(happened, 20, what, children=[self._child], interval_s=0.5)


def substituted(expression: str) -> str:
    """Put values in place of Grafana's variables."""
    for name, value in WINDOW.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, f"a variable that is not substituted: {expression}"
    return expression


def without_data(server: PrometheusServer, targets: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Run every dashboard target as Grafana would; give those that fail or show nothing, with the reason."""
    found = {}
    for name, target in targets.items():
        expression = substituted(target["expr"])
        try:
            points = server.values(expression) if target["instant"] else server.history(expression)
        except QueryFailedError as error:
            found[name] = str(error)
            continue
        if not any(math.isfinite(point) for point in points):
            found[name] = f"no data: {expression}"
    return found
