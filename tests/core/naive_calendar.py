"""The oracle: working time by walking from window to window, day by day, with none of the code under test.

It knows the days off from the `holidays` package, the hours from two constants, and nothing else.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Shanghai")
WINDOWS = ((time(8, 30), time(12)), (time(14, 30), time(18)))
LAST_NOTICE = 2026
_CHINA = holidays.country_holidays("CN", years=range(2020, LAST_NOTICE + 1))
_BY_LAW = holidays.country_holidays("CN", years=range(LAST_NOTICE + 1, LAST_NOTICE + 3), observed=False)


@cache
def worked(day: date) -> bool:
    return _CHINA.is_working_day(day) if day.year <= LAST_NOTICE else day.weekday() < 5 and day not in _BY_LAW


def local(at: datetime) -> datetime:
    return at.astimezone(ZONE)


def nth_working_day(day: date, n: int) -> date:
    while n > 0:
        day += timedelta(days=1)
        n -= worked(day)
    return day


def windows_from(day: date) -> Iterator[tuple[datetime, datetime]]:
    while True:
        if worked(day):
            for opens, closes in WINDOWS:
                yield datetime.combine(day, opens, ZONE), datetime.combine(day, closes, ZONE)
        day += timedelta(days=1)


def add(start: datetime, seconds: int) -> datetime:
    left = timedelta(seconds=seconds)
    at = local(start)
    for opens, closes in windows_from(at.date()):
        begin = max(opens, at)
        if left == timedelta(0):
            break
        if begin < closes:
            if left <= closes - begin:
                return (begin + left).astimezone(UTC)
            left -= closes - begin
    return at.astimezone(UTC)


def between(a: datetime, b: datetime) -> int:
    first, last = local(a), local(b)
    worked_time = timedelta(0)
    for opens, closes in windows_from(first.date()):
        if opens >= last:
            break
        worked_time += max(min(closes, last) - max(opens, first), timedelta(0))
    return worked_time // timedelta(seconds=1)


def next_opening(at: datetime) -> datetime:
    here = local(at)
    for opens, closes in windows_from(here.date()):
        if here < closes:
            return max(opens, here).astimezone(UTC)
    raise AssertionError("windows never end")


def is_open(at: datetime) -> bool:
    here = local(at)
    return worked(here.date()) and any(opens <= here.time() < closes for opens, closes in WINDOWS)


def close_after_working_days(start: datetime, n: int) -> datetime:
    return datetime.combine(nth_working_day(local(start).date(), n), time(18), ZONE).astimezone(UTC)
