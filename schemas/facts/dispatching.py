"""Which unit has it: held, queued, dispatched, signed, returned (Art. 6, 7)."""

from typing import Literal

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact
from schemas.values import Basis
from schemas.vocabulary import DispatchReason


class TicketHeld(Fact):
    """An off-hours ticket waits for the opening of the next working day (Art. 6)."""

    type: Literal["ticket.held.v1"] = "ticket.held.v1"
    release_at: Instant


class TicketQueued(Fact):
    """The directory cannot place it: the office's manual desk must (Art. 6)."""

    type: Literal["ticket.queued.v1"] = "ticket.queued.v1"
    reason: Token


class TicketDispatched(Fact):
    """The ticket went to a unit (Art. 6); `rule` names the directory entry or decision that chose it.

    `co_handlers` handle it beside that unit, which leads.
    """

    type: Literal["ticket.dispatched.v1"] = "ticket.dispatched.v1"
    reason: DispatchReason
    rule: Token
    co_handlers: tuple[Token, ...] = ()


class TicketRedispatched(Fact):
    """A justified dissatisfaction sent the ticket to the unit again: a new round (Art. 9)."""

    type: Literal["ticket.redispatched.v1"] = "ticket.redispatched.v1"


class TicketSigned(Fact):
    """The unit took the ticket on, or is deemed to have (Art. 7)."""

    type: Literal["ticket.signed.v1"] = "ticket.signed.v1"
    deemed: bool = False


class ReturnRequested(Fact):
    """The unit says it is not its business (Art. 7)."""

    type: Literal["return.requested.v1"] = "return.requested.v1"
    reason: Token
    basis: Basis
    proposed_unit: Token | None = None


class ReturnUpheld(Fact):
    """The office agreed; the ticket is dispatched elsewhere (Art. 7)."""

    type: Literal["return.upheld.v1"] = "return.upheld.v1"
    returned_by: Token


class ReturnRefused(Fact):
    """The office did not agree; the unit keeps the ticket and the time (Art. 7)."""

    type: Literal["return.refused.v1"] = "return.refused.v1"


DISPATCHING: tuple[type[Fact], ...] = (
    TicketHeld,
    TicketQueued,
    TicketDispatched,
    TicketRedispatched,
    TicketSigned,
    ReturnRequested,
    ReturnUpheld,
    ReturnRefused,
)
