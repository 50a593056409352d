"""One fold at work on one table: decode, fold, wake on pulses. No Kafka here: tests and replay run it too."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from schemas.commands import PulseClock
from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.wire import decode
from services.core.service import Fold, Output, Position, Rejected
from services.runtime.queues import ClockCounts, QueueAges

PULSES = (PulseClock, ClockPulsed)


@dataclass(frozen=True)
class Record:
    """A Kafka record as the engine takes it."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    appended_at: float
    """Unix time at which the broker appended it."""


@dataclass(frozen=True)
class Result:
    """What one record led to: what to say, then what to write; `event` for the metrics."""

    event: Event
    outputs: tuple[Output, ...] = ()
    writes: tuple[tuple[bytes, bytes | None], ...] = ()
    duplicate: bool = False


class Engine:
    """A fold over a table of bytes; `table` is a Faust table or a plain dict.

    The caller publishes `Result.outputs`, and only then gives `Result.writes` to `write`: state is never ahead of
    what was said.
    """

    def __init__(self, fold: Fold[Any], table: Mapping[bytes, bytes]) -> None:
        self.fold = fold
        self.table = table
        self.queues = QueueAges()
        self.clocks = ClockCounts()
        self.pulse_at: dict[int, datetime] = {}
        self._wakes: dict[str, datetime] = {}
        self._heaps: dict[int, list[tuple[datetime, str]]] = {}

    def rebuild(self, items: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Forget the indexes and build them anew from the owned (partition, key, value) of the table."""
        self.queues, self.clocks = QueueAges(), ClockCounts()
        self._wakes, self._heaps, self.pulse_at = {}, {}, {}
        for partition, key, value in items:
            self._index(partition, key.decode(), self.fold.state.model_validate_json(value))

    def handle(self, record: Record) -> Result:
        """Fold one record; raises `WireError` or `Rejected` for one that belongs into the dead letters."""
        event = decode(record.headers, record.value)
        partition = record.position.partition
        if isinstance(event, PULSES):
            return self._pulse(event, partition)
        key = self.fold.key(event)
        if not key:
            raise Rejected("missing-subject", "the event has no ce_subject")
        if record.key is None or record.key.decode(errors="replace") != key:
            raise Rejected("key-mismatch", "the record's key is not the event's subject: its order is not assured")
        stored = self.table.get(key.encode())
        state = self.fold.state.model_validate_json(stored) if stored else None
        step = self.fold.handle(state, event, record.position)
        if step.duplicate:
            return Result(event, step.outputs, duplicate=True)
        self._index(partition, key, step.state)
        return Result(event, step.outputs, (self._write(key, step.state),))

    def _pulse(self, event: Event, partition: int) -> Result:
        now = max(event.time, self.pulse_at.get(partition, event.time))
        self.pulse_at[partition] = now
        self.clocks.advance(min(self.pulse_at.values()).timestamp())
        outputs: list[Output] = []
        writes: dict[bytes, bytes | None] = {}
        heap = self._heaps.get(partition, [])
        while self.fold.wake and heap and heap[0][0] <= now:
            at, key = heappop(heap)
            stored = writes.get(key.encode()) or self.table.get(key.encode())
            if self._wakes.get(key) != at or not stored:
                continue
            step = self.fold.wake(key, self.fold.state.model_validate_json(stored), now)
            self._index(partition, key, step.state)
            outputs.extend(step.outputs)
            written = self._write(key, step.state)
            writes[written[0]] = written[1]
        return Result(event, (*outputs, *self.fold.on_pulse(event, partition)), tuple(writes.items()))

    def _index(self, partition: int, key: str, state: Any) -> None:
        self.queues.put(key, self.fold.queue(state) if state is not None else None)
        self.clocks.put(key, self.fold.clocks(state) if state is not None else ())
        at = self.fold.wake_at(state) if state is not None else None
        if at is None:
            self._wakes.pop(key, None)
        elif self._wakes.get(key) != at:
            self._wakes[key] = at
            heappush(self._heaps.setdefault(partition, []), (at, key))

    def _write(self, key: str, state: Any) -> tuple[bytes, bytes | None]:
        return key.encode(), (state.model_dump_json().encode() if state is not None else None)
