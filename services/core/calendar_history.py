"""What a calendar said when: its versions, each known from an instant on.

A pure function of the data and the instant: a notice added today leaves every answer about an earlier instant as it
was, so a decision taken before it was known replays identically.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.core.calendar import CalendarRangeError, WorkCalendar, compile_calendar
from services.core.calendar_data import CalendarLayer, Notice, Statute
from services.core.calendar_days import check_layers
from services.core.calendar_hours import HoursRule

ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KnownCalendar:
    """A version of a calendar, and the instant from which it is known."""

    known_from: datetime
    calendar: WorkCalendar
    notices: tuple[str, ...]
    """Ids of the notices, and bases of the office hours, that became known with it."""


@dataclass(frozen=True)
class CalendarHistory:
    """The versions of one calendar in the order in which they became known; never empty."""

    name: str
    versions: tuple[KnownCalendar, ...]
    _index: Mapping[str, int] = field(init=False, repr=False, compare=False)
    _instants: tuple[datetime, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {known.calendar.version: i for i, known in enumerate(self.versions)}
        object.__setattr__(self, "_index", MappingProxyType(index))
        object.__setattr__(self, "_instants", tuple(known.known_from for known in self.versions))

    def at(self, instant: datetime) -> WorkCalendar:
        """Give the calendar as known at `instant`; raises `CalendarRangeError` before the first notice."""
        index = bisect_right(self._instants, instant) - 1
        if index < 0:
            first = self.versions[0]
            raise CalendarRangeError(
                f"calendar {self.name} knows nothing at {instant.isoformat()}: its first notice, "
                f"{first.notices[0]}, is known from {first.known_from.isoformat()}"
            )
        return self.versions[index].calendar

    @property
    def latest(self) -> WorkCalendar:
        """Give the calendar with all notices."""
        return self.versions[-1].calendar

    def version(self, version: str) -> WorkCalendar | None:
        """Give the calendar of that version, if it ever was in force here."""
        index = self._index.get(version)
        return None if index is None else self.versions[index].calendar

    def superseded_at(self, version: str) -> datetime | None:
        """Give the instant from which `version` is no longer what is known; None for the latest.

        A version that never was in force here, for instance of a file that was corrected, always is superseded.
        """
        index = self._index.get(version)
        if index is None:
            return self._instants[0]
        return self._instants[index + 1] if index + 1 < len(self.versions) else None

    def notices(self, version: str) -> tuple[str, ...]:
        """Give the ids of all notices in a version, in the order in which they became known; none of an unknown one."""
        last = self._index.get(version, -1)
        return tuple(notice for known in self.versions[: last + 1] for notice in known.notices)

    def since(self, instant: datetime) -> "CalendarHistory":
        """Give the versions known at `instant` or later."""
        first = max(bisect_right(self._instants, instant) - 1, 0)
        before = tuple(notice for known in self.versions[:first] for notice in known.notices)
        begin = self.versions[first]
        begin = replace(begin, known_from=max(begin.known_from, instant), notices=(*before, *begin.notices))
        return CalendarHistory(self.name, (begin, *self.versions[first + 1 :]))


def calendar_history(layers: Sequence[CalendarLayer]) -> CalendarHistory:
    """Compile every version of a calendar from its layers, the nation's first.

    Raises ValueError if the layers do not fit together, at any instant since the nation's first notice.
    """
    check_layers(layers)
    name = layers[-1].name
    zones = [layer.zone for layer in layers if layer.zone is not None]
    if not zones:
        raise ValueError(f"calendar {name}: zone: no layer states it")
    zone = ZoneInfo(zones[-1])
    _check_order(layers, zone)
    if not layers[0].notices:
        raise ValueError(f"calendar {name}: the nation's layer has no notice")
    first = layers[0].notices[0].known(zone)
    said: list[Notice | HoursRule | Statute] = []
    for layer in layers:
        said += layer.notices
        said += layer.statutes
        said += layer.hours
    instants = {at for item in said if (at := _known(item, zone)) > first}
    versions: list[KnownCalendar] = []
    seen: list[str] = []
    for instant in (first, *sorted(instants)):
        known = [_as_known(layer, instant, zone) for layer in layers]
        ids = [n.id for layer in known for n in layer.notices]
        ids += [law.id for layer in known for law in layer.statutes]
        ids += [rule.basis or "office hours" for layer in known for rule in layer.hours if rule.known_from]
        fresh = tuple(each for each in ids if each not in seen)
        seen = ids
        versions.append(KnownCalendar(instant, compile_calendar(known), fresh))
    return CalendarHistory(name, tuple(versions))


def unit_history(layers: Sequence[CalendarLayer], hours: tuple[HoursRule, ...]) -> CalendarHistory:
    """Compile the calendar of units that keep these office hours: the days of the layers, from when the first is known.

    Its versions bear the name of the layers' own calendar; their hashes are others. Before that instant, the units'
    hours are those of the layers. Raises ValueError if they do not fit together.
    """
    own = CalendarLayer(
        name=layers[-1].name,
        level="unit",
        title_zh="承办单位",
        title_en="Unit",
        parents=(layers[-1].name,),
        hours=hours,
    )
    first = min(rule.known_from.astimezone(UTC) if rule.known_from else ALWAYS for rule in hours)
    return calendar_history([*layers, own]).since(first)


def _known(item: Notice | HoursRule | Statute, zone: ZoneInfo) -> datetime:
    if not isinstance(item, HoursRule):
        return item.known(zone)
    return item.known_from.astimezone(UTC) if item.known_from is not None else ALWAYS


def _as_known(layer: CalendarLayer, instant: datetime, zone: ZoneInfo) -> CalendarLayer:
    notices = tuple(notice for notice in layer.notices if notice.known(zone) <= instant)
    laws = tuple(law for law in layer.statutes if law.known(zone) <= instant)
    hours = tuple(rule for rule in layer.hours if _known(rule, zone) <= instant)
    return layer.model_copy(update={"notices": notices, "statutes": laws, "hours": hours})


def _check_order(layers: Sequence[CalendarLayer], zone: ZoneInfo) -> None:
    for layer in layers:
        for above, below in pairwise(layer.notices):
            if below.known(zone) < above.known(zone):
                raise ValueError(f"calendar {layer.name}: {below.id} is known before {above.id}, which stands above it")
