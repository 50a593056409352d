"""One fold at work on one table, partition by partition: decode, fold, wake on pulses.

No Kafka here: tests and replay run it too.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, Protocol

from schemas.commands import PulseClock
from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.supervision import PulseMeasured, PulseRelayed
from schemas.wire import decode
from services.core.service import Fold, Label, Output, Position, Rejected
from services.runtime.queues import ClockCounts, QueueAges, counts_of, oldest_of
from services.runtime.wakes import Wakes, micros

AT_ONCE = 1_000
"""Values that are surveyed together: as many as a processor's own cache holds."""
PULSES = (PulseClock, ClockPulsed, PulseRelayed, PulseMeasured)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record as the engine takes it."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    appended_at: float
    """Unix time at which the broker appended it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one record led to: what to say, then what to write; `event` for the metrics."""

    event: Event
    outputs: tuple[Output, ...] = ()
    writes: tuple[tuple[bytes, bytes | None], ...] = ()
    duplicate: bool = False
    rang: tuple[float, ...] = ()
    """Unix times for which the keys that were woken had asked: for the lateness of alarms."""


class Values(Protocol):
    """The table's values in one partition."""

    def get(self, key: bytes, /) -> bytes | None:
        """Give the value of a key."""


@dataclass(slots=True)
class Index:
    """What is known of one partition besides its table; all of it can be made anew from the table."""

    values: Values
    queues: QueueAges = field(default_factory=QueueAges)
    clocks: ClockCounts = field(default_factory=ClockCounts)
    wakes: Wakes = field(default_factory=Wakes)
    pulse: Event | None = None
    """The newest pulse."""
    ringing: Event | None = None
    """The pulse whose wakes are not all done."""


class Engine:
    """A fold over a table of bytes; `table` is a plain dict for every partition, unless `rebuild` gave each its own.

    The caller publishes `Result.outputs`, and only then writes `Result.writes`: state is never ahead of what was said.
    `budget` is the most keys that one call wakes; what is left is woken by `go_on`, so that a million clocks that end
    in one second do not keep their neighbours waiting.
    """

    def __init__(self, fold: Fold[Any], table: Mapping[bytes, bytes] | None = None, budget: int | None = None) -> None:
        self.fold = fold
        self.table: Mapping[bytes, bytes] = {} if table is None else table
        self._budget = budget
        self._indexes: dict[int, Index] = {}

    def rebuild(self, partition: int, items: Iterable[tuple[bytes, bytes]], values: Values | None = None) -> None:
        """Forget the indexes of a partition and build them anew from its keys and values."""
        index = Index(self.table if values is None else values)
        buckets: dict[int, bytes | list[bytes]] = {}
        queues: defaultdict[Label, array[int]] = defaultdict(lambda: array("q"))
        clocks: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        unread: list[tuple[bytes, bytes]] = []
        some = iter(items)
        while chunk := list(islice(some, AT_ONCE)):
            seen = self.fold.survey(chunk)
            for at, key in chain.from_iterable(seen.wakes):
                known = buckets.setdefault(at, key)
                if known is not key:
                    if isinstance(known, list):
                        known.append(key)
                    else:
                        buckets[at] = [known, key]
            for label, since in seen.waiting:
                queues[label].extend(since)
            for kind, dues in seen.running:
                clocks[kind].extend(dues)
            unread += seen.unread
        index.wakes.fill(buckets)
        index.queues.fill(queues)
        index.clocks.fill(clocks)
        for key, value in unread:
            self._moved(index, key, None, self.fold.load(value))
        self._indexes[partition] = index

    def drop(self, partition: int) -> None:
        """Forget a partition that another worker owns now: none of its clocks rings here any more."""
        self._indexes.pop(partition, None)

    def _index(self, partition: int) -> Index:
        index = self._indexes.get(partition)
        if index is None:
            index = self._indexes[partition] = Index(self.table)
        return index

    def handle(self, record: Record) -> Result:
        """Fold one record; raises `WireError` or `Rejected` for one that belongs into the dead letters."""
        event = decode(record.headers, record.value)
        partition = record.position.partition
        if isinstance(event, PULSES):
            return self._pulse(event, partition)
        key = self.fold.key(event)
        if not key:
            raise Rejected("missing-subject", "the event has no ce_subject")
        raw = key.encode()
        if record.key != raw:
            raise Rejected("key-mismatch", "the record's key is not the event's subject: its order is not assured")
        index = self._index(partition)
        stored = index.values.get(raw)
        state = self.fold.load(stored) if stored else None
        step = self.fold.handle(state, event, record.position)
        if step.duplicate:
            return Result(event, step.outputs, duplicate=True)
        self._moved(index, raw, state, step.state)
        return Result(event, step.outputs, ((raw, self._dump(step.state)),))

    def _pulse(self, event: Event, partition: int) -> Result:
        index = self._index(partition)
        before = index.pulse
        if index.pulse is None or event.time > index.pulse.time:  # time never runs backwards in a partition
            index.pulse = event
            now = min(other.pulse.time for other in self._indexes.values() if other.pulse is not None)
            for other in self._indexes.values():
                other.clocks.advance(now.timestamp())
        # While an earlier pulse still rings, whoever calls `go_on` sets the pace: a budget per pulse beside it would be
        # more than who answers can take.
        under_way = index.ringing is not None
        index.ringing = before if self.fold.trailing else index.pulse
        rung = Result(event) if under_way or index.ringing is None else self.go_on(partition)
        said = self.fold.on_pulse(event, partition, before.time if before is not None else None)
        return Result(event, (*rung.outputs, *said), rung.writes, rang=rung.rang)

    def rings(self, partition: int) -> bool:
        """Say whether the newest pulse has still to wake keys of a partition."""
        index = self._indexes.get(partition)
        return index is not None and index.ringing is not None

    @property
    def ringing(self) -> list[int]:
        """Give the partitions whose newest pulse has still to wake keys."""
        return [partition for partition, index in self._indexes.items() if index.ringing is not None]

    def go_on(self, partition: int) -> Result:
        """Wake the next keys that the newest pulse of a partition is due to wake, at most the budget."""
        index = self._indexes[partition]
        assert index.ringing is not None  # noqa: S101 - the caller asked `rings`
        now, limit = index.ringing.time, micros(index.ringing.time)
        outputs: list[Output] = []
        writes: dict[bytes, bytes | None] = {}
        rang: list[float] = []
        wake = self.fold.wake
        if wake is not None:
            for at, key in index.wakes.due(limit):
                stored = writes.get(key) or index.values.get(key)
                state = self.fold.load(stored) if stored else None
                wanted = self.fold.wake_at(state) if state is not None else None
                if wanted is None or micros(wanted) != at:
                    continue  # moved or cancelled since it was noted
                step = wake(key.decode(), state, now)
                self._moved(index, key, state, step.state)
                outputs.extend(step.outputs)
                writes[key] = self._dump(step.state)
                rang.append(at / 1e6)
                if self._budget is not None and len(rang) >= self._budget:
                    break
        event = index.ringing
        if wake is None or not index.wakes.any_due(limit):
            index.ringing = None
        return Result(event, tuple(outputs), tuple(writes.items()), rang=tuple(rang))

    def _moved(self, index: Index, key: bytes, before: Any, after: Any) -> None:
        fold = self.fold
        index.queues.move(
            fold.queue(before) if before is not None else None, fold.queue(after) if after is not None else None
        )
        index.clocks.move(
            fold.clocks(before) if before is not None else (), fold.clocks(after) if after is not None else ()
        )
        at = fold.wake_at(after) if after is not None else None
        if at is not None and (before is None or fold.wake_at(before) != at):
            index.wakes.add(micros(at), key)

    def _dump(self, state: Any) -> bytes | None:
        return self.fold.dump(state) if state is not None else None

    # -- for the metrics, also from the thread that answers scrapes

    def oldest(self) -> dict[Label, tuple[float, int]]:
        """Give per queue the Unix time since when the oldest ticket waits, and how many wait."""
        return oldest_of([index.queues for index in list(self._indexes.values())])

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""
        return counts_of([index.clocks for index in list(self._indexes.values())])

    def alarms_waiting(self) -> int:
        """Count the keys that pulses have still to wake."""
        indexes = [index for index in list(self._indexes.values()) if index.ringing is not None]
        return sum(index.wakes.waiting(micros(index.ringing.time)) for index in indexes if index.ringing is not None)

    @property
    def pulse_at(self) -> dict[int, datetime]:
        """Give the newest pulse per partition: the time it is there."""
        return {number: index.pulse.time for number, index in self._indexes.items() if index.pulse is not None}
