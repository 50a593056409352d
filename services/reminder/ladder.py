"""The ladder of one ticket: which fact calls for which reminder, when it goes out, when it is dropped (Art. 10)."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.envelope import derived_id
from schemas.facts import BreachWithdrawn, ClockAtRisk, ClockBreached, Fact, TicketSigned, TicketUrged
from schemas.vocabulary import ClockKind, Kind, Rung
from services.core.policy import Policy
from services.core.rulebook_articles import RungRule
from services.reminder.digests import send_at

LATE = (Rung.OVERDUE, Rung.OVERDUE_DAILY, Rung.ESCALATED)
"""Rungs that speak of a limit that was missed: without the breach there is nothing to say."""


class Pending(BaseModel):
    """A reminder that was called for: it waits for the opening (`at`), then for its digest (`send_at`)."""

    model_config = ConfigDict(frozen=True)
    clock: ClockKind
    cycle: int
    rung: Rung
    unit: str
    due_at: datetime
    reached_at: datetime
    at: datetime
    send_at: datetime
    causation: str


class Handling(BaseModel):
    """The handling clock that runs."""

    model_config = ConfigDict(frozen=True)
    cycle: int
    due_at: datetime


class LadderState(BaseModel):
    """How far the ladder of one ticket was climbed.

    `pending` waits for the opening; `listed` went out and is in a digest that did not. `dailies` counts the daily
    reminders per clock, for the escalation.
    """

    model_config = ConfigDict(frozen=True)
    sequence: int
    stage: str
    kind: Kind
    unit_group: str
    since: datetime
    pending: tuple[Pending, ...] = ()
    listed: tuple[Pending, ...] = ()
    reminded: tuple[str, ...] = ()
    dailies: dict[str, int] = {}
    handling: Handling | None = None


def rule_of(policy: Policy, rung: Rung) -> RungRule | None:
    """Give the ladder's rule for a rung."""
    return next((rule for rule in policy.rulebook.reminders.ladder if rule.rung is rung), None)


def reminder_id(ticket: str, pending: Pending) -> str:
    """Give the id of a reminder: derived, so that whoever says it again says the same."""
    which = pending.causation if pending.rung is Rung.URGED else pending.reached_at.isoformat()
    return derived_id("reminder", ticket, pending.clock, pending.cycle, pending.rung, which)


def handling_after(before: Handling | None, event: Fact) -> Handling | None:
    """Give the handling clock that runs after a fact."""
    if before and any((c.kind, c.cycle) == (ClockKind.HANDLE, before.cycle) for c in event.stopped):
        before = None
    started = [c for c in event.started if c.kind is ClockKind.HANDLE]
    return Handling(cycle=started[-1].cycle, due_at=started[-1].due_at) if started else before


def reached(event: Fact, state: LadderState | None, policy: Policy) -> Pending | None:
    """Give the reminder that a fact calls for, with the instants from which it may go out; None for no reminder.

    It waits for the opening of the unit's own office.
    """
    rules = policy.rulebook.reminders
    match event:
        case ClockAtRisk(rung=rung, clock=clock, clock_cycle=cycle, due_at=due_at, charged_to=unit):
            pass
        case ClockBreached(clock=clock, clock_cycle=cycle, due_at=due_at, charged_to=unit):
            if clock not in rules.clocks and clock is not ClockKind.SIGN:
                return None
            rung = Rung.OVERDUE
        case TicketUrged(unit=unit):
            running = state.handling if state else None
            if running is None or rule_of(policy, Rung.URGED) is None:
                return None
            rung, clock, cycle, due_at = Rung.URGED, ClockKind.HANDLE, running.cycle, running.due_at
        case _:
            return None
    if unit is None:
        return None
    escalation = rule_of(policy, Rung.ESCALATED)
    days = (state.dailies.get(f"{clock}/{cycle}", 0) if state else 0) + 1
    if rung is Rung.OVERDUE_DAILY and escalation and escalation.working_days_after == days:
        rung = Rung.ESCALATED
    loud = policy.rulebook.kinds[event.kind].immediate or not rules.quiet_outside_hours
    policy = policy.for_unit(unit)
    at = event.time if loud else policy.calendar.next_opening(event.time)
    rule = rule_of(policy, rung)
    return Pending(
        clock=clock,
        cycle=cycle,
        rung=rung,
        unit=unit,
        due_at=due_at,
        reached_at=event.time,
        at=at,
        send_at=send_at(policy, at, prompt=loud or (rule is not None and rule.channel == "phone")),
        causation=event.id,
    )


def still_due(pending: Pending, event: Fact) -> bool:
    """Say whether what waits for the opening or its digest is still worth saying after `event`.

    Deemed signing stops the sign clock, but it is not what the unit was to do: that reminder stays.
    """
    clock = (pending.clock, pending.cycle)
    if isinstance(event, BreachWithdrawn):
        return (event.clock, event.clock_cycle) != clock or pending.rung not in LATE
    if any((c.kind, c.cycle) == clock and c.due_at != pending.due_at for c in event.started):
        return False
    if isinstance(event, TicketSigned) and event.deemed:
        return True
    return clock not in {(c.kind, c.cycle) for c in event.stopped}
