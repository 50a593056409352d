"""Queue ages and clock counts, kept as tickets move: no scan at scrape time."""

import threading
from heapq import heappop, heappush

from services.core.service import OpenClock, QueueEntry

Label = tuple[str, str, str]


class QueueAges:
    """The oldest open ticket per (stage, kind, unit group); heaps with lazy deletion."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # tickets move in the event loop, scrapes read in a thread of their own
        self._entries: dict[str, tuple[Label, float]] = {}
        self._heaps: dict[Label, list[tuple[float, str]]] = {}
        self._counts: dict[Label, int] = {}

    def put(self, key: str, entry: QueueEntry | None) -> None:
        """Say where the ticket `key` waits now; None: it is no longer open."""
        with self._lock:
            self._put(key, entry)

    def _put(self, key: str, entry: QueueEntry | None) -> None:
        old = self._entries.pop(key, None)
        if old is not None:
            self._counts[old[0]] -= 1
        if entry is None:
            return
        label = (entry.stage, entry.kind, entry.unit_group)
        since = entry.since.timestamp()
        self._entries[key] = (label, since)
        self._counts[label] = self._counts.get(label, 0) + 1
        if old != (label, since):
            heappush(self._heaps.setdefault(label, []), (since, key))

    def oldest(self) -> dict[Label, tuple[float, int]]:
        """Give per label the Unix time since when the oldest waits, and how many wait."""
        with self._lock:
            return self._oldest()

    def _oldest(self) -> dict[Label, tuple[float, int]]:
        found = {}
        for label, heap in self._heaps.items():
            while heap and self._entries.get(heap[0][1]) != (label, heap[0][0]):
                heappop(heap)
            if heap:
                found[label] = (heap[0][0], self._counts[label])
        return found


class ClockCounts:
    """Open and overdue clocks per kind; a clock is overdue once a pulse has passed its due instant."""

    def __init__(self) -> None:
        self._clocks: dict[str, dict[tuple[str, float], int]] = {}
        self._open: dict[str, int] = {}
        self._overdue: dict[str, int] = {}
        self._heap: list[tuple[float, str, str]] = []
        self._now = 0.0

    def put(self, key: str, clocks: tuple[OpenClock, ...]) -> None:
        """Say which clocks run on the ticket `key` now."""
        for (kind, due), count in self._clocks.pop(key, {}).items():
            self._open[kind] -= count
            if due <= self._now:
                self._overdue[kind] -= count
        held: dict[tuple[str, float], int] = {}
        for clock in clocks:
            due = clock.due_at.timestamp()
            held[clock.kind, due] = held.get((clock.kind, due), 0) + 1
            self._open[clock.kind] = self._open.get(clock.kind, 0) + 1
            if due <= self._now:
                self._overdue[clock.kind] = self._overdue.get(clock.kind, 0) + 1
            else:
                heappush(self._heap, (due, key, clock.kind))
        if held:
            self._clocks[key] = held

    def advance(self, now: float) -> None:
        """Move the time to `now` (Unix seconds): clocks whose due instant passed become overdue."""
        passed: set[tuple[float, str, str]] = set()
        while self._heap and self._heap[0][0] <= now:
            passed.add(heappop(self._heap))
        for due, key, kind in passed:
            count = self._clocks.get(key, {}).get((kind, due), 0) if due > self._now else 0
            self._overdue[kind] = self._overdue.get(kind, 0) + count
        self._now = max(self._now, now)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""
        return {kind: (count, self._overdue.get(kind, 0)) for kind, count in list(self._open.items())}
