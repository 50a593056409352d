"""The form of what a platform hands down: read as strictly on the Kafka feed as by HTTP. Pure.

Readers inside the mesh ignore fields that they do not know, so that types may grow. At the door such a field is a
mistake of the sender, and what stands in it would be lost without a word; so 0 is no false here, and "5" no number.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from schemas.envelope import Event
from schemas.upstream import UPSTREAM, Reporter
from schemas.wire import describe
from services.core.service import Rejected

STRICT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)
CLOCK_SKEW: Final = timedelta(seconds=300)
"""How far ahead of ours the clock of a sender may be."""


class ReporterBody(Reporter):
    """The citizen. Goes into the vault at once; no answer, log or event ever shows it."""

    model_config = STRICT


def fields(model: type[Event]) -> dict[str, Any]:
    """Give the fields that `model` has besides its envelope, for `create_model`."""
    found: dict[str, Any] = {
        name: (field.annotation, field) for name, field in model.model_fields.items() if name not in Event.ENVELOPE
    }
    return found | ({"reporter": (ReporterBody, Field(default_factory=ReporterBody))} if "reporter" in found else {})


_FORMS: Final[dict[type[Event], type[BaseModel]]] = {
    model: create_model(model.__name__, __config__=STRICT, **fields(model)) for model in UPSTREAM
}


def check(said: Event, value: bytes, now: datetime | None) -> None:
    """Refuse what the gateway would refuse of a record's `value`, read as `said`; `now` None: nobody knows the time.

    Raises `Rejected` naming the fields, never their content.
    """
    try:
        _FORMS[type(said)].model_validate_json(value, strict=True)
    except ValidationError as error:
        raise Rejected("invalid-field", describe(error)) from None
    if now is not None and said.time > now + CLOCK_SKEW:
        raise Rejected("invalid-field", "time: lies in the future")
