"""Benchmark `stream-job`: one table, one output, on every engine."""

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
from pydantic_core import from_json

from bench import commits, java, peers
from bench.commits import Committed
from bench.engines.job import PARTITIONS, events
from bench.frame import Bench, Benchmark, Results, Table, median
from bench.topics import ROOT, Topics, engine, eventually
from services.runtime.processes import Child

SIZES = {
    "ours": 2_000_000, "kafka_streams": 2_000_000, "quix": 1_000_000, "confluent": 2_000_000, "stock_faust": 100_000,
}  # fmt: skip
"""Events per engine, so many that each works for over ten seconds: the last commit comes up to a second after the last
event. Stock Faust would take minutes a run for a million: the rate of its second half is kept, to see that it lasts."""
NAMES = {
    "ours": "Faust on the project's driver", "kafka_streams": "Kafka Streams (Java)", "quix": "Quix Streams",
    "confluent": "plain confluent-kafka loop", "stock_faust": "stock Faust",
}  # fmt: skip
COMPACT = {"cleanup.policy": "compact"}
TIMES = 3
Start = Callable[["Race"], list[Child]]
"""Starts an engine's processes: one, or several that share its partitions."""


@dataclass
class Race:
    """One engine's run: its topics and where it works."""

    topics: Topics
    group: str
    source: str
    home: Path
    count: int

    @property
    def out(self) -> str:
        """Topic of the outputs."""
        return f"{self.group}-out"

    @property
    def arguments(self) -> list[str]:
        """What an engine in Python is told."""
        given = {"bootstrap": self.topics.bootstrap, "group": self.group, "source": self.source, "out": self.out}
        return [*(part for name, value in given.items() for part in (f"--{name}", value)), "--home", str(self.home)]


def in_python(module: str, race: Race, workers: int = 1) -> list[Child]:
    """Start an engine that runs in this environment."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return [
        engine(
            f"bench.engines.{module}", [*race.arguments, "--instance", str(number)], race.home / str(number), env=env
        )
        for number in range(workers)
    ]


def _quix(race: Race) -> list[Child]:
    program = str(peers.python())
    return [engine("bench.engines.quix", race.arguments, race.home, program=program, env=peers.environment())]


def _streams(command: list[str], race: Race) -> list[Child]:
    given = [race.topics.bootstrap, race.group, race.source, race.out, str(race.home), "memory", "1"]
    child = Child("streams", [*command, *given], log_dir=race.home)
    child.start()
    return [child]


def check(race: Race) -> float:
    """Check every output and give the Unix time of the first; raises AssertionError for a wrong one."""
    seen, last, first = set(), dict[str, int](), float("inf")
    for message in race.topics.read(race.out, PARTITIONS):
        output = from_json(message.value())
        assert output["sequence"] == last.get(output["ticket"], 0) + 1, "outputs of a ticket are in order, none missing"
        last[output["ticket"]] = output["sequence"]
        seen.add(output["id"])
        first = min(first, message.timestamp()[1] / 1000)
    assert len(seen) == sum(last.values()) == race.count, f"{len(seen)} of {race.count} outputs"
    assert seen == {f"e-{number:012d}" for number in range(race.count)}, "every event has its output"
    return first


def run_one(
    bench: Bench, topics: Topics, name: str, start: Start, count: int, source: str | None = None
) -> dict[str, float]:
    """Run one engine over its events and give what was measured, once all its outputs are found right."""
    group = f"{name.replace('_', '-')}-{time.time_ns()}"
    race = Race(topics, group, source or f"source-{count}", bench.home / group, count)
    topics.create(PARTITIONS, {race.out: {}, f"{group}-last-changelog": COMPACT})
    samples: list[tuple[float, int]] = []  # (Unix time, committed) whenever more was committed
    committed = Committed(topics.bootstrap, group, race.source, PARTITIONS)
    children = start(race)
    try:
        with bench.progress(name, count) as show:

            def over() -> bool:
                done = committed.records()
                if not samples or done > samples[-1][1]:
                    samples.append((time.time(), done))
                    show(done)
                return done == count

            ended = eventually(over, f"{name} to commit {count} events", children[0], seconds=900, every=0.1)
        processes = [psutil.Process(child.pid) for child in children]
        cpu = sum(sum(process.cpu_times()[:2]) for process in processes)
        memory = sum(process.memory_info().rss for process in processes)
    finally:
        for child in children:
            child.kill()
        committed.close()
    began = check(race)
    middle_at, middle = next(sample for sample in samples if sample[1] >= count / 2)
    committed_at = commits.times(topics, group, race.source)
    rate = count / (ended - began)
    bench.say(f"  {rate:,.0f} events/s")
    return {
        "events_per_second": round(rate),
        "second_half": round((count - middle) / (ended - middle_at)) if ended > middle_at else round(rate),
        "longest_between_commits": round(max((b - a for a, b in itertools.pairwise(committed_at)), default=0), 2),
        "cpu_us_per_event": round(cpu / count * 1e6, 1),
        "resident_mb": round(memory / 1e6),
    }


def run(bench: Bench) -> Results:
    """Run every engine in turns."""
    starts: dict[str, Start] = {
        "ours": partial(in_python, "ours"), "quix": _quix, "confluent": partial(in_python, "plain"),
        "stock_faust": partial(in_python, "stock"),
    }  # fmt: skip
    skipped = {}
    try:
        starts["kafka_streams"] = partial(_streams, java.command(bench.home / "classes"))
    except java.NoJdkError as error:
        skipped["kafka_streams"] = str(error)
    peers.python()
    counts = {name: bench.size(SIZES[name], 5_000 if name == "stock_faust" else 20_000) for name in starts}
    with bench.cluster() as servers:
        topics = Topics(servers.bootstrap_servers)
        for count in sorted(set(counts.values())):
            bench.say(f"writing {count:,} events")
            topics.create(PARTITIONS, {f"source-{count}": {}})
            topics.fill(f"source-{count}", events(count))
        runs = {name: partial(run_one, bench, topics, name, start, counts[name]) for name, start in starts.items()}
        measured = bench.interleaved(runs, bench.size(TIMES, 1))
    found: Results = {"skipped": skipped, "events": counts, "runs": measured}
    for name, all_of_it in measured.items():
        found[name] = median(one["events_per_second"] for one in all_of_it)
    for name in ("quix", "stock_faust", "confluent", "kafka_streams"):
        if name in found:
            found[f"ratio_vs_{name}"] = round(found["ours"] / found[name], 2)
    return found | {"versions": peers.versions("quixstreams") | {"confluent-kafka of quix": _of_quix()}}


def _of_quix() -> str:
    return peers.versions("confluent-kafka")["confluent-kafka"]


def verdict(found: Results) -> str:
    """Say the ratios."""
    java_ratio = found.get("ratio_vs_kafka_streams")
    beside = f"{java_ratio} x Kafka Streams" if java_ratio else f"Kafka Streams: {found['skipped']['kafka_streams']}"
    return (
        f"{found['ours']:,.0f} events/s = {found['ratio_vs_quix']} x Quix Streams, "
        f"{found['ratio_vs_stock_faust']} x stock Faust, {beside}"
    )


def tables(found: Results) -> list[Table]:
    """Give one row per engine."""

    def row(name: str) -> list[str]:
        def middle(what: str, digits: int = 0) -> str:
            return f"{median((one[what] for one in found['runs'][name]), digits):,.{digits}f}"

        rates = [one["events_per_second"] for one in found["runs"][name]]
        return [
            NAMES[name], f"{found['events'][name]:,}", middle("events_per_second"),
            f"{min(rates):,} to {max(rates):,}", middle("second_half"),
            middle("longest_between_commits", 1), middle("cpu_us_per_event", 0), middle("resident_mb"),
        ]  # fmt: skip

    heads = (
        "engine",
        "events",
        "events/s",
        "all runs",
        "in its second half",
        "longest between commits, s",
        "CPU µs per event",
        "MB",
    )
    return [Table(heads, [row(name) for name in NAMES if name in found["runs"]])]


BENCHMARK = Benchmark(
    "stream-job",
    "One job on every engine: decode a ticket event of 600 bytes (JSON, in Python with orjson, which Quix Streams "
    "brings), write one table key with changelog, emit one output; four partitions, a tenth as many tickets as events, "
    "at least once, a commit every second (how long lay between two at most, by the broker's clock). The rate counts "
    "from the broker's time of the first output to the moment at which every event is committed; it only counts once "
    "every output was read back, each event once and every ticket in order.",
    run,
    verdict,
    tables,
)
