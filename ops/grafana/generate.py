"""Writes dashboards/overview.json from overview.yml; `--check` only says whether it is up to date (exit code 1: no)."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "overview.yml"
TARGET = FOLDER / "dashboards" / "overview.json"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
LAST = {"calcs": ["lastNotNull"]}
OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": LAST, "colorMode": "background", "graphMode": "none"},
    "bargauge": {"reduceOptions": LAST, "orientation": "horizontal", "displayMode": "basic"},
    "table": {"sortBy": [{"displayName": "Value", "desc": True}]},
}


def _steps(panel: dict[str, Any]) -> list[dict[str, Any]]:
    if "red_below" in panel:
        return [{"color": "red", "value": None}, {"color": "green", "value": panel["red_below"]}]
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    return [*steps, {"color": "red", "value": panel["red_from"]}] if "red_from" in panel else steps


def _targets(panel: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    instant = kind != "timeseries"
    shape = {"instant": instant, "range": not instant} | ({"format": "table"} if kind == "table" else {})
    return [
        {
            "datasource": DATASOURCE,
            "expr": query["expr"],
            "legendFormat": query.get("legend", "__auto"),
            "refId": chr(ord("A") + number),
        }
        | shape
        for number, query in enumerate(panel["queries"])
    ]


def _panel(number: int, panel: dict[str, Any], position: dict[str, int]) -> dict[str, Any]:
    kind = panel.get("kind", "timeseries")
    defaults = {
        "unit": panel.get("unit", "short"),
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": _steps(panel)},
    }
    made: dict[str, Any] = {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel["description"],
        "datasource": DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": OPTIONS[kind],
        "targets": _targets(panel, kind),
    }
    if kind == "table":
        order = {name: place for place, name in enumerate((*panel["columns"], "Value"))}
        shown = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": {}}
        made["transformations"] = [{"id": "organize", "options": shown}]
    return made


def _panels(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        heading = {"type": "row", "title": row["title"], "collapsed": False, "panels": []}
        made.append({"id": len(made) + 1, **heading, "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y}})
        x, y = 0, y + 1
        height = 4 if all(panel.get("kind") == "stat" for panel in row["panels"]) else 8
        for panel in row["panels"]:
            width = panel.get("width", 8)
            if x + width > COLUMNS:
                x, y = 0, y + height
            made.append(_panel(len(made) + 1, panel, {"h": height, "w": width, "x": x, "y": y}))
            x += width
        y += height
    return made


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    everything = {"multi": True, "includeAll": True, "allValue": ".*"}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        **everything,
        "current": {"text": "All", "value": "$__all"},
    }


def dashboard(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the dashboard with these rows of panels as Grafana's JSON model."""
    source = {"name": "datasource", "label": "Data source 数据源", "type": "datasource", "query": "prometheus"}
    variables = [
        source,
        _variable("service", "Service 服务", 'label_values(up{job="hotline-mesh"}, service)'),
        _variable("unit_group", "Unit group 单位组", "label_values(hotline_open_tickets, unit_group)"),
    ]
    return {
        "id": None,
        "uid": "hotline-overview",
        "title": "Hotline overview 热线总览",
        "description": "Written by ops/grafana/generate.py. Ages are of the wall clock. 时长按实际时钟计算。",
        "tags": ["hotline"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": variables},
        "panels": _panels(rows),
    }


def text() -> str:
    """Give the content that the dashboard's file must have."""
    rows = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))["rows"]
    return json.dumps(dashboard(rows), ensure_ascii=False, indent=2) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file, or check it; gives the exit code."""
    if arguments == ["--check"]:
        if TARGET.read_text(encoding="utf-8") == text():
            return 0
        sys.stderr.write(f"{TARGET.name} is not what generate.py writes: run `python ops/grafana/generate.py`\n")
        return 1
    if arguments:
        sys.stderr.write("usage: python ops/grafana/generate.py [--check]\n")
        return 2
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
