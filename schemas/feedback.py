"""What became of the results that were handed back to upstream platforms (Art. 4): received, or given up."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Event, Token


class Fed(Event):
    """What every outcome says: `subject` is the ticket, `causation` the fact that was handed back.

    `attempts` counts the requests that were made for it.
    """

    platform: Token
    upstream_id: Token
    fact_type: Token
    fact_sequence: int = Field(ge=1)
    attempts: int = Field(ge=1)


class FeedbackReceived(Fed):
    """The platform confirmed that it has the result (Art. 4).

    `time` is when: what the platform's own due instant is held against.
    """

    type: Literal["feedback.received.v1"] = "feedback.received.v1"


class FeedbackAbandoned(Fed):
    """The last try to tell a platform failed (Art. 4).

    The fact lies in the dead letters until somebody sends it again; `code` is how the last try failed.
    """

    type: Literal["feedback.abandoned.v1"] = "feedback.abandoned.v1"
    code: Token


FEEDBACK: tuple[type[Event], ...] = (FeedbackReceived, FeedbackAbandoned)
"""Everything on `feedback-events`."""
