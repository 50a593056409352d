"""`hotline explain`: why a ticket is where it is, and how each of its dates came about."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.explain_text import show
from services.cli.log import records
from services.cli.run import policies_of
from services.core.explain.story import NothingKnownError, explain
from services.runtime import wall
from services.runtime.log_file import LogFileError, read_log
from services.runtime.settings import Settings
from services.runtime.ticket_log import TOPICS, Told, told

EXIT_DISAGREES = 1
EXIT_USAGE = 2


class Language(StrEnum):
    """Of the text."""

    ZH = "zh"
    EN = "en"


def explain_ticket(
    ticket: Annotated[str, typer.Argument(help="the token of the ticket, T-...")],
    log: Annotated[Path | None, typer.Option(help="a file of `hotline log export`; default: the Kafka topics")] = None,
    lang: Annotated[Language, typer.Option(help="语言 language")] = Language.ZH,
    at: Annotated[datetime | None, typer.Option(help="as things stood then, UTC; default: at the last fact")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,  # noqa: FBT002
    as_of_now: Annotated[bool, typer.Option("--now", help="what comes next, seen from now")] = False,  # noqa: FBT002
) -> None:
    """Explain a ticket: each fact with cause, rule and rulebook, each date step by step, and what comes next. 说明。

    Every due instant is computed anew. Exit code 1 if one does not agree with what was recorded, 2 if there is no
    such ticket.
    """
    settings = Settings()
    policies = policies_of(settings)
    try:
        source = read_log(log) if log else records(settings, TOPICS, Console(stderr=True))
        said = told(source, ticket).get(ticket, Told())
        facts = list(said.facts.values())
        last = max((fact.time for fact in facts), default=wall.now())
        now = at.replace(tzinfo=wall.now().tzinfo) if at else wall.now() if as_of_now else last
        explanation = explain(ticket, facts, said.commands, policies, now)
    except (LogFileError, NothingKnownError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    if as_json:
        typer.echo(explanation.model_dump_json(indent=2, exclude_none=True))
    else:
        show(explanation, Console(), lang.value)
    raise typer.Exit(EXIT_DISAGREES if explanation.problems else 0)
