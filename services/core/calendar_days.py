"""Which days are worked, and when the office is open on them: the layers of a calendar over each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from services.core.calendar_data import LEVELS, CalendarLayer, HoursRule

DayKind = Literal["workday", "weekend", "holiday", "adjusted_workday", "local"]


@dataclass(frozen=True, slots=True)
class DayReason:
    """Why a day is worked or off, and by which notice. `local` is a day off of a level below the nation."""

    kind: DayKind
    name_zh: str
    name_en: str
    notice: str | None = None

    @property
    def worked(self) -> bool:
        """Say whether the day is a working day."""
        return self.kind in {"workday", "adjusted_workday"}


WORKDAY = DayReason("workday", "工作日", "Working day")
WEEKEND = DayReason("weekend", "周末", "Weekend")


def ordinary_day(day: date) -> DayReason:
    """Give the reason of a day that no notice names."""
    return WORKDAY if day.weekday() < 5 else WEEKEND


def check_layers(layers: Sequence[CalendarLayer]) -> None:
    """Raise ValueError unless the layers form one chain, the nation first."""
    if not layers or layers[0].level != "nation":
        raise ValueError("a calendar starts with the nation's layer")
    for above, below in pairwise(layers):
        if below.parents != (above.name,) or LEVELS.index(above.level) >= LEVELS.index(below.level):
            raise ValueError(f"calendar {below.name}: parents: {above.name} ({above.level}) does not stand above it")


def named_days(layers: Sequence[CalendarLayer]) -> dict[date, DayReason]:
    """Give the days that notices name; later notices win over earlier, lower levels over higher ones."""
    named: dict[date, DayReason] = {}
    for layer in layers:
        off: DayKind = "holiday" if layer.level == "nation" else "local"
        for notice in layer.notices:
            for holiday in notice.days_off:
                reason = DayReason(off, holiday.zh, holiday.en, notice.id)
                named.update(dict.fromkeys(holiday.days(), reason))
            adjusted = DayReason("adjusted_workday", "调休上班", "Adjusted working day", notice.id)
            named.update(dict.fromkeys(notice.workdays, adjusted))
    return named


def open_windows(day: date, rules: Sequence[HoursRule], zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Give the instants (UTC) of opening and close on a working day; ValueError if no rule covers the day."""
    rule = next((rule for rule in reversed(rules) if rule.covers(day)), None)
    if rule is None:
        raise ValueError(f"hours: no rule covers the working day {day}")
    midnight = datetime.combine(day, time(), zone)

    def at(minute: int) -> datetime:
        # Adding to an aware local time moves the wall clock, which is what office hours follow.
        return (midnight + timedelta(minutes=minute)).astimezone(UTC)

    return [(at(opens), at(closes)) for opens, closes in rule.windows]
