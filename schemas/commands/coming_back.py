"""The citizen comes again: to urge, add, withdraw, or after the closing."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Token
from schemas.values import Attachments


class UrgeTicket(Command):
    """The citizen asks again while the ticket is open (催办): no new ticket, no clock changes."""

    type: Literal["ticket.urge.v1"] = "ticket.urge.v1"


class SupplementTicket(Command):
    """The citizen, or somebody for the citizen, adds to the matter while the ticket is open (补充材料)."""

    type: Literal["ticket.supplement.v1"] = "ticket.supplement.v1"
    content_ref: Token
    attachments: Attachments = ()


class WithdrawTicket(Command):
    """The citizen withdraws the matter.

    `instead_of`: a platform takes back the record that would have been opened as this ticket, had the door not found
    that its caller had brought the matter before.
    """

    type: Literal["ticket.withdraw.v1"] = "ticket.withdraw.v1"
    instead_of: Token | None = Field(default=None, exclude_if=lambda record: record is None)


class ReopenTicket(Command):
    """The same matter comes back within the re-open window after closing."""

    type: Literal["ticket.reopen.v1"] = "ticket.reopen.v1"


COMING_BACK: tuple[type[Command], ...] = (UrgeTicket, SupplementTicket, WithdrawTicket, ReopenTicket)
