"""`hotline dlq`: the dead letters, listed, shown without persons, counted, and sent again."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.topics import SERVICES, load
from services.runtime import wall
from services.runtime.dead_letters import opener
from services.runtime.letters import Letter, LettersError, Opener, read_letters
from services.runtime.letters import replay as send_again
from services.runtime.publisher import NotAcknowledgedError, Publisher
from services.runtime.sealing import SealError
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, count, replay. 死信:列出、查看、统计、重放。")
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 6
BAR = 30

Services = Annotated[list[str] | None, typer.Option("--service", help="only of these services 服务")]
Classes = Annotated[list[str] | None, typer.Option("--class", help="only of these classes of error 错误类别")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="only these letters, L-... 编号")]
Hours = Annotated[float | None, typer.Option(min=0, help="only what was set aside in the last N hours 最近小时数")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs 供程序使用")]


def _letters(
    settings: Settings,
    services: list[str] | None,
    classes: list[str] | None,
    ids: list[str] | None = None,
    hours: float | None = None,
) -> list[Letter]:
    strangers = sorted(set(services or ()) - set(SERVICES))
    if strangers:
        typer.echo(f"there is no service {', '.join(strangers)}; there are: {', '.join(SERVICES)}", err=True)
        raise typer.Exit(EXIT_USAGE)
    try:
        found = read_letters(settings, load(), services or SERVICES)
    except LettersError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_UNREACHABLE) from None
    missing = sorted(set(ids or ()) - {letter.id for letter in found})
    if missing:
        typer.echo(f"no such dead letter: {', '.join(missing)} (kept for 7 days)", err=True)
        raise typer.Exit(EXIT_USAGE)
    since = wall.now() - timedelta(hours=hours) if hours is not None else None
    return [
        letter
        for letter in found
        if (not classes or letter.code in classes)
        and (not ids or letter.id in ids)
        and (since is None or letter.at >= since)
    ]


def _key(letter: Letter, opened: Opener) -> str:
    try:
        return opened(letter).shown_key()
    except SealError:
        return "‹erased›"


def _row(letter: Letter, opened: Opener) -> dict[str, Any]:
    return {
        "id": letter.id, "at": letter.at.isoformat(timespec="seconds"), "service": letter.service,
        "topic": letter.topic, "partition": letter.partition, "offset": letter.offset, "class": letter.code,
        "reason": letter.reason, "key": _key(letter, opened), "copies": letter.copies,
        "replayed_at": letter.replayed_at.isoformat(timespec="seconds") if letter.replayed_at else None,
    }  # fmt: skip


@app.command("ls")
def list_letters(
    service: Services = None,
    code: Classes = None,
    hours: Hours = None,
    limit: Annotated[int, typer.Option(min=0, help="the newest N; 0: all 最近N条")] = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List dead letters, oldest first: when, where, which class; keys only if they are ticket tokens. 列出死信。"""
    settings = Settings()
    found = _letters(settings, service, code, hours=hours)
    shown = found[-limit:] if limit else found
    with opener(settings) as opened:
        rows = [_row(letter, opened) for letter in shown]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("id 编号", "set aside 时间", "service 服务", "stood at 位置", "class 类别", "key 键", "replayed 重放"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row["id"], row["at"][:19].replace("T", " "), row["service"],
            f"{row['topic']}/{row['partition']}@{row['offset']}", row["class"], row["key"],
            (row["replayed_at"] or "")[:19].replace("T", " "),
        )  # fmt: skip
    Console().print(table)
    typer.echo(f"{len(shown)} of {len(found)} dead letters 死信", err=True)


@app.command()
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="L-..., as `ls` shows it 编号")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show one letter: its headers, the reason, and its content without persons. 查看一条(内容脱敏)。

    Shown is what the models declare free of persons; of the rest only kind and length. Nothing shows more than that.
    """
    settings = Settings()
    (found,) = _letters(settings, None, None, [letter])
    with opener(settings) as opened:
        said = _row(found, opened)
        said["letter_headers"] = {name: raw.decode("utf-8", "replace") for name, raw in found.headers.items()}
        try:
            said["original"] = opened(found).shown()
        except SealError as error:
            said["original"] = f"‹{error}›"
    text = json.dumps(said, ensure_ascii=False, indent=2)
    if as_json:
        typer.echo(text)
    else:
        Console().print_json(text)


def _hour(letter: Letter) -> str:
    return f"{letter.at:%Y-%m-%d %H}h UTC"


GROUPS: dict[str, Callable[[Letter], str]] = {
    "class 类别": lambda letter: letter.code,
    "service 服务": lambda letter: letter.service,
    "hour 小时": _hour,
}


@app.command()
def stats(
    service: Services = None,
    code: Classes = None,
    hours: Hours = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Count dead letters by class, by service and by hour. 按类别、服务、小时统计。"""
    found = _letters(Settings(), service, code, hours=hours)
    counted = {name: Counter(map(group, found)) for name, group in GROUPS.items()}
    waiting = sum(letter.replayed_at is None for letter in found)
    if as_json:
        said = {name.split(" ")[0]: dict(sorted(counts.items())) for name, counts in counted.items()}
        typer.echo(json.dumps({"letters": len(found), "not_replayed": waiting, **said}, indent=2))
        return
    console = Console()
    for name, counts in counted.items():
        ordered = sorted(counts.items()) if name.startswith("hour") else counts.most_common()
        table = Table(name, "letters 条数", "", box=None, pad_edge=False, padding=(0, 1, 0, 0))
        for value, count in ordered:
            table.add_row(value, str(count), "█" * max(1, round(BAR * count / max(counts.values()))))
        console.print(table)
        console.print()
    console.print(f"{len(found)} dead letters 死信, {waiting} not replayed 未重放")


@app.command()
def replay(
    service: Services = None,
    code: Classes = None,
    ids: Ids = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="at most N a second 每秒上限")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent 试运行")] = False,  # noqa: FBT002
    again: Annotated[bool, typer.Option("--again", help="also what was replayed before 再次重放")] = False,  # noqa: FBT002
) -> None:
    """Send the originals again, each to the partition it stood in, in their order. 重放死信。

    Choose by --class, --service or --id. A letter that was replayed is left alone unless --again. Exit code 1 if some
    could not be opened (their person was erased).
    """
    if not (service or code or ids):
        typer.echo("choose what to replay: --class, --service or --id (see `hotline dlq stats`)", err=True)
        raise typer.Exit(EXIT_USAGE)
    settings = Settings()
    chosen = _letters(settings, service, code, ids)
    due = [letter for letter in chosen if again or letter.replayed_at is None]
    left = len(chosen) - len(due)
    if dry_run:
        for letter in due:
            typer.echo(f"{letter.id} {letter.code} to {letter.topic}/{letter.partition}")
        typer.echo(f"would send 将重放 {len(due)}; replayed before 已重放 {left}")
        return
    outcomes = _send(settings, due, rate)
    typer.echo(f"sent 已重放 {outcomes['sent']}; erased 已删除 {outcomes['erased']}; replayed before 先前已重放 {left}")
    raise typer.Exit(EXIT_FAILED if outcomes["erased"] else 0)


def _send(settings: Settings, due: list[Letter], rate: float | None) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    publisher = Publisher(settings, "dlq-replay")
    bar = Progress(
        TextColumn("replaying 重放"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True,
    )  # fmt: skip
    try:
        with opener(settings) as opened, bar:
            task = bar.add_task("", total=len(due))
            for sent in send_again(due, opened, publisher, rate):
                outcomes[sent.outcome] += 1
                bar.advance(task)
    except NotAcknowledgedError as error:
        typer.echo(f"stopped after {outcomes['sent']}: the broker did not take it ({error}); run it again", err=True)
        raise typer.Exit(EXIT_FAILED) from None
    finally:
        publisher.close()
    return outcomes
