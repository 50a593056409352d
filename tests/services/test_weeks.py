"""Hot issues of a unit: each ticket once, by category, said once when the week is over (Art. 5)."""

from datetime import datetime
from typing import Any

import pytest

from schemas.envelope import Event
from schemas.supervision import HotIssuePublished
from services.core.policy import Policies, Policy
from services.core.service import Fold
from services.scoring.service import service
from services.scoring.units import UnitState
from tests.builders import SANITATION, URBAN, at, opens, position, returns, signs, told, upholds
from tests.services.test_scoring import measure, measures


@pytest.fixture
def units(policies: Policies) -> Fold[UnitState]:
    return service(policies).folds[1]


def came(units: Fold[UnitState], state: UnitState | None, category: str | None, when: str, tickets: int) -> UnitState:
    """Let tickets of a category come to the unit."""
    first = 1 + max((offset for offset, _ in state.applied.values()), default=0) if state else 1
    for offset in range(first, first + tickets):
        said = measure(offset, "dispatched", category=category, time=at(when))
        state = units.handle(state, said, position(topic="unit-measures")).state
    assert state is not None
    return state


def pulse(units: Fold[UnitState], state: UnitState, when: str) -> tuple[UnitState, list[Event]]:
    """Let a pulse come; give what it says besides scores."""
    due = units.wake_at(state)
    if due is None or at(when) < due:
        return state, []
    assert units.wake is not None
    step = units.wake(SANITATION, state, at(when))
    assert step.state is not None
    return step.state, [said.event for said in step.outputs if said.topic == "hot-issues"]


def short(said: list[Event]) -> list[tuple[str, str, int, float, str]]:
    return [(i.week, i.category, i.tickets, i.usual, i.trend) for i in said if isinstance(i, HotIssuePublished)]


def test_a_ticket_names_its_category_to_each_unit_once(policies: Policies, policy: Policy) -> None:
    story = (
        opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"),
        returns("Wed 2026-09-23 10:00"), upholds("Wed 2026-09-23 11:00", URBAN), signs("Wed 2026-09-23 11:30", URBAN),
        returns("Wed 2026-09-23 14:30", URBAN), upholds("Wed 2026-09-23 15:00", SANITATION),
    )  # fmt: skip
    found = measures(service(policies).folds[0], told(policy, *story))
    assert [(SANITATION, "bulky-waste"), (URBAN, "bulky-waste"), (SANITATION, None)] == [
        (one.unit, one.category) for one in found if one.measure == "dispatched"
    ]
    assert {None} == {one.category for one in found if one.measure != "dispatched"}


def test_a_week_is_told_once_an_hour_after_its_end(units: Fold[UnitState]) -> None:
    state = came(units, None, "bulky-waste", "Mon 2026-09-21 00:00", 4)
    state = came(units, state, "bulky-waste", "Sun 2026-09-27 23:59", 1)
    for early in ("Sun 2026-09-27 23:59", "Mon 2026-09-28 00:59"):
        state, said = pulse(units, state, early)
        assert [] == said
    assert at("Mon 2026-09-28 01:00") == units.wake_at(state)
    state, said = pulse(units, state, "Mon 2026-09-28 01:00")
    assert [("2026-W39", "bulky-waste", 5, 0.0, "new")] == short(said)
    assert (SANITATION, "urban", at("Mon 2026-09-28 01:00")) == (said[0].subject, said[0].unit_group, said[0].time)  # type: ignore[attr-defined]
    assert units.wake_at(state) is None, "nothing is left to say"


def test_nothing_below_five_is_said(units: Fold[UnitState]) -> None:
    state = came(units, None, "bulky-waste", "Wed 2026-09-23 09:00", 4)
    state = came(units, state, "street-light", "Wed 2026-09-23 09:00", 4)
    assert [] == pulse(units, state, "Mon 2026-09-28 09:00")[1]


def test_what_names_no_category_is_not_counted(units: Fold[UnitState]) -> None:
    assert {} == came(units, None, None, "Wed 2026-09-23 09:00", 5).weeks.counts


def test_a_week_is_compared_with_the_median_of_eight_before_it_and_no_others(units: Fold[UnitState]) -> None:
    mondays = [
        "Mon 2026-07-20", "Mon 2026-07-27", "Mon 2026-08-03", "Mon 2026-08-10", "Mon 2026-08-17", "Mon 2026-08-24",
        "Mon 2026-08-31", "Mon 2026-09-07", "Mon 2026-09-14", "Mon 2026-09-21",
    ]  # fmt: skip
    state = None
    for monday, tickets in zip(mondays, (90, 4, 4, 4, 4, 6, 6, 6, 6, 9), strict=True):
        state = came(units, state, "bulky-waste", f"{monday} 09:00", tickets)
        state, _ = pulse(units, state, f"{monday} 09:00")
    assert state is not None
    assert [("2026-W39", "bulky-waste", 9, 5.0, "rising")] == short(pulse(units, state, "Mon 2026-09-28 09:00")[1])


@pytest.mark.parametrize(
    ("tickets", "trend"), [(5, "falling"), (6, "falling"), (7, "steady"), (13, "steady"), (14, "rising")]
)
def test_the_trend_is_that_of_one_and_a_half_times_the_usual(units: Fold[UnitState], tickets: int, trend: str) -> None:
    state = None
    for week, count in ((f"{day:02}", 9) for day in (3, 10, 17, 24, 31)):
        state = came(units, state, "graffiti", f"Mon 2026-08-{week} 09:00", count)
    state = came(units, state, "graffiti", "Mon 2026-09-21 09:00", tickets)
    said = short(pulse(units, state, "Mon 2026-09-28 09:00")[1])
    assert ("2026-W39", "graffiti", tickets, 9.0, trend) == said[-1]


def test_weeks_that_nobody_told_are_told_in_their_order(units: Fold[UnitState]) -> None:
    state = came(units, None, "bulky-waste", "Mon 2026-09-21 09:00", 5)
    state = came(units, state, "bulky-waste", "Mon 2026-09-28 00:30", 7)
    assert ["2026-W39", "2026-W40"] == [week for week, *_ in short(pulse(units, state, "Mon 2026-10-05 09:00")[1])]


def test_what_comes_late_counts_as_usual_and_its_week_is_told_once(units: Fold[UnitState]) -> None:
    state = came(units, None, "bulky-waste", "Mon 2026-09-21 09:00", 5)
    state, _ = pulse(units, state, "Mon 2026-09-28 01:00")
    state = came(units, state, "bulky-waste", "Sun 2026-09-27 10:00", 3)
    assert ({"bulky-waste": 8},) == tuple(state.weeks.counts.values())
    assert [] == pulse(units, state, "Mon 2026-09-28 02:00")[1]


def test_a_copy_of_a_measure_counts_for_nothing(units: Fold[UnitState]) -> None:
    state: Any = None
    for _ in range(2):
        for offset in range(1, 5):
            said = measure(offset, "dispatched", category="graffiti", time=at("Wed 2026-09-23 09:00"))
            state = units.handle(state, said, position(topic="unit-measures")).state
    assert [{"graffiti": 4}] == list(state.weeks.counts.values())


def test_a_unit_s_table_keeps_the_weeks_that_are_compared_and_loads_as_it_was(units: Fold[UnitState]) -> None:
    state = None
    for week in range(1, 30):
        monday = datetime.fromisocalendar(2026, week, 1).strftime("%a %Y-%m-%d 09:00")
        state = came(units, state, "bulky-waste", monday, 1)
    assert state is not None
    assert 10 == len(state.weeks.counts)
    assert state == units.load(units.dump(state))
