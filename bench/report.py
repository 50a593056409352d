"""The tables of docs/performance.md, made from bench/results/*.json: `python -m bench.report [check]`.

Between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` all is generated; the rest of the page is written by hand.
"""

import json
import re
import sys
from pathlib import Path

from bench import cases
from bench.frame import RESULTS, Benchmark, Results, Table

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BLOCK = re.compile(r"<!-- bench:([a-z0-9-]+) -->\n.*?<!-- /bench:\1 -->", re.DOTALL)


def markdown(table: Table) -> str:
    """Give a table as Markdown."""
    lines = [table.heads, ["---"] * len(table.heads), *table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(benchmark: Benchmark, results: Results) -> str:
    """Give the generated block of one benchmark."""
    machine, versions = results["machine"], results["versions"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}"
    used = ", ".join(f"{name} {value}" for name, value in versions.items())
    parts = [benchmark.about, *(markdown(table) for table in benchmark.tables(results))]
    load = f"load average {machine['load_before']} before the run"
    if "loop_ms" in machine:
        load += ", a fixed loop of Python in {} ms before it and {} ms after it".format(*machine["loop_ms"])
    parts += [f"**{benchmark.verdict(results)}**", f"Measured {results['at']} on {where}, {load}; {used}."]
    return f"<!-- bench:{benchmark.name} -->\n" + "\n\n".join(parts) + f"\n<!-- /bench:{benchmark.name} -->"


def page(text: str) -> str:
    """Give the page with every block made anew from its results file; raises ValueError if block and file differ."""
    known = cases.find()
    measured = {path.stem for path in RESULTS.glob("*.json")}
    shown = set(_BLOCK_NAMES.findall(text))
    if measured != shown or not measured <= set(known):
        raise ValueError(
            f"results {sorted(measured)}, benchmarks {sorted(known)} and blocks on the page {sorted(shown)} do not "
            "belong together: each results file needs its benchmark and its block"
        )

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        return section(known[name], json.loads((RESULTS / f"{name}.json").read_text()))

    return _BLOCK.sub(block, text)


_BLOCK_NAMES = re.compile(r"<!-- bench:([a-z0-9-]+) -->")


def generate() -> None:
    """Bring the page up to date; a benchmark measured for the first time gets a block at the end."""
    text = PAGE.read_text()
    for path in sorted(RESULTS.glob("*.json")):
        if f"<!-- bench:{path.stem} -->" not in text:
            text += f"\n## {path.stem}\n\n<!-- bench:{path.stem} -->\n<!-- /bench:{path.stem} -->\n"
    PAGE.write_text(page(text))


def main() -> int:
    """Generate, or check that nothing is to be generated."""
    if sys.argv[1:] == ["check"]:
        text = PAGE.read_text()
        if page(text) != text:
            print("docs/performance.md is not what bench/results/ gives: run `python -m bench.report`", file=sys.stderr)
            return 1
        return 0
    generate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
