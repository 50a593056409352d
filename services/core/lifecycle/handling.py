"""Signing, extending, replying, reviewing: Art. 7, 8, 12."""

from schemas.commands import (
    DecideExtension,
    RequestExtension,
    ReviewReply,
    SignTicket,
    SubmitReply,
)
from schemas.facts import (
    BreachWithdrawn,
    ClockBreached,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    ReplyAccepted,
    ReplyRejected,
    ReplySubmitted,
    TicketSigned,
)
from schemas.values import Clock
from schemas.vocabulary import ClockKind, Role, Stage, StopOutcome
from services.core import clocks
from services.core.deadlines import due, not_on_day_off
from services.core.decision import Decision
from services.core.lifecycle.actors import from_role, from_unit


def sign_ticket(d: Decision, command: SignTicket) -> Decision:
    """The unit takes the ticket on (Art. 7); a signature given in time but heard late takes the breach back."""
    ticket = d.known
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 7")
    if ticket.stage is Stage.DISPATCHED:
        return sign(d, deemed=False)
    breach = ticket.breached(ClockKind.SIGN, ticket.cycle)
    if breach is not None and command.time <= breach.due_at:
        return withdraw_breach(d, ClockKind.SIGN, ticket.cycle, command)
    return d.refuse("already-signed", "Art. 7")


def sign(d: Decision, *, deemed: bool) -> Decision:
    """Write the signing: the sign clock stops, the return window opens (Art. 7)."""
    ticket, rules, at = d.known, d.policy.rulebook.return_, d.command.time
    if deemed:
        clock = ticket.clock(ClockKind.SIGN)
        at = clock.due_at if clock else at
    window = clocks.start_clock(ClockKind.RETURN, ticket.cycle, at, rules.window, d.policy)
    moved = not_on_day_off(window.due_at, d.policy.calendar, rules.moves_to)
    stopped = clocks.stop_kinds(ticket, at, ClockKind.SIGN)
    if deemed:
        stopped = tuple(clock.model_copy(update={"outcome": StopOutcome.LATE}) for clock in stopped)
    return d.then(
        TicketSigned,
        "Art. 7",
        at=at,
        stage=Stage.IN_PROGRESS,
        deemed=deemed,
        started=(window.model_copy(update={"due_at": moved}),),
        stopped=stopped,
    )


def withdraw_breach(d: Decision, kind: ClockKind, cycle: int, met: SignTicket | SubmitReply | ReviewReply) -> Decision:
    """Take a breach back: what met the limit happened in time and was only heard late."""
    breach = d.known.breached(kind, cycle)
    if breach is None:
        return d
    met_at = met.time if not isinstance(met, ReviewReply) else (d.known.replied_at or met.time)
    return d.then(BreachWithdrawn, "Art. 8", clock=kind, clock_cycle=cycle, due_at=breach.due_at, met_at=met_at)


def request_extension(d: Decision, command: RequestExtension) -> Decision:
    """The unit asks for more time, before its deadline, with a reason (Art. 8). No clock stops."""
    ticket = d.known
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 8")
    clock = ticket.clock(ClockKind.HANDLE)
    rule = d.policy.rulebook.kinds[ticket.kind].extension
    if ticket.extension_asked_at is not None:
        return d.refuse("extension-pending", "Art. 8")
    if ticket.extensions >= rule.max_count:
        return d.refuse("no-further-extension", "Art. 8")
    if clock is None or command.time > clock.due_at:
        return d.refuse("deadline-passed", "Art. 8")
    return d.then(ExtensionRequested, "Art. 8", reason=command.reason)


def decide_extension(d: Decision, command: DecideExtension) -> Decision:
    """The accepting body grants more time, counted from the old due instant, or refuses (Art. 8)."""
    ticket = d.known
    if code := from_role(d, (Role.OFFICE, Role.PLATFORM), Stage.DISPATCHED, Stage.IN_PROGRESS, Stage.DISPUTED):
        return d.refuse(code, "Art. 8")
    asked, handle = ticket.extension_asked_at, ticket.clock(ClockKind.HANDLE)
    if asked is None or handle is None:
        return d.refuse("no-extension-requested", "Art. 8")
    if not command.granted:
        return d.then(ExtensionRefused, "Art. 8")
    longer = extended(d, handle)
    case = ticket.clock(ClockKind.CASE)
    d = d.then(
        ExtensionGranted,
        "Art. 8",
        old_due_at=handle.due_at,
        new_due_at=longer.due_at,
        count=ticket.extensions + 1,
        started=(longer, extended(d, case)) if case else (longer,),
    )
    for clock in (handle, case):
        breach = ticket.breached(clock.kind, clock.cycle) if clock else None
        if clock is not None and breach is not None:
            d = d.then(
                BreachWithdrawn,
                "Art. 8",
                clock=clock.kind,
                clock_cycle=clock.cycle,
                due_at=breach.due_at,
                met_at=asked,
            )
    return d


def extended(d: Decision, clock: Clock) -> Clock:
    """Give the same clock with its extended due instant: `each` adds to the old due, `total` caps the whole."""
    rules = d.policy.rulebook
    extension = rules.kinds[d.known.kind].extension
    rule = extension.each or extension.total
    if rule is None:
        return clock
    start = clock.due_at if extension.each else clock.started_at
    later = due(start, rule.limit, d.policy.calendar, day_end=rules.day_end)
    return clocks.clock_until(clock.kind, clock.cycle, clock.started_at, max(later, clock.due_at), rule, d.policy)


def submit_reply(d: Decision, command: SubmitReply) -> Decision:
    """The unit replies (Art. 7, 12); replying implies having signed. The clock stops when the reply passes."""
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 7")
    if d.known.stage is Stage.DISPATCHED:
        d = sign(d, deemed=False)
    return d.then(
        ReplySubmitted,
        "Art. 12",
        stage=Stage.REPLIED,
        reply=command.reply,
        stopped=clocks.stop_kinds(d.known, command.time, ClockKind.RETURN),
    )


def review_reply(d: Decision, command: ReviewReply) -> Decision:
    """A reply passes review and opens the revisit, or goes back with every reason (Art. 9, 12)."""
    ticket = d.known
    if ticket.stage is not Stage.REPLIED or command.cycle != ticket.cycle:
        return d
    replied_at = ticket.replied_at or command.time
    if command.defects:
        d = d.then(ReplyRejected, "Art. 12", stage=Stage.IN_PROGRESS, defects=command.defects)
        return breach_what_ran_out(d, command)
    for kind in (ClockKind.HANDLE, ClockKind.CASE):
        clock = ticket.clock(kind)
        if clock is not None and replied_at <= clock.due_at and ticket.breached(kind, clock.cycle):
            d = withdraw_breach(d, kind, clock.cycle, command)
    rating = clocks.start_clock(
        ClockKind.RATING, ticket.cycle, command.time, d.policy.rulebook.revisit.rating_window, d.policy
    )
    return d.then(
        ReplyAccepted,
        "Art. 9",
        stage=Stage.REVISITING,
        started=(rating,),
        stopped=clocks.stop_kinds(ticket, replied_at, ClockKind.HANDLE, ClockKind.CASE),
    )


def breach_what_ran_out(d: Decision, command: ReviewReply) -> Decision:
    """Declare the limits that ran out while a reply lay in review and was then found wanting."""
    for clock in d.known.clocks:
        ran_out = clock.kind in {ClockKind.HANDLE, ClockKind.CASE} and clock.due_at < command.time
        if ran_out and not d.known.breached(clock.kind, clock.cycle):
            d = breach(d, clock)
    return d


def breach(d: Decision, clock: Clock) -> Decision:
    """Declare a limit missed, stamped with the due instant."""
    return d.then(
        ClockBreached,
        clock.article,
        at=clock.due_at,
        clock=clock.kind,
        clock_cycle=clock.cycle,
        due_at=clock.due_at,
    )
