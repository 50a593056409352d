"""A unit's clock that stands still until the citizen supplies something (挂起)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact
from schemas.vocabulary import SuspensionEnd


class SuspensionRequested(Fact):
    """The unit asked to have its clock suspended; no clock stops yet (挂起)."""

    type: Literal["suspension.requested.v1"] = "suspension.requested.v1"
    reason: Token


class SuspensionRefused(Fact):
    """The unit's clock runs on."""

    type: Literal["suspension.refused.v1"] = "suspension.refused.v1"


class TicketSuspended(Fact):
    """The unit's clock stands still until `until` at the latest; the citizen's goes on (挂起)."""

    type: Literal["ticket.suspended.v1"] = "ticket.suspended.v1"
    reason: Token
    until: Instant
    count: int = Field(ge=1)


class TicketResumed(Fact):
    """The unit's clock runs on: its due instant moved by `moved_seconds` of the time that it counts.

    `working_seconds` is the office time for which it stood still: nights, breaks and days off count once, as none.
    """

    type: Literal["ticket.resumed.v1"] = "ticket.resumed.v1"
    how: SuspensionEnd
    old_due_at: Instant
    new_due_at: Instant
    moved_seconds: int = Field(ge=0)
    working_seconds: int = Field(ge=0)


SUSPENDING: tuple[type[Fact], ...] = (SuspensionRequested, SuspensionRefused, TicketSuspended, TicketResumed)
