"""`hotline replay`: decide every command again with fresh state, and compare with what was said."""

import typer

from schemas.topics import load
from services.cli.run import make_service, policies_of
from services.runtime.replay import compare
from services.runtime.settings import Settings

EXIT_DIFFERS = 3


def replay() -> None:
    """Read ticket-commands from offset 0, decide everything again, compare with ticket-events. 重放核对。

    Exit code 0 if every fact of every ticket is byte-identical and in the same order, 3 if not.
    """
    settings = Settings()
    found = compare(settings, load(), make_service("router", policies_of(settings)))
    typer.echo(f"{found.facts} facts of {found.tickets} tickets; digest {found.digest}")
    if found.differing:
        typer.echo(f"differ, first ten tickets: {', '.join(found.differing)}", err=True)
        raise typer.Exit(EXIT_DIFFERS)
    typer.echo("a replay says the same")
