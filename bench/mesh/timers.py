"""The sla-timer alone: facts of whole lives in its input, then the instant at which what is left runs out."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from bench.mesh import log, stock
from bench.mesh.workers import Workers
from schemas.commands import Command, DecideExtension, RequestExtension, SignTicket, WithdrawTicket
from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed
from schemas.topics import load as topic_files
from schemas.vocabulary import Kind, Role
from schemas.wire import encode
from services.core.policy import Policies
from services.runtime.publisher import COMMON
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply
from services.runtime.worker import ALARMS_AT_ONCE

OPENED = datetime.fromisoformat("2026-09-21T01:00:00+00:00")
"""Monday, 09:00 in Weixi."""


def _said(cls: type[Command], hours: int, role: Role, who: str, **data: object) -> Command:
    return stock.said(cls, OPENED + timedelta(hours=hours), role, who, **data)


def lives(policies: Policies) -> tuple[list[Event], list[Event]]:
    """Give the facts of a life that is extended and goes on, and of one that is withdrawn: arm, extend, cancel."""
    found = []
    for withdrawn in (False, True):
        workshop = stock.Workshop(policies)
        facts = list(workshop.hear(stock.opening(Kind.HELP, OPENED)))
        unit = next(fact.unit for fact in facts if fact.type == "ticket.dispatched.v1")  # type: ignore[attr-defined]
        wishes = [
            _said(SignTicket, 1, Role.UNIT, unit),
            _said(RequestExtension, 2, Role.UNIT, unit, reason="waiting-for-parts"),
            _said(DecideExtension, 3, Role.OFFICE, "office", granted=True),
            *([_said(WithdrawTicket, 4, Role.CITIZEN, "citizen")] if withdrawn else []),
        ]
        found.append(facts + [fact for wish in wishes for fact in workshop.hear(wish)])
    return found[0], found[1]


def _records(policies: Policies, tickets: int) -> Iterator[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    """Give the facts of all tickets, each stage for everybody before the next: no ticket twice in a row."""
    goes_on, ends = lives(policies)
    told = [[encode(fact) for fact in life] for life in (goes_on, ends)]
    old = stock.PLACEHOLDER.encode()
    for stage in range(max(len(goes_on), len(ends))):
        for number in range(tickets):
            life = told[number % 2]
            if stage >= len(life):
                continue
            name = stock.token(number)
            headers, value = life[stage]
            own = [(key, text.replace(old, name.encode())) for key, text in headers if key != "ce_id"]
            yield name.encode(), value, [*own, ("ce_id", derived_id(name, stage + 1).encode())]


def run(settings: Settings, logs: Path, policies: Policies, tickets: int, workers: int, say: Any) -> dict[str, Any]:
    """Let sla-timer read the facts of so many tickets, then ring for those that are still open."""
    files = topic_files()
    partitions = files["ticket-events"].partitions
    apply(settings, files)
    servers = {"bootstrap.servers": settings.bootstrap_servers, "client.id": "bench-facts", "log_level": 2}
    producer = Producer(COMMON | servers | {"queue.buffering.max.messages": 500_000, "linger.ms": 20})
    topic = settings.topic("ticket-events")
    events = 0
    for key, value, headers in _records(policies, tickets):
        while True:
            try:
                producer.produce(topic, value, key, headers=headers)
            except BufferError:
                producer.poll(0.1)
            else:
                break
        events += 1
    producer.flush(300)
    say(f"{events:,} facts of {tickets:,} tickets wait")
    count = log.ends(settings, "ticket-commands", partitions)
    with Workers(settings, logs, {"sla-timer": workers}) as running:
        began = time.monotonic()
        behind = log.lag(settings, "sla-timer", "ticket-events", partitions)
        _until(lambda: log.lag(settings, "sla-timer", "ticket-events", partitions) == 0)
        seconds = time.monotonic() - began
        memory = running.memory_mb()
        open_tickets = (tickets + 1) // 2
        due = lives(policies)[0][-1].new_due_at  # type: ignore[attr-defined]
        began = time.monotonic()
        # Alone, without a router that answers, a pulse rings as many as its budget allows: so there are many pulses.
        for step in range(2 + open_tickets * 5 // (4 * partitions * ALARMS_AT_ONCE)):
            for number in range(partitions):
                at = due + timedelta(seconds=step)
                pulse = ClockPulsed(id=derived_id("pulse", number, at.isoformat()), source="/bench", time=at)
                headers, value = encode(pulse)
                producer.produce(topic, value, partition=number, headers=headers)
        producer.flush(60)
        _until(lambda: count() >= open_tickets)
        ringing = time.monotonic() - began
    return {
        "tickets": tickets,
        "workers": workers,
        "events": behind,
        "events_per_second": round(behind / seconds),
        "alarms_per_second": round(open_tickets / ringing),
        "memory_mb": sum(memory.values()),
    }


def _until(done: Any, timeout: float = 600) -> None:
    limit = time.monotonic() + timeout
    while not done():
        if time.monotonic() > limit:
            raise RuntimeError(f"not done after {timeout:.0f} s")
        time.sleep(0.05)
