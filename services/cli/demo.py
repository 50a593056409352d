"""`hotline demo`: a real day of citizen requests through the whole mesh, in simulated time."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from schemas.topics import SERVICES, load
from schemas.wire import WireError, decode
from services.cli.run import make_service, policy_of
from services.core.policy import Policy
from services.demo.cast import Cast
from services.demo.driver import DEAD_LETTERS, WATCHED, Driver, Pace
from services.demo.ledger import Ledger
from services.demo.report import write_report
from services.demo.screen import Screen, print_summary
from services.intake.adapters.open_data import (
    BadLine,
    MappingError,
    SourceRequest,
    follow_ups,
    load_mapping,
    planted_bad_messages,
    read,
)
from services.runtime import wall
from services.runtime.embedded.cluster import infrastructure
from services.runtime.embedded.errors import StartError
from services.runtime.mesh import Mesh
from services.runtime.processes import ProcessFailedError
from services.runtime.replay import Comparison, compare, digest, read_facts
from services.runtime.settings import Settings
from services.runtime.tail import Tail

EXAMPLE = Path("examples/la311-2017-12.csv.gz")
MAPPING = Path("examples/la311-mapping.yaml")
LIFETIME = timedelta(days=44)
EXIT_UNBALANCED = 1


@dataclass(frozen=True)
class Size:
    """How much of the day is played, and how finely."""

    tickets: int | None
    pace: Pace


FAST = Size(120, Pace(day=timedelta(hours=2), night=timedelta(hours=12)))
USUAL = Size(500, Pace(day=timedelta(hours=1), night=timedelta(hours=6)))
ALL = Size(None, Pace(day=timedelta(hours=1), night=timedelta(hours=6)))


def sample(requests: Sequence[SourceRequest], count: int | None, seed: int) -> list[SourceRequest]:
    """Choose `count` requests of the day by a hash of their ids: the same for the same seed, all times of day."""
    if count is None or count >= len(requests):
        return list(requests)

    def rank(request: SourceRequest) -> str:
        return hashlib.sha256(f"{seed}|{request.submitted.upstream_id}".encode()).hexdigest()

    chosen = sorted(requests, key=rank)[:count]
    return sorted(chosen, key=lambda request: (request.submitted.time, request.submitted.upstream_id))


def audit(settings: Settings) -> Ledger:
    """Read every topic once more from offset 0: the account is the topics' own, not the driver's."""
    ledger = Ledger()
    tail = Tail(settings, load(), [*WATCHED, *DEAD_LETTERS])
    for record in tail.catch_up():
        at = record.position
        if at.topic in DEAD_LETTERS:
            said = {name: (value or b"").decode() for name, value in record.headers}
            ledger.add_dead_letter(
                at.topic, said["dlq.errors.service"], said["dlq.errors.class"], said["dlq.errors.topic"],
                int(said["dlq.errors.partition"]), int(said["dlq.errors.offset"]),
            )  # fmt: skip
            continue
        try:
            ledger.add(at.topic, at.partition, at.offset, decode(record.headers, record.value))
        except WireError:
            continue
    tail.close()
    return ledger


def play(
    driver: Driver,
    requests: Sequence[SourceRequest],
    seed: int,
    pace: Pace,
    console: Console,
    policy: Policy,
) -> None:
    """Run the simulation with a live screen."""
    for value, headers in planted_bad_messages(seed, 6):
        driver.send_raw(value, headers, None)
    driver.plan_feed([*requests, *follow_ups(requests, seed)])
    begin = min(request.submitted.time for request in requests) - timedelta(minutes=30)
    end = begin + LIFETIME
    started, facts_before, commands_before, at_before = time.monotonic(), 0, 0, time.monotonic()
    rates: dict[str, float] = {}
    with Screen(console) as screen:
        for at in driver.steps(begin, end, pace):
            now = time.monotonic()
            if now - at_before >= 1.0:
                facts, commands = driver.ledger.fact_count, driver.sent_commands
                rates = {
                    "facts/s": (facts - facts_before) / (now - at_before),
                    "commands/s": (commands - commands_before) / (now - at_before),
                    "simulated hours/s": (at - begin).total_seconds() / 3600 / (now - started),
                }
                facts_before, commands_before, at_before = facts, commands, now
            day = policy.calendar.explain_day(at.astimezone(policy.calendar.zone).date())
            screen.update(
                driver.ledger, simulated_now=at, progress=(at - begin) / LIFETIME, rates=rates,
                phase=f"{day.name_zh} {day.name_en}",
            )  # fmt: skip


def demo(
    everything: Annotated[bool, typer.Option("--all", help="all requests of the file 全部工单")] = False,  # noqa: FBT002
    fast: Annotated[bool, typer.Option("--fast", help="a small sample, under a minute 快速")] = False,  # noqa: FBT002
    tickets: Annotated[int | None, typer.Option(help="size of the sample", min=1)] = None,
    source: Annotated[Path, typer.Option("--input", help="CSV or CSV.gz of the example's form")] = EXAMPLE,
    mapping: Annotated[Path, typer.Option(help="mapping file of the upstream adapter")] = MAPPING,
    seed: Annotated[int, typer.Option(help="the same seed gives the same facts")] = 12345,
    report: Annotated[Path, typer.Option(help="where the HTML report goes")] = Path(".hotline/demo/report.html"),
) -> None:
    """Play a real day of citizen requests through the whole mesh, and account for every ticket. 演示。

    Starts Kafka and Redis (or uses KAFKA_BOOTSTRAP_SERVERS and REDIS_URL), the six services, and runs weeks of
    simulated time in minutes. Exit code 0 only if every accepted ticket is accounted for.
    """
    console = Console()
    size = ALL if everything else FAST if fast else USUAL
    try:
        requests, bad = _read(source, mapping, seed)
    except (MappingError, OSError) as error:
        console.print(str(error), style="red")
        raise typer.Exit(2) from None
    if not requests:
        console.print(f"{source}: no request could be read ({len(bad)} bad lines)", style="red")
        raise typer.Exit(2)
    chosen = sample(requests, tickets or size.tickets, seed)
    console.print(
        f"[bold]hotline-mesh demo[/]: {len(chosen)} of {len(requests)} requests, {len(bad)} bad lines, seed {seed}"
    )
    began = time.monotonic()
    try:
        with infrastructure(Path(".hotline/demo"), console=console) as servers:
            settings = _settings(servers)
            policy = policy_of(settings)
            console.print("starting six services 启动六个服务: " + ", ".join(SERVICES))
            with Mesh(settings, Path(".hotline/demo/logs")) as mesh:
                driver = Driver(settings, load(), policy.calendar, Cast(seed, policy), mesh.url)
                play(driver, chosen, seed, size.pace, console, policy)
                driver.close()
            console.print("reading the topics again for the account 核对主题")
            ledger, again = audit(settings), compare(settings, load(), make_service("router", policy))
            closed = digest(read_facts(settings, load(), "closed-tickets"))
    except (StartError, ProcessFailedError) as error:
        console.print(str(error), style="red")
        raise typer.Exit(getattr(error, "exit_code", 1)) from None
    meta: dict[str, Any] = {
        "input": source.name, "seed": seed, "requests": len(chosen), "seconds": round(time.monotonic() - began),
        "facts_digest": again.digest, "closed_digest": closed, "generated_at": wall.now(),
    }  # fmt: skip
    path = write_report(ledger, policy.directory, policy.rulebook, meta, report)
    account = ledger.account()
    print_summary(console, account, ledger, path)
    _say_replay(console, again, closed)
    console.print(f"report 报告: {path}  ({meta['seconds']} s in all)")
    if not account.balanced or again.differing:
        raise typer.Exit(EXIT_UNBALANCED)


def _read(source: Path, mapping: Path, seed: int) -> tuple[list[SourceRequest], list[BadLine]]:
    requests: list[SourceRequest] = []
    bad: list[BadLine] = []
    for item in read(source, load_mapping(mapping), seed):
        if isinstance(item, BadLine):
            bad.append(item)
        else:
            requests.append(item)
    return requests, bad


def _settings(servers: Any) -> Settings:
    existing = Settings()
    stamp = wall.now().strftime("demo-%Y%m%d-%H%M%S-")
    return Settings(
        bootstrap_servers=servers.bootstrap_servers,
        redis_url=servers.redis_url,
        topic_prefix=existing.topic_prefix or stamp,
        watermark_interval=0.005,
        home=Path(".hotline/demo/home"),
    )


def _say_replay(console: Console, again: Comparison, closed: str) -> None:
    if again.differing:
        console.print(f"[red]replay differs[/] for tickets {', '.join(again.differing)}")
        return
    console.print(
        f"replay 重放: {again.facts} facts of {again.tickets} tickets decided again from ticket-commands: identical\n"
        f"digest of ticket-events  {again.digest}\ndigest of closed-tickets {closed}",
        highlight=False,
    )
