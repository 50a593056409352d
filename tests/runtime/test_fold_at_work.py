"""A fold in a worker: alarms that wait for the router's answers do not keep those answers waiting."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel

from schemas.commands import PulseClock
from schemas.facts import ClockPulsed
from schemas.wire import encode
from services.core.service import Fold, Output, Position, Step
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
    """Owns one partition; nobody answers its alarms. `waiting`: a fetched run waits to be handled."""

    held: MemoryPartition
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


def at_noon(alarms: int) -> tuple[FoldAtWork, Worker]:
    """Give a fold with so many alarms due, and the pulse of noon heard."""
    held = MemoryPartition()
    for number in range(alarms):
        held[b"T-%05d" % number] = FOLD.dump(Alarm(at=NOON))
    worker = Worker(held)
    engine = Engine(FOLD, budget=100)
    table: Any = SimpleNamespace(held={0: held}, partition=lambda _: held, source="ticket-events")
    at_work = FoldAtWork(engine, table, worker)  # type: ignore[arg-type]
    at_work.restored(0, held)
    headers, value = encode(ClockPulsed(id="p", source="/test", time=NOON + timedelta(seconds=1)))
    result = engine.handle(Record(Position("ticket-events", 0, 1), b"", value, tuple(headers), 0.0))
    at_work._carry(0, result)
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
