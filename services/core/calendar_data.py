"""What a calendar file may say: one layer of notices and office hours, as validated, frozen data.

A layer belongs to a level of government, or to one unit. Its notices say which weekdays are off and which weekend
days are worked (调休); a later notice overrides an earlier one, and a lower level a higher one. Nothing counts before
it is known: see `services.core.calendar_history`. Errors name the field.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, StringConstraints, ValidationInfo, field_validator

from services.core.calendar_hours import Data, HoursRule, at_place

Level = Literal["nation", "province", "prefecture", "county", "unit"]
LEVELS: tuple[Level, ...] = ("nation", "province", "prefecture", "county", "unit")
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=20)]


class DaysOff(Data):
    """A holiday as the notice states it: first and last day off, weekends within included."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    from_: date = Field(alias="from")
    until: date

    @field_validator("until")
    @classmethod
    def _not_before_from(cls, until: date, info: ValidationInfo) -> date:
        first = info.data.get("from_")
        if first is not None and not first <= until <= first + timedelta(days=30):
            raise ValueError(f"{until} is not within 30 days from the first day off, {first}")
        return until

    def days(self) -> tuple[date, ...]:
        """Give every day off, weekends included."""
        return tuple(self.from_ + timedelta(days=i) for i in range((self.until - self.from_).days + 1))


class Notice(Data):
    """One official notice: the days off of a year and the days worked instead.

    `amends` is the id of an earlier notice of the same layer that this one changes in part, `overrides` that of a
    notice of a layer above whose days off are worked here: only with one of them are weekdays listed in `workdays`. A
    New Year's holiday may begin in the last week of the year before. `issued` is the date the notice bears;
    `known_from` the instant from which decisions count with it, by default the end of the day of issue.
    """

    id: str = Field(min_length=1, max_length=120)
    title: str = Field(min_length=1)
    issued: date
    known_from: AwareDatetime | None = None
    url: str | None = None
    year: int = Field(ge=2000, le=2100)
    amends: str | None = None
    overrides: str | None = None
    days_off: tuple[DaysOff, ...] = ()
    workdays: tuple[date, ...] = ()

    def known(self, zone: ZoneInfo) -> datetime:
        """Give the instant from which the notice is known: what is issued on a day is known when the day is over."""
        if self.known_from is not None:
            return self.known_from.astimezone(UTC)
        return datetime.combine(self.issued + timedelta(days=1), time(), zone).astimezone(UTC)

    def named(self) -> tuple[date, ...]:
        """Give every day that it says something about."""
        return (*(day for holiday in self.days_off for day in holiday.days()), *self.workdays)

    @field_validator("known_from")
    @classmethod
    def _not_before_issue(cls, known_from: datetime | None, info: ValidationInfo) -> datetime | None:
        issued = info.data.get("issued")
        if known_from is not None and issued is not None and known_from.date() < issued:
            raise ValueError(f"{known_from.isoformat()} is before the day of issue, {issued}")
        return known_from

    @field_validator("days_off")
    @classmethod
    def _days_off_once_and_in_year(cls, days_off: tuple[DaysOff, ...], info: ValidationInfo) -> tuple[DaysOff, ...]:
        days = [day for holiday in days_off for day in holiday.days()]
        _check_days(days, info)
        return days_off

    @field_validator("workdays")
    @classmethod
    def _workdays_are_weekend_days(cls, workdays: tuple[date, ...], info: ValidationInfo) -> tuple[date, ...]:
        _check_days(workdays, info)
        off = {day for holiday in info.data.get("days_off", ()) for day in holiday.days()}
        for day in workdays:
            if day in off:
                raise ValueError(f"{day} is a day off in the same notice")
            if day.weekday() < 5 and info.data.get("amends") is None and info.data.get("overrides") is None:
                raise ValueError(f"{day} is a {day:%A}, which is worked anyway: only weekend days are listed here")
        return workdays


def _check_days(days: list[date] | tuple[date, ...], info: ValidationInfo) -> None:
    year = info.data.get("year")
    for i, day in enumerate(days):
        if day in days[:i]:
            raise ValueError(f"{day} is listed twice")
        if year is not None and not date(year - 1, 12, 25) <= day <= date(year, 12, 31):
            raise ValueError(f"{day} is not in the notice's year, {year}")


class Festival(Data):
    """The date on which each festival of the farmer's calendar (农历) begins in one year; Qingming is a solar term."""

    spring_festival: date
    qingming: date
    dragon_boat: date
    mid_autumn: date


class StatutoryDay(Data):
    """A holiday of the law: from `begins` (MM-DD, or a festival's name), `shift` days moved, `days` long."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    begins: Annotated[
        str,
        StringConstraints(pattern=r"^((0[1-9]|1[0-2])-[0-3][0-9]|spring_festival|qingming|dragon_boat|mid_autumn)$"),
    ]
    shift: int = Field(default=0, ge=-3, le=3)
    days: int = Field(default=1, ge=1, le=7)

    @field_validator("begins")
    @classmethod
    def _a_day_of_every_year(cls, begins: str) -> str:
        if begins[0].isdecimal():
            try:
                date.fromisoformat(f"2001-{begins}")
            except ValueError:
                raise ValueError(f'"{begins}" is no day of every year') from None
        return begins

    def days_in(self, year: int, festivals: Mapping[int, Festival]) -> tuple[date, ...]:
        """Give its days in a year; none if it hangs on a festival whose date is not listed for that year."""
        if self.begins[0].isdecimal():
            first = date.fromisoformat(f"{year}-{self.begins}")
        elif year in festivals:
            first = getattr(festivals[year], self.begins)
        else:
            return ()
        return tuple(first + timedelta(days=self.shift + i) for i in range(self.days))


class Statute(Data):
    """A version of the law on public holidays: what is off in a year whose notice is not out, from `from_year` on."""

    id: str = Field(min_length=1, max_length=120)
    title: str = Field(min_length=1)
    issued: date
    url: str | None = None
    from_year: int = Field(ge=2000, le=2100)
    days_off: tuple[StatutoryDay, ...] = Field(min_length=1)

    def known(self, zone: ZoneInfo) -> datetime:
        """Give the instant from which the law is known: when its day of issue is over."""
        return datetime.combine(self.issued + timedelta(days=1), time(), zone).astimezone(UTC)


class CalendarLayer(Data):
    """One calendar file. `parents` names the layer above, if any; the nation's layer has none."""

    name: Name
    level: Level
    title_zh: str = Field(min_length=1)
    title_en: str = Field(min_length=1)
    parents: tuple[Name, ...] = Field(default=(), max_length=1)
    zone: str | None = None
    hours: tuple[HoursRule, ...] = ()
    statutes: tuple[Statute, ...] = ()
    festivals: dict[int, Festival] = Field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    @field_validator("statutes")
    @classmethod
    def _in_order_of_issue(cls, statutes: tuple[Statute, ...], info: ValidationInfo) -> tuple[Statute, ...]:
        if statutes and info.data.get("level") != "nation":
            raise ValueError("the law on public holidays stands in the nation's layer")
        for earlier, later in pairwise(statutes):
            if not (earlier.issued < later.issued and earlier.from_year < later.from_year):
                raise ValueError(f"{later.id} stands below {earlier.id}, but is not later: laws stand in order")
        return statutes

    @field_validator("festivals")
    @classmethod
    def _in_their_year(cls, festivals: dict[int, Festival]) -> dict[int, Festival]:
        for year, festival in festivals.items():
            for name in Festival.model_fields:
                if getattr(festival, name).year != year:
                    raise ValueError(f"{year}: {name}: {getattr(festival, name)} is not in that year")
        return festivals

    @field_validator("parents")
    @classmethod
    def _only_the_nation_has_none(cls, parents: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if (info.data.get("level") == "nation") == bool(parents):
            raise ValueError("the nation's layer has no parent, every other layer has one")
        return parents

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError(f'"{zone}" is not an IANA time zone, such as "Asia/Shanghai"') from None
        return zone

    @field_validator("notices")
    @classmethod
    def _notices_agree(cls, notices: tuple[Notice, ...], info: ValidationInfo) -> tuple[Notice, ...]:
        earlier: dict[str, Notice] = {}
        last: Notice | None = None
        for place, notice in enumerate(notices):
            if notice.id in earlier:
                raise ValueError(f"{notice.id} is listed twice")
            if last is not None and notice.issued < last.issued:
                raise ValueError(f"{notice.id} was issued before {last.id}: notices stand in order of issue")
            if notice.amends is not None:
                _check_amendment(notice, earlier)
            else:
                _check_new(place, notice, earlier)
            if notice.overrides is not None and info.data.get("level") == "nation":
                raise at_place(
                    place, f"{notice.id} overrides {notice.overrides}, but no layer stands above the nation's"
                )
            earlier[notice.id] = last = notice
        if info.data.get("level") == "nation":
            _check_years(notices)
        return notices


def _check_new(place: int, notice: Notice, earlier: Mapping[str, Notice]) -> None:
    named = {day: other.id for other in earlier.values() for day in other.named()}
    again = next((day for day in notice.named() if day in named), None)
    if again is not None:
        raise at_place(place, f"{notice.id} names {again}, as {named[again]} does: say what it amends")


def _check_amendment(notice: Notice, earlier: dict[str, Notice]) -> None:
    amended = earlier.get(notice.amends or "")
    if amended is None or amended.year != notice.year:
        raise ValueError(f"{notice.id} amends {notice.amends}, which is no earlier notice of {notice.year}")
    off = {day for other in earlier.values() for holiday in other.days_off for day in holiday.days()}
    for day in notice.workdays:
        if day.weekday() < 5 and day not in off:
            raise ValueError(f"{notice.id}: workdays: {day} is a {day:%A}, which is worked anyway")


def _check_years(notices: tuple[Notice, ...]) -> None:
    years = sorted(notice.year for notice in notices if notice.amends is None)
    if not years:
        raise ValueError("the nation's layer needs the notice of at least one year")
    # A year left out would count as weekends only without anybody noticing.
    if years != list(range(years[0], years[0] + len(years))):
        raise ValueError(f"one notice a year without a gap is needed, found {', '.join(map(str, years))}")
