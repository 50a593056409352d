"""Scoring: what counts for a unit, once whatever is repeated; rates, and what a person should look at (Art. 15, 16)."""

from typing import Any

import pytest

from schemas.commands import Command
from schemas.facts import Fact
from schemas.supervision import AccountabilityFlagged, AccountabilityNoted, ScorePublished, UnitMeasured
from services.core.assessment import PeriodCounts, indicators, score_of
from services.core.policy import Policies, Policy
from services.core.service import Fold, Output, Rejected
from services.scoring.service import service
from services.scoring.units import UnitState
from tests.builders import (
    SANITATION,
    URBAN,
    Alarm,
    at,
    closes,
    elapses,
    judges,
    opens,
    passes,
    position,
    rates,
    replies,
    returns,
    signs,
    told,
    upholds,
)


@pytest.fixture
def legs(policies: Policies) -> Fold[Any]:
    return service(policies).folds[0]


@pytest.fixture
def units(policies: Policies) -> Fold[UnitState]:
    return service(policies).folds[1]


def measures(legs: Fold[Any], facts: tuple[Fact, ...], partition: int = 0) -> list[UnitMeasured]:
    """Give what the facts count for; the n-th fact stands at offset n."""
    state, found = None, []
    for offset, fact in enumerate(facts):
        step = legs.handle(state, fact, position(offset, partition=partition))
        state = step.state
        assert {"unit-measures"} >= {output.topic for output in step.outputs}
        found += [output.event for output in step.outputs]
    return found  # type: ignore[return-value]


LATE = (
    opens("Wed 2026-09-23 09:00"),
    elapses("sign"),
    elapses("handle"),
    replies("Wed 2026-09-30 09:00"),
    passes("Wed 2026-09-30 09:00"),
    rates("Thu 2026-10-08 09:00"),
    closes("Thu 2026-10-08 09:00"),
)
GOOD = (
    opens("Wed 2026-09-23 09:00"),
    signs("Wed 2026-09-23 09:30"),
    replies("Wed 2026-09-23 15:00"),
    passes("Wed 2026-09-23 15:00"),
    rates("Wed 2026-09-23 16:00"),
    closes("Wed 2026-09-23 16:00"),
)


def short(found: list[UnitMeasured]) -> list[tuple[str, bool | None, str]]:
    return [(m.measure, m.on_time, m.period) for m in found]


def test_a_good_life_counts_for_its_unit(policy: Policy, legs: Fold[Any]) -> None:
    found = measures(legs, told(policy, *GOOD))
    assert [
        ("dispatched", None, "2026-09"),
        ("signed", True, "2026-09"),
        ("replied", True, "2026-09"),
        ("closed", None, "2026-09"),
    ] == short(found)
    assert {(SANITATION, "urban")} == {(m.unit, m.unit_group) for m in found}
    assert all(m.evidence == m.causation for m in found), "each number is traceable to its fact"


def test_a_late_life_counts_in_the_months_in_which_things_happened(policy: Policy, legs: Fold[Any]) -> None:
    assert [
        ("dispatched", None, "2026-09"),
        ("breached", None, "2026-09"),
        ("signed", False, "2026-09"),
        ("breached", None, "2026-09"),
        ("overdue", None, "2026-09"),
        ("replied", False, "2026-09"),
        ("overdue", None, "2026-09"),
        ("closed", None, "2026-10"),
    ] == short(measures(legs, told(policy, *LATE))), "the citizen's case clock is no unit's"


def test_a_month_begins_at_local_midnight(policy: Policy, legs: Fold[Any]) -> None:
    night = (opens("Thu 2026-10-01 00:30", kind="complaint"),)  # still September in UTC
    assert ["2026-10"] == [m.period for m in measures(legs, told(policy, *night))]


def test_an_upheld_return_counts_for_the_unit_that_returned(policy: Policy, legs: Fold[Any]) -> None:
    story = (*GOOD[:2], returns("Wed 2026-09-23 10:00"), upholds("Wed 2026-09-23 11:00", URBAN))
    found = [(m.measure, m.unit) for m in measures(legs, told(policy, *story))]
    assert [
        ("dispatched", SANITATION),
        ("signed", SANITATION),
        ("returned", SANITATION),
        ("dispatched", URBAN),
    ] == found


def test_a_redo_counts(policy: Policy, legs: Fold[Any]) -> None:
    story = (*GOOD[:4], rates("Wed 2026-09-23 16:00", "dissatisfied"), judges("Thu 2026-09-24 09:00", justified=True))
    assert "redone" == measures(legs, told(policy, *story))[-1].measure


def test_what_concerns_no_unit_is_not_measured(policy: Policy, legs: Fold[Any]) -> None:
    desk: tuple[Command | Alarm, ...] = (opens("Wed 2026-09-23 09:00", category="other"), elapses("dispatch"))
    assert [] == measures(legs, told(policy, *desk))


def test_the_same_fact_at_another_offset_is_measured_once(policy: Policy, legs: Fold[Any]) -> None:
    state = None
    facts = told(policy, *GOOD)
    said = []
    for offset, fact in enumerate((*facts, *facts)):
        step = legs.handle(state, fact, position(offset))
        state = step.state
        said += step.outputs
    assert 4 == len(said)


def test_a_gap_in_the_sequence_is_rejected(policy: Policy, legs: Fold[Any]) -> None:
    with pytest.raises(Rejected, match="expected sequence 1, got 2"):
        legs.handle(None, told(policy, *GOOD)[1], position())


# ---------------------------------------------------------------- the fold by unit


def measure(offset: int, what: str, partition: int = 0, **data: Any) -> UnitMeasured:
    base = {
        "id": f"m-{partition}-{offset}", "source": "/test", "subject": SANITATION, "time": at("Wed 2026-09-23 09:00"),
        "unit": SANITATION, "unit_group": "urban", "period": "2026-09", "ticket": f"T-{offset}", "kind": "help",
        "measure": what, "evidence": f"f-{partition}-{offset}", "partition": partition, "offset": offset,
    }  # fmt: skip
    return UnitMeasured.model_validate(base | data)


def folded(units: Fold[UnitState], said: list[UnitMeasured]) -> tuple[UnitState, list[Output]]:
    state, outputs = None, []
    for event in said:
        step = units.handle(state, event, position(topic="unit-measures"))
        state = step.state
        outputs += step.outputs
    assert state is not None
    return published(units, state, outputs)


def published(units: Fold[UnitState], state: UnitState, outputs: list[Output]) -> tuple[UnitState, list[Output]]:
    """Let the next pulse come."""
    assert units.wake is not None
    step = units.wake(SANITATION, state, at("Thu 2026-12-31 09:00"))
    assert step.state is not None
    assert units.wake_at(step.state) is None
    return step.state, [*outputs, *step.outputs]


MONTH = [
    *[measure(n, "dispatched") for n in range(5)],
    *[measure(n, "signed", on_time=n != 12) for n in range(10, 15)],
    *[measure(n, "replied", on_time=n not in {20, 21}) for n in range(20, 25)],
    measure(30, "closed", rating="satisfied"),
    measure(31, "closed", rating="dissatisfied"),
    measure(32, "closed", rating="basically_satisfied", deemed=True),
    measure(33, "closed", rating="basically_satisfied", deemed=True),
]


def test_rates_are_percentages_with_and_without_deemed_ratings(units: Fold[UnitState]) -> None:
    _, outputs = folded(units, MONTH)
    score = outputs[-1].event
    assert isinstance(score, ScorePublished)
    assert (f"{SANITATION}|2026-09", "unit-scores") == (outputs[-1].key, outputs[-1].topic)
    assert (80.0, 60.0, 75.0, 50.0) == (
        score.signed_on_time, score.replied_on_time, score.satisfaction, score.satisfaction_rated_only,
    )  # fmt: skip
    assert (5, 4) == (score.dispatched, score.closed)
    assert round((20 * 80 + 40 * 60 + 40 * 75) / 100, 2) == score.score


def test_a_unit_with_few_tickets_is_not_ranked(policy: Policy) -> None:
    few = PeriodCounts(dispatched=4, signed=4, signed_on_time=4)
    numbers = indicators(policy, SANITATION, "urban", few, 0)
    assert score_of(policy, "urban", few, numbers) is None
    enough = few.model_copy(update={"dispatched": 5})
    assert 100.0 == score_of(policy, "urban", enough, numbers), "what did not happen weighs nothing"


def test_however_much_counts_between_two_pulses_a_period_is_published_once(units: Fold[UnitState]) -> None:
    _, outputs = folded(units, [*MONTH, measure(50, "dispatched", period="2026-10")])
    assert [("2026-09", 5, "m-0-33"), ("2026-10", 1, "m-0-50")] == [
        (o.event.period, o.event.dispatched, o.event.causation)  # type: ignore[attr-defined]
        for o in outputs
    ]


def test_nothing_is_published_before_a_pulse_is_as_late_as_the_measure(units: Fold[UnitState]) -> None:
    state = units.handle(None, MONTH[0], position()).state
    assert state is not None
    assert units.wake is not None
    assert at("Wed 2026-09-23 09:00") == units.wake_at(state)
    early = units.wake(SANITATION, state, at("Wed 2026-09-23 08:59"))
    assert (state, ()) == (early.state, early.outputs)


def test_nothing_counted_gives_no_rate(units: Fold[UnitState]) -> None:
    _, outputs = folded(units, [measure(0, "dispatched")])
    score = outputs[0].event
    assert isinstance(score, ScorePublished)
    assert (None, None, None, None) == (score.signed_on_time, score.replied_on_time, score.satisfaction, score.score)


def test_the_same_measure_twice_counts_once(units: Fold[UnitState]) -> None:
    once, _ = folded(units, MONTH)
    repeated = [event for event in MONTH for _ in range(2)]
    assert once == folded(units, repeated)[0]
    assert once == folded(units, [*MONTH, *MONTH])[0]
    state, _ = folded(units, MONTH)
    step = units.handle(state, MONTH[-1], position(99, "unit-measures"))
    assert (state, (), True) == (step.state, step.outputs, step.duplicate)


def test_each_input_partition_has_a_guard_of_its_own(units: Fold[UnitState]) -> None:
    state, _ = folded(units, [measure(7, "dispatched"), measure(3, "dispatched", partition=1)])
    assert ({0: (7, 0), 1: (3, 0)}, 2) == (state.applied, state.periods["2026-09"].dispatched)


def test_months_are_counted_apart(units: Fold[UnitState]) -> None:
    state, _ = folded(units, [measure(0, "dispatched"), measure(1, "dispatched", period="2026-10")])
    assert {"2026-09": 1, "2026-10": 1} == {period: counts.dispatched for period, counts in state.periods.items()}


def test_a_state_read_back_from_its_bytes_still_guards(units: Fold[UnitState]) -> None:
    state, _ = folded(units, MONTH)
    stored = UnitState.model_validate_json(state.model_dump_json())
    assert state == stored
    assert units.handle(stored, MONTH[-1], position()).duplicate


@pytest.mark.parametrize(
    ("what", "threshold", "item", "article"),
    [("returned", 3, "returned_again_and_again", "Art. 16 (4)"), ("breached", 5, "late_handling", "Art. 16 (1)")],
)
def test_a_unit_is_flagged_once_with_its_evidence(
    units: Fold[UnitState], what: str, threshold: int, item: str, article: str
) -> None:
    said = [measure(n, what) for n in range(threshold + 3)]
    _, outputs = folded(units, said)
    flags = [output.event for output in outputs if output.topic == "accountability-flags"]
    assert 1 == len(flags)
    flag = flags[0]
    assert isinstance(flag, AccountabilityFlagged)
    assert (item, article, threshold) == (flag.item, flag.article, flag.count)
    assert tuple(m.evidence for m in said[:threshold]) == flag.evidence
    _, before = folded(units, said[: threshold - 1])
    assert [] == [output for output in before if output.topic == "accountability-flags"]


def test_what_is_no_measure_is_rejected(policy: Policy, units: Fold[UnitState]) -> None:
    with pytest.raises(Rejected, match="is no measure of a unit"):
        units.handle(None, told(policy, *GOOD)[0], position())


def test_the_same_history_publishes_the_same_scores(policy: Policy, legs: Fold[Any], units: Fold[UnitState]) -> None:
    said = measures(legs, told(policy, *LATE))
    assert folded(units, said) == folded(units, said)


# ---------------------------------------------------------------- corrections and decisions


def test_a_measure_taken_back_gives_a_new_revision_that_names_what_changed(units: Fold[UnitState]) -> None:
    back = measure(
        40, "closed", rating="dissatisfied", count=-1, because="unjustified_dissatisfaction",
        indicator="satisfaction", evidence="f-0-31", ticket="T-31",
    )  # fmt: skip
    state, outputs = folded(units, MONTH)
    step = units.handle(state, back, position())
    before, after = outputs[-1].event, step.outputs[-1].event
    assert isinstance(before, ScorePublished)
    assert isinstance(after, ScorePublished)
    assert (1, None, 75.0) == (before.revision, before.change, before.satisfaction)
    assert (2, 100.0, 100.0, 1) == (after.revision, after.satisfaction, after.satisfaction_rated_only, after.excluded)
    assert after.change is not None
    assert ("T-31", "unjustified_dissatisfaction", before.score) == (
        after.change.ticket, after.change.because, after.change.score_before,
    )  # fmt: skip
    state, _ = folded(units, [*MONTH, back])
    assert units.handle(state, back, position()).duplicate


def test_what_is_late_and_open_counts_in_each_month_until_it_is_settled(units: Fold[UnitState]) -> None:
    late = [
        measure(1, "overdue", period="2026-09"), measure(2, "dispatched", period="2026-10"),
        measure(3, "overdue", period="2026-11", count=-1),
        measure(4, "overdue", period="2026-09", count=-1, because="x"),
    ]  # fmt: skip
    state, outputs = folded(units, late[:3])
    assert [1, 1, 0] == [state.overdue(period) for period in ("2026-09", "2026-10", "2026-11")]
    _, outputs = folded(units, late)
    assert ["2026-09", "2026-10", "2026-11"] == [o.event.period for o in outputs[-3:]]  # type: ignore[attr-defined]
    assert [0, 0, 0] == [o.event.overdue for o in outputs[-3:]]  # type: ignore[attr-defined]


def test_a_decision_about_a_flag_that_nobody_raised_is_rejected(units: Fold[UnitState]) -> None:
    said = AccountabilityNoted.model_validate(
        measure(0, "dispatched").model_dump(exclude={"type", "kind", "measure"}) | {"flag": "none", "upheld": True}
    )
    with pytest.raises(Rejected, match="never raised against this unit"):
        units.handle(None, said, position())
