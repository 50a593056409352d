"""Starting and stopping the clocks of a ticket: due instants, ladder marks, and how a clock ended."""

from datetime import datetime, timedelta

from schemas.values import Clock, Mark, StoppedClock
from schemas.vocabulary import ClockKind, StopOutcome
from services.core.deadlines import ahead_of, due, fraction_instant, not_on_day_off, provisional, working_time_before
from services.core.policy import Policy
from services.core.rule import LimitRule
from services.core.ticket import Ticket


def _marks(kind: ClockKind, start: datetime, due_at: datetime, *, wall: bool, policy: Policy) -> tuple[Mark, ...]:
    rules = policy.rulebook.reminders
    if kind not in rules.clocks:
        return ()
    marks = []
    for rung in rules.ladder:
        if rung.percent is not None:
            at = fraction_instant(start, due_at, rung.percent, policy.calendar, wall_clock=wall)
        elif rung.working_seconds_before is not None:
            at = working_time_before(due_at, rung.working_seconds_before, policy.calendar)
        else:
            continue
        if start < at < due_at:
            marks.append(Mark(rung=rung.rung, at=at))
    return tuple(sorted(marks, key=lambda mark: (mark.at, mark.rung)))


def clock_until(
    kind: ClockKind, cycle: int, start: datetime, due_at: datetime, rule: LimitRule, policy: Policy
) -> Clock:
    """Give a clock with a known due instant, its ladder marks (Art. 10) and whether the date is provisional."""
    return Clock(
        kind=kind,
        cycle=cycle,
        started_at=start,
        due_at=due_at,
        limit=str(rule),
        article=rule.article,
        calendar=policy.calendar.version,
        provisional=provisional(due_at, policy.calendar),
        marks=_marks(kind, start, due_at, wall=rule.unit == "hours", policy=policy),
    )


def start_clock(kind: ClockKind, cycle: int, start: datetime, rule: LimitRule, policy: Policy) -> Clock:
    """Start a clock of that limit at `start` (Civil Code 201: the day of start does not count for day limits)."""
    due_at = due(start, rule.limit, policy.calendar, day_end=policy.rulebook.day_end)
    return clock_until(kind, cycle, start, due_at, rule, policy)


def handling_clock(kind: ClockKind, ticket: Ticket, cycle: int, start: datetime, policy: Policy) -> Clock:
    """Start the unit clock (`handle`) or the citizen's clock (`case`) of a ticket (Art. 8).

    A limit by law for the category stands in place of the table's; the ticket's own `limit_override` wins over both,
    in both directions. An upstream due instant bounds the local one: the
    local due is the earlier, less the hand-back buffer. The unit clock takes the unit's `policy`, the citizen's the
    jurisdiction's.
    """
    law = policy.statutory(ticket.kind, ticket.category, start)
    article = policy.rulebook.cite("Art. 8")
    rule = law.rule(article) if law else policy.rule_of(ticket.kind, ticket.category).handle
    override = ticket.limit_override
    if override is not None and override.working_days is not None:
        rule = LimitRule(
            amount=override.working_days, unit="working_days", article=f"{article}; {override.legal_basis}"
        )
    due_at = due(start, rule.limit, policy.calendar, day_end=policy.rulebook.day_end)
    if override is not None and override.due_at is not None and (cycle <= 1 or override.due_at > start):
        due_at = override.due_at  # unless it had passed before this later leg began
    handed_back_by = upstream_bound(ticket, start, policy)
    if handed_back_by is not None:
        due_at = min(due_at, handed_back_by)
    return clock_until(kind, cycle, start, due_at, rule, policy)


def upstream_bound(ticket: Ticket, start: datetime, policy: Policy) -> datetime | None:
    """Give until when a result must go back to the superior platform: its own due instant less the buffer (Art. 4).

    The hotline's office hands back, so the buffer counts in its hours, also for a unit's clock.
    """
    upstream = ticket.upstream_due_at
    if upstream is None or upstream <= start:
        return None
    bound = ahead_of(upstream, policy.rulebook.upstream_buffer.limit, policy.jurisdiction_calendar)
    return bound if bound > start else upstream


def pause(clock: Clock, at: datetime) -> StoppedClock:
    """Let a clock stand still from `at` on."""
    return StoppedClock(
        kind=clock.kind, cycle=clock.cycle, due_at=clock.due_at, stopped_at=at, outcome=StopOutcome.PAUSED
    )


def by_the_wall(clock: Clock) -> bool:
    """Say whether the limit of a clock counts days and nights alike."""
    return clock.limit.endswith(" hours") and not clock.limit.endswith("working_hours")


def paused_for(clock: Clock, since: datetime, until: datetime, policy: Policy) -> int:
    """Give the seconds of a pause that a clock would have counted; nights and days off count once, as none."""
    until = max(since, until)
    if by_the_wall(clock):
        return int((until - since).total_seconds())
    return policy.calendar.working_seconds_between(since, until)


def later_by(instant: datetime, seconds: int, clock: Clock, policy: Policy) -> datetime:
    """Move an instant of a clock by seconds of the time that the clock counts."""
    if by_the_wall(clock):
        return instant + timedelta(seconds=seconds)
    return policy.calendar.add_working_time(instant, seconds)


def resumed(clock: Clock, ticket: Ticket, since: datetime, seconds: int, policy: Policy) -> Clock:
    """Give a clock that stood still since `since`, its due instant and coming marks moved by `seconds` of its time.

    The superior platform's own due instant does not move (Art. 4). Its calendar stays the one that decided it: what
    became known meanwhile is counted when the clock is decided again (docs/adr/0008).
    """
    due_at = later_by(clock.due_at, seconds, clock, policy)
    bound = upstream_bound(ticket, clock.started_at, policy)
    if bound is not None:
        due_at = max(clock.due_at, min(due_at, bound))
    later = (mark.model_copy(update={"at": later_by(mark.at, seconds, clock, policy)}) for mark in clock.marks)
    changes = {
        "due_at": due_at,
        "marks": tuple(mark for mark in later if since < mark.at < due_at),
        "provisional": provisional(due_at, policy.calendar),
    }
    return clock.model_copy(update=changes)


def extended(clock: Clock, ticket: Ticket, policy: Policy, stood_still: int) -> Clock:
    """Give the same clock with its extended due instant: `each` adds to the old due, `total` caps the sum (Art. 8).

    A cap in all counts none of the seconds for which the unit's clock stood still.
    """
    extension = policy.rule_of(ticket.kind, ticket.category).extension
    rule = extension.each or extension.total
    if rule is None:
        return clock
    start = clock.due_at if extension.each else clock.started_at
    later = due(start, rule.limit, policy.calendar, day_end=policy.rulebook.day_end)
    if clock.kind is ClockKind.HANDLE and not extension.each:
        later = later_by(later, stood_still, clock, policy)
    return clock_until(clock.kind, clock.cycle, clock.started_at, max(later, clock.due_at), rule, policy)


def return_window(cycle: int, start: datetime, rule: LimitRule, policy: Policy) -> Clock:
    """Start the window within which a unit may return the ticket; it never ends on a day off (Art. 7)."""
    window = start_clock(ClockKind.RETURN, cycle, start, rule, policy)
    moved = not_on_day_off(window.due_at, policy.calendar, policy.rulebook.return_.moves_to)
    return clock_until(ClockKind.RETURN, cycle, start, moved, rule, policy)


def ahead(clock: Clock, now: datetime) -> Clock:
    """Give the same clock with the rungs that lie after `now`: nobody is reminded of those in the past (Art. 10)."""
    return clock.model_copy(update={"marks": tuple(mark for mark in clock.marks if mark.at > now)})


def stop(clock: Clock, at: datetime) -> StoppedClock:
    """End a clock that was met at `at`: late if that is after the due instant."""
    outcome = StopOutcome.MET if at <= clock.due_at else StopOutcome.LATE
    return StoppedClock(kind=clock.kind, cycle=clock.cycle, due_at=clock.due_at, stopped_at=at, outcome=outcome)


def cancel(clock: Clock, at: datetime) -> StoppedClock:
    """End a clock that nobody has to meet any more."""
    return StoppedClock(
        kind=clock.kind, cycle=clock.cycle, due_at=clock.due_at, stopped_at=at, outcome=StopOutcome.CANCELLED
    )


def stop_kinds(ticket: Ticket, at: datetime, *kinds: ClockKind, cycle: int | None = None) -> tuple[StoppedClock, ...]:
    """End every running clock of these kinds (and that cycle, if given) as met at `at`."""
    return tuple(stop(clock, at) for clock in ticket.clocks if clock.kind in kinds and cycle in {None, clock.cycle})


def co_handling_clock(cycle: int, start: datetime, lead_due_at: datetime, policy: Policy, lead: str | None) -> Clock:
    """Start a co-handler's clock: due the joining time before the lead unit's due instant, if that is still to come.

    The lead unit joins the parts, so that time counts in its hours; the reminders in the co-handler's, as `policy` has.
    """
    rule = policy.rulebook.co_handling.joining_time
    before = ahead_of(lead_due_at, rule.limit, policy.for_unit(lead).calendar)
    clock = clock_until(ClockKind.CO_HANDLE, cycle, start, before if before > start else lead_due_at, rule, policy)
    return clock.model_copy(update={"limit": f"{rule} before handle"})


def cancel_all(ticket: Ticket, at: datetime, *, keep: tuple[ClockKind, ...] = ()) -> tuple[StoppedClock, ...]:
    """End every running clock without a verdict, except the kinds in `keep`."""
    return tuple(cancel(clock, at) for clock in ticket.clocks if clock.kind not in keep)
