"""Deadline arithmetic against businesstimedelta, pandas and numpy."""

import json
import subprocess

from bench import peers
from bench.frame import Bench, Benchmark, Results, Table, median

NAMES = {
    "ours": "this project",
    "businesstimedelta": "businesstimedelta",
    "pandas_custom_business_hour": "pandas CustomBusinessHour",
    "ours_days": "this project, limits in days alone",
    "numpy_busday_offset": "numpy busday_offset, limits in days alone",
    "numpy_column": "numpy busday_offset, a whole column at once",
}


def _run(bench: Bench) -> Results:
    count, rounds = bench.size(1_100, 220), bench.size(3, 2)
    bench.say(f"{count:,} deadlines, {rounds} rounds; every result is compared first")
    command = [peers.python(), "-m", "bench.deadline_contest", str(count), str(rounds)]
    said = subprocess.run(command, env=peers.environment(), cwd=peers.ROOT, check=True, stdout=subprocess.PIPE)
    found = json.loads(said.stdout)
    each = {name: median(values, 3) for name, values in found.pop("microseconds").items()}
    ratio = {
        f"ratio_vs_{name}": round(each[name] / each["ours_days" if name.startswith("numpy") else "ours"], 2)
        for name in NAMES
        if not name.startswith("ours")
    }
    return found | {
        "microseconds": each,
        "equal_results": True,
        **ratio,
        "versions": peers.versions("businesstimedelta", "pandas", "numpy"),
    }


def _verdict(found: Results) -> str:
    return (
        f"{found['ratio_vs_businesstimedelta']:,.0f} times as fast as businesstimedelta, "
        f"{found['ratio_vs_pandas_custom_business_hour']:,.0f} times as pandas CustomBusinessHour, "
        f"{found['ratio_vs_numpy_busday_offset']:.1f} times as numpy busday_offset called per ticket "
        f"(target: 50 times the first two), with equal results for all {found['inputs']:,} inputs"
    )


def _tables(found: Results) -> list[Table]:
    each = found["microseconds"]
    rows = []
    for name, shown in NAMES.items():
        base = "" if name.startswith("ours") else f"{found[f'ratio_vs_{name}']:,.1f}"
        rows.append([shown, f"{each[name]:,.2f}", f"{1e6 / each[name]:,.0f}", base])
    return [Table(("who", "µs per deadline", "deadlines/s", "times as slow"), rows)]


BENCHMARK = Benchmark(
    name="deadlines",
    about=(
        "Due instants of tickets that came at any time of any day from 2019 to September 2026, under the real "
        "calendar (State Council notices with adjusted workdays, office hours 08:30-12:00 and 14:30-18:00): limits "
        "of 1 to 24 working hours and of 1 to 35 working days, due at the close of office. Everybody computes the "
        "same inputs, one call per ticket, and every result is compared before anything is timed. numpy knows no "
        "hours, so it has the limits in days alone; called once for a whole column of days it is as fast as it can "
        "be, which helps nobody who receives tickets one by one."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
