"""Benchmark `stream-job-growth`: our engine's `stream-job` with more and more tickets, and with two workers."""

from functools import partial

from bench.cases.stream_job import in_python, run_one
from bench.engines.job import PARTITIONS, events
from bench.frame import Bench, Benchmark, Results, Table
from bench.topics import Topics

EVENTS = 1_000_000
ROWS = ((10_000, 1), (100_000, 1), (1_000_000, 1), (100_000, 2))
"""Tickets, and workers that share their partitions."""


def run(bench: Bench) -> Results:
    """Let the same number of events meet tables of different sizes."""
    count, runs = bench.size(EVENTS, 20_000), []
    with bench.cluster() as servers:
        topics = Topics(servers.bootstrap_servers)
        for tickets in sorted({tickets for tickets, _ in ROWS}):
            bench.say(f"writing {count:,} events of {tickets:,} tickets")
            topics.create(PARTITIONS, {f"of-{tickets}": {}})
            topics.fill(f"of-{tickets}", events(count, tickets))
        run_one(bench, topics, "warm-up", partial(in_python, "ours"), count, f"of-{ROWS[0][0]}")
        for tickets, workers in ROWS:
            bench.say(f"{tickets:,} tickets, workers: {workers}")
            start = partial(in_python, "ours", workers=workers)
            found = run_one(bench, topics, f"ours-{tickets}-{workers}", start, count, f"of-{tickets}")
            runs.append({"tickets": tickets, "workers": workers, **found})
    rate = {(one["tickets"], one["workers"]): one["events_per_second"] for one in runs}
    few, some, many = (tickets for tickets, workers in ROWS if workers == 1)
    return {
        "events": count,
        "runs": runs,
        "ratio_of_sizes": round(rate[many, 1] / rate[few, 1], 2),
        "ratio_of_workers": round(rate[some, 2] / rate[some, 1], 2),
    }


def verdict(found: Results) -> str:
    """Say the ratios."""
    sizes = sorted({one["tickets"] for one in found["runs"]})
    return (
        f"with {sizes[-1]:,} tickets {found['ratio_of_sizes']} times the events/s of {sizes[0]:,}, "
        f"with two workers {found['ratio_of_workers']} times those of one"
    )


def tables(found: Results) -> list[Table]:
    """Give one row per size."""
    rows = [
        [
            f"{one['tickets']:,}", str(one["workers"]), f"{one['events_per_second']:,}",
            f"{one['longest_between_commits']:.1f}", f"{one['cpu_us_per_event']:.0f}", f"{one['resident_mb']:,.0f}",
        ]
        for one in found["runs"]
    ]  # fmt: skip
    heads = ("tickets", "workers", "events/s", "longest between commits, s", "CPU µs per event", "MB")
    return [Table(heads, rows)]


BENCHMARK = Benchmark(
    "stream-job-growth",
    "The job of `stream-job` on the project's driver: a million events of so many tickets, each drawn by chance. The "
    "more tickets, the fewer changes of one of them fall into one commit, of which only the last is written.",
    run,
    verdict,
    tables,
)
