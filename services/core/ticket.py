"""The ticket: its state machine as one visible table, and how a fact changes it."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from schemas.facts import (
    AppealDecided,
    AppealRequested,
    BreachWithdrawn,
    CallLogged,
    ClockBreached,
    ContactAttempted,
    CoReturnRequested,
    DeadlineRevised,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    Fact,
    MeasureExcluded,
    RatingRecorded,
    RefusalReviewRequested,
    ReplyAccepted,
    ReplyRejected,
    ReplySubmitted,
    ReturnRequested,
    SuspensionRefused,
    SuspensionRequested,
    TicketDeclined,
    TicketDispatched,
    TicketOpened,
    TicketRedispatched,
    TicketReopened,
    TicketRepeated,
    TicketResumed,
    TicketSigned,
    TicketSupplemented,
    TicketSuspended,
    TicketUrged,
)
from schemas.merge_facts import (
    ChildAttached,
    ChildDetached,
    ExtensionCarried,
    MergeFact,
    MergeLapsed,
    MergeRefused,
    MergeRequested,
    ReplyShared,
    TicketMerged,
    TicketUnmerged,
)
from schemas.values import Clock, Cycle, LimitOverride
from schemas.vocabulary import AcceptedBy, Channel, ClockKind, CyclePurpose, Indicator, Kind, Rating, Stage

TRANSITIONS: Final[dict[tuple[Stage, str], tuple[Stage, ...]]] = {
    (Stage.OPENED, "ticket.diverted.v1"): (Stage.DIVERTED,),
    (Stage.OPENED, "ticket.answered.v1"): (Stage.ANSWERED,),
    (Stage.OPENED, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.OPENED, "ticket.held.v1"): (Stage.HELD,),
    (Stage.OPENED, "ticket.queued.v1"): (Stage.QUEUED,),
    (Stage.OPENED, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.HELD, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.QUEUED, "ticket.declined.v1"): (Stage.DECLINED,),
    (Stage.DECLINED, "refusal_review.requested.v1"): (Stage.CONTESTED,),
    (Stage.CONTESTED, "refusal.upheld.v1"): (Stage.DECLINED,),
    (Stage.CONTESTED, "refusal.overturned.v1"): (Stage.OPENED,),
    (Stage.ANSWERED, "rating.recorded.v1"): (Stage.ANSWERED, Stage.OPENED),
    (Stage.HELD, "ticket.queued.v1"): (Stage.QUEUED,),
    (Stage.HELD, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.QUEUED, "ticket.dispatched.v1"): (Stage.DISPATCHED,),
    (Stage.DISPATCHED, "ticket.signed.v1"): (Stage.IN_PROGRESS,),
    (Stage.IN_PROGRESS, "return.requested.v1"): (Stage.DISPUTED,),
    (Stage.IN_PROGRESS, "reply.submitted.v1"): (Stage.REPLIED,),
    (Stage.IN_PROGRESS, "ticket.suspended.v1"): (Stage.SUSPENDED,),
    (Stage.SUSPENDED, "ticket.resumed.v1"): (Stage.IN_PROGRESS,),
    (Stage.DISPUTED, "return.refused.v1"): (Stage.IN_PROGRESS,),
    (Stage.DISPUTED, "return.upheld.v1"): (Stage.QUEUED,),
    (Stage.REPLIED, "reply.accepted.v1"): (Stage.REVISITING,),
    (Stage.REPLIED, "reply.rejected.v1"): (Stage.IN_PROGRESS,),
    (Stage.REVISITING, "rating.recorded.v1"): (Stage.REVISITING, Stage.JUDGING),
    (Stage.REVISITING, "ticket.closed.v1"): (Stage.CLOSED,),
    (Stage.JUDGING, "dissatisfaction.judged.v1"): (Stage.JUDGING, Stage.EXPLAINING, Stage.EXPLAINED),
    (Stage.JUDGING, "ticket.redispatched.v1"): (Stage.DISPATCHED,),
    (Stage.EXPLAINING, "explanation.given.v1"): (Stage.EXPLAINED,),
    (Stage.EXPLAINED, "ticket.closed.v1"): (Stage.CLOSED,),
    (Stage.CLOSED, "ticket.reopened.v1"): (Stage.OPENED,),
    (Stage.HELD, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.QUEUED, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.DISPATCHED, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.IN_PROGRESS, "ticket.merged.v1"): (Stage.MERGED,),
    (Stage.MERGED, "ticket.unmerged.v1"): (Stage.OPENED,),
    (Stage.MERGED, "reply.shared.v1"): (Stage.REVISITING,),
}
"""Which fact may follow in which stage, and where it leads. Whatever is not here moves no ticket."""

TERMINAL: Final = (Stage.DIVERTED, Stage.ANSWERED, Stage.DECLINED, Stage.WITHDRAWN, Stage.CLOSED)
"""Stages in which nothing is owed to the citizen any more."""
OPEN_STAGES: Final = tuple(stage for stage in Stage if stage not in TERMINAL)
ANYWHERE: Final = (
    "clock.at_risk.v1",
    "clock.breached.v1",
    "clock.elapsed.v1",
    "breach.withdrawn.v1",
    "deadline.revised.v1",
    "command.refused.v1",
    "co_handler.assigned.v1",
    "co_reply.submitted.v1",
    "co_reply.rejected.v1",
    "co_return.requested.v1",
    "co_return.upheld.v1",
    "co_return.refused.v1",
    "call.logged.v1",
    "measure.excluded.v1",
    "appeal.requested.v1",
    "appeal.decided.v1",
    "accountability.raised.v1",
    "accountability.decided.v1",
    "contact.attempted.v1",
    "extension.requested.v1",
    "extension.granted.v1",
    "extension.refused.v1",
    "suspension.requested.v1",
    "suspension.refused.v1",
    "ticket.urged.v1",
    "ticket.repeated.v1",
    "ticket.supplemented.v1",
    "merge.requested.v1",
    "merge.refused.v1",
    "merge.lapsed.v1",
    "extension.carried.v1",
    "child.attached.v1",
    "child.refused.v1",
    "child.detached.v1",
)
"""Facts that may stand in any stage and leave the ticket where it is."""


class IllegalTransitionError(Exception):
    """A fact that the state machine does not know in this stage: a defect of the decider, never of the input."""


class Breach(BaseModel):
    """A limit that ran out; stays on the ticket for ever unless withdrawn."""

    model_config = ConfigDict(frozen=True)
    kind: ClockKind
    cycle: int
    due_at: datetime


class Child(BaseModel):
    """A ticket of another caller that this one answers for, and the number of the child's attempt to be merged."""

    model_config = ConfigDict(frozen=True)
    ticket: str
    merging: int


class Grant(BaseModel):
    """More time for one clock, and when it was given: a due instant that is computed anew counts it again.

    An extension; or the end of a suspension that had begun `since` then.
    """

    model_config = ConfigDict(frozen=True)
    kind: ClockKind
    cycle: int
    at: datetime
    since: datetime | None = None


class Appeal(BaseModel):
    """What a unit appealed of one of its legs (Art. 15); each number of a leg once."""

    model_config = ConfigDict(frozen=True)
    leg: int
    counts_for: str
    indicators: tuple[Indicator, ...]
    reason: str
    decided: bool = False


class Ticket(BaseModel):
    """All that the router must know of a ticket to decide; everything in UTC."""

    model_config = ConfigDict(frozen=True)
    id: str
    sequence: int = 0
    generation: int = 1
    stage: Stage = Stage.OPENED
    kind: Kind
    category: str
    area: str
    channel: Channel
    platform: str
    upstream_id: str
    accepted_by: AcceptedBy
    upstream_due_at: datetime | None = None
    limit_override: LimitOverride | None = None
    unit: str | None = None
    unit_group: str | None = None
    round: int = 0
    cycle: int = 0
    opened_at: datetime
    dispatched_at: datetime | None = None
    cycle_dispatched_at: datetime | None = None
    return_due_at: datetime | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None
    proposed_unit: str | None = None
    declined_at: datetime | None = None
    refusal_reviewable: bool = False
    refusal_reviews: int = 0
    clocks: tuple[Clock, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    cycles_begun: int = 0
    breaches: tuple[Breach, ...] = ()
    returns: int = 0
    co_returns: tuple[int, ...] = ()
    """Legs of co-handlers that asked once to be let out."""
    extensions: int = 0
    grants: tuple[Grant, ...] = ()
    extension_asked_at: datetime | None = None
    contacts: int = 0
    calls: int = 0
    call_rating: Rating | None = None
    urges: int = 0
    supplements: int = 0
    suspensions: int = 0
    suspension_asked: str | None = None
    """Reason of the request that waits for a decision."""
    paused: Clock | None = None
    """The unit's clock while it stands still, since `paused_at`."""
    paused_at: datetime | None = None
    moved_seconds: int = 0
    """By how much pauses moved the due instant of this leg."""
    paused_seconds: int = 0
    """Office time for which this leg stood still."""
    rating: Rating | None = None
    rating_elapsed: bool = False
    case_due_at: datetime | None = None
    appeals: tuple[Appeal, ...] = ()
    excluded: tuple[tuple[int, Indicator], ...] = ()
    """Legs, and what is left out of the assessment of each."""
    parent: str | None = None
    """The ticket that is asked to answer for this one, or does, or did (`merged_into`)."""
    merging: int = 0
    """The attempt to be merged that stands, asked or agreed; 0 for none."""
    case_clock: Clock | None = None
    """The citizen's clock as it stood when the ticket was merged."""
    children: tuple[Child, ...] = ()
    urged_instead: tuple[str, ...] = ()
    """Tickets that were not opened: the door found this one."""
    successor: str | None = None
    """The ticket that the matter goes on as, for the same caller, since this one ended."""

    @property
    def merged_into(self) -> str | None:
        """Give the ticket whose handling answers, or has answered, for this one."""
        return self.parent if self.stage is Stage.MERGED or not self.merging else None

    def clock(self, kind: ClockKind, cycle: int | None = None) -> Clock | None:
        """Give the running clock of that kind (and cycle, if given)."""
        return next((c for c in self.clocks if c.kind is kind and cycle in {None, c.cycle}), None)

    def leg(self, number: int) -> Cycle | None:
        """Give the leg of that number, of this generation."""
        return next((leg for leg in self.cycles if leg.number == number), None)

    def co_handlers(self) -> tuple[Cycle, ...]:
        """Give the running legs of co-handlers."""
        return tuple(leg for leg in self.cycles if leg.purpose is CyclePurpose.CO_HANDLE and leg.stopped_at is None)

    def breached(self, kind: ClockKind, cycle: int, due_at: datetime | None = None) -> Breach | None:
        """Give the breach of that clock, if it ran out; `due_at` tells two clocks of one leg and kind apart."""
        return next(
            (b for b in self.breaches if (b.kind, b.cycle) == (kind, cycle) and due_at in {None, b.due_at}), None
        )


def check_transition(ticket: Ticket, fact: Fact) -> None:
    """Raise `IllegalTransitionError` unless the table allows `fact` on `ticket`."""
    if fact.type in ANYWHERE and fact.stage is ticket.stage:
        return
    if fact.type == "ticket.withdrawn.v1" and ticket.stage in OPEN_STAGES and fact.stage is Stage.WITHDRAWN:
        return
    if fact.stage not in TRANSITIONS.get((ticket.stage, fact.type), ()):
        raise IllegalTransitionError(f"{fact.type} to {fact.stage} in stage {ticket.stage} of {ticket.id}")


def opened(fact: TicketOpened) -> Ticket:
    """Give the ticket that `fact` puts on the record."""
    return Ticket(
        id=fact.subject,
        sequence=fact.sequence,
        kind=fact.kind,
        category=fact.category,
        area=fact.area,
        channel=fact.channel,
        platform=fact.platform,
        upstream_id=fact.upstream_id,
        accepted_by=fact.accepted_by,
        upstream_due_at=fact.upstream_due_at,
        limit_override=fact.limit_override,
        opened_at=fact.time,
    )


def _clocks_after(ticket: Ticket, fact: Fact) -> tuple[Clock, ...]:
    if not fact.started and not fact.stopped:
        return ticket.clocks
    gone = {(c.kind, c.cycle) for c in fact.stopped} | {(c.kind, c.cycle) for c in fact.started}
    return tuple(c for c in ticket.clocks if (c.kind, c.cycle) not in gone) + fact.started


def _cycles_after(ticket: Ticket, fact: Fact) -> tuple[Cycle, ...]:
    """Legs of an earlier generation stand in the fact that closed it."""
    if isinstance(fact, TicketReopened):
        return ()
    if not fact.cycles:
        return ticket.cycles
    said = {leg.number: leg for leg in fact.cycles}
    known = tuple(said.pop(leg.number, leg) for leg in ticket.cycles)
    return known + tuple(said.values())


_NEVER_PAUSED: Final = {
    "suspension_asked": None, "paused": None, "paused_at": None, "moved_seconds": 0, "paused_seconds": 0,
}  # fmt: skip
"""A leg that begins."""


def _again(ticket: Ticket, fact: TicketUrged | TicketRepeated) -> dict[str, Any]:
    """What follows when the same caller came again."""
    if isinstance(fact, TicketRepeated):
        return {"successor": fact.successor}
    instead = (fact.instead_of,) if fact.instead_of else ()
    return {"urges": fact.count, "urged_instead": ticket.urged_instead + instead}


def _details(ticket: Ticket, fact: Fact) -> dict[str, Any]:
    """What a fact changes beside stage, unit and clocks."""
    match fact:
        case TicketDispatched():
            return {
                "dispatched_at": ticket.dispatched_at or fact.time,
                "cycle_dispatched_at": fact.time,
                "return_due_at": None,
                "proposed_unit": None,
                "extension_asked_at": None,  # asked for another leg, whose clock is gone
                **_NEVER_PAUSED,
            }
        case TicketRedispatched():
            begun = {"cycle_dispatched_at": fact.time, "return_due_at": None, "extension_asked_at": None}
            return begun | _NEVER_PAUSED
        case TicketSigned():
            window = next((c.due_at for c in fact.started if c.kind is ClockKind.RETURN), None)
            return {"return_due_at": window or ticket.return_due_at}
        case ReturnRequested():
            return {"returns": ticket.returns + 1, "proposed_unit": fact.proposed_unit}
        case ExtensionRequested():
            return {"extension_asked_at": fact.time}
        case ExtensionGranted():
            kinds = {ClockKind.HANDLE, ClockKind.CASE}
            granted = (Grant(kind=c.kind, cycle=c.cycle, at=fact.time) for c in fact.started if c.kind in kinds)
            grants = (*ticket.grants, *granted)
            return {"extensions": fact.count, "extension_asked_at": None, "grants": grants}
        case ExtensionRefused():
            return {"extension_asked_at": None}
        case ReplySubmitted():
            return {"replied_at": fact.time, "rating": None, "rating_elapsed": False, "contacts": 0}
        case ContactAttempted():
            return {"contacts": fact.attempt}
        case RatingRecorded():
            return {"rating": fact.rating, "call_rating": None}
        case TicketUrged() | TicketRepeated():
            return _again(ticket, fact)
        case TicketReopened():
            return {
                "generation": fact.generation,
                "rating": None,
                "rating_elapsed": False,
                "closed_at": None,
                "parent": None,
                "merging": 0,
            }
        case ClockBreached():
            breach = Breach(kind=fact.clock, cycle=fact.clock_cycle, due_at=fact.due_at)
            return {"breaches": (*ticket.breaches, breach)}
        case BreachWithdrawn():
            key = (fact.clock, fact.clock_cycle, fact.due_at)
            return {"breaches": tuple(b for b in ticket.breaches if (b.kind, b.cycle, b.due_at) != key)}
        case _:
            return _further_details(ticket, fact)


_LEFT: Final[dict[str, Any]] = {"children": (), "merging": 0, "case_clock": None}
"""What an end before the reply leaves of merging: nobody answers for anybody any more."""


def _merge_details(ticket: Ticket, fact: MergeFact) -> dict[str, Any]:
    on_its_own = {"parent": None, "merging": 0, "case_clock": None}
    match fact:
        case MergeRequested():
            return {"parent": fact.parent, "merging": fact.merging}
        case MergeRefused() | MergeLapsed():
            return on_its_own if fact.merging == ticket.merging else {}
        case TicketMerged():
            return {
                "case_clock": ticket.clock(ClockKind.CASE),
                "extensions": fact.extensions,
                "extension_asked_at": None,
                "return_due_at": None,
                "proposed_unit": None,
            }
        case TicketUnmerged():
            return on_its_own
        case ReplyShared():
            heard = {"replied_at": fact.replied_at, "rating": None, "rating_elapsed": False, "contacts": 0}
            return heard | {"merging": 0, "case_clock": None}
        case ExtensionCarried():
            return {"extensions": fact.count}
        case ChildAttached():
            child = Child(ticket=fact.child, merging=fact.merging)
            others = tuple(c for c in ticket.children if c.ticket != fact.child)
            return {"children": (*others, child), "extensions": fact.extensions}
        case ChildDetached():
            return {"children": tuple(c for c in ticket.children if c.ticket != fact.child)}
        case _:
            return {}


def _pause_details(
    ticket: Ticket, fact: SuspensionRequested | SuspensionRefused | TicketSuspended | TicketResumed
) -> dict[str, Any]:
    if isinstance(fact, SuspensionRequested):
        return {"suspension_asked": fact.reason}
    if isinstance(fact, SuspensionRefused):
        return {"suspension_asked": None}
    if isinstance(fact, TicketSuspended):
        paused = ticket.clock(ClockKind.HANDLE, ticket.cycle)
        return {"suspension_asked": None, "suspensions": fact.count, "paused": paused, "paused_at": fact.time}
    moved = ticket.moved_seconds + fact.moved_seconds
    stood = ticket.paused_seconds + fact.working_seconds
    grants = ticket.grants
    if ticket.paused is not None:
        kind, cycle = ticket.paused.kind, ticket.paused.cycle
        grants = (*grants, Grant(kind=kind, cycle=cycle, at=fact.time, since=ticket.paused_at))
    return {"paused": None, "paused_at": None, "moved_seconds": moved, "paused_seconds": stood, "grants": grants}


def _assessment_details(ticket: Ticket, fact: AppealRequested | AppealDecided | MeasureExcluded) -> dict[str, Any]:
    if isinstance(fact, AppealRequested):
        appeal = Appeal(leg=fact.leg, counts_for=fact.counts_for, indicators=fact.indicators, reason=fact.reason)
        return {"appeals": (*ticket.appeals, appeal)}
    if isinstance(fact, AppealDecided):
        decided = (one.model_copy(update={"decided": True}) if one.leg == fact.leg else one for one in ticket.appeals)
        return {"appeals": tuple(decided)}
    return {"excluded": (*ticket.excluded, *((fact.leg, indicator) for indicator in fact.indicators))}


def _further_details(ticket: Ticket, fact: Fact) -> dict[str, Any]:
    if isinstance(fact, MergeFact):
        return _merge_details(ticket, fact)
    if isinstance(fact, ReplyAccepted):
        return {"children": ()}  # answered: they go on by themselves
    if isinstance(fact, CoReturnRequested):
        disputed = (leg.number for leg in ticket.co_handlers() if leg.unit == fact.co_handler)
        return {"co_returns": (*ticket.co_returns, *disputed)}
    if isinstance(fact, SuspensionRequested | SuspensionRefused | TicketSuspended | TicketResumed):
        return _pause_details(ticket, fact)
    if isinstance(fact, CallLogged):
        return {"calls": fact.attempt, "call_rating": fact.rating}
    if isinstance(fact, ReplyRejected):
        return {"call_rating": None}
    if isinstance(fact, TicketDeclined):
        return {"declined_at": fact.time, "refusal_reviewable": fact.reviewable} | _LEFT
    if isinstance(fact, RefusalReviewRequested):
        return {"refusal_reviews": ticket.refusal_reviews + 1}
    if isinstance(fact, TicketSupplemented):
        return {"supplements": fact.count}
    if isinstance(fact, DeadlineRevised) and fact.clock is ClockKind.RETURN:
        return {"return_due_at": fact.new_due_at}
    if isinstance(fact, AppealRequested | AppealDecided | MeasureExcluded):
        return _assessment_details(ticket, fact)
    if fact.type == "ticket.closed.v1":
        return {"closed_at": fact.time}
    if fact.type == "ticket.withdrawn.v1":
        return _LEFT
    if fact.type == "clock.elapsed.v1" and getattr(fact, "clock", None) is ClockKind.RATING:
        return {"rating_elapsed": True}
    return {}


def apply(ticket: Ticket | None, fact: Fact) -> Ticket:
    """Fold one fact into a ticket; raises `IllegalTransitionError`."""
    if ticket is None:
        if not isinstance(fact, TicketOpened):
            raise IllegalTransitionError(f"{fact.type} on a ticket that was never opened")
        return opened(fact)
    check_transition(ticket, fact)
    case = next((c.due_at for c in fact.started if c.kind is ClockKind.CASE), ticket.case_due_at)
    changed = {
        "sequence": fact.sequence,
        "stage": fact.stage,
        "unit": fact.unit,
        "unit_group": fact.unit_group,
        "round": fact.round,
        "cycle": fact.cycle,
        "clocks": _clocks_after(ticket, fact),
        "cycles": _cycles_after(ticket, fact),
        "cycles_begun": max([ticket.cycles_begun, *(leg.number for leg in fact.cycles)]),
        "case_due_at": case,
    }
    return ticket.model_copy(update=changed | _details(ticket, fact))
