"""The first and the last day of a calendar belong to it."""

from datetime import datetime, timedelta

import pytest

from services.core.calendar import CalendarRangeError, WorkCalendar
from services.core.policy import Policy


@pytest.fixture
def calendar(policy: Policy) -> WorkCalendar:
    return policy.calendar


def noon(calendar: WorkCalendar, day: object) -> datetime:
    return datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=calendar.zone)


def test_the_first_and_the_last_known_day_are_covered_and_their_neighbours_are_not(calendar: WorkCalendar) -> None:
    one = timedelta(days=1)
    assert calendar.covers(noon(calendar, calendar.first_day))
    assert not calendar.covers(noon(calendar, calendar.first_day - one))
    assert calendar.covers(noon(calendar, calendar.known_until))
    assert not calendar.covers(noon(calendar, calendar.known_until + one))


def test_the_office_is_open_on_the_first_working_day(calendar: WorkCalendar) -> None:
    day = calendar.first_day
    while not calendar.is_working_day(day):
        day += timedelta(days=1)
    opening = calendar.opening_of(day)
    assert calendar.is_open(opening)
    assert not calendar.is_open(opening - timedelta(seconds=1))
    assert calendar.next_opening(opening - timedelta(hours=1)) == opening


def test_no_opening_is_left_after_the_last_day(calendar: WorkCalendar) -> None:
    evening = noon(calendar, calendar.last_day) + timedelta(hours=11)
    with pytest.raises(
        CalendarRangeError, match=rf"^the opening after {calendar.last_day}T23:00:00\+08:00 lies outside"
    ):
        calendar.next_opening(evening)
