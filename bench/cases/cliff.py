"""The deadline cliff: all day limits end at the close of office."""

from typing import Any

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh import cliff
from bench.mesh.workers import together
from services.runtime.policy_files import load_policies
from services.runtime.settings import Settings

TARGETS = {100_000: 8, 1_300_000: 180}
"""Clocks, and the seconds within which they are to be facts."""
ROWS = ((10_000, 1), (100_000, 1), (100_000, 2), (1_300_000, 1))
"""Clocks, and processes each of router and sla-timer."""
WARM_UP = (20_000, 1)
"""Those of a first cliff, which does not count."""


def _run(bench: Bench) -> Results:
    runs = []
    with bench.cluster() as servers:
        for clocks, workers in (WARM_UP, *(ROWS[:1] if bench.quick else ROWS)):
            bench.say(f"{clocks:,} clocks due at one instant, workers: {workers}")
            home = bench.home / f"{clocks}-{workers}"
            settings = Settings(
                bootstrap_servers=servers.bootstrap_servers, home=home, topic_prefix=f"cliff-{len(runs)}-"
            )
            policies = load_policies(settings.policy_dir, settings.jurisdiction)
            runs.append(cliff.run(settings, home / "logs", policies, clocks, workers, servers, bench.say))
            bench.say(f"{_one(runs[-1])}: {runs[-1]}")
    del runs[0]  # until a broker's compiler has done its work, it takes more of the machine than all else
    return {"runs": runs}


def _one(run: dict[str, Any]) -> str:
    target = TARGETS.get(run["clocks"]) if run["workers"] == 1 else None
    return f"{run['clocks']:,} in {run['drain_seconds']:.1f} s" + (f" (target {target} s)" if target else "")


def _verdict(found: Results) -> str:
    alone = [run for run in found["runs"] if run["workers"] == 1]
    worst = max(run["delay_meanwhile"]["p99"] for run in alone)
    steady = max(run["steady_lateness"]["p99"] for run in alone)
    drained = ", ".join(map(_one, alone))
    return (
        f"alarms turned into facts: {drained}; p99 delay of the neighbours meanwhile {worst:.2f} s, "
        f"steady lateness p99 {steady:.2f} s (targets: 2 s)"
    )


def _spread(values: dict[str, float]) -> str:
    return " / ".join(f"{values[name]:.2f}" for name in ("p50", "p99", "max")) if values else ""


def _cost(run: dict[str, Any], name: str) -> str:
    return f"{together(run['cpu_seconds'], name):.0f} s, {together(run['memory_mb'], name):,} MB"


def _tables(found: Results) -> list[Table]:
    rows = [
        [
            f"{run['clocks']:,}",
            str(run["workers"]),
            f"{run['drain_seconds']:.1f}",
            f"{run['facts_per_second']:,}",
            _spread(run["lateness"]),
            _spread(run["steady_lateness"]),
            _spread(run["delay_before"]),
            _spread(run["delay_meanwhile"]),
        ]
        for run in found["runs"]
    ]
    heads = (
        "clocks due", "workers of each", "seconds to drain", "facts/s", "lateness p50 / p99 / max, s",
        "steady lateness, s", "neighbours' delay before, s", "meanwhile, s",
    )  # fmt: skip
    spent = [
        [
            f"{run['clocks']:,}",
            str(run["workers"]),
            *(_cost(run, name) for name in ("router", "sla-timer", "kafka-1")),
            f"{run['load_seconds']:.0f} s, {run['recovery_seconds']:.0f} s",
        ]
        for run in found["runs"]
    ]  # fmt: skip
    of = ("clocks due", "workers of each", "router", "sla-timer", "broker", "loading, start and recovery")
    return [Table(heads, rows), Table(of, spent)]


BENCHMARK = Benchmark(
    name="cliff",
    about=(
        "Clocks that are all due at one close of office, beside 100 commands a second about other tickets and 20 "
        "tickets a second whose limits run out by themselves. Every ticket of the cliff has two clocks that are "
        "due, the unit's and the citizen's, so 1,300,000 clocks are 650,000 tickets: their states were written into "
        "the changelogs of router and sla-timer beforehand, in the tables' own formats, made by the real folds; the "
        "real router and the real sla-timer, one process each or two, recover them and turn the alarms into facts on "
        "`ticket-events`. Time is that of the broker (LogAppendTime), from the instant at which the clock is due. "
        "Every clock is found breached once, stamped with the due instant; the facts of 2,000 tickets are compared "
        "byte by byte with what the core decides without Kafka."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
