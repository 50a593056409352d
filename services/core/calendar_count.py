"""Which days a limit counted or skipped, and why: the arithmetic of a deadline laid open, day by day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from services.core.calendar import WorkCalendar
from services.core.calendar_days import DayReason

Count = Literal["start", "counted", "skipped"]


@dataclass(frozen=True, slots=True)
class CountedDay:
    """One local day between the start of a limit and its end.

    `count` says whether the day counted; the day of start does not, worked or not (Civil Code 201). `number` is the
    place among the counted days, from 1, None if it is not one. `seconds` is the working time of the day that lies
    between start and end: what a limit in working hours used up. `reason` names the holiday, the weekend or the
    adjusted workday, the notice that says so and the layer of the calendar that the notice belongs to.
    """

    day: date
    count: Count
    number: int | None
    seconds: int
    reason: DayReason


def count_days(start: datetime, due_at: datetime, calendar: WorkCalendar) -> tuple[CountedDay, ...]:
    """Give every local day from that of `start` to that of `due_at`, in order; empty if `due_at` is before `start`.

    `hotline explain` prints it. Take the calendar under which the due instant was decided:
    `CalendarHistory.version(clock.calendar)`. Raises `CalendarRangeError` beyond the calendar's days, ValueError for
    naive datetimes.
    """
    if start.utcoffset() is None or due_at.utcoffset() is None:
        raise ValueError("start and due_at need a time zone: instants are aware datetimes")
    first, last = (at.astimezone(calendar.zone).date() for at in (start, due_at))
    if due_at < start:
        return ()
    days: list[CountedDay] = []
    number = 0
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        reason = calendar.explain_day(day)
        count: Count = "start" if offset == 0 else "counted" if reason.worked else "skipped"
        number += count == "counted"
        begin = max(start, _midnight(day, calendar))
        end = min(due_at, _midnight(day + timedelta(days=1), calendar))
        seconds = calendar.working_seconds_between(begin, end) if reason.worked else 0
        days.append(CountedDay(day, count, number if count == "counted" else None, seconds, reason))
    return tuple(days)


def _midnight(day: date, calendar: WorkCalendar) -> datetime:
    return datetime.combine(day, time(), calendar.zone).astimezone(UTC)
