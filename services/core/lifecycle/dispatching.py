"""Opening, holding, dispatching, returning: Art. 2, 6, 7 and the four lanes of the door."""

from datetime import datetime

from schemas.commands import AssignTicket, DecideReturn, OpenTicket, ReopenTicket, RequestReturn
from schemas.facts import (
    ReturnRefused,
    ReturnRequested,
    ReturnUpheld,
    TicketAnswered,
    TicketDeclined,
    TicketDispatched,
    TicketDiverted,
    TicketHeld,
    TicketOpened,
    TicketQueued,
    TicketReopened,
)
from schemas.values import Clock
from schemas.vocabulary import ClockKind, CycleEnd, CyclePurpose, DispatchReason, Lane, Role, Stage
from services.core import clocks, cycles
from services.core.deadlines import dispatch_by, due, in_office_day, release_at
from services.core.decision import Decision
from services.core.directory import Placement
from services.core.lifecycle import co_handling
from services.core.lifecycle.actors import from_role, from_unit
from services.core.lifecycle.verdicts import settle
from services.core.rule import LimitRule

REFUSAL_ARTICLE = "国办函〔2025〕66号 (二)"


def open_ticket(d: Decision, command: OpenTicket) -> Decision:
    """Put a matter on the record and send it down its lane."""
    d = d.then(
        TicketOpened,
        "Art. 4",
        kind=command.kind,
        **command.model_dump(
            include={
                "platform", "upstream_id", "category", "area", "channel", "pii_ref", "anonymous",
                "secrecy_requested", "accepted_by", "upstream_due_at", "limit_override", "attachments", "repeat_of",
            }
        ),
    )  # fmt: skip
    match command.lane:
        case Lane.EMERGENCY:
            number, rule = command.call_number or "110", command.emergency_rule
            return d.then(TicketDiverted, "Art. 2", stage=Stage.DIVERTED, call_number=number, rule=rule)
        case Lane.KNOWLEDGE_BASE:
            article = command.knowledge_article or "unnamed"
            return d.then(TicketAnswered, "Art. 8", stage=Stage.ANSWERED, knowledge_article=article)
        case Lane.LAWFUL_CHANNEL | Lane.NOT_ACCEPTABLE:
            return decline(d, command.lane_code or command.lane.value)
        case _:
            return accept(d)


def decline(d: Decision, code: str) -> Decision:
    """Say what the catalogue says of this code: whose business it is, and whether the refusal may be reviewed."""
    at = d.command.time
    found = d.policy.refusal(code, at)
    return d.then(
        TicketDeclined,
        found.basis if found else REFUSAL_ARTICLE,
        stage=Stage.DECLINED,
        code=code,
        channel=found.channel if found else None,
        reviewable=found is not None and found.reviewable,
        stopped=clocks.stop_kinds(d.known, at, ClockKind.RELEASE, ClockKind.DISPATCH),
    )


def accept(d: Decision) -> Decision:
    """Dispatch at once, or hold an off-hours ticket until the opening (Art. 6)."""
    at = d.command.time
    rules = d.policy.rulebook
    own = d.policy.rule_of(d.known.kind, d.known.category)
    if own.immediate or not rules.dispatch.hold_off_hours or in_office_day(at, d.policy.calendar):
        return place(d, at, DispatchReason.ROUTED)
    release = release_at(at, d.policy.calendar)
    window = LimitRule(amount=1, unit="working_days", article=rules.dispatch.article)
    clock = clocks.clock_until(ClockKind.RELEASE, d.known.cycle, at, release, window, d.policy)
    return d.then(
        TicketHeld,
        rules.dispatch.article,
        stage=Stage.HELD,
        release_at=release,
        started=(clock, dispatch_clock(d, at)),
    )


def dispatch_clock(d: Decision, at: datetime) -> Clock:
    """Start the office's own clock: out the same day, off-hours by 10:00 of the next working day (Art. 6)."""
    rules = d.policy.rulebook.dispatch
    if rules.limit is not None:
        return clocks.start_clock(ClockKind.DISPATCH, d.known.cycle, at, rules.limit, d.policy)
    by = dispatch_by(at, d.policy.calendar, rules.out_by)
    limit = LimitRule(amount=1, unit="working_days", article=rules.article)
    return clocks.clock_until(ClockKind.DISPATCH, d.known.cycle, at, by, limit, d.policy)


def place(d: Decision, at: datetime, reason: DispatchReason) -> Decision:
    """Send the ticket to the unit that the directory names, or to the manual desk."""
    placement = d.policy.directory.place(d.known.category, d.known.area)
    if placement is not None:
        return dispatch(d, placement, at, reason)
    running = d.known.clock(ClockKind.DISPATCH)
    return d.then(
        TicketQueued,
        "Art. 6",
        at=at,
        stage=Stage.QUEUED,
        vacant=True,
        reason="not-in-the-directory",
        started=() if running else (dispatch_clock(d, at),),
        stopped=clocks.stop_kinds(d.known, at, ClockKind.RELEASE),
    )


def dispatch(
    d: Decision, placement: Placement, at: datetime, reason: DispatchReason, co_handlers: tuple[str, ...] = ()
) -> Decision:
    """Send the ticket to a unit: a new cycle with its own sign and handle clocks; the case clock starts once.

    It never starts again: not when a return after a redo is upheld, not when the matter is re-opened (Art. 8).
    Co-handlers get a leg and a clock each beside the lead unit (Art. 3).
    """
    d = settle(d, at, ClockKind.DISPATCH)
    ticket, policy = d.known, d.policy
    cycle = ticket.cycles_begun + 1
    unit = placement.unit
    handle = clocks.handling_clock(ClockKind.HANDLE, ticket, cycle, at, policy.for_unit(unit.id))
    started = [sign_clock(d, unit.id, cycle, at), handle]
    if ticket.dispatched_at is None:
        started.append(clocks.handling_clock(ClockKind.CASE, ticket, 0, at, policy))
    parts, legs = co_handling.join(d, co_handlers, cycle + 1, at, unit.id, handle.due_at)
    return d.then(
        TicketDispatched,
        "Art. 6",
        at=at,
        stage=Stage.DISPATCHED,
        unit=unit,
        cycle=cycle,
        reason=reason,
        rule=placement.rule,
        co_handlers=co_handlers,
        started=(*started, *parts),
        stopped=clocks.stop_kinds(ticket, at, ClockKind.RELEASE, ClockKind.DISPATCH),
        cycles=(cycles.begin(unit.id, unit.group, CyclePurpose.HANDLE, handle), *legs),
    )


def sign_clock(d: Decision, unit: str | None, cycle: int, at: datetime) -> Clock:
    """Start the clock within which the unit signs (Art. 7), in its own hours."""
    policy = d.policy.for_unit(unit)
    rules, own = policy.rulebook.sign, policy.rule_of(d.known.kind, d.known.category)
    limit = own.sign or (rules.wall_clock_limit if own.sign_wall_clock else rules.limit)
    return clocks.start_clock(ClockKind.SIGN, cycle, at, limit, policy)


def assign_ticket(d: Decision, command: AssignTicket) -> Decision:
    """The manual desk names the unit (Art. 6)."""
    if code := from_role(d, (Role.OFFICE,), Stage.QUEUED, Stage.HELD):
        return d.refuse(code, "Art. 6")
    unit = d.policy.directory.unit(command.unit)
    if unit is None:
        return d.refuse("unknown-unit", "Art. 6")
    if code := co_handling.unfit(d, unit.id, command.co_handlers):
        return d.refuse(code, co_handling.ARTICLE)
    desk = Placement(unit, "manual-desk")
    return dispatch(d, desk, command.time, DispatchReason.ASSIGNED, command.co_handlers)


def request_return(d: Decision, command: RequestReturn) -> Decision:
    """The unit sends back what is not its business, within the window after signing (Art. 7)."""
    rules, ticket = d.policy.rulebook.return_, d.known
    if code := from_unit(d, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 7")
    if ticket.returns >= rules.max_returns:
        return d.refuse("no-further-return", "Art. 7")
    if ticket.return_due_at is None or command.time > ticket.return_due_at:
        return d.refuse("return-window-over", "Art. 7")
    if command.proposed_unit is not None and d.policy.directory.unit(command.proposed_unit) is None:
        return d.refuse("unknown-unit", "Art. 7")
    clock = clocks.start_clock(ClockKind.ADJUDICATE, ticket.cycle, command.time, rules.adjudicate, d.policy)
    return d.then(
        ReturnRequested,
        "Art. 7",
        stage=Stage.DISPUTED,
        reason=command.reason,
        basis=command.basis,
        proposed_unit=command.proposed_unit,
        started=(clock,),
        stopped=clocks.stop_kinds(ticket, command.time, ClockKind.RETURN),
    )


def decide_return(d: Decision, command: DecideReturn) -> Decision:
    """The office upholds a return and dispatches elsewhere, or refuses it (Art. 7)."""
    ticket, directory = d.known, d.policy.directory
    if code := from_role(d, (Role.OFFICE,), Stage.DISPUTED):
        return d.refuse(code, "Art. 7")
    if not command.upheld:
        d = settle(d, command.time, ClockKind.ADJUDICATE, cycle=ticket.cycle)
        judged = clocks.stop_kinds(ticket, command.time, ClockKind.ADJUDICATE, cycle=ticket.cycle)
        return d.then(ReturnRefused, "Art. 7", stage=Stage.IN_PROGRESS, stopped=judged)
    named = command.unit or ticket.proposed_unit
    unit = directory.unit(named) if named else None
    placement = Placement(unit, "return-decision") if unit else directory.last_resort(ticket.area)
    if placement is None:
        return d.refuse("name-a-unit", "Art. 7")
    if code := co_handling.unfit(d, placement.unit.id, command.co_handlers):
        return d.refuse(code, co_handling.ARTICLE)
    d = settle(d, command.time, ClockKind.ADJUDICATE, cycle=ticket.cycle)
    dispute = ticket.clock(ClockKind.ADJUDICATE, ticket.cycle)
    if dispute is not None:  # what the unit's clock missed while the return was rightly disputed is charged to nobody
        d = settle(d, dispute.started_at, ClockKind.HANDLE)
    judged = clocks.stop_kinds(ticket, command.time, ClockKind.ADJUDICATE, cycle=ticket.cycle)
    d = settle(d, command.time, ClockKind.CO_HANDLE)
    released, parted = co_handling.release(d, command.time)  # their parts belonged to a reply that nobody writes now
    own = tuple(clocks.cancel(c, command.time) for c in ticket.clocks if c.kind in {ClockKind.HANDLE, ClockKind.SIGN})
    reason = DispatchReason.RETURN_UPHELD
    if ticket.returns >= d.policy.rulebook.return_.max_returns:
        reason = DispatchReason.ADJUDICATED
    d = d.then(
        ReturnUpheld,
        "Art. 7",
        stage=Stage.QUEUED,
        returned_by=ticket.unit or "nobody",
        stopped=judged + own + released,
        cycles=(
            *cycles.end_current(d.known, dispute.started_at if dispute else command.time, CycleEnd.RETURNED, d.policy),
            *parted,
        ),
    )
    return dispatch(d, placement, command.time, reason, command.co_handlers)


def reopen_ticket(d: Decision, command: ReopenTicket) -> Decision:
    """The same matter comes back within the window after closing: a new generation, dispatched anew."""
    if code := from_role(d, (Role.CITIZEN, Role.PLATFORM, Role.OFFICE), Stage.CLOSED):
        return d.refuse(code, "Art. 9")
    ticket, rule = d.known, d.policy.rulebook.revisit.reopen_window
    closed_at = ticket.closed_at or command.time
    if command.time > due(closed_at, rule.limit, d.policy.calendar, day_end=d.policy.rulebook.day_end):
        return d.refuse("reopen-window-over", "Art. 9")
    d = d.then(TicketReopened, "Art. 9", stage=Stage.OPENED, generation=ticket.generation + 1, vacant=True)
    return accept(d)
