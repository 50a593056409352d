"""Deadlines by the project's calendar and by the libraries that are usual for it, in one process, on one input.

Runs in the peers' environment; prints JSON. Each contestant gets what it wants to start from (its own types, its own
rules, made once); what is timed is one call per deadline, as a program that receives tickets one by one makes it.
"""

import datetime as dt
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import businesstimedelta
import numpy as np
import pandas as pd
import pytz

from services.core.calendar import WorkCalendar
from services.core.deadlines import Limit, due
from services.runtime.policy_files import load_calendar

ROOT = Path(__file__).parents[1]
HOURS = (1, 2, 4, 7, 24)
"""Limits in working hours: to sign, to join a reply, a day, more than three days."""
DAYS = (1, 3, 5, 15, 25, 35)
"""Limits in working days, extensions included (Art. 8)."""
Case = tuple[dt.datetime, Limit]
Contestant = Callable[[Case], dt.datetime]


def cases(calendar: WorkCalendar, count: int) -> list[Case]:
    """Give instants of 2019-2026 at any time of day, on any day, and limits; the same ones every time."""
    chance = random.Random(12345)  # noqa: S311 - input to be repeated, not a secret
    first = dt.datetime(2019, 1, 1, tzinfo=calendar.zone)
    seconds = int((dt.datetime(2026, 10, 1, tzinfo=calendar.zone) - first).total_seconds())
    limits = [Limit(n, "working_hours") for n in HOURS] + [Limit(n, "working_days") for n in DAYS]
    made = []
    for number in range(count):
        start = (first + dt.timedelta(seconds=chance.randrange(seconds))).astimezone(dt.UTC)
        made.append((start, limits[number % len(limits)]))
    return made


def days_off(calendar: WorkCalendar) -> list[dt.date]:
    """Give every day that is not worked; an adjusted Saturday is worked, so it is none of them."""
    span = (calendar.last_day - calendar.first_day).days + 1
    days = (calendar.first_day + dt.timedelta(days=number) for number in range(span))
    return [day for day in days if not calendar.is_working_day(day)]


def contestants(calendar: WorkCalendar) -> dict[str, Contestant]:
    """Give who computes a deadline, by name; hours as they are, days as the close of the n-th working day."""
    zone, off = calendar.zone, days_off(calendar)
    windows = [(dt.time(8, 30), dt.time(12)), (dt.time(14, 30), dt.time(18))]
    a_day = 7  # working hours, which the windows give
    week, own_zone = list(range(7)), pytz.timezone(zone.key)  # it wants pytz
    rules = businesstimedelta.Rules(
        [
            *(businesstimedelta.WorkDayRule(a, b, working_days=week, tz=own_zone) for a, b in windows),
            businesstimedelta.HolidayRule(set(off), tz=own_zone),
        ]
    )

    def end_of_day(start: dt.datetime) -> dt.datetime:
        return start.astimezone(zone).replace(hour=23, minute=59, second=59, microsecond=0)

    def ours(case: Case) -> dt.datetime:
        return due(case[0], case[1], calendar)

    def business(case: Case) -> dt.datetime:
        start, limit = case
        if limit.unit == "working_hours":
            return start + businesstimedelta.BusinessTimeDelta(rules, hours=limit.amount)  # type: ignore[no-any-return]
        return end_of_day(start) + businesstimedelta.BusinessTimeDelta(rules, hours=limit.amount * a_day)  # type: ignore[no-any-return]

    texts = [f"{a:%H:%M}" for a, _ in windows], [f"{b:%H:%M}" for _, b in windows]
    step = pd.offsets.CustomBusinessHour(1, start=texts[0], end=texts[1], weekmask="1111111", holidays=off)
    steps = {limit: step * limit for limit in {*HOURS, *(days * a_day for days in DAYS)}}

    openings = {a for a, _ in windows}

    def pandas(case: Case) -> dt.datetime:
        start, limit = case
        local = pd.Timestamp(start).tz_convert(zone).tz_localize(None)
        if limit.unit == "working_days":
            found = local.normalize() + pd.Timedelta(hours=23) + steps[limit.amount * a_day]
        else:
            found = local + steps[limit.amount]
        if found.time() in openings:  # no working time lies between: it names the next opening, the law the close
            found = found - step + pd.Timedelta(hours=1)
        return found.to_pydatetime()  # type: ignore[no-any-return]

    return {"ours": ours, "businesstimedelta": business, "pandas_custom_business_hour": pandas}


def numpy_days(calendar: WorkCalendar) -> Contestant:
    """Give numpy's deadline: days only, for it knows no hours; the close of office is added."""
    off = np.busdaycalendar(weekmask="1111111", holidays=np.array(days_off(calendar), dtype="datetime64[D]"))
    zone, close = calendar.zone, dt.time(18)

    def numpy(case: Case) -> dt.datetime:
        day = np.busday_offset(case[0].astimezone(zone).date(), case[1].amount, roll="backward", busdaycal=off)
        return dt.datetime.combine(day.item(), close, zone)

    return numpy


def numpy_at_once(calendar: WorkCalendar, inputs: Sequence[Case]) -> Callable[[], Any]:
    """Give numpy's way for a whole column of deadlines that are known beforehand."""
    off = np.busdaycalendar(weekmask="1111111", holidays=np.array(days_off(calendar), dtype="datetime64[D]"))
    days = np.array([start.astimezone(calendar.zone).date() for start, _ in inputs], dtype="datetime64[D]")
    amounts = np.array([limit.amount for _, limit in inputs])
    return lambda: np.busday_offset(days, amounts, roll="backward", busdaycal=off)


def agree(zone: dt.tzinfo, inputs: Sequence[Case], ours: Contestant, other: Contestant, name: str) -> None:
    """Raise AssertionError unless both give the same instant for every input."""
    for case in inputs:
        mine, theirs = ours(case), other(case)
        theirs = theirs.replace(tzinfo=zone) if theirs.tzinfo is None else theirs
        if mine != theirs:
            raise AssertionError(f"{name}: {case} is due {mine.astimezone(zone)}, not {theirs.astimezone(zone)}")


def timed(call: Contestant, inputs: Sequence[Case]) -> float:
    """Give microseconds per deadline."""
    gc.collect()
    began = time.perf_counter()
    for case in inputs:
        call(case)
    return (time.perf_counter() - began) / len(inputs) * 1e6


def main() -> None:
    """Check all inputs for equal results, then time everybody in turns."""
    count, rounds = int(sys.argv[1]), int(sys.argv[2])
    calendar = load_calendar(ROOT / "ops", "weixi")
    inputs = cases(calendar, count)
    in_days = [case for case in inputs if case[1].unit == "working_days"]
    everybody = contestants(calendar)
    ours, numpy = everybody["ours"], numpy_days(calendar)
    for name, call in everybody.items():
        agree(calendar.zone, inputs, ours, call, name)
    agree(calendar.zone, in_days, ours, numpy, "numpy")
    column = numpy_at_once(calendar, in_days)
    if [day.item() for day in column()] != [numpy(case).date() for case in in_days]:
        raise AssertionError("numpy disagrees with itself")
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in everybody.items():
            found.setdefault(name, []).append(timed(call, inputs))
        found.setdefault("ours_days", []).append(timed(ours, in_days))
        found.setdefault("numpy_busday_offset", []).append(timed(numpy, in_days))
        began = time.perf_counter()
        column()
        found.setdefault("numpy_column", []).append((time.perf_counter() - began) / len(in_days) * 1e6)
    json.dump({"inputs": count, "in_days": len(in_days), "microseconds": found}, sys.stdout)


if __name__ == "__main__":
    main()
