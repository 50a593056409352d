"""`hotline log export`: the log as a file, for auditors and for `hotline explain --log`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from schemas.topics import load
from services.runtime.engine import Record
from services.runtime.log_file import TOPICS, write_log
from services.runtime.settings import Settings
from services.runtime.tail import Tail

app = typer.Typer(no_args_is_help=True, help="The log as a file. 日志导出。")


def records(settings: Settings, topics: tuple[str, ...], say: Console) -> list[Record]:
    """Read every record of `topics` up to their present ends, in their order, with a progress bar."""
    tail = Tail(settings, load(), topics)
    try:
        total = sum(tail.ends().values())
        return list(track(tail.catch_up(), "reading the log 读取日志", total=total, console=say, transient=True))
    finally:
        tail.close()


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="where it goes; .jsonl or .jsonl.gz")],
) -> None:
    """Write the topics that decide and what they decided to FILE, one record a line; no personal data is in them."""
    count = write_log(file, records(Settings(), TOPICS, Console(stderr=True)))
    typer.echo(f"{count} records of {', '.join(TOPICS)} written to {file}")
