"""What the router makes of sla-timer's alarms: judged by times of happening, not of arrival (DESIGN, The mesh)."""

from schemas.commands import ClockSignal, SignalClocks
from schemas.facts import ClockAtRisk, ClockElapsed
from schemas.values import Clock
from schemas.vocabulary import ClockKind, DispatchReason, Role, Rung, Stage, SuspensionEnd
from services.core import clocks
from services.core.decision import Decision
from services.core.lifecycle.dispatching import place
from services.core.lifecycle.handling import sign
from services.core.lifecycle.revision import revise
from services.core.lifecycle.suspending import resume
from services.core.lifecycle.verdicts import about, breach

WINDOWS = (ClockKind.RELEASE, ClockKind.RETURN, ClockKind.RATING, ClockKind.SUSPENSION)
"""Clocks whose end makes nobody late."""


def signal_clocks(d: Decision, command: SignalClocks) -> Decision:
    """Take the alarms in order; one whose clock stopped or moved meanwhile is stale and changes nothing."""
    if command.actor.role is not Role.SERVICE:
        return d.refuse("not-entitled", d.policy.rulebook.reminders.article)
    for signal in command.signals:
        d = d.as_of(signal.at)
        clock = d.known.clock(signal.clock, signal.cycle)
        if clock is None or clock.due_at != signal.due_at:
            continue
        if signal.calendar is not None:
            d = _revised(d, clock, signal.calendar)
        else:
            d = _at_risk(d, clock, signal) if signal.rung else _elapsed(d, clock)
    return d


def _revised(d: Decision, clock: Clock, calendar: str) -> Decision:
    known = (d.policy.calendar, d.policy.for_unit(d.unit_of(clock)).calendar)
    if calendar not in {each.version for each in known}:  # sla-timer has a notice that is not in the files here
        return d.refuse("calendar-not-known", "Art. 18")
    return revise(d, clock)


def _at_risk(d: Decision, clock: Clock, signal: ClockSignal) -> Decision:
    ahead = {(mark.rung, mark.at) for mark in clock.marks}
    moved = signal.rung is not Rung.OVERDUE_DAILY and (signal.rung, signal.at) not in ahead
    if moved or d.known.stage is Stage.REPLIED:
        return d
    said = about(d.known, clock)
    return d.then(ClockAtRisk, d.policy.rulebook.reminders.article, at=signal.at, rung=signal.rung, **said)


def _elapsed(d: Decision, clock: Clock) -> Decision:
    ticket = d.known
    if clock.kind in WINDOWS:
        return _window_over(d, clock)
    in_review = ticket.stage is Stage.REPLIED and clock.kind in {ClockKind.HANDLE, ClockKind.CASE}
    answered_in_time = in_review and ticket.replied_at is not None and ticket.replied_at <= clock.due_at
    if answered_in_time or ticket.breached(clock.kind, clock.cycle, clock.due_at):
        return d
    d = breach(d, clock)
    if clock.kind is ClockKind.SIGN and ticket.stage is Stage.DISPATCHED and d.policy.rulebook.sign.deemed:
        return sign(d, deemed=True)
    return d


def _window_over(d: Decision, clock: Clock) -> Decision:
    over = d.then(
        ClockElapsed,
        clock.article,
        at=clock.due_at,
        stopped=(clocks.stop(clock, clock.due_at),),
        **about(d.known, clock),
    )
    if clock.kind is ClockKind.RELEASE and d.known.stage is Stage.HELD:
        return place(over, clock.due_at, DispatchReason.RELEASED)
    if clock.kind is ClockKind.SUSPENSION:
        return resume(over, clock.due_at, SuspensionEnd.ELAPSED)
    return over
