"""The first and the last day of a calendar belong to it."""

import re
from datetime import datetime, timedelta

import pytest

from services.core.calendar import CalendarRangeError, WorkCalendar, compile_calendar
from services.core.calendar_data import CalendarLayer
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


def test_the_first_and_the_last_instant_are_within(calendar: WorkCalendar) -> None:
    first = noon(calendar, calendar.first_day) - timedelta(hours=12)
    end = noon(calendar, calendar.last_day) + timedelta(hours=12)
    assert calendar.working_seconds_between(first, first) == calendar.working_seconds_between(end, end) == 0
    assert calendar.working_day_after(calendar.last_day - timedelta(days=10), 1) <= calendar.last_day
    assert calendar.explain_day(calendar.last_day).name_en
    for beyond in (first - timedelta(microseconds=1), end + timedelta(microseconds=1)):
        with pytest.raises(CalendarRangeError, match=rf"^{re.escape(beyond.isoformat())} lies outside calendar weixi"):
            calendar.working_seconds_between(beyond, beyond)


def test_before_the_first_opening_nothing_was_worked(calendar: WorkCalendar) -> None:
    first = noon(calendar, calendar.first_day) - timedelta(hours=12)
    opening = calendar.next_opening(first)
    found = calendar.working_seconds_between(first, opening + timedelta(seconds=1))
    assert found == 1
    back = calendar.working_seconds_between(opening + timedelta(seconds=1), first)
    assert (back, type(back)) == (-1, int)


def test_an_amount_that_leads_beyond_the_calendar_is_named(calendar: WorkCalendar) -> None:
    last, first = noon(calendar, calendar.last_day), noon(calendar, calendar.first_day)
    with pytest.raises(CalendarRangeError, match=rf"^400 working days after {calendar.last_day} lies outside"):
        calendar.working_day_after(calendar.last_day, 400)
    with pytest.raises(CalendarRangeError, match=rf"^999999 working seconds after {re.escape(last.isoformat())} lies"):
        calendar.add_working_time(last, 999_999)
    with pytest.raises(
        CalendarRangeError, match=rf"^999999 working seconds before {re.escape(first.isoformat())} lies"
    ):
        calendar.subtract_working_time(first, 999_999)
    day = calendar.last_day + timedelta(days=1)
    with pytest.raises(CalendarRangeError, match=rf"^{day} lies outside"):
        calendar.explain_day(day)


def test_the_version_of_a_calendar_is_the_same_for_ever() -> None:
    nation = {
        "name": "cn", "level": "nation", "title_zh": "全国", "title_en": "China",
        "zone": "Asia/Shanghai",
        "notices": [
            {
                "id": "国办发明电〔2025〕7号", "title": "安排", "issued": "2025-11-04", "year": 2026, "url": "https://www.gov.cn",
                "days_off": [{"from": "2026-01-01", "until": "2026-01-03", "zh": "元旦", "en": "New Year's Day"}],
                "workdays": ["2026-01-04"],
            }
        ],
    }  # fmt: skip
    county = {
        "name": "weixi", "level": "county", "title_zh": "维西", "title_en": "Weixi", "parents": ["cn"],
        "hours": [
            {"from": "2026-01-01", "windows": ["08:30-12:00", "14:30-18:00"], "basis": "通知"},
            {"from": "2026-05-01", "until": "2026-09-30", "windows": ["08:00-12:00"]},
        ],
    }  # fmt: skip
    compiled = compile_calendar([CalendarLayer.model_validate(nation), CalendarLayer.model_validate(county)])
    assert compiled.version == "weixi@2025-11-04:11715dc8c662", (
        "every clock names the version it was decided under: what makes it differ makes old versions unknown"
    )
