"""Reminder: one reminder per rung, ticket and cycle, ever; by unit they go out as digests (Art. 10)."""

from datetime import datetime
from functools import partial

from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed, Fact
from schemas.supervision import PulseRelayed, ReminderCollected, ReminderIssued
from schemas.values import DigestItem
from schemas.vocabulary import Rung
from services.core.policy import Policies, Policy
from services.core.relay import UNHURRIED, Relay
from services.core.rulebook_articles import RungRule
from services.core.service import Fold, Output, Position, QueueEntry, Rejected, Service, Step, in_sequence
from services.core.transitions import TERMINAL
from services.reminder import digests
from services.reminder.ladder import (
    LadderState,
    Pending,
    handling_after,
    reached,
    reminder_id,
    rule_of,
    still_due,
)

SOURCE = "/hotline-mesh/reminder"


def _rule(policy: Policy, pending: Pending) -> RungRule:
    return rule_of(policy, pending.rung) or RungRule(rung=pending.rung, channel="written")


def _issue(policy: Policy, ticket: str, pending: Pending) -> Output:
    rule = _rule(policy, pending)
    reminder = ReminderIssued(
        id=reminder_id(ticket, pending),
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


def _collected(
    policies: Policies, event: Event, pending: Pending, at: Position, index: int, *, dropped: bool
) -> Output:
    rule, reminder = _rule(policies.at(pending.reached_at), pending), reminder_id(event.subject, pending)
    said = ReminderCollected(
        id=derived_id("dropped" if dropped else "collected", reminder),
        source=SOURCE,
        subject=pending.unit,
        time=event.time,
        causation=event.id,
        unit=pending.unit,
        item=DigestItem(
            reminder=reminder,
            ticket=event.subject,
            clock=pending.clock,
            clock_cycle=pending.cycle,
            due_at=pending.due_at,
        ),
        rung=pending.rung,
        channel=rule.channel,
        to_head=rule.to_head,
        send_at=pending.send_at,
        dropped=dropped,
        partition=at.partition,
        offset=at.offset,
        index=index,
    )
    return Output("unit-reminders", said)


def handle(policies: Policies, state: LadderState | None, event: Event, at: Position) -> Step[LadderState]:
    """Climb the ladder: one reminder per rung of a clock, ever, but for the daily ones while overdue.

    A reminder is dropped whose clock stopped or moved, or whose breach was taken back, while it waited for the opening
    or its digest. By unit everything is said when its fact is heard, never when a pulse comes: so it has a place in its
    partition, which is how a copy is told from the first (docs/adr/0005).
    """
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    pending = state.pending if state else ()
    listed = tuple(p for p in (state.listed if state else ()) if p.send_at > event.time)
    dropped = [p for p in (*pending, *listed) if not still_due(p, event)]
    pending = tuple(p for p in pending if p not in dropped)
    listed = tuple(p for p in listed if p not in dropped)
    reminded, dailies = (state.reminded, state.dailies) if state else ((), {})
    policy = policies.at(event.time)
    new = reached(event, state, policy)
    if new is not None and new.rung in {Rung.OVERDUE_DAILY, Rung.ESCALATED}:
        clock = f"{new.clock}/{new.cycle}"
        dailies = dailies | {clock: dailies.get(clock, 0) + 1}
    elif new is not None and new.rung is not Rung.URGED:
        rung = f"{new.clock}/{new.cycle}/{new.rung}"
        new = None if rung in reminded else new
        reminded = reminded if rung in reminded else (*reminded, rung)
    outputs = [_collected(policies, event, p, at, n, dropped=True) for n, p in enumerate(dropped)]
    if new is not None:
        outputs.append(_collected(policies, event, new, at, len(dropped), dropped=False))
        if new.at <= event.time:
            outputs.append(_issue(policy, event.subject, new))
            listed = (*listed, new)
        else:
            pending = (*pending, new)
    moved = state is None or state.stage != event.stage
    after = LadderState(
        sequence=event.sequence,
        stage=event.stage,
        kind=event.kind,
        unit_group=event.unit_group or "none",
        since=event.time if moved or state is None else state.since,
        pending=pending,
        listed=listed,
        reminded=reminded,
        dailies=dailies,
        handling=handling_after(state.handling if state else None, event),
    )
    return Step(after, tuple(outputs))


def wake_at(state: LadderState) -> datetime | None:
    """Give the opening for which the first reminder waits."""
    return min((p.at for p in state.pending), default=None)


def wake(policies: Policies, ticket: str, state: LadderState, now: datetime) -> Step[LadderState]:
    """The office is open: let out what waited for it, in the order in which it was reached."""
    due = sorted((p for p in state.pending if p.at <= now), key=lambda p: (p.reached_at, p.clock, p.rung))
    waiting = tuple(p for p in state.pending if p.at > now)
    listed = (*state.listed, *due)
    return Step(
        state.model_copy(update={"pending": waiting, "listed": listed}),
        tuple(_issue(policies.at(p.reached_at), ticket, p) for p in due),
    )


def queue(state: LadderState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, state.since)


def service(policies: Policies) -> Service:
    """Give the reminder service under these rules: one fold by ticket, one by unit."""
    by_ticket = Fold(
        table="ladders",
        reads="ticket-events",
        state=LadderState,
        handle=partial(handle, policies),
        wake_at=wake_at,
        wake=partial(wake, policies),
        on_pulse=Relay(ClockPulsed, PulseRelayed, "unit-reminders", SOURCE, "unit-pulse", UNHURRIED),
        queue=queue,
    )
    by_unit = Fold(
        table="digests",
        reads="unit-reminders",
        state=digests.DigestState,
        handle=digests.collect,
        wake_at=digests.wake_at,
        wake=partial(digests.send, SOURCE),
        trailing=True,
        clocks=digests.clocks,
    )
    return Service("reminder", (by_ticket, by_unit))
