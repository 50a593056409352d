"""Further units beside the lead unit, each with a part of its own (协办, Art. 3, 7, 12)."""

from typing import Literal

from schemas.envelope import Token
from schemas.facts.fact import Fact
from schemas.values import Basis, Reply
from schemas.vocabulary import ReplyDefect


class CoHandlerAssigned(Fact):
    """Further units handle the ticket beside its lead unit, each with a clock of its own (Art. 3)."""

    type: Literal["co_handler.assigned.v1"] = "co_handler.assigned.v1"
    co_handlers: tuple[Token, ...]


class CoHandlerFact(Fact):
    """What every fact about one co-handler says: which one; `unit` stays the lead unit."""

    co_handler: Token


class CoReplySubmitted(CoHandlerFact):
    """A co-handler handed in its part; the lead unit joins it to the reply (Art. 3, 12)."""

    type: Literal["co_reply.submitted.v1"] = "co_reply.submitted.v1"
    reply: Reply


class CoReplyRejected(CoHandlerFact):
    """A co-handler's part went back at once, with every reason; its clock went on (Art. 12)."""

    type: Literal["co_reply.rejected.v1"] = "co_reply.rejected.v1"
    defects: tuple[ReplyDefect, ...]


class CoReturnRequested(CoHandlerFact):
    """A co-handler says it is not its business (Art. 7)."""

    type: Literal["co_return.requested.v1"] = "co_return.requested.v1"
    reason: Token
    basis: Basis


class CoReturnUpheld(CoHandlerFact):
    """The office agreed: the co-handler is out of it (Art. 7)."""

    type: Literal["co_return.upheld.v1"] = "co_return.upheld.v1"


class CoReturnRefused(CoHandlerFact):
    """The office did not agree; the co-handler keeps its part and the time (Art. 7)."""

    type: Literal["co_return.refused.v1"] = "co_return.refused.v1"


CO_HANDLING: tuple[type[Fact], ...] = (
    CoHandlerAssigned,
    CoReplySubmitted,
    CoReplyRejected,
    CoReturnRequested,
    CoReturnUpheld,
    CoReturnRefused,
)
