"""Revisit: reviews replies, asks for contact attempts, and says when a ticket may be closed (Art. 9, 12)."""

from datetime import datetime
from functools import partial

from pydantic import BaseModel, ConfigDict

from schemas.commands import CloseTicket, ReviewReply
from schemas.envelope import Event, derived_id
from schemas.facts import (
    ClockElapsed,
    ContactAttempted,
    DeadlineRevised,
    DissatisfactionJudged,
    ExplanationGiven,
    Fact,
    RatingRecorded,
    ReplyAccepted,
    ReplyShared,
    ReplySubmitted,
    TicketDispatched,
    TicketOpened,
    TicketRedispatched,
)
from schemas.supervision import ContactRequested
from schemas.vocabulary import Channel, ClockKind, ContactOutcome, Rating, Resolution, Stage
from services.core.policy import Policies, Policy
from services.core.reply_review import defects, late_dated
from services.core.service import Fold, Output, Position, QueueEntry, Rejected, Service, Step, in_sequence
from services.core.transitions import TERMINAL
from services.revisit.merging import MergeState, follow
from services.revisit.said import SOURCE, command_after

REMEMBERED_REPLIES = 8


class RevisitState(BaseModel):
    """What revisit must know of a ticket."""

    model_config = ConfigDict(frozen=True)
    sequence: int
    stage: str
    kind: str
    unit_group: str
    since: datetime
    pii_ref: str = "none"
    digests: tuple[str, ...] = ()
    attempts: int = 0
    contact_at: datetime | None = None
    answer_by: datetime | None = None
    merge: MergeState = MergeState()
    begun_at: datetime | None = None
    """When the leg began that the next reply ends."""
    in_call: bool = False
    """The reply was heard by the citizen in a three-way call: nobody calls again at once."""


def _close(event: Fact, resolution: Resolution) -> Output:
    return command_after(CloseTicket, event, resolution=resolution)


def _contact(policy: Policy, ticket: str, state: RevisitState, at: datetime) -> tuple[RevisitState, Output]:
    """Ask for the next attempt; channels take turns as the rulebook lists them."""
    attempt = state.attempts + 1
    channels = policy.rulebook.revisit.contact_channels
    request = ContactRequested(
        id=derived_id("contact", ticket, state.answer_by.isoformat() if state.answer_by else "", attempt),
        source=SOURCE,
        subject=ticket,
        time=at,
        attempt=attempt,
        channel=Channel(channels[(attempt - 1) % len(channels)]),
        pii_ref=state.pii_ref,
        answer_by=state.answer_by or at,
    )
    return state.model_copy(update={"attempts": attempt, "contact_at": None}), Output("contact-tasks", request)


def _react(policy: Policy, state: RevisitState, event: Fact) -> Step[RevisitState]:
    match event:
        case TicketOpened():
            return Step(state.model_copy(update={"pii_ref": event.pii_ref}))
        case TicketDispatched() | TicketRedispatched():
            return Step(state.model_copy(update={"begun_at": event.time}))
        case ReplySubmitted():
            begun_at = state.begun_at or event.time  # unknown to a table from before it was kept
            dated = late_dated(event.reply, event.time, begun_at, policy)
            found = defects(event.reply, state.digests, wrongly_dated=dated)
            digests = (*state.digests, event.reply.template_digest)[-REMEMBERED_REPLIES:]
            verdict = command_after(ReviewReply, event, cycle=event.cycle, defects=found)
            return Step(state.model_copy(update={"digests": digests, "in_call": event.in_call}), (verdict,))
        case ReplyAccepted() | ReplyShared():
            window = next((c.due_at for c in event.started if c.kind is ClockKind.RATING), event.time)
            at = _first_contact(policy, event.time, state.in_call)
            return Step(state.model_copy(update={"attempts": 0, "answer_by": window, "contact_at": at}))
        case DeadlineRevised(clock=ClockKind.RATING):
            again = policy.calendar.next_opening(state.contact_at) if state.contact_at else None
            return Step(state.model_copy(update={"answer_by": event.new_due_at, "contact_at": again}))
        case ContactAttempted() if event.outcome is not ContactOutcome.ANSWERED:
            return Step(_try_again(policy, state, event))
        case RatingRecorded() if event.rating is not Rating.DISSATISFIED and event.stage is Stage.REVISITING:
            return Step(state, (_close(event, Resolution.RATED),))
        case ClockElapsed() if event.clock is ClockKind.RATING and event.stage is Stage.REVISITING:
            return Step(state, (_close(event, Resolution.DEEMED),))
        case DissatisfactionJudged() if event.stage is Stage.EXPLAINED:
            return Step(state, (_close(event, Resolution.OFFICE_DECISION),))
        case ExplanationGiven():
            return Step(state, (_close(event, Resolution.EXPLAINED),))
        case _:
            return Step(state)


def _first_contact(policy: Policy, at: datetime, in_call: bool) -> datetime:  # noqa: FBT001 - a fact of the reply
    """Give when the citizen is asked first: at the next opening, after a call on the next working day."""
    calendar = policy.calendar
    if not in_call:
        return calendar.next_opening(at)
    return calendar.opening_of(calendar.working_day_after(at.astimezone(calendar.zone).date(), 1))


def _try_again(policy: Policy, state: RevisitState, event: ContactAttempted) -> RevisitState:
    """Plan the next attempt for the next working day, while attempts and the rating window last."""
    if event.attempt >= policy.rulebook.revisit.contact_attempts:
        return state
    calendar = policy.calendar
    day = calendar.working_day_after(event.time.astimezone(calendar.zone).date(), 1)
    at = calendar.opening_of(day)
    if state.answer_by is not None and at >= state.answer_by:
        return state
    return state.model_copy(update={"contact_at": at})


def handle(policies: Policies, state: RevisitState | None, event: Event, _at: Position) -> Step[RevisitState]:
    """Follow one fact; what waits for a contact waits no more once the ticket leaves the revisit."""
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    if state is None:
        state = RevisitState(sequence=0, stage="", kind=event.kind, unit_group="none", since=event.time)
    moved = state.stage != event.stage
    state = state.model_copy(
        update={
            "sequence": event.sequence,
            "stage": event.stage,
            "unit_group": event.unit_group or "none",
            "since": event.time if moved else state.since,
            "contact_at": state.contact_at if event.stage is Stage.REVISITING else None,
        }
    )
    merge, told = follow(state.merge, event)
    step = _react(policies.at(event.time), state.model_copy(update={"merge": merge}), event)
    return Step(step.state, (*step.outputs, *told))


def wake_at(state: RevisitState) -> datetime | None:
    """Give the instant of the next contact attempt."""
    return state.contact_at


def wake(policies: Policies, ticket: str, state: RevisitState, now: datetime) -> Step[RevisitState]:
    """Ask for the attempt that is due."""
    if state.contact_at is None or state.contact_at > now:
        return Step(state)
    after, output = _contact(policies.at(state.contact_at), ticket, state, state.contact_at)
    return Step(after, (output,))


def queue(state: RevisitState) -> QueueEntry | None:
    """Say where an open ticket waits."""
    if state.stage in TERMINAL:
        return None
    return QueueEntry(state.stage, state.kind, state.unit_group, state.since)


def service(policies: Policies) -> Service:
    """Give the revisit service under these rules."""
    fold = Fold(
        table="revisits",
        reads="ticket-events",
        state=RevisitState,
        handle=partial(handle, policies),
        wake_at=wake_at,
        wake=partial(wake, policies),
        queue=queue,
    )
    return Service("revisit", (fold,))
