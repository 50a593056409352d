"""How a fact changes a ticket. Whoever folds the facts knows what the router knows."""

from typing import Any, Final

from schemas.facts import (
    AppealDecided,
    AppealRequested,
    BreachWithdrawn,
    CallLogged,
    ChildAttached,
    ChildDetached,
    ClockBreached,
    ContactAttempted,
    CoReturnRequested,
    DeadlineRevised,
    ExtensionCarried,
    ExtensionGranted,
    ExtensionRefused,
    ExtensionRequested,
    Fact,
    MeasureExcluded,
    MergeFact,
    MergeLapsed,
    MergeRefused,
    MergeRequested,
    RatingRecorded,
    RefusalReviewRequested,
    ReplyAccepted,
    ReplyRejected,
    ReplyShared,
    ReplySubmitted,
    ReturnRequested,
    SuspensionRefused,
    SuspensionRequested,
    TicketDeclined,
    TicketDispatched,
    TicketMerged,
    TicketOpened,
    TicketRedispatched,
    TicketReopened,
    TicketRepeated,
    TicketResumed,
    TicketSigned,
    TicketSupplemented,
    TicketSuspended,
    TicketUnmerged,
    TicketUrged,
)
from schemas.values import Clock, Cycle
from schemas.vocabulary import ClockKind
from services.core.ticket import Appeal, Breach, Child, Grant, Ticket
from services.core.transitions import IllegalTransitionError, check_transition


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
