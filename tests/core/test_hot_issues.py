"""Hot issues: counted once, in their local week, never below five, against a median that an outlier moves little."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.facts import Fact
from services.core.hot_issues import HotIssue, hot_issues, trend_of, week_name
from services.core.policy import Policy
from tests.builders import SHANGHAI, opens, told

MONDAY = date(2026, 11, 2)


def tickets(policy: Policy, when: str, number: int, prefix: str = "T") -> list[Fact]:
    """The facts of so many tickets, all opened at one instant."""
    facts = told(policy, opens(when, kind="complaint"))
    return [fact.model_copy(update={"subject": f"{prefix}-{n}"}) for n in range(number) for fact in facts]


def found(facts: list[Fact], monday: date = MONDAY) -> list[tuple[Any, ...]]:
    return [(i.dimension, i.value, i.tickets, i.usual, i.trend) for i in hot_issues(facts, SHANGHAI, monday)]


def test_five_tickets_of_a_week_are_shown_by_area_category_and_unit(policy: Policy) -> None:
    assert [
        ("area", "533423100", 5, 0.0, "new"),
        ("category", "bulky-waste", 5, 0.0, "new"),
        ("unit", "U-SANITATION", 5, 0.0, "new"),
    ] == found(tickets(policy, "Mon 2026-11-02 00:00", 5))


def test_four_are_not(policy: Policy) -> None:
    assert [] == found(tickets(policy, "Mon 2026-11-02 00:00", 4))


def test_a_week_ends_with_the_last_second_of_sunday_local_time(policy: Policy) -> None:
    assert 3 == len(found(tickets(policy, "Sun 2026-11-08 23:59:59", 5)))
    assert [] == found(tickets(policy, "Mon 2026-11-09 00:00", 5))
    assert [] == found(tickets(policy, "Sun 2026-11-01 23:59:59", 5))
    assert "2026-W45" == week_name(MONDAY)
    assert "2026-W53" == week_name(date(2026, 12, 28))


def test_copies_of_a_fact_and_their_order_change_nothing(policy: Policy) -> None:
    facts = tickets(policy, "Wed 2026-11-04 09:00", 6)
    assert found(facts) == found([*facts, *reversed(facts)])


@pytest.mark.parametrize(
    ("now", "before", "usual", "trend"),
    [
        (9, [6] * 8, 6.0, "rising"),
        (8, [6] * 8, 6.0, "steady"),
        (5, [6] * 8, 6.0, "steady"),
        (6, [9] * 8, 9.0, "falling"),
        (7, [9] * 8, 9.0, "steady"),
        (5, [0] * 8, 0.0, "new"),
        (5, [0, 0, 0, 0, 0, 9, 9, 9], 0.0, "new"),
        (9, [6, 6, 6, 6, 6, 6, 6, 400], 6.0, "rising"),
    ],
)
def test_a_week_is_compared_with_the_median_of_eight(now: int, before: list[int], usual: float, trend: str) -> None:
    assert (usual, trend) == trend_of(now, before)


@given(st.integers(5, 400), st.lists(st.integers(1, 400), min_size=8, max_size=8), st.integers(0, 10**6))
def test_one_outlier_moves_the_usual_no_further_than_to_a_neighbour(now: int, before: list[int], outlier: int) -> None:
    ordered = sorted(before)
    usual, _ = trend_of(now, [*before[:-1], outlier])
    assert ordered[2] <= usual <= ordered[5]


def test_the_weeks_before_are_the_eight_before_and_no_other(policy: Policy) -> None:
    facts: list[Fact] = tickets(policy, "Mon 2026-11-02 09:00", 9, "now")
    for back in range(1, 10):
        monday = MONDAY - timedelta(weeks=back)
        often = 6 if back <= 8 else 99
        facts += tickets(policy, f"Mon {monday} 09:00", often, f"b{back}")
    assert {HotIssue("category", "bulky-waste", "2026-W45", 9, 6.0, "rising")} == {
        issue for issue in hot_issues(facts, SHANGHAI, MONDAY) if issue.dimension == "category"
    }


@pytest.mark.parametrize(("last", "expected"), [(9, 7.0), (5, 5.0)])
def test_each_of_the_eight_weeks_has_its_say_and_neither_this_one_nor_the_ninth(
    policy: Policy, last: int, expected: float
) -> None:
    """Four weeks of five tickets and four of `last`: one week more or fewer on either side is another median."""
    facts: list[Fact] = tickets(policy, "Mon 2026-11-02 09:00", 40, "now")
    for back in range(1, 10):
        often = 5 if back <= 4 else last if back <= 8 else 40
        facts += tickets(policy, f"Mon {MONDAY - timedelta(weeks=back)} 09:00", often, f"b{back}")
    assert {expected} == {issue.usual for issue in hot_issues(facts, SHANGHAI, MONDAY)}


def test_what_rises_most_comes_first_then_what_is_most_then_by_name_and_the_rare_hides_nothing(policy: Policy) -> None:
    def asked(category: str, now: int, before: int) -> list[Fact]:
        this_week = tickets(policy, "Mon 2026-11-02 09:00", now, f"{category}-now")
        facts: list[Fact] = this_week
        for back in range(1, 9):
            facts += tickets(policy, f"Mon {MONDAY - timedelta(weeks=back)} 09:00", before, f"{category}-{back}")
        opened = [fact for fact in facts if fact.type == "ticket.opened.v1"]
        return [fact.model_copy(update={"category": category}) for fact in opened]

    facts = [
        *asked("rare", 4, 0), *asked("grown", 9, 2), *asked("b", 7, 0), *asked("a", 7, 0), *asked("big", 9, 8),
        *asked("even", 6, 5),
    ]  # fmt: skip
    assert ["grown", "a", "b", "big", "even"] == [
        issue.value for issue in hot_issues(facts, SHANGHAI, MONDAY) if issue.dimension == "category"
    ]
