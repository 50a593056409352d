"""Scoring: what counts for a unit is measured per ticket, sent on by unit, and folded into scores (Art. 15, 16)."""

from functools import partial

from schemas.facts import ClockPulsed
from schemas.supervision import PulseMeasured
from services.core.policy import Policies
from services.core.relay import UNHURRIED, Relay
from services.core.service import Fold, QueueEntry, Service
from services.core.transitions import TERMINAL
from services.scoring.measures import SOURCE, LegState, measure
from services.scoring.units import UnitState, fold_measure, publish, wake_at


def queue(state: LegState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, state.since)


def service(policies: Policies) -> Service:
    """Give the scoring service under these rules: one fold by ticket, one by unit."""
    legs = partial(measure, policies)
    by_ticket = Fold(
        table="legs",
        reads="ticket-events",
        state=LegState,
        handle=legs,
        on_pulse=Relay(ClockPulsed, PulseMeasured, "unit-measures", SOURCE, "measure-pulse", UNHURRIED),
        queue=queue,
    )
    by_unit = Fold(
        table="units",
        reads="unit-measures",
        state=UnitState,
        handle=partial(fold_measure, policies, SOURCE),
        wake_at=wake_at,
        wake=partial(publish, policies, SOURCE),
    )
    return Service("scoring", (by_ticket, by_unit))
