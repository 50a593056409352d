"""The table of deciders: which function answers which command."""

from collections.abc import Callable
from typing import Any, Final

from schemas.commands import Command
from services.core.calendar import CalendarRangeError
from services.core.decision import Decision
from services.core.lifecycle import (
    alarms,
    assessing,
    calling,
    closing,
    co_handling,
    dispatching,
    handling,
    merging,
    refusing,
    repeating,
    suspending,
)
from services.core.policy import Policies
from services.core.service import Rejected
from services.core.ticket import Ticket

DECIDERS: Final[dict[str, Callable[[Decision, Any], Decision]]] = {
    "ticket.open.v1": dispatching.open_ticket,
    "ticket.repeat.v1": repeating.repeat_ticket,
    "ticket.assign.v1": dispatching.assign_ticket,
    "ticket.decline.v1": refusing.decline_ticket,
    "refusal_review.request.v1": refusing.request_refusal_review,
    "refusal_review.decide.v1": refusing.decide_refusal_review,
    "ticket.sign.v1": handling.sign_ticket,
    "return.request.v1": dispatching.request_return,
    "return.decide.v1": dispatching.decide_return,
    "co_handler.assign.v1": co_handling.assign_co_handlers,
    "co_reply.submit.v1": co_handling.submit_co_reply,
    "co_return.request.v1": co_handling.request_co_return,
    "co_return.decide.v1": co_handling.decide_co_return,
    "extension.request.v1": handling.request_extension,
    "extension.decide.v1": handling.decide_extension,
    "suspension.request.v1": suspending.request_suspension,
    "suspension.decide.v1": suspending.decide_suspension,
    "ticket.resume.v1": suspending.resume_ticket,
    "reply.submit.v1": handling.submit_reply,
    "reply.review.v1": handling.review_reply,
    "call.log.v1": calling.log_call,
    "contact.log.v1": closing.log_contact,
    "rating.submit.v1": closing.submit_rating,
    "dissatisfaction.judge.v1": closing.judge_dissatisfaction,
    "explanation.submit.v1": closing.submit_explanation,
    "ticket.close.v1": closing.close_ticket,
    "ticket.urge.v1": closing.urge_ticket,
    "ticket.supplement.v1": closing.supplement_ticket,
    "ticket.withdraw.v1": closing.withdraw_ticket,
    "ticket.reopen.v1": dispatching.reopen_ticket,
    "ticket.merge.v1": merging.merge_ticket,
    "ticket.unmerge.v1": merging.unmerge_ticket,
    "merge.attach.v1": merging.attach_child,
    "merge.detach.v1": merging.detach_child,
    "merge.answer.v1": merging.answer_merge,
    "reply.share.v1": merging.share_reply,
    "extension.carry.v1": merging.carry_extension,
    "measure.exclude.v1": assessing.exclude_measure,
    "appeal.request.v1": assessing.request_appeal,
    "appeal.decide.v1": assessing.decide_appeal,
    "accountability.raise.v1": assessing.raise_accountability,
    "accountability.decide.v1": assessing.decide_accountability,
    "clock.signal.v1": alarms.signal_clocks,
}
"""Command type to decider; each gives a new `Decision` and changes nothing else."""


def decide(ticket: Ticket | None, command: Command, policies: Policies) -> Decision:
    """Decide `command` about `ticket`.

    Raises `Rejected` with `unknown-ticket` for a ticket that was never opened, `unexpected-type` for an event that
    is no command about a ticket, `beyond-the-calendar` for one whose time leads to no due instant,
    `no-rules-in-force` for one from before the first rulebook.
    """
    try:
        return _decide(ticket, command, policies)
    except CalendarRangeError as error:
        raise Rejected("beyond-the-calendar", str(error)) from None


def _decide(ticket: Ticket | None, command: Command, policies: Policies) -> Decision:
    decider = DECIDERS.get(command.type)
    if decider is None:
        raise Rejected("unexpected-type", f"{command.type} is no command about a ticket")
    d = Decision(ticket, command, policies)
    if command.type == "ticket.open.v1":
        return d if ticket is not None else decider(d, command)
    if ticket is None:
        raise Rejected("unknown-ticket", "the command names a ticket that was never opened")
    return decider(d, command)
