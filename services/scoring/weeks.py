"""What a unit is asked for more than usual: tickets by category and week, said once the week is over (Art. 5)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from schemas.envelope import derived_id
from schemas.supervision import HotIssuePublished
from services.core.hot_issues import WEEKS, K, monday_of, trend_of, week_name
from services.core.service import Output

SETTLES: Final = timedelta(hours=1)
"""How long after a week's end what other partitions sent in it has come; what comes later only counts as usual."""
WEEK: Final = timedelta(weeks=1)


class Weeks(BaseModel):
    """The tickets that came to a unit in its newest weeks (each named by its Monday, local time), by category.

    `due` is when the oldest week that was not told yet is to be told; `told` the last that was.
    """

    model_config = ConfigDict(frozen=True)
    counts: dict[date, dict[str, int]] = {}
    due: datetime | None = None
    told: date | None = None

    def add(self, category: str, at: datetime, zone: ZoneInfo) -> "Weeks":
        """Count one ticket more."""
        monday = monday_of(at, zone)
        week = self.counts.get(monday, {})
        week = dict(sorted((week | {category: week.get(category, 0) + 1}).items()))
        kept = dict(sorted((self.counts | {monday: week}).items())[-(WEEKS + 2) :])
        return Weeks(counts=kept, due=_due(kept, self.told, zone), told=self.told)

    def tell(
        self, now: datetime, zone: ZoneInfo, source: str, unit: str, unit_group: str
    ) -> tuple["Weeks", tuple[Output, ...]]:
        """Say what was asked for at least `K` times in each week that is over and was not told yet."""
        over = [monday for monday in self.counts if _untold(monday, self.told) and _settled(monday, zone) <= now]
        told = max(over, default=self.told)
        issues = (issue for monday in over for issue in self._issues(monday, zone, source, unit, unit_group))
        outputs = tuple(Output("hot-issues", issue) for issue in issues)
        return Weeks(counts=self.counts, due=_due(self.counts, told, zone), told=told), outputs

    def _issues(
        self, monday: date, zone: ZoneInfo, source: str, unit: str, unit_group: str
    ) -> Iterator[HotIssuePublished]:
        before = [self.counts.get(monday - back * WEEK, {}) for back in range(1, WEEKS + 1)]
        for category, tickets in self.counts[monday].items():
            if tickets < K:
                continue
            usual, trend = trend_of(tickets, (week.get(category, 0) for week in before))
            week = week_name(monday)
            yield HotIssuePublished(
                id=derived_id("hot-issue", unit, week, category),
                source=source,
                subject=unit,
                time=_settled(monday, zone),
                unit=unit,
                unit_group=unit_group,
                week=week,
                category=category,
                tickets=tickets,
                usual=usual,
                trend=trend,
            )


def _untold(monday: date, told: date | None) -> bool:
    return told is None or monday > told


def _settled(monday: date, zone: ZoneInfo) -> datetime:
    """Give the instant at which a week is told."""
    return datetime.combine(monday + WEEK, time(), zone).astimezone(UTC) + SETTLES


def _due(counts: dict[date, dict[str, int]], told: date | None, zone: ZoneInfo) -> datetime | None:
    return min((_settled(monday, zone) for monday in counts if _untold(monday, told)), default=None)
