"""Everything a decision is made by: rulebook, calendar and directory, as one value, and which is in force when."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from types import MappingProxyType

from schemas.values import RulebookRef
from schemas.vocabulary import Kind
from services.core.calendar import WorkCalendar
from services.core.calendar_history import CalendarHistory
from services.core.directory import Directory
from services.core.door_catalogue import DoorCatalogue, Refusal
from services.core.rulebook import Rulebook
from services.core.rulebook_articles import KindRule, StatutoryLimit
from services.core.service import Rejected

NO_CATALOGUE = DoorCatalogue()
"""A door that refuses under no code and knows no keywords."""
ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Policy:
    """The rules in force, compiled. `calendar` is one version of `history`: what was known of it at some instant.

    `unit_histories` holds the calendars of units that keep office hours of their own, `unit_calendars` what was known
    of them at the same instant. Where `hours_of` names such a unit, `calendar` is the unit's: see `for_unit`.
    """

    rulebook: Rulebook
    calendar: WorkCalendar
    directory: Directory
    door: DoorCatalogue = NO_CATALOGUE
    history: CalendarHistory | None = field(default=None, repr=False, compare=False)
    unit_histories: Mapping[str, CalendarHistory] = field(default_factory=dict, repr=False, compare=False)
    unit_calendars: Mapping[str, WorkCalendar] = field(default_factory=dict, repr=False)
    hours_of: str | None = None
    _jurisdiction: WorkCalendar | None = field(default=None, repr=False)

    @property
    def jurisdiction_calendar(self) -> WorkCalendar:
        """Give the calendar of the hotline's own office, whosever hours `calendar` has."""
        return self._jurisdiction or self.calendar

    def for_unit(self, unit: str | None) -> "Policy":
        """Give the same rules with the calendar by which a unit's clocks count: its own, else the jurisdiction's."""
        if unit not in self.unit_calendars:
            unit = None
        if unit == self.hours_of:
            return self
        office = self.jurisdiction_calendar
        if unit is None:
            return replace(self, calendar=office, hours_of=None, _jurisdiction=None)
        return replace(self, calendar=self.unit_calendars[unit], hours_of=unit, _jurisdiction=office)

    def day(self, instant: datetime) -> date:
        """Give the local day of an instant."""
        return instant.astimezone(self.calendar.zone).date()

    def statutory(self, kind: Kind, category: str, start: datetime) -> StatutoryLimit | None:
        """Give the limit that law sets for a matter dispatched at `start`, if one does (Art. 8)."""
        limits = self.rulebook.statutory_limits
        return next((limit for limit in limits if limit.covers(kind, category, self.day(start))), None)

    def refusal(self, code: str, at: datetime) -> Refusal | None:
        """Give what the door's catalogue says of a refusal code on that day."""
        return self.door.refusal(code, self.day(at))

    def histories(self) -> tuple[CalendarHistory, ...]:
        """Give every calendar that the rules know: the jurisdiction's, then those of units, each once."""
        known = (self.history,) if self.history else ()
        return (*known, *{id(history): history for history in self.unit_histories.values()}.values())

    def versions(self) -> tuple[tuple[datetime, "Policy"], ...]:
        """Give the same rules with each version of the calendar, by the instant from which it is known.

        The first version also stands for what lies before it.
        """
        if self.history is None:
            return ((ALWAYS, self),)
        first = self.history.versions[0].known_from
        begins = {version.known_from for history in self.histories() for version in history.versions} - {first}
        return ((ALWAYS, self._known(first)), *((at, self._known(at)) for at in sorted(begins)))

    def _known(self, instant: datetime) -> "Policy":
        units = {
            unit: history.at(instant)
            for unit, history in self.unit_histories.items()
            if history.versions[0].known_from <= instant
        }
        calendar = self.history.at(instant) if self.history else self.calendar
        return replace(self, calendar=calendar, unit_calendars=MappingProxyType(units))

    def rule_of(self, kind: Kind, category: str) -> KindRule:
        """Give the limits of a matter: those of its category's urgency tier, else those of its kind (Art. 8)."""
        found = self.directory.category(category)
        return self.rulebook.tiers[found.tier] if found and found.tier else self.rulebook.kinds[kind]

    @property
    def effective_at(self) -> datetime:
        """Give the instant from which it is in force: 00:00, local time, of the rulebook's first day (Art. 18)."""
        return datetime.combine(self.rulebook.effective_from, time(), self.calendar.zone).astimezone(UTC)


class NotInForceError(Rejected):
    """No rules are in force at an instant: it lies before the first rulebook of the jurisdiction."""

    def __init__(self, jurisdiction: str, instant: datetime, begin: datetime) -> None:
        super().__init__(
            "no-rules-in-force",
            f"no rules of {jurisdiction} are in force at {instant.isoformat()}: the first begin at {begin.isoformat()}",
        )


@dataclass(frozen=True)
class Policies:
    """The policies of one jurisdiction, each with the instant from which it is in force, in that order.

    A decision is made under the rules in force when what it answers happened, and under the calendar as it was known
    then, never under those of the instant at which it is heard (docs/adr/0004, 0008). Raises ValueError for no
    segment, or segments out of order.
    """

    segments: tuple[tuple[datetime, Policy], ...]
    _versions: tuple[tuple[tuple[datetime, Policy], ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        begins = [begin for begin, _ in self.segments]
        if not begins or any(a >= b for a, b in pairwise(begins)):
            raise ValueError("policies need at least one segment, in ascending order of their instants")
        object.__setattr__(self, "_versions", tuple(policy.versions() for _, policy in self.segments))

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> "Policies":
        """Order policies by the first day of their rulebooks."""
        segments = ((policy.effective_at, policy) for policy in policies)
        return cls(tuple(sorted(segments, key=lambda segment: segment[0])))

    @classmethod
    def always(cls, policy: Policy) -> "Policies":
        """Give `policy` for every instant, whatever its rulebook says of when it begins."""
        return cls(((ALWAYS, policy),))

    @property
    def newest(self) -> Policy:
        """Give the policy that comes into force last."""
        return self.segments[-1][1]

    @property
    def ref(self) -> RulebookRef:
        """Give the newest version, and a hash over all rulebooks: processes that know the same rules give the same."""
        newest = self.newest.rulebook
        hashes = "|".join(policy.rulebook.hash for _, policy in self.segments)
        digest = newest.hash if len(self.segments) == 1 else hashlib.sha256(hashes.encode()).hexdigest()[:16]
        return RulebookRef(jurisdiction=newest.jurisdiction, version=newest.version, hash=digest)

    def at(self, instant: datetime) -> Policy:
        """Give the policy in force at `instant`, with the calendar as known then; raises `NotInForceError`."""
        return self._known(self._segment(instant), instant)

    def _segment(self, instant: datetime) -> int:
        index = bisect_right(self.segments, instant, key=lambda segment: segment[0]) - 1
        if index < 0:
            begin, first = self.segments[0]
            raise NotInForceError(first.rulebook.jurisdiction, instant, begin)
        return index

    def _known(self, index: int, instant: datetime) -> Policy:
        versions = self._versions[index]
        return versions[bisect_right(versions, instant, key=lambda version: version[0]) - 1][1]

    def calendar(self, version: str) -> WorkCalendar | None:
        """Give the calendar of that version, if the rules ever knew it."""
        return next((found for history in self._histories() if (found := history.version(version)) is not None), None)

    def known_since(self, version: str, until: datetime) -> tuple[datetime, ...]:
        """Give the instants up to `until` from which more than that version is known; none if no file holds it."""
        found = next((history for history in self._histories() if history.version(version) is not None), None)
        after = found.superseded_at(version) if found else None
        if found is None or after is None:
            return ()
        return tuple(known.known_from for known in found.versions if after <= known.known_from <= until)

    def learned(self, old: str, new: str) -> tuple[str, ...]:
        """Give the ids of the notices that version `new` of a calendar has beyond version `old`."""
        before = {notice for history in self._histories() for notice in history.notices(old)}
        found = next((said for history in self._histories() if (said := history.notices(new))), ())
        return tuple(notice for notice in found if notice not in before)

    def _histories(self) -> tuple[CalendarHistory, ...]:
        return tuple(history for _, policy in self.segments for history in policy.histories())

    def governing(self, started_at: datetime, instant: datetime, known_at: datetime | None = None) -> Policy:
        """Give the policy that governs at `instant` a clock started at `started_at`: that of its start.

        Rules that came into force meanwhile govern it only if they say so (`applies_to_running`). The calendar is the
        one known at `known_at`, by default at `instant`.
        """
        index = self._segment(started_at)
        for number, (begin, later) in enumerate(self.segments):
            if started_at < begin <= instant and later.rulebook.applies_to_running:
                index = number
        return self._known(index, known_at or instant)
