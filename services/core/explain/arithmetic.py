"""The arithmetic of one clock, step by step: computed anew, and held against what was recorded."""

from dataclasses import dataclass
from datetime import datetime

from schemas.facts import DeadlineRevised, ExtensionGranted, Fact, TicketResumed, TicketUnmerged
from schemas.values import Clock
from schemas.vocabulary import ClockKind
from services.core.calendar import WorkCalendar
from services.core.calendar_count import CountedDay, count_days
from services.core.calendar_days import DayReason
from services.core.clocks import by_the_wall, later_by, paused_for, upstream_bound
from services.core.cycles import unit_of
from services.core.deadlines import Limit, ahead_of, dispatch_by, due, in_office_day, not_on_day_off, release_at
from services.core.explain.model import Arithmetic, ChangedDay, Day, OfficeHours, Revision, Text
from services.core.explain.words import (
    UNITS,
    by_statute,
    capped,
    counted,
    day_end,
    for_joining,
    goes_on,
    hand_back,
    instant,
    moved_on,
    next_opening,
    no_hand_back,
    not_into_the_past,
    of_law,
    off_hours,
    on_day_off,
    override_days,
    same_day,
    start_day,
    stood_still,
    unchanged,
    with_lead,
    worked,
)
from services.core.policy import Policies, Policy
from services.core.ticket import Ticket


@dataclass(frozen=True)
class _Found:
    due_at: datetime
    steps: tuple[Text, ...]


def explain_clock(clock: Clock, fact: Fact, before_fact: Ticket | None, policies: Policies) -> Arithmetic:
    """Compute the due instant of a clock that `fact` started, from the ticket as it was before it.

    Raises `CalendarRangeError` if the calendar does not reach that far, `NotInForceError` before the first rules,
    ValueError for a co-handler's part without a lead unit's clock.
    """
    running = before_fact.clock(clock.kind, clock.cycle) or _standing_still(clock, before_fact) if before_fact else None
    legs = (*fact.cycles, *(before_fact.cycles if before_fact else ()))
    unit = unit_of(clock.kind, clock.cycle, legs, fact.unit)
    policy = policies.governing(clock.started_at, fact.time) if running else policies.at(fact.time)
    policy = policy.for_unit(unit)
    calendar = policy.calendar
    revision = None
    resumed = isinstance(fact, TicketResumed)
    if not resumed and running is not None and (running.due_at, running.calendar) == (clock.due_at, clock.calendar):
        calendar = policies.calendar(clock.calendar) or calendar
        found = _Found(clock.due_at, (unchanged(clock.due_at, calendar),))
    elif isinstance(fact, DeadlineRevised) and before_fact is not None and running is not None:
        found, revision = _anew(running, fact, before_fact, policies, unit), _revision(running, fact, policies)
    else:
        if isinstance(fact, TicketUnmerged | TicketResumed):  # it comes back as it was, whatever is known by now
            calendar = policies.calendar(clock.calendar) or calendar
        found = _derive(clock, fact, before_fact, policy)
    days = count_days(clock.started_at, clock.due_at, calendar)
    return Arithmetic(
        clock=clock.kind,
        cycle=clock.cycle,
        started_at=clock.started_at,
        due_at=clock.due_at,
        limit=clock.limit,
        article=clock.article,
        calendar=clock.calendar,
        office_hours=_whose(unit, clock.calendar, policy),
        provisional=clock.provisional,
        steps=found.steps,
        days=tuple(_day(day, calendar) for day in days),
        agrees=found.due_at == clock.due_at and clock.calendar == calendar.version,
        revision=revision,
    )


def _standing_still(clock: Clock, ticket: Ticket) -> Clock | None:
    paused = ticket.paused
    return paused if paused is not None and (paused.kind, paused.cycle) == (clock.kind, clock.cycle) else None


def _whose(unit: str | None, version: str, policy: Policy) -> OfficeHours:
    """The jurisdiction's hours counted if the calendar that decided is its own, else those of the unit."""
    found = policy.directory.unit(unit) if unit else None
    if found is None or policy.history is None or policy.history.version(version) is not None:
        return OfficeHours(unit=None, en="the jurisdiction", zh="本级")
    return OfficeHours(unit=unit, en=found.name_en, zh=found.name_zh)


def _anew(running: Clock, fact: DeadlineRevised, ticket: Ticket, policies: Policies, unit: str | None) -> _Found:
    """The same limit from the same start under the calendar known now, then each extension again, in its order."""
    policy = policies.governing(running.started_at, running.started_at, fact.time).for_unit(unit)
    if running.kind in {ClockKind.HANDLE, ClockKind.CASE}:
        override, law = ticket.limit_override, policy.statutory(ticket.kind, ticket.category, running.started_at)
        table = Limit(law.amount, law.unit) if law else policy.rule_of(ticket.kind, ticket.category).handle.limit
        days = Limit(override.working_days, "working_days") if override and override.working_days else table
        found = _bounded(running, _limit(running.started_at, days, policy), ticket, policy)
        moved = 0
        for grant in ticket.grants:
            if (grant.kind, grant.cycle) != (running.kind, running.cycle):
                continue
            rules = policies.governing(running.started_at, grant.at, fact.time).for_unit(unit)
            if grant.since is None:
                more = _extended(running, found.due_at, ticket, rules, moved)
            else:
                more, seconds = _stood_still(running, found.due_at, ticket, grant.since, grant.at, rules)
                moved += seconds
            found = _Found(more.due_at, (*found.steps, *more.steps))
    elif running.kind is ClockKind.CO_HANDLE:
        found = _part(running, fact, ticket, policies.governing(running.started_at, fact.time))
    else:
        found = _derive(running, fact, ticket, policy)
    if found.due_at <= fact.time:
        return _Found(running.due_at, (*found.steps, not_into_the_past(running.due_at, policy.calendar)))
    return found


def _revision(running: Clock, fact: DeadlineRevised, policies: Policies) -> Revision:
    old, new = policies.calendar(fact.old_calendar), policies.calendar(fact.new_calendar)
    days: list[ChangedDay] = []
    if old is not None and new is not None:
        first = running.started_at.astimezone(new.zone).date()
        last = max(fact.old_due_at, fact.new_due_at).astimezone(new.zone).date()
        for day in old.days_unlike(new):
            if first <= day <= last:
                before, after = old.explain_day(day), new.explain_day(day)
                days.append(ChangedDay(day=day, before=_name(before), after=_name(after), notice=after.notice))
    return Revision(
        old_due_at=fact.old_due_at,
        old_calendar=fact.old_calendar,
        new_calendar=fact.new_calendar,
        notices=fact.notices,
        days=tuple(days),
    )


def _name(reason: DayReason) -> Text:
    return Text(en=reason.name_en, zh=reason.name_zh)


def _day(day: CountedDay, calendar: WorkCalendar) -> Day:
    reason = day.reason
    windows = calendar.office_hours(day.day) if reason.worked else ()
    hours = tuple("-".join(f"{at.astimezone(calendar.zone):%H:%M}" for at in window) for window in windows)
    return Day(
        day=day.day, counted=day.count == "counted", number=day.number, working_seconds=day.seconds,
        reason=_name(reason), kind=reason.kind, notice=reason.notice, layer=reason.layer, hours=hours,
    )  # fmt: skip


def _derive(clock: Clock, fact: Fact, ticket: Ticket | None, policy: Policy) -> _Found:
    rules, calendar = policy.rulebook, policy.calendar
    if clock.kind is ClockKind.RELEASE:
        opening = release_at(clock.started_at, calendar)
        return _Found(opening, (off_hours(clock.started_at, calendar), next_opening(opening, calendar)))
    if clock.kind is ClockKind.DISPATCH and rules.dispatch.limit is None:
        by = dispatch_by(clock.started_at, calendar, rules.dispatch.out_by)
        first = (
            same_day(clock.started_at, calendar)
            if in_office_day(clock.started_at, calendar)
            else off_hours(clock.started_at, calendar)
        )
        return _Found(by, (first, instant(by, calendar)))
    if clock.kind is ClockKind.CO_HANDLE:
        return _part(clock, fact, ticket, policy)
    if isinstance(fact, TicketUnmerged) and ticket is not None and ticket.case_clock is not None:
        return _Found(ticket.case_clock.due_at, (goes_on(ticket.case_clock.due_at, calendar),))
    if isinstance(fact, TicketResumed) and ticket is not None and ticket.paused and ticket.paused_at:
        return _stood_still(ticket.paused, ticket.paused.due_at, ticket, ticket.paused_at, fact.time, policy)[0]
    old = ticket.clock(clock.kind) if ticket else None
    if isinstance(fact, ExtensionGranted) and ticket is not None and old is not None:
        return _extended(old, old.due_at, ticket, policy, ticket.moved_seconds)
    found = _limit(clock.started_at, _parsed(clock.limit), policy)
    if clock.kind is ClockKind.RETURN:
        moved = not_on_day_off(found.due_at, calendar, rules.return_.moves_to)
        if moved != found.due_at:
            return _Found(moved, (*found.steps, on_day_off(found.due_at, moved, calendar)))
    if clock.kind in {ClockKind.HANDLE, ClockKind.CASE} and ticket is not None:
        return _bounded(clock, found, ticket, policy)
    return found


def _part(clock: Clock, fact: Fact, ticket: Ticket | None, policy: Policy) -> _Found:
    """A co-handler's part is due the joining time before the lead unit's own due instant (Art. 3)."""
    running = ticket.clock(ClockKind.HANDLE) if ticket else None
    lead = next((c for c in fact.started if c.kind is ClockKind.HANDLE), running)
    if lead is None:
        raise ValueError("it is due before the lead unit's clock, and none runs")
    joining = policy.rulebook.co_handling.joining_time.limit
    by = ahead_of(lead.due_at, joining, policy.for_unit(fact.unit).calendar)
    if by <= clock.started_at:
        return _Found(lead.due_at, (with_lead(lead.due_at, policy.calendar),))
    return _Found(by, (for_joining(lead.due_at, UNITS[joining.unit](joining.amount), by, policy.calendar),))


def _parsed(text: str) -> Limit:
    amount, unit = text.split()
    return Limit(int(amount), unit)  # type: ignore[arg-type]  # the limit itself refuses a unit that is none


def _limit(start: datetime, limit: Limit, policy: Policy) -> _Found:
    calendar = policy.calendar
    end = due(start, limit, calendar, day_end=policy.rulebook.day_end)
    words = UNITS[limit.unit](limit.amount)
    if limit.unit == "hours":
        return _Found(end, (counted(start, words, end, calendar),))
    if limit.unit == "working_hours":
        used = [day for day in count_days(start, end, calendar) if day.seconds]
        stretches = (worked(day.day, start, end, calendar) for day in used)
        return _Found(end, (counted(start, words, end, calendar), *stretches))
    return _Found(end, (start_day(start, calendar), counted(start, words, end, calendar), day_end(policy, end)))


def _stood_still(
    paused: Clock, due_at: datetime, ticket: Ticket, since: datetime, until: datetime, policy: Policy
) -> tuple[_Found, int]:
    """The due instant moves by the time of the pause that the clock would have counted."""
    calendar, until = policy.calendar, max(since, until)
    seconds = paused_for(paused, since, until, policy)
    later = later_by(due_at, seconds, paused, policy)
    used = () if by_the_wall(paused) else (day for day in count_days(since, until, calendar) if day.seconds)
    steps = [stood_still(since, until, seconds, calendar), *(worked(day.day, since, until, calendar) for day in used)]
    steps.append(moved_on(due_at, later, calendar))
    bound = upstream_bound(ticket, paused.started_at, policy)
    if bound is not None and bound < later:
        later = max(due_at, bound)
        steps.append(instant(later, calendar))
    return _Found(later, tuple(steps)), seconds


def _extended(clock: Clock, old_due_at: datetime, ticket: Ticket, policy: Policy, moved: int) -> _Found:
    extension = policy.rule_of(ticket.kind, ticket.category).extension
    rule = extension.each or extension.total
    if rule is None:
        return _Found(old_due_at, ())
    found = _limit(old_due_at if extension.each else clock.started_at, rule.limit, policy)
    if clock.kind is ClockKind.HANDLE and not extension.each and moved:
        later = later_by(found.due_at, moved, clock, policy)
        found = _Found(later, (*found.steps, moved_on(found.due_at, later, policy.calendar)))
    if found.due_at < old_due_at:
        return _Found(old_due_at, (*found.steps, capped(old_due_at, policy.calendar)))
    return found


def _bounded(clock: Clock, found: _Found, ticket: Ticket, policy: Policy) -> _Found:
    """The limit of the table, under an override by law and the superior platform's own due instant (Art. 4, 8)."""
    calendar, override, start = policy.calendar, ticket.limit_override, clock.started_at
    law = policy.statutory(ticket.kind, ticket.category, start)
    if law is not None and override is None:
        found = _Found(found.due_at, (by_statute(law.legal_basis), *found.steps))
    if override is not None and override.working_days is not None:
        found = _Found(found.due_at, (override_days(override), *found.steps))
    if override is not None and override.due_at is not None and (clock.cycle <= 1 or override.due_at > start):
        found = _Found(override.due_at, (of_law(override, calendar),))
    if ticket.upstream_due_at is not None and ticket.upstream_due_at > start:
        buffer = policy.rulebook.upstream_buffer.limit
        by = ahead_of(ticket.upstream_due_at, buffer, policy.jurisdiction_calendar)
        bound, said = by, hand_back(ticket.upstream_due_at, UNITS[buffer.unit](buffer.amount), by, calendar)
        if by <= start:
            bound, said = ticket.upstream_due_at, no_hand_back(ticket.upstream_due_at, calendar)
        if bound < found.due_at:
            return _Found(bound, (*found.steps, said))
    return found
