"""Hot issues: what is asked for more than usual in a week, by unit, category and area (Art. 5).

Nothing below `K` tickets is ever shown: a small count may point at a person (Art. 13).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Final, Literal
from zoneinfo import ZoneInfo

from schemas.facts import Fact, TicketDispatched, TicketOpened
from schemas.vocabulary import Trend

K: Final = 5
"""The smallest count that is shown."""
WEEKS: Final = 8
"""How many weeks before are compared with."""
RISES: Final = Fraction(3, 2)
"""From this multiple of the usual number on an issue rises; from its inverse down it falls."""
Dimension = Literal["unit", "category", "area"]


@dataclass(frozen=True)
class HotIssue:
    """A unit, category or area in one week: how many tickets, how many are usual, and how that compares.

    `usual` is the median of the eight weeks before, weeks without a ticket counting as 0: one outlier moves it little.
    """

    dimension: Dimension
    value: str
    week: str
    tickets: int
    usual: float
    trend: Trend


def monday_of(at: datetime, zone: ZoneInfo) -> date:
    """Give the Monday of the week of an instant, in local time."""
    day = at.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def week_name(monday: date) -> str:
    """Give the ISO 8601 name of a week: `2026-W45`."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def counted(facts: Iterable[Fact], zone: ZoneInfo) -> dict[tuple[Dimension, str], Counter[date]]:
    """Count each ticket once: for its category and area in the week it came, for its first unit when it went there."""
    found: dict[tuple[Dimension, str], Counter[date]] = {}
    opened: set[str] = set()
    placed: set[str] = set()
    for fact in facts:
        if isinstance(fact, TicketOpened) and fact.subject not in opened:
            opened.add(fact.subject)
            monday = monday_of(fact.time, zone)
            found.setdefault(("category", fact.category), Counter())[monday] += 1
            found.setdefault(("area", fact.area), Counter())[monday] += 1
        elif isinstance(fact, TicketDispatched) and fact.subject not in placed and fact.unit is not None:
            placed.add(fact.subject)
            found.setdefault(("unit", fact.unit), Counter())[monday_of(fact.time, zone)] += 1
    return found


def trend_of(tickets: int, before: Iterable[int]) -> tuple[float, Trend]:
    """Compare a week with those before it."""
    usual = Fraction(median(before))
    if usual == 0:
        return 0.0, Trend.NEW
    times = tickets / usual
    return float(usual), Trend.RISING if times >= RISES else Trend.FALLING if times <= 1 / RISES else Trend.STEADY


def hot_issues(facts: Iterable[Fact], zone: ZoneInfo, monday: date) -> list[HotIssue]:
    """Give what was asked for at least `K` times in the week of `monday`: what rises most comes first."""
    issues = []
    for (dimension, value), weeks in counted(facts, zone).items():
        tickets = weeks[monday]
        if tickets < K:
            continue
        before = [weeks[monday - timedelta(weeks=back)] for back in range(1, WEEKS + 1)]
        usual, trend = trend_of(tickets, before)
        issues.append(HotIssue(dimension, value, week_name(monday), tickets, usual, trend))
    return sorted(issues, key=lambda one: (one.dimension, -(one.tickets - one.usual), -one.tickets, one.value))
