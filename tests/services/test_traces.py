"""Each number is the sum of the tickets behind it, whatever comes twice and whichever partition is read first."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.facts import Fact
from schemas.supervision import ScorePublished, UnitMeasured
from services.core.decision import Decision
from services.core.traces import trace
from services.scoring.measures import measure
from services.scoring.service import service
from services.scoring.units import UnitState
from tests.builders import position
from tests.core.test_life_properties import POLICIES, lives

UNITS = service(POLICIES).folds[1]
quickly = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
EVIDENCE = {"evidence"}
END = datetime(2099, 1, 1, tzinfo=UTC)


def measured(life: list[Decision], partition: int) -> list[UnitMeasured]:
    """Measure a life as ticket number `partition`, in a partition of its own."""
    found: list[UnitMeasured] = []
    state = None
    facts: list[Fact] = [fact for decision in life for fact in decision.facts]
    for offset, fact in enumerate(facts):
        own = fact.model_copy(update={"subject": f"T-{partition}", "id": f"{partition}-{fact.id}"})
        step = measure(POLICIES, state, own, position(offset, partition=partition))
        state = step.state
        found += [output.event for output in step.outputs if isinstance(output.event, UnitMeasured)]
        assert measure(POLICIES, state, own, position(offset, partition=partition)).duplicate
    return found


def folded(measures: list[UnitMeasured]) -> tuple[dict[str, UnitState], dict[tuple[str, str], ScorePublished]]:
    states: dict[str, UnitState] = {}
    scores = {}
    for said in measures:
        step = UNITS.handle(states.get(said.unit), said, position())
        assert step.state is not None
        states[said.unit] = step.state
        for output in step.outputs:
            if isinstance(output.event, ScorePublished):
                scores[output.event.unit, output.event.period] = output.event
    assert UNITS.wake is not None
    for unit, state in states.items():
        step = UNITS.wake(unit, state, END)
        assert step.state is not None
        states[unit] = step.state
        for output in step.outputs:
            assert isinstance(output.event, ScorePublished)
            scores[output.event.unit, output.event.period] = output.event
    return states, scores


def numbers(scores: dict[tuple[str, str], ScorePublished]) -> Any:
    without = {"id", "time", "causation", "change"}
    return {key: score.model_dump(exclude=without) for key, score in scores.items()}


@quickly
@given(lives(), lives())
def test_each_number_is_the_sum_of_the_tickets_behind_it(one: list[Decision], other: list[Decision]) -> None:
    measures = measured(one, 0) + measured(other, 1)
    states, scores = folded(measures)
    for unit, state in states.items():
        for period, counts in state.periods.items():
            found = trace(measures, unit, period)
            kept = found.counts().model_dump(exclude={"overdue", *EVIDENCE})
            assert counts.model_dump(exclude={"overdue", *EVIDENCE}) == kept
            assert len(found.overdue) == state.overdue(period) == scores[unit, period].overdue
            assert all(n.part <= n.whole for n in scores[unit, period].indicators if n.indicator not in LOOSE)


LOOSE = {"redone", "repeated"}
"""Rates of two different things: a redo may be ordered in the month after the reply."""


@quickly
@given(lives(), lives(), st.randoms())
def test_partitions_in_any_order_and_records_in_copies_give_the_same_scores(
    one: list[Decision], other: list[Decision], chance: Any
) -> None:
    here, there = measured(one, 0), measured(other, 1)
    _, expected = folded(here + there)
    mixed: list[UnitMeasured] = []
    queues = [list(here), list(there)]
    while any(queues):
        queue = chance.choice([queue for queue in queues if queue])
        mixed.append(queue.pop(0))
        if chance.random() < 0.3:
            mixed.append(chance.choice(mixed))  # an old record again, out of place
    _, found = folded(mixed)
    assert numbers(expected) == numbers(found)
