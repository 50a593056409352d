"""Carries what parent and child have to say to each other when tickets are merged (并单, docs/adr/0006).

They lie in different partitions, so neither decides about the other: what one of them decided is told to the other, as
a command with a derived id. A crash says it again; the attempt's number tells what still stands.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.commands import (
    AnswerMerge,
    AttachChild,
    CarryExtension,
    DetachChild,
    ShareReply,
    SupplementTicket,
    UrgeTicket,
)
from schemas.facts import (
    ChildAttached,
    ChildDetached,
    ChildRefused,
    ExtensionGranted,
    Fact,
    MergeLapsed,
    MergeRequested,
    ReplyAccepted,
    ReplyShared,
    ReplySubmitted,
    TicketDeclined,
    TicketMerged,
    TicketSupplemented,
    TicketUnmerged,
    TicketUrged,
    TicketWithdrawn,
)
from services.core.service import Output
from services.core.ticket import Child
from services.revisit.said import command_after


class MergeState(BaseModel):
    """The parent that answers for a ticket, if one does; or its own children, and its newest reply."""

    model_config = ConfigDict(frozen=True)
    parent: str | None = None
    merging: int = 0
    children: tuple[Child, ...] = ()
    extensions: int = 0
    content_ref: str = "none"
    replied_at: datetime | None = None


Followed = tuple[MergeState, tuple[Output, ...]]


def follow(state: MergeState, event: Fact) -> Followed:
    """Give the state after a fact, and what to tell the other side."""
    match event:
        case MergeRequested():
            asked = event.model_dump(include={"merging", "category", "area", "unit", "case_due_at", "extensions"})
            return state, (command_after(AttachChild, event, event.parent, child=event.subject, **asked),)
        case TicketMerged():
            return state.model_copy(update={"parent": event.parent, "merging": event.merging}), ()
        case TicketUnmerged() | MergeLapsed():
            let_go = command_after(DetachChild, event, event.parent, child=event.subject, merging=event.merging)
            stands = isinstance(event, MergeLapsed) and event.merging != state.merging
            return state if stands else _alone(state), (let_go,)
        case ReplyShared():
            return _alone(state), ()
        case TicketUrged() if state.parent is not None:
            return state, (command_after(UrgeTicket, event, state.parent),)
        case TicketSupplemented() if state.parent is not None:
            return state, (command_after(SupplementTicket, event, state.parent, content_ref=event.content_ref),)
        case TicketWithdrawn() if state.parent is not None:
            let_go = command_after(DetachChild, event, state.parent, child=event.subject, merging=state.merging)
            return _alone(state), (let_go,)
        case _:
            return _follow_parent(state, event)


def _alone(state: MergeState) -> MergeState:
    return state.model_copy(update={"parent": None, "merging": 0})


def _follow_parent(state: MergeState, event: Fact) -> Followed:
    match event:
        case ChildAttached():
            child = Child(ticket=event.child, merging=event.merging)
            told = {"parent": event.subject, "merging": event.merging, "extensions": event.extensions}
            others = tuple(c for c in state.children if c.ticket != event.child)
            carried = _carry(event, others, event.extensions) if event.extensions > state.extensions else ()
            after = state.model_copy(update={"children": (*others, child), "extensions": event.extensions})
            return after, (command_after(AnswerMerge, event, event.child, **told), *carried)
        case ChildRefused():
            told = {"parent": event.subject, "merging": event.merging, "code": event.code}
            return state, (command_after(AnswerMerge, event, event.child, **told),)
        case ChildDetached():
            left = tuple(c for c in state.children if c.ticket != event.child)
            return state.model_copy(update={"children": left}), ()
        case ExtensionGranted():
            after = state.model_copy(update={"extensions": event.count})
            return after, _carry(event, state.children, event.count)
        case ReplySubmitted():
            return state.model_copy(update={"content_ref": event.reply.content_ref, "replied_at": event.time}), ()
        case ReplyAccepted():
            return state.model_copy(update={"children": ()}), tuple(_share(state, event, c) for c in state.children)
        case TicketWithdrawn() | TicketDeclined():
            told = {"parent": event.subject, "code": f"parent-{event.stage}"}
            outputs = (command_after(AnswerMerge, event, c.ticket, merging=c.merging, **told) for c in state.children)
            return state.model_copy(update={"children": ()}), tuple(outputs)
        case _:
            return state, ()


def _carry(event: Fact, children: tuple[Child, ...], count: int) -> tuple[Output, ...]:
    told = {"parent": event.subject, "count": count}
    return tuple(command_after(CarryExtension, event, c.ticket, merging=c.merging, **told) for c in children)


def _share(state: MergeState, event: ReplyAccepted, child: Child) -> Output:
    return command_after(
        ShareReply,
        event,
        child.ticket,
        parent=event.subject,
        merging=child.merging,
        content_ref=state.content_ref,
        replied_at=state.replied_at or event.time,
        unit=event.unit,
        unit_group=event.unit_group,
    )
