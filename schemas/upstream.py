"""The feed of upstream platforms: the one topic that holds personal data in the clear, by its nature."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.envelope import Event, Instant, Strict, Token
from schemas.privacy import DataClass
from schemas.values import Attachments, LimitOverride
from schemas.vocabulary import AcceptedBy, Channel, Kind

Text = Annotated[str, StringConstraints(max_length=32_000)]


class Reporter(Strict):
    """The citizen. Sealed in the vault at the door; never on any other topic (Art. 7, 13)."""

    name: Annotated[Text | None, DataClass.PERSONAL] = None
    phone: Annotated[Text | None, DataClass.PERSONAL] = None
    id_number: Annotated[Text | None, DataClass.PERSONAL] = None
    address: Annotated[Text | None, DataClass.LOCATION] = None
    email: Annotated[Text | None, DataClass.PERSONAL] = Field(default=None, exclude_if=lambda email: email is None)


class Place(Strict):
    """Where the matter is, finer than its area code: in words, or in degrees (WGS 84). Sealed (Art. 13)."""

    address: Annotated[Text | None, DataClass.LOCATION] = None
    lat: Annotated[float | None, Field(ge=-90, le=90), DataClass.LOCATION] = None
    long: Annotated[float | None, Field(ge=-180, le=180), DataClass.LOCATION] = None


class UpstreamTicketSubmitted(Event):
    """A platform hands a matter down (Art. 4); `id` is the platform's message id, `time` when the citizen spoke."""

    type: Literal["upstream.ticket.submitted.v1"] = "upstream.ticket.submitted.v1"
    platform: Token
    upstream_id: Token
    kind: Kind
    category: Token
    area: Token
    channel: Channel
    title: Annotated[Text, DataClass.FREE_TEXT] = ""
    content: Annotated[Text, DataClass.FREE_TEXT] = ""
    reporter: Reporter = Field(default_factory=Reporter)
    place: Place | None = Field(default=None, exclude_if=lambda place: place is None)
    anonymous: bool = False
    secrecy_requested: bool = False
    accepted_by: AcceptedBy = AcceptedBy.COUNTY
    upstream_due_at: Instant | None = None
    limit_override: LimitOverride | None = None
    attachments: Attachments = ()


class UpstreamTicketUrged(Event):
    """The citizen asked the platform again about an open ticket (催办)."""

    type: Literal["upstream.ticket.urged.v1"] = "upstream.ticket.urged.v1"
    platform: Token
    upstream_id: Token


UPSTREAM: tuple[type[Event], ...] = (UpstreamTicketSubmitted, UpstreamTicketUrged)
"""Everything on `upstream-tickets`."""
