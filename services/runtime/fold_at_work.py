"""A fold in a worker: the records of a run one after the other, then the alarms that their pulses are due to ring."""

import asyncio
from collections import Counter
from typing import Any, Protocol

from schemas.wire import WireError
from services.core.service import Output, Position, Rejected
from services.runtime import wall
from services.runtime.driver import Consumer, Partition, Producer, Run, Table
from services.runtime.engine import Engine, Record, Result
from services.runtime.metrics import Metrics, observe_all
from services.runtime.spoilage import Spoilage
from services.runtime.unanswered import Unanswered


class Host(Protocol):
    """What a fold needs of the worker that it runs in."""

    metrics: Metrics
    spoilage: Spoilage

    @property
    def consumer(self) -> Consumer:
        """Give the consumer."""

    @property
    def producer(self) -> Producer:
        """Give the producer."""

    def say(self, outputs: tuple[Output, ...]) -> None:
        """Hand events to the producer."""

    def stop_for_a_bad_deploy(self, topic: str, partition: int, said: str) -> None:
        """End the process loudly: too much of a partition should have been readable and is not."""

    def bury(self, record: Record, code: str, reason: str) -> None:
        """Set a record aside in the dead letters."""

    def digested(self, topic: str, partition: int) -> None:
        """Note that a partition is handled up to its position."""


class FoldAtWork:
    """Carries what an engine decides to the producer and into the table."""

    def __init__(self, engine: Engine, table: Table, host: Host) -> None:
        self.engine, self.table, self.host = engine, table, host
        self._pulse_appended_at: dict[int, float] = {}
        self._unanswered = Unanswered() if engine.fold.answered else None
        self._rang_last = -1

    def restored(self, partition: int, held: Partition) -> None:
        """Make the indexes of a recovered partition; called in a thread, before the partition is used."""
        self.engine.rebuild(partition, held.items(), held)

    async def handle(self, run: Run) -> None:
        """Handle the records of a run."""
        started, topic = wall.unix(), self.engine.fold.reads
        appended: list[float] = []
        seen: Counter[tuple[str, str]] = Counter()
        watch = self.host.spoilage.of(topic, run.partition)
        for message in run.messages:
            at = Position(topic, run.partition, message.offset())
            record = Record(
                at, message.key(), message.value(), tuple(message.headers() or ()), message.timestamp()[1] / 1000
            )
            appended.append(record.appended_at)
            try:
                result = self.engine.handle(record)
            except Rejected as error:
                # Somebody may be wrong about tickets all day long: that is his error, and no sign of a bad deploy.
                self.host.bury(record, error.code, str(error))
                continue
            except Exception as error:  # noqa: BLE001 - unreadable, or a defect of ours: never a crash loop, or silence
                if (said := watch.bad()) is not None:
                    await self.host.producer.flush()  # what was set aside before says why it stopped
                    self.host.stop_for_a_bad_deploy(topic, run.partition, said)
                code, why = (error.code, str(error)) if isinstance(error, WireError) else _defect(error)
                self.host.bury(record, code, why)
                continue
            watch.good()
            if self._unanswered is not None:
                self._unanswered.heard(record.key)
            if result.event.type.startswith("clock.pulse"):
                self._pulse_appended_at[run.partition] = record.appended_at
            self._carry(run.partition, result)
            seen[result.event.type, "duplicate" if result.duplicate else "handled"] += 1
        self._measure(run, seen, appended, started)

    def _carry(self, partition: int, result: Result) -> None:
        # One step, without an await between: a commit never finds state whose outputs it does not know of.
        self.host.say(result.outputs)
        if result.writes:
            held = self.table.partition(partition)
            for key, value in result.writes:
                held.put(key, value)
        if result.rang:
            if self._unanswered is not None:
                self._unanswered.rang((key for key, _ in result.writes), wall.unix())
            pulse = self.engine.pulse_at[partition].timestamp()
            since = max(0.0, wall.unix() - self._pulse_appended_at.get(partition, wall.unix()))
            late = [max(0.0, pulse - at) + since for at in result.rang]
            observe_all(self.host.metrics.lateness.labels(self.host.metrics.service), late)

    async def ring(self, _run: Run) -> None:
        """Ring what is due, a budget at a time, not too far ahead of who answers.

        A record may so overtake an alarm that is due: the key's state is asked before it rings, and whoever hears the
        alarm judges it by when things happened.
        """
        consumer, topic = self.host.consumer, self.engine.fold.reads
        while ringing := [at for at in self.engine.ringing if consumer.owns(self.table.source or "", at)]:
            # In turns, also when a turn ends early: each partition may have a router of its own.
            for partition in sorted(ringing, key=lambda at: (at <= self._rang_last, at)):
                # Asked before each: what is awaited here is among the records that would be kept waiting.
                if self._must_wait():
                    break
                if self.engine.rings(partition) and consumer.owns(self.table.source or "", partition):
                    self._rang_last = partition
                    self._carry(partition, self.engine.go_on(partition))
                    await self.host.producer.breathe()
                await asyncio.sleep(0)
            if not consumer.idle:
                break
            if self._must_wait():
                await asyncio.sleep(0.005)
        for partition in self.table.held:
            if not self.engine.rings(partition):
                self.host.digested(topic, partition)

    def _must_wait(self) -> bool:
        return self._unanswered is not None and self._unanswered.enough(wall.unix())

    def _measure(self, run: Run, seen: "Counter[tuple[str, str]]", appended: list[float], started: float) -> None:
        metrics, topic, now = self.host.metrics, self.engine.fold.reads, wall.unix()
        service = metrics.service
        for (kind, outcome), count in seen.items():
            metrics.events.labels(service, topic, kind, outcome).inc(count)
            if outcome == "duplicate":
                metrics.duplicates.labels(service, topic).inc(count)
        metrics.watermark.labels(service, topic, str(run.partition)).set(appended[-1])
        pulse: Any = self.engine.pulse_at.get(run.partition)
        if pulse is not None:
            metrics.pulse.labels(service, str(run.partition)).set(pulse.timestamp())
        observe_all(metrics.age.labels(service, topic), [max(0.0, now - at) for at in appended])
        each = (now - started) / len(appended)
        observe_all(metrics.handling.labels(service, topic), [each] * len(appended))


def _defect(error: Exception) -> tuple[str, str]:
    return "handler-error", type(error).__name__
