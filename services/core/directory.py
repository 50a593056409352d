"""The unit directory and the dispatch catalogue (派单目录): which unit is responsible for what, and why (Art. 6)."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from schemas.vocabulary import Lane
from services.core.calendar import WorkCalendar
from services.core.calendar_hours import HoursRule, in_succession


def _quoted(value: object) -> object:
    """Refuse a bare 10:00, which YAML reads as the number 600."""
    if not isinstance(value, str | time):
        raise ValueError('write a time of day in quotes, for instance "10:00"')  # noqa: TRY004 - pydantic wants it
    return value


LocalTime = Annotated[time, BeforeValidator(_quoted)]
"""A local time of day, quoted in YAML."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnowledgeCount(_Entry):
    """How many articles of the knowledge base a unit keeps, and how many of them are current (Art. 15)."""

    current: int = Field(ge=0)
    kept: int = Field(ge=1)

    @model_validator(mode="after")
    def _part_of_the_whole(self) -> "KnowledgeCount":
        if self.current > self.kept:
            raise ValueError(f"{self.current} current articles of {self.kept} kept")
        return self


class Stretch(_Entry):
    """A stretch of local time on working days."""

    opens: LocalTime
    closes: LocalTime

    @model_validator(mode="after")
    def _forward(self) -> "Stretch":
        if self.closes <= self.opens:
            raise ValueError(f"{self.closes:%H:%M} is not after {self.opens:%H:%M}")
        return self


class Unit(_Entry):
    """A unit that handles tickets; `group` is the unit group of scores and metrics.

    `phone` is its public consultation phone, kept open on working days in `consultation_hours`, by default in office
    hours (Art. 5). `office_hours` are its own, from their first day on, where they are not the jurisdiction's: the
    clocks that it answers for count in them.
    """

    id: str
    name_zh: str
    name_en: str
    group: str
    knowledge: KnowledgeCount | None = None
    phone: str | None = Field(default=None, pattern=r"^[0-9-]{3,20}$")
    consultation_hours: tuple[Stretch, ...] = ()
    office_hours: tuple[HoursRule, ...] = ()

    @field_validator("office_hours")
    @classmethod
    def _one_after_the_other(cls, rules: tuple[HoursRule, ...]) -> tuple[HoursRule, ...]:
        in_succession(rules)
        return rules

    def reachable(self, at: datetime, calendar: WorkCalendar) -> bool:
        """Say whether its consultation phone has to be answered at `at` (Art. 5)."""
        if not self.consultation_hours:
            return calendar.is_open(at)
        local = at.astimezone(calendar.zone)
        open_now = any(stretch.opens <= local.time() < stretch.closes for stretch in self.consultation_hours)
        return open_now and calendar.is_working_day(local.date())


class Category(_Entry):
    """A category of matters: the unit responsible, per area where `by_area`; or the lane that it takes at the door."""

    code: str
    name_zh: str
    name_en: str
    lane: Lane = Lane.ACCEPT
    unit: str | None = None
    by_area: bool = False
    call_number: str | None = None
    lane_code: str | None = None
    tier: str | None = None
    """The urgency tier of the rulebook that rules it instead of its kind."""
    desk: bool = False
    """Nobody's in particular: the manual desk names the unit of each."""

    @model_validator(mode="after")
    def _complete(self) -> "Category":
        if self.lane is Lane.EMERGENCY and not self.call_number:
            raise ValueError(f"category {self.code}: an emergency needs call_number")
        if self.lane in {Lane.LAWFUL_CHANNEL, Lane.NOT_ACCEPTABLE} and not self.lane_code:
            raise ValueError(f"category {self.code}: a refusal needs lane_code")
        if self.lane is Lane.ACCEPT and [self.unit is not None, self.by_area, self.desk].count(True) != 1:
            raise ValueError(f"category {self.code}: give one of unit, by_area: true, desk: true")
        return self


class Area(_Entry):
    """A township: its government is the unit of last resort for matters there (Art. 7)."""

    code: str
    name_zh: str
    name_en: str
    unit: str


@dataclass(frozen=True)
class Placement:
    """The unit chosen, and the rule that chose it."""

    unit: Unit
    rule: str


class Directory(_Entry):
    """Units, categories and areas of one jurisdiction; every reference is checked."""

    name: str
    version: str
    groups: dict[str, str] = Field(description="unit groups: code to Chinese name")
    units: tuple[Unit, ...]
    categories: tuple[Category, ...]
    areas: tuple[Area, ...]

    @field_validator("units")
    @classmethod
    def _known_groups(cls, units: tuple[Unit, ...], info: ValidationInfo) -> tuple[Unit, ...]:
        for unit in units:
            if unit.group not in info.data.get("groups", {unit.group}):
                raise ValueError(f"unit {unit.id}: unknown group {unit.group}")
        return units

    @field_validator("categories")
    @classmethod
    def _known_units(cls, categories: tuple[Category, ...], info: ValidationInfo) -> tuple[Category, ...]:
        known = {unit.id for unit in info.data.get("units", ())}
        for category in categories:
            if known and category.unit is not None and category.unit not in known:
                raise ValueError(f"category {category.code}: unknown unit {category.unit}")
        return categories

    @field_validator("areas")
    @classmethod
    def _known_governments(cls, areas: tuple[Area, ...], info: ValidationInfo) -> tuple[Area, ...]:
        known = {unit.id for unit in info.data.get("units", ())}
        for area in areas:
            if known and area.unit not in known:
                raise ValueError(f"area {area.code}: unknown unit {area.unit}")
        return areas

    def unit(self, unit_id: str) -> Unit | None:
        """Give the unit of that id."""
        return next((unit for unit in self.units if unit.id == unit_id), None)

    def category(self, code: str) -> Category | None:
        """Give the category of that code."""
        return next((category for category in self.categories if category.code == code), None)

    def place(self, category_code: str, area_code: str) -> Placement | None:
        """Choose the unit for a matter; None sends it to the manual desk (Art. 6)."""
        category = self.category(category_code)
        if category is None:
            return None
        if category.by_area:
            area = next((area for area in self.areas if area.code == area_code), None)
            found = self.unit(area.unit) if area else None
            return Placement(found, f"{category.code}/{area_code}") if found else None
        found = self.unit(category.unit) if category.unit else None
        return Placement(found, category.code) if found else None

    def last_resort(self, area_code: str) -> Placement | None:
        """Give the area's government (Art. 7)."""
        area = next((area for area in self.areas if area.code == area_code), None)
        found = self.unit(area.unit) if area else None
        return Placement(found, f"last-resort/{area_code}") if found else None
