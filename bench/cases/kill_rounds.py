"""Benchmark `kill-rounds`: kill -9 sla-timer a hundred times under load, then compare with an oracle of its own."""

from bench.chaos.load import Load
from bench.chaos.nursery import Nursery
from bench.chaos.rounds import strike
from bench.frame import Bench, Benchmark, Results, Table
from bench.timer import Timer
from bench.topics import ROOT
from services.runtime.settings import environment

ROUNDS = 100


def run(bench: Bench) -> Results:
    """Strike, wait until all is digested, judge."""
    rounds = bench.size(ROUNDS, 5)
    with bench.cluster() as servers, bench.progress("kill -9", rounds) as show:
        timer = Timer(servers.bootstrap_servers, "kill-", bench.home, ROOT / "ops")
        timer.worker = Nursery(bench.home / "workers.log", environment(timer.settings))
        return strike(Load(timer, seed=12345), rounds, show)


def verdict(found: Results) -> str:
    """Say what was lost."""
    return (
        f"{found['rounds']} x kill -9: {found['violations']['offset gap']} offset gaps, "
        f"{found['violations']['lost timer']} lost timers among {found['alarms']:,}, "
        f"{sum(found['violations'].values())} violations in all; ratio of alarms said to expected "
        f"{found['alarms_said'] / found['alarms']:.4f}"
    )


def tables(found: Results) -> list[Table]:
    """Give the load and the invariants."""
    load = [
        ["rounds", f"{found['rounds']}"],
        *([f"killed {when}", f"{count}"] for when, count in found["killed"].items()),
        ["backlog at the next start, median and largest", f"{found['backlog_median']:,} and {found['backlog_max']:,}"],
        ["tickets", f"{found['tickets']:,}"],
        ["facts and pulses", f"{found['records']:,}"],
        ["alarms expected", f"{found['alarms']:,}"],
        ["commands written, copies included", f"{found['commands']:,}"],
        ["of them copies of one said before a kill", f"{found['copies']:,}"],
        ["seconds in all", f"{found['seconds']:,}"],
    ]
    invariants = [[name, str(count)] for name, count in found["violations"].items()]
    return [Table(("load", ""), load), Table(("invariant violated", "times"), invariants)]


BENCHMARK = Benchmark(
    "kill-rounds",
    "sla-timer's real worker under a steady load of facts and pulses in simulated time is killed with SIGKILL a "
    "hundred times, a third of them while it starts or recovers, and started again on its backlog (forked from a "
    "process that has its imports). Then everything on the broker is read back and compared with an oracle "
    "(`bench/chaos/oracle.py`) that shares no code with the engine: it goes through the records as they lie in "
    "each partition and says by hand which clock rings at which pulse.",
    run,
    verdict,
    tables,
)
