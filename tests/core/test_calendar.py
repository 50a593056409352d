"""The working-day calendar: its data against two libraries, its edges to the second, its errors by field."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
import yaml

from services.core.calendar import CalendarRangeError, WorkCalendar, compile_calendar
from services.core.calendar_data import CalendarLayer
from services.core.calendar_days import DayReason, statutory_days
from services.runtime.policy_files import PolicyFileError, load_calendar, parse

OPS = Path(__file__).parents[2] / "ops"
ZONE = ZoneInfo("Asia/Shanghai")
CHINA = holidays.country_holidays("CN", years=range(2019, 2027))
Judge = Callable[[date], bool]
JUDGES: dict[str, Judge] = {"chinesecalendar": chinese_calendar.is_workday, "holidays": CHINA.is_working_day}


def layer(name: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((OPS / "calendars" / f"{name}.yaml").read_text(encoding="utf-8"))
    return data


def calendar_of(*data: dict[str, Any]) -> WorkCalendar:
    return compile_calendar([CalendarLayer.model_validate(each) for each in data])


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return load_calendar(OPS, "weixi")


def at(text: str) -> datetime:
    """Read "Fri 2026-02-13 17:59:59" as local time; the weekday must be right."""
    instant = datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
    assert text.startswith(instant.strftime("%a")), f"{text} is a {instant:%A}"
    return instant.astimezone(UTC)


def on(text: str) -> date:
    day = date.fromisoformat(text[4:])
    assert text.startswith(day.strftime("%a")), f"{text} is a {day:%A}"
    return day


def days_2019_to_2026() -> Iterator[date]:
    day = date(2019, 1, 1)
    while day.year < 2027:
        yield day
        day += timedelta(days=1)


def disagreements(calendar: WorkCalendar, judge: Judge) -> list[date]:
    return [day for day in days_2019_to_2026() if calendar.is_working_day(day) != judge(day)]


# --- the data ---


@pytest.mark.parametrize("library", JUDGES)
def test_every_day_2019_to_2026_is_as_an_independent_library_says(calendar: WorkCalendar, library: str) -> None:
    assert len(list(days_2019_to_2026())) == 2922
    assert disagreements(calendar, JUDGES[library]) == []


@pytest.mark.parametrize("library", JUDGES)
def test_one_wrong_day_planted_in_the_file_is_found(library: str) -> None:
    data = layer("cn")
    data["notices"][-1]["workdays"].remove(date(2026, 2, 14))
    data["notices"][-2]["days_off"][0]["until"] = date(2025, 1, 2)
    assert disagreements(calendar_of(data, layer("weixi")), JUDGES[library]) == [
        on("Thu 2025-01-02"),
        on("Sat 2026-02-14"),
    ]


def test_without_the_notices_that_changed_them_labour_day_2019_and_spring_festival_2020_are_wrong() -> None:
    data = layer("cn")
    data["notices"] = [notice for notice in data["notices"] if "amends" not in notice]
    short = calendar_of(data, layer("weixi"))
    labour_day_2019 = ["Sun 2019-04-28", "Thu 2019-05-02", "Fri 2019-05-03", "Sun 2019-05-05"]
    spring_festival_2020 = ["Fri 2020-01-31", "Sat 2020-02-01"]
    expected = [on(day) for day in (*labour_day_2019, *spring_festival_2020)]
    assert disagreements(short, JUDGES["holidays"]) == expected


def test_every_notice_names_its_number_and_was_issued_before_or_in_its_year() -> None:
    notices = CalendarLayer.model_validate(layer("cn")).notices
    assert len(notices) == 10
    for notice in notices:
        assert notice.id.startswith(f"国办发明电〔{notice.issued.year}〕")
        assert str(notice.year) in notice.title
        assert notice.issued < date(notice.year, 4, 1)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("Thu 2026-02-12", DayReason("workday", "工作日", "Working day")),
        (
            "Sat 2026-02-14",
            DayReason("adjusted_workday", "调休上班", "Adjusted working day", "国办发明电〔2025〕7号", "cn"),
        ),
        ("Sun 2026-02-15", DayReason("holiday", "春节", "Spring Festival", "国办发明电〔2025〕7号", "cn")),
        ("Sun 2026-03-01", DayReason("weekend", "周末", "Weekend")),
        (
            "Sat 2020-02-01",
            DayReason("holiday", "春节(延长)", "Spring Festival (prolonged)", "国办发明电〔2020〕1号", "cn"),
        ),
        ("Mon 2023-01-02", DayReason("holiday", "元旦", "New Year's Day", "国办发明电〔2022〕16号", "cn")),
        ("Sat 2022-12-31", DayReason("holiday", "元旦", "New Year's Day", "国办发明电〔2022〕16号", "cn")),
    ],
)
def test_a_day_says_why_it_is_worked_or_off(calendar: WorkCalendar, day: str, expected: DayReason) -> None:
    assert expected == calendar.explain_day(on(day))


# --- the office's hours, one second either side of each edge ---


@pytest.mark.parametrize(
    ("instant", "is_open", "next_opening"),
    [
        ("Fri 2026-02-13 08:29:59", False, "Fri 2026-02-13 08:30:00"),
        ("Fri 2026-02-13 08:30:00", True, "Fri 2026-02-13 08:30:00"),
        ("Fri 2026-02-13 08:30:01", True, "Fri 2026-02-13 08:30:01"),
        ("Fri 2026-02-13 11:59:59", True, "Fri 2026-02-13 11:59:59"),
        ("Fri 2026-02-13 12:00:00", False, "Fri 2026-02-13 14:30:00"),
        ("Fri 2026-02-13 14:29:59", False, "Fri 2026-02-13 14:30:00"),
        ("Fri 2026-02-13 14:30:00", True, "Fri 2026-02-13 14:30:00"),
        ("Fri 2026-02-13 17:59:59", True, "Fri 2026-02-13 17:59:59"),
        ("Fri 2026-02-13 18:00:00", False, "Sat 2026-02-14 08:30:00"),
        ("Fri 2026-02-13 23:59:59", False, "Sat 2026-02-14 08:30:00"),
        ("Sat 2026-02-14 00:00:00", False, "Sat 2026-02-14 08:30:00"),
        ("Sat 2026-02-14 17:59:59", True, "Sat 2026-02-14 17:59:59"),
        ("Sat 2026-02-14 18:00:00", False, "Tue 2026-02-24 08:30:00"),
        ("Tue 2026-02-17 10:00:00", False, "Tue 2026-02-24 08:30:00"),
    ],
)
def test_the_office_is_open_from_its_opening_to_before_its_close(
    calendar: WorkCalendar, instant: str, is_open: bool, next_opening: str
) -> None:
    assert is_open == calendar.is_open(at(instant))
    assert at(next_opening) == calendar.next_opening(at(instant))


@pytest.mark.parametrize(
    ("start", "seconds", "done"),
    [
        ("Fri 2026-02-13 11:59:59", 0, "Fri 2026-02-13 11:59:59"),
        ("Fri 2026-02-13 13:00:00", 0, "Fri 2026-02-13 13:00:00"),
        ("Fri 2026-02-13 11:59:59", 1, "Fri 2026-02-13 12:00:00"),
        ("Fri 2026-02-13 11:59:59", 2, "Fri 2026-02-13 14:30:01"),
        ("Fri 2026-02-13 12:00:00", 1, "Fri 2026-02-13 14:30:01"),
        ("Fri 2026-02-13 13:00:00", 3 * 3600 + 1800, "Fri 2026-02-13 18:00:00"),
        ("Fri 2026-02-13 17:00:00", 7200, "Sat 2026-02-14 09:30:00"),
        ("Sat 2026-02-14 17:00:00", 7200, "Tue 2026-02-24 09:30:00"),
        ("Sun 2026-02-15 03:00:00", 7200, "Tue 2026-02-24 10:30:00"),
        ("Fri 2026-03-06 17:00:00", 7200, "Mon 2026-03-09 09:30:00"),
    ],
)
def test_work_that_ends_at_a_close_is_done_at_that_close(
    calendar: WorkCalendar, start: str, seconds: int, done: str
) -> None:
    assert at(done) == calendar.add_working_time(at(start), seconds)
    assert seconds == calendar.working_seconds_between(at(start), at(done))
    assert -seconds == calendar.working_seconds_between(at(done), at(start))


def test_fractions_of_a_second_are_kept(calendar: WorkCalendar) -> None:
    start = at("Fri 2026-02-13 11:59:59") + timedelta(microseconds=250_000)
    assert at("Fri 2026-02-13 14:30:00") + timedelta(microseconds=250_000) == calendar.add_working_time(start, 1)


@pytest.mark.parametrize(
    ("end", "seconds", "start"),
    [
        ("Tue 2026-02-24 10:30:00", 7200, "Tue 2026-02-24 08:30:00"),
        ("Tue 2026-02-24 10:30:00", 7201, "Sat 2026-02-14 17:59:59"),
        ("Tue 2026-02-24 18:00:00", 7200, "Tue 2026-02-24 16:00:00"),
        ("Tue 2026-02-24 14:30:00", 1, "Tue 2026-02-24 11:59:59"),
        ("Tue 2026-02-24 14:30:00", 0, "Tue 2026-02-24 14:30:00"),
    ],
)
def test_going_back_gives_the_last_instant_with_that_much_time_left(
    calendar: WorkCalendar, end: str, seconds: int, start: str
) -> None:
    assert at(start) == calendar.subtract_working_time(at(end), seconds)


def test_opening_and_close_belong_to_working_days(calendar: WorkCalendar) -> None:
    assert at("Sat 2026-02-14 08:30:00") == calendar.opening_of(on("Sat 2026-02-14"))
    assert at("Sat 2026-02-14 18:00:00") == calendar.close_of(on("Sat 2026-02-14"))
    with pytest.raises(ValueError, match=r"2026-02-16 is not a working day: Spring Festival"):
        calendar.close_of(on("Mon 2026-02-16"))


# --- what is known and what is not ---


def test_the_years_after_the_last_notice_are_provisional_with_weekends_and_the_days_of_the_law_off(
    calendar: WorkCalendar,
) -> None:
    assert (date(2019, 1, 1), date(2026, 12, 31)) == (calendar.first_day, calendar.known_until)
    assert calendar.covers(at("Thu 2026-12-31 23:59:59"))
    assert not calendar.covers(at("Fri 2027-01-01 00:00:00"))
    assert not calendar.is_working_day(on("Fri 2027-10-01"))
    assert calendar.is_working_day(on("Mon 2027-10-04"))
    assert not calendar.is_working_day(on("Sat 2027-10-02"))
    assert calendar.is_working_day(on("Fri 2028-12-29"))


@pytest.mark.parametrize("year", range(2027, 2036))
def test_the_days_of_the_law_are_as_an_independent_library_says(year: int) -> None:
    nation = CalendarLayer.model_validate(layer("cn"))
    library = holidays.country_holidays("CN", years=year, observed=False)
    assert sorted(library) == sorted(statutory_days(nation, [year]))


def test_one_wrong_festival_planted_in_the_file_is_found() -> None:
    data = layer("cn")
    data["festivals"][2027]["mid_autumn"] = date(2027, 9, 16)
    found = statutory_days(CalendarLayer.model_validate(data), [2027])
    assert sorted(holidays.country_holidays("CN", years=2027, observed=False)) != sorted(found)


def test_a_year_without_the_dates_of_its_festivals_has_the_fixed_days_of_the_law_off() -> None:
    data = layer("cn")
    del data["festivals"][2028]
    found = statutory_days(CalendarLayer.model_validate(data), [2028])
    assert [f"{day:%m-%d}" for day in sorted(found)] == ["01-01", "05-01", "05-02", "10-01", "10-02", "10-03"]


def test_notices_of_years_to_come_change_no_version_of_today() -> None:
    more, data = layer("cn"), layer("cn")
    del data["festivals"][2031]
    assert calendar_of(more, layer("weixi")).version == calendar_of(data, layer("weixi")).version


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.is_working_day(date(2018, 12, 31)),
        lambda c: c.is_working_day(date(2029, 1, 1)),
        lambda c: c.is_open(at("Mon 2018-12-31 23:59:59")),
        lambda c: c.next_opening(at("Fri 2028-12-29 18:00:00")),
        lambda c: c.working_day_after(date(2028, 12, 29), 1),
        lambda c: c.add_working_time(at("Fri 2028-12-29 17:59:59"), 2),
        lambda c: c.subtract_working_time(at("Wed 2019-01-02 08:30:01"), 2),
        lambda c: c.working_seconds_between(at("Thu 2020-01-02 08:30:00"), datetime(2030, 1, 1, tzinfo=UTC)),
    ],
)
def test_beyond_the_calendar_a_clear_error_says_what_to_add(
    calendar: WorkCalendar, ask: Callable[[WorkCalendar], object]
) -> None:
    with pytest.raises(CalendarRangeError, match=r"outside calendar weixi, 2019-01-01 to 2028-12-31.*add the next one"):
        ask(calendar)


def test_the_last_second_of_the_calendar_still_counts(calendar: WorkCalendar) -> None:
    assert at("Fri 2028-12-29 18:00:00") == calendar.add_working_time(at("Fri 2028-12-29 17:59:59"), 1)
    assert at("Wed 2019-01-02 08:30:00") == calendar.subtract_working_time(at("Wed 2019-01-02 08:30:01"), 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c, t: c.is_open(t),
        lambda c, t: c.next_opening(t),
        lambda c, t: c.covers(t),
        lambda c, t: c.add_working_time(t, 1),
        lambda c, t: c.add_working_time(t, 0),
        lambda c, t: c.subtract_working_time(t, 1),
        lambda c, t: c.working_seconds_between(t, t),
    ],
)
def test_a_naive_datetime_is_refused(calendar: WorkCalendar, ask: Callable[[WorkCalendar, datetime], object]) -> None:
    naive = at("Fri 2026-02-13 10:00:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="has no time zone"):
        ask(calendar, naive)


def test_negative_amounts_and_no_days_are_refused(calendar: WorkCalendar) -> None:
    instant = at("Fri 2026-02-13 10:00:00")
    with pytest.raises(ValueError, match="subtract_working_time"):
        calendar.add_working_time(instant, -1)
    with pytest.raises(ValueError, match="add_working_time"):
        calendar.subtract_working_time(instant, -1)
    with pytest.raises(ValueError, match="counted from 1"):
        calendar.working_day_after(on("Fri 2026-02-13"), 0)


def test_an_instant_of_another_zone_comes_back_in_utc(calendar: WorkCalendar) -> None:
    abroad = at("Fri 2026-02-13 10:00:00").astimezone(ZoneInfo("America/Los_Angeles"))
    answers = [calendar.next_opening(abroad), calendar.add_working_time(abroad, 0)]
    answers.append(calendar.subtract_working_time(abroad, 0))
    assert [at("Fri 2026-02-13 10:00:00")] * 3 == answers
    assert all(answer.tzinfo is UTC for answer in answers)


# --- layers, versions, seasons ---

PREFECTURE = {
    "name": "test-prefecture",
    "level": "prefecture",
    "title_zh": "某自治州",
    "title_en": "A prefecture",
    "parents": ["cn"],
    "notices": [
        {
            "id": "州政办〔2026〕0号",
            "title": "某自治州民族节日放假通知",
            "issued": "2026-01-15",
            "year": 2026,
            "days_off": [{"from": "2026-02-14", "until": "2026-02-14", "zh": "阔时节", "en": "Kuoshi Festival"}],
            "workdays": ["2026-03-01"],
        }
    ],
}


def test_a_local_festival_overrides_the_nation_and_reaches_the_county() -> None:
    local = calendar_of(layer("cn"), PREFECTURE, layer("weixi") | {"parents": ["test-prefecture"]})
    expected = DayReason("local", "阔时节", "Kuoshi Festival", "州政办〔2026〕0号", "test-prefecture")
    assert expected == local.explain_day(on("Sat 2026-02-14"))
    assert local.is_working_day(on("Sun 2026-03-01"))
    assert on("Tue 2026-02-24") == local.working_day_after(on("Fri 2026-02-13"), 1)


def test_layers_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"calendar weixi: parents: test-prefecture \(prefecture\) does not stand"):
        calendar_of(layer("cn"), PREFECTURE, layer("weixi"))
    with pytest.raises(ValueError, match="starts with the nation's layer"):
        calendar_of(layer("weixi"))


def test_the_version_follows_the_content_and_nothing_else(calendar: WorkCalendar) -> None:
    assert calendar == load_calendar(OPS, "weixi")
    assert re.fullmatch(r"weixi@2025-11-04:[0-9a-f]{12}", calendar.version)
    changed = layer("cn")
    changed["notices"][-1]["workdays"].pop()
    assert calendar.version != calendar_of(changed, layer("weixi")).version
    reworded = layer("cn")
    reworded["notices"][-1] |= {"title": "another", "url": None}
    silent = PREFECTURE | {"notices": []}
    below = layer("weixi") | {"parents": ["test-prefecture"]}
    assert calendar.version == calendar_of(reworded, silent, below).version, "what decides nothing changes nothing"


def test_summer_hours_apply_in_summer_only() -> None:
    summer = {"from": date(2026, 5, 1), "until": date(2026, 9, 30), "windows": ["08:00-12:00", "15:00-18:00"]}
    data = layer("weixi")
    seasonal = calendar_of(layer("cn"), data | {"hours": [*data["hours"], summer]})
    assert at("Thu 2026-04-30 08:30:00") == seasonal.opening_of(on("Thu 2026-04-30"))
    assert at("Wed 2026-05-06 08:00:00") == seasonal.opening_of(on("Wed 2026-05-06"))
    assert at("Wed 2026-09-30 08:00:00") == seasonal.opening_of(on("Wed 2026-09-30"))
    assert at("Thu 2026-10-08 08:30:00") == seasonal.opening_of(on("Thu 2026-10-08"))
    assert not seasonal.is_open(at("Wed 2026-05-06 14:30:00"))


def test_a_unit_that_never_closes_on_working_days_has_no_gap_at_midnight() -> None:
    hours = [{"from": date(2019, 1, 1), "windows": ["00:00-24:00"]}]
    water = calendar_of(layer("cn"), layer("weixi") | {"hours": hours})
    assert at("Thu 2026-03-05 01:00:00") == water.add_working_time(at("Wed 2026-03-04 23:00:00"), 7200)
    assert at("Sat 2026-03-07 00:00:00") == water.close_of(on("Fri 2026-03-06"))
    assert at("Sat 2026-03-07 00:00:00") == water.add_working_time(at("Fri 2026-03-06 23:00:00"), 3600)
    assert at("Mon 2026-03-09 00:00:01") == water.add_working_time(at("Fri 2026-03-06 23:00:00"), 3601)


# --- bad files ---


def _set(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        *way, last = [int(part) if part.lstrip("-").isdecimal() else part for part in path.split("/")]
        node: Any = data
        for part in way:
            node = node[part]
        node[last] = value

    return change


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("cn", _set("holidayz", []), r"holidayz: Extra inputs"),
        ("cn", _set("notices/9/workday", []), r"notices\.9\.workday: Extra inputs"),
        ("cn", _set("notices/9/days_off/1/name", "x"), r"notices\.9\.days_off\.1\.name: Extra inputs"),
        (
            "cn",
            _set("notices/9/workdays/0", date(2026, 1, 5)),
            r"notices\.9\.workdays: .*2026-01-05 is a Monday",
        ),
        (
            "cn",
            _set("notices/9/workdays/0", date(2025, 1, 4)),
            r"notices\.9\.workdays: .*2025-01-04 is not in .* 2026",
        ),
        (
            "cn",
            _set("notices/9/workdays/0", date(2026, 2, 15)),
            r"notices\.9\.workdays: .*2026-02-15 is a day off",
        ),
        (
            "cn",
            _set("notices/9/workdays/0", date(2026, 2, 14)),
            r"notices\.9\.workdays: .*2026-02-14 is listed twice",
        ),
        (
            "cn",
            _set("notices/9/workdays/0", "soon"),
            r"notices\.9\.workdays\.0: Input should be a valid date",
        ),
        (
            "cn",
            _set("notices/9/days_off/6/until", date(2026, 9, 1)),
            r"notices\.9\.days_off\.6\.until: .*2026-09-01",
        ),
        (
            "cn",
            _set("notices/9/days_off/0/from", date(2025, 12, 20)),
            r"notices\.9\.days_off: .*2025-12-20 is not in",
        ),
        (
            "cn",
            _set("notices/9/year", 2027),
            r"notices\.9\.days_off: .*2026-01-01 is not in the notice's year, 2027",
        ),
        (
            "cn",
            _set("notices/3/amends", "no such"),
            r"notices: .*amends no such, which is no earlier notice of 2020",
        ),
        (
            "cn",
            _set("notices/3/workdays", [date(2020, 3, 2)]),
            r"notices: .*workdays: 2020-03-02 is a Monday",
        ),
        ("cn", _set("notices/9/issued", date(2019, 1, 1)), r"notices: .*7号 was issued before .*12号"),
        ("cn", _set("notices/9/id", "国办发明电〔2024〕12号"), r"notices: .*12号 is listed twice"),
        (
            "cn",
            lambda d: d["notices"].pop(6),
            r"notices: .*without a gap is needed, found 2019, 2020, 2021, 2022, 2024",
        ),
        ("cn", _set("notices", []), r"notices: .*at least one year"),
        ("cn", _set("statutes/1/from_year", 2014), r"statutes: .*795号 stands below 国务院令第644号, but is not later"),
        ("cn", _set("statutes/0/days_off/0/begins", "02-30"), r'begins: .*"02-30" is no day of every year'),
        ("cn", _set("statutes/0/days_off/0/begins", "easter"), r"days_off\.0\.begins: String should match"),
        ("cn", _set("festivals/2027/qingming", date(2028, 4, 5)), r"festivals: .*2027: qingming: 2028-04-05 is not in"),
        ("weixi", _set("statutes", layer("cn")["statutes"]), r"statutes: .*stands in the nation's layer"),
        ("cn", _set("parents", ["weixi"]), r"parents: .*the nation's layer has no parent"),
        ("weixi", _set("zone", "Asia/Weixi"), r'zone: .*"Asia/Weixi" is not an IANA time zone'),
        (
            "weixi",
            _set("hours/0/windows", ["08:30-12:00", "11:30-18:00"]),
            r"hours\.0\.windows\.1: .*windows overlap",
        ),
        (
            "weixi",
            _set("hours/0/windows", ["14:30-18:00", "08:30-12:00"]),
            r"hours\.0\.windows\.1: .*not in order",
        ),
        ("weixi", _set("hours/0/windows/0", 870), r"hours\.0\.windows\.0: .*as one string"),
        ("weixi", _set("hours/0/windows/0", "8:30-12:00"), r'hours\.0\.windows\.0: .*"8:30" is not a time'),
        (
            "weixi",
            _set("hours/0/windows/0", "12:00-08:30"),
            r"hours\.0\.windows\.0: .*must close after it opens",
        ),
        ("weixi", _set("hours/0/windows/1", "14:30-24:30"), r"hours\.0\.windows\.1: .*24:00 at the latest"),
        ("weixi", _set("hours/0/until", date(2018, 1, 1)), r"hours\.0\.until: .*before the first day"),
        ("weixi", _set("level", "village"), r"level: Input should be"),
    ],
)
def test_a_bad_file_gives_an_error_that_names_the_field(
    file: str, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    data = layer(file)
    CalendarLayer.model_validate(data)
    change(data)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    with pytest.raises(PolicyFileError, match=message):
        parse(CalendarLayer, text, f"{file}.yaml")


def test_a_calendar_without_hours_or_with_an_uncovered_day_is_refused() -> None:
    with pytest.raises(ValueError, match="calendar weixi: hours: no layer states it"):
        calendar_of(layer("cn"), layer("weixi") | {"hours": []})
    late = [{"from": date(2026, 1, 5), "windows": ["08:30-12:00"]}]
    with pytest.raises(ValueError, match="calendar weixi: hours: no rule covers the working day 2019-01-02"):
        calendar_of(layer("cn"), layer("weixi") | {"hours": late})


def test_an_amending_notice_may_call_a_day_off_back_to_work() -> None:
    data = layer("cn")
    back = {
        "id": "a",
        "title": "t",
        "issued": date(2026, 1, 5),
        "year": 2026,
        "amends": "国办发明电〔2025〕7号",
    }
    data["notices"].append(back | {"workdays": [date(2026, 2, 23)]})
    assert calendar_of(data, layer("weixi")).explain_day(on("Mon 2026-02-23")).kind == "adjusted_workday"
