"""The clocks of one ticket, and their compact form as a table value: a worker holds a million of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic_core import from_json, to_json

from schemas.values import Clock
from schemas.vocabulary import ClockKind, Rung

FORMAT = b"2"
"""First byte of a value; 1 was the JSON of the whole model."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KINDS = {str(kind): kind for kind in ClockKind}
_RUNGS = {str(rung): rung for rung in Rung}


@dataclass(frozen=True, slots=True)
class RunningClock:
    """A clock and what it has still to say: its marks, its end, then one rung a working day while overdue."""

    kind: ClockKind
    cycle: int
    due_at: datetime
    marks: tuple[tuple[Rung, datetime], ...] = ()
    elapsed: bool = False
    daily_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """Give the instant of the next alarm."""
        if self.elapsed:
            return self.daily_at
        return self.marks[0][1] if self.marks else self.due_at


@dataclass(frozen=True, slots=True)
class TimerState:
    """The clocks of one ticket; `sequence` says how far its facts are applied."""

    sequence: int
    stage: str
    kind: str
    unit_group: str
    since: datetime
    clocks: tuple[RunningClock, ...] = ()


def running(clock: Clock) -> RunningClock:
    """Give a clock that a fact started."""
    return RunningClock(clock.kind, clock.cycle, clock.due_at, tuple((mark.rung, mark.at) for mark in clock.marks))


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def dump(state: TimerState) -> bytes:
    """Give the table value: a version byte and a JSON array, instants in microseconds since 1970."""
    clocks = [
        (
            clock.kind,
            clock.cycle,
            _micros(clock.due_at),
            int(clock.elapsed),
            None if clock.daily_at is None else _micros(clock.daily_at),
            [(rung, _micros(at)) for rung, at in clock.marks],
        )
        for clock in state.clocks
    ]
    return FORMAT + to_json((state.sequence, state.stage, state.kind, state.unit_group, _micros(state.since), clocks))


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
        _instant(since),
        tuple(
            RunningClock(
                _KINDS[clock],
                cycle,
                _instant(due),
                tuple((_RUNGS[rung], _instant(at)) for rung, at in marks),
                bool(elapsed),
                None if daily is None else _instant(daily),
            )
            for clock, cycle, due, elapsed, daily, marks in clocks
        ),
    )
