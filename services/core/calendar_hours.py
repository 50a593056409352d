"""Office hours as data (办公时间): dated rules of windows, the same all year or by season.

A rule belongs to a layer of the calendar, or to one unit of the directory. Errors name the field and the rule broken.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

MINUTES_PER_DAY = 24 * 60
LEAP_YEAR = 2024
"""A year that has every day that a year can have."""


class Data(BaseModel):
    """A part of a calendar file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    if not (len(hour) == 2 == len(minute) and hour.isdecimal() and minute.isdecimal() and int(minute) < 60):
        raise ValueError(f'"{text}" is not a time: write HH:MM')
    return int(hour) * 60 + int(minute)


def _window(value: object) -> tuple[int, int]:
    # A bare 14:30 is the number 870 to YAML 1.1, hence a window is one string and never two times.
    if not isinstance(value, str) or value.count("-") != 1:
        raise ValueError('write a window as one string, such as "08:30-12:00"')
    opens, closes = (_minute(part) for part in value.split("-"))
    if not opens < closes <= MINUTES_PER_DAY:
        raise ValueError(f'"{value}" must close after it opens, at 24:00 at the latest')
    return opens, closes


Window = Annotated[tuple[int, int], BeforeValidator(_window)]
"""Opening and close in minutes from local midnight, written "08:30-12:00"; closed at the close itself."""


def written(window: tuple[int, int]) -> str:
    """Write a window as the files do, for instance `08:30-12:00`."""
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in window)


def _month_day(value: object) -> tuple[int, int]:
    if isinstance(value, str) and len(value) == len("MM-DD"):
        try:
            found = date.fromisoformat(f"{LEAP_YEAR}-{value}")
        except ValueError:
            pass
        else:
            return found.month, found.day
    raise ValueError(f'"{value}" is no day of the year: write MM-DD in quotes, such as "05-01"')


MonthDay = Annotated[tuple[int, int], BeforeValidator(_month_day)]
"""A day of every year as month and day, written "05-01"."""


def at_place(place: int, message: str) -> ValidationError:
    """Give an error about one item of a list, so that the line of that item is named."""
    about = InitErrorDetails(
        type=PydanticCustomError("calendar_rule", "{said}", {"said": message}), loc=(place,), input={}
    )
    return ValidationError.from_exception_data("hours", [about])


def _check_windows(windows: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    for place, (before, after) in enumerate(pairwise(windows), start=1):
        if after[0] < before[1]:
            raise at_place(
                place,
                f'"{written(after)}" opens before "{written(before)}" closes: windows overlap or are not in order',
            )
    return windows


class Season(Data):
    """A part of every year with hours of its own, both days included; `begins` after `ends` goes over New Year."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    begins: MonthDay
    ends: MonthDay
    windows: tuple[Window, ...] = Field(min_length=1)

    _in_order = field_validator("windows")(_check_windows)

    def covers(self, day: date) -> bool:
        """Say whether the day lies in the season."""
        at = (day.month, day.day)
        if self.begins <= self.ends:
            return self.begins <= at <= self.ends
        return at >= self.begins or at <= self.ends


class HoursRule(Data):
    """Office hours of working days from `from` to `until`; of several rules for a day the last one counts.

    Either `windows` of the whole year, or `seasons` that cover each day of the year once. `known_from` is the instant
    from which decisions count with it, for ever if left out; `basis` cites the document.
    """

    from_: date = Field(alias="from")
    until: date | None = None
    windows: tuple[Window, ...] = ()
    seasons: tuple[Season, ...] = ()
    basis: str | None = None
    known_from: AwareDatetime | None = None

    _in_order = field_validator("windows")(_check_windows)

    @field_validator("until")
    @classmethod
    def _not_before_from(cls, until: date | None, info: ValidationInfo) -> date | None:
        first = info.data.get("from_")
        if until is not None and first is not None and until < first:
            raise ValueError(f"{until} is before the first day, {first}")
        return until

    @field_validator("seasons")
    @classmethod
    def _cover_the_year_once(cls, seasons: tuple[Season, ...]) -> tuple[Season, ...]:
        for offset in range(366 if seasons else 0):
            day = date(LEAP_YEAR, 1, 1) + timedelta(days=offset)
            found = [place for place, season in enumerate(seasons) if season.covers(day)]
            if len(found) > 1:
                first, second = (seasons[place].en for place in found[:2])
                raise at_place(found[1], f"{day:%m-%d} lies in {first} and in {second}: seasons do not overlap")
            if not found:
                raise ValueError(f"{day:%m-%d} lies in no season: together they cover every day of the year")
        return seasons

    @model_validator(mode="after")
    def _one_of_both(self) -> "HoursRule":
        if bool(self.windows) == bool(self.seasons):
            raise ValueError("hours are given either as windows or as seasons: one of both, at least one window")
        return self

    def covers(self, day: date) -> bool:
        """Say whether the rule is in force on that day."""
        return self.from_ <= day and (self.until is None or day <= self.until)

    def windows_on(self, day: date) -> tuple[tuple[int, int], ...]:
        """Give the windows of a day that the rule covers: those of its season."""
        return next((season.windows for season in self.seasons if season.covers(day)), self.windows)


def in_succession(rules: Sequence[HoursRule]) -> None:
    """Raise `ValidationError` unless the rules follow each other day by day: no gap, no overlap, in order.

    One without `until` lasts until the next begins.
    """
    for place, (before, after) in enumerate(pairwise(rules), start=1):
        if after.from_ <= before.from_:
            raise at_place(place, f"from {after.from_} stands below from {before.from_}: rules stand in order")
        if before.until is not None and before.until >= after.from_:
            raise at_place(place, f"from {after.from_} overlaps the rule above, which lasts until {before.until}")
        if before.until is not None and before.until + timedelta(days=1) < after.from_:
            raise at_place(
                place, f"from {after.from_} leaves a gap after {before.until}, the last day of the rule above"
            )
