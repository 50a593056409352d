"""Mutation testing of the core: runs mutmut from where the last run stopped, then writes docs/mutation.md.

`--again` tries the survivors once more (after new tests; with `--only` those that match), `--fresh` forgets every
result, `--report` only writes.
Fails if fewer than 90 % of the mutants that ran are killed, or a survivor has no reason in mutation-survivors.yaml.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version
from itertools import count
from pathlib import Path
from platform import python_version
from typing import Any

import libcst as cst
import mutmut.__main__ as mutmut_main
import yaml
from mutmut.configuration import Config
from mutmut.mutation import file_mutation, trampoline
from rich.console import Console

from tests.mutmut_runner import OUT_OF_TIME, PreparedRunner, settled_trampoline

ROOT = Path(__file__).parents[1]
MUTANTS = ROOT / "mutants"
REASONS = ROOT / "tests" / "mutation-survivors.yaml"
REPORT = ROOT / "docs" / "mutation.md"
WANTED = 90.0
KILLED = {1, 3, 24, 36, 152, 255, -24, -9, -signal.SIGPROF}
"""Exit codes of a test run that failed, or did not end in its time: mutmut's `killed` and `timeout`."""
SURVIVED, NO_TESTS, NOT_RUN = 0, {5, 33}, {None, 2}
UNFINISHED = "Not settled: the time of the run (`--seconds`) was up before every test that reaches it had its turn."
console = Console(width=120)


def mutate_dataclasses_too() -> None:
    """Let mutmut into classes decorated with `dataclass`, which it leaves out: WorkCalendar and Decision are such."""
    visitor = file_mutation.MutationVisitor
    original = visitor._skip_node_and_children

    def skip(self: Any, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.ClassDef) and node.decorators:
            named = [cst.Module([]).code_for_node(decorator.decorator) for decorator in node.decorators]
            return not all(name.startswith("dataclass") for name in named)
        return bool(original(self, node))

    visitor._skip_node_and_children = skip  # type: ignore[method-assign]


def mixed(name: str, first: str) -> tuple[bool, str]:
    """Place a mutant in the run: those that match `first`, then the others, mixed: part of a run is a fair sample."""
    return not re.search(first, name), sha256(name.encode()).hexdigest()


def now_and_then(show: Callable[..., None]) -> Callable[..., None]:
    """Count up the thousands of results after each fiftieth only."""
    calls = count()

    def shown(data: Any, force_output: bool = False) -> None:
        if force_output or next(calls) % 50 == 0:
            show(data, force_output=force_output)

    return shown


@dataclass
class Module:
    """The mutants of one module by outcome; the survivors by name."""

    path: str
    killed: int = 0
    not_run: int = 0
    survivors: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    """Survivors of the tests that had their turn; others were left when the time of `--seconds` was up."""

    @property
    def ran(self) -> int:
        return self.killed + len(self.alive)

    @property
    def alive(self) -> list[str]:
        return [*self.survivors, *self.untested, *self.unfinished]


def results() -> list[Module]:
    """Read what mutmut noted beside each mutated module."""
    modules = []
    for meta in sorted((MUTANTS / "services" / "core").rglob("*.py.meta")):
        path = str(meta.relative_to(MUTANTS)).removesuffix(".meta")
        if not (ROOT / path).exists():
            continue
        module = Module(path)
        for name, code in json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            if code in NOT_RUN:
                module.not_run += 1
            elif code == SURVIVED:
                module.survivors.append(name)
            elif code == OUT_OF_TIME:
                module.unfinished.append(name)
            elif code in NO_TESTS:
                module.untested.append(name)
            elif code in KILLED:
                module.killed += 1
            else:
                raise SystemExit(f"{name}: mutmut ended with {code}, which is neither killed nor survived")
        if module.ran or module.not_run:
            modules.append(module)
    return modules


def changed_lines(name: str) -> tuple[str, str]:
    """Give the line of the program and the line of the mutant."""
    diff = mutmut_main.get_diff_for_mutant(name).splitlines()
    lines = {
        sign: " ".join(line[1:].strip() for line in diff if line.startswith(sign) and not line.startswith(sign * 3))
        for sign in "-+"
    }
    return lines["-"], lines["+"]


def reason_for(name: str, right: str, wrong: str, reasons: list[dict[str, str]]) -> str | None:
    """Give the reason written for a survivor: the first whose `where` and `change` match."""
    for entry in reasons:
        if re.search(entry["where"], name) and re.search(entry["change"], f"{right} -> {wrong}"):
            return entry["reason"]
    return None


def report() -> int:
    """Write docs/mutation.md; give 1 if too few are killed or a survivor has no reason."""
    modules = results()
    reasons: list[dict[str, str]] = yaml.safe_load(REASONS.read_text(encoding="utf-8")) or []
    killed, ran = sum(m.killed for m in modules), sum(m.ran for m in modules)
    not_run = sum(m.not_run for m in modules)
    survivors, unexplained = [], []
    for module in modules:
        for name in module.alive:
            right, wrong = changed_lines(name)
            reason = reason_for(name, right, wrong, reasons) or (UNFINISHED if name in module.unfinished else None)
            if reason is None:
                unexplained.append(name)
                console.print(f"[red]{name}[/red]\n  - {right}\n  + {wrong}", markup=True, highlight=False)
            survivors.append((name, right, wrong, reason or "**no reason given**"))
    share = 100 * killed / ran if ran else 0.0
    REPORT.write_text(_page(modules, survivors, killed, ran, not_run), encoding="utf-8")
    console.print(
        f"{killed} of {ran} mutants killed: {share:.1f} %; {not_run} not run; {len(unexplained)} without reason"
    )
    return int(share < WANTED or bool(unexplained))


def _page(modules: list[Module], survivors: list[tuple[str, ...]], killed: int, ran: int, not_run: int) -> str:
    unfinished = sum(len(module.unfinished) for module in modules)
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    lines = [
        "# Mutation testing of the core",
        "",
        f"`make mutation` changes `services/core` in {ran + not_run} ways, one at a time, and runs the tests",
        "that reach the function changed.",
        f"**{killed} of {ran} mutants are killed: {100 * killed / ran:.1f} %.** Not run: {not_run}.",
        f"Commit {head.stdout.strip()}, Python {python_version()}, mutmut {version('mutmut')}.",
        "The result of a mutant stands until its function changes, or `--again` tries the survivors once more; so",
        "results of runs at several commits may stand beside each other. `Gap` says that a test is wanting.",
        "The order is mixed by a hash of the mutant's name, those of `--first` before the others.",
        f"{unfinished} survivors are not settled: `--seconds` ended before each test that reaches them had its turn.",
        "They count as survivors until `--again` tries them.",
        f"Of the {ran - unfinished} that are settled, {100 * killed / max(ran - unfinished, 1):.1f} % are killed.",
        "",
        "Left out by mutmut are decorated functions (pydantic's validators, properties) and what runs at import;",
        "validators are tested in `tests/core` and `tests/runtime/test_policy_files.py`. Dataclasses, which mutmut",
        "leaves out as well, are mutated here.",
        "",
        "| module | mutants run | killed | survived | % | not run |",
        "|---|---|---|---|---|---|",
    ]
    for module in modules:
        lost = len(module.alive)
        share = f"{100 * module.killed / module.ran:.0f}" if module.ran else "—"
        lines.append(f"| `{module.path}` | {module.ran} | {module.killed} | {lost} | {share} | {module.not_run} |")
    lines += ["", "## Survivors", "", "| where | program | mutant | why it may live |", "|---|---|---|---|"]
    for name, right, wrong, reason in survivors:
        where = (
            name.removeprefix("services.core.")
            .replace("__mutmut_", " #")
            .replace(".x_", ".")
            .replace("xǁ", "")
            .replace("ǁ", ".")
        )
        lines.append(f"| {where} | {_code(right)} | {_code(wrong)} | {reason} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else "—"


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="try the survivors once more")
    parser.add_argument("--only", default="", metavar="REGEX", help="with --again: those whose names match")
    parser.add_argument("--fresh", action="store_true", help="forget every result first")
    parser.add_argument("--report", action="store_true", help="run nothing, only write docs/mutation.md")
    parser.add_argument(
        "--seconds", type=float, help="processor time for a mutant before it counts as survived (default: all tests)"
    )
    parser.add_argument("--first", default="^$", metavar="REGEX", help="mutants to run before the others, by name")
    parser.add_argument("--children", type=int, default=2, help="how many at the same time (default 2)")
    args = parser.parse_args()
    mutate_dataclasses_too()
    trampoline.wrap_in_trampoline = settled_trampoline
    mutmut_main.PytestRunner = PreparedRunner  # type: ignore[misc]
    mutmut_main.estimated_worst_case_time = lambda name: mixed(name, args.first)  # type: ignore[assignment]
    mutmut_main.print_stats = now_and_then(mutmut_main.print_stats)
    mutmut_main.register_timeout = lambda **_: None  # type: ignore[assignment]  # PreparedRunner counts processor time
    PreparedRunner.seconds_per_mutant = args.seconds
    Config.ensure_loaded()
    if args.fresh:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    if not args.report:
        names = [name for m in results() for name in m.alive if re.search(args.only, name)] if args.again else []
        mutmut_main._run(names, args.children)
    return report()


if __name__ == "__main__":
    sys.exit(main())
