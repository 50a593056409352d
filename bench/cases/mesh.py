"""The whole mesh: tickets from accepted to closed, and facts a second."""

import random
import time
from typing import Any

from bench.frame import Bench, Benchmark, Results, Table
from bench.mesh import ages, life, log
from bench.mesh.workers import Workers
from schemas.commands import UrgeTicket
from schemas.topics import SERVICES
from schemas.topics import load as topic_files
from schemas.vocabulary import Role
from services.runtime import wall
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply

READERS = ("sla-timer", "reminder", "revisit", "scoring")
RATES = (250, 500, 750, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000, 7_000)
"""Facts a second that are tried, one after the other, until a reader falls behind."""


def _run(bench: Bench) -> Results:
    warm, seconds, at_once = bench.size(25, 10), bench.size(25, 10), bench.size(life.UNDER_WAY, 100)
    with bench.cluster(redis=True) as servers:
        settings = Settings(
            bootstrap_servers=servers.bootstrap_servers, redis_url=servers.redis_url, home=bench.home / "mesh"
        )
        apply(settings, topic_files())
        with Workers(settings, bench.home / "logs", dict.fromkeys(SERVICES, 1), servers) as workers:
            mesh = life.Mesh(settings)
            mesh.start()
            bench.say("tickets as fast as they are closed")
            handed = life.flow(mesh, 0, warm, at_once=at_once)
            full = life.measured(mesh, workers, handed, seconds, at_once=at_once)
            behind = {name: log.lag(settings, name, "ticket-events", mesh.partitions) for name in READERS}
            life.wait_until_done(mesh, 120)
            highest = full.lives(mesh) / full.seconds
            bench.say(f"{highest:.0f} tickets/s; now half of that")
            handed = full.following + life.flow(mesh, full.following, warm, rate=highest / 2)
            before = ages.read(workers)
            half = life.measured(mesh, workers, handed, seconds, rate=highest / 2)
            handled = ages.between(before, ages.read(workers))
            life.wait_until_done(mesh, 120)
            bench.say("facts a second")
            steps = _facts(bench, settings, mesh, half.following)
            mesh.stop()
            memory = workers.memory_mb()
        written = life.delays(settings, half.began, half.ended)
    return {
        "tickets_per_second": round(highest, 1),
        "facts_per_second_meanwhile": round(highest * life.FACTS),
        "cores_used": {name: round(used / full.seconds, 3) for name, used in full.cpu.items()},
        "facts_behind_afterwards": behind,
        "half_rate": round(highest / 2, 1),
        "delay": written | handled,
        "fact_steps": steps,
        "facts_per_second": max((step["facts_per_second"] for step in steps if step["kept_up"]), default=0),
        "memory_mb": memory,
    }


def _facts(bench: Bench, settings: Settings, mesh: life.Mesh, tickets: int) -> list[dict[str, Any]]:
    """Try one rate of facts after the other; a reader that is more than a second and a half behind ends it."""
    open_ones = range(tickets, tickets + 2_000)
    for number in open_ones:
        mesh.hand_down(number)
    life.wait_until_done(mesh, 120)
    # Closed tickets refuse an urge with a fact of their own: one command, one fact, whatever the ticket's state.
    names = [mesh.token(number) for number in open_ones]
    chance = random.Random(3)  # noqa: S311 - traffic, not a secret
    seconds = bench.size(15, 4)
    count = log.ends(settings, "ticket-events", mesh.partitions)
    steps: list[dict[str, Any]] = []
    number = 0
    for rate in RATES[:2] if bench.quick else RATES:
        began, sent, at_start = wall.unix(), 0, count()
        while (elapsed := wall.unix() - began) < seconds:
            while sent < elapsed * rate:
                mesh.say(UrgeTicket, chance.choice(names), Role.PLATFORM, "stage", number=number)
                sent, number = sent + 1, number + 1
            time.sleep(0.002)
        facts = (count() - at_start) / (wall.unix() - began)
        behind = {name: log.lag(settings, name, "ticket-events", mesh.partitions) for name in READERS}
        behind["router"] = log.lag(settings, "router", "ticket-commands", mesh.partitions)
        kept_up = max(behind.values()) < 1.5 * rate + 500 and facts > 0.95 * rate
        steps.append({"rate": rate, "facts_per_second": round(facts), "kept_up": kept_up, "behind": behind})
        bench.say(f"{rate:,}/s: {facts:,.0f} facts/s, behind: {behind}")
        if not kept_up:
            break
    return steps


def _verdict(found: Results) -> str:
    return (
        f"{found['tickets_per_second']:.0f} tickets/s from accepted to closed (target 300, aim 1,000), "
        f"{found['facts_per_second']:,} facts/s with every service keeping up (target 5,000)"
    )


def _milliseconds(values: dict[str, float], name: str) -> str:
    about = ("under " if name == "max" else "≈ ") if values.get("interpolated") else ""
    return f"{about}{1000 * values[name]:.0f}"


def _tables(found: Results) -> list[Table]:
    delays = [
        [stage, *(_milliseconds(values, name) for name in ("p50", "p99", "max"))]
        for stage, values in found["delay"].items()
    ]
    used = found["cores_used"]
    cores = [[name, f"{used[name]:.2f}", f"{found['memory_mb'][name]:,}"] for name in used]
    return [
        Table((f"stage, at {found['half_rate']:.0f} tickets/s", "p50, ms", "p99, ms", "max, ms"), delays),
        Table(("process", "cores used at the highest rate", "memory, MB"), cores),
    ]


BENCHMARK = Benchmark(
    name="mesh",
    about=(
        "The whole mesh on this machine: six services, a process each, broker, Redis, the clock, and whoever drives "
        "it. A platform hands matters down on `upstream-tickets` with names and text, which the door seals; units "
        "sign and reply and citizens rate as soon as the facts tell them to, by commands on `ticket-commands`; "
        "revisit reviews and closes: seven facts a life. First 1,000 tickets are kept under way, which gives the "
        "highest rate: that of the facts by seven, since tickets that go on in step are closed in waves; every one is "
        "seen closed. Then half of that rate is sent, and two measures say how long each stage took. The log says it "
        "of what is written in answer: from the record that was read to the one that was written (broker's time). "
        "sla-timer and reminder answer most facts with nothing, so the histograms at `/metrics` say of every service "
        "how old a record was (by the broker's time) when it was handled, before its outputs were sent, at the door "
        "when they were acknowledged: quantiles are interpolated within a bucket (≈), of the largest only a bound is "
        "known. Last, commands that lead to one fact each are sent at rising rates, until a service is more than a "
        "second and a half behind."
    ),
    run=_run,
    verdict=_verdict,
    tables=_tables,
)
