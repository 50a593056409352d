"""`hotline hot` and `hotline score leaks`: what a person should look at, read from the log and the audit trail."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from schemas.audit import Audited
from schemas.facts import Fact
from schemas.wire import WireError, decode
from services.cli.explain import EXIT_USAGE, Language
from services.cli.log import records
from services.cli.run import policies_of
from services.cli.score import AsJson, Lang, LogFile
from services.core.hot_issues import K, hot_issues, monday_of
from services.core.leaks import suspicions
from services.runtime import wall
from services.runtime.engine import Record
from services.runtime.log_file import LogFileError, read_log
from services.runtime.settings import Settings

TRENDS = {"new": "新出现", "rising": "上升", "steady": "平稳", "falling": "下降"}
DIMENSIONS = {"unit": "承办单位", "category": "诉求类别", "area": "区域"}


def _events(source: list[Record]) -> list[object]:
    found: list[object] = []
    for record in source:
        try:
            found.append(decode(record.headers, record.value))
        except WireError:
            continue  # it is in the dead letters, with its reason
    return found


def _read(log: LogFile, topic: str) -> list[Record]:
    try:
        said = list(read_log(log)) if log else records(Settings(), (topic,), Console(stderr=True))
    except LogFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    return [record for record in said if record.position.topic == topic]


def hot(
    week: Annotated[str | None, typer.Argument(help="a day of the week, 2026-11-04; default: last week")] = None,
    log: LogFile = None,
    lang: Lang = Language.ZH,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what was asked for more than usual in a week, by unit, category and area (Art. 5). 热点诉求。

    Compared with the median of the eight weeks before; nothing below five tickets is shown.
    """
    zone = policies_of(Settings()).newest.calendar.zone
    try:
        day = date.fromisoformat(week) if week else wall.now().astimezone(zone).date() - timedelta(weeks=1)
    except ValueError:
        typer.echo("give a day as 2026-11-04", err=True)
        raise typer.Exit(EXIT_USAGE) from None
    monday = day - timedelta(days=day.weekday())
    facts = [event for event in _events(_read(log, "ticket-events")) if isinstance(event, Fact)]
    issues = hot_issues((fact for fact in facts if monday_of(fact.time, zone) <= monday), zone, monday)
    if as_json:
        typer.echo(to_json([asdict(issue) for issue in issues], indent=2).decode())
        return
    chinese = lang is Language.ZH
    table = Table(box=None, pad_edge=False)
    for zh, en in (("维度", "by"), ("编码", "code"), ("本周", "tickets"), ("常态", "usual"), ("趋势", "trend")):
        table.add_column(zh if chinese else en)
    for issue in issues:
        by = DIMENSIONS[issue.dimension] if chinese else issue.dimension
        trend = TRENDS[issue.trend] if chinese else issue.trend
        table.add_row(by, issue.value, str(issue.tickets), f"{issue.usual:g}", trend)
    Console().print(table)
    typer.echo(f"k ≥ {K}")


def leaks(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show accounts that were refused, or read more persons in a day than the rulebook allows for (Art. 16 (3)).

    泄密线索:由人核查。It says nothing of why; the office raises a flag, or does not.
    """
    policy = policies_of(Settings()).newest
    trail = [event for event in _events(_read(None, "pii-audit")) if isinstance(event, Audited)]
    found = suspicions(trail, policy.rulebook.scoring.flag_reveals, policy.calendar.zone)
    if as_json:
        typer.echo(to_json([asdict(one) for one in found], indent=2).decode())
        return
    table = Table("day 日期", "by 账号", "role 角色", "tickets 工单", "refused 被拒", "evidence 依据", box=None)
    for one in found:
        table.add_row(one.day, one.by, one.role, str(one.tickets), str(one.refused), " ".join(one.evidence[:3]))
    Console().print(table)
