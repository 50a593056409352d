"""Reply, in writing or in a call, and review the reply (Art. 5, 7, 12)."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.values import Reply
from schemas.vocabulary import CallOutcome, Rating, ReplyDefect


class SubmitReply(Command):
    """The unit replies (Art. 7, 12)."""

    type: Literal["reply.submit.v1"] = "reply.submit.v1"
    reply: Reply


class ReviewReply(Command):
    """Revisit's verdict on a reply: no defects means that it passed (Art. 12)."""

    type: Literal["reply.review.v1"] = "reply.review.v1"
    cycle: int = Field(ge=0)
    defects: tuple[ReplyDefect, ...] = ()


class LogCall(Command):
    """The office connected citizen and unit in a three-way call about a consultation (三方通话, Art. 5).

    `reply` is what the unit answered in the call, `rating` what the citizen said of it before hanging up.
    """

    type: Literal["call.log.v1"] = "call.log.v1"
    outcome: CallOutcome
    reply: Reply | None = None
    rating: Rating | None = None


REPLYING: tuple[type[Command], ...] = (SubmitReply, ReviewReply, LogCall)
