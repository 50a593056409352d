"""What the benchmarks of the mesh measure with: ages from histograms, and tickets that stand still meanwhile."""

from datetime import timedelta
from math import inf
from typing import Any

import pytest
from prometheus_client import generate_latest

from bench.mesh import ages, life, stock, timers
from services.core.policy import Policies
from services.core.succession import Succession
from services.runtime.metrics import Metrics, observe_all
from services.sla_timer.service import wake_at
from services.sla_timer.state import load


class OneProcessEach:
    """Services whose metrics are read."""

    def __init__(self, *services: Metrics) -> None:
        self.services = services

    def metrics(self) -> list[str]:
        return [generate_latest(service.registry).decode() for service in self.services]


def test_ages_are_those_of_the_records_handled_between_two_readings_in_all_processes_of_a_service() -> None:
    first, second = Metrics("sla-timer", "1"), Metrics("sla-timer", "1")
    workers: Any = OneProcessEach(first, second)
    observe_all(first.age.labels("sla-timer", "ticket-events"), [20.0] * 1_000)
    before = ages.read(workers)
    observe_all(first.age.labels("sla-timer", "ticket-events"), [0.03] * 50)
    observe_all(second.age.labels("sla-timer", "ticket-events"), [0.07] * 50)
    found = ages.between(before, ages.read(workers))
    assert found == {"sla-timer: fact handled": {"p50": 0.05, "p99": 0.099, "max": 0.1, "interpolated": True}}


def test_a_service_that_handled_nothing_meanwhile_has_no_ages() -> None:
    metrics = Metrics("reminder", "1")
    observe_all(metrics.age.labels("reminder", "ticket-events"), [0.2])
    workers: Any = OneProcessEach(metrics)
    assert ages.between(ages.read(workers), ages.read(workers)) == {}


@pytest.mark.parametrize(
    ("counts", "p50", "p99", "most"),
    [
        ({0.1: 100.0, 0.2: 100.0, inf: 100.0}, 0.05, 0.099, 0.1),
        ({0.1: 0.0, 0.2: 100.0, inf: 100.0}, 0.15, 0.199, 0.2),
        ({0.1: 98.0, 0.2: 100.0, inf: 100.0}, 0.051, 0.15, 0.2),
        ({0.1: 0.0, 0.2: 0.0, inf: 100.0}, 0.2, 0.2, 0.2),
    ],
)
def test_quantiles_are_interpolated_within_a_bucket(
    counts: dict[float, float], p50: float, p99: float, most: float
) -> None:
    found = ages.quantiles(counts)
    assert (found["p50"], found["p99"], found["max"]) == (p50, p99, most)


def test_standing_tickets_have_nothing_to_say_during_a_run(policies: Policies) -> None:
    for now, over in (
        (life.MORNING, life.MORNING + timedelta(hours=1)),
        (timers.OPENED, timers.lives(policies).due),
    ):
        rings_at = wake_at(Succession.of(policies), load(stock.standing(policies, now).timer))
        assert rings_at is not None
        assert rings_at > over
