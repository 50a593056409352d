"""A fold in a worker: alarms that wait for the router's answers do not keep those answers waiting."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.commands import PulseClock
from schemas.facts import ClockPulsed
from schemas.wire import encode
from services.core.service import Fold, Output, Position, Step
from services.runtime import wall
from services.runtime.driver.partitions import MemoryPartition
from services.runtime.engine import Engine, Record
from services.runtime.fold_at_work import FoldAtWork
from services.runtime.metrics import Metrics
from services.runtime.unanswered import LEAST

NOON = datetime(2026, 9, 23, 4, tzinfo=UTC)


class Alarm(BaseModel):
    """A key that wants to be woken."""

    at: datetime | None = None


def wake(key: str, _state: Alarm, now: datetime) -> Step[Alarm]:
    return Step(Alarm(), (Output("ticket-commands", PulseClock(id=key, source="/test", time=now)),))


FOLD = Fold(
    table="alarms",
    reads="ticket-events",
    state=Alarm,
    handle=lambda state, _event, _at: Step(state),
    wake_at=lambda state: state.at,
    wake=wake,
    answered=True,
)


@dataclass
class Worker:
    """Owns every partition; nobody answers its alarms. `waiting`: a fetched run waits to be handled."""

    waiting: bool = False
    said: list[Output] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: Metrics("sla-timer", "test"))

    @property
    def consumer(self) -> Any:
        return self

    @property
    def idle(self) -> bool:
        return not self.waiting

    def owns(self, *_: Any) -> bool:
        return True

    @property
    def producer(self) -> Any:
        return SimpleNamespace(breathe=lambda: asyncio.sleep(0))

    def say(self, outputs: tuple[Output, ...]) -> None:
        self.said.extend(outputs)

    def digested(self, *_: Any) -> None:
        raise AssertionError("a partition whose alarms still ring is not digested")


def at_noon(alarms: int, partitions: int = 1) -> tuple[FoldAtWork, Worker]:
    """Give a fold with so many alarms due in each partition, and the pulse of noon heard in all."""
    worker, engine = Worker(), Engine(FOLD, budget=100)
    tables = {partition: MemoryPartition() for partition in range(partitions)}
    table: Any = SimpleNamespace(held=tables, partition=tables.__getitem__, source="ticket-events")
    at_work = FoldAtWork(engine, table, worker)  # type: ignore[arg-type]
    for partition, held in tables.items():
        for number in range(alarms):
            held[b"T-%d-%05d" % (partition, number)] = FOLD.dump(Alarm(at=NOON))
        at_work.restored(partition, held)
        headers, value = encode(ClockPulsed(id="p", source="/test", time=NOON + timedelta(seconds=1)))
        pulse = Record(Position("ticket-events", partition, 1), b"", value, tuple(headers), 0.0)
        at_work._carry(partition, engine.handle(pulse))
    return at_work, worker


def test_alarms_ring_until_enough_are_under_way_and_then_the_records_that_came_are_handled_first() -> None:
    at_work, worker = at_noon(3 * LEAST)
    asyncio.run(asyncio.wait_for(until_a_run_waits(at_work, worker), timeout=30))
    assert LEAST <= len(worker.said) < LEAST + 100
    before = len(worker.said)

    async def after_each_run() -> None:
        for _ in range(1000):
            await at_work.ring(None)  # type: ignore[arg-type]

    worker.waiting = True
    # A thousand runs wait one after the other: a pause after each, however short, would add up.
    slept: list[float] = []
    asyncio.run(counting_sleeps(after_each_run, slept))
    assert len(worker.said) == before
    assert not any(slept), "nobody sleeps while records wait"


def test_partitions_ring_in_turns_though_each_turn_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "unix", NOON.timestamp)  # time stands still: no pace is taken, and the limit stays
    at_work, worker = at_noon(3 * LEAST, partitions=4)
    worker.waiting = True  # so that `ring` returns after each turn
    unanswered = at_work._unanswered
    assert unanswered is not None
    for _ in range(8):
        for output in worker.said[: 1 - LEAST // 2]:  # the router answers all but those that rang last
            unanswered.heard(output.event.id.encode())
        before = len(worker.said)
        asyncio.run(at_work.ring(None))  # type: ignore[arg-type]
        assert len(worker.said) - before == 300, "three of the four, and the limit is reached"
    spread = [sum(output.event.id.startswith(f"T-{number}-") for output in worker.said) for number in range(4)]
    assert max(spread) - min(spread) <= 100, "none is more than a turn ahead of another"


async def until_a_run_waits(at_work: FoldAtWork, worker: Worker) -> None:
    ringing = asyncio.create_task(at_work.ring(None))  # type: ignore[arg-type]
    await asyncio.sleep(0.2)
    assert not ringing.done(), "while nothing else is to be done, it waits for answers"
    worker.waiting = True
    await ringing


async def counting_sleeps(do: Any, slept: list[float]) -> None:
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def noted(delay: float, *args: Any, **more: Any) -> Any:
        slept.append(delay)
        return later(delay, *args, **more)

    loop.call_later = noted  # type: ignore[method-assign,assignment]
    await do()
