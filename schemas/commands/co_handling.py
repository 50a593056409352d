"""Have further units handle it beside the lead unit (协办, Art. 3, 7, 12)."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Token
from schemas.values import Basis, Reply


class AssignCoHandlers(Command):
    """The office has further units handle a ticket beside its lead unit (Art. 3)."""

    type: Literal["co_handler.assign.v1"] = "co_handler.assign.v1"
    units: tuple[Token, ...] = Field(min_length=1, max_length=20)


class SubmitCoReply(Command):
    """A co-handler hands its part of the reply to the lead unit (Art. 3, 12)."""

    type: Literal["co_reply.submit.v1"] = "co_reply.submit.v1"
    reply: Reply


class RequestCoReturn(Command):
    """A co-handler says that the matter is not its business (Art. 7)."""

    type: Literal["co_return.request.v1"] = "co_return.request.v1"
    reason: Token
    basis: Basis


class DecideCoReturn(Command):
    """The office upholds or refuses a co-handler's return (Art. 7); `unit` names who takes its place."""

    type: Literal["co_return.decide.v1"] = "co_return.decide.v1"
    co_handler: Token
    upheld: bool
    unit: Token | None = None


CO_HANDLING: tuple[type[Command], ...] = (AssignCoHandlers, SubmitCoReply, RequestCoReturn, DecideCoReturn)
