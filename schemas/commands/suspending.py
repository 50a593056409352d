"""Have a unit's clock stand still until the citizen supplies something, and go on (挂起)."""

from typing import Literal

from schemas.commands.command import Command
from schemas.envelope import Token


class RequestSuspension(Command):
    """The unit cannot go on until the citizen supplies something (挂起); `reason` is one of the rulebook's list."""

    type: Literal["suspension.request.v1"] = "suspension.request.v1"
    reason: Token


class DecideSuspension(Command):
    """The body that the rulebook names suspends the unit's clock, or does not."""

    type: Literal["suspension.decide.v1"] = "suspension.decide.v1"
    granted: bool


class ResumeTicket(Command):
    """The unit or the office goes on with a suspended ticket."""

    type: Literal["ticket.resume.v1"] = "ticket.resume.v1"


SUSPENDING: tuple[type[Command], ...] = (RequestSuspension, DecideSuspension, ResumeTicket)
