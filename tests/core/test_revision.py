"""Deadlines decided again when a notice becomes known: what is asked, what is decided, whatever the order of events."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.commands import ClockSignal, Command, SignalClocks
from schemas.facts import CommandRefused, DeadlineRevised, Fact
from schemas.vocabulary import ClockKind
from schemas.wire import encode
from services.core.calendar_days import WORKDAY
from services.core.clocks import ahead
from services.core.decision import Decision
from services.core.lifecycle.decide import decide
from services.core.lifecycle.revision import decided_anew
from services.core.policy import Policies, Policy
from services.core.succession import Succession, digest_of
from services.core.ticket import Ticket
from services.router.service import RouterState
from services.router.service import handle as route
from services.sla_timer import service as sla_timer
from services.sla_timer.state import TimerState, dump, load
from tests.builders import TICKET, alarm, at, opens, play, position, signs
from tests.core.test_life_properties import next_command

SPRING = at("Mon 2020-01-27 00:00")
"""From here on it is known that the Spring Festival of 2020 is prolonged."""


@pytest.fixture(scope="module")
def always(policy: Policy) -> Policies:
    return Policies.always(policy)


def version(policies: Policies, when: str) -> str:
    return policies.at(at(when)).calendar.version


def test_a_router_without_the_notice_says_that_it_does_not_know_it(always: Policies) -> None:
    story = play(always, opens("Thu 2020-01-23 10:00"))
    clock = story.clock("handle")
    asked = ClockSignal(
        clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, at=SPRING, calendar="weixi@2020-01-26:000000000000"
    )
    (refused,) = decide(story.ticket, alarm(asked), always).facts
    assert isinstance(refused, CommandRefused)
    assert ("calendar-not-known", "Art. 18") == (refused.code, refused.article)


def test_what_runs_out_at_the_instant_at_which_the_notice_becomes_known_has_run_out(always: Policies) -> None:
    story = play(always, opens("Thu 2020-01-23 10:00"))
    clock = story.clock("handle").model_copy(update={"due_at": SPRING})
    ticket = story.ticket.model_copy(update={"clocks": (clock,)})
    known = version(always, "Mon 2020-01-27 00:00")
    asked = ClockSignal(clock=clock.kind, cycle=clock.cycle, due_at=SPRING, at=SPRING, calendar=known)
    assert () == decide(ticket, alarm(asked), always).facts
    later = clock.model_copy(update={"due_at": SPRING + timedelta(seconds=1)})
    ticket = story.ticket.model_copy(update={"clocks": (later,)})
    asked = asked.model_copy(update={"due_at": later.due_at})
    assert ["deadline.revised.v1"] == [fact.type for fact in decide(ticket, alarm(asked), always).facts]


def test_the_fact_names_both_versions_both_instants_and_the_notice(always: Policies) -> None:
    story = play(always, opens("Thu 2020-01-23 10:00"), signs("Thu 2020-01-23 10:30"))
    clock, known = story.clock("handle"), version(always, "Mon 2020-01-27 00:00")
    asked = ClockSignal(clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, at=SPRING, calendar=known)
    (fact,) = decide(story.ticket, alarm(asked), always).facts
    assert isinstance(fact, DeadlineRevised)
    assert (clock.calendar, known) == (fact.old_calendar, fact.new_calendar)
    assert (at("Mon 2020-02-03 18:00"), at("Wed 2020-02-05 18:00")) == (fact.old_due_at, fact.new_due_at)
    assert (("国办发明电〔2020〕1号",), "U-SANITATION", "Art. 8") == (fact.notices, fact.charged_to, fact.article)
    assert fact.started[0].due_at == fact.cycles[0].due_at == fact.new_due_at


def test_days_unlike_are_those_that_the_notice_changed(always: Policies) -> None:
    before, after = (always.at(at(f"{day} 12:00")).calendar for day in ("Sun 2020-01-26", "Mon 2020-01-27"))
    changed = [day.isoformat() for day in before.days_unlike(after)]
    assert ["2020-01-31", "2020-02-01"] == changed, "Sunday 2 February was off before"
    assert before.days_unlike(after) == after.days_unlike(before)
    assert () == before.days_unlike(before)
    assert before.explain_day(before.days_unlike(after)[0]) == WORKDAY


@pytest.mark.parametrize(
    ("ends", "asked"),
    [
        ("Fri 2019-04-26 15:59", False),  # before every day that changed
        ("Fri 2019-04-26 16:00", True),  # a superior platform's date two working hours later may lie on one of them
        ("Sun 2019-04-28 08:30", True),
        ("Fri 2019-05-03 18:00", True),
        ("Tue 2019-12-31 18:00", True),
    ],
)
def test_only_a_clock_that_a_changed_day_may_reach_is_asked_about(always: Policies, ends: str, *, asked: bool) -> None:
    """Labour Day 2019: 28 April, 2, 3 and 5 May changed."""
    old = digest_of(version(always, "Wed 2019-03-20 12:00"))
    found = Succession.of(always).next_for(old, at(ends))
    assert (at("Sat 2019-03-23 00:00") if asked else None) == (found.known_from if found else None)


@pytest.mark.parametrize(("ends", "asked"), [("Sat 2019-03-23 00:00", False), ("Sat 2019-03-23 00:00:01", True)])
def test_a_provisional_clock_is_asked_about_unless_it_is_over_by_then(
    always: Policies, ends: str, *, asked: bool
) -> None:
    """A clock of a version that knew nothing of 2019 ends after the first notice in force, or with it."""
    succession, versions = Succession.of(always), always.newest.history
    assert versions is not None
    first = versions.versions[0].calendar
    touched = dataclasses.replace(first, known_until=first.first_day)
    known = dataclasses.replace(versions.versions[1])
    history = dataclasses.replace(
        versions, versions=(dataclasses.replace(versions.versions[0], calendar=touched), known)
    )
    alone = Succession({digest_of(touched.version): (history, 0)}, succession.buffer)
    found = alone.next_for(digest_of(touched.version), at(ends))
    assert (known if asked else None) == found


def test_of_the_newest_version_and_of_one_that_no_file_holds_nothing_is_asked(always: Policies) -> None:
    succession = Succession.of(always)
    newest = digest_of(always.newest.calendar.version)
    assert [None, None] == [succession.next_for(each, at("Mon 2026-12-21 18:00")) for each in (newest, "000000000000")]


def test_a_table_of_the_format_before_is_read_and_its_clocks_are_not_asked_about(always: Policies) -> None:
    told = play(always, opens("Thu 2020-01-23 10:00")).facts
    state: TimerState | None = None
    for fact in told:
        state = sla_timer.handle(state, fact, position()).state
    assert state is not None
    assert state == load(dump(state))
    old = b'2[2,"dispatched","help","urban",1579744800000000,[["sign",1,1579752000000000,0,null,[]]]]'
    assert [("sign", "")] == [(clock.kind, clock.calendar) for clock in load(old).clocks]


# ---------------------------------------------------------------- whole lives over three notices

START = at("Mon 2019-12-30 00:00")


class Life:
    """A ticket of the winter of 2019: router and sla-timer in memory, pulses when the test says so."""

    def __init__(self, policies: Policies) -> None:
        self.policies, self.succession = policies, Succession.of(policies)
        self.router: RouterState | None = None
        self.timer: TimerState | None = None
        self.heard: list[Command] = []
        self.facts: list[Fact] = []

    def hear(self, command: Command) -> None:
        step = route(self.policies, self.router, command, position())
        self.heard.append(command)
        self.router = step.state
        for out in step.outputs:
            if isinstance(out.event, Fact) and out.topic == "ticket-events":
                self.facts.append(out.event)
                self.timer = sla_timer.handle(self.timer, out.event, position()).state

    def pulse(self, now: Any) -> None:
        for _ in range(50):
            assert self.timer is not None
            due = sla_timer.wake_at(self.succession, self.timer)
            if due is None or due > now:
                return
            step = sla_timer.wake(self.policies, self.succession, TICKET, self.timer, now)
            self.timer = step.state
            for out in step.outputs:
                assert isinstance(out.event, Command)
                self.hear(out.event)
        raise AssertionError("sla-timer finds no end")

    @property
    def ticket(self) -> Ticket:
        assert self.router is not None
        return self.router.ticket


def lived(draw: Callable[..., Any], policies: Policies) -> tuple[Life, Any]:
    life = Life(policies)
    now = START + timedelta(minutes=draw(st.integers(0, 26 * 24 * 60)))
    days = draw(st.sampled_from([None, None, 4, 12, 30]))
    override = {"working_days": days, "legal_basis": "b"} if days else None
    upstream = draw(st.sampled_from([None, None, now + timedelta(days=9)]))
    kind = draw(st.sampled_from(["consultation", "help", "complaint", "report"]))
    command = opens("Mon 2019-12-30 00:00", kind=kind, limit_override=override, upstream_due_at=upstream)
    life.hear(command.model_copy(update={"time": now, "id": "c-0"}))
    for number in range(1, draw(st.integers(1, 9))):
        now += timedelta(minutes=draw(st.sampled_from([0, 5, 50, 700, 3000, 9000, 30000])))
        if draw(st.booleans()):
            life.pulse(now)
        said = next_command(draw, number, life.ticket, now)
        if not isinstance(said, SignalClocks):  # alarms are sla-timer's own here
            life.hear(said)
    return life, now


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_once_all_notices_are_known_every_open_clock_is_as_if_decided_under_the_newest(
    policy: Policy, data: Any
) -> None:
    policies = Policies.always(policy)
    life, now = lived(data.draw, policies)
    end = max(now, at("Tue 2020-01-28 00:00"))
    life.pulse(end)
    for clock in life.ticket.clocks:
        known = max((v.known_from for v in policy.history.versions if v.known_from <= end), default=end)  # type: ignore[union-attr]
        if clock.due_at <= known:
            continue  # over before the last notice was known: late or not, it stays
        d = Decision(life.ticket, life.heard[-1], policies).as_of(known)
        fresh = decided_anew(d, clock)
        if fresh.due_at > known:  # a limit is never moved into the past: such a clock stays as it was, marks and all
            fresh_marks = {m.rung: m.at for m in fresh.marks}
            assert clock.due_at == fresh.due_at, clock
            assert {m.rung: m.at for m in ahead(clock, known).marks}.items() <= fresh_marks.items()
        leg = life.ticket.leg(clock.cycle)
        if leg is not None and clock.kind in {ClockKind.HANDLE, ClockKind.CO_HANDLE}:
            assert leg.due_at == clock.due_at
    again = Life(policies)
    for command in life.heard:
        step = route(policies, again.router, command, position())
        again.router = step.state
        again.facts += [o.event for o in step.outputs if isinstance(o.event, Fact) and o.topic == "ticket-events"]
    assert again.router == life.router
    assert [encode(fact) for fact in again.facts] == [encode(fact) for fact in life.facts]
