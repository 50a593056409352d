"""`hotline run`, `hotline clock`: one process of the mesh."""

import asyncio
import signal
import sys
import threading
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated

import typer

from schemas.topics import SERVICES, load
from services.core.policy import Policies
from services.core.service import Service
from services.runtime import clock as clocks
from services.runtime import logs
from services.runtime.collector import settle
from services.runtime.metrics import Metrics
from services.runtime.policy_files import PolicyFileError, load_knowledge, load_policies
from services.runtime.publisher import Publisher
from services.runtime.settings import Settings

EXIT_CONFIG = 78
"""EX_CONFIG: a configuration file is wrong; the message names it."""


def make_service(name: str, policies: Policies) -> Service:
    """Give the service of that name; each is imported only by its own process."""
    if name == "router":
        from services.router.service import service
    elif name == "sla-timer":
        from services.sla_timer.service import service
    elif name == "reminder":
        from services.reminder.service import service
    elif name == "revisit":
        from services.revisit.service import service
    else:
        from services.scoring.service import service
    return service(policies)


def policies_of(settings: Settings) -> Policies:
    """Load the rules, or end the process with a message that names file and line."""
    try:
        return load_policies(settings.policy_dir, settings.jurisdiction)
    except PolicyFileError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from None


def metrics_of(name: str, policies: Policies) -> Metrics:
    """Give the metrics of a service, with the rules and the calendar in force."""
    metrics = Metrics(name, version("hotline-mesh"))
    ref = policies.ref
    metrics.rulebook.labels(name, ref.jurisdiction, ref.version, ref.hash).set(1)
    calendar = policies.newest.calendar
    end = datetime.combine(calendar.known_until, datetime.max.time(), calendar.zone)
    metrics.calendar_known_until.labels(name, calendar.name).set(end.timestamp())
    return metrics


def run(
    service: Annotated[str, typer.Argument(help=f"one of: {', '.join(SERVICES)}", metavar="SERVICE")],
) -> None:
    """Run one service until SIGTERM. 运行一个服务。

    Settings come from the environment: KAFKA_BOOTSTRAP_SERVERS, REDIS_URL, HOTLINE_* (see docs/configuration.md).
    """
    if service not in SERVICES:
        typer.echo(f"there is no service {service!r}; choose one of: {', '.join(SERVICES)}", err=True)
        raise typer.Exit(2)
    settings = Settings()
    logs.configure(service)
    policies = policies_of(settings)
    metrics = metrics_of(service, policies)
    if service == "intake":
        from services.intake import app

        try:
            knowledge = load_knowledge(settings.policy_dir, settings.jurisdiction, policies.newest.directory)
            asyncio.run(app.run(settings, policies, knowledge, metrics))
        except PolicyFileError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(EXIT_CONFIG) from None
        return
    from services.runtime.worker import Worker

    async def work() -> None:
        await Worker(make_service(service, policies), settings, load(), metrics).run()

    settle()
    asyncio.run(work())


def clock(
    source: Annotated[str, typer.Option(help="wall, or simulated")] = "wall",
    interval: Annotated[float, typer.Option(help="seconds between pulses, on the wall clock", min=0.01)] = 1.0,
    speed: Annotated[float, typer.Option(help="simulated seconds per second", min=0.001)] = 3600.0,
    start: Annotated[str | None, typer.Option(help="first simulated instant, ISO 8601 with offset")] = None,
) -> None:
    """Write clock pulses into every partition until SIGTERM. 发出时钟脉冲。"""
    settings = Settings()
    logs.configure("clock")
    if source not in {"wall", "simulated"}:
        typer.echo(f"--source: {source!r} is neither wall nor simulated", err=True)
        raise typer.Exit(2)
    try:
        began = datetime.fromisoformat(start) if start else datetime.now(UTC)  # noqa: TID251 - the edge
    except ValueError:
        typer.echo("--start: not an ISO 8601 instant, for instance 2026-09-23T08:00:00+08:00", err=True)
        raise typer.Exit(2) from None
    if began.tzinfo is None:
        typer.echo("--start: needs an offset, for instance 2026-09-23T08:00:00+08:00", err=True)
        raise typer.Exit(2)
    times = clocks.wall_time(interval) if source == "wall" else clocks.simulated_time(began, speed, interval)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    publisher = Publisher(settings, "clock")
    last = clocks.tick(publisher, load()[clocks.TOPIC].partitions, times, stop)
    publisher.close()
    typer.echo(f"last pulse: {last.isoformat() if last else 'none'}", file=sys.stderr)
