"""`hotline pii`: read and erase persons, each time with an audit record; rotate the key that wraps their keys."""

import json
from collections.abc import Iterator
from concurrent.futures import TimeoutError as NotInTimeError
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schemas.audit import Reason
from services.cli.log import records
from services.core.disclosure import EVERYTHING, Disclosure, disclosure
from services.runtime import pii
from services.runtime.publisher import NotAcknowledgedError
from services.runtime.sealing import SealError
from services.runtime.settings import Settings
from services.runtime.tail import reachable
from services.runtime.ticket_log import Told, told
from services.runtime.vault import Vault, open_vault, path_of

app = typer.Typer(
    no_args_is_help=True, help="Personal data: reveal, erase, audit, rewrap. 个人信息:查阅、删除、审计、换钥。"
)
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_UNREACHABLE = 6
ROLES = ("office", "unit", "auditor", "operator")

Ticket = Annotated[str, typer.Argument(help="the token, T-... (or L-... of a dead letter) 工单令牌")]
Why = Annotated[Reason, typer.Option("--reason", help="why; a closed list 事由")]
Role = Annotated[str, typer.Option("--role", help=f"as which: {', '.join(ROLES)} 角色")]
By = Annotated[str, typer.Option("--by", help="the officer's account, or the unit's id 操作账号或单位编号")]
Case = Annotated[str | None, typer.Option("--case", help="number of the file that asks for it 案卷号")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs 供程序使用")]


def _wrong(text: str, code: int = EXIT_USAGE) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(code)


@contextmanager
def _vault(settings: Settings) -> Iterator[Vault]:
    if not path_of(settings).exists():
        raise _wrong(f"{path_of(settings)}: no vault here; run this where intake runs (HOTLINE_HOME)")
    vault = open_vault(settings)
    try:
        yield vault
    except (NotAcknowledgedError, NotInTimeError) as error:
        raise _wrong(f"Kafka did not take the audit record ({type(error).__name__}): nothing is shown, and what was "
                     "erased is said by `hotline pii resume`", EXIT_UNREACHABLE) from None  # fmt: skip
    except SealError as error:
        raise _wrong(f"{error} 已删除或密钥不符", EXIT_FAILED) from None
    finally:
        vault.close()


def _asked(by: str, role: str, reason: Reason, case: str | None) -> pii.Request:
    if role not in ROLES:
        raise _wrong(f"--role: one of {', '.join(ROLES)}")
    try:
        return pii.request(by, role, reason, case)
    except ValueError as error:
        raise _wrong(str(error)) from None


def _owner(ticket: str) -> str:
    if not pii.OWNER.fullmatch(ticket):
        raise _wrong("no token of a ticket (T-...) or dead letter (L-...)")
    return ticket


def _allowed(settings: Settings, asked: pii.Request, ticket: str, fields: list[str] | None) -> Disclosure:
    strangers = sorted(set(fields or ()) - set(EVERYTHING))
    if strangers:
        raise _wrong(f"--field: one of {', '.join(EVERYTHING)}")
    said = Told()
    if asked["role"] == "unit":
        said = told(records(settings, ("ticket-events",), Console(stderr=True)), ticket).get(ticket, said)
    return disclosure(asked["role"], asked["by"], fields or (), list(said.facts.values()))


@app.command()
def reveal(
    ticket: Ticket,
    reason: Why,
    role: Role,
    by: By,
    case: Case = None,
    field: Annotated[list[str] | None, typer.Option(help="only these fields; fewer is better 仅查阅字段")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what is sealed of a ticket, after an audit record says so. 查阅个人信息(先留痕)。

    A unit sees tickets it had: the matter and how to reach the citizen; of complaints and reports, and where secrecy
    was asked for, never who reported. Exit code 3 if it is refused, which is recorded too; 6 if Kafka did not take the
    record.
    """
    settings = Settings()
    asked = _asked(by, role, reason, case)
    _reach(settings)
    with _vault(settings) as vault:
        allowed = _allowed(settings, asked, _owner(ticket), field)
        try:
            shown = pii.reveal(settings, vault, ticket, asked, allowed)
        except KeyError:
            raise _wrong("nothing is sealed of this ticket 无此工单的个人信息") from None
    if shown is None:
        raise _wrong(f"refused 拒绝: {allowed.code} (Art. 7, 13); recorded 已留痕", EXIT_REFUSED)
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    table = Table("field 字段", "value 内容", box=None)
    for name, values in shown.items():
        table.add_row(name, "\n".join(values))
    Console().print(table)


def _reach(settings: Settings) -> None:
    if not reachable(settings):
        raise _wrong(f"no Kafka broker answers at {settings.bootstrap_servers}: nothing is shown", EXIT_UNREACHABLE)


@app.command()
def erase(
    reason: Why,
    role: Role,
    by: By,
    ticket: Annotated[str | None, typer.Argument(help="the token, T-... (or L-... of a dead letter) 工单令牌")] = None,
    person: Annotated[
        str | None,
        typer.Option(help="all tickets of this phone or identity number; - reads it from standard input 本人全部工单"),
    ] = None,
    case: Case = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask 不再确认")] = False,  # noqa: FBT002
) -> None:
    """Destroy the keys of a ticket, or of all tickets of a person: for ever, in every copy. 删除个人信息(不可恢复)。

    May be repeated; what a crash left undone is finished by the next call, or by `hotline pii resume`.
    """
    if (ticket is None) == (person is None):
        raise _wrong("give either a ticket or --person")
    asked = _asked(by, role, reason, case)
    if role != "office":
        raise _wrong("only the office erases 仅中心可删除", EXIT_REFUSED)
    settings = Settings()
    with _vault(settings) as vault:
        if person is not None:
            contact = typer.get_text_stream("stdin").readline().strip() if person == "-" else person
            owners = vault.tickets_of(contact)
        else:
            owners = [_owner(ticket or "")]
        if owners and not yes:
            typer.confirm(f"destroy the keys of {len(owners)} tickets for ever? 永久删除?", abort=True)
        new = pii.erase(settings, vault, owners, asked, whole_person=person is not None)
    typer.echo(f"erased 已删除 {new}; erased before 先前已删除 {len(owners) - new}")


@app.command()
def resume() -> None:
    """Finish erasures that a crash or a lost broker left half done. 完成未尽的删除。"""
    settings = Settings()
    with _vault(settings) as vault:
        typer.echo(f"said 补记 {pii.finish(settings, vault)}")


@app.command()
def reapply() -> None:
    """Erase again whatever the audit trail says was erased: after restoring a backup. 恢复备份后重新删除。"""
    settings = Settings()
    with _vault(settings) as vault:
        typer.echo(f"erased again 重新删除 {pii.erase_again(settings, vault)}")


@app.command()
def rewrap() -> None:
    """Wrap every data key with HOTLINE_VAULT_KEY; HOTLINE_VAULT_KEYS_OLD open them. May be repeated. 换钥。"""
    settings = Settings()
    with _vault(settings) as vault, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("rewrapping 换钥", total=vault.to_rewrap())
        done = pii.rewrap(vault, lambda count: bar.advance(task, count))
    typer.echo(f"rewrapped 已换钥 {done}")


@app.command()
def audit(
    ticket: Annotated[str | None, typer.Option(help="only of this ticket 工单令牌")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show who read or erased what, when and why. 查看审计记录。"""
    settings = Settings()
    _reach(settings)
    said = [event for event in pii.trail(settings) if ticket in {None, event.subject}]
    rows: list[dict[str, Any]] = [
        event.model_dump(mode="json", exclude={"source"}, exclude_none=True) for event in said
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(
        "time 时间", "what 事项", "ticket 工单", "by 账号", "role 角色", "reason 事由", "fields 字段", box=None
    )
    for row in rows:
        fields = ", ".join(row.get("fields", ())) + (f" ({row['code']})" if "code" in row else "")
        table.add_row(row["time"][:19], row["type"], row["subject"], row["by"], row["role"], row["reason"], fields)
    Console().print(table)
