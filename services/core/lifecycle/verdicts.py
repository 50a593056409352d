"""Late or in time: breaches declared and taken back, judged by when things happened, not by when they arrived."""

from datetime import datetime
from typing import Any

from schemas.facts import BreachWithdrawn, ClockBreached
from schemas.values import Clock
from schemas.vocabulary import ClockKind
from services.core import cycles
from services.core.decision import Decision
from services.core.ticket import Breach, Ticket


def about(ticket: Ticket, clock: Clock | Breach) -> dict[str, Any]:
    """Say which clock a fact is about, and which unit answers for it."""
    named = clock.kind, clock.cycle
    return {"clock": clock.kind, "clock_cycle": clock.cycle, "due_at": clock.due_at} | cycles.charged(ticket, *named)


def breach(d: Decision, clock: Clock) -> Decision:
    """Declare a limit missed, stamped with the due instant."""
    return d.then(ClockBreached, clock.article, at=clock.due_at, **about(d.known, clock))


def withdraw_breach(d: Decision, found: Breach, met_at: datetime, article: str) -> Decision:
    """Take a breach back: what met the limit happened at `met_at`, in time, and was only heard late."""
    return d.then(BreachWithdrawn, article, met_at=met_at, **about(d.known, found))


def settle(d: Decision, met_at: datetime, *kinds: ClockKind, cycle: int | None = None) -> Decision:
    """Judge the running clocks of these kinds by `met_at`, whichever came first: this or sla-timer's alarm.

    One that ran out before it, and of which no alarm came yet, is breached now: once it is stopped the alarm will be
    stale. One that was declared breached though it was met in time has its breach taken back.
    """
    for clock in d.known.clocks:
        if clock.kind not in kinds or cycle not in {None, clock.cycle}:
            continue
        found = d.known.breached(clock.kind, clock.cycle, clock.due_at)
        if found is None and met_at > clock.due_at:
            d = breach(d, clock)
        elif found is not None and met_at <= found.due_at:
            d = withdraw_breach(d, found, met_at, clock.article)
    return d
