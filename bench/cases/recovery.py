"""Benchmark `recovery`: from the start of a worker to its first alarm, with up to 1,000,000 open tickets."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial

import psutil
from pydantic_core import from_json, to_json

from bench import peers
from bench.commits import Committed
from bench.engines.job import PARTITIONS as JOB_PARTITIONS
from bench.engines.job import event, folded
from bench.frame import Bench, Benchmark, Results, Table, median
from bench.timer import Timer, after, first_due, open_ticket, token
from bench.topics import ROOT, Topics, engine, eventually
from services.runtime.processes import Child
from services.sla_timer.state import TimerState

TIMES = 3
PATIENCE = 600
FIRST = 200
"""Tickets whose clocks end before all others, one a second."""
OF_TWO = 10
"""Alarms that two workers ring at once: of these some are in the partitions of either."""
Found = dict[str, float | None]
"""Seconds to the first alarm, None if none came, and resident MB."""


def states(count: int) -> Iterator[tuple[str, TimerState]]:
    """Give open tickets, and a few whose clocks end first, one a second."""
    yield from ((token(number), open_ticket(number)) for number in range(count))
    yield from ((f"T-first-{number}", first_due(number)) for number in range(1, FIRST))


def first_alarm(timer: Timer, number: int) -> Found:
    """Start the worker and give the seconds until the broker has its first alarm, and what the worker holds then."""
    return alarms(timer, [timer.worker], number, 1)


def alarms(timer: Timer, workers: list[Child], number: int, count: int) -> Found:
    """Start workers and give the seconds until the broker has `count` alarms: of the tickets that are first due."""
    timer.pulse(after(number))
    timer.flush()
    before = timer.commands()
    started = time.time()
    for worker in workers:
        worker.start()
    eventually(lambda: timer.commands() >= before + count, "the first alarm", workers[0], PATIENCE, every=0.02)
    newest = 0.0
    for message in timer.topics.read(timer.settings.topic("ticket-commands"), 4):
        newest = max(newest, message.timestamp()[1] / 1000)
    return {"seconds": round(newest - started, 2), "resident_mb": round(sum(map(resident, workers)), 1)}


def resident(child: Child) -> float:
    """Give the resident memory of a process in MB."""
    return round(psutil.Process(child.pid).memory_info().rss / 1e6, 1)


def ours(bench: Bench, bootstrap: str, count: int, stores: tuple[str, ...]) -> dict[str, Callable[[], Found]]:
    """Prepare sla-timer with open tickets; per store, each call starts it anew, after kill -9."""
    prefix, numbers = f"open-{count}-", iter(range(1, 100))
    found: dict[str, Callable[[], Found]] = {}
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

        def again(timer: Timer = timer) -> Found:
            once = first_alarm(timer, next(numbers))
            timer.worker.kill()
            bench.say(f"  {once['seconds']} s")
            return once

        found[store] = again
    return found


def two_of_ours(bench: Bench, bootstrap: str, count: int) -> Callable[[], Found]:
    """Prepare two workers that share the partitions; each call starts both anew, after kill -9."""
    prefix, numbers = f"two-{count}-", iter(range(OF_TWO, FIRST, OF_TWO))
    timer = Timer(bootstrap, prefix, bench.home / prefix, ROOT / "ops")
    timer.hold(states(count))
    workers = [timer.worker, timer.another("b")]

    def again() -> Found:
        once = alarms(timer, workers, next(numbers), OF_TWO)
        for worker in workers:
            worker.kill()
        bench.say(f"  {once['seconds']} s")
        return once

    return again


def _first_output(topics: Topics, child: Child, started: float, out: str, before: int) -> Found:
    def more() -> bool:
        return sum(topics.ends(out, JOB_PARTITIONS)) > before

    try:
        eventually(more, "the first output", child, PATIENCE, every=0.02)
    except TimeoutError:  # seen once of stock Faust
        return {"seconds": None, "resident_mb": resident(child)}
    newest = max(message.timestamp()[1] / 1000 for message in topics.read(out, JOB_PARTITIONS))
    return {"seconds": round(newest - started, 2), "resident_mb": resident(child)}


def _value(record: bytes) -> bytes:
    done = folded(None, from_json(record))
    assert done is not None
    return to_json(done[0])


def peer(bench: Bench, topics: Topics, name: str, count: int) -> Callable[..., Found]:
    """Prepare the job of `stream-job` with `count` keys on another engine; each call kills and starts it anew.

    It has no clock index to build: its first output after the start stands for the first alarm.
    """
    group = f"recovery-{name.replace('_', '-')}-{count}"
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

    def again(*, anew: bool) -> Found:
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
    """Prepare every engine, then start each of them again and again, in turns; the peers with a million keys once."""
    sizes = [bench.size(1_000_000, 20_000), bench.size(100_000, 5_000), bench.size(10_000, 1_000), 0]
    many, few = sizes[0], sizes[1]
    runs: dict[str, Callable[[], Found]] = {}
    once: dict[str, Callable[[], Found]] = {}
    with bench.cluster() as servers:
        topics = Topics(servers.bootstrap_servers)
        for count in reversed(sizes):
            bench.say(f"writing {count:,} open tickets")
            for store, again in ours(bench, servers.bootstrap_servers, count, ("memory", "rocksdb")).items():
                runs[f"ours_{store}_{count}"] = again
        runs[f"two-of-ours_memory_{many}"] = two_of_ours(bench, servers.bootstrap_servers, many)
        for count, where in ((few, runs), (many, once)):
            for name in ("stock-faust", "quix"):
                bench.say(f"letting {name} fill its table with {count:,} keys")
                start = peer(bench, topics, name, count)
                where[f"{name}_{'changelog' if name == 'quix' else 'memory'}_{count}"] = partial(start, anew=True)
                if name == "quix":
                    where[f"{name}_rocksdb_{count}"] = partial(start, anew=False)
        measured = bench.interleaved(runs, bench.size(TIMES, 1)) | bench.interleaved(once, 1)
    seconds = {name: _middle(found) for name, found in measured.items()}

    def ratio(name: str, count: int) -> float | None:
        theirs, own = seconds[f"{name}_{count}"], seconds[f"ours_memory_{count}"]
        return round(theirs / own, 1) if theirs and own else None

    return {
        "tickets": [few, many],
        "runs": measured,
        "seconds": seconds,
        "from_changelog": seconds[f"ours_memory_{many}"],
        "from_rocksdb": seconds[f"ours_rocksdb_{many}"],
        "ratio_vs_stock_faust": [ratio("stock-faust_memory", few), ratio("stock-faust_memory", many)],
        "ratio_vs_quix": [ratio("quix_changelog", few), ratio("quix_changelog", many)],
        "versions": peers.versions("quixstreams"),
    }


def _middle(found: list[Found]) -> float | None:
    came = [one["seconds"] for one in found if one["seconds"] is not None]
    return median(came, 2) if came else None


def verdict(found: Results) -> str:
    """Say how long a million take, and the ratios."""
    few, many = found["tickets"]

    def beside(ratios: list[float | None]) -> str:
        return " and ".join(str(ratio) if ratio else "(no output)" for ratio in ratios)

    return (
        f"{many:,} open tickets: first alarm {found['from_changelog']} s after the start from the changelog, "
        f"{found['from_rocksdb']} s from RocksDB; with {few:,} and {many:,} from the changelog "
        f"{beside(found['ratio_vs_stock_faust'])} times as fast as stock Faust, {beside(found['ratio_vs_quix'])} times "
        "as fast as Quix Streams"
    )


def tables(found: Results) -> list[Table]:
    """Give one row per engine, store and size."""
    names = {
        "ours": "sla-timer", "two-of-ours": "two of sla-timer", "stock-faust": "stock Faust", "quix": "Quix Streams",
    }  # fmt: skip
    stores = {"memory": "changelog, into memory", "changelog": "changelog, into RocksDB", "rocksdb": "RocksDB on disk"}
    rows = []
    for name, seconds in found["seconds"].items():
        engine_name, store, count = name.split("_")
        runs = found["runs"][name]
        stuck = sum(one["seconds"] is None for one in runs)
        said = [f"{seconds}"] * (seconds is not None)
        said += [f"none within {PATIENCE} s in {stuck} of {len(runs)}"] * (stuck > 0)
        held = median((one["resident_mb"] for one in runs), 0)
        rows.append(
            [names[engine_name], stores[store], f"{int(count):,}", "; ".join(said), str(len(runs)), f"{held:,.0f}"]
        )
    return [Table(("engine", "from", "open tickets", "seconds to the first alarm", "runs", "MB"), rows)]


BENCHMARK = Benchmark(
    "recovery",
    "From the start of the worker's process, after kill -9, to the broker's time of its first alarm: imports, "
    "joining the group, tables, clock index and all. sla-timer as it is, with the topics and settings of the "
    "mesh; each ticket has three clocks and three marks. The peers hold as many keys of the `stream-job` and have "
    "no clocks: there it is the first output. Of two workers, each has half of the partitions, and the last of ten "
    "alarms counts, which are spread over all. Everyone is a static member of its group, so nobody waits for a session "
    "to end.",
    run,
    verdict,
    tables,
)
