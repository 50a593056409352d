"""Names in PromQL: which metrics an expression reads, and which the mesh declares."""

import re

from services.runtime.metrics import Metrics

PROMETHEUS_OWN = frozenset({"up", "ALERTS"})
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_DURATION = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"(?<![\w:$.])[a-zA-Z_:][\w:]*")
_WORDS = frozenset(
    {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}
)


def metric_names(expression: str) -> set[str]:
    """Give the metrics (and recorded series) that the expression reads."""
    bare = _STRING.sub('""', expression)
    bare = re.sub(r"\{[^{}]*\}", "", bare)
    bare = _DURATION.sub("", _LABELS.sub("", bare))
    names = set()
    for found in _NAME.finditer(bare):
        called = re.match(r"\s*\(", bare[found.end() :]) is not None
        if not called and found[0] not in _WORDS:
            names.add(found[0])
    return names


def declared_names() -> set[str]:
    """Give every series name that services/runtime/metrics.py can export."""
    metrics = Metrics("router", "x")
    metrics.show_indexes([])
    metrics.show_feedback(dict)
    metrics.show_knowledge(lambda: {"current": 1})
    names: set[str] = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names.update(family.name + suffix for suffix in suffixes)
    return names


def undeclared(expressions: dict[str, str], recorded: set[str]) -> dict[str, set[str]]:
    """Give, by the expression's name, the metrics that nobody exports or records."""
    known = declared_names() | recorded | PROMETHEUS_OWN
    found = {name: metric_names(expression) - known for name, expression in expressions.items()}
    return {name: names for name, names in found.items() if names}
