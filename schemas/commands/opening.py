"""Put a matter on the record, for the first time or again (Art. 2, 4, 6)."""

from typing import Literal

from schemas.commands.command import Command
from schemas.envelope import Instant, Token
from schemas.values import Attachments, LimitOverride
from schemas.vocabulary import AcceptedBy, Channel, Kind, Lane


class OpenTicket(Command):
    """Put a matter on the record; the door has chosen its lane (Art. 2, 4, 6)."""

    type: Literal["ticket.open.v1"] = "ticket.open.v1"
    platform: Token
    upstream_id: Token
    kind: Kind
    category: Token
    area: Token
    channel: Channel
    lane: Lane = Lane.ACCEPT
    lane_code: Token | None = None
    call_number: Token | None = None
    emergency_rule: Token | None = None
    knowledge_article: Token | None = None
    pii_ref: Token
    anonymous: bool = False
    secrecy_requested: bool = False
    accepted_by: AcceptedBy = AcceptedBy.COUNTY
    upstream_due_at: Instant | None = None
    limit_override: LimitOverride | None = None
    attachments: Attachments = ()
    repeat_of: Token | None = None


class RepeatTicket(Command):
    """The door found that this caller had brought this matter before: an urge (催办) of that ticket while it is open.

    If it is open no more, `matter` is opened as the ticket that it would have been, as a repeat (重复诉求).
    """

    type: Literal["ticket.repeat.v1"] = "ticket.repeat.v1"
    matter: OpenTicket


OPENING: tuple[type[Command], ...] = (OpenTicket, RepeatTicket)
