"""The state machine of a ticket as one visible table: which fact may follow in which stage, and where it leads."""

from typing import Final

from schemas.facts import (
    Fact,
)
from schemas.vocabulary import Stage
from services.core.ticket import Ticket

TRANSITIONS: Final[dict[tuple[Stage, str], tuple[Stage, ...]]] = {
    (Stage.OPENED, "ticket.diverted.v1"): (Stage.DIVERTED,),
    (Stage.OPENED, "ticket.answered.v1"): (Stage.ANSWERED,),
    (Stage.OPENED, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.OPENED, "ticket.held.v1"): (Stage.HELD,),
    (Stage.OPENED, "ticket.queued.v1"): (Stage.QUEUED,),
    (Stage.OPENED, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.HELD, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.QUEUED, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.DECLINED, "refusal_review.requested.v1"): (Stage.CONTESTED,),
    (Stage.CONTESTED, "refusal.upheld.v1"): (Stage.DECLINED,),
    (Stage.CONTESTED, "refusal.overturned.v1"): (Stage.OPENED,),
    (Stage.ANSWERED, "rating.recorded.v1"): (Stage.ANSWERED, Stage.OPENED),
    (Stage.HELD, "ticket.queued.v1"): (Stage.QUEUED,),
    (Stage.HELD, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.QUEUED, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.DISPATCHED, "ticket.signed.v1"): (Stage.IN_PROGRESS,),
    (Stage.IN_PROGRESS, "return.requested.v1"): (Stage.DISPUTED,),
    (Stage.IN_PROGRESS, "reply.submitted.v1"): (Stage.REPLIED,),
    (Stage.IN_PROGRESS, "ticket.suspended.v1"): (Stage.SUSPENDED,),
    (Stage.SUSPENDED, "ticket.resumed.v1"): (Stage.IN_PROGRESS,),
    (Stage.DISPUTED, "return.refused.v1"): (Stage.IN_PROGRESS,),
    (Stage.DISPUTED, "return.upheld.v1"): (Stage.QUEUED,),
    (Stage.REPLIED, "reply.accepted.v1"): (Stage.REVISITING,),
    (Stage.REPLIED, "reply.rejected.v1"): (Stage.IN_PROGRESS,),
    (Stage.REVISITING, "rating.recorded.v1"): (Stage.REVISITING, Stage.JUDGING),
    (Stage.REVISITING, "ticket.closed.v1"): (Stage.CLOSED,),
    (Stage.JUDGING, "dissatisfaction.judged.v1"): (Stage.JUDGING, Stage.EXPLAINING, Stage.EXPLAINED),
    (Stage.JUDGING, "ticket.redispatched.v1"): (Stage.DISPATCHED,),
    (Stage.EXPLAINING, "explanation.given.v1"): (Stage.EXPLAINED,),
    (Stage.EXPLAINED, "ticket.closed.v1"): (Stage.CLOSED,),
    (Stage.CLOSED, "ticket.reopened.v1"): (Stage.OPENED,),
    (Stage.HELD, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.QUEUED, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.DISPATCHED, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.IN_PROGRESS, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.MERGED, "ticket.unmerged.v1"): (Stage.OPENED,),
    (Stage.MERGED, "reply.shared.v1"): (Stage.REVISITING,),
}
"""Which fact may follow in which stage, and where it leads. Whatever is not here moves no ticket."""

TERMINAL: Final = (Stage.DIVERTED, Stage.ANSWERED, Stage.DECLINED, Stage.WITHDRAWN, Stage.CLOSED)
"""Stages in which nothing is owed to the citizen any more."""
OPEN_STAGES: Final = tuple(stage for stage in Stage if stage not in TERMINAL)
ANYWHERE: Final = (
    "clock.at_risk.v1",
    "clock.breached.v1",
    "clock.elapsed.v1",
    "breach.withdrawn.v1",
    "deadline.revised.v1",
    "command.refused.v1",
    "co_handler.assigned.v1",
    "co_reply.submitted.v1",
    "co_reply.rejected.v1",
    "co_return.requested.v1",
    "co_return.upheld.v1",
    "co_return.refused.v1",
    "call.logged.v1",
    "measure.excluded.v1",
    "appeal.requested.v1",
    "appeal.decided.v1",
    "accountability.raised.v1",
    "accountability.decided.v1",
    "contact.attempted.v1",
    "extension.requested.v1",
    "extension.granted.v1",
    "extension.refused.v1",
    "suspension.requested.v1",
    "suspension.refused.v1",
    "ticket.urged.v1",
    "ticket.repeated.v1",
    "ticket.supplemented.v1",
    "merge.requested.v1",
    "merge.refused.v1",
    "merge.lapsed.v1",
    "extension.carried.v1",
    "child.attached.v1",
    "child.refused.v1",
    "child.detached.v1",
)
"""Facts that may stand in any stage and leave the ticket where it is."""


class IllegalTransitionError(Exception):
    """A fact that the state machine does not know in this stage: a defect of the decider, never of the input."""


def check_transition(ticket: Ticket, fact: Fact) -> None:
    """Raise `IllegalTransitionError` unless the table allows `fact` on `ticket`."""
    if fact.type in ANYWHERE and fact.stage is ticket.stage:
        return
    if fact.type == "ticket.withdrawn.v1" and ticket.stage in OPEN_STAGES and fact.stage is Stage.WITHDRAWN:
        return
    if fact.stage not in TRANSITIONS.get((ticket.stage, fact.type), ()):
        raise IllegalTransitionError(f"{fact.type} to {fact.stage} in stage {ticket.stage} of {ticket.id}")
