"""How facts, reminders, contacts, scores and flags read in the tables: one phrase each, exact."""

from collections.abc import Callable
from typing import Any, Final

from schemas.facts import Fact
from schemas.supervision import (
    AccountabilityFlagged,
    ContactRequested,
    DigestIssued,
    HotIssuePublished,
    ReminderIssued,
    ScorePublished,
)
from schemas.values import Clock, Cycle
from schemas.vocabulary import ClockKind, DispatchReason, FlagStatus
from tests.rules.instants import written

PHRASES: Final[dict[str, Callable[[Any], str]]] = {
    "ticket.repeated": lambda f: f"goes on as {f.successor}" + ("" if f.counted else ", no repeat"),
    "ticket.opened": lambda f: (
        "opened"
        + (f" as a repeat of {f.repeat_of}" if f.repeat_of else "")
        + (" anonymously" if f.anonymous else "")
        + (" in secrecy" if f.secrecy_requested else "")
    ),
    "ticket.diverted": lambda f: (
        f"diverted to {f.call_number}" + ("" if (f.rule or "").startswith("category/") else f" by {f.rule}")
    ),
    "ticket.answered": lambda f: f"answered {f.knowledge_article}",
    "ticket.declined": lambda f: (
        f"declined: {f.code}" + (f" ({f.channel})" if f.channel else "") + (", reviewable" if f.reviewable else "")
    ),
    "ticket.held": lambda f: "held",
    "ticket.queued": lambda f: f"queued: {f.reason}",
    "ticket.dispatched": lambda f: (
        f"dispatched to {' with '.join([f.unit, *f.co_handlers])}"
        + (f" ({f.reason})" if f.reason is not DispatchReason.ROUTED else "")
    ),
    "ticket.redispatched": lambda f: f"redispatched to {f.unit}, round {f.round}",
    "ticket.signed": lambda f: "deemed signed" if f.deemed else "signed",
    "co_handler.assigned": lambda f: f"co-handlers {', '.join(f.co_handlers)}",
    "co_reply.submitted": lambda f: f"part of {f.co_handler}",
    "co_reply.rejected": lambda f: f"part of {f.co_handler} rejected: {', '.join(f.defects)}",
    "co_return.requested": lambda f: f"{f.co_handler} asks to be let out",
    "co_return.upheld": lambda f: f"{f.co_handler} let out",
    "co_return.refused": lambda f: f"{f.co_handler} kept in",
    "return.upheld": lambda f: f"return of {f.returned_by} upheld",
    "extension.granted": lambda f: f"extension granted ({f.count})",
    "reply.rejected": lambda f: f"reply rejected: {', '.join(f.defects)}",
    "call.logged": lambda f: (
        f"call {f.attempt} {f.outcome}"
        + (f", rated {f.rating}" if f.rating else "")
        + ("" if f.in_hours else ", outside the unit's hours")
    ),
    "contact.attempted": lambda f: f"contact {f.attempt} {f.outcome}",
    "rating.recorded": lambda f: f"rated {f.rating}",
    "dissatisfaction.judged": lambda f: f"judged {'justified' if f.justified else 'unjustified'}",
    "ticket.urged": lambda f: f"urged ({f.count})",
    "ticket.suspended": lambda f: f"suspended ({f.count})",
    "ticket.resumed": lambda f: f"resumed: {f.how}",
    "ticket.supplemented": lambda f: f"supplemented ({f.count})",
    "ticket.withdrawn": lambda f: "withdrawn",
    "ticket.reopened": lambda f: f"reopened, generation {f.generation}",
    "ticket.closed": lambda f: f"closed {f.resolution}, {f.rating}",
    "merge.requested": lambda f: f"asks {f.parent} to answer for it",
    "merge.refused": lambda f: f"not merged: {f.code}",
    "merge.lapsed": lambda f: f"merging into {f.parent} lapsed",
    "ticket.merged": lambda f: f"merged into {f.parent}",
    "ticket.unmerged": lambda f: f"taken out of {f.parent}: {f.reason}",
    "reply.shared": lambda f: f"reply of {f.parent}",
    "extension.carried": lambda f: f"extension carried ({f.count})",
    "child.attached": lambda f: f"answers for {f.child}",
    "child.refused": lambda f: f"does not answer for {f.child}: {f.code}",
    "child.detached": lambda f: f"lets {f.child} go",
    "clock.at_risk": lambda f: f"{f.clock} {f.rung}" if f.clock is not ClockKind.HANDLE else f.rung,
    "clock.breached": lambda f: f"{f.clock} breached",
    "clock.elapsed": lambda f: f"{f.clock} elapsed",
    "deadline.revised": lambda f: f"{f.clock} revised",
    "breach.withdrawn": lambda f: f"{f.clock} breach withdrawn",
    "measure.excluded": lambda f: f"leg {f.leg} of {f.counts_for} without {' and '.join(f.indicators)}: {f.reason}",
    "appeal.requested": lambda f: f"{f.counts_for} appeals {' and '.join(f.indicators)} of leg {f.leg}",
    "appeal.decided": lambda f: f"appeal {'upheld' if f.upheld else 'refused'}",
    "accountability.raised": lambda f: f"{f.answerable} flagged: {f.item}",
    "accountability.decided": lambda f: f"flag {'upheld' if f.upheld else 'dismissed'}",
    "command.refused": lambda f: f"refused: {f.code}",
}
"""Type to phrase; a fact that is not listed is its type in words, such as `return requested`."""


def phrase(fact: Fact) -> str:
    name = fact.type.removesuffix(".v1")
    return PHRASES[name](fact) if name in PHRASES else name.replace(".", " ").replace("_", " ")


def due(clock: Clock) -> str:
    return written(clock.due_at) + (" provisional" if clock.provisional else "")


def leg(cycle: Cycle) -> str:
    """`U-URBAN handle replied after 7:30:00 late`: the working time of a leg that ended, in hours."""
    named = f"{cycle.unit} {cycle.purpose}"
    if cycle.end is None or cycle.elapsed_seconds is None:
        return f"{named} running, due {written(cycle.due_at)}"
    minutes, seconds = divmod(cycle.elapsed_seconds, 60)
    late = " late" if cycle.breached else ""
    return f"{named} {cycle.end} after {minutes // 60}:{minutes % 60:02}:{seconds:02}{late}"


def reminder(said: ReminderIssued) -> str:
    head = " to the head" if said.to_head else ""
    clock = "" if said.clock is ClockKind.HANDLE else f"{said.clock} "
    return f"{clock}{said.rung} {said.channel}{head} {written(said.time)}"


def digest(said: DigestIssued) -> str:
    """`U-SANITATION half 2 written Wed 2026-11-04 09:00`: rung, tickets listed, when it goes out."""
    head = " to the head" if said.to_head else ""
    return f"{said.unit} {said.rung} {len(said.items)} {said.channel}{head} {written(said.time)}"


def contact(said: ContactRequested) -> str:
    return f"{said.attempt} {said.channel} {written(said.time)}"


def score(said: ScorePublished) -> str:
    return f"{said.unit} {said.period} {'unranked' if said.score is None else said.score}"


def numbers(said: ScorePublished) -> str:
    """`U-URBAN 2026-11 signed_on_time 1/2, satisfaction 1/1`: what counted, part of whole."""
    counted = [f"{n.indicator} {n.part}/{n.whole}" for n in said.indicators if n.part or n.whole]
    return f"{said.unit} {said.period} {', '.join(counted)}".strip()


def hot_issue(said: HotIssuePublished) -> str:
    return f"{said.unit} {said.week} {said.category} {said.tickets}, usual {said.usual:g}: {said.trend}"


def flag(said: AccountabilityFlagged) -> str:
    status = "" if said.status is FlagStatus.RAISED else f" {said.status}"
    return f"{said.unit} {said.item} {said.count} {said.article}{status}"
