"""Which days are worked, and when the office is open on them: the layers of a calendar over each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from services.core.calendar_data import CalendarLayer
from services.core.calendar_hours import HoursRule
from services.core.calendar_layers import layer_problems

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MICROS_PER_MINUTE = 60_000_000
MICROS_PER_DAY = 24 * 60 * MICROS_PER_MINUTE
DayKind = Literal["workday", "weekend", "holiday", "adjusted_workday", "local"]


@dataclass(frozen=True, slots=True)
class DayReason:
    """Why a day is worked or off, by which notice of which layer. `local` is a day off of a level below the nation."""

    kind: DayKind
    name_zh: str
    name_en: str
    notice: str | None = None
    layer: str | None = None

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
    """Raise ValueError unless the layers form one chain, the nation first, and what they say fits together."""
    for problem in layer_problems(layers):
        where = ".".join(map(str, problem.place))
        raise ValueError(f"calendar {problem.layer}: {where}: {problem.message}")


def statutory_days(nation: CalendarLayer, years: Iterable[int]) -> dict[date, DayReason]:
    """Give the days off that the law itself sets in these years, whose notices are not out (全国年节及纪念日放假办法).

    The law moves a holiday that falls on a weekend to some working day; which one only the notice says.
    """
    named: dict[date, DayReason] = {}
    for year in years:
        law = next((law for law in reversed(nation.statutes) if law.from_year <= year), None)
        for holiday in law.days_off if law else ():
            reason = DayReason("holiday", holiday.zh, holiday.en, law.id if law else None, nation.name)
            named.update(dict.fromkeys(holiday.days_in(year, nation.festivals), reason))
    return named


def named_days(layers: Sequence[CalendarLayer], unannounced: Iterable[int] = ()) -> dict[date, DayReason]:
    """Give the days that notices name; later notices win over earlier, lower levels over higher ones.

    But a public holiday of the nation is worked nowhere, also where it was announced after a lower level's notice.

    In the years that are `unannounced` the nation's days are those of the law.
    """
    named = statutory_days(layers[0], unannounced)
    for layer in layers:
        off: DayKind = "holiday" if layer.level == "nation" else "local"
        for notice in layer.notices:
            for holiday in notice.days_off:
                reason = DayReason(off, holiday.zh, holiday.en, notice.id, layer.name)
                named.update(dict.fromkeys(holiday.days(), reason))
            adjusted = DayReason("adjusted_workday", "调休上班", "Adjusted working day", notice.id, layer.name)
            worked = (day for day in notice.workdays if layer.level == "nation" or not _public_holiday(day, named))
            named.update(dict.fromkeys(worked, adjusted))
    return named


def _public_holiday(day: date, named: Mapping[date, DayReason]) -> bool:
    return day in named and named[day].kind == "holiday"


@lru_cache(maxsize=1 << 15)
def _midnight(zone: ZoneInfo, ordinal: int) -> int:
    return (datetime.combine(date.fromordinal(ordinal), time(), zone) - EPOCH) // MICROSECOND


def open_windows(day: date, rules: Sequence[HoursRule], zone: ZoneInfo) -> list[tuple[int, int]]:
    """Give opening and close on a working day, in microseconds since 1970; ValueError if no rule covers the day."""
    rule = next((rule for rule in reversed(rules) if rule.covers(day)), None)
    if rule is None:
        raise ValueError(f"hours: no rule covers the working day {day}")
    windows = rule.windows_on(day)
    ordinal = day.toordinal()
    start = _midnight(zone, ordinal)
    if _midnight(zone, ordinal + 1) - start == MICROS_PER_DAY:
        return [(start + opens * MICROS_PER_MINUTE, start + closes * MICROS_PER_MINUTE) for opens, closes in windows]
    midnight = datetime.combine(day, time(), zone)

    def at(minute: int) -> int:
        # Adding to an aware local time moves the wall clock, which is what office hours follow.
        return (midnight + timedelta(minutes=minute) - EPOCH) // MICROSECOND

    return [(at(opens), at(closes)) for opens, closes in windows]
