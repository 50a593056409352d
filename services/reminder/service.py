"""Reminder: one reminder per rung, ticket and cycle, ever; outside office hours it waits for the opening (Art. 10)."""

from datetime import datetime
from functools import partial

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.facts import BreachWithdrawn, ClockAtRisk, ClockBreached, Fact, TicketSigned
from schemas.supervision import ReminderIssued
from schemas.vocabulary import ClockKind, Kind, Rung
from services.core.policy import Policies, Policy
from services.core.rulebook import RungRule
from services.core.service import Fold, Output, Position, QueueEntry, Rejected, Service, Step, in_sequence
from services.core.ticket import TERMINAL

SOURCE = "/hotline-mesh/reminder"


class Pending(BaseModel):
    """A reminder that waits for the opening of the office."""

    model_config = ConfigDict(frozen=True)
    clock: ClockKind
    cycle: int
    rung: Rung
    unit: str
    due_at: datetime
    reached_at: datetime
    at: datetime
    causation: str


class LadderState(BaseModel):
    """How far the ladder of one ticket was climbed."""

    model_config = ConfigDict(frozen=True)
    sequence: int
    stage: str
    kind: Kind
    unit_group: str
    since: datetime
    pending: tuple[Pending, ...] = ()
    reminded: tuple[str, ...] = ()


def _reached(event: Fact, policy: Policy) -> Pending | None:
    """Give the reminder that a fact calls for, with the instant from which it may go out."""
    match event:
        case ClockAtRisk():
            rung = event.rung
        case ClockBreached() if event.clock in policy.rulebook.reminders.clocks or event.clock is ClockKind.SIGN:
            rung = Rung.OVERDUE
        case _:
            return None
    if event.charged_to is None:
        return None
    loud = policy.rulebook.kinds[event.kind].immediate or not policy.rulebook.reminders.quiet_outside_hours
    return Pending(
        clock=event.clock,
        cycle=event.clock_cycle,
        rung=rung,
        unit=event.charged_to,
        due_at=event.due_at,
        reached_at=event.time,
        at=event.time if loud else policy.calendar.next_opening(event.time),
        causation=event.id,
    )


def _issue(policy: Policy, ticket: str, pending: Pending) -> Output:
    ladder = {rule.rung: rule for rule in policy.rulebook.reminders.ladder}
    rule = ladder.get(pending.rung, RungRule(rung=pending.rung, channel="written"))
    reminder = ReminderIssued(
        id=derived_id("reminder", ticket, pending.clock, pending.cycle, pending.rung, pending.reached_at.isoformat()),
        source=SOURCE,
        subject=ticket,
        time=pending.at,
        causation=pending.causation,
        unit=pending.unit,
        clock=pending.clock,
        clock_cycle=pending.cycle,
        rung=pending.rung,
        due_at=pending.due_at,
        channel=rule.channel,
        to_head=rule.to_head,
    )
    return Output("reminder-events", reminder)


def handle(policies: Policies, state: LadderState | None, event: Event, _at: Position) -> Step[LadderState]:
    """Climb the ladder: one reminder per rung of a clock, ever, but for the daily ones while overdue.

    A reminder is dropped whose clock stopped or moved, or whose breach was taken back, while it waited for the opening.
    """
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    pending = tuple(p for p in (state.pending if state else ()) if _still_due(p, event))
    reminded = state.reminded if state else ()
    outputs: tuple[Output, ...] = ()
    policy = policies.at(event.time)
    reached = _reached(event, policy)
    if reached is not None and reached.rung is not Rung.OVERDUE_DAILY:
        rung = f"{reached.clock}/{reached.cycle}/{reached.rung}"
        reached = None if rung in reminded else reached
        reminded = reminded if rung in reminded else (*reminded, rung)
    if reached is not None and reached.at <= event.time:
        outputs = (_issue(policy, event.subject, reached),)
    elif reached is not None:
        pending = (*pending, reached)
    moved = state is None or state.stage != event.stage
    after = LadderState(
        sequence=event.sequence,
        stage=event.stage,
        kind=event.kind,
        unit_group=event.unit_group or "none",
        since=event.time if moved or state is None else state.since,
        pending=pending,
        reminded=reminded,
    )
    return Step(after, outputs)


def _still_due(pending: Pending, event: Fact) -> bool:
    """Say whether what waits for the opening is still worth saying after `event`.

    Deemed signing stops the sign clock, but it is not what the unit was to do: that reminder stays.
    """
    clock = (pending.clock, pending.cycle)
    if isinstance(event, BreachWithdrawn):
        return (event.clock, event.clock_cycle) != clock or pending.rung not in {Rung.OVERDUE, Rung.OVERDUE_DAILY}
    if any((c.kind, c.cycle) == clock and c.due_at != pending.due_at for c in event.started):
        return False
    if isinstance(event, TicketSigned) and event.deemed:
        return True
    return clock not in {(c.kind, c.cycle) for c in event.stopped}


def wake_at(state: LadderState) -> datetime | None:
    """Give the opening for which the first reminder waits."""
    return min((p.at for p in state.pending), default=None)


def wake(policies: Policies, ticket: str, state: LadderState, now: datetime) -> Step[LadderState]:
    """The office is open: let out what waited for it, in the order in which it was reached."""
    due = sorted((p for p in state.pending if p.at <= now), key=lambda p: (p.reached_at, p.clock, p.rung))
    waiting = tuple(p for p in state.pending if p.at > now)
    return Step(
        state.model_copy(update={"pending": waiting}), tuple(_issue(policies.at(p.reached_at), ticket, p) for p in due)
    )


def queue(state: LadderState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, state.since)


def service(policies: Policies) -> Service:
    """Give the reminder service under these rules."""
    fold = Fold(
        table="ladders",
        reads="ticket-events",
        state=LadderState,
        handle=partial(handle, policies),
        wake_at=wake_at,
        wake=partial(wake, policies),
        queue=queue,
    )
    return Service("reminder", (fold,))
