"""Every dashboard query, alert and recording rule in a real Prometheus that scrapes the mesh."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lively import EnginesInProcess, Heart, SixProcesses, policies_with_feedback
from prometheus_server import PrometheusServer, QueryFailedError, substituted, without_data
from rule_files import alerts, queries, rules
from tools import need

from services.core.policy import Policies
from services.runtime.mesh import Mesh
from services.runtime.settings import Settings

pytestmark = pytest.mark.prometheus


@dataclass(frozen=True)
class Watched:
    """A mesh at work, and the Prometheus that watches it."""

    mesh: EnginesInProcess | SixProcesses
    prometheus: PrometheusServer


def _watch(mesh: EnginesInProcess | SixProcesses, folder: Any) -> Iterator[Watched]:
    heart = Heart(mesh.beat)
    try:
        with PrometheusServer(mesh.targets, folder) as prometheus:
            yield Watched(mesh, prometheus)
    finally:
        heart.stop()
        mesh.close()


@pytest.fixture(scope="module")
def engines(policies: Policies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    need("prometheus")
    yield from _watch(EnginesInProcess(policies), tmp_path_factory.mktemp("prometheus"))


@pytest.fixture(scope="module")
def processes(new_settings: Callable[[], Settings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Six processes of their own: on the wall clock, which tests in simulated time could not bear."""
    need("prometheus")
    policies = policies_with_feedback(tmp_path_factory.mktemp("policies"))
    settings = new_settings().model_copy(update={"policy_dir": policies})
    with Mesh(settings, tmp_path_factory.mktemp("mesh-logs")) as mesh:
        yield from _watch(SixProcesses(mesh), tmp_path_factory.mktemp("prometheus"))


@pytest.fixture(
    params=["engines", pytest.param("processes", marks=pytest.mark.broker)], ids=["in process", "six processes"]
)
def watched(request: pytest.FixtureRequest) -> Watched:
    found: Watched = request.getfixturevalue(request.param)
    return found


def test_a_first_dead_letter_of_a_new_code_raises_its_alert(watched: Watched) -> None:
    assert "HotlineDeadLetters" not in watched.prometheus.alerts("firing")
    watched.mesh.bad_record()
    watched.prometheus.wait_for(
        lambda: "HotlineDeadLetters" in watched.prometheus.alerts("firing"), "HotlineDeadLetters to fire"
    )


def test_every_query_of_the_dashboard_runs_and_shows_data(watched: Watched) -> None:
    shown = queries()
    letters = "hotline_dead_letters_total{code!='none'}"
    if not watched.prometheus.values(letters):
        watched.mesh.bad_record()
        watched.prometheus.wait_for(lambda: watched.prometheus.values(letters) != [], "a dead letter")
    assert len(shown) >= 28
    assert {} == without_data(watched.prometheus, shown)


def test_every_alert_expression_runs(watched: Watched) -> None:
    for alert in alerts():
        watched.prometheus.values(alert["expr"])


def test_every_rule_is_evaluated_without_error(watched: Watched) -> None:
    groups = watched.prometheus.get("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert len(rules()) == len(loaded)
    assert [] == [(rule["name"], rule.get("lastError")) for rule in loaded if rule["health"] != "ok"]


def test_a_mesh_at_work_raises_no_critical_alert_nor_is_about_to(watched: Watched) -> None:
    shaky = watched.prometheus.alerts("firing") | watched.prometheus.alerts("pending")
    assert [] == [name for name, severity in shaky.items() if severity == "critical"]


def test_the_variables_of_the_dashboard_find_values(watched: Watched) -> None:
    services = watched.prometheus.get("label/service/values", **{"match[]": 'up{job="hotline-mesh"}'})
    assert ["intake", "reminder", "revisit", "router", "scoring", "sla-timer"] == services
    assert watched.prometheus.get("label/unit_group/values", **{"match[]": "hotline_open_tickets"}) != []


def test_the_metrics_of_a_service_keep_its_name_as_their_service(watched: Watched) -> None:
    assert [] == watched.prometheus.values('{exported_service=~".+"}')


def test_a_query_without_data_or_with_an_error_is_found(engines: Watched) -> None:
    planted = {
        "gone": {"expr": "sum(hotline_gone)", "instant": True},
        "wrong": {"expr": "sum(rate(hotline_events_total))", "instant": False},
        "never": {"expr": "histogram_quantile(0.5, hotline_event_age_seconds_bucket * 0)", "instant": True},
    }
    assert {"gone", "wrong", "never"} == set(without_data(engines.prometheus, planted))
    with pytest.raises(QueryFailedError, match="parse error"):
        engines.prometheus.values("sum(")


def test_a_variable_that_nobody_substitutes_is_found() -> None:
    with pytest.raises(AssertionError, match=r"\$district"):
        substituted('sum(up{district="$district"})')
