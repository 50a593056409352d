"""Benchmark `recovery`: from the start of a worker to its first alarm, with 100,000 and 1,000,000 open tickets."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil
from pydantic_core import from_json, to_json

from bench import peers
from bench.engines.job import PARTITIONS as JOB_PARTITIONS
from bench.engines.job import event, folded
from bench.frame import Bench, Benchmark, Results, Table, median
from bench.timer import Timer, after, first_due, open_ticket, token
from bench.topics import ROOT, Committed, Topics, engine, eventually
from services.runtime.processes import Child
from services.sla_timer.state import TimerState

TIMES = 3
PATIENCE = 900


def states(count: int) -> Iterator[tuple[str, TimerState]]:
    """Give open tickets, and a few whose clocks end first, one a second."""
    yield from ((token(number), open_ticket(number)) for number in range(count))
    yield from ((f"T-first-{number}", first_due(number)) for number in range(1, 100))


def first_alarm(timer: Timer, number: int) -> dict[str, float]:
    """Start the worker and give the seconds until the broker has its first alarm, and what the worker holds then."""
    timer.pulse(after(number))
    timer.flush()
    before = timer.commands()
    started = time.time()
    timer.worker.start()
    eventually(lambda: timer.commands() > before, "the first alarm", timer.worker, PATIENCE, every=0.02)
    newest = 0.0
    for message in timer.topics.read(timer.settings.topic("ticket-commands"), 4):
        newest = max(newest, message.timestamp()[1] / 1000)
    return {"seconds": round(newest - started, 2), "resident_mb": resident(timer.worker)}


def resident(child: Child) -> float:
    """Give the resident memory of a process in MB."""
    return round(psutil.Process(child.pid).memory_info().rss / 1e6, 1)


def ours(
    bench: Bench, bootstrap: str, count: int, stores: tuple[str, ...]
) -> dict[str, Callable[[], dict[str, float]]]:
    """Prepare sla-timer with open tickets; per store, each call starts it anew, after kill -9."""
    prefix, numbers = f"open-{count}-", iter(range(1, 100))
    found: dict[str, Callable[[], dict[str, float]]] = {}
    for store in stores:  # one after the other they are the same member of the same group, on the same changelog
        timer = Timer(bootstrap, prefix, bench.home / f"{prefix}{store}", ROOT / "ops", store)
        if not found:
            timer.hold(states(count))
        if store == "rocksdb":  # its first start reads the changelog; from then on it goes on from what is on disk
            first_alarm(timer, next(numbers))
            topic, group = timer.settings.topic("ticket-events"), timer.settings.group("sla-timer")
            committed = Committed(bootstrap, group, topic, 4)
            whole = sum(timer.topics.ends(topic, 4))
            eventually(
                lambda committed=committed, whole=whole: committed.records() == whole,
                "its commit",
                timer.worker,
                PATIENCE,
            )
            timer.worker.kill()
            committed.close()

        def again(timer: Timer = timer) -> dict[str, float]:
            once = first_alarm(timer, next(numbers))
            timer.worker.kill()
            bench.say(f"  {once['seconds']} s")
            return once

        found[store] = again
    return found


def _first_output(topics: Topics, child: Child, started: float, out: str, before: int) -> dict[str, float]:
    def more() -> bool:
        return sum(topics.ends(out, JOB_PARTITIONS)) > before

    eventually(more, "the first output", child, PATIENCE, every=0.02)
    newest = max(message.timestamp()[1] / 1000 for message in topics.read(out, JOB_PARTITIONS))
    return {"seconds": round(newest - started, 2), "resident_mb": resident(child)}


def _value(record: bytes) -> bytes:
    done = folded(None, from_json(record))
    assert done is not None
    return to_json(done[0])


def peer(bench: Bench, topics: Topics, name: str, count: int) -> Callable[[], dict[str, float]]:
    """Prepare the job of `stream-job` with `count` keys on another engine; each call kills and starts it anew.

    It has no clock index to build: its first output after the start stands for the first alarm.
    """
    group = f"recovery-{name.replace('_', '-')}"
    home = bench.home / group
    source, out = f"{group}-source", f"{group}-out"
    topics.create(JOB_PARTITIONS, {source: {}, out: {}, f"{group}-last-changelog": {"cleanup.policy": "compact"}})
    script = {"stock_faust": "stock"}.get(name, "quix")
    program = str(peers.python()) if script == "quix" else None
    env = peers.environment() if script == "quix" else os.environ | {"PYTHONPATH": str(ROOT)}
    given = ["--bootstrap", topics.bootstrap, "--group", group, "--source", source, "--out", out, "--home", str(home)]

    def start() -> Child:
        return engine(f"bench.engines.{script}", given, home, env=env, **({"program": program} if program else {}))

    keys = (event(number, number, 1) for number in range(count))
    if script == "stock":  # would take minutes to fill it; its changelog holds keys and values as they are
        topics.fill(f"{group}-last-changelog", ((key, _value(record)) for key, record in keys))
    else:
        topics.fill(source, keys)
        committed = Committed(topics.bootstrap, group, source, JOB_PARTITIONS)
        child = start()
        eventually(lambda: committed.records() == count, f"{name} to fill its table", child, PATIENCE)
        child.kill()
        committed.close()
    sequences = iter(range(2, 100))

    def again(*, anew: bool) -> dict[str, float]:
        if anew:
            shutil.rmtree(home / "state", ignore_errors=True)
        topics.fill(source, iter([event(count, 0, next(sequences))]))
        before, started = sum(topics.ends(out, JOB_PARTITIONS)), time.time()
        child = start()
        try:
            found = _first_output(topics, child, started, out, before)
        finally:
            child.kill()
        bench.say(f"  {found['seconds']} s")
        return found

    return again


def run(bench: Bench) -> Results:
    """Prepare every engine, then start each of them again and again, in turns."""
    many, few = bench.size(1_000_000, 20_000), bench.size(100_000, 5_000)
    runs: dict[str, Callable[[], dict[str, float]]] = {}
    with bench.cluster() as servers:
        topics = Topics(servers.bootstrap_servers)
        for count in (0, few, many):
            bench.say(f"writing {count:,} open tickets")
            for store, again in ours(bench, servers.bootstrap_servers, count, ("memory", "rocksdb")).items():
                runs[f"ours_{store}_{count}"] = again
        for name in ("stock_faust", "quix"):
            bench.say(f"letting {name} fill its table with {few:,} keys")
            again = peer(bench, topics, name, few)
            runs[f"{name}_memory_{few}" if name == "stock_faust" else f"{name}_changelog_{few}"] = partial(
                again, anew=True
            )
            if name == "quix":
                runs[f"{name}_rocksdb_{few}"] = partial(again, anew=False)
        measured = bench.interleaved(runs, bench.size(TIMES, 1))
    seconds = {name: median((one["seconds"] for one in found), 2) for name, found in measured.items()}
    few_from_changelog = seconds[f"ours_memory_{few}"]
    return {
        "tickets": [few, many],
        "runs": measured,
        "seconds": seconds,
        "from_changelog": seconds[f"ours_memory_{many}"],
        "from_rocksdb": seconds[f"ours_rocksdb_{many}"],
        "ratio_vs_stock_faust": round(seconds[f"stock_faust_memory_{few}"] / few_from_changelog, 1),
        "ratio_vs_quix": round(seconds[f"quix_changelog_{few}"] / few_from_changelog, 1),
        "versions": peers.versions("quixstreams"),
    }


def verdict(found: Results) -> str:
    """Say how long a million take, and the ratios."""
    few, many = found["tickets"]
    return (
        f"{many:,} open tickets: first alarm {found['from_changelog']} s after the start from the changelog, "
        f"{found['from_rocksdb']} s from RocksDB; with {few:,} from the changelog {found['ratio_vs_stock_faust']} x as "
        f"fast as stock Faust, {found['ratio_vs_quix']} x as fast as Quix Streams"
    )


def tables(found: Results) -> list[Table]:
    """Give one row per engine, store and size."""
    names = {"ours": "sla-timer", "stock_faust": "stock Faust", "quix": "Quix Streams"}
    stores = {"memory": "changelog, into memory", "changelog": "changelog, into RocksDB", "rocksdb": "RocksDB on disk"}
    rows = []
    for name, seconds in found["seconds"].items():
        engine_name, store, count = name.rsplit("_", 2)
        held = median((one["resident_mb"] for one in found["runs"][name]), 0)
        rows.append([names[engine_name], stores[store], f"{int(count):,}", f"{seconds}", f"{held:,.0f}"])
    return [Table(("engine", "from", "open tickets", "seconds to the first alarm", "MB"), rows)]


BENCHMARK = Benchmark(
    "recovery",
    "From the start of the worker's process, after kill -9, to the broker's time of its first alarm: imports, "
    "joining the group, tables, clock index and all. sla-timer as it is, with the topics and settings of the "
    "mesh; each ticket has three clocks and three marks. The peers hold as many keys of the `stream-job` and have "
    "no clocks: there it is the first output. Everyone is a static member of its group, so nobody waits for a "
    "session to end.",
    run,
    verdict,
    tables,
)
