"""What every benchmark is and gets: a broker of its own, interleaved repetitions, progress, a results file."""

import contextlib
import itertools
import json
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.machine import loop_ms, machine, versions
from services.runtime import wall
from services.runtime.embedded import EmbeddedCluster

T = TypeVar("T")
Results = dict[str, Any]
RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Table:
    """A table of docs/performance.md: column heads and rows of text."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark: `run` measures and gives what goes into bench/results/<name>.json.

    `verdict` makes of those results the one line that ends a run and says the ratio, `tables` what
    docs/performance.md shows. Both see only what is in the file.
    """

    name: str
    about: str
    """What is measured, on what, and how: a paragraph of docs/performance.md."""
    run: "Callable[[Bench], Results]"
    verdict: Callable[[Results], str]
    tables: Callable[[Results], Sequence[Table]]


@dataclass
class Bench:
    """What a running benchmark is given."""

    quick: bool
    """Small sizes: to see that it works, not to measure."""
    console: Console
    home: Path
    """A temporary folder."""
    times: int | None = None
    """Repetitions, if others are wanted than the benchmark's own."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def say(self, text: str) -> None:
        """Tell whoever waits."""
        self.console.print(text, highlight=False)

    def size(self, full: int, quick: int) -> int:
        """Give the size to work with."""
        return quick if self.quick else full

    @contextlib.contextmanager
    def cluster(self, brokers: int = 1, *, redis: bool = False) -> Iterator[EmbeddedCluster]:
        """Start an own broker under the temporary folder; its JVM may optimise as it likes."""
        home = self.home / f"cluster-{next(self._numbers)}"
        self.say("starting Kafka")
        with EmbeddedCluster(home, brokers, redis=redis, jvm_options=(), console=self.console) as servers:
            yield servers

    @contextlib.contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar; the function that it gives takes how much is done in all."""
        columns = (TextColumn(f"  {what}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as shown:
            task = shown.add_task(what, total=total)
            yield lambda done: shown.update(task, completed=done)

    def interleaved(self, runs: Mapping[str, Callable[[], T]], times: int) -> dict[str, list[T]]:
        """Run all, then all again, `times` times: what else the machine does meets everybody alike."""
        times = self.times or times
        found: dict[str, list[T]] = {name: [] for name in runs}
        for round_number in range(1, times + 1):
            for name, run in runs.items():
                self.say(f"round {round_number} of {times}: {name}")
                found[name].append(run())
        return found


def median(values: Iterable[float], digits: int = 1) -> float:
    """Give the median, rounded."""
    return round(statistics.median(values), digits)


def perform(benchmark: Benchmark, console: Console, *, quick: bool, times: int | None = None) -> Results:
    """Run one benchmark, print what it found, and write its results file unless it was a quick run."""
    console.rule(benchmark.name)
    about = {"benchmark": benchmark.name, "quick": quick, "at": wall.now().date().isoformat(), "machine": machine()}
    console.print(", ".join(f"{name}: {value}" for name, value in about["machine"].items()), highlight=False)
    before = loop_ms()
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as home:
        found = benchmark.run(Bench(quick, console, Path(home), times))
    about["machine"]["loop_ms"] = [before, loop_ms()]
    results: Results = about | {"versions": versions() | found.pop("versions", {})} | found
    console.print(", ".join(f"{name} {value}" for name, value in results["versions"].items()), highlight=False)
    for table in benchmark.tables(results):
        for row in (table.heads, *table.rows):
            console.print("  " + " | ".join(row), highlight=False)
    if not quick:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{benchmark.name}.json"
        path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    console.print(f"{benchmark.name}: {benchmark.verdict(results)}", style="bold", highlight=False, soft_wrap=True)
    return results
