"""Open tickets, written straight into the changelogs of router and sla-timer.

A million tickets would take the mesh an hour to receive one by one. Their states are made by the real folds, once per
kind of ticket, and copied under other tokens in the tables' own formats; the services recover them as after a crash.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from confluent_kafka import Producer

from bench.topics import produce
from schemas.commands import Command, OpenTicket, PulseClock, SignTicket
from schemas.envelope import Event, derived_id
from schemas.values import Actor, LimitOverride
from schemas.vocabulary import Channel, Kind, Role
from schemas.wire import encode
from services.core.policy import Policies
from services.core.service import Position
from services.router.service import service as router
from services.runtime.engine import Engine, Record
from services.runtime.publisher import COMMON
from services.runtime.settings import Settings
from services.sla_timer.service import service as sla_timer

PLACEHOLDER = "T-" + "a" * 24
CATEGORIES = {Kind.CONSULTATION: "social-security", Kind.HELP: "bulky-waste", Kind.COMPLAINT: "construction"}


def token(number: int) -> str:
    """Give a ticket's token as the door makes them."""
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=15).digest()
    return "T-" + base64.b32encode(digest).decode().lower()


@dataclass(frozen=True)
class Pair:
    """The table values of one ticket in the router and in sla-timer."""

    router: bytes
    timer: bytes

    def of(self, name: str) -> "Pair":
        """Give the values of the same ticket under another token."""
        old, new = PLACEHOLDER.encode(), name.encode()
        return Pair(self.router.replace(old, new), self.timer)


class Workshop:
    """Router and sla-timer in this process, without Kafka: what they know after some commands."""

    def __init__(self, policies: Policies) -> None:
        self.tables: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
        self.router = Engine(router(policies).folds[0], self.tables[0])
        self.timer = Engine(sla_timer(policies).folds[0], self.tables[1])
        self._offset = 0

    def hear(self, event: Event) -> tuple[Event, ...]:
        """Let the router hear a command or a pulse, and everybody what follows; gives the facts."""
        facts = [o.event for o in self._handle(self.router, "ticket-commands", event) if o.topic == "ticket-events"]
        alarms = [o.event for fact in facts for o in self._handle(self.timer, "ticket-events", fact)]
        return (*facts, *(later for alarm in alarms for later in self.hear(alarm)))

    def _handle(self, engine: Engine, topic: str, event: Event) -> tuple[object, ...]:
        headers, value = encode(event)
        self._offset += 1
        record = Record(Position(topic, 0, self._offset), event.subject.encode(), value, tuple(headers), 0.0)
        result = engine.handle(record)
        for key, written in result.writes:
            engine.table[key] = written  # type: ignore[index]
        return result.outputs

    def pair(self) -> Pair:
        """Give what both know of the ticket."""
        key = PLACEHOLDER.encode()
        return Pair(self.tables[0][key], self.tables[1][key])


def said(cls: type[Command], at: datetime, role: Role, who: str, **data: object) -> Command:
    """Make a command about the placeholder."""
    return cls.model_validate(
        {
            "id": derived_id("bench", cls.__name__, at.isoformat()),
            "source": "/bench",
            "subject": PLACEHOLDER,
            "time": at,
            "actor": Actor(role=role, id=who),
            **data,
        }
    )


def opening(kind: Kind, at: datetime, **data: object) -> Command:
    """Make the command that puts a matter of this kind on the record."""
    return said(
        OpenTicket,
        at,
        Role.PLATFORM,
        "stage",
        platform="stage",
        upstream_id="1",
        kind=kind,
        category=CATEGORIES[kind],
        area="533423100",
        channel=Channel.PHONE,
        pii_ref="pii-1",
        **data,
    )


def in_hand(policies: Policies, kind: Kind, opened_at: datetime, now: datetime, **data: object) -> Pair:
    """Give a ticket of this kind that its unit signed an hour after it came, as it stands at `now`."""
    workshop = Workshop(policies)
    facts = workshop.hear(opening(kind, opened_at, **data))
    unit = next(fact.unit for fact in facts if fact.type == "ticket.dispatched.v1")  # type: ignore[attr-defined]
    workshop.hear(said(SignTicket, opened_at + timedelta(hours=1), Role.UNIT, unit))
    workshop.hear(PulseClock(id="pulse-now", source="/bench", time=now))
    return workshop.pair()


def due_together(policies: Policies, due: datetime, now: datetime) -> list[Pair]:
    """Give a ticket of each kind whose limits all run out at `due`, a close of office, as it stands at `now`."""
    calendar = policies.at(now).calendar
    found = []
    for kind in CATEGORIES:
        day = due.astimezone(calendar.zone).date()
        for _ in range(60):
            day -= timedelta(days=1)
            if not calendar.is_working_day(day):
                continue
            pair = in_hand(policies, kind, datetime.combine(day, time(9), calendar.zone).astimezone(UTC), now)
            if pair.router.count(due.isoformat().replace("+00:00", "Z").encode()) >= 3:  # both clocks and the leg
                found.append(pair)
                break
    return found


def due_at(policies: Policies, due: datetime, now: datetime) -> Pair:
    """Give a ticket whose limits run out at `due`, set by a superior order (Art. 8), as it stands at `now`."""
    opened_at = now - timedelta(days=1)
    override = LimitOverride(due_at=due, legal_basis="bench")
    return in_hand(policies, Kind.HELP, opened_at, now, limit_override=override)


def standing(policies: Policies, now: datetime) -> Pair:
    """Give a ticket, a week old at `now`, that has nothing to say for some days: its limits end in two months."""
    override = LimitOverride(due_at=now + timedelta(days=60), legal_basis="bench")
    return in_hand(policies, Kind.HELP, now - timedelta(days=7), now, limit_override=override)


def stand_by(settings: Settings, policies: Policies, count: int, now: datetime) -> None:
    """Leave so many such tickets in the tables, under tokens of their own."""
    pair = standing(policies, now)
    load(settings, ((token(100_000_000 + number), pair) for number in range(count)))


def load(settings: Settings, tickets: Iterable[tuple[str, Pair]]) -> None:
    """Write tickets into both changelogs; returns when the broker has all."""
    servers = {"bootstrap.servers": settings.bootstrap_servers, "client.id": "bench-stock", "log_level": 2}
    producer = Producer(COMMON | servers | {"queue.buffering.max.messages": 500_000, "linger.ms": 20})
    names = settings.topic("router-tickets-changelog"), settings.topic("sla-timer-clocks-changelog")
    for name, pair in tickets:
        made = pair.of(name)
        for topic, value in zip(names, (made.router, made.timer), strict=True):
            produce(producer, topic, value, name.encode())
    if producer.flush(300):
        raise RuntimeError("the broker did not take all tickets")
