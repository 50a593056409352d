"""Alerts, their unit tests, the runbook and the declared metrics agree; each guard is shown to fail."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql import metric_names, undeclared
from rule_files import FOLDER, RULES, RUNBOOK, UNIT_TESTS, alerts, headings, recorded, rules, unit_tests
from tools import run

from services.core.transitions import OPEN_STAGES

REQUIRED = ("summary", "description", "summary_zh", "description_zh", "runbook_url")
NAMES = [alert["alert"] for alert in alerts()]


def without_runbook(found: list[dict[str, Any]], anchors: set[str]) -> list[str]:
    """Give the alerts whose runbook_url leads nowhere."""
    return [
        alert["alert"]
        for alert in found
        if alert["annotations"].get("runbook_url") != f"ops/runbook.md#{alert['alert'].lower()}"
        or alert["alert"].lower() not in anchors
    ]


def untested(names: list[str], groups: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Give the alerts that lack a test that fires ("fires") or one that does not ("silent")."""
    seen: dict[str, set[str]] = {name: set() for name in names}
    for group in groups:
        for case in group.get("alert_rule_test", []):
            seen.setdefault(case["alertname"], set()).add("fires" if case.get("exp_alerts") else "silent")
    return {name: {"fires", "silent"} - kinds for name, kinds in seen.items() if kinds != {"fires", "silent"}}


def test_every_metric_in_the_rules_is_declared() -> None:
    expressions = {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules()}
    assert {} == undeclared(expressions, recorded())


def test_an_undeclared_metric_is_found() -> None:
    planted = {"Planted": 'sum by (service) (rate(hotline_event_total{outcome="x"}[5m])) > on (service) up'}
    assert {"Planted": {"hotline_event_total"}} == undeclared(planted, recorded())


def test_names_in_an_expression_are_metrics_and_nothing_else() -> None:
    expression = (
        'time() - min by (a_label) (one_seconds{label="in_string", b=~"$service"}) > 45 * 86400'
        " and on (c, d) group_left () rate(two_total[5m]) unless three:four:sum offset 5m"
    )
    assert {"one_seconds", "two_total", "three:four:sum"} == metric_names(expression)


def test_every_alert_says_how_severe_it_is_and_what_it_means_in_both_languages() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert["alert"]
        assert set(REQUIRED) == set(alert["annotations"]), alert["alert"]
        for key in ("summary_zh", "description_zh"):
            assert re.search(r"[\u4e00-\u9fff]", alert["annotations"][key]), (alert["alert"], key)


def test_every_alert_has_its_heading_in_the_runbook() -> None:
    assert [] == without_runbook(alerts(), headings(RUNBOOK.read_text()))


def test_every_alert_heading_of_the_runbook_has_its_alert() -> None:
    assert {name.lower() for name in NAMES} == headings(RUNBOOK.read_text())


def test_links_inside_the_runbook_lead_somewhere() -> None:
    text = RUNBOOK.read_text()
    assert set() == set(re.findall(r"\]\(#([^)]+)\)", text)) - headings(text)


def test_an_alert_without_runbook_is_found() -> None:
    planted: dict[str, Any] = {
        "alert": "HotlinePlanted",
        "annotations": {"runbook_url": "ops/runbook.md#hotlineplanted"},
    }
    assert ["HotlinePlanted"] == without_runbook([*alerts(), planted], headings(RUNBOOK.read_text()))


def test_a_runbook_link_to_another_alert_is_found() -> None:
    moved = alerts()[0]
    moved["annotations"]["runbook_url"] = alerts()[1]["annotations"]["runbook_url"]
    assert [moved["alert"]] == without_runbook([moved], headings(RUNBOOK.read_text()))


def test_every_alert_has_a_unit_test_that_fires_and_one_that_does_not() -> None:
    assert {} == untested(NAMES, unit_tests())


def test_an_alert_without_unit_tests_is_found() -> None:
    assert {"HotlinePlanted": {"fires", "silent"}} == untested([*NAMES, "HotlinePlanted"], unit_tests())


def test_unit_tests_are_named_as_sentences_about_their_alert() -> None:
    for group in unit_tests():
        (case,) = group["alert_rule_test"]
        verb = "fires" if case["exp_alerts"] else "does not fire"
        assert group["name"].startswith(f"{case['alertname']} {verb} "), group["name"]


def test_every_open_stage_has_a_limit_for_its_queue_age() -> None:
    limits = {
        rule["labels"]["stage"] for rule in rules() if rule.get("record") == "stage:hotline_queue_age_limit_seconds"
    }
    assert set(OPEN_STAGES) == limits


@pytest.mark.prometheus
def test_promtool_accepts_the_rules_and_the_configuration() -> None:
    checked = run("promtool", "check", "rules", str(RULES))
    assert (0, "") == (checked.returncode, checked.stderr)
    assert f"{len(rules())} rules found" in checked.stdout
    checked = run("promtool", "check", "config", str(FOLDER / "prometheus.yml"))
    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.prometheus
def test_alerts_fire_and_do_not_fire_as_their_unit_tests_say() -> None:
    tested = run("promtool", "test", "rules", *map(str, UNIT_TESTS))
    assert 0 == tested.returncode, tested.stdout + tested.stderr
    assert len(UNIT_TESTS) == (tested.stdout + tested.stderr).count("SUCCESS")


def failed_names(folder: Path, expression: str) -> set[str]:
    """Put `expression` into every alert; give the names of the unit tests that fail then."""
    changed = yaml.safe_load(RULES.read_text())
    for group in changed["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["expr"] = expression
                rule.pop("for", None)
    (folder / "rules.yml").write_text(yaml.safe_dump(changed, allow_unicode=True))
    copies = [folder / path.name for path in UNIT_TESTS]
    for path, copy in zip(UNIT_TESTS, copies, strict=True):  # what is always the same need not be evaluated often
        copy.write_text(path.read_text().replace("evaluation_interval: 15s", "evaluation_interval: 1m"))
    tested = run("promtool", "test", "rules", *map(str, copies), cwd=folder)
    said = tested.stdout + tested.stderr
    return {group["name"] for group in unit_tests() if f"name: {group['name']}," in said}


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("expression", "fires"),
    [("vector(1) > 2", True), ("vector(1)", False)],
    ids=["never_fires_fails_each_test_that_wants_it_to_fire", "always_fires_fails_each_test_that_wants_silence"],
)
def test_an_alert_that(tmp_path: Path, expression: str, fires: bool) -> None:
    expected = {group["name"] for group in unit_tests() if bool(group["alert_rule_test"][0]["exp_alerts"]) == fires}
    assert set() == expected - failed_names(tmp_path, expression)
