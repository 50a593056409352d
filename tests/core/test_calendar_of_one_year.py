"""A calendar of one notice, made here: its ends, its version, and days on which a zone moves its clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.core.calendar import CalendarRangeError, WorkCalendar, compile_calendar
from services.core.calendar_data import CalendarLayer
from services.core.calendar_history import CalendarHistory, calendar_history

NOTICE: dict[str, Any] = {"id": "n-2022", "title": "t", "issued": date(2021, 10, 25), "year": 2022}
OFFICE: dict[str, Any] = {"from": date(2022, 1, 1), "windows": ["08:30-12:00", "14:30-18:00"]}
NATION: dict[str, Any] = {
    "name": "cn", "level": "nation", "title_zh": "全国", "title_en": "China", "zone": "Asia/Shanghai",
    "hours": [OFFICE], "notices": [NOTICE],
}  # fmt: skip


def below(level: str, parent: str = "cn", **said: Any) -> dict[str, Any]:
    return {"name": f"a-{level}", "level": level, "title_zh": "某地", "title_en": "L", "parents": [parent]} | said


def layers(*data: dict[str, Any]) -> list[CalendarLayer]:
    return [CalendarLayer.model_validate(each) for each in data]


def calendar_of(*data: dict[str, Any]) -> WorkCalendar:
    return compile_calendar(layers(*data))


def history_of(*data: dict[str, Any]) -> CalendarHistory:
    return calendar_history(layers(*data))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- its ends ---


def test_the_last_compiled_day_is_worked_and_none_comes_after_it() -> None:
    calendar = calendar_of(NATION)
    assert (date(2022, 1, 1), date(2024, 12, 31)) == (calendar.first_day, calendar.last_day)
    assert date(2024, 12, 31) == calendar.working_day_after(date(2024, 12, 30), 1)
    assert utc("2024-12-31 10:00") == calendar.close_of(date(2024, 12, 31))
    with pytest.raises(CalendarRangeError, match="1 working days after 2024-12-31"):
        calendar.working_day_after(date(2024, 12, 31), 1)


def test_instants_count_from_the_first_midnight_to_the_last_to_the_microsecond() -> None:
    calendar, one = calendar_of(NATION), timedelta(microseconds=1)
    first, end = utc("2021-12-31 16:00"), utc("2024-12-31 16:00")
    assert not calendar.is_open(first)
    assert not calendar.is_open(end)
    for beyond in (first - one, end + one):
        with pytest.raises(CalendarRangeError, match="lies outside calendar cn"):
            calendar.is_open(beyond)


def test_working_time_counts_from_the_very_first_opening() -> None:
    calendar = calendar_of(NATION)
    opening = utc("2022-01-03 00:30")
    assert opening + timedelta(seconds=1) == calendar.add_working_time(utc("2022-01-01 00:00"), 1)
    assert opening == calendar.subtract_working_time(opening + timedelta(seconds=1), 1)


def test_a_day_gives_its_own_office_hours_and_no_other_day_s() -> None:
    calendar = calendar_of(NATION)
    assert (
        (utc("2022-03-03 00:30"), utc("2022-03-03 04:00")),
        (utc("2022-03-03 06:30"), utc("2022-03-03 10:00")),
    ) == calendar.office_hours(date(2022, 3, 3))


def test_a_calendar_to_which_no_layer_gives_a_zone_or_hours_is_refused_with_what_is_missing() -> None:
    nowhere = NATION | {"zone": None}
    with pytest.raises(ValueError, match=r"^calendar cn: zone: no layer states it$"):
        calendar_of(nowhere)
    with pytest.raises(ValueError, match=r"^calendar cn: hours: no layer states it$"):
        calendar_of(NATION | {"hours": []})
    with pytest.raises(ValueError, match=r"^calendar cn: zone: no layer states it$"):
        history_of(nowhere)
    with pytest.raises(ValueError, match=r"^calendar cn: the nation's layer has no notice$"):
        calendar_history([CalendarLayer.model_construct(**NATION | {"notices": (), "parents": (), "statutes": ()})])


def test_the_zone_and_the_hours_of_the_nearest_layer_count() -> None:
    urumqi = below("province", zone="Asia/Urumqi", hours=[OFFICE | {"windows": ["10:00-14:00"]}])
    assert utc("2022-03-03 04:00") == calendar_of(NATION, urumqi).opening_of(date(2022, 3, 3))
    assert utc("2022-03-03 00:30") == calendar_of(NATION).opening_of(date(2022, 3, 3))


# --- what a file may say, at its edges ---


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("08:30-08:30", "must close after it opens"),
        ("08:30-09:60", '"09:60" is not a time'),
        ("08:30-24:01", "24:00 at the latest"),
        ("8:300-12:00", '"8:300" is not a time'),
        ("08:30-12:0x", '"12:0x" is not a time'),
    ],
)
def test_a_window_of_no_length_or_that_no_clock_shows_is_refused(window: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        layers(NATION | {"hours": [OFFICE | {"windows": [window]}]})


def test_windows_may_touch_and_last_to_midnight() -> None:
    calendar = calendar_of(NATION | {"hours": [OFFICE | {"windows": ["08:59-12:00", "12:00-24:00"]}]})
    assert utc("2022-03-03 16:00") == calendar.close_of(date(2022, 3, 3))


@pytest.mark.parametrize(
    ("day", "accepted"),
    [("2021-12-24", False), ("2021-12-25", True), ("2022-12-31", True), ("2023-01-01", False)],
)
def test_a_notice_reaches_from_christmas_of_the_year_before_to_the_end_of_its_year(day: str, accepted: bool) -> None:
    said = NATION | {"notices": [NOTICE | {"days_off": [{"from": day, "until": day, "zh": "元旦", "en": "N"}]}]}
    if accepted:
        assert layers(said)[0].notices[0].named() == (date.fromisoformat(day),)
        return
    with pytest.raises(ValueError, match=f"{day} is not in the notice's year, 2022"):
        layers(said)


def test_a_rule_of_hours_holds_on_its_first_and_its_last_day() -> None:
    rule = layers(NATION | {"hours": [OFFICE | {"until": date(2022, 6, 30)}]})[0].hours[0]
    asked = ["2021-12-31", "2022-01-01", "2022-06-30", "2022-07-01"]
    assert [False, True, True, False] == [rule.covers(date.fromisoformat(day)) for day in asked]


def test_an_amendment_may_have_a_saturday_or_a_day_off_worked_and_no_other_day() -> None:
    off = {"from": date(2022, 5, 2), "until": date(2022, 5, 3), "zh": "劳动节", "en": "Labour Day"}
    first = NOTICE | {"days_off": [off]}

    def amended(day: date) -> dict[str, Any]:
        more = NOTICE | {"id": "n-2", "issued": date(2022, 4, 1), "amends": "n-2022", "workdays": [day]}
        return NATION | {"notices": [first, more]}

    for day in (date(2022, 5, 7), date(2022, 5, 3)):
        assert calendar_of(amended(day)).explain_day(day).kind == "adjusted_workday"
    with pytest.raises(ValueError, match="2022-05-06 is a Friday, which is worked anyway"):
        calendar_of(amended(date(2022, 5, 6)))


def test_no_layer_stands_below_one_of_its_own_level() -> None:
    county = below("county", hours=[OFFICE])
    with pytest.raises(ValueError, match=r"calendar another: parents: a-county \(county\) does not stand above it"):
        calendar_of(NATION, county, below("county", "a-county") | {"name": "another"})


# --- its version ---


@pytest.mark.parametrize(
    "said",
    [
        {"zone": "Asia/Urumqi"},
        {"hours": [OFFICE]},
        {"notices": [NOTICE | {"id": "n-province", "workdays": [date(2022, 3, 5)]}]},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_layer_between_that_says_anything_makes_another_version(said: dict[str, Any]) -> None:
    county = below("county", "a-province", hours=[OFFICE])
    silent, telling = below("province"), below("province", **said)
    assert calendar_of(NATION, silent, county).version != calendar_of(NATION, telling, county).version


def test_the_last_layer_names_the_calendar_and_is_in_its_version_though_it_says_nothing() -> None:
    province, county = below("province"), below("county", "a-province")
    known = history_of(NATION, province, county)
    assert ("a-county", "a-county") == (known.name, known.latest.name)
    assert known.latest.version.startswith("a-county@2021-10-25:")
    other = history_of(NATION, province, county | {"name": "b-county"})
    assert known.latest.version.partition(":")[2] != other.latest.version.partition(":")[2]


# --- what was known when ---

AT_THE_OFFICE = datetime(2022, 3, 1, 1, tzinfo=UTC)
SUMMER: dict[str, Any] = OFFICE | {"from": date(2022, 6, 1), "windows": ["08:00-12:00"], "known_from": AT_THE_OFFICE}


def test_a_version_follows_for_each_instant_at_which_something_became_known_and_names_it() -> None:
    known = history_of(NATION, below("county", hours=[OFFICE, SUMMER]))
    assert [(utc("2021-10-25 16:00"), ("n-2022",)), (AT_THE_OFFICE, ("office hours",))] == [
        (version.known_from, version.notices) for version in known.versions
    ]
    first, last = (version.calendar for version in known.versions)
    assert (first, last) == (known.version(first.version), known.version(last.version))
    assert (AT_THE_OFFICE, None) == (known.superseded_at(first.version), known.superseded_at(last.version))
    assert ("n-2022", "office hours") == known.notices(last.version)
    assert (utc("2022-06-01 00:30"), utc("2022-06-01 00:00")) == tuple(
        calendar.opening_of(date(2022, 6, 1)) for calendar in (first, last)
    )


def test_hours_count_from_the_very_instant_at_which_they_are_known() -> None:
    known = history_of(NATION, below("county", hours=[OFFICE, SUMMER]))
    first, last = (version.calendar for version in known.versions)
    assert first is known.at(AT_THE_OFFICE - timedelta(microseconds=1))
    assert last is known.at(AT_THE_OFFICE)


def test_before_the_first_notice_an_error_names_the_calendar_the_notice_and_its_instant() -> None:
    known = history_of(NATION, below("county"))
    message = (
        r"^calendar a-county knows nothing at 2021-10-25T15:59:59\+00:00: its first notice, n-2022, is known from 2021"
    )
    with pytest.raises(CalendarRangeError, match=message):
        known.at(utc("2021-10-25 15:59:59"))
    assert known.at(utc("2021-10-25 16:00")) is known.latest


def test_two_notices_of_one_day_are_known_together_in_one_version() -> None:
    second = NOTICE | {"id": "n-2", "amends": "n-2022", "workdays": [date(2022, 3, 5)]}
    [version] = history_of(NATION | {"notices": [NOTICE, second]}).versions
    assert ("n-2022", "n-2") == version.notices


def test_a_notice_may_not_be_known_before_the_one_above_it() -> None:
    late = NOTICE | {"known_from": datetime(2021, 11, 1, tzinfo=UTC)}
    second = NOTICE | {"id": "n-2", "amends": "n-2022", "issued": date(2021, 10, 26)}
    with pytest.raises(ValueError, match="calendar cn: n-2 is known before n-2022, which stands above it"):
        history_of(NATION | {"notices": [late, second]})


# --- where a zone moves its clock ---


def berlin(*windows: str) -> dict[str, Any]:
    """Sundays are worked on which the clock moves: 27 March and 30 October 2022."""
    moved = NOTICE | {"workdays": [date(2022, 3, 27), date(2022, 10, 30)]}
    return NATION | {"zone": "Europe/Berlin", "notices": [moved], "hours": [OFFICE | {"windows": list(windows)}]}


def test_on_a_day_on_which_the_clock_moves_the_office_keeps_the_hours_that_the_clock_shows() -> None:
    calendar = calendar_of(berlin("01:00-12:00", "14:30-18:00"))
    assert (
        (utc("2022-03-27 00:00"), utc("2022-03-27 10:00")),
        (utc("2022-03-27 12:30"), utc("2022-03-27 16:00")),
    ) == calendar.office_hours(date(2022, 3, 27))
    assert (
        (utc("2022-10-29 23:00"), utc("2022-10-30 11:00")),
        (utc("2022-10-30 13:30"), utc("2022-10-30 17:00")),
    ) == calendar.office_hours(date(2022, 10, 30))
    assert (utc("2022-03-25 00:00"), utc("2022-03-25 17:00")) == (
        calendar.opening_of(date(2022, 3, 25)),
        calendar.close_of(date(2022, 3, 25)),
    )


@pytest.mark.parametrize("windows", [("02:00-03:00",), ("01:00-02:45", "03:00-09:00")], ids=["no-length", "overlap"])
def test_windows_that_a_moved_clock_swallows_are_refused(windows: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="calendar cn: hours: a window meets a change of the clock in Europe/Berlin"):
        calendar_of(berlin(*windows))
