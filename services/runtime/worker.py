"""A service with tables as a process: its folds on Faust, its dead letters, metrics, health and watermarks."""

import asyncio
import faulthandler
import os
import signal
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from schemas.envelope import derived_id
from schemas.supervision import WatermarkPublished
from schemas.topics import Topic
from schemas.wire import WireError, encode
from services.core.service import Fold, Output, Position, Rejected, Service
from services.runtime import health, logs, wall
from services.runtime.dead_letters import bury
from services.runtime.engine import Engine, Record, Result
from services.runtime.faust_app import DurableProducer, acknowledged, build_app
from services.runtime.metrics import Metrics
from services.runtime.settings import Settings, metrics_port

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
        self.handled = asyncio.Event()
        self.heartbeat = wall.unix()
        self.waiting = {"start": "the service is starting"}
        self.consecutive_dead_letters = 0
        self.engines = [self._add(fold, topics[fold.reads].partitions) for fold in service.folds]
        metrics.start_at_zero(fold.reads for fold in service.folds)
        metrics.show_indexes(self.engines)
        self.app.after_seek = self._after_seek

    @property
    def producer(self) -> DurableProducer:
        """Give the producer that all outputs go through."""
        producer: DurableProducer = self.app.producer
        return producer

    def _add(self, fold: Fold[Any], partitions: int) -> Engine:
        raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
        table = self.app.Table(fold.table, partitions=partitions, key_type=bytes, value_type=bytes)
        engine = Engine(fold, table)
        topic = self.app.topic(self.settings.topic(fold.reads), partitions=partitions, allow_empty=True, **raw)

        async def rebuild() -> None:
            engine.rebuild(table.owned())

        async def follow(stream: Any) -> AsyncIterator[None]:
            async for event in stream.events():
                try:
                    await self._on_message(engine, event.message)
                except Exception as error:  # noqa: BLE001 - whatever it is: an event must not be acked unhandled
                    self.crash("an input record could not be carried through", error)
                yield

        table.on_recover(rebuild)
        self.app.agent(topic, name=f"{self.service.name}.{fold.table}", concurrency=1)(follow)
        return engine

    async def _on_message(self, engine: Engine, message: Any) -> None:
        started = asyncio.get_running_loop().time()
        name = engine.fold.reads
        at = Position(name, message.partition, message.offset)
        self._check_offset(at)
        record = Record(at, message.key, message.value, tuple(message.headers or ()), message.timestamp)
        result = await self._fold(engine, record)
        if result is not None:
            for output in result.outputs:
                await self._emit(output)
            for key, value in result.writes:
                if value is None:
                    engine.table.pop(key, None)  # type: ignore[attr-defined]
                else:
                    engine.table[key] = value  # type: ignore[index]
            self._count(name, at, result)
        self.positions[f"{name}/{at.partition}"] = at.offset + 1
        self.handled.set()
        self.metrics.watermark.labels(self.service.name, name, str(at.partition)).set(message.timestamp)
        self.metrics.age.labels(self.service.name, name).observe(max(0.0, wall.unix() - message.timestamp))
        self.metrics.handling.labels(self.service.name, name).observe(asyncio.get_running_loop().time() - started)

    async def _fold(self, engine: Engine, record: Record) -> Result | None:
        try:
            result = engine.handle(record)
        except Rejected as error:
            # Somebody may be wrong about tickets all day long: that is his error, and no sign of a bad deploy.
            await self._bury(record, error.code, str(error))
        except WireError as error:
            self._suspect_a_bad_deploy()
            await self._bury(record, error.code, str(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours: never a crash loop, never silence
            self._suspect_a_bad_deploy()
            await self._bury(record, "handler-error", type(error).__name__)
        else:
            self.consecutive_dead_letters = 0
            return result
        return None

    def _suspect_a_bad_deploy(self) -> None:
        self.consecutive_dead_letters += 1
        if self.consecutive_dead_letters > self.settings.max_consecutive_dead_letters:
            self.crash("too many dead letters in a row: a bad deploy must stop, not drain a topic", None)

    async def _bury(self, record: Record, code: str, reason: str) -> None:
        letter = bury(self.settings.master_key, self.service.name, record, code, reason)
        topic = self.settings.topic(f"{self.service.name}-dead-letters")
        await (await self.producer.emit(topic, None, letter.value, letter.headers, None))
        at = record.position
        self.metrics.dead_letters.labels(self.service.name, at.topic, code).inc()
        self.metrics.events.labels(self.service.name, at.topic, "unknown", "dead-letter").inc()
        self.log.warning(
            "dead letter", topic=at.topic, partition=at.partition, offset=at.offset, code=code, reason=reason
        )

    async def _emit(self, output: Output) -> None:
        headers, value = encode(output.event)
        key = (output.key or output.event.subject).encode() or None
        await self.producer.emit(self.settings.topic(output.topic), key, value, headers, output.partition)

    def _check_offset(self, at: Position) -> None:
        expected = self.positions.get(f"{at.topic}/{at.partition}")
        if expected is not None and at.offset != expected:
            self.metrics.offset_gaps.labels(self.service.name).inc()
            self.crash(f"a hole in {at.topic}/{at.partition}: expected offset {expected}, got {at.offset}", None)

    def _count(self, topic: str, at: Position, result: Result) -> None:
        outcome = "duplicate" if result.duplicate else "handled"
        self.metrics.events.labels(self.service.name, topic, result.event.type, outcome).inc()
        if result.duplicate:
            self.metrics.duplicates.labels(self.service.name, topic).inc()
        if result.event.type.startswith("clock.pulse"):
            pulse = self.metrics.pulse.labels(self.service.name, str(at.partition))
            pulse.set(result.event.time.timestamp())

    def _after_seek(self, committed: dict[Any, int | None]) -> None:
        """Take over the positions from which this worker goes on after a rebalance."""
        reads = {self.settings.topic(fold.reads): fold.reads for fold in self.service.folds}
        self.positions = {
            f"{reads[tp.topic]}/{tp.partition}": offset or 0 for tp, offset in committed.items() if tp.topic in reads
        }
        self.handled.set()

    async def _publish_watermarks(self) -> None:
        topic = self.settings.topic("mesh-watermarks")
        while True:
            await self.handled.wait()
            self.handled.clear()
            positions, outputs = dict(self.positions), list(self.producer.outputs)
            await acknowledged(outputs)
            text = ",".join(f"{name}={offset}" for name, offset in sorted(positions.items()))
            said = WatermarkPublished(
                id=derived_id("watermark", self.service.name, text),
                source=f"/hotline-mesh/{self.service.name}",
                time=wall.now(),
                service=self.service.name,
                positions=positions,
            )
            headers, value = encode(said)
            await self.producer.emit(topic, self.service.name.encode(), value, headers, None)
            await asyncio.sleep(self.settings.watermark_interval)

    async def _watch(self) -> None:
        while True:
            self.heartbeat = wall.unix()
            if self.app.crash_reason is not None:
                self.crash("Faust crashed", self.app.crash_reason)
            if self.producer.failed is not None:
                self.crash("a record was not delivered", self.producer.failed)
            recovered = self.app.tables.recovery.completed.is_set() and not self.app.rebalancing
            self.waiting = {} if recovered else {"recovery": "tables are being recovered, or the group is rebalancing"}
            if self.producer.committed_at:
                self.metrics.commit.labels(self.service.name).set(self.producer.committed_at)
            await asyncio.sleep(0.1)

    def crash(self, reason: str, error: BaseException | None) -> NoReturn:
        """End the process at once: what was not committed is read again, which every handler survives."""
        self.log.error("stopped to lose nothing", reason=reason, error=repr(error) if error else None)
        os._exit(EXIT_CRASHED)

    def not_live(self) -> dict[str, str]:
        """Say why the process should be restarted."""
        silent = wall.unix() - self.heartbeat
        return {"event-loop": f"silent for {silent:.0f} s"} if silent > 30 else {}

    def not_ready(self) -> dict[str, str]:
        """Say what the service still waits for.

        Called from the HTTP thread, so Faust must not be touched here: a Faust service that is first asked for its
        event loop in another thread binds itself to a loop that never runs.
        """
        return self.waiting

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
