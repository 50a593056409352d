"""Whole lives of tickets: the door is fed, and units and citizens answer what the facts tell them."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer

from bench.mesh import log
from bench.mesh.workers import Workers
from bench.topics import produce
from schemas.commands import Command, SignTicket, SubmitRating, SubmitReply
from schemas.envelope import derived_id
from schemas.topics import load as topic_files
from schemas.upstream import Reporter, UpstreamTicketSubmitted
from schemas.values import Actor, Reply
from schemas.vocabulary import Channel, Kind, Rating, ReplyResult, Role
from schemas.wire import encode
from services.runtime import wall
from services.runtime.clock import pulse
from services.runtime.publisher import COMMON, Publisher
from services.runtime.sealing import derive, ticket_token
from services.runtime.settings import Settings

MORNING = datetime(2026, 9, 23, 2, tzinfo=UTC)
"""Wednesday, 10:00 in Weixi: the office is open for two hours."""
UNIT = "U-SANITATION"
CONTENT = "小区门口堆放的旧沙发一直没有人清运，请尽快安排处理。" * 4
UNDER_WAY = 1_000
"""Tickets between door and closing at any time, while the highest rate is looked for."""
FACTS = 7
"""Facts of such a life: opened, dispatched, signed, replied, accepted, rated, closed."""


@dataclass
class Mesh:
    """The clock and everybody outside: platform, units, citizens."""

    settings: Settings
    began: float = field(default_factory=wall.unix)
    closed: list[float] = field(default_factory=list)
    """Unix times at which tickets were closed."""
    facts: list[float] = field(default_factory=list)
    """Unix times of all facts of tickets."""
    handed: int = 0

    def __post_init__(self) -> None:
        self.partitions = topic_files()["ticket-events"].partitions
        servers = {"bootstrap.servers": self.settings.bootstrap_servers, "client.id": "bench-life", "log_level": 2}
        self._producer = Producer(COMMON | servers)
        self._publisher = Publisher(self.settings, "bench-clock")
        self._key = derive(self.settings.master_key, "ticket-token")
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._tick, self._answer)]

    def start(self) -> None:
        """Let the time run; whoever answers hears everything that is said from now on."""
        self._heard = log.follow(self.settings, "ticket-events", self.partitions)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let it stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def under_way(self) -> int:
        """Give how many tickets are not closed yet."""
        return self.handed - len(self.closed)

    def now(self) -> datetime:
        """Give the instant it is in the mesh."""
        return MORNING + timedelta(seconds=wall.unix() - self.began)

    def hand_down(self, number: int) -> None:
        """A platform hands a matter down."""
        said = UpstreamTicketSubmitted(
            id=f"m-{number}",
            source="/bench/stage",
            subject="",
            time=self.now(),
            platform="stage",
            upstream_id=str(number),
            kind=Kind.HELP,
            category="bulky-waste",
            area="533423100",
            channel=Channel.PHONE,
            title="清运旧沙发",
            content=CONTENT,
            reporter=Reporter(name="Z. S.", phone="13800000000", address="保和镇"),
        )
        headers, value = encode(said)
        self.handed += 1
        self._produce("upstream-tickets", f"stage|{number}".encode(), value, headers)

    def token(self, number: int) -> str:
        """Give the token that the door will give this matter."""
        return ticket_token(self._key, "stage", str(number))

    def _produce(self, topic: str, key: bytes, value: bytes, headers: Any) -> None:
        produce(self._producer, self.settings.topic(topic), value, key, headers=headers)
        self._producer.poll(0)

    def say(self, cls: type[Command], ticket: str, role: Role, who: str, **data: object) -> None:
        """Somebody wants something."""
        self._pass_on(
            cls.model_validate(
                {
                    "id": derived_id("bench", ticket, cls.__name__, data.get("number")),
                    "source": "/bench",
                    "subject": ticket,
                    "time": self.now(),
                    "actor": Actor(role=role, id=who),
                }
                | data
            )
        )

    def _pass_on(self, command: Command) -> None:
        headers, value = encode(command)
        self._produce("ticket-commands", command.subject.encode(), value, headers)

    def _tick(self) -> None:
        step = 0
        while not self._stop.wait(max(0.0, self.began + step - wall.unix())):
            pulse(self._publisher, self.partitions, MORNING + timedelta(seconds=step))
            step += 1
        self._publisher.close()

    def _answer(self) -> None:
        consumer = self._heard
        reply = Reply(
            content_ref="text-1", handler="H-1", responsible="R-1", result=ReplyResult.RESOLVED, template_digest="d-1"
        )
        while not self._stop.is_set():
            for message in consumer.consume(1000, timeout=0.05):
                if message.error() is not None:
                    continue
                kind, appended_at = dict(message.headers())["ce_type"], message.timestamp()[1] / 1000
                if kind != b"clock.pulsed.v1":
                    self.facts.append(appended_at)
                if kind == b"ticket.dispatched.v1":
                    self.say(SignTicket, message.key().decode(), Role.UNIT, UNIT)
                elif kind == b"ticket.signed.v1":
                    ticket = message.key().decode()
                    own = reply.model_copy(update={"template_digest": derived_id("digest", ticket)})
                    self.say(SubmitReply, ticket, Role.UNIT, UNIT, reply=own)
                elif kind == b"reply.accepted.v1":
                    self.say(SubmitRating, message.key().decode(), Role.CITIZEN, "citizen", rating=Rating.SATISFIED)
                elif kind == b"ticket.closed.v1":
                    self.closed.append(appended_at)
        consumer.close()


def flow(mesh: Mesh, first: int, seconds: float, *, at_once: int | None = None, rate: float | None = None) -> int:
    """Hand matters down for so long: always `at_once` under way, or `rate` a second; gives how many."""
    began = wall.unix()
    number = first
    while (elapsed := wall.unix() - began) < seconds:
        want = at_once - mesh.under_way if at_once is not None else int(elapsed * (rate or 0)) - (number - first)
        for _ in range(min(want, 200)):
            mesh.hand_down(number)
            number += 1
        time.sleep(0.005)
    return number - first


@dataclass(frozen=True)
class Stretch:
    """A measured part of a flow: from when to when (Unix seconds), and which number comes next."""

    began: float
    ended: float
    cpu: Mapping[str, float]
    """Seconds of processor time by process."""
    following: int

    def lives(self, mesh: Mesh) -> float:
        """Give the facts of it in whole lives, when `mesh` has seen all of them; raises RuntimeError if there are none.

        Tickets that began together go on in step and are closed in waves, a thousand within a few seconds: how many are
        closed within half a minute depends on where it begins. Facts come evenly.
        """
        count = sum(self.began <= at < self.ended for at in list(mesh.facts))
        if not count:
            raise RuntimeError(f"nothing happened within {self.seconds:.0f} s")
        return count / FACTS

    @property
    def seconds(self) -> float:
        """Give how long it was."""
        return self.ended - self.began


def measured(
    mesh: Mesh, workers: Workers, first: int, seconds: float, *, at_once: int | None = None, rate: float | None = None
) -> Stretch:
    """Hand matters down as `flow` does, and see what that costs."""
    before, began = workers.cpu(), wall.unix()
    handed = flow(mesh, first, seconds, at_once=at_once, rate=rate)
    ended = wall.unix()
    spent = {name: used - before[name] for name, used in workers.cpu().items()}
    return Stretch(began, ended, spent, first + handed)


def wait_until_done(mesh: Mesh, timeout: float) -> None:
    """Wait until every ticket is closed; raises RuntimeError."""
    limit = time.monotonic() + timeout
    while mesh.under_way:
        if time.monotonic() > limit:
            raise RuntimeError(f"{mesh.under_way} tickets are not closed after {timeout:.0f} s")
        time.sleep(0.1)


def delays(settings: Settings, began: float, ended: float) -> dict[str, dict[str, float]]:
    """Give per stage the time from the record that a service read to the one that it wrote, within a period.

    A command names the fact that led to it, a fact the command; the door's command the platform's message; what a fact
    counts in the assessment the fact.
    """
    appended: dict[tuple[str, str], float] = {}
    effects: list[tuple[str, tuple[str, str], float]] = []
    for topic in ("upstream-tickets", "ticket-commands", "ticket-events", "unit-measures"):
        for said in log.read(settings, topic, topic_files()[topic].partitions):
            attributes = said.attributes
            # By topic: a pulse and the fact that passes it on have one id.
            appended[topic, attributes["ce_id"].decode()] = said.appended_at
            if began <= said.appended_at < ended and "ce_causation" in attributes:
                stage, read = _stage(topic, attributes["ce_type"].decode())
                effects.append((stage, (read, attributes["ce_causation"].decode()), said.appended_at))
    found: dict[str, list[float]] = {}
    for stage, cause, at in effects:
        if cause in appended:
            found.setdefault(stage, []).append(at - appended[cause])
    return {stage: log.quantiles(values) for stage, values in sorted(found.items())}


def _stage(topic: str, kind: str) -> tuple[str, str]:
    """Give the stage that writes such a record, and the topic that it reads."""
    match topic, kind:
        case "ticket-events", "clock.pulsed.v1":
            return "router: pulse", "ticket-commands"
        case "ticket-events", _:
            return "router: command to fact", "ticket-commands"
        case "unit-measures", "clock.pulse_measured.v1":
            return "scoring: pulse", "ticket-events"
        case "unit-measures", _:
            return "scoring: fact to measure", "ticket-events"
        case _, "ticket.open.v1":
            return "intake: message to command", "upstream-tickets"
        case _:
            return "revisit: fact to command", "ticket-events"
