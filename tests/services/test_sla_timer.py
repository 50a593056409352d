"""sla-timer: facts in, alarms out; each mark once, in order, one command per pulse."""

from datetime import datetime
from typing import Any

import pytest

from schemas.commands import SignalClocks
from schemas.facts import ClockPulsed, Fact
from services.core.policy import Policies, Policy
from services.core.service import Fold, Rejected
from services.sla_timer.service import service
from services.sla_timer.state import TimerState
from tests.builders import (
    TICKET,
    asks_for_time,
    at,
    elapses,
    fails,
    grants,
    local,
    opens,
    passes,
    position,
    rates,
    replies,
    signs,
    told,
    withdraws,
)

SIGNED = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))


@pytest.fixture
def timer(policies: Policies) -> Fold[TimerState]:
    return service(policies).folds[0]


def after(timer: Fold[TimerState], facts: tuple[Fact, ...], state: TimerState | None = None) -> TimerState:
    for fact in facts:
        state = timer.handle(state, fact, position()).state
    assert state is not None
    return state


def pulse(timer: Fold[TimerState], state: TimerState, when: str) -> tuple[TimerState, list[SignalClocks]]:
    assert timer.wake is not None
    step = timer.wake(TICKET, state, at(when))
    assert step.state is not None
    assert {"ticket-commands"} >= {output.topic for output in step.outputs}
    return step.state, [output.event for output in step.outputs]  # type: ignore[misc]


def rung(commands: list[SignalClocks]) -> list[tuple[str, str, str]]:
    return [(s.clock.value, s.rung.value if s.rung else "due", local(s.at)) for c in commands for s in c.signals]


def wakes(timer: Fold[TimerState], state: TimerState) -> str | None:
    due: datetime | None = timer.wake_at(state)
    return local(due) if due else None


LADDER = [
    ("return", "due", "Thu 2026-09-24 09:30"),
    ("handle", "half", "Mon 2026-09-28 08:45"),  # 13 h 45 of 27 h 30 working time
    ("handle", "four_fifths", "Tue 2026-09-29 10:00"),
    ("handle", "near_due", "Tue 2026-09-29 16:00"),
    ("case", "due", "Tue 2026-09-29 18:00"),
    ("handle", "due", "Tue 2026-09-29 18:00"),
    ("handle", "overdue_daily", "Wed 2026-09-30 08:30"),
    ("handle", "overdue_daily", "Thu 2026-10-08 08:30"),  # not on the holidays between
    ("handle", "overdue_daily", "Fri 2026-10-09 08:30"),
    ("handle", "overdue_daily", "Sat 2026-10-10 08:30"),  # a Saturday that is worked
]


def test_each_mark_rings_once_at_its_own_pulse(policy: Policy, timer: Fold[TimerState]) -> None:
    state, heard = after(timer, told(policy, *SIGNED)), []
    while (when := wakes(timer, state)) is not None and at(when) <= at("Sat 2026-10-10 09:00"):
        state, commands = pulse(timer, state, when)
        assert 1 == len(commands), "all alarms of one pulse in one command"
        assert when == local(commands[0].time)
        heard += rung(commands)
    assert LADDER == heard


def test_after_a_silence_all_marks_ring_in_the_order_of_their_instants_in_one_command(
    policy: Policy, timer: Fold[TimerState]
) -> None:
    state, commands = pulse(timer, after(timer, told(policy, *SIGNED)), "Sat 2026-10-10 09:00")
    assert (1, LADDER) == (len(commands), rung(commands))
    assert "Mon 2026-10-12 08:30" == wakes(timer, state), "the next daily notice"
    assert [] == pulse(timer, state, "Sat 2026-10-10 09:00")[1], "the same pulse again rings nothing"


def test_nothing_rings_one_second_early(policy: Policy, timer: Fold[TimerState]) -> None:
    state = after(timer, told(policy, opens("Wed 2026-09-23 09:00")))
    assert [] == pulse(timer, state, "Wed 2026-09-23 10:59:59")[1]
    assert [("sign", "due", "Wed 2026-09-23 11:00")] == rung(pulse(timer, state, "Wed 2026-09-23 11:00")[1])


def test_the_same_alarm_has_the_same_id(policy: Policy, timer: Fold[TimerState]) -> None:
    state = after(timer, told(policy, *SIGNED))
    once, again = (pulse(timer, state, "Tue 2026-09-29 18:00")[1] for _ in range(2))
    assert once == again
    assert once[0].id != pulse(timer, state, "Tue 2026-09-29 17:59")[1][0].id


def test_a_stopped_clock_is_silent(policy: Policy, timer: Fold[TimerState]) -> None:
    gone = after(timer, told(policy, *SIGNED, withdraws("Wed 2026-09-23 10:00")))
    assert (None, ()) == (timer.wake_at(gone), timer.clocks(gone))
    assert timer.queue(gone) is None
    rating = after(timer, told(policy, *SIGNED, replies("Wed 2026-09-23 10:00"), passes("Wed 2026-09-23 10:00")))
    assert ["rating"] == [clock.kind for clock in timer.clocks(rating)]
    closing = (*SIGNED, replies("Wed 2026-09-23 10:00"), passes("Wed 2026-09-23 10:00"), rates("Wed 2026-09-23 11:00"))
    assert () == timer.clocks(after(timer, told(policy, *closing)))


def test_an_extended_clock_rings_at_its_new_instants_even_after_it_had_run_out(
    policy: Policy, timer: Fold[TimerState]
) -> None:
    asked = (*SIGNED, asks_for_time("Tue 2026-09-29 17:00"))
    overdue = (*asked, elapses("case"), elapses("handle"))
    before = told(policy, *asked)
    state, _ = pulse(timer, after(timer, before), "Tue 2026-09-29 18:00")
    state = after(timer, told(policy, *overdue, grants("Wed 2026-09-30 08:00"))[len(before) :], state)
    _, commands = pulse(timer, state, "Thu 2026-10-08 18:00")
    assert [("case", "due", "Thu 2026-10-08 18:00"), ("handle", "due", "Thu 2026-10-08 18:00")] == rung(commands)[-2:]


def test_a_rejected_reply_lets_an_alarm_ring_that_review_had_swallowed(policy: Policy, timer: Fold[TimerState]) -> None:
    in_review = (*SIGNED, replies("Tue 2026-09-29 17:00"))
    before = told(policy, *in_review)
    state, swallowed = pulse(timer, after(timer, before), "Tue 2026-09-29 18:00")
    assert ("handle", "due", "Tue 2026-09-29 18:00") in rung(swallowed)
    state = after(timer, told(policy, *in_review, fails("Tue 2026-09-29 17:00"))[len(before) :], state)
    due = [("case", "due", "Tue 2026-09-29 18:00"), ("handle", "due", "Tue 2026-09-29 18:00")]
    assert due == rung(pulse(timer, state, "Tue 2026-09-29 18:00")[1])


def test_a_fact_heard_twice_changes_nothing(policy: Policy, timer: Fold[TimerState]) -> None:
    facts = told(policy, *SIGNED)
    state = after(timer, facts)
    for fact in facts:
        step = timer.handle(state, fact, position(99))
        assert (state, (), True) == (step.state, step.outputs, step.duplicate)


def test_a_gap_in_the_sequence_is_rejected(policy: Policy, timer: Fold[TimerState]) -> None:
    facts = told(policy, *SIGNED)
    with pytest.raises(Rejected, match="expected sequence 2, got 3") as caught:
        after(timer, (facts[0], facts[2]))
    assert "sequence-gap" == caught.value.code
    with pytest.raises(Rejected, match="expected sequence 1, got 2"):
        after(timer, facts[1:])


def test_what_is_no_fact_of_a_ticket_is_rejected(timer: Fold[TimerState]) -> None:
    alien: Any = ClockPulsed(id="p", source="/x", time=at("Wed 2026-09-23 09:00"))
    with pytest.raises(Rejected, match=r"clock\.pulsed\.v1 is no fact") as caught:
        timer.handle(None, alien, position())
    assert "unexpected-type" == caught.value.code


def test_the_queue_age_is_that_of_the_stage(policy: Policy, timer: Fold[TimerState]) -> None:
    entry = timer.queue(after(timer, told(policy, *SIGNED, asks_for_time("Wed 2026-09-23 10:00"))))
    assert entry is not None
    assert ("in_progress", "help", "urban", "Wed 2026-09-23 09:30") == (
        entry.stage, entry.kind, entry.unit_group, local(entry.since),
    )  # fmt: skip
