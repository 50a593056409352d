"""sla-timer: every clock of every open ticket in one table; says when a clock nears its end or has elapsed."""

from datetime import datetime, time, timedelta
from functools import lru_cache, partial

from schemas.commands import ClockSignal, SignalClocks
from schemas.envelope import Event, derived_id
from schemas.facts import Fact
from schemas.values import Actor
from schemas.vocabulary import ClockKind, Role, Rung
from services.core.calendar import WorkCalendar
from services.core.calendar_history import KnownCalendar
from services.core.policy import Policies
from services.core.service import (
    Fold,
    OpenClock,
    Output,
    Position,
    QueueEntry,
    Rejected,
    Service,
    Step,
    in_sequence,
)
from services.core.succession import Succession, digest_of
from services.core.transitions import TERMINAL
from services.sla_timer.state import RunningClock, TimerState, dump, instant, load, micros, running
from services.sla_timer.survey import survey

SOURCE = "/hotline-mesh/sla-timer"
ACTOR = Actor(role=Role.SERVICE, id="sla-timer")


def handle(state: TimerState | None, event: Event, _at: Position) -> Step[TimerState]:
    """Apply the clock changes of one fact."""
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    gone = {(c.kind, c.cycle) for c in event.stopped} | {(c.kind, c.cycle) for c in event.started}
    kept = tuple(c for c in (state.clocks if state else ()) if (c.kind, c.cycle) not in gone)
    moved = state is None or state.stage != event.stage
    return Step(
        TimerState(
            sequence=event.sequence,
            stage=event.stage,
            kind=event.kind,
            unit_group=event.unit_group or "none",
            since=micros(event.time) if moved or state is None else state.since,
            clocks=kept + tuple(running(clock) for clock in event.started),
        )
    )


def wake_at(succession: Succession, state: TimerState) -> datetime | None:
    """Give the instant of the ticket's next alarm, or from which another calendar is known that may move a clock."""
    if state.next is None:
        return None
    learned = [found.known_from for clock in state.clocks if (found := _learns(succession, clock)) is not None]
    return min([instant(state.next), *learned])


def _learns(succession: Succession, clock: RunningClock) -> KnownCalendar | None:
    ends_at = clock.daily if clock.elapsed else clock.due
    if ends_at is None or succession.newest(clock.calendar):
        return None
    return succession.next_for(clock.calendar, instant(ends_at))


@lru_cache(maxsize=4096)  # the day limits of a date all end at one instant
def _next_daily(calendar: WorkCalendar, after: datetime) -> datetime:
    """Give the opening of the next working day after `after`."""
    midnight = datetime.combine(after.astimezone(calendar.zone).date() + timedelta(days=1), time(), calendar.zone)
    return calendar.next_opening(midnight)


def _calendar(clock: RunningClock, at: datetime, policies: Policies, succession: Succession) -> WorkCalendar:
    """Give the calendar in which the clock counts, its unit's or the jurisdiction's, as known at `at`."""
    return succession.calendar_at(clock.calendar, at) or policies.at(at).calendar


def _daily_again(clock: RunningClock, calendar: WorkCalendar, known_from: datetime) -> datetime:
    """Give the opening at which an overdue clock rings next, now that the calendar is another."""
    ahead = known_from if clock.daily is None else instant(clock.daily)
    if ahead.astimezone(calendar.zone).date() == known_from.astimezone(calendar.zone).date():
        return calendar.next_opening(known_from)
    return _next_daily(calendar, known_from)


def _ring(
    clock: RunningClock, now: datetime, policies: Policies, succession: Succession
) -> tuple[RunningClock, tuple[ClockSignal, ...]]:
    """Say everything this clock has to say up to `now`; once it asked to be decided again, it waits for the next pulse.

    At one instant the alarm comes before the calendar: what runs out when a notice becomes known has run out.
    """
    signals: list[ClockSignal] = []
    while (coming := clock.next) is not None:
        at, due_at = instant(coming), instant(clock.due)
        rung: Rung | None = None
        learned = _learns(succession, clock)
        if learned is not None and learned.known_from <= now and learned.known_from < at:
            version, known_from = learned.calendar.version, learned.known_from
            clock = clock._replace(calendar=digest_of(version))
            if clock.elapsed:
                again = _daily_again(clock, learned.calendar, known_from)
                clock = clock._replace(daily=micros(again))
                continue
            about = {"clock": clock.kind, "cycle": clock.cycle, "due_at": due_at}
            signals.append(ClockSignal.model_validate(about | {"at": known_from, "calendar": version}))
            break
        if at > now:
            break
        if clock.elapsed:
            rung = Rung.OVERDUE_DAILY
            clock = clock._replace(daily=micros(_next_daily(_calendar(clock, at, policies, succession), at)))
        elif clock.marks:
            rung = clock.marks[0][0]
            clock = clock._replace(marks=clock.marks[1:])
        else:
            daily = clock.kind in policies.at(at).rulebook.reminders.clocks
            next_day = micros(_next_daily(_calendar(clock, at, policies, succession), at)) if daily else None
            clock = clock._replace(elapsed=True, daily=next_day)
        signals.append(ClockSignal(clock=clock.kind, cycle=clock.cycle, due_at=due_at, at=at, rung=rung))
    return clock, tuple(signals)


def _order(signal: ClockSignal) -> tuple[object, ...]:
    """By instant and clock; a calendar after the alarms of its instant, a co-handler's clock after what it hangs on."""
    learned = signal.calendar is not None
    part = learned and signal.clock is ClockKind.CO_HANDLE
    return signal.at, learned, part, signal.clock, signal.cycle, signal.rung or ""


def wake(policies: Policies, succession: Succession, ticket: str, state: TimerState, now: datetime) -> Step[TimerState]:
    """Raise every alarm due at `now`, in (instant, clock) order, in one command."""
    rung = [_ring(clock, now, policies, succession) for clock in state.clocks]
    signals = sorted((signal for _, said in rung for signal in said), key=_order)
    after = state._replace(clocks=tuple(clock for clock, _ in rung))
    if not signals:
        return Step(after)
    named = "|".join(
        f"{s.clock}/{s.cycle}/{s.due_at.isoformat()}/{s.calendar or s.rung or 'due'}/{s.at.isoformat()}"
        for s in signals
    )
    command = SignalClocks(
        id=derived_id("signal", ticket, named),
        source=SOURCE,
        subject=ticket,
        time=signals[-1].at,
        actor=ACTOR,
        signals=tuple(signals),
    )
    return Step(after, (Output("ticket-commands", command),))


def queue(state: TimerState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, instant(state.since))


def clocks(state: TimerState) -> tuple[OpenClock, ...]:
    """Give the clocks that run on the ticket."""
    return tuple(OpenClock(clock.kind, instant(clock.due)) for clock in state.clocks)


def service(policies: Policies) -> Service:
    """Give sla-timer under these rules."""
    succession = Succession.of(policies)
    fold = Fold(
        table="clocks",
        reads="ticket-events",
        state=TimerState,
        handle=handle,
        wake_at=partial(wake_at, succession),
        wake=partial(wake, policies, succession),
        answered=True,
        queue=queue,
        clocks=clocks,
        dump=dump,
        load=load,
        survey=partial(survey, outdated=succession.outdated()),
    )
    return Service("sla-timer", (fold,))
