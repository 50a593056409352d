"""The clocks of one ticket, and their compact form as a table value: a worker holds a million of them.

Instants are whole microseconds since 1970 here: most of a ticket's are read and written again without being looked at.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import from_json

from schemas.values import Clock
from schemas.vocabulary import ClockKind, Rung

FORMAT = b"2"
"""First byte of a value; 1 was the JSON of the whole model."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KINDS = {str(kind): kind for kind in ClockKind}
_RUNGS = {str(rung): rung for rung in Rung}
_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


class RunningClock(NamedTuple):
    """A clock and what it has still to say: its marks, its end, then one rung a working day while overdue."""

    kind: ClockKind
    cycle: int
    due: int
    elapsed: bool = False
    daily: int | None = None
    marks: tuple[tuple[Rung, int], ...] = ()

    @property
    def next(self) -> int | None:
        """Give when it has something to say next."""
        if self.elapsed:
            return self.daily
        return self.marks[0][1] if self.marks else self.due


class TimerState(NamedTuple):
    """The clocks of one ticket; `sequence` says how far its facts are applied."""

    sequence: int
    stage: str
    kind: str
    unit_group: str
    since: int
    clocks: tuple[RunningClock, ...] = ()


def micros(at: datetime) -> int:
    """Give an instant in microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=65_536)  # many clocks share few instants: day limits end at the close of office
def instant(at: int) -> datetime:
    """Give the instant of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


def running(clock: Clock) -> RunningClock:
    """Give a clock that a fact started."""
    marks = tuple((mark.rung, micros(mark.at)) for mark in clock.marks)
    return RunningClock(clock.kind, clock.cycle, micros(clock.due_at), marks=marks)


def dump(state: TimerState) -> bytes:
    """Give the table value: a version byte and a JSON array, the fields in their order."""
    return FORMAT + _text(state).encode()


def load(value: bytes) -> TimerState:
    """Give the state of a table value; raises ValueError for another format."""
    if value[:1] != FORMAT:
        raise ValueError(f"table format {value[:1]!r} is not known; known: {FORMAT!r}")
    sequence, stage, kind, unit_group, since, clocks = from_json(value[1:])
    return TimerState(
        sequence,
        stage,
        kind,
        unit_group,
        since,
        tuple(
            RunningClock(
                _KINDS[clock], cycle, due, bool(elapsed), daily, tuple((_RUNGS[rung], at) for rung, at in marks)
            )
            for clock, cycle, due, elapsed, daily, marks in clocks
        ),
    )
