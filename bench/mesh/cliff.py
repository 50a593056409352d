"""One cliff: very many clocks due in one second, beside tickets that go on as on any day."""

import random
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from bench.mesh import log, stock
from bench.mesh.workers import Workers
from schemas.commands import PulseClock, UrgeTicket
from schemas.envelope import derived_id
from schemas.topics import load as topic_files
from schemas.values import Actor
from schemas.vocabulary import Role
from schemas.wire import decode
from services.core.policy import Policies
from services.runtime import wall
from services.runtime.clock import pulse
from services.runtime.embedded import EmbeddedCluster
from services.runtime.publisher import Publisher
from services.runtime.replay import canonical
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply

RAMP = 15
"""Seconds of ordinary traffic before the cliff."""
AFTER = 5
"""Seconds of it after the last alarm."""
URGES = 100
"""Commands about other tickets, a second."""
SINGLES = 20
"""Tickets that run out in every second before, during and after the cliff."""
LAST_SINGLE = 60
"""Seconds after the cliff at which the last of them runs out."""
SLACK = 300
"""Records that may still be missing when the drain is taken to be over; `AFTER` they are all there, or it fails."""
SAMPLE = 2_000
"""Tickets whose facts are compared, byte by byte, with what the core decides in this process."""


@dataclass
class Traffic:
    """The clock and the neighbours: pulses every second, commands that somebody sends meanwhile."""

    settings: Settings
    partitions: int
    due: datetime
    neighbours: list[str]
    begins: float = 0.0
    """Unix time of the mesh's instant `due`."""
    sent: dict[str, float] = field(default_factory=dict)
    """Unix time at which each command was sent, by id."""

    def facts_of_others(self) -> int:
        """Give at most how many records beside those of the cliff the log can hold by now."""
        begun = len(self.sent) // URGES + 1
        return len(self.sent) + begun * self.partitions + 2 * SINGLES * min(begun, RAMP + LAST_SINGLE)

    def run(self, stop: threading.Event) -> None:
        """Send until `stop`."""
        publisher = Publisher(self.settings, "bench-traffic")
        first = wall.unix() + 1
        self.begins = first + RAMP
        chance = random.Random(1)  # noqa: S311 - traffic, not a secret
        step = 0
        while not stop.is_set():
            at = first + step / URGES
            time.sleep(max(0.0, at - wall.unix()))
            if step % URGES == 0:
                pulse(publisher, self.partitions, self.due + timedelta(seconds=step // URGES - RAMP))
            name = f"urge-{step}"
            self.sent[derived_id(name)] = wall.unix()
            publisher.publish(
                "ticket-commands",
                UrgeTicket(
                    id=derived_id(name),
                    source="/bench",
                    subject=chance.choice(self.neighbours),
                    time=self.due + timedelta(seconds=step / URGES - RAMP),
                    actor=Actor(role=Role.PLATFORM, id="stage"),
                ),
            )
            step += 1
        publisher.close()


def run(
    settings: Settings, logs: Path, policies: Policies, clocks: int, workers: int, cluster: EmbeddedCluster, say: Any
) -> dict[str, Any]:
    """Let `clocks` clocks, two a ticket, run out in one second; gives what was seen."""
    tickets = clocks // 2
    files = topic_files()
    partitions = files["ticket-events"].partitions
    apply(settings, files)
    due = datetime.fromisoformat("2026-09-29T10:00:00+00:00")  # Tuesday, 18:00 in Weixi
    start = due - timedelta(seconds=RAMP + 1)
    together = stock.due_together(policies, due, start)
    seconds = range(-RAMP, LAST_SINGLE)
    single = {second: stock.due_at(policies, due + timedelta(seconds=second + 0.5), start) for second in seconds}
    far = stock.due_at(policies, due + timedelta(days=9), start)
    neighbours = [stock.token(10_000_000 + number) for number in range(1_000)]

    def everybody() -> Iterator[tuple[str, stock.Pair]]:
        for number in range(tickets):
            yield stock.token(number), together[number % len(together)]
        for second in seconds:
            for number in range(SINGLES):
                yield stock.token(20_000_000 + 1_000 * (second + RAMP) + number), single[second]
        for name in neighbours:
            yield name, far

    began = time.monotonic()
    stock.load(settings, everybody())
    loaded = time.monotonic() - began
    say(f"{tickets:,} tickets in the changelogs after {loaded:.0f} s")
    began = time.monotonic()
    with Workers(settings, logs, {"router": workers, "sla-timer": workers}, cluster) as running:
        recovered = time.monotonic() - began
        say(f"recovered after {recovered:.0f} s")
        traffic, stop = Traffic(settings, partitions, due, neighbours), threading.Event()
        thread = threading.Thread(target=traffic.run, args=(stop,))
        before = running.cpu()
        thread.start()
        _wait_until_drained(settings, partitions, traffic, clocks, say)
        spent = {name: round(seconds - before[name], 1) for name, seconds in running.cpu().items()}
        time.sleep(AFTER)
        stop.set()
        thread.join()
        memory = running.memory_mb()
        time.sleep(2)
    seen = _account(settings, partitions, policies, traffic, together, tickets)
    return {
        "clocks": clocks,
        "workers": workers,
        "tickets": tickets,
        "load_seconds": round(loaded, 1),
        "recovery_seconds": round(recovered, 1),
        **seen,
        "cpu_seconds": spent,
        "memory_mb": memory,
    }


def _wait_until_drained(settings: Settings, partitions: int, traffic: Traffic, clocks: int, say: Any) -> None:
    count = log.ends(settings, "ticket-events", partitions)
    last_said = 0.0
    while True:
        time.sleep(0.5)
        now = wall.unix()
        done = count() - traffic.facts_of_others()
        if done >= clocks - SLACK:
            return
        if now - last_said > 10:
            say(f"{max(0, done):,} of {clocks:,}, {now - traffic.begins:.0f} s after the instant")
            last_said = now
        if now - traffic.begins > 900:
            raise RuntimeError(f"not drained after 900 s: {done:,} of {clocks:,}")


def _account(
    settings: Settings,
    partitions: int,
    policies: Policies,
    traffic: Traffic,
    together: list[stock.Pair],
    tickets: int,
) -> dict[str, Any]:
    """Read the log: every clock of the cliff said once, at its instant; how late; how long the neighbours waited."""
    due_text = traffic.due.isoformat().replace("+00:00", "Z").encode()
    cliff = {stock.token(number).encode(): number for number in range(tickets)}
    sample = set(random.Random(7).sample(range(tickets), min(SAMPLE, tickets)))  # noqa: S311
    late, urged_before, urged_meanwhile = array("d"), array("d"), array("d")
    single_before, single_after = array("d"), array("d")
    breached: Counter[int] = Counter()
    kept: dict[int, list[bytes]] = {}
    drained_at = 0.0
    delays: list[tuple[float, float]] = []
    for said in log.read(settings, "ticket-events", partitions):
        kind = said.attributes["ce_type"]
        number = cliff.get(said.key or b"")
        if number is not None:
            assert kind == b"clock.breached.v1", kind
            assert said.attributes["ce_time"] == due_text, said.attributes["ce_time"]
            breached[number] += 1
            late.append(said.appended_at - traffic.begins)
            drained_at = max(drained_at, said.appended_at)
            if number in sample:
                event = decode(said.message.headers(), said.message.value())
                kept.setdefault(number, []).append(canonical(event))
        elif kind == b"ticket.urged.v1":
            sent = traffic.sent[said.attributes["ce_causation"].decode()]
            delays.append((sent, said.appended_at - sent))
        elif kind == b"clock.breached.v1":
            at = datetime.fromisoformat(said.attributes["ce_time"].decode())
            wanted = traffic.begins + (at - traffic.due).total_seconds()
            (single_before if wanted < traffic.begins - 1 else single_after).append(said.appended_at - wanted)
    for sent, delay in delays:
        if sent < traffic.begins - 1:
            urged_before.append(delay)
        elif sent <= drained_at:
            urged_meanwhile.append(delay)
    assert len(delays) == len(traffic.sent), f"{len(traffic.sent) - len(delays)} commands without a fact"
    wrong = [number for number in range(tickets) if breached[number] != 2]
    assert not wrong, f"{len(wrong)} tickets without two breaches, for instance {stock.token(wrong[0])}"
    for number, facts in kept.items():
        assert facts == _expected(policies, together[number % len(together)], stock.token(number), traffic.due)
    return {
        "drain_seconds": round(drained_at - traffic.begins, 2),
        "facts_per_second": round(2 * tickets / (drained_at - traffic.begins)),
        "lateness": log.quantiles(late),
        "steady_lateness": log.quantiles(single_before),
        "lateness_of_others_meanwhile": log.quantiles(single_after),
        "delay_before": log.quantiles(urged_before),
        "delay_meanwhile": log.quantiles(urged_meanwhile),
        "checked_byte_by_byte": len(kept),
    }


def _expected(policies: Policies, pair: stock.Pair, name: str, due: datetime) -> list[bytes]:
    workshop = stock.Workshop(policies)
    key, made = name.encode(), pair.of(name)
    workshop.tables[0][key], workshop.tables[1][key] = made.router, made.timer
    for engine, value in ((workshop.router, made.router), (workshop.timer, made.timer)):
        engine.rebuild(0, [(key, value)])
    facts = workshop.hear(PulseClock(id="pulse-due", source="/bench", time=due))
    return [canonical(fact) for fact in chain(facts) if fact.subject == name]
