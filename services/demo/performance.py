"""One performance of the demo: choose the requests, play them against the mesh, account for them, report."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from schemas.topics import SERVICES, load
from schemas.wire import WireError, decode
from services.core.policy import Policies
from services.demo.cast import Cast
from services.demo.driver import DEAD_LETTERS, WATCHED, Driver, Pace
from services.demo.explained import Checked, keep_and_explain
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
from services.router.service import service as router
from services.runtime import wall
from services.runtime.embedded.cluster import infrastructure
from services.runtime.mesh import Mesh
from services.runtime.policy_files import load_policies
from services.runtime.replay import Comparison, compare, digest, read_facts
from services.runtime.settings import Settings
from services.runtime.tail import Tail

LIFETIME = timedelta(days=44)


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
    policies: Policies,
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
            finished = len(driver.ledger.histories) - driver.ledger.open_count
            calendar = policies.at(at).calendar
            day = calendar.explain_day(at.astimezone(calendar.zone).date())
            screen.update(
                driver.ledger, simulated_now=at, progress=finished / len(requests), rates=rates,
                phase=f"{day.name_zh} {day.name_en}",
            )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What to play: the size, the file and its mapping, the seed, and where the report goes."""

    size: Size
    source: Path
    mapping: Path
    seed: int
    report: Path


class NothingToPlayError(ValueError):
    """The input holds no request, or cannot be read; the message names the file."""


def perform(wanted: Wanted, console: Console) -> bool:
    """Play, account, report; says whether every accepted ticket is accounted for and the replay agrees.

    Raises `NothingToPlayError`, `PolicyFileError`, `StartError`, `ProcessFailedError`.
    """
    try:
        requests, bad = _read(wanted.source, wanted.mapping, wanted.seed)
    except (MappingError, OSError) as error:
        raise NothingToPlayError(str(error)) from None
    if not requests:
        raise NothingToPlayError(f"{wanted.source}: no request could be read ({len(bad)} bad lines)")
    seed = wanted.seed
    chosen = sample(requests, wanted.size.tickets, seed)
    console.print(
        f"[bold]hotline-mesh demo[/]: {len(chosen)} of {len(requests)} requests, {len(bad)} bad lines, seed {seed}"
    )
    began = time.monotonic()
    home = Settings().home / "demo"
    with infrastructure(home, console=console) as servers:
        settings = _settings(servers, home / "home")
        topics, policies = load(), load_policies(settings.policy_dir, settings.jurisdiction)
        policy = policies.newest
        console.print("starting six services 启动六个服务: " + ", ".join(SERVICES))
        with Mesh(settings, home / "logs") as mesh:
            driver = Driver(settings, topics, policy.calendar, Cast(seed, policies), mesh.url)
            play(driver, chosen, seed, wanted.size.pace, console, policies)
            driver.close()
        console.print("reading the topics again for the account 核对主题")
        ledger, again = audit(settings), compare(settings, topics, router(policies))
        closed = digest(read_facts(settings, topics, "closed-tickets"))
        checked = keep_and_explain(settings, policies, wanted.report.with_name("log.jsonl.gz"))
    meta: dict[str, Any] = {
        "input": wanted.source.name, "seed": seed, "requests": len(chosen), "seconds": round(time.monotonic() - began),
        "facts_digest": again.digest, "closed_digest": closed, "generated_at": wall.now(),
    }  # fmt: skip
    path = write_report(ledger, policy.directory, policy.rulebook, meta, wanted.report, calendar=policy.calendar)
    account = ledger.account()
    print_summary(console, account, ledger, path, directory=policy.directory)
    _say_replay(console, again, closed)
    _say_explained(console, checked)
    console.print(f"report 报告: {path}  ({meta['seconds']} s in all)", highlight=False)
    return account.balanced and not again.differing and not checked.differing


def _read(source: Path, mapping: Path, seed: int) -> tuple[list[SourceRequest], list[BadLine]]:
    requests: list[SourceRequest] = []
    bad: list[BadLine] = []
    for item in read(source, load_mapping(mapping), seed):
        if isinstance(item, BadLine):
            bad.append(item)
        else:
            requests.append(item)
    return requests, bad


def _settings(servers: Any, home: Path) -> Settings:
    existing = Settings()
    stamp = wall.now().strftime("demo-%Y%m%d-%H%M%S-")
    return Settings(
        bootstrap_servers=servers.bootstrap_servers,
        redis_url=servers.redis_url,
        topic_prefix=existing.topic_prefix or stamp,
        linger=0.002,
        watermark_interval=0.005,
        home=home,
    )


def _say_explained(console: Console, checked: Checked) -> None:
    if checked.differing:
        console.print(f"[red]due instants differ[/] for tickets {', '.join(checked.differing[:10])}")
    else:
        console.print(
            f"explain 说明: {checked.due_instants} due instants of {checked.tickets} tickets computed anew: all agree",
            highlight=False,
        )
    if checked.richest:
        console.print(
            f"  try 试试: hotline explain {checked.richest} --log {checked.log}", highlight=False, soft_wrap=True
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
