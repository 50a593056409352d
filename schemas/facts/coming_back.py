"""The citizen came again: with an urge, a repeat, more material, a withdrawal, or after the closing."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Token
from schemas.facts.fact import Fact
from schemas.values import Attachments


class TicketUrged(Fact):
    """The citizen asked again (催办).

    `instead_of` is the ticket that would have been opened, had the door not found this one; `pii_ref` is where its
    words lie, sealed; `platform` and `upstream_id` are how its platform calls it.
    """

    type: Literal["ticket.urged.v1"] = "ticket.urged.v1"
    count: int = Field(ge=1)
    instead_of: Token | None = None
    platform: Token | None = None
    upstream_id: Token | None = None
    pii_ref: Token | None = None


class TicketRepeated(Fact):
    """The same caller came with the same matter, which is open no more; it goes on as `successor` (重复诉求).

    `counted` says that it had been closed within the window of the rulebook: a repeat for the unit that closed it.
    """

    type: Literal["ticket.repeated.v1"] = "ticket.repeated.v1"
    successor: Token
    counted: bool


class TicketSupplemented(Fact):
    """The citizen added to the matter (补充材料); a suspended ticket goes on with that."""

    type: Literal["ticket.supplemented.v1"] = "ticket.supplemented.v1"
    content_ref: Token
    count: int = Field(ge=1)
    attachments: Attachments = ()


class TicketWithdrawn(Fact):
    """The citizen withdrew the matter."""

    type: Literal["ticket.withdrawn.v1"] = "ticket.withdrawn.v1"


class TicketReopened(Fact):
    """The matter came back within the re-open window; a new generation begins."""

    type: Literal["ticket.reopened.v1"] = "ticket.reopened.v1"


COMING_BACK: tuple[type[Fact], ...] = (TicketUrged, TicketRepeated, TicketSupplemented, TicketWithdrawn, TicketReopened)
