"""Signing, extending, replying, reviewing: Art. 7, 8, 12."""

from schemas.commands import (
    DecideExtension,
    RequestExtension,
    ReviewReply,
    SignTicket,
    SubmitReply,
)
from schemas.facts import (
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    ReplyAccepted,
    ReplyRejected,
    ReplySubmitted,
    TicketSigned,
)
from schemas.values import Clock
from schemas.vocabulary import AcceptedBy, ClockKind, CycleEnd, Role, Stage, StopOutcome, SuspensionEnd
from services.core import clocks, cycles
from services.core.decision import Decision
from services.core.lifecycle import co_handling
from services.core.lifecycle.actors import from_role, from_unit
from services.core.lifecycle.rating import record_rating
from services.core.lifecycle.suspending import resume
from services.core.lifecycle.verdicts import breach, settle, withdraw_breach

HANDLING = (ClockKind.HANDLE, ClockKind.CASE)
"""The unit's clock and the citizen's: both end with a reply that passes review."""


def sign_ticket(d: Decision, command: SignTicket) -> Decision:
    """The unit takes the ticket on (Art. 7); a signature given in time but heard late takes the breach back."""
    ticket = d.known
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 7")
    if ticket.stage is Stage.DISPATCHED:
        return sign(d, deemed=False)
    missed = ticket.breached(ClockKind.SIGN, ticket.cycle)
    if missed is not None and command.time <= missed.due_at:
        return withdraw_breach(d, missed, command.time, "Art. 7")
    return d.refuse("already-signed", "Art. 7")


def sign(d: Decision, *, deemed: bool) -> Decision:
    """Write the signing: the sign clock stops, the return window opens (Art. 7)."""
    at = d.command.time
    if deemed:
        clock = d.known.clock(ClockKind.SIGN)
        at = clock.due_at if clock else at
    else:
        d = settle(d, at, ClockKind.SIGN)
    ticket, rules = d.known, d.policy.rulebook.return_
    window = clocks.return_window(ticket.cycle, at, rules.window, d.policy.for_unit(ticket.unit))
    stopped = clocks.stop_kinds(ticket, at, ClockKind.SIGN)
    if deemed:
        stopped = tuple(clock.model_copy(update={"outcome": StopOutcome.LATE}) for clock in stopped)
    return d.then(
        TicketSigned,
        "Art. 7",
        at=at,
        stage=Stage.IN_PROGRESS,
        deemed=deemed,
        started=(window,),
        stopped=stopped,
    )


def request_extension(d: Decision, command: RequestExtension) -> Decision:
    """The unit asks for more time, before its deadline, with a reason (Art. 8). No clock stops."""
    ticket = d.known
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS):
        return d.refuse(code, "Art. 8")
    clock = ticket.clock(ClockKind.HANDLE)
    rule = (d.governing(clock) if clock else d.policy).rule_of(ticket.kind, ticket.category).extension
    if ticket.extension_asked_at is not None:
        return d.refuse("extension-pending", "Art. 8")
    if ticket.extensions >= rule.max_count:
        return d.refuse("no-further-extension", "Art. 8")
    if clock is None or command.time > clock.due_at:
        return d.refuse("deadline-passed", "Art. 8")
    return d.then(ExtensionRequested, "Art. 8", reason=command.reason)


def decide_extension(d: Decision, command: DecideExtension) -> Decision:
    """The accepting body grants more time, counted from the old due instant, or refuses (Art. 8).

    The office speaks for the county, and enters the answer of a higher body that it forwarded the request to.
    """
    ticket, actor = d.known, command.actor
    if code := from_role(d, (Role.OFFICE, Role.PLATFORM), Stage.DISPATCHED, Stage.IN_PROGRESS, Stage.DISPUTED):
        return d.refuse(code, "Art. 8")
    accepted_elsewhere = ticket.accepted_by is not AcceptedBy.COUNTY and actor.id == ticket.platform
    if actor.role is Role.PLATFORM and not accepted_elsewhere:
        return d.refuse("not-entitled", "Art. 8")
    asked, handle = ticket.extension_asked_at, ticket.clock(ClockKind.HANDLE)
    if asked is None or handle is None:
        return d.refuse("no-extension-requested", "Art. 8")
    if not command.granted:
        return d.then(ExtensionRefused, "Art. 8")
    if ticket.extensions >= d.governing(handle).rule_of(ticket.kind, ticket.category).extension.max_count:
        return d.refuse("no-further-extension", "Art. 8")  # merging brought others of the same matter meanwhile
    longer = extended(d, handle)
    case = ticket.clock(ClockKind.CASE)
    if case is not None and asked > case.due_at:
        case = None  # ran out in an earlier leg, before anybody asked: more time for this unit does not mend that
    of_case = (extended(d, case),) if case else ()
    started = (longer, *of_case, *co_handling.moved(d, longer.due_at))
    d = d.then(
        ExtensionGranted,
        "Art. 8",
        old_due_at=handle.due_at,
        new_due_at=longer.due_at,
        count=ticket.extensions + 1,
        started=started,
        cycles=cycles.extend(ticket, started),
    )
    for clock in (handle, case):
        missed = ticket.breached(clock.kind, clock.cycle) if clock else None
        if missed is not None:
            d = withdraw_breach(d, missed, asked, "Art. 8")
    return d


def extended(d: Decision, clock: Clock) -> Clock:
    """Give the same clock with its extended due instant: `each` adds to the old due, `total` caps the whole.

    Rungs of the longer clock that would lie in the past are not climbed: nobody is reminded of them (Art. 10).
    """
    longer = clocks.extended(clock, d.known, d.governing(clock), d.known.moved_seconds)
    return clocks.ahead(longer, d.command.time)


def submit_reply(d: Decision, command: SubmitReply) -> Decision:
    """The unit replies (Art. 7, 12); replying implies having signed. The clock stops when the reply passes."""
    if code := from_unit(d, Stage.DISPATCHED, Stage.IN_PROGRESS, Stage.SUSPENDED):
        return d.refuse(code, "Art. 7")
    if co_handling.outstanding(d, command.time):
        return d.refuse("co-handlers-outstanding", co_handling.ARTICLE)
    d = resume(d, command.time, SuspensionEnd.REPLIED)
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
    if command.actor.role not in {Role.SERVICE, Role.OFFICE}:
        return d.refuse("not-entitled", "Art. 12")
    if ticket.stage is not Stage.REPLIED or command.cycle != ticket.cycle:
        return d
    if command.defects:
        return reject(d, command)
    replied_at = ticket.replied_at or command.time
    d = settle(d, replied_at, *HANDLING, ClockKind.CO_HANDLE)
    released, parted = co_handling.release(d, replied_at)
    rating = clocks.start_clock(
        ClockKind.RATING, ticket.cycle, command.time, d.policy.rulebook.revisit.rating_window, d.policy
    )
    said = ticket.call_rating
    d = d.then(
        ReplyAccepted,
        "Art. 9",
        stage=Stage.REVISITING,
        started=(rating,),
        stopped=clocks.stop_kinds(ticket, replied_at, ClockKind.HANDLE, ClockKind.CASE) + released,
        cycles=(*cycles.end_current(d.known, replied_at, CycleEnd.REPLIED, d.policy), *parted),
    )
    return record_rating(d, said) if said else d  # said in the three-way call (Art. 5)


def reject(d: Decision, command: ReviewReply) -> Decision:
    """Send a reply back; the clocks go on (Art. 12).

    They are told again to sla-timer, because an alarm that rang while the reply lay in review was taken for
    answered: without that a limit that ran out in between would never be declared missed.
    """
    ticket = d.known
    again = tuple(
        clocks.ahead(clock, command.time)
        for clock in ticket.clocks
        if clock.kind in HANDLING and ticket.breached(clock.kind, clock.cycle) is None
    )
    d = d.then(ReplyRejected, "Art. 12", stage=Stage.IN_PROGRESS, defects=command.defects, started=again)
    for clock in again:
        if clock.due_at < command.time:
            d = breach(d, clock)
    return d
