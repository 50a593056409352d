"""Several units on one ticket: the lead unit, its co-handlers, each with a clock of its own (Art. 3, 7, 12).

The lead unit alone replies to the citizen and joins what its co-handlers hand in. A co-handler answers for its own
part: reminders and breaches of its clock are charged to it.
"""

from datetime import datetime

from schemas.commands import AssignCoHandlers, DecideCoReturn, RequestCoReturn, SubmitCoReply
from schemas.facts import (
    CoHandlerAssigned,
    CoReplyRejected,
    CoReplySubmitted,
    CoReturnRefused,
    CoReturnRequested,
    CoReturnUpheld,
)
from schemas.values import Clock, Cycle, StoppedClock
from schemas.vocabulary import ClockKind, CycleEnd, CyclePurpose, Role, Stage
from services.core import clocks, cycles
from services.core.deadlines import due, not_on_day_off
from services.core.decision import Decision
from services.core.lifecycle.actors import from_role
from services.core.lifecycle.verdicts import settle
from services.core.reply_review import defects, late_dated
from services.core.ticket import Ticket

ARTICLE = "Art. 3"
WITH_THE_UNITS = (Stage.DISPATCHED, Stage.IN_PROGRESS, Stage.SUSPENDED, Stage.DISPUTED)
"""Stages in which units work on the ticket."""


def unfit(d: Decision, lead: str, units: tuple[str, ...]) -> str | None:
    """Give a refusal code unless these units can handle the ticket beside `lead`."""
    policy = d.policy
    if any(policy.directory.unit(unit) is None for unit in units):
        return "unknown-unit"
    if lead in units or len(set(units)) != len(units):
        return "already-with-the-ticket"
    return "too-many-units" if len(units) > policy.rulebook.co_handling.max_units else None


def join(
    d: Decision, units: tuple[str, ...], number: int, at: datetime, lead: str | None, lead_due_at: datetime
) -> tuple[tuple[Clock, ...], tuple[Cycle, ...]]:
    """Begin the legs of co-handlers beside `lead`, numbered from `number` on, each with its clock."""
    found = tuple(unit for unit in (d.policy.directory.unit(name) for name in units) if unit is not None)
    started = tuple(
        clocks.co_handling_clock(number + index, at, lead_due_at, d.policy.for_unit(unit.id), lead)
        for index, unit in enumerate(found)
    )
    legs = tuple(
        cycles.begin(unit.id, unit.group, CyclePurpose.CO_HANDLE, clock)
        for unit, clock in zip(found, started, strict=True)
    )
    return started, legs


def own_clocks(ticket: Ticket, legs: tuple[Cycle, ...]) -> tuple[Clock, ...]:
    """Give what still runs on these legs: their handling clocks and disputes."""
    numbers = {leg.number for leg in legs}
    kinds = {ClockKind.CO_HANDLE, ClockKind.ADJUDICATE}
    return tuple(clock for clock in ticket.clocks if clock.kind in kinds and clock.cycle in numbers)


def release(d: Decision, at: datetime) -> tuple[tuple[StoppedClock, ...], tuple[Cycle, ...]]:
    """End the legs of all co-handlers, because their parts are no longer wanted; `settle` comes before."""
    legs = d.known.co_handlers()
    ended = tuple(cycles.end(d.known, leg, at, CycleEnd.RELEASED, d.policy) for leg in legs)
    return tuple(clocks.cancel(clock, at) for clock in own_clocks(d.known, legs)), ended


def moved(d: Decision, lead_due_at: datetime) -> tuple[Clock, ...]:
    """Give the clocks of co-handlers that are not late yet, moved with the extended due instant of the lead unit."""
    found = []
    for leg in d.known.co_handlers():
        clock = d.known.clock(ClockKind.CO_HANDLE, leg.number)
        if clock is None or clock.due_at < d.command.time:
            continue
        longer = clocks.co_handling_clock(leg.number, clock.started_at, lead_due_at, d.governing(clock), d.known.unit)
        found.append(clocks.ahead(longer, d.command.time))
    return tuple(found)


def outstanding(d: Decision, at: datetime) -> bool:
    """Say whether the lead unit has to wait at `at` for what co-handlers owe it."""
    rule = d.policy.rulebook.co_handling.lead_reply
    running = d.known.co_handlers()
    if rule == "waits_until_due":
        running = tuple(leg for leg in running if at <= leg.due_at)
    return rule != "at_once" and bool(running)


def own_leg(d: Decision) -> Cycle | None:
    """Give the running leg of the co-handler who speaks."""
    actor = d.command.actor
    if actor.role is not Role.UNIT:
        return None
    return next((leg for leg in d.known.co_handlers() if leg.unit == actor.id), None)


def assign_co_handlers(d: Decision, command: AssignCoHandlers) -> Decision:
    """The office has further units handle the ticket, beside those that do (Art. 3)."""
    ticket, handle = d.known, d.known.clock(ClockKind.HANDLE)
    if code := from_role(d, (Role.OFFICE,), *WITH_THE_UNITS):
        return d.refuse(code, ARTICLE)
    present = tuple(leg.unit for leg in ticket.co_handlers())
    if code := unfit(d, ticket.unit or "", (*present, *command.units)):
        return d.refuse(code, ARTICLE)
    if handle is None or command.time > handle.due_at:
        return d.refuse("deadline-passed", ARTICLE)
    started, legs = join(d, command.units, ticket.cycles_begun + 1, command.time, ticket.unit, handle.due_at)
    return d.then(CoHandlerAssigned, ARTICLE, co_handlers=command.units, started=started, cycles=legs)


def submit_co_reply(d: Decision, command: SubmitCoReply) -> Decision:
    """A co-handler hands in its part; one that misses a criterion of Art. 12 goes back and its clock goes on."""
    leg = own_leg(d)
    if leg is None:
        return d.refuse("not-a-co-handler", "Art. 12")
    if d.known.stage not in {*WITH_THE_UNITS, Stage.REPLIED}:
        return d.refuse(f"not-in-stage-{d.known.stage}", "Art. 12")
    dated = late_dated(command.reply, command.time, leg.started_at, d.policy)
    if found := defects(command.reply, (), wrongly_dated=dated):
        return d.then(CoReplyRejected, "Art. 12", co_handler=leg.unit, defects=found)
    d = settle(d, command.time, ClockKind.CO_HANDLE, cycle=leg.number)
    dispute = tuple(c for c in own_clocks(d.known, (leg,)) if c.kind is ClockKind.ADJUDICATE)
    return d.then(
        CoReplySubmitted,
        "Art. 12",
        co_handler=leg.unit,
        reply=command.reply,
        stopped=(
            *clocks.stop_kinds(d.known, command.time, ClockKind.CO_HANDLE, cycle=leg.number),
            *(clocks.cancel(clock, command.time) for clock in dispute),
        ),
        cycles=(cycles.end(d.known, leg, command.time, CycleEnd.REPLIED, d.policy),),
    )


def request_co_return(d: Decision, command: RequestCoReturn) -> Decision:
    """A co-handler asks to be let out, once, within the return window from the day it was named (Art. 7)."""
    rules, leg, ticket = d.policy.rulebook.return_, own_leg(d), d.known
    if leg is None:
        return d.refuse("not-a-co-handler", "Art. 7")
    if ticket.stage not in WITH_THE_UNITS:
        return d.refuse(f"not-in-stage-{ticket.stage}", "Art. 7")
    if leg.number in ticket.co_returns or ticket.returns >= rules.max_returns:
        return d.refuse("no-further-return", "Art. 7")
    own = d.policy.for_unit(leg.unit)
    window = due(leg.started_at, rules.window.limit, own.calendar, day_end=own.rulebook.day_end)
    if command.time > not_on_day_off(window, own.calendar, rules.moves_to):
        return d.refuse("return-window-over", "Art. 7")
    clock = clocks.start_clock(ClockKind.ADJUDICATE, leg.number, command.time, rules.adjudicate, d.policy)
    return d.then(
        CoReturnRequested,
        "Art. 7",
        co_handler=leg.unit,
        reason=command.reason,
        basis=command.basis,
        started=(clock,),
    )


def decide_co_return(d: Decision, command: DecideCoReturn) -> Decision:
    """The office lets a co-handler out, naming another in its place if it likes, or keeps it in (Art. 7)."""
    if code := from_role(d, (Role.OFFICE,), *WITH_THE_UNITS):
        return d.refuse(code, "Art. 7")
    leg = next((leg for leg in d.known.co_handlers() if leg.unit == command.co_handler), None)
    dispute = d.known.clock(ClockKind.ADJUDICATE, leg.number) if leg else None
    if leg is None or dispute is None:
        return d.refuse("no-return-requested", "Art. 7")
    others = tuple(other.unit for other in d.known.co_handlers() if other.number != leg.number)
    instead = (command.unit,) if command.upheld and command.unit else ()
    if code := unfit(d, d.known.unit or "", (*others, *instead)):
        return d.refuse(code, "Art. 7")
    d = settle(d, command.time, ClockKind.ADJUDICATE, cycle=leg.number)
    judged = clocks.stop_kinds(d.known, command.time, ClockKind.ADJUDICATE, cycle=leg.number)
    if not command.upheld:
        return d.then(CoReturnRefused, "Art. 7", co_handler=leg.unit, stopped=judged)
    d = settle(d, dispute.started_at, ClockKind.CO_HANDLE, cycle=leg.number)
    own = tuple(clocks.cancel(c, command.time) for c in own_clocks(d.known, (leg,)) if c.kind is ClockKind.CO_HANDLE)
    ended = cycles.end(d.known, leg, dispute.started_at, CycleEnd.RETURNED, d.policy)
    d = d.then(CoReturnUpheld, "Art. 7", co_handler=leg.unit, stopped=judged + own, cycles=(ended,))
    handle = d.known.clock(ClockKind.HANDLE)
    if not instead or handle is None:
        return d
    started, legs = join(d, instead, d.known.cycles_begun + 1, command.time, d.known.unit, handle.due_at)
    return d.then(CoHandlerAssigned, ARTICLE, co_handlers=instead, started=started, cycles=legs)
