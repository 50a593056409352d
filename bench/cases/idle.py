"""What the mesh costs when nothing happens."""

import sys
import time

import psutil

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh.workers import Workers
from schemas.topics import SERVICES
from schemas.topics import load as topic_files
from services.runtime.embedded import EmbeddedCluster
from services.runtime.processes import spawn
from services.runtime.settings import Settings, environment
from services.runtime.topics_admin import apply


def _run(bench: Bench) -> Results:
    settle, seconds = bench.size(30, 5), bench.size(60, 10)
    with EmbeddedCluster(bench.home / "servers", redis=True, console=bench.console) as servers:
        settings = Settings(
            bootstrap_servers=servers.bootstrap_servers, redis_url=servers.redis_url, home=bench.home / "mesh"
        )
        apply(settings, topic_files())
        with Workers(settings, bench.home / "logs", dict.fromkeys(SERVICES, 1), servers) as workers:
            argv = [sys.executable, "-m", "services", "clock"]
            clock = spawn("clock", argv, env=environment(settings), log_dir=bench.home / "logs")
            workers.watch("clock", psutil.Process(clock.pid))
            time.sleep(settle)
            bench.say(f"idle for {seconds} s")
            before, began = workers.cpu(), time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - began
            used = {name: 100 * (spent - before[name]) / elapsed for name, spent in workers.cpu().items()}
            memory, resident = workers.memory_mb(), workers.resident_mb()
            clock.stop()
    return {
        "seconds": seconds,
        "cpu_percent_of_a_core": {name: round(value, 2) for name, value in used.items()},
        "memory_mb": memory,
        "resident_mb": resident,
        "cpu_percent_of_a_core_in_all": round(sum(used.values()), 1),
        "memory_mb_in_all": sum(memory.values()),
        "resident_mb_in_all": sum(resident.values()),
    }


def _verdict(found: Results) -> str:
    return (
        f"{found['resident_mb_in_all']:,} MB resident (shared pages counted once: {found['memory_mb_in_all']:,} MB) "
        f"and {found['cpu_percent_of_a_core_in_all']:.1f} % of a core, broker and Redis included "
        "(targets: under 1,500 MB and 15 %)"
    )


def _tables(found: Results) -> list[Table]:
    rows = [
        [name, f"{cpu:.1f}", f"{found['resident_mb'][name]:,}", f"{found['memory_mb'][name]:,}"]
        for name, cpu in found["cpu_percent_of_a_core"].items()
    ]
    return [Table(("process", "% of a core", "resident, MB", "with shared pages by shares (PSS), MB"), rows)]


BENCHMARK = Benchmark(
    name="idle",
    about=(
        "The other end: everything that one county office runs, started as `hotline dev` and `hotline run` start "
        "it, with a pulse every second and nothing else to do: six services, the clock, the broker and Redis, after "
        "half a minute, over a minute."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
