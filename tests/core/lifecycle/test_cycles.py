"""Legs of a ticket: each unit answers for the time in which it had it, and for no other (Art. 7, 8, 9)."""

from typing import Any

import pytest

from schemas.commands import Command
from schemas.facts import Fact
from schemas.values import Cycle
from services.core.policy import Policy
from tests.builders import (
    SANITATION,
    URBAN,
    Alarm,
    Story,
    asks_for_time,
    assigns,
    closes,
    elapses,
    explains,
    grants,
    judges,
    local,
    opens,
    passes,
    play,
    rates,
    refuses_return,
    reopens,
    replies,
    returns,
    signs,
    upholds,
    withdraws,
)

SIGNED = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))
MOVED = (*SIGNED, returns("Wed 2026-09-23 10:00", to=URBAN), upholds("Wed 2026-09-23 11:00"))
REDONE = (
    *SIGNED,
    replies("Wed 2026-09-23 10:00"),
    passes("Wed 2026-09-23 10:05"),
    rates("Wed 2026-09-23 11:00", "dissatisfied"),
    judges("Wed 2026-09-23 11:30", justified=True),
)
HOUR = 3600


def row(leg: Cycle) -> tuple[int, str, str, str, str | None, str | None, bool, float | None]:
    """A leg as a row: number, unit, purpose, from, to, how it ended, late, working hours."""
    stop = local(leg.stopped_at) if leg.stopped_at else None
    hours = None if leg.elapsed_seconds is None else leg.elapsed_seconds / HOUR
    return leg.number, leg.unit[2:], leg.purpose, local(leg.started_at), stop, leg.end, leg.breached, hours


def legs(story: Story) -> list[object]:
    return [row(leg) for leg in story.ticket.cycles]


FIRST = (1, "SANITATION", "handle", "Wed 2026-09-23 09:00")


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (SIGNED, [(*FIRST, None, None, False, None)]),
        # to the reply, not to its review
        (
            (*SIGNED, replies("Wed 2026-09-23 15:00"), passes("Wed 2026-09-23 17:00")),
            [(*FIRST, "Wed 2026-09-23 15:00", "replied", False, 3.5)],
        ),
        # one second late
        (
            (*SIGNED, replies("Tue 2026-09-29 18:00:01"), passes("Tue 2026-09-29 18:00:01")),
            [(*FIRST, "Tue 2026-09-29 18:00:01", "replied", True, 6.5 + 3 * 7)],
        ),
        # to the return, not to the ruling: the time of an upheld dispute is charged to nobody
        (
            MOVED,
            [
                (*FIRST, "Wed 2026-09-23 10:00", "returned", False, 1.0),
                (2, "URBAN", "handle", "Wed 2026-09-23 11:00", None, None, False, None),
            ],
        ),
        # the time of a refused dispute is the unit's own
        (
            (
                *SIGNED,
                returns("Wed 2026-09-23 10:00"),
                refuses_return("Wed 2026-09-23 11:00"),
                replies("Wed 2026-09-23 12:00"),
                passes("Wed 2026-09-23 12:00"),
            ),
            [(*FIRST, "Wed 2026-09-23 12:00", "replied", False, 3.0)],
        ),
        # a redo is a leg of its own
        (
            REDONE,
            [
                (*FIRST, "Wed 2026-09-23 10:00", "replied", False, 1.0),
                (2, "SANITATION", "redo", "Wed 2026-09-23 11:30", None, None, False, None),
            ],
        ),
        # withdrawn while it was worked on, and while the reply lay in review
        (
            (*SIGNED, withdraws("Wed 2026-09-23 11:00")),
            [(*FIRST, "Wed 2026-09-23 11:00", "withdrawn", False, 2.0)],
        ),
        (
            (*SIGNED, replies("Wed 2026-09-23 10:00"), withdraws("Wed 2026-09-23 11:00")),
            [(*FIRST, "Wed 2026-09-23 10:00", "withdrawn", False, 1.0)],
        ),
    ],
)
def test_a_leg_runs_from_dispatch_to_reply_or_to_return(
    policy: Policy, life: tuple[Command | Alarm, ...], expected: list[object]
) -> None:
    assert expected == legs(play(policy, *life))


def test_a_breach_stays_with_the_leg_and_the_unit_that_had_it(policy: Policy) -> None:
    late = (opens("Wed 2026-09-23 09:00"), elapses("sign"), returns("Wed 2026-09-23 15:00", to=URBAN))
    story = play(policy, *late, upholds("Wed 2026-09-23 16:00"), elapses("handle"))
    told = [(f.clock, f.clock_cycle, f.charged_to, f.unit) for f in breaches(story.facts)]
    assert [("sign", 1, SANITATION, SANITATION), ("handle", 2, URBAN, URBAN)] == told


def test_nobody_answers_for_the_clocks_of_office_and_citizen(policy: Policy) -> None:
    story = play(policy, *SIGNED, elapses("case"), returns("Wed 2026-09-23 10:00"), elapses("adjudicate"))
    assert [("case", None), ("adjudicate", None)] == [(f.clock, f.charged_to) for f in breaches(story.facts)]


def test_an_extension_moves_the_due_instant_of_the_leg(policy: Policy) -> None:
    story = play(policy, *SIGNED, asks_for_time("Wed 2026-09-23 10:00"), grants("Wed 2026-09-23 11:00"))
    assert "Thu 2026-10-08 18:00" == local(story.ticket.cycles[0].due_at)
    assert story.ticket.cycles == story.last[0].cycles


CLOSED = (
    *REDONE[:-1],
    judges("Wed 2026-09-23 11:30", justified=False),
    explains("Wed 2026-09-23 12:00"),
    closes("Wed 2026-09-23 12:00", "explained"),
)


def test_the_closing_fact_tells_every_leg_and_a_matter_that_comes_back_begins_with_none(policy: Policy) -> None:
    closed = play(policy, *CLOSED)
    assert [1] == [leg.number for leg in closed.last[0].cycles]
    back = play(policy, *CLOSED, reopens("Thu 2026-09-24 09:00"))
    assert [2] == [leg.number for leg in back.ticket.cycles], "the numbers count on"


def test_a_matter_that_comes_back_has_no_unit_until_it_is_dispatched(policy: Policy) -> None:
    desk = (
        opens("Wed 2026-09-23 09:00", category="other"),
        assigns("Wed 2026-09-23 09:10"),
        replies("Wed 2026-09-23 10:00", "U-TRAFFIC"),
        passes("Wed 2026-09-23 10:00"),
        rates("Wed 2026-09-23 11:00"),
        closes("Wed 2026-09-23 11:00"),
    )
    story = play(policy, *desk, reopens("Thu 2026-09-24 09:00"))
    assert ["ticket.reopened", "ticket.queued"] == [f.type.removesuffix(".v1") for f in story.last]
    assert [(None, None)] * 2 == [(f.unit, f.unit_group) for f in story.last]
    assert (
        "not-the-responsible-unit"
        == play(policy, *desk, reopens("Thu 2026-09-24 09:00"), signs("Thu 2026-09-24 09:05", "U-TRAFFIC")).refusal
    )


def breaches(facts: tuple[Fact, ...]) -> list[Any]:
    return [fact for fact in facts if fact.type == "clock.breached.v1"]
