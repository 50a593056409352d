"""`hotline topics`: the topic files against the broker."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from schemas.topics import load
from services.runtime.settings import Settings
from services.runtime.topics_admin import BrokerUnreachableError, Change
from services.runtime.topics_admin import apply as apply_topics
from services.runtime.topics_admin import plan as plan_topics

app = typer.Typer(no_args_is_help=True, help="Topics as files: list, plan, apply. 主题管理。")
EXIT_DIFFERS = 3
EXIT_UNREACHABLE = 6


def _show(changes: list[Change]) -> None:
    table = Table("topic", "action", "detail")
    for change in changes:
        table.add_row(change.topic, change.action, change.detail)
    Console().print(table)


def _unreachable(error: BrokerUnreachableError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(EXIT_UNREACHABLE)


@app.command("list")
def list_topics() -> None:
    """List the topics as their files describe them."""
    table = Table("topic", "role", "key", "writers", "readers", "partitions", "retention", "personal data")
    for topic in load().values():
        days = "for ever" if topic.retention.days < 0 else f"{topic.retention.days} d"
        table.add_row(
            topic.name, topic.role, topic.key, ", ".join(topic.writers), ", ".join(topic.readers),
            str(topic.partitions), f"{topic.retention.cleanup}, {days}", topic.personal_data,
        )  # fmt: skip
    Console().print(table)


@app.command()
def plan() -> None:
    """Show what `apply` would create and where the broker differs; exit code 3 if anything, 0 if nothing."""
    try:
        changes = plan_topics(Settings(), load())
    except BrokerUnreachableError as error:
        raise _unreachable(error) from None
    if not changes:
        typer.echo("the broker agrees with the topic files")
        return
    _show(changes)
    raise typer.Exit(EXIT_DIFFERS)


@app.command()
def apply(*, quiet: Annotated[bool, typer.Option("--quiet", help="say only what needs a decision")] = False) -> None:
    """Create what is missing. Existing topics are never altered: differences are shown, exit code 3."""
    try:
        differences = apply_topics(Settings(), load(), (lambda _line: None) if quiet else typer.echo)
    except BrokerUnreachableError as error:
        raise _unreachable(error) from None
    if differences:
        _show(differences)
        raise typer.Exit(EXIT_DIFFERS)
    if not quiet:
        typer.echo("the broker agrees with the topic files")
