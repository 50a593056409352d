"""Two meshes to scrape: the engines of the six services in this process, and six real processes over Kafka."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import ROOT

from schemas.commands import PulseClock
from schemas.envelope import derived_id
from schemas.topics import SERVICES, load
from schemas.wire import Headers, encode
from services.cli.run import make_service, metrics_of
from services.core.policy import Policies
from services.core.service import Output, Position
from services.runtime import clock, health, wall
from services.runtime.engine import Engine, Record
from services.runtime.mesh import Mesh
from services.runtime.metrics import Metrics
from services.runtime.publisher import Publisher

EXAMPLES = ROOT / "schemas" / "examples"


def examples(event_type: str) -> list[tuple[bytes, Headers, bytes]]:
    """Give the example records of a type as (key, headers, value)."""
    found = [json.loads(path.read_text()) for path in sorted((EXAMPLES / event_type).glob("*.json"))]
    return [
        (
            item["key"].encode(),
            [(name, value.encode()) for name, value in item["headers"].items()],
            json.dumps(item["value"], ensure_ascii=False).encode(),
        )
        for item in found
    ]


class EnginesInProcess:
    """The folds of the five services with state on the example tickets, intake's counters beside them; no Kafka.

    `beat` passes the wall clock's pulse through all of them, as the mesh does each second.
    """

    def __init__(self, policies: Policies) -> None:
        self.metrics: dict[str, Metrics] = {name: metrics_of(name, policies) for name in SERVICES}
        self.engines: list[tuple[str, Engine]] = []
        self.partitions = load()["ticket-commands"].partitions
        self.offset = 0
        for name in SERVICES:
            folds = () if name == "intake" else make_service(name, policies).folds
            mine = [Engine(fold, {}) for fold in folds]
            self.engines += [(name, engine) for engine in mine]
            self.metrics[name].start_at_zero([fold.reads for fold in folds] or ["upstream-tickets", "http"])
            self.metrics[name].show_indexes(mine)
        since = wall.unix()
        self.metrics["intake"].show_feedback(lambda: {"yn12345": (1, since)})
        self.metrics["intake"].show_knowledge(lambda: {"current": 10, "to_review": 0})
        self.servers = [health.serve("127.0.0.1", 0, metrics.registry, dict, dict) for metrics in self.metrics.values()]
        self.targets = [f"127.0.0.1:{server.server_address[1]}" for server in self.servers]
        for key, headers, value in examples("ticket.open.v1"):
            self.metrics["intake"].events.labels("intake", "upstream-tickets", "ticket.open.v1", "handled").inc()
            self.metrics["intake"].lanes.labels("accept").inc()
            self.take("ticket-commands", 0, key, headers, value)
        self.beat()

    def take(self, topic: str, partition: int, key: bytes | None, headers: Headers, value: bytes) -> None:
        """Give one record to every service that reads the topic, and what they say to the next ones."""
        self.offset += 1
        record = Record(Position(topic, partition, self.offset), key, value, tuple(headers), wall.unix())
        for name, engine in self.engines:
            if engine.fold.reads == topic:
                self._fold(name, engine, record)

    def _fold(self, name: str, engine: Engine, record: Record) -> None:
        started, at, metrics = time.perf_counter(), record.position, self.metrics[name]
        result = engine.handle(record)
        for state_key, state in result.writes:
            engine.table[state_key] = state  # type: ignore[index]
        metrics.events.labels(name, at.topic, result.event.type, "handled").inc()
        metrics.watermark.labels(name, at.topic, str(at.partition)).set(record.appended_at)
        metrics.age.labels(name, at.topic).observe(wall.unix() - record.appended_at)
        metrics.handling.labels(name, at.topic).observe(time.perf_counter() - started)
        metrics.commit.labels(name).set(wall.unix())
        if result.event.type.startswith("clock.pulse"):
            metrics.pulse.labels(name, str(at.partition)).set(result.event.time.timestamp())
        for output in result.outputs:
            self._pass_on(output, at.partition)

    def _pass_on(self, output: Output, partition: int) -> None:
        headers, value = encode(output.event)
        where = partition if output.partition is None else output.partition
        key = (output.key or output.event.subject).encode() or None
        self.take(output.topic, where, key, headers, value)

    def beat(self) -> None:
        """Pass a pulse of the wall clock through every partition; intake handles what keeps its rates above zero."""
        now = wall.now()
        for partition in range(self.partitions):
            pulse = PulseClock(id=derived_id("pulse", partition, now.isoformat()), source=clock.SOURCE, time=now)
            headers, value = encode(pulse)
            self.take("ticket-commands", partition, None, headers, value)
        intake = self.metrics["intake"]
        intake.age.labels("intake", "upstream-tickets").observe(0.01)
        intake.handling.labels("intake", "upstream-tickets").observe(0.001)
        intake.watermark.labels("intake", "upstream-tickets", "0").set(wall.unix())
        intake.commit.labels("intake").set(wall.unix())

    def bad_record(self) -> None:
        """Count a dead letter of a code that no series has shown before."""
        self.metrics["router"].dead_letters.labels("router", "ticket-commands", "not-json").inc()

    def close(self) -> None:
        """Stop serving metrics."""
        for server in self.servers:
            server.shutdown()
            server.server_close()


def policies_with_feedback(folder: Path) -> Path:
    """Copy the policies; each platform is to be told of results where nobody answers."""
    copied = shutil.copytree(ROOT / "ops", folder / "ops", ignore=shutil.ignore_patterns("grafana", "prometheus"))
    for path in (copied / "platforms" / "weixi").glob("*.yaml"):
        feedback = "feedback: {url: 'http://127.0.0.1:9/results', since: 2026-01-01T00:00:00+08:00}\n"
        path.write_text(path.read_text(encoding="utf-8") + feedback, encoding="utf-8")
    return copied


class SixProcesses:
    """A mesh of its own, on the wall clock, to which the example tickets were sent."""

    def __init__(self, mesh: Mesh) -> None:
        self.targets = [f"127.0.0.1:{port}" for port in mesh.ports.values()]
        self.partitions = load()["ticket-commands"].partitions
        self.publisher = Publisher(mesh.settings, "test")
        for key, headers, value in examples("upstream.ticket.submitted.v1"):
            self.publisher.send("upstream-tickets", value, key, headers).result(timeout=30)
        self.beat()

    def beat(self) -> None:
        """Write the pulse of the wall clock into every partition."""
        clock.pulse(self.publisher, self.partitions, wall.now())

    def bad_record(self) -> None:
        """Send the router what is no event."""
        self.publisher.send("ticket-commands", b"{", b"T-bad", [("ce_type", b"ticket.open.v1")]).result(timeout=30)

    def close(self) -> None:
        """Close the producer."""
        self.publisher.close()


class Heart:
    """Beats each half second in a thread, until it is stopped; a failure in it fails whoever stops it."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat, self._stop = beat, threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.wait(0.5):
                self._beat()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that stops it
            self._failure = error

    def stop(self) -> Any:
        """End the beating; raises what went wrong."""
        self._stop.set()
        self._thread.join(timeout=30)
        if self._failure:
            raise self._failure
