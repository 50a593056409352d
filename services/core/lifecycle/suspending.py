"""Suspension (挂起): the unit's clock stands still while the citizen must supply something. A switch, off by default.

The citizen's clock goes on. On resuming the due instant moves by the time that the clock would have counted:
overlapping nights, breaks and days off count once, as none; docs/adr/0007.
"""

from datetime import datetime

from schemas.commands import DecideSuspension, RequestSuspension, ResumeTicket
from schemas.facts import SuspensionRefused, SuspensionRequested, TicketResumed, TicketSuspended
from schemas.vocabulary import AcceptedBy, ClockKind, Role, Stage, SuspensionEnd
from services.core import clocks, cycles
from services.core.decision import Decision
from services.core.lifecycle import co_handling
from services.core.lifecycle.actors import from_role, from_unit


def _stranger(d: Decision, *stages: Stage) -> str | None:
    """Give a refusal code unless the unit responsible or the office speaks, in one of `stages`."""
    if d.command.actor.role is Role.UNIT:
        return from_unit(d, *stages)
    return from_role(d, (Role.OFFICE,), *stages)


def request_suspension(d: Decision, command: RequestSuspension) -> Decision:
    """Ask before the deadline, for a reason of the list; no clock stops until it is granted."""
    rules, ticket = d.policy.rulebook.suspension, d.known
    if not rules.enabled:
        return d.refuse("no-suspension", rules.article)
    if code := _stranger(d, Stage.IN_PROGRESS):
        return d.refuse(code, rules.article)
    if command.actor.role not in rules.asks:
        return d.refuse("not-entitled", rules.article)
    if command.reason not in rules.reasons:
        return d.refuse("reason-not-listed", rules.article)
    if ticket.suspension_asked is not None:
        return d.refuse("suspension-pending", rules.article)
    if ticket.suspensions >= rules.max_count:
        return d.refuse("no-further-suspension", rules.article)
    clock = ticket.clock(ClockKind.HANDLE)
    if clock is None or command.time > clock.due_at:
        return d.refuse("deadline-passed", rules.article)
    return d.then(SuspensionRequested, rules.article, reason=command.reason)


def decide_suspension(d: Decision, command: DecideSuspension) -> Decision:
    """Grant it from now on, or refuse; what ran out while the request lay there cannot stand still any more."""
    rules, ticket, actor = d.policy.rulebook.suspension, d.known, command.actor
    roles = (Role.OFFICE,) if rules.approves == "office" else (Role.OFFICE, Role.PLATFORM)
    if code := from_role(d, roles, Stage.IN_PROGRESS):
        return d.refuse(code, rules.article)
    accepted_elsewhere = ticket.accepted_by is not AcceptedBy.COUNTY and actor.id == ticket.platform
    if actor.role is Role.PLATFORM and not accepted_elsewhere:
        return d.refuse("not-entitled", rules.article)
    if ticket.suspension_asked is None:
        return d.refuse("no-suspension-requested", rules.article)
    if not command.granted:
        return d.then(SuspensionRefused, rules.article)
    handle = ticket.clock(ClockKind.HANDLE)
    if handle is None or command.time > handle.due_at:
        return d.refuse("deadline-passed", rules.article)
    window = clocks.start_clock(ClockKind.SUSPENSION, ticket.cycle, command.time, rules.limit, d.policy)
    return d.then(
        TicketSuspended,
        rules.article,
        stage=Stage.SUSPENDED,
        reason=ticket.suspension_asked,
        until=window.due_at,
        count=ticket.suspensions + 1,
        started=(window,),
        stopped=(clocks.pause(handle, command.time),),
    )


def resume_ticket(d: Decision, command: ResumeTicket) -> Decision:
    """The unit or the office goes on before anything came."""
    if code := _stranger(d, Stage.SUSPENDED):
        return d.refuse(code, d.policy.rulebook.suspension.article)
    return resume(d, command.time, SuspensionEnd.RESUMED)


def resume(d: Decision, at: datetime, how: SuspensionEnd) -> Decision:
    """Let the unit's clock run on from `at`; nothing if the ticket is not suspended."""
    ticket, paused, since = d.known, d.known.paused, d.known.paused_at
    if ticket.stage is not Stage.SUSPENDED or paused is None or since is None:
        return d
    policy = d.governing(paused)
    seconds = clocks.paused_for(paused, since, at, policy)
    clock = clocks.resumed(paused, ticket, since, seconds, policy)
    started = (clock, *co_handling.moved(d, clock.due_at))
    return d.then(
        TicketResumed,
        d.policy.rulebook.suspension.article,
        at=at,
        stage=Stage.IN_PROGRESS,
        how=how,
        old_due_at=paused.due_at,
        new_due_at=clock.due_at,
        moved_seconds=seconds,
        working_seconds=policy.calendar.working_seconds_between(since, max(since, at)),
        started=started,
        stopped=clocks.stop_kinds(ticket, at, ClockKind.SUSPENSION),
        cycles=cycles.extend(ticket, started),
    )
