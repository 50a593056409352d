"""Every Prometheus metric of the mesh, declared once. Labels are bounded; never a ticket, never a person.

Ages are exported as timestamps: `time() - x` in PromQL goes on ageing when a process dies.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from services.core.service import Label

HANDLE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
AGE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


LATENESS_BUCKETS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800)


class HasIndexes(Protocol):
    """What shows queue ages and clock counts."""

    def oldest(self) -> dict[Label, tuple[float, int]]:
        """Give per queue since when the oldest waits, and how many wait."""

    def counts(self) -> dict[str, tuple[int, int]]:
        """Give (open, overdue) per kind of clock."""

    def alarms_waiting(self) -> int:
        """Count the keys that pulses have still to wake."""


def observe_all(histogram: Any, values: Sequence[float]) -> None:
    """Observe many values of one labelled histogram: one addition per bucket, not three per value."""
    counts = [0] * len(histogram._buckets)  # noqa: SLF001 - prometheus-client can only observe one by one
    for value in values:
        counts[bisect_left(histogram._upper_bounds, value)] += 1  # noqa: SLF001
    for bucket, count in zip(histogram._buckets, counts, strict=True):  # noqa: SLF001
        if count:
            bucket.inc(count)
    histogram._sum.inc(sum(values))  # noqa: SLF001


def _counted(counted: Callable[[], Mapping[str, int]], state: str) -> float:
    return float(counted()[state])


class Metrics:
    """The metrics of one service process."""

    def __init__(self, service: str, version: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        r = self.registry
        self.events = Counter("hotline_events", "Records handled", ["service", "topic", "type", "outcome"], registry=r)
        self.handling = Histogram(
            "hotline_event_handling_seconds", "Time to handle one record", ["service", "topic"],
            buckets=HANDLE_BUCKETS, registry=r,
        )  # fmt: skip
        self.age = Histogram(
            "hotline_event_age_seconds", "Age of a record (since the broker appended it) when it was handled",
            ["service", "topic"], buckets=AGE_BUCKETS, registry=r,
        )  # fmt: skip
        self.lateness = Histogram(
            "hotline_alarm_lateness_seconds", "How long after its instant an alarm rang (mesh time, then wall time)",
            ["service"], buckets=LATENESS_BUCKETS, registry=r,
        )  # fmt: skip
        self.dead_letters = Counter(
            "hotline_dead_letters",
            "Records sent to the dead letters",
            ["service", "topic", "code"],
            registry=r,
        )
        self.duplicates = Counter(
            "hotline_duplicates", "Records dropped because their effect was there already", ["service", "topic"],
            registry=r,
        )  # fmt: skip
        self.lanes = Counter("hotline_lanes", "Matters at the door, by what became of them", ["lane"], registry=r)
        self.offset_gaps = Counter(
            "hotline_offset_gaps",
            "Holes in the offsets of an input partition (must be 0)",
            ["service"],
            registry=r,
        )
        self.feedback_attempts = Counter(
            "hotline_feedback_attempts", "Requests that told a platform of a result, by what came of them",
            ["platform", "outcome"], registry=r,
        )  # fmt: skip
        self.watermark = Gauge(
            "hotline_watermark_timestamp_seconds", "Append time of the newest record handled",
            ["service", "topic", "partition"], registry=r,
        )  # fmt: skip
        self.pulse = Gauge(
            "hotline_pulse_timestamp_seconds", "Newest clock pulse seen: the time it is for the mesh",
            ["service", "partition"], registry=r,
        )  # fmt: skip
        self.commit = Gauge(
            "hotline_commit_timestamp_seconds",
            "Wall time of the last durable commit",
            ["service"],
            registry=r,
        )
        self.build = Gauge("hotline_build_info", "Version of the service", ["service", "version"], registry=r)
        self.build.labels(service, version).set(1)
        self.stopped = Gauge(
            "hotline_stopped", "1: the service takes nothing more and will end; see its log",
            ["service", "reason"], registry=r,
        )  # fmt: skip
        self.rulebook = Gauge(
            "hotline_rulebook_info",
            "Rulebook in force",
            ["service", "jurisdiction", "version", "hash"],
            registry=r,
        )
        self.calendar_known_until = Gauge(
            "hotline_calendar_known_until_timestamp_seconds", "End of the last year with an official calendar notice",
            ["service", "calendar"], registry=r,
        )  # fmt: skip

    def start_at_zero(self, topics: Iterable[str]) -> None:
        """Show the series of failures before the first one, so that `increase()` sees it."""
        self.offset_gaps.labels(self.service)
        self.stopped.labels(self.service, "dead-letters").set(0)
        for topic in topics:
            self.dead_letters.labels(self.service, topic, "none")
            self.duplicates.labels(self.service, topic)

    def show_knowledge(self, counted: Callable[[], Mapping[str, int]]) -> None:
        """Export at every scrape how many articles of the knowledge base are in each state of upkeep."""
        gauge = Gauge("hotline_knowledge_articles", "Articles of the knowledge base", ["state"], registry=self.registry)
        for state in counted():
            gauge.labels(state).set_function(partial(_counted, counted, state))

    def show_indexes(self, indexes: Iterable[HasIndexes]) -> None:
        """Export queue ages and clock counts of these folds at every scrape."""
        self.registry.register(_Indexes(self.service, list(indexes)))

    def show_feedback(self, pending: Callable[[], Mapping[str, tuple[int, float | None]]]) -> None:
        """Export at every scrape what `pending` gives per platform: how many results wait, since when the oldest."""
        for platform in pending():
            self.feedback_attempts.labels(platform, "received")
        self.registry.register(_Feedback(pending))


class _Feedback(Collector):
    def __init__(self, pending: Callable[[], Mapping[str, tuple[int, float | None]]]) -> None:
        self._pending = pending

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "hotline_feedback_pending", "Results that a platform has not received yet", labels=["platform"]
        )
        oldest = GaugeMetricFamily(
            "hotline_feedback_oldest_timestamp_seconds", "Append time of the oldest fact that a platform was not told",
            labels=["platform"],
        )  # fmt: skip
        for platform, (count, since) in sorted(self._pending().items()):
            waiting.add_metric([platform], count)
            if since is not None:
                oldest.add_metric([platform], since)
        yield from (waiting, oldest)


class _Indexes(Collector):
    def __init__(self, service: str, indexes: list[HasIndexes]) -> None:
        self._service = service
        self._indexes = indexes

    def collect(self) -> Iterator[Metric]:
        labels = ["service", "stage", "kind", "unit_group"]
        oldest = GaugeMetricFamily(
            "hotline_oldest_open_timestamp_seconds",
            "Since when the oldest open ticket waits there",
            labels=labels,
        )
        count = GaugeMetricFamily("hotline_open_tickets", "Open tickets waiting there", labels=labels)
        opened = GaugeMetricFamily("hotline_open_clocks", "Clocks that run", labels=["service", "clock"])
        overdue = GaugeMetricFamily(
            "hotline_overdue_clocks",
            "Clocks that run though their due instant passed",
            labels=["service", "clock"],
        )
        alarms = GaugeMetricFamily(
            "hotline_alarms_waiting", "Alarms that are due and have not rung yet", labels=["service"]
        )
        alarms.add_metric([self._service], sum(index.alarms_waiting() for index in self._indexes))
        for index in self._indexes:
            for label, (since, waiting) in sorted(index.oldest().items()):
                oldest.add_metric([self._service, *label], since)
                count.add_metric([self._service, *label], waiting)
            for kind, (running, late) in sorted(index.counts().items()):
                opened.add_metric([self._service, kind], running)
                overdue.add_metric([self._service, kind], late)
        yield from (oldest, count, opened, overdue, alarms)
