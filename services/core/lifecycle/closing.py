"""Revisiting, judging, explaining, closing, urging, supplementing, withdrawing: Art. 9."""

from datetime import datetime

from schemas.commands import (
    CloseTicket,
    JudgeDissatisfaction,
    LogContact,
    SubmitExplanation,
    SubmitRating,
    SupplementTicket,
    UrgeTicket,
    WithdrawTicket,
)
from schemas.facts import (
    ContactAttempted,
    DissatisfactionJudged,
    ExplanationGiven,
    RatingRecorded,
    TicketClosed,
    TicketRedispatched,
    TicketSupplemented,
    TicketUrged,
    TicketWithdrawn,
)
from schemas.vocabulary import ClockKind, CycleEnd, CyclePurpose, Rating, Resolution, Role, Stage, SuspensionEnd
from services.core import clocks, cycles
from services.core.deadlines import due
from services.core.decision import Decision
from services.core.lifecycle.actors import from_role, from_unit, while_open
from services.core.lifecycle.dispatching import accept, sign_clock
from services.core.lifecycle.rating import record_rating
from services.core.lifecycle.suspending import resume
from services.core.lifecycle.verdicts import settle

ARTICLE = "Art. 9"
BESIDE = {ClockKind.RELEASE, ClockKind.RETURN, ClockKind.RATING, ClockKind.SUSPENSION, ClockKind.APPEAL}
LIMITS = tuple(kind for kind in ClockKind if kind not in BESIDE)
"""Clocks that somebody has to meet before the ticket ends; the others are windows, or go on after it (an appeal)."""


EVALUATORS = (Role.CITIZEN, Role.OFFICE, Role.PLATFORM)
"""Who may say what the citizen thinks of the handling."""


def log_contact(d: Decision, command: LogContact) -> Decision:
    """Keep the outcome of one attempt to reach the citizen."""
    if code := from_role(d, (Role.OFFICE, Role.SERVICE), Stage.REVISITING):
        return d.refuse(code, ARTICLE)
    if command.attempt != d.known.contacts + 1:
        return d.refuse("attempt-out-of-order", ARTICLE)
    return d.then(ContactAttempted, ARTICLE, attempt=command.attempt, channel=command.channel, outcome=command.outcome)


def rate_answer(d: Decision, command: SubmitRating) -> Decision:
    """The citizen evaluates an answer given at once; one that did not help makes the matter a common consultation.

    Its limit counts from then on (Art. 8: no limit applies to what the knowledge base answers).
    """
    ticket, rules = d.known, d.policy.rulebook
    if ticket.rating is not None:
        return d.refuse("already-rated", ARTICLE)
    window = rules.revisit.rating_window.limit
    if command.time > due(ticket.opened_at, window, d.policy.calendar, day_end=rules.day_end):
        return d.refuse("rating-window-over", ARTICLE)
    unhappy = command.rating is Rating.DISSATISFIED
    d = d.then(RatingRecorded, ARTICLE, stage=Stage.OPENED if unhappy else Stage.ANSWERED, rating=command.rating)
    return accept(d) if unhappy else d


def submit_rating(d: Decision, command: SubmitRating) -> Decision:
    """The citizen evaluates; dissatisfaction goes to the office, which judges it within its limit."""
    ticket = d.known
    if ticket.stage is Stage.ANSWERED and command.actor.role in EVALUATORS:
        return rate_answer(d, command)
    if code := from_role(d, EVALUATORS, Stage.REVISITING):
        return d.refuse(code, ARTICLE)
    window = ticket.clock(ClockKind.RATING)
    if ticket.rating is not None:
        return d.refuse("already-rated", ARTICLE)
    if ticket.rating_elapsed or window is None or command.time > window.due_at:
        return d.refuse("rating-window-over", ARTICLE)
    return record_rating(d, command.rating)


def judge_dissatisfaction(d: Decision, command: JudgeDissatisfaction) -> Decision:
    """Justified: dispatched again while rounds remain. Unjustified: the unit explains (Art. 9 (2))."""
    if code := from_role(d, (Role.OFFICE,), Stage.JUDGING):
        return d.refuse(code, ARTICLE)
    d = settle(d, command.time, ClockKind.JUDGE)
    ticket, rules = d.known, d.policy.rulebook.revisit
    judged = clocks.stop_kinds(ticket, command.time, ClockKind.JUDGE)
    redo = command.justified and ticket.round < rules.max_redo_rounds
    decided = Stage.EXPLAINED if command.justified else Stage.EXPLAINING
    stage = Stage.JUDGING if redo else decided
    own = d.policy.for_unit(ticket.unit)
    explain = clocks.start_clock(ClockKind.EXPLAIN, ticket.cycle, command.time, rules.explain, own)
    d = d.then(
        DissatisfactionJudged,
        ARTICLE,
        stage=stage,
        justified=command.justified,
        reason=command.reason,
        started=(explain,) if stage is Stage.EXPLAINING else (),
        stopped=judged,
    )
    return redispatch(d) if redo else d


def redispatch(d: Decision) -> Decision:
    """Send the ticket to its unit again: the next round, with the handling limit of the kind anew."""
    ticket, at = d.known, d.command.time
    cycle = ticket.cycles_begun + 1
    handle = clocks.handling_clock(ClockKind.HANDLE, ticket, cycle, at, d.policy.for_unit(ticket.unit))
    return d.then(
        TicketRedispatched,
        ARTICLE,
        stage=Stage.DISPATCHED,
        round=ticket.round + 1,
        cycle=cycle,
        started=(sign_clock(d, ticket.unit, cycle, at), handle),
        cycles=(cycles.begin(ticket.unit or "nobody", ticket.unit_group or "none", CyclePurpose.REDO, handle),),
    )


def submit_explanation(d: Decision, command: SubmitExplanation) -> Decision:
    """The unit has explained patiently (Art. 9 (2))."""
    if code := from_unit(d, Stage.EXPLAINING):
        return d.refuse(code, ARTICLE)
    d = settle(d, command.time, ClockKind.EXPLAIN)
    return d.then(
        ExplanationGiven,
        ARTICLE,
        stage=Stage.EXPLAINED,
        content_ref=command.content_ref,
        stopped=clocks.stop_kinds(d.known, command.time, ClockKind.EXPLAIN),
    )


def close_ticket(d: Decision, command: CloseTicket) -> Decision:
    """Close when the conditions of the resolution hold; silence counts as basically satisfied (Art. 9 (1))."""
    ticket = d.known
    if code := from_role(d, (Role.SERVICE, Role.OFFICE), Stage.REVISITING, Stage.EXPLAINED):
        return d.refuse(code, ARTICLE)
    rated = ticket.rating in {Rating.SATISFIED, Rating.BASICALLY_SATISFIED}
    holds = {
        Resolution.RATED: ticket.stage is Stage.REVISITING and rated,
        Resolution.DEEMED: ticket.stage is Stage.REVISITING and ticket.rating is None and ticket.rating_elapsed,
        Resolution.EXPLAINED: ticket.stage is Stage.EXPLAINED,
        Resolution.OFFICE_DECISION: ticket.stage is Stage.EXPLAINED,
    }
    if not holds[command.resolution]:
        return d.refuse("conditions-not-met", ARTICLE)
    return d.then(
        TicketClosed,
        ARTICLE,
        stage=Stage.CLOSED,
        stopped=clocks.cancel_all(ticket, command.time, keep=(ClockKind.APPEAL,)),
        cycles=ticket.cycles,
        platform=ticket.platform,
        upstream_id=ticket.upstream_id,
        category=ticket.category,
        area=ticket.area,
        channel=ticket.channel,
        opened_at=ticket.opened_at,
        dispatched_at=ticket.dispatched_at,
        replied_at=ticket.replied_at,
        resolution=command.resolution,
        rating=ticket.rating or Rating.BASICALLY_SATISFIED,
        deemed=ticket.rating is None,
        returns=ticket.returns,
        extensions=ticket.extensions,
        urges=ticket.urges,
        breaches=tuple(b.kind for b in ticket.breaches),
        case_due_at=ticket.case_due_at,
        merged_into=ticket.merged_into,
    )


def urge_ticket(d: Decision, command: UrgeTicket) -> Decision:
    """The citizen asks again: noted, no clock changes (催办)."""
    if code := while_open(d, command):
        return d.refuse(code, "Art. 10")
    return d.then(TicketUrged, "Art. 10", count=d.known.urges + 1)


def supplement_ticket(d: Decision, command: SupplementTicket) -> Decision:
    """The citizen adds to the matter, for the unit to look into (补充材料, Art. 7): a suspended ticket goes on."""
    if code := while_open(d, command):
        return d.refuse(code, "Art. 7")
    count = d.known.supplements + 1
    d = d.then(
        TicketSupplemented, "Art. 7", content_ref=command.content_ref, count=count, attachments=command.attachments
    )
    return resume(d, command.time, SuspensionEnd.SUPPLEMENTED)


def withdraw_ticket(d: Decision, command: WithdrawTicket) -> Decision:
    """The citizen withdraws the matter; every clock that still runs then ends without a verdict.

    A platform that takes back the record of an urge withdraws nothing: the caller had brought the matter before.
    """
    if command.instead_of is not None:
        return d.refuse("not-the-opening-record", ARTICLE)
    if code := while_open(d, command):
        return d.refuse(code, ARTICLE)
    until = _owed_until(d, command)
    d = settle(d, until, *LIMITS)
    return d.then(
        TicketWithdrawn,
        ARTICLE,
        stage=Stage.WITHDRAWN,
        stopped=clocks.cancel_all(d.known, command.time, keep=(ClockKind.APPEAL,)),
        cycles=cycles.end_all(d.known, until, CycleEnd.WITHDRAWN, d.policy),
    )


def _owed_until(d: Decision, command: WithdrawTicket) -> datetime:
    """Give until when something was owed: a reply that lies in review when the citizen withdraws had answered."""
    ticket = d.known
    return ticket.replied_at if ticket.stage is Stage.REPLIED and ticket.replied_at else command.time
