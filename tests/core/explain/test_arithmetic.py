"""How each date of a record is computed anew: under which rules and calendar, in whose hours, and in what words."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from schemas.commands import (
    AnswerMerge,
    MergeTicket,
    UnmergeTicket,
)
from schemas.facts import Fact
from services.core.explain.arithmetic import explain_clock
from services.core.explain.model import Day, Text
from services.core.policy import ALWAYS, Policies, Policy
from services.core.ticket import Ticket
from services.core.ticket_fold import apply
from tests.builders import (
    SANITATION,
    URBAN,
    asks_for_time,
    at,
    fails,
    grants,
    local,
    opens,
    play,
    replies,
    returns,
    said,
    signs,
    upholds,
)
from tests.core.explain.records import (
    BY_LAW,
    BY_OVERRIDE,
    CLOSES,
    KNOWN,
    MONDAY,
    OVERRIDE_BY_DAYS,
    SPRING,
    by_law,
    by_tier,
    hours,
    last,
    ruled,
    suspending,
    suspends,
    told,
    words,
)

# ---------------------------------------------------------------- under an order, a law, the superior platform

LIMIT = "3 working days from Mon 2026-11-02 09:00 lead to Thu 2026-11-05 18:00."
BOUNDS: list[tuple[str, Callable[[Policy], Policy], dict[str, Any], str, list[str]]] = [
    (
        "a law for this kind and category", by_law, {}, "Wed 2026-11-04 18:00",
        [BY_LAW, MONDAY, "2 working days from Mon 2026-11-02 09:00 lead to Wed 2026-11-04 18:00.", CLOSES],
    ),
    (
        "the law of another category", by_law, {"category": "electronic-waste"}, "Thu 2026-11-05 18:00",
        [MONDAY, LIMIT, CLOSES],
    ),
    (
        "an order in days over the law", by_law, {"limit_override": OVERRIDE_BY_DAYS}, "Mon 2026-11-09 18:00",
        [BY_OVERRIDE, MONDAY, "5 working days from Mon 2026-11-02 09:00 lead to Mon 2026-11-09 18:00.", CLOSES],
    ),
    (
        "an order of an instant over the law", by_law,
        {"limit_override": {"due_at": at("Tue 2026-11-03 12:00"), "legal_basis": "县长批示"}}, "Tue 2026-11-03 12:00",
        ["Set to Tue 2026-11-03 12:00 by 县长批示."],
    ),
    (
        "2 working hours before the superior platform's date", lambda p: p,
        {"upstream_due_at": at("Thu 2026-11-05 17:00")}, "Thu 2026-11-05 15:00",
        [
            MONDAY, LIMIT, CLOSES,
            "The superior platform wants it by Thu 2026-11-05 17:00; 2 working hours before: Thu 2026-11-05 15:00, "
            "which is earlier.",
        ],
    ),
    (
        "2 working hours before it, just when the limit ends: nothing is earlier", lambda p: p,
        {
            "upstream_due_at": at("Thu 2026-11-05 18:00"),
            "limit_override": {"due_at": at("Thu 2026-11-05 16:00"), "legal_basis": "县长批示"},
        },
        "Thu 2026-11-05 16:00", ["Set to Thu 2026-11-05 16:00 by 县长批示."],
    ),
    (
        "the superior platform wants it in 2 hours: nothing is left to hand it back", lambda p: p,
        {"upstream_due_at": at("Mon 2026-11-02 11:00")}, "Mon 2026-11-02 11:00",
        [
            MONDAY, LIMIT, CLOSES,
            "The superior platform wants it by Mon 2026-11-02 11:00, which is earlier; too little time is left to be "
            "done before that.",
        ],
    ),
    (
        "the superior platform's date had passed when the limit began", lambda p: p,
        {"upstream_due_at": at("Mon 2026-11-02 09:00")}, "Thu 2026-11-05 18:00", [MONDAY, LIMIT, CLOSES],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "matter", "due", "steps"), [row[1:] for row in BOUNDS], ids=[r[0] for r in BOUNDS])
def test_what_stands_over_the_table_is_named_and_what_decides_nothing_is_not(
    policy: Policy, rules: Callable[[Policy], Policy], matter: dict[str, Any], due: str, steps: list[str]
) -> None:
    policies = Policies.always(rules(policy))
    found = told(policies, play(policies, opens("Mon 2026-11-02 09:00", **matter)))
    for kind in ("handle", "case"):
        assert (due, steps) == (local(last(found, kind).due_at), words(last(found, kind))), kind


@pytest.mark.parametrize(
    ("upheld", "due", "steps"),
    [
        ("Mon 2026-11-02 11:59:59", "Mon 2026-11-02 12:00", ["Set to Mon 2026-11-02 12:00 by 县长批示."]),
        (
            "Mon 2026-11-02 12:00", "Thu 2026-11-05 18:00",
            [
                "Starts Mon 2026-11-02 12:00; that day does not count (Civil Code 201).",
                "3 working days from Mon 2026-11-02 12:00 lead to Thu 2026-11-05 18:00.", CLOSES,
            ],
        ),
    ],
)  # fmt: skip
def test_an_ordered_instant_binds_another_unit_only_if_it_is_still_to_come(
    policy: Policy, upheld: str, due: str, steps: list[str]
) -> None:
    policies = Policies.always(policy)
    ordered = {"due_at": at("Mon 2026-11-02 12:00"), "legal_basis": "县长批示"}
    lived = (
        opens("Mon 2026-11-02 09:00", limit_override=ordered), signs("Mon 2026-11-02 09:30"),
        returns("Mon 2026-11-02 10:00"), upholds(upheld, to=URBAN),
    )  # fmt: skip
    clock = last(told(policies, play(policies, *lived)), "handle", 2)
    assert (due, steps) == (local(clock.due_at), words(clock))


def test_an_extension_is_that_of_the_category_s_urgency_tier(policy: Policy) -> None:
    """6 working days in all: 3, 4, 5, 6, 9 and 10 November."""
    policies = Policies.always(by_tier(policy))
    more = (asks_for_time("Mon 2026-11-02 11:00"), grants("Mon 2026-11-02 15:00"))
    clock = last(told(policies, play(policies, opens("Mon 2026-11-02 09:00"), *more)), "handle")
    assert [MONDAY, "6 working days from Mon 2026-11-02 09:00 lead to Tue 2026-11-10 18:00.", CLOSES] == words(clock)


# ---------------------------------------------------------------- standing still, going on


def test_a_pause_that_costs_no_office_time_is_told_all_the_same(policy: Policy) -> None:
    policies = Policies.always(suspending(policy))
    lived = (
        opens("Mon 2026-11-02 09:00"), signs("Mon 2026-11-02 09:30"),
        *suspends("Mon 2026-11-02 10:00", "Mon 2026-11-02 18:00", "Tue 2026-11-03 08:30"),
    )  # fmt: skip
    assert [
        "Stood still from Mon 2026-11-02 18:00 to Tue 2026-11-03 08:30: 0:00 h of the time that it counts.",
        "So Thu 2026-11-05 18:00 moves to Thu 2026-11-05 18:00.",
    ] == words(last(told(policies, play(policies, *lived)), "handle"))


@pytest.mark.parametrize(
    ("upstream", "resumed", "steps"),
    [
        (
            "Fri 2026-11-06 18:00", "Tue 2026-11-03 11:00",
            [
                "Stood still from Mon 2026-11-02 11:00 to Tue 2026-11-03 11:00: 7:00 h of the time that it counts.",
                "Mon 2026-11-02: 11:00-12:00, 14:30-18:00 = 4:30 h of office time.",
                "Tue 2026-11-03: 08:30-11:00 = 2:30 h of office time.",
                "So Thu 2026-11-05 18:00 moves to Fri 2026-11-06 18:00.",
                "Due Fri 2026-11-06 16:00.",
            ],
        ),
        (
            "Fri 2026-11-06 15:00", "Mon 2026-11-02 15:30",  # just as far as the superior platform lets it move
            [
                "Stood still from Mon 2026-11-02 11:00 to Mon 2026-11-02 15:30: 2:00 h of the time that it counts.",
                "Mon 2026-11-02: 11:00-12:00, 14:30-15:30 = 2:00 h of office time.",
                "So Thu 2026-11-05 18:00 moves to Fri 2026-11-06 10:30.",
            ],
        ),
    ],
)  # fmt: skip
def test_after_a_pause_the_hand_back_is_that_of_the_rules_under_which_the_clock_began(
    policy: Policy, upstream: str, resumed: str, steps: list[str]
) -> None:
    """2 working hours before the superior platform's date; rules of the first afternoon would want 6."""
    began = suspending(policy)
    newer = ruled(began, upstream_buffer=hours(6))
    policies = Policies(((ALWAYS, began), (at("Mon 2026-11-02 15:00"), newer)))
    lived = (
        opens("Mon 2026-11-02 09:00", upstream_due_at=at(upstream)), signs("Mon 2026-11-02 09:30"),
        *suspends("Mon 2026-11-02 10:00", "Mon 2026-11-02 11:00", resumed),
    )  # fmt: skip
    assert steps == words(last(told(policies, play(policies, *lived)), "handle"))


def test_a_clock_that_goes_on_is_shown_in_the_calendar_that_decided_it(policy: Policy) -> None:
    """The reply goes back on Monday 3 February; sla-timer has not said yet that another calendar is known."""
    policies = Policies.always(policy)
    lived = (
        opens(SPRING),
        signs("Thu 2020-01-23 10:30"),
        replies("Thu 2020-01-23 11:00"),
        fails("Mon 2020-02-03 09:00"),
    )
    clock = last(told(policies, play(policies, *lived)), "handle")
    assert (["Goes on as before: due Mon 2020-02-03 18:00."], True) == (words(clock), clock.agrees)
    assert clock.calendar == policies.at(at(SPRING)).calendar.version != policies.at(at(KNOWN)).calendar.version
    first, *off, friday, saturday, sunday, monday = clock.days
    assert (date(2020, 1, 23), False, None) == (first.day, first.counted, first.number)
    assert [date(2020, 1, day) for day in range(24, 31)] == [day.day for day in off]
    assert {(False, None, 0, "国办发明电〔2019〕16号", "cn")} == {
        (day.counted, day.number, day.working_seconds, day.notice, day.layer) for day in off
    }
    assert [1, 3] == [friday.number, monday.number]
    assert Day(
        day=date(2020, 2, 1), counted=True, number=2, working_seconds=7 * 3600,
        reason=Text(en="Adjusted working day", zh="调休上班"), kind="adjusted_workday", notice="国办发明电〔2019〕16号",
        layer="cn", hours=("08:30-12:00", "14:30-18:00"),
    ) == saturday  # fmt: skip
    assert Day(
        day=date(2020, 2, 2), counted=False, number=None, working_seconds=0, reason=Text(en="Weekend", zh="周末"),
        kind="weekend", notice=None, layer=None, hours=(),
    ) == sunday  # fmt: skip


def test_taken_out_of_another_ticket_the_citizen_s_clock_goes_on_as_it_stood(policies: Policies) -> None:
    asks = (opens("Mon 2026-11-02 09:00"), said(MergeTicket, "office", "Mon 2026-11-02 10:00", parent="T-2"))
    asked = play(policies, *asks)
    story = play(
        policies, *asks,
        said(AnswerMerge, "service:router", "Mon 2026-11-02 10:01", parent="T-2", merging=asked.ticket.merging),
        said(UnmergeTicket, "office", "Tue 2026-11-03 09:00", reason="another-place"),
    )  # fmt: skip
    assert ["It goes on as it stood before the merging, due Thu 2026-11-05 18:00."] == words(
        last(told(policies, story), "case")
    )


# ---------------------------------------------------------------- one clock by itself


@pytest.fixture
def dispatched(policies: Policies) -> tuple[Fact, Ticket]:
    """A dispatching with its sign, handle and case clocks, and the ticket before it."""
    opened, fact = play(policies, opens("Mon 2026-11-02 09:00")).facts
    return fact, apply(None, opened)


@pytest.mark.parametrize(
    ("changes", "agrees"),
    [
        ({}, True),
        ({"due_at": at("Thu 2026-11-05 18:00:01")}, False),
        ({"calendar": "weixi@2020-01-01:000000000000"}, False),
        ({"due_at": at("Thu 2026-11-05 18:00:01"), "calendar": "weixi@2020-01-01:000000000000"}, False),
    ],
)
def test_a_clock_agrees_if_both_its_date_and_its_calendar_do(
    policies: Policies, dispatched: tuple[Fact, Ticket], changes: dict[str, Any], *, agrees: bool
) -> None:
    fact, before = dispatched
    found = explain_clock(fact.started[1].model_copy(update=changes), fact, before, policies)
    assert agrees == found.agrees
    assert found.revision is None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_hours_that_are_nobody_s_own_are_the_jurisdiction_s(
    policies: Policies, dispatched: tuple[Fact, Ticket], number: int
) -> None:
    fact, before = dispatched
    found = explain_clock(fact.started[number], fact, before, policies).office_hours
    assert (None, "the jurisdiction", "本级") == (found.unit, found.en, found.zh)


def test_of_a_calendar_that_no_file_holds_the_hours_are_the_unit_s_for_its_clock_and_the_jurisdiction_s_for_others(
    policies: Policies, dispatched: tuple[Fact, Ticket]
) -> None:
    fact, before = dispatched
    gone = [clock.model_copy(update={"calendar": "weixi@2020-01-01:000000000000"}) for clock in fact.started]
    assert [SANITATION, SANITATION, None] == [
        explain_clock(clock, fact, before, policies).office_hours.unit for clock in gone
    ]


def test_without_a_history_of_its_calendar_a_policy_knows_only_the_jurisdiction_s_hours(policy: Policy) -> None:
    policies = Policies.always(replace(policy, history=None))
    found = told(policies, play(policies, opens("Mon 2026-11-02 09:00")))
    assert [None, None, None] == [last(found, kind).office_hours.unit for kind in ("sign", "handle", "case")]
