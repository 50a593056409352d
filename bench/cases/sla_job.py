"""The real sla-timer: arm, extend, cancel, fire."""

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh import timers
from services.runtime.policy_files import load_policies
from services.runtime.settings import Settings

TICKETS = 30_000
"""Tickets whose facts are read, in each run."""
RUNS = ((0, 1), (10_000, 1), (100_000, 1), (1_000_000, 1), (100_000, 2))
"""Other tickets that stand in the table meanwhile, and workers that share the partitions."""


def _run(bench: Bench) -> Results:
    runs = []
    tickets = bench.size(TICKETS, 2_000)
    with bench.cluster() as servers:
        for number, (standing, workers) in enumerate(((0, 1), *(RUNS[:2] if bench.quick else RUNS))):
            bench.say(f"{standing:,} standing tickets, workers: {workers}{'' if number else ' (a warm-up)'}")
            home = bench.home / str(number)
            settings = Settings(
                bootstrap_servers=servers.bootstrap_servers, home=home, topic_prefix=f"sla-job-{number}-"
            )
            policies = load_policies(settings.policy_dir, settings.jurisdiction)
            runs.append(timers.run(settings, home / "logs", policies, standing, tickets, workers, bench.say))
    return {"runs": runs[1:]}


def _verdict(found: Results) -> str:
    alone, *_ = runs = found["runs"]
    most = max((run for run in runs if run["workers"] == 1), key=lambda run: run["standing"])
    said = (
        f"{alone['events_per_second']:,} facts/s read and {alone['alarms_per_second']:,} alarms/s rung by one worker; "
        f"with {most['standing']:,} other tickets {most['events_per_second'] / alone['events_per_second']:.2f} and "
        f"{most['alarms_per_second'] / alone['alarms_per_second']:.2f} times as many"
    )
    for two in (run for run in runs if run["workers"] == 2):
        one = next(run for run in runs if run["workers"] == 1 and run["standing"] == two["standing"])
        said += (
            f"; two workers {two['events_per_second'] / one['events_per_second']:.2f} and "
            f"{two['alarms_per_second'] / one['alarms_per_second']:.2f} times those of one"
        )
    return said


def _tables(found: Results) -> list[Table]:
    rows = [
        [
            f"{run['standing']:,}",
            str(run["workers"]),
            f"{run['events_per_second']:,}",
            f"{run['alarms_per_second']:,}",
            f"{run['memory_mb']:,}",
        ]
        for run in found["runs"]
    ]
    return [Table(("other tickets", "workers", "facts/s", "alarms/s", "memory of the workers, MB"), rows)]


BENCHMARK = Benchmark(
    name="sla-job",
    about=(
        "The real sla-timer process, with changelog, outputs and a commit every second: the facts of 30,000 tickets "
        "that were opened, dispatched, signed and extended, half of them withdrawn then, wait in `ticket-events`, each "
        "stage for all tickets before the next; then a pulse comes at the instant at which the others are due. The "
        "facts are the router's own, copied under other tokens; so is what the benchmark says in the router's place to "
        "each alarm, which sla-timer waits for and hears. Meanwhile other tickets stand in the table, whose clocks end "
        "later: what a record costs should not depend on them."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
