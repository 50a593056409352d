"""Points of a rate, exact and rounded once; ranks within a class; the worked example of docs/scoring.md."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.supervision import ScorePublished
from schemas.vocabulary import Indicator
from services.core.assessment import PeriodCounts, indicators, on_curve, policy_of, ranks, rounded, score_of
from services.core.policy import Policies, Policy
from services.core.scoring_rules import ClassRule, IndicatorRule, ScoringRule
from tests.builders import at

LYG_SATISFIED = ((70, 12.5), (95, 25))
LYG_SATISFIED_BY_PROVINCE = ((73, 12.5), (98, 25))
LYG_ON_TIME = ((75, 0), (95, 20))
LYG_SIGNED = ((80, 0), (95, 15))


@pytest.mark.parametrize(
    ("curve", "rate", "points"),
    [
        (LYG_SATISFIED, "70.59", 12.80),
        (LYG_SATISFIED, "66.67", 12.50),
        (LYG_SATISFIED, "50", 12.50),
        (LYG_SATISFIED_BY_PROVINCE, "75", 13.50),
        (LYG_SATISFIED_BY_PROVINCE, "71.43", 12.50),
        (LYG_SATISFIED_BY_PROVINCE, "87.5", 19.75),
        (LYG_SATISFIED_BY_PROVINCE, "83.33", 17.67),
        (LYG_SATISFIED_BY_PROVINCE, "50", 12.50),
        (LYG_ON_TIME, "89.82", 14.82),
        (LYG_ON_TIME, "66.67", 0),
        (LYG_SIGNED, "80", 0),
        (LYG_SIGNED, "77.27", 0),
    ],
)
def test_the_points_are_those_that_lianyungang_published(curve: Any, rate: str, points: float) -> None:
    """Bulletins of 2022-02, 2022-08 and 2023-01; the standard behind them was not seen, the curves fit all numbers."""
    assert points == rounded(on_curve(curve, Fraction(rate)))


curves = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50)), min_size=1, max_size=5).map(
    lambda corners: tuple(sorted(dict(corners).items()))
)


@given(curves, st.fractions(0, 100), st.fractions(0, 100))
def test_a_curve_meets_its_corners_and_never_leaves_their_range(curve: Any, one: Fraction, other: Fraction) -> None:
    heights = [y for _, y in curve]
    assert min(heights) <= on_curve(curve, one) <= max(heights)
    assert all(on_curve(curve, Fraction(x)) == y for x, y in curve)
    if heights == sorted(heights) and one <= other:
        assert on_curve(curve, one) <= on_curve(curve, other), "a better rate is never worth less on a rising curve"


@pytest.mark.parametrize(
    ("value", "said"), [("12.795", 12.8), ("12.7949", 12.79), ("0.005", 0.01), ("0.0049", 0.0), ("100", 100.0)]
)
def test_a_half_is_rounded_up_as_in_published_tables(value: str, said: float) -> None:
    assert said == rounded(Fraction(value))


def published(unit: str, unit_class: str, score: float | None, period: str = "2026-11") -> ScorePublished:
    data = {
        "id": f"{unit}-{period}", "source": "/test", "time": at("Mon 2026-11-30 18:00"), "unit": unit,
        "unit_group": "g", "period": period, "dispatched": 9, "closed": 9, "returned": 0, "redone": 0, "breached": 0,
        "signed_on_time": None, "replied_on_time": None, "satisfaction": None, "satisfaction_rated_only": None,
        "score": score, "unit_class": unit_class, "rulebook": {"jurisdiction": "j", "version": "1", "hash": "h"},
    }  # fmt: skip
    return ScorePublished.model_validate(data)


def test_units_are_ranked_within_their_class_and_month_and_equals_share_a_rank() -> None:
    scores = [
        published("U-A", "departments", 80), published("U-B", "departments", 90), published("U-C", "departments", 80),
        published("U-D", "departments", 70), published("U-E", "townships", 99), published("U-F", "townships", None),
        published("U-A", "departments", 10, "2026-12"),
    ]  # fmt: skip
    assert {
        ("U-B", "2026-11"): 1, ("U-A", "2026-11"): 2, ("U-C", "2026-11"): 2, ("U-D", "2026-11"): 4,
        ("U-E", "2026-11"): 1, ("U-A", "2026-12"): 1,
    } == ranks(scores)  # fmt: skip
    assert ranks(scores) == ranks(reversed(scores))
    lowest = [published("U-A", "departments", 0), published("U-B", "departments", 0.5)]
    assert {("U-B", "2026-11"): 1, ("U-A", "2026-11"): 2} == ranks(lowest), "nothing is a score too"


WORKED = PeriodCounts(
    dispatched=20, signed=20, signed_on_time=17, replied=18, replied_on_time=16, closed=15, satisfied=13, rated=9,
    satisfied_rated=7, redone=2, reply_rejected=2, returned=1, return_refused=1,
)  # fmt: skip
"""The township of the worked example in docs/scoring.md, with one leg late and open."""


def test_the_worked_example_of_the_docs_is_what_the_program_makes(policy: Policy) -> None:
    numbers = indicators(policy, "U-BAOHE", "townships", WORKED, 1)
    said = {n.indicator: (n.part, n.whole, n.rate, n.points, n.of) for n in numbers}
    assert said[Indicator.SIGNED_ON_TIME] == (17, 20, 85.0, 10.0, 20.0)
    assert said[Indicator.REPLIED_ON_TIME] == (16, 19, 84.21, 22.74, 40.0)
    assert said[Indicator.SATISFACTION] == (13, 15, 86.67, 25.83, 30.0)
    assert said[Indicator.SATISFACTION_RATED_ONLY] == (7, 9, 77.78, None, None)
    assert said[Indicator.REDONE] == (2, 18, 11.11, 6.94, 10.0)
    assert said[Indicator.RETURNS_UPHELD] == (1, 2, 50.0, None, None)
    assert said[Indicator.REPLIES_REJECTED] == (2, 20, 10.0, None, None)
    assert said[Indicator.KNOWLEDGE_CURRENT] == (0, 0, None, None, None)
    assert score_of(policy, "townships", WORKED, numbers) == 65.51


def test_the_knowledge_that_a_unit_keeps_is_counted_from_the_directory(policy: Policy) -> None:
    units = [
        u.model_dump() | ({"knowledge": {"current": 3, "kept": 4}} if u.id == "U-BAOHE" else {})
        for u in policy.directory.units
    ]
    directory = type(policy.directory).model_validate(policy.directory.model_dump() | {"units": units})
    kept = Policy(policy.rulebook, policy.calendar, directory)
    [found] = [
        n for n in indicators(kept, "U-BAOHE", "townships", WORKED, 0) if n.indicator is Indicator.KNOWLEDGE_CURRENT
    ]
    assert (3, 4, 75.0) == (found.part, found.whole, found.rate)
    with pytest.raises(ValidationError, match="5 current articles of 4 kept"):
        type(policy.directory.units[0]).model_validate(units[0] | {"knowledge": {"current": 5, "kept": 4}})


def test_a_month_before_the_first_rulebook_s_first_day_is_assessed_by_it(policies: Policies) -> None:
    assert policies.segments[0][1].rulebook == policy_of(policies, "2024-10").rulebook


FULL = {"indicator": "satisfaction", "curve": [[0, 0], [100, 100]]}


@pytest.mark.parametrize(
    ("indicators_", "problem"),
    [
        ([FULL | {"curve": [[50, 0], [50, 100]]}], "ascending order"),
        ([FULL | {"curve": [[0, 0], [100, 99]]}], "must sum up to 100"),
        ([FULL | {"curve": [[0, 0], [100, 50]]}] * 2, "an indicator stands twice"),
        ([FULL | {"indicator": "charm"}], "Input should be"),
        ([FULL | {"curve": []}], "at least 1 item"),
        ([], "at least 1 item"),
    ],
)
def test_a_class_that_cannot_be_meant_is_refused(indicators_: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        ClassRule.model_validate({"name_zh": "类", "name_en": "Class", "groups": ["g"], "indicators": indicators_})


def test_a_group_in_two_classes_is_refused(policy: Policy) -> None:
    rules = policy.rulebook.scoring.model_dump()
    rules["classes"]["again"] = rules["classes"]["townships"]
    with pytest.raises(ValidationError, match="a unit group stands in two classes"):
        ScoringRule.model_validate(rules)


def test_the_best_rate_of_a_falling_curve_is_its_first_corner() -> None:
    assert 10 == IndicatorRule(indicator=Indicator.REDONE, curve=((5, 10), (25, 0))).most
