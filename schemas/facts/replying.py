"""What the unit answered, in writing or in a call, and whether it passed review (Art. 5, 7, 12)."""

from typing import Literal

from pydantic import Field

from schemas.facts.fact import Fact
from schemas.values import Reply
from schemas.vocabulary import CallOutcome, Rating, ReplyDefect


class ReplySubmitted(Fact):
    """The unit replied (Art. 7, 12).

    `in_call`: the citizen heard it in a three-way call (Art. 5).
    """

    type: Literal["reply.submitted.v1"] = "reply.submitted.v1"
    reply: Reply
    in_call: bool = False


class ReplyAccepted(Fact):
    """The reply passed review; the revisit is open (Art. 9, 12)."""

    type: Literal["reply.accepted.v1"] = "reply.accepted.v1"


class ReplyRejected(Fact):
    """The reply went back to the unit, with every reason; the clock went on (Art. 12)."""

    type: Literal["reply.rejected.v1"] = "reply.rejected.v1"
    defects: tuple[ReplyDefect, ...]


class CallLogged(Fact):
    """Citizen and unit were connected in a three-way call, or should have been (三方通话, Art. 5).

    `in_hours`: the unit's consultation phone had to be answered at that time.
    """

    type: Literal["call.logged.v1"] = "call.logged.v1"
    attempt: int = Field(ge=1)
    outcome: CallOutcome
    in_hours: bool
    rating: Rating | None = None


REPLYING: tuple[type[Fact], ...] = (ReplySubmitted, ReplyAccepted, ReplyRejected, CallLogged)
