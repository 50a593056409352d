"""More time, asked for and decided (延期, Art. 8)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Instant, Token
from schemas.facts.fact import Fact


class ExtensionRequested(Fact):
    """The unit asked for more time; no clock stops (Art. 8)."""

    type: Literal["extension.requested.v1"] = "extension.requested.v1"
    reason: Token


class ExtensionGranted(Fact):
    """The accepting body granted more time, counted from the old due instant (Art. 8)."""

    type: Literal["extension.granted.v1"] = "extension.granted.v1"
    old_due_at: Instant
    new_due_at: Instant
    count: int = Field(ge=1)


class ExtensionRefused(Fact):
    """The accepting body refused more time (Art. 8)."""

    type: Literal["extension.refused.v1"] = "extension.refused.v1"


EXTENDING: tuple[type[Fact], ...] = (ExtensionRequested, ExtensionGranted, ExtensionRefused)
