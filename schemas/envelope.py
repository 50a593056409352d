"""The envelope of every event: CloudEvents 1.0 attributes, and the base class of all event types.

Source: CloudEvents 1.0.2, https://github.com/cloudevents/spec; the `sequence` and `partitionkey` extensions.
"""

import contextlib
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.privacy import DataClass

NAMESPACE = UUID("9b1f8f0e-6d0a-5b1e-9a50-123450000012")
"""Name space of every derived id (RFC 9562, UUID version 5)."""


def _from_text(value: object) -> object:
    # pydantic would take 1726531200 and "1726531200" for seconds since 1970; the contract says RFC 3339.
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and value[4:5] == "-":
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    raise PydanticCustomError("datetime_format", "must be an RFC 3339 text with an offset")


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # Year 1 east of Greenwich or year 9999 west of it: no UTC instant that Python can hold.
        raise PydanticCustomError("datetime_range", "lies outside the years 1 to 9999 in UTC") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_from_text), AfterValidator(_to_utc), DataClass.NONE]
"""An aware instant, kept in UTC; on the wire RFC 3339 text, never a number."""
Token = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$"), DataClass.NONE
]
"""An opaque identifier or code: no spaces, no free text, hence no room for a name or an address."""


class Strict(BaseModel):
    """A frozen value of the contracts; unknown fields are ignored by readers, input is never echoed in errors."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False)


class Event(Strict):
    """What every event says besides its own facts.

    `id` with `source` is unique per event: consumers drop what they have seen. `subject` is the ticket token
    (the unit for unit events, empty for pulses). `time` is when it happened, in UTC, not when it was noticed.
    `causation` is the id of the event that led to this one.
    """

    ENVELOPE: ClassVar[frozenset[str]] = frozenset({"id", "source", "type", "subject", "time", "causation", "sequence"})
    """Attributes that travel as `ce_*` headers; everything else is the JSON value."""

    id: Token
    source: Annotated[str, StringConstraints(min_length=1, max_length=120), DataClass.NONE]
    type: Annotated[str, DataClass.NONE]
    subject: Annotated[str, StringConstraints(max_length=80), DataClass.NONE] = ""
    time: Instant
    causation: Token | None = None
    sequence: int | None = Field(default=None, ge=1)


def derived_id(*parts: object) -> str:
    """Give the deterministic id of what `parts` name, so that a replay says the same again (RFC 9562, UUIDv5)."""
    return str(uuid5(NAMESPACE, "|".join(str(part) for part in parts)))
