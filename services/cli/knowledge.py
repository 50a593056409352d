"""`hotline knowledge`: try a question, and see which articles help, which are outdated, what goes unanswered."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.cli.log import records
from services.cli.run import policies_of
from services.core.knowledge_report import KnowledgeReport, report
from services.runtime import wall
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.log_file import LogFileError, read_log
from services.runtime.policy_files import PolicyFileError, load_knowledge
from services.runtime.settings import Settings
from services.runtime.ticket_log import told

app = typer.Typer(no_args_is_help=True, help="The knowledge base: search, report. 知识库:查询、统计。")
EXIT_NONE = 1
EXIT_USAGE = 2


def _index(settings: Settings) -> KnowledgeIndex:
    policy = policies_of(settings).newest
    try:
        base = load_knowledge(settings.policy_dir, settings.jurisdiction, policy.directory)
    except PolicyFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    return KnowledgeIndex(base, policy.calendar.zone)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="the question, in Chinese 问题")],
    at: Annotated[datetime | None, typer.Option(help="as articles stood then, UTC; default: now")] = None,
) -> None:
    """Show what the door would answer to QUESTION, and what comes near. Exit code 1 if it would not. 查询。"""
    index = _index(Settings())
    when = at.replace(tzinfo=wall.now().tzinfo) if at else wall.now()
    answer = index.match(question, when)
    if answer is None:
        typer.echo("no article answers it beyond doubt: it would be dispatched 无确定答案,将派单办理")
    else:
        typer.echo(f"{answer.id}  {answer.title_zh}\n{answer.answer_zh}")
    near = [article for article in index.search(question, when) if answer is None or article.id != answer.id]
    for article in near[:5]:
        typer.echo(f"  near 相近: {article.id}  {article.title_zh}")
    raise typer.Exit(EXIT_NONE if answer is None else 0)


@app.command("report")
def show_report(
    log: Annotated[Path | None, typer.Option(help="a file of `hotline log export`; default: the Kafka topics")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,  # noqa: FBT002
) -> None:
    """Show each article's owner, upkeep and success, and the categories of questions that went unanswered. 统计。"""
    settings = Settings()
    index = _index(settings)
    try:
        source = read_log(log) if log else records(settings, ("ticket-events",), Console(stderr=True))
        lives = [list(said.facts.values()) for said in told(source).values()]
    except LogFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    found = report(index.base, lives, index.day_of(wall.now()))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(found)


def _show(found: KnowledgeReport) -> None:
    console = Console()
    console.print(
        f"{found.consultations} consultations, {found.answered} answered at once 即时答复率 "
        + (f"{found.answered / found.consultations:.0%}" if found.consultations else "–"),
        highlight=False,
    )
    articles = Table(box=None, pad_edge=False)
    for name in (
        "article 条目",
        "owner 责任单位",
        "state 状态",
        "answered 答复",
        "rated 评价",
        "helped 满意",
        "last 最近",
    ):
        articles.add_column(name, overflow="fold")
    for use in found.articles:
        last = use.last_at.date().isoformat() if use.last_at else "–"
        articles.add_row(use.id, use.owner, use.state, str(use.answered), str(use.rated), str(use.helped), last)
    console.print(articles)
    if not found.categories:
        return
    open_questions = Table(box=None, pad_edge=False, title="unanswered 未能即时答复", title_justify="left")
    for name in ("category 类别", "asked 咨询", "answered 已答", "articles 条目"):
        open_questions.add_column(name)
    for row in found.categories:
        open_questions.add_row(row.category, str(row.asked), str(row.answered), str(row.articles))
    console.print(open_questions)
