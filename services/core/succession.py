"""Which running clocks another version of the calendar may move: what sla-timer asks when a notice becomes known.

Without computing a deadline: a clock is touched if a day up to its due instant changed, or if its date was provisional
and is not any more. It errs on the side of asking; the router computes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.core.calendar import CalendarRangeError, WorkCalendar
from services.core.calendar_history import CalendarHistory, KnownCalendar
from services.core.deadlines import Limit, due
from services.core.policy import Policies


def digest_of(version: str) -> str:
    """Give the hash in a calendar's version: enough to know it by."""
    return version.rpartition(":")[2]


@dataclass(frozen=True)
class Succession:
    """Every version of every calendar, by its hash. `buffer` is what an upstream due instant lies behind a clock's."""

    places: Mapping[str, tuple[CalendarHistory, int]]
    buffer: Limit
    _changed: dict[tuple[str, str], tuple[date, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, policies: Policies) -> "Succession":
        """Gather the calendars of all policies."""
        found = {
            digest_of(version.calendar.version): (history, number)
            for _, policy in policies.segments
            for history in policy.histories()
            for number, version in enumerate(history.versions)
        }
        return cls(found, policies.newest.rulebook.upstream_buffer.limit)

    def outdated(self) -> frozenset[bytes]:
        """Give the hashes of versions that others follow, and what stands for several in sla-timer's table."""
        followed = (d for d, (history, number) in self.places.items() if number + 1 < len(history.versions))
        return frozenset((*(bytes.fromhex(digest) for digest in followed), b"\xff" * 6))

    def newest(self, digest: str) -> bool:
        """Say whether no version follows that one, or no file holds it: most often so, and quickly answered."""
        history, number = self.places.get(digest, (None, 0))
        return history is None or number + 1 == len(history.versions)

    def next_for(self, digest: str, ends_at: datetime) -> KnownCalendar | None:
        """Give the first version that may move a clock of that calendar and end, if it is known before that end.

        None also for a calendar that the files do not hold any more.
        """
        history, number = self.places.get(digest, (None, 0))
        if history is None or number + 1 == len(history.versions):
            return None
        old = history.versions[number].calendar
        for later in history.versions[number + 1 :]:
            if later.known_from >= ends_at:
                break
            if self._touches(old, later.calendar, ends_at):
                return later
        return None

    def _touches(self, old: WorkCalendar, new: WorkCalendar, ends_at: datetime) -> bool:
        last = ends_at.astimezone(old.zone).date()
        if old.known_until < last <= new.known_until:
            return True
        pair = (old.version, new.version)
        if pair not in self._changed:
            self._changed[pair] = old.days_unlike(new)
        changed = self._changed[pair]
        return bool(changed) and changed[0] <= self._reach(old, ends_at)

    def _reach(self, old: WorkCalendar, ends_at: datetime) -> date:
        """Give the last day that bears on the end: the superior platform's own may lie behind it (Art. 4)."""
        try:
            upstream = old.next_opening(due(ends_at, self.buffer, old))
        except CalendarRangeError:
            return old.last_day
        return upstream.astimezone(old.zone).date()
