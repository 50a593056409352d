"""Several appeals of one ticket, each decided by itself; and which unit a flag is about (Art. 15, 16)."""

import pytest

from schemas.commands import Command, DecideAccountability, DecideAppeal, RequestAppeal
from services.core.policy import Policy
from tests.builders import (
    SANITATION,
    TRAFFIC,
    Story,
    elapses,
    judges,
    local,
    names,
    opens,
    passes,
    play,
    rates,
    replies,
    said,
    signs,
)

TWICE = (
    opens("Mon 2026-11-02 09:00"),
    signs("Mon 2026-11-02 09:30"),
    replies("Mon 2026-11-02 10:00"),
    passes("Mon 2026-11-02 10:00"),
    rates("Mon 2026-11-02 10:30", "dissatisfied"),
    judges("Mon 2026-11-02 11:00", justified=True),
    signs("Mon 2026-11-02 11:10"),
    replies("Mon 2026-11-02 11:20"),
    passes("Mon 2026-11-02 11:20", cycle=2),
)
"""The unit handled it in two legs."""


def appeals(leg: int, when: str) -> Command:
    return said(  # type: ignore[no-any-return]
        RequestAppeal, f"unit:{SANITATION}", when, leg=leg, indicators=("signed_on_time",), reason="upstream_outage",
        basis="停机公告",
    )  # fmt: skip


def decides(leg: int, when: str) -> Command:
    return said(DecideAppeal, "office", when, leg=leg, upheld=False, basis="查无停机")  # type: ignore[no-any-return]


BOTH = (*TWICE, appeals(1, "Mon 2026-11-02 15:00"), appeals(2, "Tue 2026-11-03 10:00"))
"""The office has five working days for each."""
DUE = {1: "Mon 2026-11-09 18:00", 2: "Tue 2026-11-10 18:00"}


def open_appeals(story: Story) -> dict[int, str]:
    return {clock.cycle: local(clock.due_at) for clock in story.ticket.clocks if clock.kind == "appeal"}


def test_two_legs_are_appealed_at_once_and_each_has_a_clock_of_its_own(policy: Policy) -> None:
    assert open_appeals(play(policy, *BOTH)) == DUE


@pytest.mark.parametrize(("decided", "other"), [(1, 2), (2, 1)])
def test_of_two_appeals_one_decided_leaves_the_other_and_its_clock(policy: Policy, decided: int, other: int) -> None:
    story = play(policy, *BOTH, decides(decided, "Wed 2026-11-04 10:00"))
    assert [(decided, "met")] == [(clock.cycle, clock.outcome) for clock in story.last[0].stopped]
    assert {other: DUE[other]} == open_appeals(story)
    assert {decided: True, other: False} == {appeal.leg: appeal.decided for appeal in story.ticket.appeals}


def test_a_decision_says_nothing_of_the_other_appeal_though_that_is_late(policy: Policy) -> None:
    second = (*BOTH, decides(2, "Tue 2026-11-10 09:00"))
    assert ["appeal.decided"] == names(play(policy, *second).last)
    assert [("appeal", DUE[1])] == play(policy, *second, elapses("appeal", cycle=1)).missed
    first = play(policy, *second, decides(1, "Tue 2026-11-10 10:00"))
    assert ["clock.breached", "appeal.decided"] == names(first.last)
    assert [("appeal", DUE[1])] == first.missed


@pytest.mark.parametrize(("unit", "group"), [(TRAFFIC, "safety"), ("U-ABOLISHED", "none")])
def test_a_decided_flag_names_the_group_of_its_unit_and_none_of_a_unit_that_is_no_more(
    policy: Policy, unit: str, group: str
) -> None:
    decision = said(
        DecideAccountability, "office", "Mon 2026-11-02 10:00", flag="F-1", unit=unit, upheld=True, note_ref="text-3"
    )
    (decided,) = play(policy, opens("Mon 2026-11-02 09:00"), decision).last
    assert ("accountability.decided.v1", "Art. 16", "F-1", unit, group) == (
        decided.type, decided.article, decided.flag, decided.answerable, decided.answerable_group,  # type: ignore[attr-defined]
    )  # fmt: skip
