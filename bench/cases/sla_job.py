"""The real sla-timer: arm, extend, cancel, fire."""

from typing import Any

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh import timers
from services.runtime.policy_files import load_policies
from services.runtime.settings import Settings

RUNS = ((10_000, 1), (100_000, 1), (100_000, 2))
"""Tickets, and workers that share their partitions."""
NATION = 9_000_000
"""Open tickets of all hotlines of the country, with three clocks each."""


def _run(bench: Bench) -> Results:
    runs = []
    for tickets, workers in ((2_000, 1),) if bench.quick else RUNS:
        with bench.cluster() as servers:
            home = bench.home / f"{tickets}-{workers}"
            settings = Settings(bootstrap_servers=servers.bootstrap_servers, home=home)
            policies = load_policies(settings.policy_dir, settings.jurisdiction)
            runs.append(timers.run(settings, home / "logs", policies, tickets, workers, bench.say))
    return {"runs": runs}


def _base(found: Results) -> dict[str, Any]:
    run: dict[str, Any] = max((run for run in found["runs"] if run["workers"] == 1), key=lambda run: run["tickets"])
    return run


def _verdict(found: Results) -> str:
    run = _base(found)
    more = [other for other in found["runs"] if other["workers"] == 2]
    grown = (
        f", {more[0]['events_per_second'] / run['events_per_second']:.2f} times that with two workers" if more else ""
    )
    return (
        f"{run['events_per_second']:,} facts/s read and {run['alarms_per_second']:,} alarms/s rung by one worker with "
        f"{run['tickets']:,} tickets{grown}"
    )


def _tables(found: Results) -> list[Table]:
    rows = [
        [
            f"{run['tickets']:,}",
            str(run["workers"]),
            f"{run['events_per_second']:,}",
            f"{run['alarms_per_second']:,}",
            f"{run['memory_mb']:,}",
        ]
        for run in found["runs"]
    ]
    return [Table(("tickets", "workers", "facts/s", "alarms/s", "memory of the workers, MB"), rows)]


BENCHMARK = Benchmark(
    name="sla-job",
    about=(
        "The real sla-timer process, with changelog, outputs and a commit every second: the facts of tickets that were "
        "opened, dispatched, signed and extended, half of them withdrawn then, wait in `ticket-events`, each stage for "
        "all tickets before the next; then pulses come at the instant at which the others are due. The facts are the "
        "router's own, copied under other tokens."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
