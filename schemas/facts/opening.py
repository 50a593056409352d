"""How a matter came on the record: taken, sent on, answered at once or refused (Art. 2, 6, 8)."""

from typing import Literal

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact
from schemas.values import Attachments, LimitOverride
from schemas.vocabulary import AcceptedBy, Channel, LawfulChannel


class TicketOpened(Fact):
    """A matter is on the record."""

    type: Literal["ticket.opened.v1"] = "ticket.opened.v1"
    platform: Token
    upstream_id: Token
    category: Token
    area: Token
    channel: Channel
    pii_ref: Token
    anonymous: bool = False
    secrecy_requested: bool = False
    accepted_by: AcceptedBy
    upstream_due_at: Instant | None = None
    limit_override: LimitOverride | None = None
    attachments: Attachments = ()
    repeat_of: Token | None = None
    """The closed ticket of the same caller about the same matter (重复诉求)."""


class TicketDiverted(Fact):
    """An emergency was sent on at once; `call_number` is the number to call (Art. 2).

    `rule` names the category or the keyword rule that matched, never the words.
    """

    type: Literal["ticket.diverted.v1"] = "ticket.diverted.v1"
    call_number: Token
    rule: Token | None = None


class TicketAnswered(Fact):
    """A general consultation was answered at once from the knowledge base (Art. 8)."""

    type: Literal["ticket.answered.v1"] = "ticket.answered.v1"
    knowledge_article: Token


class TicketDeclined(Fact):
    """The hotline may not take the matter; `code` of the catalogue says why, `channel` whose business it is.

    `reviewable`: the citizen may have the refusal reviewed. A matter that was not accepted is counted all the same.
    """

    type: Literal["ticket.declined.v1"] = "ticket.declined.v1"
    code: Token
    channel: LawfulChannel | None = None
    reviewable: bool = False


class RefusalReviewRequested(Fact):
    """The citizen asked to have the refusal reviewed (不予受理复核)."""

    type: Literal["refusal_review.requested.v1"] = "refusal_review.requested.v1"
    reason: Token


class RefusalUpheld(Fact):
    """The office upheld the refusal: that is final."""

    type: Literal["refusal.upheld.v1"] = "refusal.upheld.v1"
    reason: Token


class RefusalOverturned(Fact):
    """The office overturned the refusal: the matter is accepted as if it had come now."""

    type: Literal["refusal.overturned.v1"] = "refusal.overturned.v1"
    reason: Token


OPENING: tuple[type[Fact], ...] = (
    TicketOpened,
    TicketDiverted,
    TicketAnswered,
    TicketDeclined,
    RefusalReviewRequested,
    RefusalUpheld,
    RefusalOverturned,
)
