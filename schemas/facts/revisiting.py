"""What the citizen said of it, and what came of that (回访, Art. 9)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Token
from schemas.facts.fact import Fact
from schemas.vocabulary import Channel, ContactOutcome, Rating


class ContactAttempted(Fact):
    """The citizen was called or written to (Art. 9)."""

    type: Literal["contact.attempted.v1"] = "contact.attempted.v1"
    attempt: int = Field(ge=1)
    channel: Channel
    outcome: ContactOutcome


class RatingRecorded(Fact):
    """The citizen evaluated the handling (Art. 9)."""

    type: Literal["rating.recorded.v1"] = "rating.recorded.v1"
    rating: Rating


class DissatisfactionJudged(Fact):
    """The office decided whether the dissatisfaction is justified (Art. 9)."""

    type: Literal["dissatisfaction.judged.v1"] = "dissatisfaction.judged.v1"
    justified: bool
    reason: Token


class ExplanationGiven(Fact):
    """The unit explained patiently why nothing more can be done (Art. 9)."""

    type: Literal["explanation.given.v1"] = "explanation.given.v1"
    content_ref: Token


REVISITING: tuple[type[Fact], ...] = (ContactAttempted, RatingRecorded, DissatisfactionJudged, ExplanationGiven)
