"""`hotline upstream check`: what a platform's mapping makes of a sample of its records."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from schemas.commands import OpenTicket
from schemas.upstream import UpstreamTicketSubmitted
from services.cli.upstream_sample import SampleError, read_sample
from services.core.knowledge import Answers
from services.core.policy import Policies
from services.core.service import Rejected
from services.core.upstream.survey import Survey, survey
from services.core.upstream.translation import Fault, Native, Withdrawn
from services.intake import door
from services.runtime import wall
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.platform_files import load_platform
from services.runtime.policy_files import PolicyFileError, load_knowledge, load_policies
from services.runtime.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Upstream platforms' own records: check a mapping. 上级平台报文映射。")
EXIT_REFUSED = 1
EXIT_USAGE = 2
SHOWN = 8


@app.callback()
def group() -> None:
    """Upstream platforms' own records: check a mapping. 上级平台报文映射。"""  # a group of one command stays a group


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a platform file with `mapping:`, as under ops/platforms/ 平台文件")],
    sample: Annotated[Path, typer.Option(help="records of the platform: .json, .jsonl or .csv with a header 样本")],
    as_json: Annotated[bool, typer.Option("--json", help="for programs 供程序使用")] = False,  # noqa: FBT002
) -> None:
    """Say what a mapping makes of a sample: fields mapped and unread, records taken and refused. 映射检查。

    Nothing is sent anywhere. Values are never shown, only names of fields, numbers of records and reasons; a refused
    record would be answered 422 by HTTP. Exit code 0: every record is taken; 1: some are not; 2: the platform file
    or the sample cannot be read (file and line are named).
    只在本地检查,不发送、不显示任何字段内容;全部可受理退出码为 0,有拒收为 1,文件有误为 2。

    Example: hotline upstream check ops/platforms/weixi/dq12345.yaml --sample examples/upstream/dq12345.csv
    """
    settings = Settings()
    try:
        platform = load_platform(file)
        if platform.mapping is None:
            raise PolicyFileError(f"{file}: has no `mapping:`: the platform writes our own form")
        policies = load_policies(settings.policy_dir, settings.jurisdiction)
        newest = policies.newest
        base = load_knowledge(settings.policy_dir, settings.jurisdiction, newest.directory)
        found = survey(platform.mapping, platform.platform, read_sample(sample), wall.now())
    except (PolicyFileError, SampleError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None
    outcomes = _at_the_door(found, policies, KnowledgeIndex(base, newest.calendar.zone))
    if as_json:
        typer.echo(json.dumps(_report(found, outcomes), ensure_ascii=False, indent=2))
    else:
        _show(found, outcomes)
    raise typer.Exit(EXIT_REFUSED if found.refused_records else 0)


def _at_the_door(found: Survey, policies: Policies, knowledge: Answers) -> Counter[str]:
    """Say what would become of the records that could be read; what the door refuses is added to the refused."""
    outcomes: Counter[str] = Counter()
    bodies: dict[str, bytes] = {}
    for number, said in found.accepted:
        try:
            outcome, heard = _outcome(said, policies, knowledge)
        except Rejected as error:
            found.refuse(number, Fault("/", error.code, str(error)))
            continue
        if bodies.setdefault(heard.message, heard.body) != heard.body:
            found.refuse(number, Fault("/", "same-id-other-body", "another record came under this id before"))
        else:
            outcomes[outcome] += 1
    return outcomes


def _outcome(said: Native, policies: Policies, knowledge: Answers) -> tuple[str, door.Heard]:
    if isinstance(said, Withdrawn):
        return "withdrawn 撤回", door.withdraw_command(said, "T-sample")
    if not isinstance(said, UpstreamTicketSubmitted):
        return "urged 催办", door.urge_command(said, "T-sample")
    policy = policies.at(said.time)
    door.check_dates(said, policy.calendar.last_day)
    heard = door.open_command(said, "T-sample", policy.directory, knowledge, policy.door.emergencies)
    command = heard.command
    if not isinstance(command, OpenTicket) or command.lane.value != "accept":
        return f"lane {getattr(command, 'lane', '')} 分流", heard
    placed = policy.directory.place(said.category, said.area)
    return ("dispatched by the directory 按目录派单" if placed else "to the manual desk 人工派单"), heard


def _report(found: Survey, outcomes: Counter[str]) -> dict[str, Any]:
    return {
        "records": found.records,
        "accepted": outcomes.total(),
        "outcomes": dict(sorted(outcomes.items())),
        "refused": len(found.refused_records),
        "reasons": [
            {"path": fault.path, "code": fault.code, "problem": fault.problem, "records": numbers}
            for fault, numbers in found.refused.items()
        ],
        "mapped": [{"field": seen.ours, "path": seen.path, "filled": seen.filled} for seen in found.mapped],
        "fixed": found.fixed,
        "unknown": dict(sorted(found.unknown.items())),
    }


def _show(found: Survey, outcomes: Counter[str]) -> None:
    console = Console(highlight=False)
    table = Table("field 字段", "platform's path 平台字段", "filled 有值", box=None, pad_edge=False)
    for seen in found.mapped:
        table.add_row(seen.ours, seen.path, f"{seen.filled} of {found.records}")
    for ours in found.fixed:
        table.add_row(ours, "(fixed 固定值)", "")
    console.print(table)
    if found.unknown:
        console.print("\nread by nobody; map them, or name them under `ignored` 未映射的字段:")
        for path, count in sorted(found.unknown.items()):
            console.print(f"  {path}  in {count} records", markup=False)
    console.print(
        f"\n{found.records} records 条: {outcomes.total()} accepted 可受理, {len(found.refused_records)} refused 拒收"
    )
    for outcome, count in sorted(outcomes.items()):
        console.print(f"  {count:>5}  {outcome}")
    for fault, numbers in found.refused.items():
        shown = ", ".join(map(str, numbers[:SHOWN])) + (" ..." if len(numbers) > SHOWN else "")
        console.print(
            f"  refused: {fault.path}: {fault.problem} ({fault.code}); record {shown}", markup=False, soft_wrap=True
        )
