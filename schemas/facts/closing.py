"""The end of a ticket, and the summary of its life that is read on `closed-tickets` (办结, Art. 9)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact
from schemas.vocabulary import Channel, ClockKind, Rating, Resolution


class TicketClosed(Fact):
    """The ticket is done (Art. 9): the summary that downstream consumers read on `closed-tickets`.

    Satisfaction counts as `deemed` when silence stood for a rating. `breaches` names the limits that were missed,
    for ever: a late reply does not heal them. `merged_into` names the ticket whose handling gave the reply (并单).
    """

    type: Literal["ticket.closed.v1"] = "ticket.closed.v1"
    platform: Token
    upstream_id: Token
    category: Token
    area: Token
    channel: Channel
    opened_at: Instant
    dispatched_at: Instant | None
    replied_at: Instant | None
    resolution: Resolution
    rating: Rating
    deemed: bool
    returns: int = Field(ge=0)
    extensions: int = Field(ge=0)
    urges: int = Field(ge=0)
    breaches: tuple[ClockKind, ...] = ()
    case_due_at: Instant | None = None
    merged_into: Token | None = None
