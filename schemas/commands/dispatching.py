"""Settle which unit has it, or that the hotline may not take it (Art. 2, 6, 7)."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Token
from schemas.values import Basis

CoHandlers = Annotated[tuple[Token, ...], Field(max_length=20)]
"""The units that handle a ticket beside the lead unit."""


class AssignTicket(Command):
    """The office's manual desk names the unit of a ticket that the directory could not place (Art. 6)."""

    type: Literal["ticket.assign.v1"] = "ticket.assign.v1"
    unit: Token
    co_handlers: CoHandlers = ()


class DeclineTicket(Command):
    """The office finds before dispatch that the hotline may not take a matter; `code` stands in the catalogue."""

    type: Literal["ticket.decline.v1"] = "ticket.decline.v1"
    code: Token


class RequestRefusalReview(Command):
    """The citizen, or somebody for the citizen, asks to have a refusal reviewed (不予受理复核)."""

    type: Literal["refusal_review.request.v1"] = "refusal_review.request.v1"
    reason: Token


class DecideRefusalReview(Command):
    """The office upholds a refusal or overturns it: then the matter is accepted."""

    type: Literal["refusal_review.decide.v1"] = "refusal_review.decide.v1"
    upheld: bool
    reason: Token


class SignTicket(Command):
    """The unit takes the ticket on (签收, Art. 7)."""

    type: Literal["ticket.sign.v1"] = "ticket.sign.v1"


class RequestReturn(Command):
    """The unit says that the matter is not its business (Art. 7)."""

    type: Literal["return.request.v1"] = "return.request.v1"
    reason: Token
    basis: Basis
    proposed_unit: Token | None = None


class DecideReturn(Command):
    """The office upholds or refuses a return (Art. 7); `unit` and `co_handlers` name where an upheld one goes."""

    type: Literal["return.decide.v1"] = "return.decide.v1"
    upheld: bool
    unit: Token | None = None
    co_handlers: CoHandlers = ()


DISPATCHING: tuple[type[Command], ...] = (
    AssignTicket,
    DeclineTicket,
    RequestRefusalReview,
    DecideRefusalReview,
    SignTicket,
    RequestReturn,
    DecideReturn,
)
