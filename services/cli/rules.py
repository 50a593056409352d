"""`hotline rules`: check the policy files, compare two rulebooks, decide a log anew under another."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from services.cli.simulation import Simulation, simulate
from services.core.policy import Policy
from services.core.rulebook import Rulebook
from services.runtime.log_file import LogFileError, read_log
from services.runtime.policy_files import PolicyFileError, load_knowledge, load_policies, parse, with_rulebook
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Rulebooks: check, compare, simulate. 规则。")
EXIT_WRONG = 1
EXIT_USAGE = 2
SHOWN = 20


@app.command()
def check(
    root: Annotated[Path | None, typer.Argument(help="the policy folder; default: HOTLINE_POLICY_DIR")] = None,
) -> None:
    """Read every jurisdiction's rulebooks, directory, calendars and knowledge; exit code 1 if one is wrong."""
    folder = root or Settings().policy_dir
    names = sorted(path.name for path in (folder / "rulebooks").iterdir()) if (folder / "rulebooks").is_dir() else []
    if not names:
        typer.echo(f"{folder}/rulebooks: no jurisdiction", err=True)
        raise typer.Exit(EXIT_WRONG)
    wrong = False
    for name in names:
        try:
            policies = load_policies(folder, name)
            load_knowledge(folder, name, policies.newest.directory)
        except PolicyFileError as error:
            wrong = True
            typer.echo(str(error), err=True)
            continue
        for _, policy in policies.segments:
            book, calendar = policy.rulebook, policy.calendar
            typer.echo(
                f"{name} {book.version} ({book.hash}) from {book.effective_from}; calendar {calendar.version}, "
                f"notices to {calendar.known_until}; {len(policy.directory.units)} units{_own_hours(policy)}, "
                f"{len(policy.directory.categories)} categories"
            )
    raise typer.Exit(EXIT_WRONG if wrong else 0)


def _own_hours(policy: Policy) -> str:
    count = len(policy.unit_histories)
    return f" ({count} with office hours of their own)" if count else ""


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Give every leaf of a rulebook by its dotted path."""
    if isinstance(value, dict):
        return {k: v for name, part in value.items() for k, v in flat(part, f"{path}.{name}" if path else name).items()}
    return {path: value}


def _book(path: Path) -> Rulebook:
    try:
        return parse(Rulebook, path.read_text(encoding="utf-8"), str(path))
    except (OSError, PolicyFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="a rulebook file")],
    new: Annotated[Path, typer.Argument(help="another")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,  # noqa: FBT002
) -> None:
    """Show what two rulebooks say differently, defaults filled in; exit code 1 if anything, 0 if nothing."""
    before, after = (flat(_book(path).model_dump(mode="json", by_alias=True)) for path in (old, new))
    changed = {k: (before.get(k), after.get(k)) for k in sorted({*before, *after}) if before.get(k) != after.get(k)}
    if as_json:
        typer.echo(json.dumps({k: {"old": a, "new": b} for k, (a, b) in changed.items()}, ensure_ascii=False, indent=2))
    elif changed:
        table = Table("rule 规则", old.stem, new.stem)
        for name, (a, b) in changed.items():
            table.add_row(name, "–" if a is None else str(a), "–" if b is None else str(b))
        Console().print(table)
    else:
        typer.echo("the rulebooks say the same 两份规则一致")
    raise typer.Exit(1 if changed else 0)


@app.command("simulate")
def simulate_rules(
    rulebook: Annotated[Path, typer.Option(help="the rulebook to decide under, from its effective_from on")],
    log: Annotated[Path, typer.Option(help="a file of `hotline log export`")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,  # noqa: FBT002
) -> None:
    """Decide a recorded log anew under another rulebook, and show which tickets would have gone otherwise. 规则推演。

    What people and platforms said is taken from the log as it was; the mesh's own alarms, reviews and closings are
    made anew. Exit code 0, whatever differs.
    """
    settings = Settings()
    try:
        now = load_policies(settings.policy_dir, settings.jurisdiction)
        policies = with_rulebook(now, settings.policy_dir, _book(rulebook))
        records = list(track(read_log(log), "reading 读取", console=Console(stderr=True), transient=True))
        found = simulate(records, policies, Console(stderr=True))
    except (LogFileError, PolicyFileError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    if as_json:
        typer.echo(json.dumps(found.summary(), ensure_ascii=False, indent=2))
    else:
        _show(found)


def _show(found: Simulation) -> None:
    console = Console()
    console.print(f"{found.tickets} tickets, {len(found.differences)} decided otherwise 结果不同", highlight=False)
    if not found.differences:
        return
    table = Table("fact 事实", "recorded 原记录", "simulated 推演")
    for name, (recorded, simulated) in found.totals.items():
        table.add_row(name, str(recorded), str(simulated))
    console.print(table)
    for difference in found.differences[:SHOWN]:
        said = f"{difference.ticket}\n  - {difference.recorded}\n  + {difference.simulated}"
        console.print(said, soft_wrap=True, highlight=False)
    if len(found.differences) > SHOWN:
        console.print(f"... and {len(found.differences) - SHOWN} more; --json has them all")
