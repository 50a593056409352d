"""The sla-timer alone: facts of whole lives in its input, then the instant at which what is left runs out."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from bench.mesh import log, stock
from bench.mesh.workers import Workers
from bench.topics import produce
from schemas.commands import Command, DecideExtension, PulseClock, RequestExtension, SignTicket, WithdrawTicket
from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed
from schemas.topics import load as topic_files
from schemas.vocabulary import Kind, Role
from schemas.wire import Headers, encode
from services.core.policy import Policies
from services.runtime.publisher import COMMON
from services.runtime.settings import Settings
from services.runtime.topics_admin import apply

OPENED = datetime.fromisoformat("2026-09-21T01:00:00+00:00")
"""Monday, 09:00 in Weixi."""


def _said(cls: type[Command], hours: int, role: Role, who: str, **data: object) -> Command:
    return stock.said(cls, OPENED + timedelta(hours=hours), role, who, **data)


@dataclass(frozen=True)
class Lives:
    """The facts of a life that is extended and goes on, and of one that is withdrawn: arm, extend, cancel."""

    goes_on: list[Event]
    ends: list[Event]
    due: datetime
    """When the one that goes on runs out."""
    answers: list[Event]
    """What the router says then to sla-timer's alarm."""


def lives(policies: Policies) -> Lives:
    """Make them with the real folds."""
    found, workshops = [], []
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
        workshops.append(workshop)
    due: datetime = found[0][-1].new_due_at  # type: ignore[attr-defined]
    said = workshops[0].hear(PulseClock(id="pulse-due", source="/bench", time=due))
    return Lives(found[0], found[1], due, [fact for fact in said if fact.subject == stock.PLACEHOLDER])


def _under(name: bytes, wire: tuple[Headers, bytes]) -> dict[str, Any]:
    """Give value, key and headers of a fact as one of another ticket."""
    headers, value = wire
    old, told = stock.PLACEHOLDER.encode(), dict(headers)
    own = [(key, text.replace(old, name)) for key, text in headers if key != "ce_id"]
    identity = derived_id(name.decode(), told["ce_sequence"].decode()).encode()
    return {"value": value, "key": name, "headers": [*own, ("ce_id", identity)]}


def _records(known: Lives, tickets: int) -> Iterator[dict[str, Any]]:
    """Give the facts of all tickets, each stage for everybody before the next: no ticket twice in a row."""
    told = [[encode(fact) for fact in life] for life in (known.goes_on, known.ends)]
    for stage in range(max(map(len, told))):
        for number in range(tickets):
            life = told[number % 2]
            if stage < len(life):
                yield _under(stock.token(number).encode(), life[stage])


class _Answering(threading.Thread):
    """Stands in for the router: says to each alarm what the router says, for sla-timer rings no farther ahead of it."""

    def __init__(self, settings: Settings, partitions: int, producer: Producer, known: Lives) -> None:
        super().__init__(daemon=True)
        self._topic = settings.topic("ticket-events")
        self._producer, self._answers = producer, [encode(fact) for fact in known.answers]
        self._consumer = log.follow(settings, "ticket-commands", partitions)
        self.answered: set[bytes] = set()
        """Tickets of which an alarm was heard."""
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            for message in self._consumer.consume(1000, timeout=0.05):
                if message.error() is None and message.key() not in self.answered:
                    self.answered.add(message.key())
                    for answer in self._answers:
                        produce(self._producer, self._topic, **_under(message.key(), answer))
            self._producer.poll(0)
        self._consumer.close()

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def run(
    settings: Settings, logs: Path, policies: Policies, standing: int, tickets: int, workers: int, say: Any
) -> dict[str, Any]:
    """Let sla-timer read the facts of so many tickets beside others, then ring for those that are still open."""
    files = topic_files()
    partitions = files["ticket-events"].partitions
    apply(settings, files)
    stock.stand_by(settings, policies, standing, OPENED)
    servers = {"bootstrap.servers": settings.bootstrap_servers, "client.id": "bench-facts", "log_level": 2}
    producer = Producer(COMMON | servers | {"queue.buffering.max.messages": 500_000, "linger.ms": 20})
    topic = settings.topic("ticket-events")
    known, events = lives(policies), 0
    for record in _records(known, tickets):
        produce(producer, topic, **record)
        events += 1
    producer.flush(300)
    say(f"{events:,} facts of {tickets:,} tickets wait")
    router = _Answering(settings, partitions, producer, known)
    with Workers(settings, logs, {"sla-timer": workers}) as running:
        began = time.monotonic()
        behind = log.lag(settings, "sla-timer", "ticket-events", partitions)
        _until(lambda: log.lag(settings, "sla-timer", "ticket-events", partitions) == 0)
        seconds = time.monotonic() - began
        memory = running.memory_mb()
        open_tickets = (tickets + 1) // 2
        router.start()
        began = time.monotonic()
        for number in range(partitions):
            pulse = ClockPulsed(id=derived_id("pulse", number), source="/bench", time=known.due)
            headers, value = encode(pulse)
            producer.produce(topic, value, partition=number, headers=headers)
        _until(lambda: len(router.answered) >= open_tickets)
        ringing = time.monotonic() - began
        _until(lambda: log.lag(settings, "sla-timer", "ticket-events", partitions) == 0)
        router.stop()
    if router.answered != {stock.token(number).encode() for number in range(0, tickets, 2)}:
        raise RuntimeError("others rang than those that were due")
    return {
        "standing": standing,
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
