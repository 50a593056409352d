"""The vocabulary: every event type of the mesh in one union, discriminated by `type`."""

from functools import cache
from typing import Annotated, Any, Union, get_args

from pydantic import ConfigDict, Field, TypeAdapter

from schemas.audit import AUDIT
from schemas.commands import COMMANDS
from schemas.envelope import Event
from schemas.facts import FACTS
from schemas.feedback import FEEDBACK
from schemas.supervision import SUPERVISION
from schemas.upstream import UPSTREAM

EVENT_CLASSES: tuple[type[Event], ...] = (*UPSTREAM, *COMMANDS, *FACTS, *SUPERVISION, *FEEDBACK, *AUDIT)


@cache
def type_of(cls: type[Event]) -> str:
    """Give the `ce_type` of an event class, for instance `ticket.dispatched.v1`."""
    annotation = cls.model_fields["type"].annotation
    literal: str = get_args(annotation)[0]
    return literal


BY_TYPE: dict[str, type[Event]] = {type_of(cls): cls for cls in EVENT_CLASSES}
"""Event class by `ce_type`."""

_UNION: Any = Union[EVENT_CLASSES]  # noqa: UP007 - built from a tuple
AnyEvent: TypeAdapter[Any] = TypeAdapter(
    Annotated[_UNION, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)
"""Validates any event of the mesh by its `type`."""
