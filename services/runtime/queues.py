"""Queue ages and clock counts of one partition, kept as tickets move: no scan at scrape time, no memory per key.

Whoever moves a ticket knows what it was before, so only instants are kept here, not keys.
"""

import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush

from services.core.service import Label, OpenClock, QueueEntry


class _Times:
    """Unix times, smallest first: a sorted array of those it began with, at 8 bytes each, and a heap of those since.

    A worker begins with a million, as whole microseconds and in no order: they are sorted when first asked for.
    """

    __slots__ = ("_first", "_next", "_raw", "_since")

    def __init__(self, first: Iterable[float] = (), raw: Sequence[int] = ()) -> None:
        self._first = array("d", first)
        self._raw = raw
        self._next = 0
        self._since: list[float] = []

    def add(self, at: float) -> None:
        heappush(self._since, at)

    def smallest(self) -> float | None:
        if self._raw:
            # The same float as datetime.timestamp().
            self._first, self._raw = array("d", [at / 1_000_000 for at in sorted(self._raw)]), ()
        first = self._first[self._next] if self._next < len(self._first) else None
        if self._since and (first is None or self._since[0] < first):
            return self._since[0]
        return first

    def pop(self) -> None:
        """Take the smallest out."""
        if self._since and self._since[0] == self.smallest():
            heappop(self._since)
        else:
            self._next += 1

    def __iter__(self) -> Iterator[float]:
        self.smallest()
        yield from self._first[self._next :]
        yield from self._since

    def __len__(self) -> int:
        return len(self._raw) + len(self._first) - self._next + len(self._since)


class _Instants:
    """A multiset of Unix times that knows its smallest: what came and what went."""

    __slots__ = ("_came", "_went")

    def __init__(self, raw: Sequence[int] = ()) -> None:
        self._came = _Times(raw=raw)
        self._went = _Times()

    def add(self, at: float) -> None:
        self._came.add(at)

    def remove(self, at: float) -> None:
        self._went.add(at)
        if len(self._went) > 1000 and 2 * len(self._went) > len(self._came):
            self._tidy()

    def _tidy(self) -> None:
        left, went = [], sorted(self._went, reverse=True)
        for at in sorted(self._came):
            if went and went[-1] == at:
                went.pop()
            else:
                left.append(at)
        self._came, self._went = _Times(left), _Times()

    def smallest(self) -> float | None:
        while (at := self._came.smallest()) is not None and at == self._went.smallest():
            self._went.pop()
            self._came.pop()
        return at

    def pop_until(self, now: float) -> int:
        """Take out what is at most `now`, and give how many."""
        before = len(self)
        while (at := self.smallest()) is not None and at <= now:
            self._came.pop()
        return before - len(self)

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
                    found[label] = (since, len(queue))
        return found


class ClockCounts:
    """Open and overdue clocks per kind; a clock is overdue once a pulse has passed its due instant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: dict[str, _Instants] = {}
        """Per kind the due instants (Unix times) that no pulse has passed, or none that was looked at since."""
        self._overdue: dict[str, int] = {}
        self._now = 0.0

    def move(self, before: tuple[OpenClock, ...], after: tuple[OpenClock, ...]) -> None:
        """Say which clocks ran on a ticket and which run now."""
        if before == after:
            return
        with self._lock:
            for clock in before:
                due, ahead = clock.due_at.timestamp(), self._of(clock.kind)
                if due <= self._now:
                    self._overdue[clock.kind] -= 1
                else:
                    ahead.remove(due)
            for clock in after:
                due, ahead = clock.due_at.timestamp(), self._of(clock.kind)
                if due <= self._now:
                    self._overdue[clock.kind] += 1
                else:
                    ahead.add(due)

    def _of(self, kind: str) -> _Instants:
        if kind not in self._ahead:
            self._overdue[kind] = 0
            self._ahead[kind] = _Instants()
        ahead = self._ahead[kind]
        self._overdue[kind] += ahead.pop_until(self._now)
        return ahead

    def fill(self, running: Mapping[str, Sequence[int]]) -> None:
        """Begin with these: per kind when the clocks that run are due, in microseconds since 1970."""
        with self._lock:
            self._ahead = {kind: _Instants(dues) for kind, dues in running.items()}
            self._overdue = dict.fromkeys(running, 0)

    def advance(self, now: float) -> None:
        """Move the time to `now` (Unix seconds): clocks whose due instant passed are overdue."""
        self._now = max(self._now, now)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""
        with self._lock:
            found = {kind: len(self._of(kind)) for kind in list(self._ahead)}
            return {kind: (ahead + self._overdue[kind], self._overdue[kind]) for kind, ahead in found.items()}


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
