"""Benchmark `memory`: resident bytes per open ticket with three clocks, in a worker of sla-timer."""

import json
import subprocess
import sys

from bench.cases.recovery import ours
from bench.frame import Bench, Benchmark, Results, Table, median
from bench.topics import ROOT

TIMES = 3


def run(bench: Bench) -> Results:
    """Recover workers of three sizes, in turns, and compare what each holds with what an empty one does."""
    sizes = [0, bench.size(100_000, 5_000), bench.size(1_000_000, 20_000)]
    with bench.cluster() as servers:
        runs = {}
        for size in sizes:
            bench.say(f"writing {size:,} open tickets")
            runs[str(size)] = ours(bench, servers.bootstrap_servers, size, ("memory",))["memory"]
        measured = bench.interleaved(runs, bench.size(TIMES, 1))
    resident = {name: median((one["resident_mb"] for one in found), 1) for name, found in measured.items()}
    empty = resident["0"]
    each = {name: round((held - empty) * 1e6 / int(name)) for name, held in resident.items() if name != "0"}
    parts = [sys.executable, "-m", "bench.engines.holding", str(sizes[-1])]
    said = subprocess.run(parts, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return {
        "runs": measured,
        "resident_mb": resident,
        "bytes_per_ticket": each,
        "of_which": json.loads(said),
        "at_most_1000_bytes": max(each.values()) <= 1000,
        "ratio_to_1000_bytes": round(max(each.values()) / 1000, 2),
    }


def verdict(found: Results) -> str:
    """Say the bytes, and what part of the target they are."""
    said = ", ".join(f"{each} bytes per ticket at {int(size):,}" for size, each in found["bytes_per_ticket"].items())
    return f"{said}: at most {found['ratio_to_1000_bytes']:.0%} of 1 KB"


def tables(found: Results) -> list[Table]:
    """Give the sizes, and where the bytes go."""
    rows = [
        [f"{int(size):,}", f"{held:,.0f}", str(found["bytes_per_ticket"].get(size, ""))]
        for size, held in found["resident_mb"].items()
    ]
    parts = [[name, str(each)] for name, each in found["of_which"].items()]
    return [
        Table(("open tickets", "resident MB of the worker", "bytes per ticket"), rows),
        Table(("of which, measured without Kafka", "bytes per ticket"), parts),
    ]


BENCHMARK = Benchmark(
    "memory",
    "Resident memory of a real worker of sla-timer that recovered its tickets from the changelog into memory and "
    "rang its first alarm, less that of one without tickets. Each ticket has three clocks and three marks; the "
    "window for a return and the half-time mark fall on instants of their own.",
    run,
    verdict,
    tables,
)
