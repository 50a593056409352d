"""The whole mesh with more and more tickets standing open, and with two workers of a service instead of one."""

import time
from statistics import mean
from typing import Any

from confluent_kafka.admin import AdminClient

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh import life, stock
from bench.mesh.workers import Workers, together
from schemas.topics import SERVICES
from schemas.topics import load as topic_files
from services.runtime.embedded import EmbeddedCluster
from services.runtime.policy_files import load_policies
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply

STANDING = (10_000, 100_000, 1_000_000)
"""Tickets in the tables of router and sla-timer beside those that are measured."""
PATIENCE = 300
"""Seconds within which a service has recovered a million tickets, on a slow machine too."""


def _run(bench: Bench) -> Results:
    standing = (300,) if bench.quick else STANDING
    # The first makes the broker's compiler do its work, and does not count. The last is the second once more: what
    # the machine itself gained or lost in the meantime.
    rows = [(0, 1), (0, 1), (0, 2), *((count, 1) for count in standing), (0, 1)]
    runs = []
    with bench.cluster(redis=True) as servers:
        for number, (count, workers) in enumerate(rows):
            bench.say(f"{count:,} standing tickets, workers of each service: {workers}")
            runs.append(_row(bench, servers, f"growth-{number}-", count, workers))
            bench.say(f"{runs[-1]['tickets_per_second']:.0f} tickets/s: {runs[-1]}")
    return {"runs": runs[1:]}


def _row(bench: Bench, servers: EmbeddedCluster, prefix: str, standing: int, workers: int) -> dict[str, Any]:
    home = bench.home / prefix
    settings = Settings(
        bootstrap_servers=servers.bootstrap_servers, redis_url=servers.redis_url, home=home, topic_prefix=prefix
    )
    files = topic_files()
    apply(settings, files)
    stock.stand_by(settings, load_policies(settings.policy_dir, settings.jurisdiction), standing, life.MORNING)
    counts = dict.fromkeys(SERVICES, workers) | {"intake": 1}
    at_once = bench.size(life.UNDER_WAY, 100)
    began = time.monotonic()
    with Workers(settings, home / "logs", counts, servers, ready_within=PATIENCE) as running:
        ready = time.monotonic() - began
        mesh = life.Mesh(settings)
        mesh.start()
        handed = life.flow(mesh, 0, bench.size(15, 5), at_once=at_once)
        full = life.measured(mesh, running, handed, bench.size(25, 5), at_once=at_once)
        life.wait_until_done(mesh, 120)
        mesh.stop()
        memory = running.memory_mb()
    lives = full.lives(mesh)
    # What lies there costs the broker something (compaction), and the next row is not to pay for it.
    admin = AdminClient({"bootstrap.servers": servers.bootstrap_servers})
    for deleted in admin.delete_topics([settings.topic(name) for name in files]).values():
        deleted.result(60)
    return {
        "standing": standing,
        "workers": workers,
        "tickets_per_second": round(lives / full.seconds, 1),
        "cpu_ms_per_ticket": {name: round(1000 * used / lives, 2) for name, used in full.cpu.items()},
        "memory_mb": memory,
        "seconds_until_ready": round(ready, 1),
    }


def _rate(found: Results, standing: int, workers: int) -> float:
    rows = [run for run in found["runs"] if (run["standing"], run["workers"]) == (standing, workers)]
    return mean(run["tickets_per_second"] for run in rows)


def _verdict(found: Results) -> str:
    most, alone = max(run["standing"] for run in found["runs"]), _rate(found, 0, 1)
    return (
        f"with {most:,} standing tickets {_rate(found, most, 1) / alone:.2f} times the rate with none, "
        f"with two workers of each service but the door {_rate(found, 0, 2) / alone:.2f} times that with one"
    )


def _tables(found: Results) -> list[Table]:
    heads = (
        "standing tickets", "workers of each service", "tickets/s", "processor time per ticket, ms", "router, MB",
        "sla-timer, MB", "seconds until ready",
    )  # fmt: skip
    rows = [
        [
            f"{run['standing']:,}",
            str(run["workers"]),
            f"{run['tickets_per_second']:.0f}",
            f"{sum(run['cpu_ms_per_ticket'].values()):.1f}",
            *(f"{together(run['memory_mb'], service):,}" for service in ("router", "sla-timer")),
            f"{run['seconds_until_ready']:.0f}",
        ]
        for run in found["runs"]
    ]
    return [Table(heads, rows)]


BENCHMARK = Benchmark(
    name="mesh-growth",
    about=(
        "The highest rate of `mesh`, whole lives of tickets with 1,000 under way, beside tickets that stand open in "
        "the tables of router and sla-timer (written into their changelogs beforehand, made by the real folds, with "
        "limits that end two months later), and with two processes each of router, sla-timer, reminder, revisit and "
        "scoring; the door stays one. The two of reminder and of scoring share by topic, not by partition: each of "
        "these services has two folds, and librdkafka's assignor gives either worker one. Every row has topics of its "
        "own on one broker, 15 s of load that do not count and 25 s that do; a first row does not count. The last row "
        "repeats the first, which shows what the machine itself gained or lost meanwhile; ratios are to the mean of "
        "both. Processor time is that of services, broker and Redis together, without whoever drives them; memory is "
        "that of all workers of the service (PSS). The second processes are started when the first are ready, which "
        "means tables recovered and indexes built."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
