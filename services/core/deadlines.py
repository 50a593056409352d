"""Deadline arithmetic of the rules: due instants and the instants that hang on them.

Everything here is a pure function of instants (aware in, UTC out) and a compiled calendar. Beyond the
calendar's days they raise `CalendarRangeError`, for naive datetimes ValueError. One working day is never
turned into 8 or 24 hours.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from services.core.calendar import WorkCalendar

LimitUnit = Literal["working_days", "working_hours", "hours"]
DayEnd = Literal["close_of_office", "same_time", "midnight"]
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount, at least 1, of working days, working hours or wall-clock hours."""

    amount: int
    unit: LimitUnit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"a limit of {self.amount} {self.unit} is none: the amount is at least 1")
        if self.unit not in {"working_days", "working_hours", "hours"}:
            raise ValueError(f"unit {self.unit!r} is none of working_days, working_hours, hours")


def due(start: datetime, limit: Limit, calendar: WorkCalendar, *, day_end: DayEnd = "close_of_office") -> datetime:
    """Give the instant at which `limit` runs out.

    Working days: the day of `start` does not count (Civil Code 201); due on the n-th working day after it, at
    the close of office (203), or by switch at the local time of day of `start`, or at 24:00. A time of day before
    the opening becomes the opening; one after the close, or of a day off, becomes the close: otherwise Saturday
    20:00 would be due after Sunday 01:00. Working hours: as soon as that much working time has passed. Hours:
    wall clock, days off included.
    """
    match limit.unit:
        case "working_hours":
            return calendar.add_working_time(start, limit.amount * SECONDS_PER_HOUR)
        case "hours":
            return _utc(start) + timedelta(hours=limit.amount)
        case "working_days":
            local = _utc(start).astimezone(calendar.zone)
            day = calendar.working_day_after(local.date(), limit.amount)
    match day_end:
        case "close_of_office":
            return calendar.close_of(day)
        case "same_time":
            return _same_time(local, day, calendar)
        case "midnight":
            return _at(day + timedelta(days=1), time(), calendar)
        case _:
            raise ValueError(f"day_end {day_end!r} is none of close_of_office, same_time, midnight")


def _same_time(local: datetime, day: date, calendar: WorkCalendar) -> datetime:
    close = calendar.close_of(day)
    if not calendar.is_working_day(local.date()):
        return close
    return min(max(_at(day, local.time(), calendar), calendar.opening_of(day)), close)


def not_on_day_off(at: datetime, calendar: WorkCalendar, moves_to: time) -> datetime:
    """Move an instant on a day off to local `moves_to` of the next working day (Art. 7, return window)."""
    day = _local_date(at, calendar)
    if calendar.is_working_day(day):
        return _utc(at)
    return _at(calendar.working_day_after(day, 1), moves_to, calendar)


def in_office_day(at: datetime, calendar: WorkCalendar) -> bool:
    """Say whether `at` lies between opening and close of a working day, the lunch break included (Art. 6)."""
    day = _local_date(at, calendar)
    return calendar.is_working_day(day) and calendar.opening_of(day) <= at < calendar.close_of(day)


def release_at(at: datetime, calendar: WorkCalendar) -> datetime:
    """Give when a ticket of `at` may go out: at once in the office day, else at the next opening (Art. 6)."""
    return _utc(at) if in_office_day(at, calendar) else calendar.next_opening(at)


def dispatch_by(at: datetime, calendar: WorkCalendar, by: time) -> datetime:
    """Give the instant by which a ticket of `at` must be out (Art. 6).

    In the office day it is that day's close, otherwise local `by` of the working day that opens next, or that
    opening itself where the office opens later than `by`.
    """
    if in_office_day(at, calendar):
        return calendar.close_of(_local_date(at, calendar))
    opening = calendar.next_opening(at)
    return max(opening, _at(_local_date(opening, calendar), by, calendar))


def fraction_instant(
    start: datetime, due_at: datetime, percent: int, calendar: WorkCalendar, *, wall_clock: bool = False
) -> datetime:
    """Give the instant at which `percent` (0 to 100) of the time from `start` to `due_at` is used (Art. 10).

    Counted in whole seconds of working time, or with `wall_clock` of any time; `start` if none lies between.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}: it lies from 0 to 100")
    start, due_at = _utc(start), _utc(due_at)
    if due_at <= start:
        return start
    if wall_clock:
        return start + (due_at - start) * percent // 100
    return calendar.add_working_time(start, calendar.working_seconds_between(start, due_at) * percent // 100)


def working_time_before(due_at: datetime, seconds: int, calendar: WorkCalendar) -> datetime:
    """Give the last instant from which `seconds` of working time remain until `due_at` (Art. 10)."""
    return calendar.subtract_working_time(due_at, seconds)


def ahead_of(due_at: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """Give the instant that lies `limit` before another: hours by the clock on the wall, or working hours.

    Raises ValueError for working days, which cannot be taken off an instant.
    """
    match limit.unit:
        case "hours":
            return _utc(due_at) - timedelta(hours=limit.amount)
        case "working_hours":
            return working_time_before(due_at, limit.amount * SECONDS_PER_HOUR, calendar)
        case _:
            raise ValueError(f"{limit.amount} {limit.unit} cannot be taken off an instant")


def provisional(due_at: datetime, calendar: WorkCalendar) -> bool:
    """Say whether the notice for the day of `due_at` is not out yet: it must be decided again when it is."""
    return not calendar.covers(due_at)


def _utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at} has no time zone: instants are aware datetimes")
    return at.astimezone(UTC)


def _local_date(at: datetime, calendar: WorkCalendar) -> date:
    return _utc(at).astimezone(calendar.zone).date()


def _at(day: date, clock: time, calendar: WorkCalendar) -> datetime:
    return datetime.combine(day, clock, calendar.zone).astimezone(UTC)
