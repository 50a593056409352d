"""Queue ages and clock counts of one partition, kept as tickets move: no scan at scrape time, no memory per key.

Whoever moves a ticket knows what it was before, so only instants are kept here, not keys.
"""

import threading
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from math import ceil

from services.core.service import Label, OpenClock, QueueEntry


class _Instants:
    """A multiset of Unix times that knows its smallest.

    A sorted array of those it began with, at 8 bytes each, a heap of those since, and what of both was taken out again.
    A worker begins with a million, as whole microseconds and in no order: they are sorted when first asked for.
    """

    __slots__ = ("_away", "_first", "_gone", "_next", "_raw", "_since", "count")

    def __init__(self, raw: Sequence[int] = ()) -> None:
        self.count = len(raw)
        self._raw = raw
        self._first = array("d")
        self._next = 0
        self._since: list[float] = []
        self._gone: dict[float, int] = {}
        self._away = 0

    def add(self, at: float) -> None:
        self.count += 1
        heappush(self._since, at)

    def remove(self, at: float) -> None:
        self.count -= 1
        self._away += 1
        self._gone[at] = self._gone.get(at, 0) + 1
        if self._away > 1000 and self._away > self.count:
            self._tidy()

    def _tidy(self) -> None:
        self._smallest()
        left, gone = array("d"), self._gone
        for at in sorted([*self._first[self._next :], *self._since]):
            times = gone.get(at)
            if times:
                gone[at] = times - 1
            else:
                left.append(at)
        self._first, self._next, self._since, self._gone, self._away = left, 0, [], {}, 0

    def _pop(self) -> None:
        """Take the smallest out, gone or not."""
        if self._since and self._since[0] == self._smallest():
            heappop(self._since)
        else:
            self._next += 1

    def _smallest(self) -> float | None:
        if self._raw:
            # The same float as datetime.timestamp().
            self._first, self._raw = array("d", [at / 1_000_000 for at in sorted(self._raw)]), ()
        first = self._first[self._next] if self._next < len(self._first) else None
        if self._since and (first is None or self._since[0] < first):
            return self._since[0]
        return first

    def smallest(self) -> float | None:
        while (at := self._smallest()) is not None and (times := self._gone.get(at)):
            self._pop()
            self._away -= 1
            if times == 1:
                del self._gone[at]
            else:
                self._gone[at] = times - 1
        return at


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

    def fill(self, waiting: Mapping[Label, Sequence[int]]) -> None:
        """Begin with these, per label since when a ticket waits there, in microseconds since 1970."""
        with self._lock:
            self._queues = {label: _Instants(since) for label, since in waiting.items()}

    def oldest(self) -> dict[Label, tuple[float, int]]:
        """Give per label the Unix time since when the oldest waits, and how many wait."""
        found = {}
        with self._lock:
            for label, queue in self._queues.items():
                since = queue.smallest()
                if since is not None:
                    found[label] = (since, queue.count)
        return found


class _Dues:
    """The clocks of one kind: how many are open and how many overdue, by the second in which they are due.

    Day limits all end at the close of office, so very many clocks share few seconds.
    """

    __slots__ = ("_ahead", "_raw", "_seconds", "_swept", "open", "overdue")

    def __init__(self, raw: Sequence[int] = ()) -> None:
        self.open = len(raw)
        self.overdue = 0
        self._raw = raw
        """Microseconds since 1970 of those it began with, until the first sweep counts them."""
        self._ahead: dict[int, int] = {}
        """Seconds that no sweep has reached, and how many are due in each; below zero while `_raw` is not counted."""
        self._seconds: list[int] = []
        self._swept = 0

    def move(self, second: int, by: int) -> None:
        """Count a clock that is due in `second` in (1) or out (-1)."""
        self.open += by
        if second <= self._swept:
            self.overdue += by
        else:
            self._count(second, by)

    def _count(self, second: int, by: int) -> None:
        known = self._ahead.get(second)
        if known is None:
            heappush(self._seconds, second)
            known = 0
        self._ahead[second] = known + by

    def sweep(self, now: float) -> None:
        """Count as overdue what is due at `now`."""
        if self._raw:
            for second, count in Counter([-(-at // 1_000_000) for at in self._raw]).items():
                self._count(second, count)
            self._raw = ()
        while self._seconds and self._seconds[0] <= now:
            self.overdue += self._ahead.pop(heappop(self._seconds))
        self._swept = max(self._swept, int(now))


class ClockCounts:
    """Open and overdue clocks per kind; a clock is overdue once a pulse has passed the second in which it is due."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # as above
        self._kinds: dict[str, _Dues] = {}
        self._now = 0.0

    def move(self, before: tuple[OpenClock, ...], after: tuple[OpenClock, ...]) -> None:
        """Say which clocks ran on a ticket and which run now."""
        if before == after:
            return
        with self._lock:
            for clocks, by in ((before, -1), (after, 1)):
                for clock in clocks:
                    dues = self._kinds.get(clock.kind)
                    if dues is None:
                        dues = self._kinds[clock.kind] = _Dues()
                    dues.move(ceil(clock.due_at.timestamp()), by)

    def fill(self, running: Mapping[str, Sequence[int]]) -> None:
        """Begin with these: per kind when the clocks that run are due, in microseconds since 1970."""
        with self._lock:
            self._kinds = {kind: _Dues(dues) for kind, dues in running.items()}

    def advance(self, now: float) -> None:
        """Move the time to `now` (Unix seconds): clocks whose due instant passed are overdue."""
        self._now = max(self._now, now)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""
        with self._lock:
            for dues in self._kinds.values():
                dues.sweep(self._now)
            return {kind: (dues.open, dues.overdue) for kind, dues in self._kinds.items()}


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
