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
    """Every version of every calendar, by its hash; `offices` holds the jurisdiction's by their names.

    `buffer` is what an upstream due instant lies behind a clock's, counted in the jurisdiction's hours.
    """

    places: Mapping[str, tuple[CalendarHistory, int]]
    buffer: Limit
    offices: Mapping[str, CalendarHistory] = field(default_factory=dict)
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
        offices = {policy.history.name: policy.history for _, policy in policies.segments if policy.history}
        return cls(found, policies.newest.rulebook.upstream_buffer.limit, offices)

    def calendar_at(self, digest: str, instant: datetime) -> WorkCalendar | None:
        """Give what was known at an instant of the calendar with a version of that hash; None if no file holds it."""
        history, _ = self.places.get(digest, (None, 0))
        return history.at(instant) if history is not None and history.versions[0].known_from <= instant else None

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
        old, office = history.versions[number], self.offices.get(history.name, history)
        for later in history.versions[number + 1 :]:
            if later.known_from >= ends_at:
                break
            if self._touches(office, old, later, ends_at):
                return later
        return None

    def _touches(self, office: CalendarHistory, old: KnownCalendar, new: KnownCalendar, ends_at: datetime) -> bool:
        last = ends_at.astimezone(old.calendar.zone).date()
        if old.calendar.known_until < last <= new.calendar.known_until:
            return True
        before = office.at(old.known_from)
        pair = (old.calendar.version, new.calendar.version)
        if pair not in self._changed:  # a unit's limit hangs on the office's hours, too: by what is handed back
            days = {*old.calendar.days_unlike(new.calendar), *before.days_unlike(office.at(new.known_from))}
            self._changed[pair] = tuple(sorted(days))
        changed = self._changed[pair]
        return bool(changed) and changed[0] <= self._reach(before, ends_at)

    def _reach(self, office: WorkCalendar, ends_at: datetime) -> date:
        """Give the last day that bears on the end: the superior platform's own may lie behind it (Art. 4)."""
        try:
            upstream = office.next_opening(due(ends_at, self.buffer, office))
        except CalendarRangeError:
            return office.last_day
        return upstream.astimezone(office.zone).date()
