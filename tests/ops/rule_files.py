"""The alert rules, their unit tests and the dashboard as data."""

import json
import re
from typing import Any

import yaml
from tools import ROOT

FOLDER = ROOT / "ops" / "prometheus"
RULES = FOLDER / "rules.yml"
UNIT_TESTS = sorted(FOLDER.glob("*_test.yml"))
RUNBOOK = ROOT / "ops" / "runbook.md"
DASHBOARD = ROOT / "ops" / "grafana" / "dashboards" / "overview.json"


def rules() -> list[dict[str, Any]]:
    """Give every rule, recording and alerting."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """Give the alerting rules."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """Give the names of recorded series."""
    return {rule["record"] for rule in rules() if "record" in rule}


def unit_tests() -> list[dict[str, Any]]:
    """Give every test group of every file."""
    return [group for path in UNIT_TESTS for group in yaml.safe_load(path.read_text())["tests"]]


def headings(markdown: str) -> set[str]:
    """Give the anchors of second-level headings, as a renderer makes them."""
    return {re.sub(r"[^\w -]", "", found).strip().lower() for found in re.findall(r"^## (.+)$", markdown, re.MULTILINE)}


def queries(dashboard: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Give the dashboard's targets by "panel title / letter"."""
    shown = dashboard or json.loads(DASHBOARD.read_text())
    return {
        f"{panel['title']} / {target['refId']}": target
        for panel in shown["panels"]
        for target in panel.get("targets", [])
    }
