"""What the hotline may not take: declined by the office before dispatch, and reviewed when the citizen contests it.

Source: 国办函〔2025〕66号 (二), which wants each refusal explained and the lawful channel named; docs/adr/0007.
"""

from schemas.commands import DecideRefusalReview, DeclineTicket, RequestRefusalReview
from schemas.facts import RefusalOverturned, RefusalReviewRequested, RefusalUpheld
from schemas.vocabulary import ClockKind, Role, Stage
from services.core import clocks
from services.core.deadlines import due
from services.core.decision import Decision
from services.core.lifecycle.actors import from_role
from services.core.lifecycle.dispatching import REFUSAL_ARTICLE, accept, decline
from services.core.lifecycle.verdicts import settle


def decline_ticket(d: Decision, command: DeclineTicket) -> Decision:
    """The office sees before the first dispatch that the matter was accepted by mistake; not after a review said so."""
    if code := from_role(d, (Role.OFFICE,), Stage.HELD, Stage.QUEUED):
        return d.refuse(code, REFUSAL_ARTICLE)
    if d.known.dispatched_at is not None:
        return d.refuse("already-dispatched", REFUSAL_ARTICLE)
    if d.known.refusal_reviews:
        return d.refuse("refusal-overturned", REFUSAL_ARTICLE)
    if d.policy.refusal(command.code, command.time) is None:
        return d.refuse("unknown-code", REFUSAL_ARTICLE)
    return decline(settle(d, command.time, ClockKind.DISPATCH), command.code)


def request_refusal_review(d: Decision, command: RequestRefusalReview) -> Decision:
    """The citizen contests the refusal: once, within the window, if the catalogue lets it be reviewed."""
    ticket, rules = d.known, d.policy.rulebook.refusals
    if code := from_role(d, (Role.CITIZEN, Role.PLATFORM, Role.OFFICE), Stage.DECLINED):
        return d.refuse(code, REFUSAL_ARTICLE)
    if not ticket.refusal_reviewable:
        return d.refuse("not-reviewable", REFUSAL_ARTICLE)
    if ticket.refusal_reviews:
        return d.refuse("already-reviewed", REFUSAL_ARTICLE)
    since = ticket.declined_at or command.time
    window = due(since, rules.review_window.limit, d.policy.calendar, day_end=d.policy.rulebook.day_end)
    if command.time > window:
        return d.refuse("review-window-over", REFUSAL_ARTICLE)
    clock = clocks.start_clock(ClockKind.REFUSAL_REVIEW, ticket.cycle, command.time, rules.review, d.policy)
    return d.then(
        RefusalReviewRequested, REFUSAL_ARTICLE, stage=Stage.CONTESTED, reason=command.reason, started=(clock,)
    )


def decide_refusal_review(d: Decision, command: DecideRefusalReview) -> Decision:
    """Upheld: final. Overturned: accepted as if it had come now; every clock begins with that (Art. 6, 8)."""
    if code := from_role(d, (Role.OFFICE,), Stage.CONTESTED):
        return d.refuse(code, REFUSAL_ARTICLE)
    d = settle(d, command.time, ClockKind.REFUSAL_REVIEW)
    decided = clocks.stop_kinds(d.known, command.time, ClockKind.REFUSAL_REVIEW)
    if command.upheld:
        return d.then(RefusalUpheld, REFUSAL_ARTICLE, stage=Stage.DECLINED, reason=command.reason, stopped=decided)
    d = d.then(RefusalOverturned, REFUSAL_ARTICLE, stage=Stage.OPENED, reason=command.reason, stopped=decided)
    return accept(d)
