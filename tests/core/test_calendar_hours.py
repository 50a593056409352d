"""Office hours as data: seasons cover the year once, rules follow each other, errors name the item that is wrong."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.core.calendar_hours import HoursRule
from services.core.directory import Unit

SUMMER: dict[str, Any] = {
    "zh": "夏季", "en": "summer", "begins": "05-01", "ends": "09-30", "windows": ["08:30-12:00", "15:00-18:00"],
}  # fmt: skip
WINTER: dict[str, Any] = {
    "zh": "冬季", "en": "winter", "begins": "10-01", "ends": "04-30", "windows": ["08:30-12:00", "14:30-17:30"],
}  # fmt: skip


def rule(**changes: Any) -> HoursRule:
    return HoursRule.model_validate({"from": date(2026, 1, 1), "seasons": [SUMMER, WINTER]} | changes)


def unit(*rules: dict[str, Any]) -> Unit:
    return Unit.model_validate({"id": "U", "name_zh": "局", "name_en": "U", "group": "g", "office_hours": list(rules)})


@pytest.mark.parametrize(
    ("day", "closes"),
    [
        (date(2026, 4, 30), 17 * 60 + 30),
        (date(2026, 5, 1), 18 * 60),
        (date(2026, 9, 30), 18 * 60),
        (date(2026, 10, 1), 17 * 60 + 30),
        (date(2026, 12, 31), 17 * 60 + 30),
        (date(2027, 1, 1), 17 * 60 + 30),
        (date(2028, 2, 29), 17 * 60 + 30),
    ],
)
def test_a_season_holds_from_its_first_to_its_last_day_every_year(day: date, closes: int) -> None:
    assert closes == rule().windows_on(day)[-1][1]


def test_a_rule_without_seasons_holds_all_year() -> None:
    assert ((540, 1020),) == rule(seasons=[], windows=["09:00-17:00"]).windows_on(date(2026, 7, 1))


@pytest.mark.parametrize(
    ("changes", "place", "problem"),
    [
        ({"seasons": [SUMMER, WINTER | {"begins": "09-30"}]}, "seasons.1", "09-30 lies in summer and in winter"),
        ({"seasons": [SUMMER, WINTER | {"begins": "10-02"}]}, "seasons", "10-01 lies in no season"),
        (
            {"seasons": [SUMMER | {"begins": "03-01"}, WINTER | {"ends": "02-28"}]},
            "seasons",
            "02-29 lies in no season",
        ),
        ({"seasons": [SUMMER]}, "seasons", "01-01 lies in no season"),
        ({"seasons": [SUMMER | {"begins": "05-32"}, WINTER]}, "seasons.0.begins", '"05-32" is no day of the year'),
        ({"seasons": [SUMMER | {"begins": 501}, WINTER]}, "seasons.0.begins", "write MM-DD in quotes"),
        ({"seasons": [SUMMER | {"colour": "green"}, WINTER]}, "seasons.0.colour", "Extra inputs are not permitted"),
        (
            {"seasons": [SUMMER | {"windows": ["08:30-15:00", "12:00-18:00"]}, WINTER]},
            "seasons.0.windows.1",
            '"12:00-18:00" opens before "08:30-15:00" closes',
        ),
        (
            {"seasons": [SUMMER | {"windows": ["12:00-08:30"]}, WINTER]},
            "seasons.0.windows.0",
            "must close after it opens",
        ),
        ({"windows": ["09:00-17:00"]}, "", "either as windows or as seasons"),
        ({"seasons": []}, "", "either as windows or as seasons"),
    ],
)
def test_hours_that_are_wrong_are_refused_where_they_stand(changes: dict[str, Any], place: str, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        rule(**changes)
    error = caught.value.errors()[0]
    assert place == ".".join(map(str, error["loc"]))
    assert problem in error["msg"]


FIRST: dict[str, Any] = {"from": date(2026, 1, 1), "windows": ["09:00-17:00"]}
NEXT: dict[str, Any] = {"from": date(2026, 7, 1), "windows": ["08:00-16:00"]}


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ((FIRST | {"until": date(2026, 7, 1)}, NEXT), "from 2026-07-01 overlaps the rule above"),
        ((FIRST | {"until": date(2026, 6, 29)}, NEXT), "from 2026-07-01 leaves a gap after 2026-06-29"),
        ((NEXT, FIRST), "from 2026-01-01 stands below from 2026-07-01"),
        ((FIRST, FIRST), "from 2026-01-01 stands below from 2026-01-01"),
    ],
)
def test_the_rules_of_a_unit_follow_each_other_day_by_day(rules: tuple[dict[str, Any], ...], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        unit(*rules)
    [error] = caught.value.errors()
    assert ("office_hours", 1) == error["loc"]
    assert problem in error["msg"]


@pytest.mark.parametrize("first", [FIRST, FIRST | {"until": date(2026, 6, 30)}])
def test_a_rule_lasts_until_the_next_begins(first: dict[str, Any]) -> None:
    assert 2 == len(unit(first, NEXT).office_hours)
