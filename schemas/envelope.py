"""The envelope of every event: CloudEvents 1.0 attributes, and the base class of all event types.

Source: CloudEvents 1.0.2, https://github.com/cloudevents/spec; the `sequence` and `partitionkey` extensions.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, WrapValidator
from pydantic_core import PydanticCustomError

from schemas.privacy import DataClass

NAMESPACE = UUID("9b1f8f0e-6d0a-5b1e-9a50-123450000012")
"""Name space of every derived id (RFC 9562, UUID version 5)."""
_NAMESPACE_BYTES = NAMESPACE.bytes


def _instant(value: object, check: Callable[[object], datetime]) -> datetime:
    """Read an instant; one function in place of three, because every event holds a dozen."""
    # pydantic would take 1726531200 and "1726531200" for seconds since 1970; the contract says RFC 3339.
    if isinstance(value, str) and value[4:5] == "-":
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise _NO_TEXT_OF_AN_INSTANT from None
    if not isinstance(value, datetime):
        raise _NO_TEXT_OF_AN_INSTANT
    if value.tzinfo is UTC:
        return value
    try:
        return check(value).astimezone(UTC)
    except OverflowError:
        # Year 1 east of Greenwich or year 9999 west of it: no UTC instant that Python can hold.
        raise PydanticCustomError("datetime_range", "lies outside the years 1 to 9999 in UTC") from None


_NO_TEXT_OF_AN_INSTANT = PydanticCustomError("datetime_format", "must be an RFC 3339 text with an offset")
Instant = Annotated[AwareDatetime, WrapValidator(_instant), DataClass.NONE]
"""An aware instant, kept in UTC; on the wire RFC 3339 text, never a number."""
Token = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$"), DataClass.NONE
]
"""An opaque identifier or code: no spaces, no free text, hence no room for a name or an address."""


class Strict(BaseModel):
    """A frozen value of the contracts; unknown fields are ignored by readers, input is never echoed in errors."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, allow_inf_nan=False,
        defer_build=True,  # a process meets few of the 125 event types, and waits at its start for all of them
    )  # fmt: skip


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
    named = _NAMESPACE_BYTES + "|".join(map(str, parts)).encode()
    digest = bytearray(hashlib.sha1(named, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5
    digest[8] = digest[8] & 0x3F | 0x80  # the variant of RFC 9562
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
