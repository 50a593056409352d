"""Queue ages and clock counts of one partition, kept as tickets move: no scan at scrape time, no memory per key.

Whoever moves a ticket knows what it was before, so only instants are kept here, not keys.
"""

import threading
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from services.core.service import OpenClock, QueueEntry

Label = tuple[str, str, str]


class _Instants:
    """A multiset of Unix times that knows its smallest: two heaps, of what came and of what went."""

    __slots__ = ("_came", "_went")

    def __init__(self) -> None:
        self._came: list[float] = []
        self._went: list[float] = []

    def add(self, at: float) -> None:
        heappush(self._came, at)

    def remove(self, at: float) -> None:
        heappush(self._went, at)
        if len(self._went) > 1000 and 2 * len(self._went) > len(self._came):
            self._tidy()

    def _tidy(self) -> None:
        left, went = [], sorted(self._went, reverse=True)
        for at in sorted(self._came):
            if went and went[-1] == at:
                went.pop()
            else:
                left.append(at)
        self._came, self._went = left, []
        heapify(self._came)

    def smallest(self) -> float | None:
        while self._went and self._came and self._went[0] == self._came[0]:
            heappop(self._went)
            heappop(self._came)
        return self._came[0] if self._came else None

    def __len__(self) -> int:
        return len(self._came) - len(self._went)


class QueueAges:
    """The oldest open ticket per (stage, kind, unit group)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # tickets move in the event loop, scrapes read in a thread of their own
        self._queues: dict[Label, _Instants] = {}

    def move(self, before: QueueEntry | None, after: QueueEntry | None) -> None:
        """Say where a ticket waited and where it waits now; None: it was not, or is no longer, open."""
        if before == after:
            return
        with self._lock:
            if before is not None:
                self._queues[before.stage, before.kind, before.unit_group].remove(before.since.timestamp())
            if after is not None:
                label = (after.stage, after.kind, after.unit_group)
                self._queues.setdefault(label, _Instants()).add(after.since.timestamp())

    def oldest(self) -> dict[Label, tuple[float, int]]:
        """Give per label the Unix time since when the oldest waits, and how many wait."""
        found = {}
        with self._lock:
            for label, queue in self._queues.items():
                since = queue.smallest()
                if since is not None:
                    found[label] = (since, len(queue))
        return found


class ClockCounts:
    """Open and overdue clocks per kind; a clock is overdue once a pulse has passed its due instant."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, float], int] = {}
        self._open: dict[str, int] = {}
        self._overdue: dict[str, int] = {}
        self._instants: list[tuple[float, str]] = []
        self._now = 0.0

    def move(self, before: tuple[OpenClock, ...], after: tuple[OpenClock, ...]) -> None:
        """Say which clocks ran on a ticket and which run now."""
        if before == after:
            return
        for clock in before:
            self._count(clock, -1)
        for clock in after:
            self._count(clock, 1)

    def _count(self, clock: OpenClock, by: int) -> None:
        kind, due = clock.kind, clock.due_at.timestamp()
        self._open[kind] = self._open.get(kind, 0) + by
        if due <= self._now:
            self._overdue[kind] = self._overdue.get(kind, 0) + by
            return
        running = self._running.get((kind, due))
        if running is None:
            heappush(self._instants, (due, kind))
        self._running[kind, due] = (running or 0) + by

    def advance(self, now: float) -> None:
        """Move the time to `now` (Unix seconds): clocks whose due instant passed become overdue."""
        while self._instants and self._instants[0][0] <= now:
            due, kind = heappop(self._instants)
            self._overdue[kind] = self._overdue.get(kind, 0) + self._running.pop((kind, due))
        self._now = max(self._now, now)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""
        return {kind: (count, self._overdue.get(kind, 0)) for kind, count in list(self._open.items())}


def oldest_of(partitions: Iterable[QueueAges]) -> dict[Label, tuple[float, int]]:
    """Give the queue ages of several partitions together."""
    found: dict[Label, tuple[float, int]] = {}
    for ages in partitions:
        for label, (since, count) in ages.oldest().items():
            known = found.get(label, (since, 0))
            found[label] = (min(since, known[0]), count + known[1])
    return found


def counts_of(partitions: Iterable[ClockCounts]) -> dict[str, tuple[int, int]]:
    """Give the clock counts of several partitions together."""
    found: dict[str, tuple[int, int]] = {}
    for counts in partitions:
        for kind, (running, overdue) in counts.counts().items():
            known = found.get(kind, (0, 0))
            found[kind] = (running + known[0], overdue + known[1])
    return found
