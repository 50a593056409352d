"""A service with tables as a process: its folds on Faust, its dead letters, metrics, health and watermarks."""

import asyncio
import faulthandler
import os
import signal
import time
from collections.abc import Iterable
from typing import Any, NoReturn

from faust.types import TP

from schemas.envelope import derived_id
from schemas.supervision import WatermarkPublished
from schemas.topics import Topic
from schemas.wire import encode
from services.core.service import Fold, Output, Service
from services.runtime import health, logs, wall
from services.runtime.dead_letters import bury
from services.runtime.driver import Consumer, Producer, follow
from services.runtime.engine import Engine, Record
from services.runtime.faust_app import build_app
from services.runtime.fold_at_work import FoldAtWork
from services.runtime.metrics import Metrics
from services.runtime.settings import Settings, metrics_port
from services.runtime.spoilage import Spoilage, limits_of, stopped_by

ALARMS_AT_ONCE = 500
"""Most keys that a pulse wakes before other records get their turn."""
EXIT_CRASHED = 70
"""Exit code (EX_SOFTWARE) of a worker that stopped because going on would lose something."""


class Worker:
    """Runs one service; `run` returns when it is told to stop."""

    def __init__(self, service: Service, settings: Settings, topics: dict[str, Topic], metrics: Metrics) -> None:
        self.service = service
        self.settings = settings
        self.metrics = metrics
        self.log = logs.get()
        self.app = build_app(service.name, settings)
        self.positions: dict[str, int] = {}
        """Per "topic/partition" how far it is digested, alarms included."""
        self.handled = asyncio.Event()
        self.heartbeat = wall.unix()
        self.waiting = {"start": "the service is starting"}
        self.spoilage = Spoilage(limits_of(settings))
        self.stopped: dict[str, str] = {}
        self.reads = {settings.topic(fold.reads): fold.reads for fold in service.folds}
        self.engines = [self._add(fold, topics[fold.reads].partitions) for fold in service.folds]
        metrics.start_at_zero(fold.reads for fold in service.folds)
        metrics.show_indexes(self.engines)
        self.app.on_partitions_assigned.connect(self._on_partitions_changed, weak=False)
        self.app.on_partitions_revoked.connect(self._on_partitions_changed, weak=False)

    @property
    def producer(self) -> Producer:
        """Give the producer that all outputs go through."""
        producer: Producer = self.app.producer
        return producer

    @property
    def consumer(self) -> Consumer:
        """Give the consumer, which owns the commit."""
        consumer: Consumer = self.app.consumer
        return consumer

    def _add(self, fold: Fold[Any], partitions: int) -> Engine:
        table = self.app.Table(fold.table, partitions=partitions, key_type=bytes, value_type=bytes)
        topic = self.app.topic(self.settings.topic(fold.reads), partitions=partitions)
        engine = Engine(fold, budget=ALARMS_AT_ONCE)
        at_work = FoldAtWork(engine, table, self)
        table.restored.append(at_work.restored)
        table.dropped.append(engine.drop)
        follow(self.app, topic, at_work.handle, (table,), name=f"{self.service.name}.{fold.table}", rest=at_work.ring)
        return engine

    def say(self, outputs: Iterable[Output]) -> None:
        """Hand events to the producer; the next commit waits for their delivery."""
        emit, name_of = self.producer.emit, self.settings.topic
        for output in outputs:
            headers, value = encode(output.event)
            key = (output.key or output.event.subject).encode() or None
            emit(name_of(output.topic), key, value, headers, -1 if output.partition is None else output.partition)

    def stop_for_a_bad_deploy(self, topic: str, partition: int, said: str) -> NoReturn:
        """End the process loudly: too much of a partition should have been readable and is not.

        The event loop stands still from here on, so nothing more is handled or committed; the threads that answer
        /metrics, /livez and /readyz go on for `stop_linger` seconds and say why.
        """
        reason = stopped_by(topic, partition, said)
        self.stopped = {"dead-letters": reason}
        self.metrics.stopped.labels(self.service.name, "dead-letters").set(1)
        self.log.error("too many dead letters: nothing more is taken", topic=topic, partition=partition, reason=said)
        time.sleep(self.settings.stop_linger)
        self.crash(reason, None)

    def bury(self, record: Record, code: str, reason: str) -> None:
        """Set a record aside in the dead letters; as for any output, the next commit waits until the broker has it."""
        letter = bury(self.settings.master_key, self.service.name, record, code, reason)
        topic = self.settings.topic(f"{self.service.name}-dead-letters")
        self.producer.emit(topic, None, letter.value, letter.headers)
        at = record.position
        self.metrics.dead_letters.labels(self.service.name, at.topic, code).inc()
        self.metrics.events.labels(self.service.name, at.topic, "unknown", "dead-letter").inc()
        self.log.warning(
            "dead letter", topic=at.topic, partition=at.partition, offset=at.offset, code=code, reason=reason
        )

    def digested(self, topic: str, partition: int) -> None:
        """Note that everything a partition said up to its position is handled, alarms included."""
        end = self.consumer.positions.get(TP(self.settings.topic(topic), partition))
        if end is not None:
            self.positions[f"{topic}/{partition}"] = end
            self.handled.set()

    async def _on_partitions_changed(self, *_: Any, **__: Any) -> None:
        """Take over the positions from which this worker goes on after partitions came or went."""
        owned = {f"{self.reads[tp.topic]}/{tp.partition}": at or 0 for tp, at in self.consumer.positions.items()}
        self.positions = {name: min(at, self.positions.get(name, at)) for name, at in owned.items()}
        self.handled.set()

    async def _publish_watermarks(self) -> None:
        topic = self.settings.topic("mesh-watermarks")
        while True:
            await self.handled.wait()
            self.handled.clear()
            positions = dict(self.positions)
            await self.producer.flush()
            text = ",".join(f"{name}={offset}" for name, offset in sorted(positions.items()))
            said = WatermarkPublished(
                id=derived_id("watermark", self.service.name, text),
                source=f"/hotline-mesh/{self.service.name}",
                time=wall.now(),
                service=self.service.name,
                positions=positions,
            )
            headers, value = encode(said)
            self.producer.emit(topic, self.service.name.encode(), value, headers)
            await asyncio.sleep(self.settings.watermark_interval)

    async def _watch(self) -> None:
        while True:
            self.heartbeat = wall.unix()
            if self.app.crash_reason is not None:
                self.crash("Faust crashed", self.app.crash_reason)
            if self.consumer.failed is not None:
                self.metrics.offset_gaps.labels(self.service.name).inc(self.consumer.gaps)
                self.crash("what was not committed must be read again", self.consumer.failed)
            if self.producer.failed is not None:
                self.crash("a record was not delivered", self.producer.failed)
            recovered = self.app.tables.completed.is_set()
            self.waiting = {} if recovered else {"recovery": "tables are being recovered, or the group is rebalancing"}
            if self.consumer.committed_at:
                self.metrics.commit.labels(self.service.name).set(self.consumer.committed_at)
            await asyncio.sleep(0.25)

    def crash(self, reason: str, error: BaseException | None) -> NoReturn:
        """End the process at once: what was not committed is read again, which every handler survives."""
        self.log.error("stopped to lose nothing", reason=reason, error=repr(error) if error else None)
        os._exit(EXIT_CRASHED)

    def not_live(self) -> dict[str, str]:
        """Say why the process should be restarted."""
        if self.stopped:
            return self.stopped
        silent = wall.unix() - self.heartbeat
        return {"event-loop": f"silent for {silent:.0f} s"} if silent > 30 else {}

    def not_ready(self) -> dict[str, str]:
        """Say what the service still waits for.

        Called from the HTTP thread, so Faust must not be touched here: a Faust service that is first asked for its
        event loop in another thread binds itself to a loop that never runs.
        """
        return self.stopped or self.waiting

    async def run(self) -> None:
        """Start, work until SIGTERM or SIGINT, commit, stop."""
        faulthandler.register(signal.SIGUSR2, all_threads=True)  # says where a worker stands that seems stuck
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        port = metrics_port(self.settings, self.service.name)
        server = health.serve(self.settings.bind, port, self.metrics.registry, self.not_live, self.not_ready)
        await self.app.start()
        self.log.info("started", port=server.server_address[1], group=self.settings.group(self.service.name))
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._publish_watermarks())]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        failed = next((task for task in tasks if task.done()), None)
        if failed is not None:
            self.crash("a background task ended", failed.exception())
        for task in tasks:
            task.cancel()
        await self.app.stop()
        self.log.info("stopped")
