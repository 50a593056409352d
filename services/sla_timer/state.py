"""The clocks of one ticket, and their compact form as a table value: a worker holds a million of them.

Instants are whole microseconds since 1970 here: most of a ticket's are read and written again without being looked at.
"""

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from pydantic_core import from_json

from schemas.values import Clock
from schemas.vocabulary import ClockKind, Rung
from services.core.succession import digest_of

FORMAT = b"3"
"""First byte of a value; 1 was the JSON of the whole model, 2 a JSON array (still read)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
HEAD = Struct("<cqqIBH6s")
"""Format, next alarm, since (microseconds since 1970), sequence, number of clocks, bytes of the label, calendar."""
ALARM_AT, SINCE_AT, SHAPE_AT = 1, 9, 21
"""Where they stand; the shape of a value is what begins with its number of clocks."""
_CALENDAR = Struct("<6s")
_MIXED, _UNKNOWN = b"\xff" * 6, bytes(6)
"""For the calendar: the clocks have several, which stand at the end of the value; or theirs is not known."""
CLOCK = Struct("<BHqBB")
"""Kind, cycle, due instant, flags, number of marks. Behind the clocks: the label, their daily instants and marks."""
DUE_AT = 3
"""Where the due instant stands."""
_INSTANT = Struct("<q")
_MARK = Struct("<Bq")
NEVER = -(1 << 63)
"""For the next alarm: none."""
_ELAPSED, _DAILY = 1, 2

CLOCK_CODES = {
    "release": 1, "dispatch": 2, "sign": 3, "return": 4, "handle": 5, "co_handle": 6, "case": 7, "adjudicate": 8,
    "rating": 9, "judge": 10, "explain": 11, "refusal_review": 12, "suspension": 13,
}  # fmt: skip
"""What stands for a kind of clock in a value; a code is never given to another kind.

A state with a kind that has none yet is kept as JSON (format 2), which is slower to index."""
RUNG_CODES = {
    "half": 1, "four_fifths": 2, "near_due": 3, "overdue": 4, "overdue_daily": 5, "escalated": 6, "urged": 7,
}  # fmt: skip
_KINDS = {code: ClockKind(kind) for kind, code in CLOCK_CODES.items()}
_RUNGS = {code: Rung(rung) for rung, code in RUNG_CODES.items()}


class RunningClock(NamedTuple):
    """A clock and what it has still to say: its marks, its end, then one rung a working day while overdue.

    `calendar` is the hash of the version that decided it, or of the newest that it was held against.
    """

    kind: ClockKind
    cycle: int
    due: int
    elapsed: bool = False
    daily: int | None = None
    marks: tuple[tuple[Rung, int], ...] = ()
    calendar: str = ""

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

    @property
    def next(self) -> int | None:
        """Give when one of them has something to say next."""
        return min((at for clock in self.clocks if (at := clock.next) is not None), default=None)


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
    return RunningClock(clock.kind, clock.cycle, micros(clock.due_at), marks=marks, calendar=digest_of(clock.calendar))


def dump(state: TimerState) -> bytes:
    """Give the table value: what indexes ask first, then the clocks; about 110 bytes with three clocks."""
    try:
        return _dump_binary(state)
    except (KeyError, ValueError):
        return _dump_json(state)


def _dump_binary(state: TimerState) -> bytes:
    label = f"{state.stage}\0{state.kind}\0{state.unit_group}".encode()
    alarm = NEVER if state.next is None else state.next
    calendars = [_digest(clock.calendar) for clock in state.clocks]
    shared = _MIXED if len(set(calendars)) > 1 else next(iter(calendars), _UNKNOWN)
    parts = [HEAD.pack(FORMAT, alarm, state.since, state.sequence, len(state.clocks), len(label), shared)]
    rest = [label]
    for clock in state.clocks:
        flags = _ELAPSED * clock.elapsed | _DAILY * (clock.daily is not None)
        parts.append(CLOCK.pack(CLOCK_CODES[clock.kind], clock.cycle, clock.due, flags, len(clock.marks)))
        if clock.daily is not None:
            rest.append(_INSTANT.pack(clock.daily))
        rest.extend(_MARK.pack(RUNG_CODES[rung], at) for rung, at in clock.marks)
    if shared == _MIXED:
        rest.extend(calendars)
    return b"".join((*parts, *rest))


def _digest(calendar: str) -> bytes:
    digest = bytes.fromhex(calendar) if calendar else _UNKNOWN
    if len(digest) != _CALENDAR.size:
        raise ValueError("no hash of a calendar")
    return digest


def _calendar(digest: bytes) -> str:
    return "" if digest == _UNKNOWN else digest.hex()


def load(value: bytes) -> TimerState:
    """Give the state of a table value; raises ValueError for another format."""
    if value[:1] == b"2":
        return _load_json(value)
    if value[:1] != FORMAT:
        raise ValueError(f"table format {value[:1]!r} is not known; known: {FORMAT!r}, b'2'")
    _, _, since, sequence, count, length, shared = HEAD.unpack_from(value)
    fixed = HEAD.size + count * CLOCK.size
    rest = fixed + length
    stage, kind, unit_group = value[fixed:rest].decode().split("\0")
    clocks = []
    for code, cycle, due, flags, marked in CLOCK.iter_unpack(value[HEAD.size : fixed]):
        daily = None
        if flags & _DAILY:
            (daily,) = _INSTANT.unpack_from(value, rest)
            rest += _INSTANT.size
        behind = rest + marked * _MARK.size
        marks = tuple((_RUNGS[rung], mark) for rung, mark in _MARK.iter_unpack(value[rest:behind]))
        rest = behind
        clocks.append(RunningClock(_KINDS[code], cycle, due, bool(flags & _ELAPSED), daily, marks, _calendar(shared)))
    if shared == _MIXED:
        own = _CALENDAR.iter_unpack(value[rest:])
        clocks = [clock._replace(calendar=_calendar(digest)) for clock, (digest,) in zip(clocks, own, strict=True)]
    return TimerState(sequence, stage, kind, unit_group, since, tuple(clocks))


def _dump_json(state: TimerState) -> bytes:
    return b"2" + _text(state).encode()


def _load_json(value: bytes) -> TimerState:
    sequence, stage, kind, unit_group, since, clocks = from_json(value[1:])
    return TimerState(
        sequence,
        stage,
        kind,
        unit_group,
        since,
        tuple(
            RunningClock(
                ClockKind(clock),
                cycle,
                due,
                bool(elapsed),
                daily,
                tuple((Rung(rung), at) for rung, at in marks),
                *known,
            )
            for clock, cycle, due, elapsed, daily, marks, *known in clocks
        ),
    )
