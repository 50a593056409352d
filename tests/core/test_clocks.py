"""What a clock says of itself, and what the summary of a closed ticket says of its life."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.vocabulary import ClockKind
from services.core import clocks
from services.core.policy import Policy
from services.core.rule import LimitRule
from tests.builders import (
    SANITATION,
    at,
    closes,
    elapses,
    local,
    names,
    opens,
    passes,
    play,
    rates,
    replies,
    signs,
    urges,
)

HELP = opens("Mon 2026-11-02 09:00")


@pytest.mark.parametrize(
    ("opened", "kind", "limit", "article"),
    [
        (HELP, "sign", "2 working_hours", "Art. 7"),
        (HELP, "handle", "3 working_days", "Art. 8"),
        (HELP, "case", "3 working_days", "Art. 8"),
        (opens("Mon 2026-11-02 22:00", kind="complaint"), "sign", "2 hours", "Art. 7"),
        (opens("Mon 2026-11-02 22:00"), "release", "1 working_days", "Art. 6"),
        (opens("Mon 2026-11-02 22:00"), "dispatch", "1 working_days", "Art. 6"),
    ],
)
def test_a_clock_names_its_limit_article_and_calendar(
    policy: Policy, opened: object, kind: str, limit: str, article: str
) -> None:
    clock = play(policy, opened).clock(kind)  # type: ignore[arg-type]
    assert (clock.limit, clock.article, clock.calendar) == (limit, article, policy.calendar.version)


def test_the_citizen_s_clock_belongs_to_no_leg_and_the_unit_s_to_its_own(policy: Policy) -> None:
    story = play(policy, HELP)
    assert {kind: story.clock(kind).cycle for kind in ("sign", "handle", "case")} == {"sign": 1, "handle": 1, "case": 0}


def test_the_rungs_of_a_limit_in_hours_are_counted_by_the_clock_on_the_wall(policy: Policy) -> None:
    rule = LimitRule(amount=10, unit="hours", article="Art. 8")
    clock = clocks.start_clock(ClockKind.HANDLE, 1, at("Mon 2026-11-02 20:00"), rule, policy)
    assert local(clock.due_at) == "Tue 2026-11-03 06:00"
    assert [(mark.rung, local(mark.at)) for mark in clock.marks] == [
        ("half", "Tue 2026-11-03 01:00"),
        ("four_fifths", "Tue 2026-11-03 04:00"),
    ]


def test_rungs_in_working_time_lie_strictly_between_start_and_due(policy: Policy) -> None:
    rule = LimitRule(amount=2, unit="working_hours", article="Art. 8")
    clock = clocks.start_clock(ClockKind.HANDLE, 1, at("Mon 2026-11-02 09:00"), rule, policy)
    assert [(mark.rung, local(mark.at)) for mark in clock.marks] == [
        ("half", "Mon 2026-11-02 10:00"),
        ("four_fifths", "Mon 2026-11-02 10:36"),
    ], "2 working hours before due is the start itself: no rung"


def test_a_rung_of_this_very_second_lies_ahead_no_more(policy: Policy) -> None:
    clock = play(policy, HELP).clock("handle")
    half, later = clock.marks[0].at, clock.marks[1:]
    assert clock.marks == clocks.ahead(clock, half - timedelta(seconds=1)).marks
    assert later == clocks.ahead(clock, half).marks


def test_a_clock_that_stood_still_by_the_wall_goes_on_by_the_wall(policy: Policy) -> None:
    rule = LimitRule(amount=10, unit="hours", article="Art. 8")
    clock = clocks.start_clock(ClockKind.HANDLE, 1, at("Mon 2026-11-02 20:00"), rule, policy)
    since, until = at("Mon 2026-11-02 22:00"), at("Mon 2026-11-02 23:30")
    seconds = clocks.paused_for(clock, since, until, policy)
    assert (5400, 0) == (seconds, clocks.paused_for(clock, until, since, policy)), "never negative"
    story = play(policy, HELP)
    again = clocks.resumed(clock, story.ticket, since, seconds, policy)
    assert "Tue 2026-11-03 07:30" == local(again.due_at)
    assert ["Tue 2026-11-03 02:30", "Tue 2026-11-03 05:30"] == [local(mark.at) for mark in again.marks]
    behind = clocks.resumed(clock, story.ticket, at("Tue 2026-11-03 02:30"), seconds, policy)
    assert ["Tue 2026-11-03 05:30"] == [local(mark.at) for mark in behind.marks], "the other's second has come"


def test_the_order_in_which_the_rulebook_lists_the_rungs_makes_no_difference(policy: Policy) -> None:
    reminders = policy.rulebook.reminders
    turned = reminders.model_copy(update={"ladder": reminders.ladder[::-1]})
    other = replace(policy, rulebook=policy.rulebook.model_copy(update={"reminders": turned}))
    assert play(policy, HELP).clock("handle").marks == play(other, HELP).clock("handle").marks


def test_a_clock_without_a_ladder_has_no_rungs(policy: Policy) -> None:
    assert play(policy, HELP).clock("sign").marks == ()


def test_the_summary_of_a_closed_ticket_tells_its_life(policy: Policy) -> None:
    story = play(
        policy, HELP, elapses("sign"), urges("Mon 2026-11-02 11:10"), replies("Mon 2026-11-02 11:30"),
        passes("Mon 2026-11-02 11:40"), rates("Mon 2026-11-02 15:00"), closes("Mon 2026-11-02 15:00"),
    )  # fmt: skip
    closed = story.one("ticket.closed")
    assert [local(instant) for instant in (closed.opened_at, closed.dispatched_at, closed.replied_at)] == [
        "Mon 2026-11-02 09:00", "Mon 2026-11-02 09:00", "Mon 2026-11-02 11:30",
    ]  # fmt: skip
    assert (closed.unit, closed.urges, closed.returns, closed.extensions) == (SANITATION, 1, 0, 0)
    assert (closed.rating, closed.deemed, closed.breaches) == ("satisfied", False, ("sign",))
    assert local(closed.case_due_at) == "Thu 2026-11-05 18:00"
    assert [leg.end for leg in closed.cycles] == ["replied"]


def test_an_alarm_heard_in_review_finds_a_reply_of_the_last_instant_in_time(policy: Policy) -> None:
    told = (HELP, signs("Mon 2026-11-02 09:30"), replies("Thu 2026-11-05 18:00"))
    assert [] == names(play(policy, *told, elapses("handle")).last)
    late = (HELP, signs("Mon 2026-11-02 09:30"), replies("Thu 2026-11-05 18:00:01"))
    assert ["clock.breached"] == names(play(policy, *late, elapses("handle")).last)
