"""A running clock decided again because the calendar became another: 期限重算 (docs/adr/0008).

A notice says what a working day is; it moves what is counted in working days, but no rule. So the limit, the ladder and
every extension are those that held before; only the calendar is the one known now.
"""

from datetime import datetime
from typing import Any

from schemas.facts import DeadlineRevised
from schemas.values import Clock
from schemas.vocabulary import ClockKind
from services.core import clocks, cycles
from services.core.deadlines import dispatch_by, provisional, release_at
from services.core.decision import Decision
from services.core.policy import Policy
from services.core.rule import LimitRule


def revise(d: Decision, clock: Clock) -> Decision:
    """Decide a running clock again under the calendar as known when what is decided happened.

    What ran out by then stays as it was, late or not; no due instant moves into the past. The parts of co-handlers
    hang on the lead unit's clock, and follow it.
    """
    at, ticket = d.decided_at or d.command.time, d.known
    if clock.due_at <= at or ticket.breached(clock.kind, clock.cycle, clock.due_at):
        return d
    anew = decided_anew(d, clock)
    if anew.due_at <= at:
        anew = clock.model_copy(
            update={"calendar": anew.calendar, "provisional": provisional(clock.due_at, d.policy.calendar)}
        )
    before, anew = clocks.ahead(clock, at), clocks.ahead(anew, at)
    if anew != before.model_copy(update={"calendar": anew.calendar}):
        d = _revised(d, clock, anew, at)
    if clock.kind is ClockKind.HANDLE:
        for part in d.known.clocks:
            d = revise(d, part) if part.kind is ClockKind.CO_HANDLE else d
    return d


def _revised(d: Decision, clock: Clock, anew: Clock, at: datetime) -> Decision:
    ticket = d.known
    answers: dict[str, Any] = dict(cycles.charged(ticket, clock.kind, clock.cycle))
    return d.then(
        DeadlineRevised,
        clock.article,
        at=at,
        clock=clock.kind,
        clock_cycle=clock.cycle,
        old_due_at=clock.due_at,
        new_due_at=anew.due_at,
        old_calendar=clock.calendar,
        new_calendar=anew.calendar,
        notices=d.policies.learned(clock.calendar, anew.calendar),
        started=(anew,),
        cycles=cycles.extend(ticket, (anew,)),
        **answers,
    )


def decided_anew(d: Decision, clock: Clock) -> Clock:
    """Compute a running clock from its start on: its limit as it was, each extension, the calendar as known now."""
    at, ticket, start = d.decided_at or d.command.time, d.known, clock.started_at
    policy = d.policies.governing(start, start, at).for_unit(d.unit_of(clock))
    match clock.kind:
        case ClockKind.RELEASE:
            opening = release_at(start, policy.calendar)
            return clocks.clock_until(clock.kind, clock.cycle, start, opening, _limit(clock), policy)
        case ClockKind.DISPATCH if policy.rulebook.dispatch.limit is None:
            by = dispatch_by(start, policy.calendar, policy.rulebook.dispatch.out_by)
            return clocks.clock_until(clock.kind, clock.cycle, start, by, _limit(clock), policy)
        case ClockKind.RETURN:
            return clocks.return_window(clock.cycle, start, _limit(clock), policy)
        case ClockKind.HANDLE | ClockKind.CASE:
            return _handling(d, clock, policy)
        case ClockKind.CO_HANDLE:
            lead = ticket.clock(ClockKind.HANDLE)
            if lead is None:
                return clock
            return clocks.co_handling_clock(clock.cycle, start, lead.due_at, d.governing(clock), ticket.unit)
        case _:
            return clocks.start_clock(clock.kind, clock.cycle, start, _limit(clock), policy)


def _handling(d: Decision, clock: Clock, policy: Policy) -> Clock:
    """Count each extension and each suspension again, in their order, under the rules that gave them (Art. 8)."""
    anew = clocks.handling_clock(clock.kind, d.known, clock.cycle, clock.started_at, policy)
    stood_still = 0
    for grant in d.known.grants:
        if (grant.kind, grant.cycle) != (clock.kind, clock.cycle):
            continue
        rules = d.policies.governing(clock.started_at, grant.at, d.decided_at or d.command.time).for_unit(
            policy.hours_of
        )
        if grant.since is None:
            anew = clocks.extended(anew, d.known, rules, stood_still)
        else:
            seconds = clocks.paused_for(anew, grant.since, grant.at, rules)
            anew = clocks.resumed(anew, d.known, grant.since, seconds, rules)
            stood_still += seconds
    return anew


def _limit(clock: Clock) -> LimitRule:
    amount, _, unit = clock.limit.partition(" ")
    return LimitRule.model_validate({"amount": int(amount), "unit": unit, "article": clock.article})
