"""A deadline decided again is explained: the same limit, by the rules that gave it, in the calendar known by then."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from schemas.vocabulary import ClockKind, Kind
from services.core.explain.story import explain
from services.core.policy import ALWAYS, Policies, Policy
from services.core.rulebook_articles import ExtensionRule
from tests.builders import (
    SANITATION,
    TICKET,
    TRAFFIC,
    URBAN,
    asks_for_time,
    at,
    grants,
    local,
    opens,
    play,
    signs,
)
from tests.core.explain.records import (
    BY_LAW,
    BY_OVERRIDE,
    CLOSES,
    CLOSES_AT_FIVE,
    END,
    HALL,
    KNOWN,
    MONDAY,
    OVERRIDE_BY_DAYS,
    PROLONGED,
    SPRING,
    STARTS,
    by_law,
    by_tier,
    hearing,
    help_of,
    hours,
    joined_by,
    keeping,
    last,
    learns,
    ruled,
    suspending,
    suspends,
    told,
    words,
)

# ---------------------------------------------------------------- decided again

SPRINGS: list[tuple[str, Callable[[Policy], Policy], dict[str, Any], str, list[str]]] = [
    (
        "3 working days of the table", lambda p: p, {}, "Wed 2020-02-05 18:00",
        [STARTS, f"3 working days from {SPRING} lead to Wed 2020-02-05 18:00.", CLOSES],
    ),
    (
        "5 working days that an order sets", lambda p: p, {"limit_override": OVERRIDE_BY_DAYS}, "Fri 2020-02-07 18:00",
        [BY_OVERRIDE, STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES],
    ),
    (
        "2 working days that a law sets", by_law, {}, "Tue 2020-02-04 18:00",
        [BY_LAW, STARTS, f"2 working days from {SPRING} lead to Tue 2020-02-04 18:00.", CLOSES],
    ),
    (
        "an order goes before the law", by_law, {"limit_override": OVERRIDE_BY_DAYS}, "Fri 2020-02-07 18:00",
        [BY_OVERRIDE, STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES],
    ),
    (
        "4 working days of the category's urgency tier", by_tier, {}, "Thu 2020-02-06 18:00",
        [STARTS, f"4 working days from {SPRING} lead to Thu 2020-02-06 18:00.", CLOSES],
    ),
]  # fmt: skip
STAYING: list[tuple[str, Callable[[Policy], Policy], dict[str, Any], str, list[str]]] = [
    (
        "an instant that an order sets", lambda p: p,
        {"limit_override": {"due_at": at("Tue 2020-02-04 12:00"), "legal_basis": "县长批示"}}, "Tue 2020-02-04 12:00",
        ["Set to Tue 2020-02-04 12:00 by 县长批示."],
    ),
    (
        "the superior platform wants it before", lambda p: p, {"upstream_due_at": at("Tue 2020-02-04 10:00")},
        "Mon 2020-02-03 17:30",
        [
            STARTS, f"3 working days from {SPRING} lead to Wed 2020-02-05 18:00.", CLOSES,
            "The superior platform wants it by Tue 2020-02-04 10:00; 2 working hours before: Mon 2020-02-03 17:30, "
            "which is earlier.",
        ],
    ),
]  # fmt: skip
"""Only the reminders of the unit's clock move; the citizen's has none."""


@pytest.mark.parametrize(
    ("kind", "rules", "matter", "due", "steps"),
    [
        pytest.param(kind, *row[1:], id=f"{kind}: {row[0]}")
        for kind, rows in (("handle", SPRINGS + STAYING), ("case", SPRINGS))
        for row in rows
    ],
)
def test_decided_again_a_limit_is_the_same_and_counts_in_the_calendar_known_now(
    policy: Policy, kind: str, rules: Callable[[Policy], Policy], matter: dict[str, Any], due: str, steps: list[str]
) -> None:
    policies = Policies.always(rules(policy))
    clock = last(told(policies, play(policies, opens(SPRING, **matter), learns(policies, KNOWN, kind))), kind)
    assert clock.revision is not None
    assert (due, steps) == (local(clock.due_at), words(clock))


@pytest.mark.parametrize(
    ("applies", "total", "due"), [(False, 5, "Fri 2020-02-07 18:00"), (True, 9, "Thu 2020-02-13 18:00")]
)
def test_decided_again_a_limit_counts_by_the_rules_of_its_start_and_an_extension_by_those_that_gave_it(
    policy: Policy, *, applies: bool, total: int, due: str
) -> None:
    """Two rulebooks come into force: at noon of the first day, and on Saturday, which claims every running clock."""
    noon = ruled(policy, **help_of(policy, 1, 9), applies_to_running=applies)
    saturday = ruled(policy, **help_of(policy, 2, 8), applies_to_running=True)
    policies = Policies(((ALWAYS, policy), (at("Thu 2020-01-23 12:00"), noon), (at("Sat 2020-01-25 00:00"), saturday)))
    more = (asks_for_time("Thu 2020-01-23 11:00"), grants("Thu 2020-01-23 15:00"))
    clock = last(told(policies, play(policies, opens(SPRING), *more, learns(policies, KNOWN))), "handle")
    assert due == local(clock.due_at)
    assert [
        STARTS, f"3 working days from {SPRING} lead to Wed 2020-02-05 18:00.", CLOSES,
        STARTS, f"{total} working days from {SPRING} lead to {due}.", CLOSES,
    ] == words(clock)  # fmt: skip


def test_decided_again_each_pause_and_the_extension_after_them_count_once_more(policy: Policy) -> None:
    """An hour, and half an hour on either side of the lunch break; 5 days in all count none of both hours."""
    policies = Policies.always(suspending(policy))
    thursday = "Thu 2020-01-23"
    lived = (
        opens(f"{thursday} 09:00"), signs(f"{thursday} 09:10"),
        *suspends(f"{thursday} 09:30", f"{thursday} 10:00", f"{thursday} 11:00"),
        *suspends(f"{thursday} 11:05", f"{thursday} 11:30", f"{thursday} 15:00"),
        asks_for_time(f"{thursday} 15:10"), grants(f"{thursday} 15:20"),
    )  # fmt: skip
    starts = f"Starts {thursday} 09:00; that day does not count (Civil Code 201)."
    before = told(policies, play(policies, *lived))
    assert [
        starts, f"5 working days from {thursday} 09:00 lead to Wed 2020-02-05 18:00.", CLOSES,
        "So Wed 2020-02-05 18:00 moves to Thu 2020-02-06 10:30.",
    ] == words(last(before, "handle"))  # fmt: skip
    assert [starts, f"5 working days from {thursday} 09:00 lead to Wed 2020-02-05 18:00.", CLOSES] == words(
        last(before, "case")
    ), "the citizen's clock never stood still"
    again = (learns(policies, KNOWN), learns(policies, KNOWN, "case"))
    found = told(policies, play(policies, *lived, *again))
    assert [
        starts, f"3 working days from {thursday} 09:00 lead to Wed 2020-02-05 18:00.", CLOSES,
        f"Stood still from {thursday} 10:00 to {thursday} 11:00: 1:00 h of the time that it counts.",
        f"{thursday}: 10:00-11:00 = 1:00 h of office time.",
        "So Wed 2020-02-05 18:00 moves to Thu 2020-02-06 09:30.",
        f"Stood still from {thursday} 11:30 to {thursday} 15:00: 1:00 h of the time that it counts.",
        f"{thursday}: 11:30-12:00, 14:30-15:00 = 1:00 h of office time.",
        "So Thu 2020-02-06 09:30 moves to Thu 2020-02-06 10:30.",
        starts, f"5 working days from {thursday} 09:00 lead to Fri 2020-02-07 18:00.", CLOSES,
        "So Fri 2020-02-07 18:00 moves to Mon 2020-02-10 10:30.",
    ] == words(last(found, "handle"))  # fmt: skip
    assert "Fri 2020-02-07 18:00" == local(last(found, "case").due_at)


@pytest.mark.parametrize(
    ("override", "due", "steps"),
    [
        (
            7, "Tue 2020-02-11 18:00",
            [
                BY_OVERRIDE, STARTS, f"7 working days from {SPRING} lead to Tue 2020-02-11 18:00.", CLOSES,
                STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES,
                "The old limit ends later and stays: Tue 2020-02-11 18:00.",
            ],
        ),
        (
            5, "Fri 2020-02-07 18:00",
            [
                BY_OVERRIDE, STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES,
                STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES,
            ],
        ),
    ],
)  # fmt: skip
def test_an_extension_never_shortens_and_says_so_only_where_it_would(
    policy: Policy, override: int, due: str, steps: list[str]
) -> None:
    policies = Policies.always(policy)
    more = (asks_for_time("Thu 2020-01-23 11:00"), grants("Thu 2020-01-23 15:00"))
    opening = opens(SPRING, limit_override=OVERRIDE_BY_DAYS | {"working_days": override})
    clock = last(told(policies, play(policies, opening, *more, learns(policies, KNOWN))), "handle")
    assert (due, steps) == (local(clock.due_at), words(clock))


def test_what_rules_of_another_day_would_have_extended_does_not_agree_where_the_rules_extend_nothing(
    policy: Policy,
) -> None:
    """The record has an extension to 5 working days; by the rulebook as it stands now nothing is ever extended."""
    lived, table = Policies.always(policy), policy.rulebook.kinds
    never = table[Kind.HELP].model_copy(update={"extension": ExtensionRule(max_count=0)})
    policies = Policies.always(ruled(policy, kinds={**table, Kind.HELP: never}))
    more = (asks_for_time("Thu 2020-01-23 11:00"), grants("Thu 2020-01-23 15:00"))
    story = play(lived, opens(SPRING), *more, learns(lived, KNOWN))
    found = explain(TICKET, story.facts, {}, policies, END)
    granted, again = (next(clock for clock in entry.started if clock.clock == "handle") for entry in found.entries[-2:])
    assert (False, []) == (granted.agrees, words(granted))
    assert [STARTS, f"3 working days from {SPRING} lead to Wed 2020-02-05 18:00.", CLOSES] == words(again)
    assert (False, "Fri 2020-02-07 18:00") == (again.agrees, local(again.due_at))


@pytest.mark.parametrize(
    ("heard", "due", "stays"),
    [
        ("Sun 2026-01-04 17:59:59", "Sun 2026-01-04 18:00", False),
        ("Sun 2026-01-04 18:00", "Mon 2026-01-05 18:00", True),
        ("Mon 2026-01-05 09:00", "Mon 2026-01-05 18:00", True),
    ],
)
def test_no_date_moves_to_where_it_has_passed_when_the_notice_is_heard_of(
    policy: Policy, heard: str, due: str, *, stays: bool
) -> None:
    """As the law has it Friday 2 January 2026 is worked and the weekend is not; by the notice it is the reverse.

    So one working day from Friday leads to Monday, then to Sunday.
    """
    policies = Policies.always(hearing(policy, "国办发明电〔2025〕7号", heard))
    friday = "Fri 2026-01-02 15:00"
    clock = last(told(policies, play(policies, opens(friday, kind="consultation"), learns(policies, heard))), "handle")
    assert clock.revision is not None
    assert ("Mon 2026-01-05 18:00", due) == (local(clock.revision.old_due_at), local(clock.due_at))
    old = "That had passed before the notice was known, so the old date stays: Mon 2026-01-05 18:00."
    assert [
        f"Starts {friday}; that day does not count (Civil Code 201).",
        f"1 working day from {friday} lead to Sun 2026-01-04 18:00.",
        CLOSES,
        *([old] if stays else []),
    ] == words(clock)


def test_a_unit_s_clock_with_its_extension_is_decided_again_in_the_unit_s_own_hours(policy: Policy) -> None:
    """From Monday 9 November on, as is known from the 4th on, the station closes at noon; the county does not."""
    noon = {
        "from": date(2026, 11, 9), "windows": ["09:00-12:00"], "known_from": at("Wed 2026-11-04 12:00"),
        "basis": "测试文号",
    }  # fmt: skip
    policies = Policies.always(keeping(policy, unit=(HALL, noon)))
    more = (asks_for_time("Mon 2026-11-02 14:00"), grants("Mon 2026-11-02 15:00"))
    story = play(policies, opens("Mon 2026-11-02 09:00"), *more, learns(policies, "Wed 2026-11-04 12:00"))
    found = told(policies, story)
    clock, case = last(found, "handle"), last(found, "case")
    assert [
        MONDAY, "3 working days from Mon 2026-11-02 09:00 lead to Thu 2026-11-05 17:00.", CLOSES_AT_FIVE,
        MONDAY, "5 working days from Mon 2026-11-02 09:00 lead to Mon 2026-11-09 12:00.",
        "On its last day it ends at the close of office, 12:00 (Civil Code 203).",
    ] == words(clock)  # fmt: skip
    assert [(SANITATION, "县环境卫生管理站"), (None, "本级")] == [
        (each.office_hours.unit, each.office_hours.zh) for each in (clock, case)
    ]
    assert [("09:00-12:00", "13:00-17:00"), ("09:00-12:00",)] == [day.hours for day in (clock.days[0], clock.days[-1])]
    assert "Mon 2026-11-09 18:00" == local(case.due_at)
    assert clock.revision is not None
    assert [(date(2026, 11, 9), "Working day", "Working day", None)] == [
        (day.day, day.before.en, day.after.en, day.notice) for day in clock.revision.days
    ]
    assert ("测试文号",) == clock.revision.notices


def test_a_return_window_decided_again_keeps_the_hour_of_the_rules_of_its_start(policy: Policy) -> None:
    """Signed on Sunday 26 January: 24 hours end on a day off. From noon on other rules claim every running clock."""
    later = policy.rulebook.return_.model_copy(update={"moves_to": at("Sun 2020-01-26 09:00").time()})
    noon = ruled(policy, return_=later, applies_to_running=True)
    policies = Policies(((ALWAYS, policy), (at("Sun 2020-01-26 12:00"), noon)))
    lived = (opens(SPRING), signs("Sun 2020-01-26 10:00"))
    day = "24 hours of wall clock from Sun 2020-01-26 10:00 lead to Mon 2020-01-27 10:00."
    before = last(told(policies, play(policies, *lived)), "return")
    assert [
        day, "Mon 2020-01-27 10:00 is a day off (Spring Festival): moved to Fri 2020-01-31 10:00.",
    ] == words(before)  # fmt: skip
    after = last(told(policies, play(policies, *lived, learns(policies, KNOWN, "return"))), "return")
    assert [
        day, "Mon 2020-01-27 10:00 is a day off (Spring Festival): moved to Mon 2020-02-03 10:00.",
    ] == words(after)  # fmt: skip


def test_a_suspension_decided_again_while_the_unit_s_clock_stands_still_is_a_limit_like_others(policy: Policy) -> None:
    policies = Policies.always(suspending(policy))
    lived = (
        opens("Thu 2020-01-23 09:00"), signs("Thu 2020-01-23 09:10"), *suspends("Thu 2020-01-23 09:30", SPRING),
    )  # fmt: skip
    clock = last(told(policies, play(policies, *lived, learns(policies, KNOWN, "suspension"))), "suspension")
    assert [STARTS, f"5 working days from {SPRING} lead to Fri 2020-02-07 18:00.", CLOSES] == words(clock)


# ---------------------------------------------------------------- which days changed


def test_of_the_days_that_changed_those_before_the_start_are_left_out_and_its_own_day_is_not(policy: Policy) -> None:
    """Heard of on Monday 3 February: Friday 31 January and Saturday 1 February were no working days after all."""
    heard = "Mon 2020-02-03 12:00"
    policies = Policies.always(hearing(policy, PROLONGED, heard))
    clock = last(told(policies, play(policies, opens("Sat 2020-02-01 10:00"), learns(policies, heard))), "handle")
    assert clock.revision is not None
    assert (PROLONGED,) == clock.revision.notices
    assert [(date(2020, 2, 1), "调休上班", "春节(延长)", PROLONGED)] == [
        (day.day, day.before.zh, day.after.zh, day.notice) for day in clock.revision.days
    ]


def test_of_the_days_that_changed_the_last_that_counts_is_that_of_the_later_due_instant(policy: Policy) -> None:
    """Every day from Monday 9 November on has other hours; it is due on that Monday in the morning."""
    late = {"from": date(2026, 11, 9), "windows": ["09:00-12:00"], "known_from": at("Fri 2026-11-06 17:30")}
    policies = Policies.always(keeping(policy, county=(late,)))
    friday = "Fri 2026-11-06 17:00"
    clock = last(
        told(policies, play(policies, opens(friday), learns(policies, "Fri 2026-11-06 17:30", "sign"))), "sign"
    )
    assert clock.revision is not None
    assert ("Mon 2026-11-09 09:30", "Mon 2026-11-09 10:00") == (
        local(clock.revision.old_due_at),
        local(clock.due_at),
    )
    assert [date(2026, 11, 9)] == [day.day for day in clock.revision.days]
    assert [
        f"2 working hours from {friday} lead to Mon 2026-11-09 10:00.",
        "Fri 2026-11-06: 17:00-18:00 = 1:00 h of office time.",
        "Mon 2026-11-09: 09:00-10:00 = 1:00 h of office time.",
    ] == words(clock)


@pytest.mark.parametrize("unknown", ["old_calendar", "new_calendar"])
def test_of_a_calendar_that_no_file_holds_any_more_no_day_is_compared(policy: Policy, unknown: str) -> None:
    policies = Policies.always(policy)
    story = play(policies, opens(SPRING), learns(policies, KNOWN))
    *before, again = story.facts
    gone = again.model_copy(update={unknown: "weixi@2020-01-01:000000000000"})
    revision = last(explain(TICKET, [*before, gone], {}, policies, END), "handle").revision
    assert revision is not None
    assert ((), (PROLONGED,)) == (revision.days, revision.notices)


# ---------------------------------------------------------------- several units


def test_parts_are_due_the_joining_time_before_the_lead_unit_s_clock_in_the_lead_unit_s_hours(policy: Policy) -> None:
    """4 working hours before Thursday 17:00 are 13:00 in the station's hours, and 10:30 in the county's.

    Named at 13:00, another unit has too little time: it is due with the lead unit. So it still is when at 13:30 the
    station is heard to close at 16:45.
    """
    sooner = {
        "from": date(2026, 11, 5), "windows": ["09:00-12:00", "13:00-16:45"],
        "known_from": at("Thu 2026-11-05 13:30"),
    }  # fmt: skip
    policies = Policies.always(keeping(policy, unit=(HALL, sooner)))
    story = play(
        policies, opens("Mon 2026-11-02 09:00"), joined_by("Mon 2026-11-02 11:00", URBAN),
        joined_by("Thu 2026-11-05 13:00", TRAFFIC), learns(policies, "Thu 2026-11-05 13:30"),
    )  # fmt: skip
    found = told(policies, story)
    assert [
        "The lead unit owes its reply by Thu 2026-11-05 17:00; parts are due 4 working hours before: "
        "Thu 2026-11-05 13:00."
    ] == words(last(found, "co_handle", 2))
    assert ["Thu 2026-11-05 17:00", "Thu 2026-11-05 16:45"] == [
        local(clock.due_at) for entry in found.entries for clock in entry.started if clock.cycle == 3
    ]
    again = last(found, "co_handle", 3)
    assert again.revision is not None
    assert ["Too little time is left before the lead unit's due instant: due with it, Thu 2026-11-05 16:45."] == words(
        again
    )


def test_a_part_decided_again_takes_the_joining_time_of_the_rules_that_claim_it(policy: Policy) -> None:
    """2 working hours instead of 4 from Wednesday on: before the noon at which the station closes on Thursday."""
    noon = {"from": date(2026, 11, 5), "windows": ["09:00-12:00"], "known_from": at("Wed 2026-11-04 12:00")}
    base = keeping(policy, unit=(HALL, noon))
    joining = base.rulebook.co_handling.model_copy(update={"joining_time": hours(2)})
    newer = ruled(base, co_handling=joining, applies_to_running=True)
    policies = Policies(((ALWAYS, base), (at("Wed 2026-11-04 00:00"), newer)))
    story = play(
        policies, opens("Mon 2026-11-02 09:00"), joined_by("Mon 2026-11-02 11:00", URBAN),
        learns(policies, "Wed 2026-11-04 12:00"),
    )  # fmt: skip
    assert [
        "The lead unit owes its reply by Thu 2026-11-05 12:00; parts are due 2 working hours before: "
        "Thu 2026-11-05 10:00."
    ] == words(last(told(policies, story), "co_handle"))


def test_a_part_of_a_record_that_has_no_lead_unit_s_clock_is_named_as_a_problem(policies: Policies) -> None:
    opened, dispatched, named = play(
        policies, opens("Mon 2026-11-02 09:00"), joined_by("Mon 2026-11-02 11:00", URBAN)
    ).facts
    without = tuple(clock for clock in dispatched.started if clock.kind is not ClockKind.HANDLE)
    wrong = [opened, dispatched.model_copy(update={"started": without}), named]
    assert ["Fact 3, clock co_handle: it is due before the lead unit's clock, and none runs."] == [
        problem.en for problem in explain(TICKET, wrong, {}, policies, END).problems
    ]
