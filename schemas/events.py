"""The vocabulary: every event type of the mesh in one union, discriminated by `type`."""

from functools import cache
from typing import Annotated, Any, Union, get_args

from pydantic import Field, TypeAdapter

from schemas import facts
from schemas.audit import AUDIT
from schemas.commands import COMMANDS
from schemas.envelope import Event
from schemas.feedback import FEEDBACK
from schemas.merge_facts import MERGE_FACTS
from schemas.supervision import SUPERVISION
from schemas.upstream import UPSTREAM

TICKET_FACTS: tuple[type[facts.Fact], ...] = (
    facts.TicketOpened,
    facts.TicketDiverted,
    facts.TicketAnswered,
    facts.TicketDeclined,
    facts.RefusalReviewRequested,
    facts.RefusalUpheld,
    facts.RefusalOverturned,
    facts.TicketHeld,
    facts.TicketQueued,
    facts.TicketDispatched,
    facts.TicketRedispatched,
    facts.TicketSigned,
    facts.ReturnRequested,
    facts.ReturnUpheld,
    facts.ReturnRefused,
    facts.CoHandlerAssigned,
    facts.CoReplySubmitted,
    facts.CoReplyRejected,
    facts.CoReturnRequested,
    facts.CoReturnUpheld,
    facts.CoReturnRefused,
    facts.ExtensionRequested,
    facts.ExtensionGranted,
    facts.ExtensionRefused,
    facts.SuspensionRequested,
    facts.SuspensionRefused,
    facts.TicketSuspended,
    facts.TicketResumed,
    facts.ReplySubmitted,
    facts.ReplyAccepted,
    facts.ReplyRejected,
    facts.CallLogged,
    facts.ContactAttempted,
    facts.RatingRecorded,
    facts.DissatisfactionJudged,
    facts.ExplanationGiven,
    facts.TicketUrged,
    facts.TicketRepeated,
    facts.TicketSupplemented,
    facts.TicketWithdrawn,
    facts.TicketReopened,
    *MERGE_FACTS,
    facts.TicketClosed,
    facts.ClockAtRisk,
    facts.ClockBreached,
    facts.ClockElapsed,
    facts.BreachWithdrawn,
    facts.DeadlineRevised,
    facts.MeasureExcluded,
    facts.AppealRequested,
    facts.AppealDecided,
    facts.AccountabilityRaised,
    facts.AccountabilityDecided,
    facts.CommandRefused,
)
"""Every fact of a ticket, in the order of its life."""
FACTS: tuple[type[Event], ...] = (*TICKET_FACTS, facts.ClockPulsed)
"""Everything on `ticket-events`."""
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
AnyEvent: TypeAdapter[Any] = TypeAdapter(Annotated[_UNION, Field(discriminator="type")])
"""Validates any event of the mesh by its `type`."""
