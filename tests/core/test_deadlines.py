"""Deadlines: worked dates, edges to the second, and properties against an oracle that walks."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import naive_calendar as naive
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.core.calendar import CalendarRangeError, WorkCalendar
from services.core.deadlines import (
    DayEnd,
    Limit,
    dispatch_by,
    due,
    fraction_instant,
    in_office_day,
    not_on_day_off,
    provisional,
    release_at,
    working_time_before,
)
from services.runtime.policy_files import load_calendar

TEN = time(10)


@cache
def weixi() -> WorkCalendar:
    return load_calendar(Path(__file__).parents[2] / "ops", "weixi")


def at(text: str) -> datetime:
    """Read "Fri 2026-02-13 17:59:59" as local time; the weekday must be right."""
    instant = datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S").replace(tzinfo=naive.ZONE)
    assert text.startswith(instant.strftime("%a")), f"{text} is a {instant:%A}"
    return instant.astimezone(UTC)


# --- worked dates ---


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("Fri 2026-01-02 09:00:00", 1, "Sun 2026-01-04 18:00:00"),  # a holiday; the Sunday is worked
        ("Fri 2026-02-13 10:00:00", 1, "Sat 2026-02-14 18:00:00"),
        ("Fri 2026-02-13 10:00:00", 3, "Wed 2026-02-25 18:00:00"),
        ("Fri 2026-02-13 10:00:00", 15, "Thu 2026-03-12 18:00:00"),
        ("Fri 2026-05-08 10:00:00", 1, "Sat 2026-05-09 18:00:00"),
        ("Thu 2026-09-24 10:00:00", 3, "Wed 2026-09-30 18:00:00"),
        ("Wed 2026-09-30 10:00:00", 3, "Sat 2026-10-10 18:00:00"),
        ("Wed 2026-09-30 10:00:00", 15, "Tue 2026-10-27 18:00:00"),
        ("Thu 2026-03-05 00:00:00", 1, "Fri 2026-03-06 18:00:00"),
        ("Thu 2026-03-05 23:59:59", 1, "Fri 2026-03-06 18:00:00"),
        ("Fri 2026-03-06 00:00:00", 1, "Mon 2026-03-09 18:00:00"),
        ("Sat 2026-03-07 20:00:00", 1, "Mon 2026-03-09 18:00:00"),
        ("Sun 2026-03-08 23:59:59", 1, "Mon 2026-03-09 18:00:00"),
        ("Mon 2026-03-09 00:00:00", 1, "Tue 2026-03-10 18:00:00"),
        ("Thu 2020-01-23 10:00:00", 1, "Mon 2020-02-03 18:00:00"),  # the prolonged Spring Festival
    ],
)
def test_the_day_of_start_does_not_count_and_adjusted_workdays_do(start: str, days: int, expected: str) -> None:
    assert at(expected) == due(at(start), Limit(days, "working_days"), weixi())


@pytest.mark.parametrize(
    ("day_end", "expected"),
    [
        ("close_of_office", "Sat 2026-02-14 18:00:00"),
        ("same_time", "Sat 2026-02-14 16:20:30"),
        ("midnight", "Sun 2026-02-15 00:00:00"),
    ],
)
def test_the_switch_decides_when_the_last_day_ends(day_end: DayEnd, expected: str) -> None:
    start = at("Fri 2026-02-13 16:20:30")
    assert at(expected) == due(start, Limit(1, "working_days"), weixi(), day_end=day_end)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("Fri 2026-03-06 03:00:00", "Mon 2026-03-09 08:30:00"),
        ("Fri 2026-03-06 08:30:01", "Mon 2026-03-09 08:30:01"),
        ("Fri 2026-03-06 13:00:00", "Mon 2026-03-09 13:00:00"),
        ("Fri 2026-03-06 17:59:59", "Mon 2026-03-09 17:59:59"),
        ("Fri 2026-03-06 23:00:00", "Mon 2026-03-09 18:00:00"),
        ("Sat 2026-03-07 20:00:00", "Mon 2026-03-09 18:00:00"),
        ("Sun 2026-03-08 01:00:00", "Mon 2026-03-09 18:00:00"),
    ],
)
def test_the_same_time_of_day_is_kept_within_office_hours(start: str, expected: str) -> None:
    assert at(expected) == due(at(start), Limit(1, "working_days"), weixi(), day_end="same_time")


@pytest.mark.parametrize(
    ("start", "limit", "expected"),
    [
        ("Fri 2026-02-13 16:00:00", Limit(2, "working_hours"), "Fri 2026-02-13 18:00:00"),
        ("Fri 2026-02-13 16:00:01", Limit(2, "working_hours"), "Sat 2026-02-14 08:30:01"),
        ("Sat 2026-02-14 17:00:00", Limit(2, "working_hours"), "Tue 2026-02-24 09:30:00"),
        ("Sat 2026-02-14 12:30:00", Limit(2, "working_hours"), "Sat 2026-02-14 16:30:00"),
        ("Sat 2026-02-14 17:00:00", Limit(2, "hours"), "Sat 2026-02-14 19:00:00"),
        ("Sat 2026-02-14 17:00:00", Limit(24, "hours"), "Sun 2026-02-15 17:00:00"),
    ],
)
def test_working_hours_stop_with_the_office_and_hours_do_not(start: str, limit: Limit, expected: str) -> None:
    assert at(expected) == due(at(start), limit, weixi())


def test_a_limit_has_an_amount_and_a_known_unit() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Limit(0, "working_days")
    with pytest.raises(ValueError, match="unit 'days' is none of"):
        Limit(1, "days")  # type: ignore[arg-type] # what a caller without types might pass
    with pytest.raises(ValueError, match="day_end 'noon' is none of"):
        due(at("Fri 2026-02-13 10:00:00"), Limit(1, "working_days"), weixi(), day_end="noon")  # type: ignore[arg-type] # the same


# --- Art. 7: the window to return; Art. 6: release and dispatch ---


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("Fri 2026-03-06 23:59:59", "Fri 2026-03-06 23:59:59"),
        ("Sat 2026-03-07 00:00:00", "Mon 2026-03-09 10:00:00"),
        ("Sun 2026-03-08 23:59:59", "Mon 2026-03-09 10:00:00"),
        ("Mon 2026-03-09 00:00:00", "Mon 2026-03-09 00:00:00"),
        ("Sat 2026-02-14 23:59:59", "Sat 2026-02-14 23:59:59"),
        ("Sun 2026-02-15 00:00:00", "Tue 2026-02-24 10:00:00"),
        ("Mon 2026-02-23 23:59:59", "Tue 2026-02-24 10:00:00"),
    ],
)
def test_a_return_window_never_ends_on_a_day_off(instant: str, expected: str) -> None:
    assert at(expected) == not_on_day_off(at(instant), weixi(), TEN)


@pytest.mark.parametrize(
    ("instant", "release", "out_by"),
    [
        ("Fri 2026-03-06 07:00:00", "Fri 2026-03-06 08:30:00", "Fri 2026-03-06 10:00:00"),
        ("Fri 2026-03-06 08:29:59", "Fri 2026-03-06 08:30:00", "Fri 2026-03-06 10:00:00"),
        ("Fri 2026-03-06 08:30:00", "Fri 2026-03-06 08:30:00", "Fri 2026-03-06 18:00:00"),
        (
            "Fri 2026-03-06 13:00:00",
            "Fri 2026-03-06 13:00:00",
            "Fri 2026-03-06 18:00:00",
        ),  # lunch break included
        ("Fri 2026-03-06 17:59:59", "Fri 2026-03-06 17:59:59", "Fri 2026-03-06 18:00:00"),
        ("Fri 2026-03-06 18:00:00", "Mon 2026-03-09 08:30:00", "Mon 2026-03-09 10:00:00"),
        ("Fri 2026-02-13 18:00:00", "Sat 2026-02-14 08:30:00", "Sat 2026-02-14 10:00:00"),
        ("Sat 2026-02-14 17:59:59", "Sat 2026-02-14 17:59:59", "Sat 2026-02-14 18:00:00"),
        ("Sat 2026-02-14 18:00:00", "Tue 2026-02-24 08:30:00", "Tue 2026-02-24 10:00:00"),
    ],
)
def test_off_hours_tickets_wait_for_the_opening_and_are_out_by_ten(instant: str, release: str, out_by: str) -> None:
    assert at(release) == release_at(at(instant), weixi())
    assert at(out_by) == dispatch_by(at(instant), weixi(), TEN)
    assert (release == instant) == in_office_day(at(instant), weixi())


def test_nothing_has_to_be_out_before_the_office_opens() -> None:
    evening = at("Fri 2026-03-06 20:00:00")
    assert at("Mon 2026-03-09 08:30:00") == dispatch_by(evening, weixi(), time(8))


# --- Art. 10: the ladder ---


@pytest.mark.parametrize(
    ("start", "due_at", "percent", "expected"),
    [
        ("Fri 2026-02-13 08:30:00", "Fri 2026-02-13 18:00:00", 50, "Fri 2026-02-13 12:00:00"),
        ("Fri 2026-02-13 08:30:00", "Sat 2026-02-14 18:00:00", 50, "Fri 2026-02-13 18:00:00"),
        ("Fri 2026-02-13 08:30:00", "Sat 2026-02-14 18:00:00", 80, "Sat 2026-02-14 15:12:00"),
        ("Fri 2026-02-13 20:00:00", "Tue 2026-02-24 18:00:00", 80, "Tue 2026-02-24 15:12:00"),  # of two days
        ("Fri 2026-02-13 08:30:00", "Fri 2026-02-13 18:00:00", 0, "Fri 2026-02-13 08:30:00"),
        ("Fri 2026-02-13 08:30:00", "Fri 2026-02-13 18:00:00", 100, "Fri 2026-02-13 18:00:00"),
        (
            "Sun 2026-02-15 08:30:00",
            "Mon 2026-02-16 18:00:00",
            50,
            "Sun 2026-02-15 08:30:00",
        ),  # no working time at all
        (
            "Fri 2026-02-13 18:00:00",
            "Fri 2026-02-13 08:30:00",
            50,
            "Fri 2026-02-13 18:00:00",
        ),  # over before it began
    ],
)
def test_a_percentage_is_of_working_time(start: str, due_at: str, percent: int, expected: str) -> None:
    assert at(expected) == fraction_instant(at(start), at(due_at), percent, weixi())


def test_a_percentage_of_a_wall_clock_limit_counts_nights_and_days_off() -> None:
    start, end = at("Sat 2026-02-14 17:00:00"), at("Sun 2026-02-15 17:00:00")
    assert at("Sun 2026-02-15 05:00:00") == fraction_instant(start, end, 50, weixi(), wall_clock=True)
    with pytest.raises(ValueError, match="from 0 to 100"):
        fraction_instant(start, end, 101, weixi())


def test_two_working_hours_before_the_deadline_may_lie_before_a_long_holiday() -> None:
    assert at("Fri 2026-02-13 16:00:00") == working_time_before(at("Fri 2026-02-13 18:00:00"), 7200, weixi())
    assert at("Sat 2026-02-14 17:00:00") == working_time_before(at("Tue 2026-02-24 09:30:00"), 7200, weixi())


def test_a_deadline_in_a_year_without_notice_is_provisional() -> None:
    start = at("Wed 2026-12-30 10:00:00")
    assert not provisional(due(start, Limit(1, "working_days"), weixi()), weixi())
    assert provisional(due(start, Limit(2, "working_days"), weixi()), weixi())
    assert provisional(datetime(2060, 1, 1, tzinfo=UTC), weixi())


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: due(t, Limit(1, "working_days"), weixi()),
        lambda t: due(t, Limit(1, "working_hours"), weixi()),
        lambda t: due(t, Limit(1, "hours"), weixi()),
        lambda t: not_on_day_off(t, weixi(), TEN),
        lambda t: release_at(t, weixi()),
        lambda t: dispatch_by(t, weixi(), TEN),
        lambda t: fraction_instant(t, t, 50, weixi()),
        lambda t: working_time_before(t, 1, weixi()),
        lambda t: provisional(t, weixi()),
    ],
)
def test_a_naive_datetime_is_refused(ask: Callable[[datetime], object]) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        ask(at("Fri 2026-02-13 10:00:00").replace(tzinfo=None))


def test_a_deadline_beyond_the_calendar_is_refused_not_guessed() -> None:
    with pytest.raises(CalendarRangeError, match="outside calendar weixi"):
        due(at("Fri 2028-12-29 10:00:00"), Limit(1, "working_days"), weixi())


# --- properties, against the oracle that walks from window to window ---

# Starts over eight years, the edges of the office's day as likely as all other seconds.
EDGES = [time(0), time(8, 30), time(12), time(14, 30), time(18), time(23, 59, 59)]
NEAR_EDGES = st.builds(
    lambda clock, seconds: timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second + seconds),
    st.sampled_from(EDGES),
    st.integers(-1, 1),
)
ANY_SECOND = st.integers(0, 86_399).map(lambda seconds: timedelta(seconds=seconds))
STARTS = st.builds(
    lambda day, clock: (datetime.combine(day, time(), naive.ZONE) + clock).astimezone(UTC),
    st.dates(date(2020, 1, 3), date(2027, 12, 31)),
    NEAR_EDGES | ANY_SECOND,
)
DAYS = st.integers(1, 45)
SECONDS = st.integers(0, 200 * 3600) | st.sampled_from([0, 1, 12_599, 12_600, 12_601, 25_200, 25_201])
LIMITS = st.builds(Limit, DAYS, st.just("working_days")) | st.builds(
    Limit, st.integers(1, 120), st.just("working_hours")
)
thorough = settings(max_examples=500, deadline=None)


@thorough
@given(STARTS, DAYS)
@example(at("Thu 2020-01-23 18:00:00"), 1)
def test_day_limits_equal_the_oracle_over_years(start: datetime, days: int) -> None:
    assert naive.close_after_working_days(start, days) == due(start, Limit(days, "working_days"), weixi())


@thorough
@given(STARTS, SECONDS)
def test_working_time_added_equals_the_oracle_and_its_inverse_agrees(start: datetime, seconds: int) -> None:
    done = weixi().add_working_time(start, seconds)
    assert naive.add(start, seconds) == done
    assert seconds == weixi().working_seconds_between(start, done)


@thorough
@given(STARTS, st.integers(-20 * 86_400, 40 * 86_400))
def test_working_time_between_equals_the_oracle(start: datetime, apart: int) -> None:
    first, last = sorted((start, start + timedelta(seconds=apart)))
    if first >= at("Thu 2020-01-02 00:00:00"):
        assert naive.between(first, last) == weixi().working_seconds_between(first, last)


@thorough
@given(STARTS)
def test_openings_equal_the_oracle(instant: datetime) -> None:
    assert naive.is_open(instant) == weixi().is_open(instant)
    assert naive.next_opening(instant) == weixi().next_opening(instant)


@thorough
@given(STARTS, LIMITS)
def test_a_deadline_lies_in_working_time_after_its_start(start: datetime, limit: Limit) -> None:
    end = due(start, limit, weixi())
    assert end > start
    assert naive.is_open(end - timedelta(microseconds=1))


@thorough
@given(STARTS, LIMITS)
def test_a_larger_limit_is_never_due_earlier(start: datetime, limit: Limit) -> None:
    assert due(start, limit, weixi()) < due(start, Limit(limit.amount + 1, limit.unit), weixi())


@thorough
@given(STARTS, st.integers(0, 10 * 86_400), LIMITS, st.sampled_from(["close_of_office", "same_time", "midnight"]))
@example(at("Fri 2020-01-03 00:00:01"), 86_399, Limit(1, "working_days"), "same_time")
@example(at("Sat 2026-03-07 20:00:00"), 5 * 3600, Limit(1, "working_days"), "same_time")
def test_a_later_start_is_never_due_earlier(start: datetime, later: int, limit: Limit, day_end: DayEnd) -> None:
    first = due(start, limit, weixi(), day_end=day_end)
    assert first <= due(start + timedelta(seconds=later), limit, weixi(), day_end=day_end)


@thorough
@given(STARTS, st.integers(1, 300 * 3600))
def test_going_back_leaves_exactly_that_much_and_no_later_instant_does(start: datetime, seconds: int) -> None:
    end = weixi().add_working_time(start, seconds)
    back = working_time_before(end, seconds, weixi())
    assert start <= back
    assert seconds == naive.between(back, end)
    assert seconds > naive.between(back + timedelta(seconds=1), end)


@thorough
@given(STARTS, LIMITS, st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_ladder_instants_lie_between_start_and_due_in_order(
    start: datetime, limit: Limit, low: int, high: int, wall_clock: bool
) -> None:
    end = due(start, limit, weixi())
    low, high = sorted((low, high))
    first = fraction_instant(start, end, low, weixi(), wall_clock=wall_clock)
    second = fraction_instant(start, end, high, weixi(), wall_clock=wall_clock)
    assert start <= first <= second <= end


@thorough
@given(STARTS)
def test_a_held_ticket_is_released_in_hours_and_out_the_same_day(instant: datetime) -> None:
    release, out_by = release_at(instant, weixi()), dispatch_by(instant, weixi(), TEN)
    assert instant <= release <= out_by
    assert naive.local(release).date() == naive.local(out_by).date()
    assert in_office_day(release, weixi())


def test_the_oracle_is_able_to_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    real = naive.worked
    monkeypatch.setattr(naive, "worked", lambda day: day != date(2026, 2, 14) and real(day))
    start = at("Fri 2026-02-13 10:00:00")
    assert naive.close_after_working_days(start, 1) != due(start, Limit(1, "working_days"), weixi())
    assert naive.add(start, 25_200) != weixi().add_working_time(start, 25_200)
