"""The legs of a ticket: each unit answers for the time in which it had it, and for no other."""

from collections.abc import Iterable
from datetime import datetime

from schemas.values import Clock, Cycle
from schemas.vocabulary import ClockKind, CycleEnd, CyclePurpose
from services.core.policy import Policy
from services.core.ticket import Ticket

OF_THE_UNIT = (ClockKind.SIGN, ClockKind.RETURN, ClockKind.HANDLE, ClockKind.CO_HANDLE, ClockKind.EXPLAIN)
"""Clocks that a unit answers for, counted in its own office hours; the others are the office's or the citizen's."""
HANDLING = {
    CyclePurpose.HANDLE: ClockKind.HANDLE,
    CyclePurpose.REDO: ClockKind.HANDLE,
    CyclePurpose.CO_HANDLE: ClockKind.CO_HANDLE,
}
"""The clock that limits a leg."""


def begin(unit: str, group: str, purpose: CyclePurpose, clock: Clock) -> Cycle:
    """Begin the leg that `clock` limits."""
    return Cycle(
        number=clock.cycle,
        unit=unit,
        unit_group=group,
        purpose=purpose,
        started_at=clock.started_at,
        due_at=clock.due_at,
        charged_to=unit,
    )


def end(ticket: Ticket, leg: Cycle, at: datetime, how: CycleEnd, policy: Policy) -> Cycle:
    """End a leg at `at`; whether its limit ran out is what the ticket says by then. Time is the unit's office time."""
    calendar = policy.for_unit(leg.unit).calendar
    at = max(at, leg.started_at)
    late = ticket.breached(HANDLING[leg.purpose], leg.number) is not None
    stood_still = 0
    if leg.number == ticket.cycle:
        going_on = calendar.working_seconds_between(min(ticket.paused_at, at), at) if ticket.paused_at else 0
        stood_still = ticket.paused_seconds + going_on
    return leg.model_copy(
        update={
            "stopped_at": at,
            "end": how,
            "breached": late,
            "charged_to": None if how is CycleEnd.RELEASED and not late else leg.charged_to,
            "elapsed_seconds": max(0, calendar.working_seconds_between(leg.started_at, at) - stood_still),
        }
    )


def end_current(ticket: Ticket, at: datetime, how: CycleEnd, policy: Policy) -> tuple[Cycle, ...]:
    """End the leg of the unit that has the ticket, if one runs."""
    leg = ticket.leg(ticket.cycle)
    return (end(ticket, leg, at, how, policy),) if leg and leg.stopped_at is None else ()


def end_all(ticket: Ticket, at: datetime, how: CycleEnd, policy: Policy) -> tuple[Cycle, ...]:
    """End every leg that runs."""
    return tuple(end(ticket, leg, at, how, policy) for leg in ticket.cycles if leg.stopped_at is None)


def extend(ticket: Ticket, clocks: tuple[Clock, ...]) -> tuple[Cycle, ...]:
    """Give the legs whose handling clock moved, with the new due instant."""
    moved = []
    for clock in clocks:
        leg = ticket.leg(clock.cycle)
        if leg is not None and HANDLING[leg.purpose] is clock.kind:
            moved.append(leg.model_copy(update={"due_at": clock.due_at}))
    return tuple(moved)


def unit_of(kind: ClockKind, cycle: int, legs: Iterable[Cycle], unit: str | None) -> str | None:
    """Name the unit in whose office hours a clock counts; None for the jurisdiction's. `unit` is who has the ticket."""
    if kind is ClockKind.EXPLAIN:
        return unit
    return next((leg.unit for leg in legs if leg.number == cycle), None) if kind in OF_THE_UNIT else None


def charged(ticket: Ticket, clock: ClockKind, cycle: int) -> dict[str, str | None]:
    """Name the unit that answers for a clock, as facts about clocks say it."""
    if clock is ClockKind.EXPLAIN:  # owed by the unit that replied; a merged ticket has no leg of it
        return {"charged_to": ticket.unit, "charged_group": ticket.unit_group}
    leg = ticket.leg(cycle) if clock in OF_THE_UNIT else None
    return {"charged_to": leg.charged_to if leg else None, "charged_group": leg.unit_group if leg else None}
