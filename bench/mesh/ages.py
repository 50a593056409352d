"""How old records are when a service has handled them: the histogram that it exports, read before and after."""

from collections.abc import Mapping
from math import inf

from prometheus_client.parser import text_string_to_metric_families

from bench.mesh.workers import Workers

RECORDS = {
    "upstream-tickets": "message",
    "ticket-commands": "command",
    "ticket-events": "fact",
    "unit-measures": "measure",
    "unit-reminders": "reminder",
}
"""What a service reads, by topic."""
Ages = dict[tuple[str, str], dict[float, float]]
"""By service and topic: how many records were at most so many seconds old."""


def read(workers: Workers) -> Ages:
    """Give the histograms of all services since they started; several processes of one service count together."""
    found: Ages = {}
    for text in workers.metrics():
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "hotline_event_age_seconds_bucket":
                    labels = sample.labels
                    counts = found.setdefault((labels["service"], labels["topic"]), {})
                    bound = float(labels["le"])
                    counts[bound] = counts.get(bound, 0.0) + sample.value
    return found


def between(before: Ages, after: Ages) -> dict[str, dict[str, float]]:
    """Give per stage how old the records were that were handled between two readings, in seconds."""
    found = {}
    for (service, topic), counts in sorted(after.items()):
        earlier = before.get((service, topic), {})
        new = {bound: count - earlier.get(bound, 0.0) for bound, count in counts.items()}
        if new[inf]:
            found[f"{service}: {RECORDS[topic]} handled"] = quantiles(new)
    return found


def quantiles(counts: Mapping[float, float]) -> dict[str, float]:
    """Give p50, p99 and the bound below which all records are, of a histogram whose buckets add up.

    Within a bucket the values are taken to be spread evenly, as Prometheus takes them; the highest bucket has no upper
    bound, so what lies in it counts as the bound below.
    """
    ages = {"p50": _quantile(counts, 0.5), "p99": _quantile(counts, 0.99), "max": _bucket(counts, counts[inf])[1]}
    return {name: round(value, 3) for name, value in ages.items()} | {"interpolated": True}


def _quantile(counts: Mapping[float, float], share: float) -> float:
    wanted = share * counts[inf]
    low, high = _bucket(counts, wanted)
    if low == high:
        return low
    below = counts.get(low, 0.0)
    return low + (high - low) * (wanted - below) / (counts[high] - below)


def _bucket(counts: Mapping[float, float], wanted: float) -> tuple[float, float]:
    """Give the bounds of the bucket in which the record of this rank lies."""
    low = 0.0
    for bound in sorted(counts):
        if counts[bound] >= wanted:
            return low, low if bound == inf else bound
        low = bound
    raise ValueError(f"a histogram of {counts[inf]:.0f} records has none of rank {wanted:.0f}")
