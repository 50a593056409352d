"""Scoring: what counts for a unit is measured per ticket, sent on by unit, and folded into scores (Art. 15, 16)."""

from functools import partial

from schemas.envelope import Event, derived_id
from schemas.facts import (
    ClockAtRisk,
    ClockBreached,
    ClockFact,
    Fact,
    ReplyAccepted,
    ReturnUpheld,
    TicketClosed,
    TicketDispatched,
    TicketRedispatched,
    TicketSigned,
)
from schemas.supervision import UnitMeasured
from schemas.vocabulary import ClockKind, StopOutcome
from services.core.policy import Policies
from services.core.service import Fold, Output, Position, QueueEntry, Rejected, Service, Step, in_sequence
from services.core.ticket import TERMINAL
from services.scoring.units import LegState, UnitState, fold_measure

SOURCE = "/hotline-mesh/scoring"


def _on_time(event: Fact, kind: ClockKind) -> bool | None:
    return next((c.outcome is StopOutcome.MET for c in event.stopped if c.kind is kind), None)


def _measure(event: Fact) -> dict[str, object] | None:
    """Say what one fact counts for, if anything."""
    match event:
        case TicketDispatched():
            return {"measure": "dispatched"}
        case TicketRedispatched():
            return {"measure": "redone"}
        case TicketSigned():
            return {"measure": "signed", "on_time": _on_time(event, ClockKind.SIGN)}
        case ReturnUpheld():
            return {"measure": "returned"}
        case ReplyAccepted():
            return {"measure": "replied", "on_time": _on_time(event, ClockKind.HANDLE)}
        case ClockAtRisk():
            return {"measure": "reminded"}
        case ClockBreached() if event.clock in {ClockKind.SIGN, ClockKind.HANDLE, ClockKind.EXPLAIN}:
            return {"measure": "breached"}
        case TicketClosed():
            return {"measure": "closed", "rating": event.rating, "deemed": event.deemed}
        case _:
            return None


def measure(policies: Policies, state: LegState | None, event: Event, at: Position) -> Step[LegState]:
    """Turn one fact into a measure of its unit, in the month in which it happened (local time)."""
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    moved = state is None or state.stage != event.stage
    after = LegState(
        sequence=event.sequence,
        stage=event.stage,
        kind=event.kind,
        unit_group=event.unit_group or "none",
        since=event.time if moved or state is None else state.since,
    )
    counted = _measure(event)
    unit, group = event.unit, event.unit_group
    if isinstance(event, ClockFact):
        unit, group = event.charged_to, event.charged_group
    if counted is None or unit is None or group is None:
        return Step(after)
    said = UnitMeasured.model_validate(
        {
            "id": derived_id("measure", event.id),
            "source": SOURCE,
            "subject": unit,
            "time": event.time,
            "causation": event.id,
            "unit": unit,
            "unit_group": group,
            "period": event.time.astimezone(policies.at(event.time).calendar.zone).strftime("%Y-%m"),
            "ticket": event.subject,
            "kind": event.kind,
            "evidence": event.id,
            "partition": at.partition,
            "offset": at.offset,
        }
        | counted
    )
    return Step(after, (Output("unit-measures", said),))


def queue(state: LegState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, state.since)


def service(policies: Policies) -> Service:
    """Give the scoring service under these rules: one fold by ticket, one by unit."""
    legs = partial(measure, policies)
    by_ticket = Fold(table="legs", reads="ticket-events", state=LegState, handle=legs, queue=queue)
    units = partial(fold_measure, policies, SOURCE)
    by_unit = Fold(table="units", reads="unit-measures", state=UnitState, handle=units)
    return Service("scoring", (by_ticket, by_unit))
