"""The overview dashboard: generated, provisionable, and about metrics that exist."""

import copy
import json
import re
import subprocess
import sys
from typing import Any

import yaml
from promql import undeclared
from rule_files import DASHBOARD, queries, recorded
from tools import ROOT

GENERATOR = ROOT / "ops" / "grafana" / "generate.py"
PROVISIONING = ROOT / "ops" / "grafana" / "provisioning"
SUBJECTS = (
    "hotline_oldest_open_timestamp_seconds", "hotline_open_tickets", "hotline_open_clocks", "hotline_overdue_clocks",
    "hotline_events_total", "hotline_event_handling_seconds_bucket", "hotline_event_age_seconds_bucket",
    "hotline_dead_letters_total", "hotline_duplicates_total", "hotline_watermark_timestamp_seconds",
    "service_partition:hotline_pulse_timestamp_seconds:max",
)  # fmt: skip


def shown() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def faults(dashboard: dict[str, Any]) -> list[str]:
    """Say what keeps a provisioned dashboard from working in a Grafana that is not its author's."""
    found = [] if dashboard["id"] is None else ["id: must be null, Grafana gives it"]
    if "__inputs" in dashboard:
        found.append("__inputs: only an import by hand fills them")
    if not dashboard.get("uid"):
        found.append("uid: links to the dashboard would change")
    for panel in dashboard["panels"]:
        places = [panel.get("datasource"), *(target.get("datasource") for target in panel.get("targets", []))]
        if panel["type"] != "row" and any((place or {}).get("uid") != "${datasource}" for place in places):
            found.append(f"{panel['title']}: datasource is not ${{datasource}}")
        for target in panel.get("targets", []):
            windows = re.findall(r"\brate\([^\[]*\[([^\]]+)\]", target["expr"])
            wrong = [window for window in windows if window != "$__rate_interval"]
            found.extend(f"{panel['title']}: rate over {window}, not $__rate_interval" for window in wrong)
    return found


def test_the_file_is_what_the_generator_writes() -> None:
    checked = subprocess.run([sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False)
    assert (0, "") == (checked.returncode, checked.stderr)


def test_every_metric_on_the_dashboard_is_declared() -> None:
    expressions = {name: target["expr"] for name, target in queries().items()}
    assert {} == undeclared(expressions, recorded())


def test_an_undeclared_metric_on_a_dashboard_is_found() -> None:
    planted = {"panels": [{"title": "Planted", "targets": [{"refId": "A", "expr": "sum(hotline_open_ticket)"}]}]}
    expressions = {name: target["expr"] for name, target in queries(planted).items()}
    assert {"Planted / A": {"hotline_open_ticket"}} == undeclared(expressions, recorded())


def test_what_an_operator_asks_first_is_on_the_dashboard() -> None:
    text = " ".join(target["expr"] for target in queries().values())
    assert [] == [subject for subject in SUBJECTS if subject not in text]


def test_the_dashboard_can_be_provisioned() -> None:
    assert [] == faults(shown())


def test_what_breaks_provisioned_dashboards_is_found() -> None:
    planted = copy.deepcopy(shown())
    planted |= {"id": 7, "uid": "", "__inputs": []}
    planted["panels"][1]["datasource"] = {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}
    planted["panels"][2]["targets"][0]["expr"] = "rate(hotline_events_total[5m])"
    assert 5 == len(faults(planted))


def test_the_data_source_has_a_stable_uid() -> None:
    file = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())
    assert ["hotline-prometheus"] == [source["uid"] for source in file["datasources"]]


def test_titles_and_descriptions_are_in_both_languages() -> None:
    for panel in shown()["panels"]:
        for text in (panel["title"], panel.get("description", panel["title"])):
            assert re.search(r"[A-Za-z]", text), text
            assert re.search(r"[\u4e00-\u9fff]", text), text


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = shown()["panels"]
    assert len(panels) == len({panel["id"] for panel in panels})
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert set() == cells & taken, panel["title"]
        taken |= cells
