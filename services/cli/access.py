"""`hotline token`, `hotline platform`: who may call the gateway, and with which key."""

import base64
import re
import secrets
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.intake.gateway.access import PERMISSIONS, PUBLIC, Access, Principal
from services.intake.gateway.credentials import issue, platform_key, token_key
from services.runtime import wall
from services.runtime.platform_files import load_platforms
from services.runtime.policy_files import PolicyFileError
from services.runtime.revocations import Revocations
from services.runtime.sealing import feedback_key
from services.runtime.settings import Settings

tokens = typer.Typer(no_args_is_help=True, help="API tokens of the gateway: issue, revoke. 接口令牌。")
platforms = typer.Typer(no_args_is_help=True, help="Upstream platforms and their signing keys. 上级平台与签名密钥。")
EXIT_CONFIG = 78
EXIT_USAGE = 2


@tokens.command("issue")
def issue_token(
    role: Annotated[
        Access, typer.Option(help="unit, office, citizen, app (Open311 client), auditor, operator, system")
    ],
    identity: Annotated[str, typer.Option("--id", help="the unit's id, the officer's account, the system's name")],
    ticket: Annotated[str | None, typer.Option(help="for a citizen: the one ticket that the link is good for")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="how long it is valid")] = 365,
) -> None:
    """Print a new token; its number, which `revoke` takes, goes to stderr."""
    if role is Access.PLATFORM:
        typer.echo("a platform signs its requests instead: see `hotline platform key`", err=True)
        raise typer.Exit(EXIT_USAGE)
    if (role is Access.CITIZEN) != (ticket is not None):
        typer.echo("--ticket: a citizen's token needs it, and no other role takes it", err=True)
        raise typer.Exit(EXIT_USAGE)
    if role is Access.APP and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}", identity):
        typer.echo(
            "--id: for an app, up to 60 letters, digits, dots and hyphens: it names where tickets came from", err=True
        )
        raise typer.Exit(EXIT_USAGE)
    number = secrets.token_hex(8)
    key = token_key(Settings().master_key)
    typer.echo(issue(Principal(role, identity, ticket), key, wall.now(), timedelta(days=days), number))
    typer.echo(f"number {number}, valid for {days} days; to revoke: hotline token revoke {number}", err=True)


@tokens.command()
def revoke(number: Annotated[str, typer.Argument(help="the number that `issue` printed")]) -> None:
    """Make a token worthless within five seconds, on every gateway that shares this home folder."""
    Revocations(Settings().home / "revoked-tokens.txt").add(number)
    typer.echo(f"{number} revoked")


@tokens.command()
def permissions() -> None:
    """Show the permission matrix: operations against roles; * needs no token at all."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))  # 80 columns are enough
    table.add_column("operation", no_wrap=True)
    for access in Access:
        table.add_column(access.value, justify="center", no_wrap=True)
    for operation, allowed in PERMISSIONS.items():
        table.add_row(operation + "*" * (operation in PUBLIC), *("✓" if access in allowed else "" for access in Access))
    Console().print(table)


@platforms.command()
def key(
    platform: Annotated[str, typer.Argument(help="the platform's name, as its file is called")],
    generation: Annotated[int | None, typer.Option(help="default: the newest of its file")] = None,
    ours: Annotated[bool, typer.Option("--feedback", help="the key under which we sign results 结果反馈密钥")] = False,  # noqa: FBT002
) -> None:
    """Print the secret under which the platform signs (Standard Webhooks, whsec_...); hand it over in confidence.

    With --feedback: the secret under which we sign what we tell it.
    """
    settings = Settings()
    try:
        known = load_platforms(settings.policy_dir, settings.jurisdiction)
    except PolicyFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from None
    if platform not in known:
        typer.echo(f"{platform}: no such file under platforms/; there are: {', '.join(known) or 'none'}", err=True)
        raise typer.Exit(EXIT_USAGE)
    asked = known[platform].feedback if ours else None
    if ours and asked is None:
        typer.echo(f"{platform}: its file has no `feedback`: it is told nothing", err=True)
        raise typer.Exit(EXIT_USAGE)
    chosen = generation or max(asked.key_generations if asked else known[platform].key_generations)
    secret = (feedback_key if ours else platform_key)(settings.master_key, platform, chosen)
    typer.echo("whsec_" + base64.b64encode(secret).decode())
