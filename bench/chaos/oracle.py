"""What sla-timer must have said, told from the records on `ticket-events` by the plainest means.

Nothing of the engine, the service, its state or the calendar is used: records are JSON, a ticket is a dict, a pulse
looks at every ticket. Two words of the rules are said anew here: a clock rings its marks, then its end; a
`handle` clock that ended rings `overdue_daily` at 08:30 of each following working day (Monday to Friday; the simulated
weeks have no days off).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Signal = tuple[str, str, int, str, str, str | None]
"""Ticket, clock, cycle, due, at, rung."""
BUDGET = 500
"""Most alarms of one pulse in one partition; with more, records may overtake alarms."""
_EAST_8 = timedelta(hours=8)


@dataclass
class Expected:
    """What must be on the broker."""

    signals: set[Signal] = field(default_factory=set)
    last_sequence: dict[str, int] = field(default_factory=dict)
    running: dict[str, set[tuple[str, int, str]]] = field(default_factory=dict)
    """Per ticket its clocks that run at the end: kind, cycle, due."""
    most_at_once: int = 0


def instant(text: str) -> datetime:
    """Give the instant of an RFC 3339 text."""
    return datetime.fromisoformat(text).astimezone(UTC)


def shown(at: datetime) -> str:
    """Give an instant as text, one form for all."""
    return at.astimezone(UTC).isoformat()


def next_morning(at: datetime) -> datetime:
    """Give 08:30 in China of the next Monday to Friday after the day of `at`."""
    local = at.replace(tzinfo=None) + _EAST_8
    day = local.replace(hour=8, minute=30, second=0, microsecond=0) + timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return (day - _EAST_8).replace(tzinfo=UTC)


def _alarms(clock: dict[str, Any]) -> list[tuple[datetime, str | None]]:
    marks = [(instant(mark["at"]), mark["rung"]) for mark in clock["marks"]]
    return [*marks, (instant(clock["due_at"]), None)]


def expected(partitions: Iterable[Iterable[tuple[dict[str, str], dict[str, Any]]]]) -> Expected:
    """Go through the records (attributes, value) of each partition in their order."""
    found = Expected()
    for records in partitions:
        _partition(records, found)
    return found


def _partition(records: Iterable[tuple[dict[str, str], dict[str, Any]]], found: Expected) -> None:
    tickets: dict[str, dict[tuple[str, int], list[Any]]] = defaultdict(dict)
    nearest: dict[str, datetime] = {}
    now = datetime.min.replace(tzinfo=UTC)
    for attributes, value in records:
        if attributes["type"] == "clock.pulsed.v1":
            now = max(now, instant(attributes["time"]))
            before = len(found.signals)
            for ticket, clocks in tickets.items():
                if nearest[ticket] <= now:
                    for (kind, cycle), (due, ahead) in clocks.items():
                        _ring(found, (ticket, kind, cycle, due), ahead, now)
                    nearest[ticket] = _nearest(clocks)
            found.most_at_once = max(found.most_at_once, len(found.signals) - before)
            continue
        ticket = attributes["subject"]
        assert int(attributes["sequence"]) == found.last_sequence.get(ticket, 0) + 1, "the load says each fact once"
        found.last_sequence[ticket] = int(attributes["sequence"])
        clocks = tickets[ticket]
        for clock in value["stopped"]:
            clocks.pop((clock["kind"], clock["cycle"]), None)
        for clock in value["started"]:
            clocks[clock["kind"], clock["cycle"]] = [shown(instant(clock["due_at"])), _alarms(clock)]
        nearest[ticket] = _nearest(clocks)
        if not clocks:
            del tickets[ticket]
        found.running[ticket] = {(kind, cycle, due) for (kind, cycle), (due, _) in clocks.items()}


def _nearest(clocks: dict[tuple[str, int], list[Any]]) -> datetime:
    return min((ahead[0][0] for _, ahead in clocks.values() if ahead), default=datetime.max.replace(tzinfo=UTC))


def _ring(found: Expected, clock: tuple[str, str, int, str], ahead: list[Any], now: datetime) -> None:
    while ahead and ahead[0][0] <= now:
        at, rung = ahead.pop(0)
        found.signals.add((*clock, shown(at), rung))
        if clock[1] == "handle" and not ahead:
            ahead.append((next_morning(at), "overdue_daily"))
