"""A calendar as known at an instant: the changed holidays of 2019 and 2020, local layers, seasons known late."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendar import CalendarRangeError
from services.core.calendar_data import CalendarLayer
from services.core.calendar_history import CalendarHistory, calendar_history
from services.core.deadlines import Limit, due, provisional
from services.runtime.policy_files import load_history
from tests.builders import at, local

OPS = Path(__file__).parents[2] / "ops"
HERE = Path(__file__).parent / "calendars"


def data(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def history(*layers: dict[str, Any]) -> CalendarHistory:
    return calendar_history([CalendarLayer.model_validate(layer) for layer in layers])


def nation() -> dict[str, Any]:
    return data(OPS / "calendars/cn.yaml")


def county() -> dict[str, Any]:
    return data(OPS / "calendars/weixi.yaml")


@pytest.fixture(scope="module")
def weixi() -> CalendarHistory:
    return load_history(OPS, "weixi")


@pytest.mark.parametrize(
    ("known_at", "start", "days", "expected"),
    [
        # Labour Day 2019: one day off, until the notice of 22 March made it four for two Sundays worked.
        ("Fri 2019-03-22 12:00", "Fri 2019-04-26 10:00", 1, "Mon 2019-04-29 18:00"),
        ("Sat 2019-03-23 00:00", "Fri 2019-04-26 10:00", 1, "Sun 2019-04-28 18:00"),
        ("Fri 2019-03-22 12:00", "Tue 2019-04-30 10:00", 1, "Thu 2019-05-02 18:00"),
        ("Sat 2019-03-23 00:00", "Tue 2019-04-30 10:00", 1, "Sun 2019-05-05 18:00"),
        ("Sat 2019-03-23 00:00", "Tue 2019-04-30 10:00", 3, "Tue 2019-05-07 18:00"),
        # Spring Festival 2020: until 30 January, Saturday 1 February worked; prolonged to Sunday 2 February.
        ("Sun 2020-01-26 12:00", "Thu 2020-01-23 10:00", 1, "Fri 2020-01-31 18:00"),
        ("Sun 2020-01-26 12:00", "Thu 2020-01-23 10:00", 2, "Sat 2020-02-01 18:00"),
        ("Mon 2020-01-27 00:00", "Thu 2020-01-23 10:00", 1, "Mon 2020-02-03 18:00"),
        ("Mon 2020-01-27 00:00", "Thu 2020-01-23 10:00", 2, "Tue 2020-02-04 18:00"),
        # A year whose notice is not out yet: weekends and the days of the law are known.
        ("Thu 2025-10-30 10:00", "Wed 2025-12-31 10:00", 1, "Fri 2026-01-02 18:00"),
        ("Wed 2025-11-05 00:00", "Wed 2025-12-31 10:00", 1, "Sun 2026-01-04 18:00"),
    ],
)
def test_a_deadline_counts_with_what_is_known_when_it_is_decided(
    weixi: CalendarHistory, known_at: str, start: str, days: int, expected: str
) -> None:
    assert expected == local(due(at(start), Limit(days, "working_days"), weixi.at(at(known_at))))


def test_a_deadline_in_a_year_without_notice_is_provisional_until_the_notice_is_known(weixi: CalendarHistory) -> None:
    day = at("Thu 2026-01-01 18:00")
    assert provisional(day, weixi.at(at("Tue 2025-11-04 23:59")))
    assert not provisional(day, weixi.at(at("Wed 2025-11-05 00:00")))


def test_nothing_is_known_before_the_first_notice(weixi: CalendarHistory) -> None:
    with pytest.raises(
        CalendarRangeError, match=r"knows nothing at .*国办发明电〔2018〕15号, is known from 2018-12-04"
    ):
        weixi.at(at("Tue 2018-12-04 23:59"))


@cache
def with_notices(count: int | None) -> CalendarHistory:
    """Give the county's calendar with the first `count` notices of the nation; each is compiled once."""
    cut = nation()
    cut["notices"] = cut["notices"][:count]
    return history(cut, county())


INSTANTS = st.datetimes(datetime(2018, 12, 5), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(INSTANTS, st.integers(0, 9))
def test_what_was_known_at_an_instant_is_the_same_without_the_notices_that_came_later(
    instant: datetime, later: int
) -> None:
    full, short = with_notices(None), with_notices(1 + later)
    end = full.versions[later + 1].known_from if later < 9 else datetime.max.replace(tzinfo=UTC)
    if instant < end:
        assert full.at(instant) == short.at(instant)
        assert full.at(instant).version == short.at(instant).version


def test_versions_follow_one_another(weixi: CalendarHistory) -> None:
    versions = [known.calendar.version for known in weixi.versions]
    assert len(set(versions)) == 11, "ten notices, and the law of 2024"
    before, after = weixi.at(at("Sun 2020-01-26 12:00")), weixi.at(at("Mon 2020-01-27 00:00"))
    assert at("Mon 2020-01-27 00:00") == weixi.superseded_at(before.version)
    assert ("国办发明电〔2020〕1号",) == weixi.notices(after.version)[len(weixi.notices(before.version)) :]
    assert before is weixi.version(before.version)
    assert (None, None) == (weixi.superseded_at(versions[-1]), weixi.version("weixi@2020-01-01:000000000000"))
    assert weixi.versions[0].known_from == weixi.superseded_at("weixi@2020-01-01:000000000000")


def test_a_notice_taken_into_use_late_counts_from_then_on() -> None:
    late = nation()
    late["notices"][3]["known_from"] = datetime(2020, 1, 28, 1, 30, tzinfo=UTC)
    known = history(late, county())
    assert known.at(at("Tue 2020-01-28 09:29")).explain_day(date(2020, 1, 31)).kind == "workday"
    assert known.at(at("Tue 2020-01-28 09:30")).explain_day(date(2020, 1, 31)).kind == "holiday"


@pytest.mark.parametrize(
    ("known_from", "message"),
    [
        (datetime(2020, 1, 25, 1, tzinfo=UTC), "notices.*before the day of issue, 2020-01-26"),
        (
            datetime(2020, 12, 1, tzinfo=UTC),
            r"〔2020〕27号 is known before 国办发明电〔2020〕1号, which stands above it",
        ),
        (datetime(2020, 1, 27), "notices.*timezone"),  # noqa: DTZ001 - what is refused
    ],
)
def test_a_wrong_known_from_is_refused(known_from: datetime, message: str) -> None:
    wrong = nation()
    wrong["notices"][3]["known_from"] = known_from
    with pytest.raises(ValueError, match=f"(?s){message}"):
        history(wrong, county())


def test_a_prefecture_s_notice_of_july_moves_deadlines_over_its_festivals() -> None:
    honghe = history(nation(), data(HERE / "honghe.yaml"))
    start = at("Thu 2023-07-27 10:00")
    before, after = honghe.at(at("Wed 2023-07-12 12:00")), honghe.at(at("Thu 2023-07-13 00:00"))
    assert "Fri 2023-07-28 18:00" == local(due(start, Limit(1, "working_days"), before))
    assert "Mon 2023-07-31 18:00" == local(due(start, Limit(1, "working_days"), after))
    reason = after.explain_day(date(2023, 11, 20))
    assert ("local", "州庆", "honghe") == (reason.kind, reason.name_zh, reason.layer)


def test_a_county_below_a_prefecture_inherits_its_festivals_and_the_nation_s() -> None:
    below = county() | {"parents": ["honghe"]}
    days = history(nation(), data(HERE / "honghe.yaml"), below).latest
    assert [False, False, True] == [
        days.is_working_day(date(2023, 7, 28)),
        days.is_working_day(date(2023, 10, 2)),
        days.is_working_day(date(2023, 10, 7)),
    ]


def test_tibetan_new_year_prolongs_the_spring_festival_where_it_is_kept() -> None:
    lhasa, here = history(nation(), data(HERE / "lhasa.yaml")).latest, history(nation(), county()).latest
    start = at("Sat 2026-02-14 10:00")
    assert "Fri 2026-02-27 18:30" == local(due(start, Limit(1, "working_days"), lhasa))
    assert "Tue 2026-02-24 18:00" == local(due(start, Limit(1, "working_days"), here))


def test_summer_hours_announced_in_april_are_unknown_in_march() -> None:
    summer = {
        "from": date(2026, 5, 1), "until": date(2026, 9, 30), "windows": ["08:00-12:00", "15:00-18:30"],
        "basis": "夏季作息通知", "known_from": datetime(2026, 4, 20, 2, tzinfo=UTC),
    }  # fmt: skip
    seasonal = history(nation(), county() | {"hours": [*county()["hours"], summer]})
    start = at("Wed 2026-05-06 10:00")
    ends = [
        local(due(start, Limit(1, "working_days"), seasonal.at(at(t))))
        for t in ("Wed 2026-03-04 10:00", "Mon 2026-04-20 10:00")
    ]
    assert ["Thu 2026-05-07 18:00", "Thu 2026-05-07 18:30"] == ends
    assert ("夏季作息通知",) == seasonal.versions[-1].notices


def test_a_unit_s_own_hours_stand_over_the_county_s_and_leave_the_other_seasons_alone() -> None:
    unit = {
        "name": "weixi-water", "level": "unit", "title_zh": "县水务局", "title_en": "Water Affairs Bureau",
        "parents": ["weixi"],
        "hours": [{"from": date(2026, 6, 1), "until": date(2026, 8, 31), "windows": ["07:30-19:30"]}],
    }  # fmt: skip
    water = history(nation(), county(), unit).latest
    limit = Limit(1, "working_days")
    assert "Tue 2026-06-02 19:30" == local(due(at("Mon 2026-06-01 10:00"), limit, water))
    assert "Tue 2026-09-01 18:00" == local(due(at("Mon 2026-08-31 10:00"), limit, water))
    assert water.name == "weixi-water"
    assert "Fri 2026-06-12 19:30" == local(water.close_of(date(2026, 6, 12)))


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=2000)))
def test_knowledge_only_grows(instant: datetime, more: timedelta) -> None:
    known = load_once()
    earlier, later = known.at(instant), known.at(instant + more)
    assert earlier.known_until <= later.known_until


_loaded: list[CalendarHistory] = []


def load_once() -> CalendarHistory:
    if not _loaded:
        _loaded.append(load_history(OPS, "weixi"))
    return _loaded[0]


def test_a_version_names_every_notice_in_it_and_one_that_never_was_names_none(weixi: CalendarHistory) -> None:
    versions = weixi.versions
    first, last = versions[0].calendar.version, versions[-1].calendar.version
    every = tuple(notice for known in versions for notice in known.notices)
    assert (weixi.notices(first), weixi.notices(last)) == (versions[0].notices, every)
    assert weixi.notices("never@1:0") == ()
    assert weixi.superseded_at(versions[-2].calendar.version) == versions[-1].known_from
