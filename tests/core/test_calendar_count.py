"""Which days counted and why: the Spring Festival of 2026 laid open, and the count agrees with the deadline."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendar import WorkCalendar
from services.core.calendar_count import count_days
from services.core.deadlines import Limit, due
from services.runtime.policy_files import load_calendar
from tests.builders import at


@cache
def weixi() -> WorkCalendar:
    return load_calendar(Path(__file__).parents[2] / "ops", "weixi")


def test_every_day_says_whether_it_counted_and_by_which_notice() -> None:
    days = count_days(at("Fri 2026-02-13 16:00"), at("Tue 2026-02-24 18:00"), weixi())
    told = [(f"{d.day:%a %m-%d}", d.count, d.number, d.seconds // 3600, d.reason.name_en) for d in days]
    holidays = [
        (f"{d:%a %m-%d}", "skipped", None, 0, "Spring Festival") for d in (date(2026, 2, n) for n in range(15, 24))
    ]
    assert told == [
        ("Fri 02-13", "start", None, 2, "Working day"),
        ("Sat 02-14", "counted", 1, 7, "Adjusted working day"),
        *holidays,
        ("Tue 02-24", "counted", 2, 7, "Working day"),
    ]
    assert {("国办发明电〔2025〕7号", "cn")} == {(d.reason.notice, d.reason.layer) for d in days[1:-1]}


def test_an_end_before_the_start_counts_nothing_and_naive_instants_are_refused() -> None:
    assert () == count_days(at("Tue 2026-02-24 18:00"), at("Fri 2026-02-13 16:00"), weixi())
    with pytest.raises(ValueError, match="need a time zone"):
        count_days(datetime(2026, 2, 13), at("Tue 2026-02-24 18:00"), weixi())  # noqa: DTZ001 - what is refused


def test_a_span_that_ends_where_it_starts_is_its_day_and_no_time() -> None:
    instant = at("Tue 2026-02-24 10:00")
    assert [(date(2026, 2, 24), "start", None, 0)] == [
        (day.day, day.count, day.number, day.seconds) for day in count_days(instant, instant, weixi())
    ]


STARTS = st.datetimes(datetime(2019, 1, 2), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(STARTS, st.integers(1, 40))
def test_the_last_counted_day_has_the_number_of_the_limit(start: datetime, days: int) -> None:
    end = due(start, Limit(days, "working_days"), weixi())
    assert days == count_days(start, end, weixi())[-1].number


@given(STARTS, st.integers(1, 80))
def test_the_seconds_of_the_days_sum_up_to_a_limit_in_working_hours(start: datetime, hours: int) -> None:
    whole = start.replace(microsecond=0)
    end = due(whole, Limit(hours, "working_hours"), weixi())
    assert hours * 3600 == sum(day.seconds for day in count_days(whole, end, weixi()))
