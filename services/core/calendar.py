"""The working-day calendar: which days and hours count, by prefix sums and bisection.

Instants are aware datetimes; results are UTC. Office hours are half-open: at 12:00 sharp the office is
closed, but work that ends at 12:00 sharp is done at 12:00 and not at 14:30. A naive datetime raises
ValueError; an instant or a result outside the compiled days raises CalendarRangeError. `PROVISIONAL_YEARS`
after the last official notice are compiled with weekends and the days that the law itself sets as the only days off;
`covers` tells them apart.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.core.calendar_data import CalendarLayer
from services.core.calendar_days import (
    EPOCH,
    MICROSECOND,
    DayReason,
    check_layers,
    named_days,
    open_windows,
    ordinary_day,
)
from services.core.calendar_version import PROVISIONAL_YEARS, calendar_version, unannounced_years

PER_SECOND = 1_000_000


class CalendarRangeError(ValueError):
    """A day or instant lies outside the compiled calendar; the message says what to add."""


def _micros(at: datetime) -> int:
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: instants are aware datetimes")
    return (at - EPOCH) // MICROSECOND


def _instant(micros: int) -> datetime:
    return EPOCH + micros * MICROSECOND


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """A compiled calendar; equal versions mean equal content. Notices cover `first_day` to `known_until`.

    A version reads `weixi@2025-11-04:1f3c8a5b9d27`: name, date of issue of the latest notice in it, content hash.
    """

    name: str
    version: str
    zone: ZoneInfo = field(compare=False)
    first_day: date
    known_until: date
    last_day: date
    _named: Mapping[date, DayReason] = field(repr=False, compare=False)
    _days: tuple[int, ...] = field(repr=False, compare=False)  # ordinals of the working days, ascending
    _day_opens: tuple[int, ...] = field(repr=False, compare=False)  # first opening of each, microseconds
    _day_closes: tuple[int, ...] = field(repr=False, compare=False)
    _starts: tuple[int, ...] = field(repr=False, compare=False)  # open intervals, disjoint, microseconds
    _ends: tuple[int, ...] = field(repr=False, compare=False)
    _sums: tuple[int, ...] = field(repr=False, compare=False)  # working time before each interval, then the total
    _from: int = field(repr=False, compare=False)
    _until: int = field(repr=False, compare=False)

    def is_working_day(self, d: date) -> bool:
        """Say whether the local date `d` is worked."""
        return self.explain_day(d).worked

    def explain_day(self, d: date) -> DayReason:
        """Say why `d` is worked or off, and by which notice."""
        self._check_day(d)
        return self._named.get(d) or ordinary_day(d)

    def covers(self, at: datetime) -> bool:
        """Say whether the notice for the local day of `at` is out; if not, it is provisional."""
        _micros(at)
        return self.first_day <= at.astimezone(self.zone).date() <= self.known_until

    def opening_of(self, d: date) -> datetime:
        """Give the first opening on a working day; ValueError on any other day."""
        return _instant(self._day_opens[self._index(d)])

    def close_of(self, d: date) -> datetime:
        """Give the last close on a working day; ValueError on any other day."""
        return _instant(self._day_closes[self._index(d)])

    def office_hours(self, d: date) -> tuple[tuple[datetime, datetime], ...]:
        """Give the open intervals of a working day, in order; ValueError on any other day."""
        index = self._index(d)
        first = bisect_left(self._starts, self._day_opens[index])
        last = bisect_left(self._starts, self._day_closes[index])
        return tuple((_instant(self._starts[i]), _instant(self._ends[i])) for i in range(first, last))

    def working_day_after(self, d: date, n: int) -> date:
        """Give the n-th working day after `d`; `d` itself never counts (Civil Code 201)."""
        self._check_day(d)
        if n < 1:
            raise ValueError(f"n is {n}: working days are counted from 1")
        index = bisect_right(self._days, d.toordinal()) + n - 1
        if index >= len(self._days):
            raise self._out_of_range(f"{n} working days after {d}")
        return date.fromordinal(self._days[index])

    def is_open(self, at: datetime) -> bool:
        """Say whether the office is open at `at`: from the opening on, before the close."""
        instant = self._position(at)
        index = bisect_right(self._starts, instant) - 1
        return index >= 0 and instant < self._ends[index]

    def next_opening(self, at: datetime) -> datetime:
        """Give `at` itself if the office is open, else the next opening."""
        if self.is_open(at):
            return at.astimezone(UTC)
        index = bisect_left(self._starts, self._position(at))
        if index == len(self._starts):
            raise self._out_of_range(f"the opening after {at.isoformat()}")
        return _instant(self._starts[index])

    def add_working_time(self, start: datetime, seconds: int) -> datetime:
        """Give the first instant by which `seconds` of working time have passed since `start`.

        It lies in a window or on its close; for 0 seconds it is `start` itself.
        """
        if seconds < 0:
            raise ValueError(f"seconds is {seconds}: use subtract_working_time to go back")
        instant = self._position(start)
        if seconds == 0:
            return start.astimezone(UTC)
        target = self._worked(instant) + seconds * PER_SECOND
        index = bisect_left(self._sums, target) - 1
        if index == len(self._starts):
            raise self._out_of_range(f"{seconds} working seconds after {start.isoformat()}")
        return _instant(self._starts[index] + target - self._sums[index])

    def subtract_working_time(self, end: datetime, seconds: int) -> datetime:
        """Give the last instant from which `seconds` of working time remain until `end`.

        It lies in a window or on its opening; for 0 seconds it is `end` itself.
        """
        if seconds < 0:
            raise ValueError(f"seconds is {seconds}: use add_working_time to go forward")
        instant = self._position(end)
        if seconds == 0:
            return end.astimezone(UTC)
        target = self._worked(instant) - seconds * PER_SECOND
        if target < 0:
            raise self._out_of_range(f"{seconds} working seconds before {end.isoformat()}")
        index = bisect_right(self._sums, target) - 1
        return _instant(self._starts[index] + target - self._sums[index])

    def working_seconds_between(self, a: datetime, b: datetime) -> int:
        """Give the whole seconds of working time from `a` to `b`; negative if `b` is before `a`."""
        worked = self._worked(self._position(b)) - self._worked(self._position(a))
        return worked // PER_SECOND if worked >= 0 else -(-worked // PER_SECOND)

    def days_unlike(self, other: "WorkCalendar") -> tuple[date, ...]:
        """Give the days on which the office hours of the two are not the same, in order, as far as both reach."""
        first, last = max(self.first_day, other.first_day), min(self.last_day, other.last_day)
        days = {_instant(start).astimezone(self.zone).date() for start, _ in self.intervals() ^ other.intervals()}
        return tuple(sorted(day for day in days if first <= day <= last))

    def intervals(self) -> frozenset[tuple[int, int]]:
        """Give every open interval of every day, in microseconds since 1970."""
        return frozenset(zip(self._starts, self._ends, strict=True))

    def _worked(self, instant: int) -> int:
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return 0
        return self._sums[index] + min(instant, self._ends[index]) - self._starts[index]

    def _position(self, at: datetime) -> int:
        instant = _micros(at)
        if not self._from <= instant <= self._until:
            raise self._out_of_range(at.isoformat())
        return instant

    def _index(self, d: date) -> int:
        self._check_day(d)
        index = bisect_left(self._days, d.toordinal())
        if index == len(self._days) or self._days[index] != d.toordinal():
            raise ValueError(f"{d} is not a working day: {self.explain_day(d).name_en}")
        return index

    def _check_day(self, d: date) -> None:
        if not self.first_day <= d <= self.last_day:
            raise self._out_of_range(str(d))

    def _out_of_range(self, what: str) -> CalendarRangeError:
        return CalendarRangeError(
            f"{what} lies outside calendar {self.name}, {self.first_day} to {self.last_day}: "
            f"official notices end {self.known_until}, add the next one to the nation's layer"
        )


def compile_calendar(layers: Sequence[CalendarLayer]) -> WorkCalendar:
    """Compile layers, the nation's first, into a calendar; ValueError if they do not fit together.

    The nearest layer that states a zone decides on it; of the rules for office hours that cover a day the nearest
    layer's last one. Known are the years of the nation's notices.
    """
    check_layers(layers)
    name = layers[-1].name
    zones = [layer.zone for layer in layers if layer.zone is not None]
    hours = [rule for layer in layers for rule in layer.hours]
    if not zones or not hours:
        raise ValueError(f"calendar {name}: {'hours' if zones else 'zone'}: no layer states it")
    zone = ZoneInfo(zones[-1])
    years = [notice.year for notice in layers[0].notices]
    first, known_until = date(min(years), 1, 1), date(max(years), 12, 31)
    last = date(known_until.year + PROVISIONAL_YEARS, 12, 31)
    named = named_days(layers, unannounced_years(layers[0]))

    days, opens, closes = [], [], []
    intervals: list[tuple[int, int]] = []
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if not (named.get(day) or ordinary_day(day)).worked:
            continue
        try:
            windows = open_windows(day, hours, zone)
        except ValueError as error:
            raise ValueError(f"calendar {name}: {error}") from None
        days.append(ordinal)
        opens.append(windows[0][0])
        closes.append(windows[-1][1])
        intervals.extend(windows)
    if any(end <= start for start, end in intervals) or any(a[1] > b[0] for a, b in pairwise(intervals)):
        raise ValueError(f"calendar {name}: hours: a window meets a change of the clock in {zone.key}")
    sums = [0]
    for start, end in intervals:
        sums.append(sums[-1] + end - start)
    return WorkCalendar(
        name=name,
        version=calendar_version(layers),
        zone=zone,
        first_day=first,
        known_until=known_until,
        last_day=last,
        _named=MappingProxyType(named),
        _days=tuple(days),
        _day_opens=tuple(opens),
        _day_closes=tuple(closes),
        _starts=tuple(start for start, _ in intervals),
        _ends=tuple(end for _, end in intervals),
        _sums=tuple(sums),
        _from=_micros(datetime.combine(first, time(), zone)),
        _until=_micros(datetime.combine(last + timedelta(days=1), time(), zone)),
    )
