"""Decides a recorded log anew: what people said stays as it was, what the mesh made of it is made again."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from rich.console import Console
from rich.progress import track

from schemas.commands import Command
from schemas.envelope import Event
from schemas.facts import Fact
from schemas.vocabulary import Role
from schemas.wire import WireError, decode, encode
from services.core.policy import Policies
from services.core.service import Position, Rejected
from services.revisit import service as revisit
from services.router import service as router
from services.runtime.engine import Engine, Record
from services.sla_timer import service as sla_timer

_ABOUT_RULES: Final = {"id", "source", "causation", "rulebook", "article"}


@dataclass(frozen=True)
class Difference:
    """The first fact of a ticket that comes out otherwise; None where one side has no more facts."""

    ticket: str
    time: str
    kind: str
    recorded: str
    simulated: str


@dataclass(frozen=True)
class Simulation:
    """How many tickets the log has, and which would have gone otherwise."""

    tickets: int
    differences: tuple[Difference, ...]
    totals: dict[str, tuple[int, int]]
    """Facts by type, recorded and simulated, where the numbers differ."""

    def summary(self) -> dict[str, Any]:
        """Give everything as JSON values."""
        return {
            "tickets": self.tickets,
            "differing": len(self.differences),
            "totals": {name: {"recorded": a, "simulated": b} for name, (a, b) in self.totals.items()},
            "by_kind": dict(Counter(difference.kind for difference in self.differences)),
            "differences": [vars(difference) for difference in self.differences],
        }


class _Mesh:
    """The services that decide, over plain tables; every partition in the order of the log."""

    def __init__(self, policies: Policies, recorded: frozenset[str]) -> None:
        self._recorded = recorded
        self._waiting: dict[str, Command] = {}
        self.facts: dict[str, list[Fact]] = {}
        self._offsets: Counter[tuple[str, int]] = Counter()
        self._engines = []
        for module in (router, sla_timer, revisit):
            table: dict[bytes, bytes] = {}
            self._engines.append((Engine(module.service(policies).folds[0], table), table))

    def take(self, record: Record, event: Event) -> None:
        """Take one record of the log: as it was said, or as it is made anew, or not at all."""
        if not _made_by_the_mesh(event):
            self._digest(record.position.partition, event)
        elif event.id in self._waiting:
            self._digest(record.position.partition, self._waiting.pop(event.id))

    def _digest(self, partition: int, first: Event) -> None:
        todo: deque[tuple[str, Event]] = deque([("ticket-commands", first)])
        while todo:
            topic, event = todo.popleft()
            if isinstance(event, Fact):
                self.facts.setdefault(event.subject, []).append(event)
            record = self._record(topic, partition, event)
            for engine, table in self._engines:
                if engine.fold.reads != topic:
                    continue
                try:
                    result = engine.handle(record)
                except (Rejected, WireError):
                    continue  # it was a dead letter, or is one now
                for key, value in result.writes:
                    if value is None:
                        table.pop(key, None)
                    else:
                        table[key] = value
                todo += [(o.topic, o.event) for o in result.outputs if self._goes_on_now(o.topic, o.event)]

    def _goes_on_now(self, topic: str, event: Event) -> bool:
        """Hold back what the log has further on: it is taken there, so that order is as it was."""
        if topic == "ticket-commands" and isinstance(event, Command) and event.id in self._recorded:
            self._waiting[event.id] = event
            return False
        return topic in {"ticket-commands", "ticket-events"}

    def _record(self, topic: str, partition: int, event: Event) -> Record:
        headers, value = encode(event)
        self._offsets[topic, partition] += 1
        position = Position(topic, partition, self._offsets[topic, partition])
        return Record(position, event.subject.encode() or None, value, tuple(headers), 0.0)


def _made_by_the_mesh(event: Event) -> bool:
    return isinstance(event, Command) and event.actor.role is Role.SERVICE


def simulate(log: Sequence[Record], policies: Policies, console: Console) -> Simulation:
    """Decide the log anew under `policies`, and hold the facts against those that were recorded."""
    commands: list[tuple[Record, Event]] = []
    facts: dict[str, dict[str, Fact]] = {}
    for record in log:
        if record.position.topic not in {"ticket-commands", "ticket-events"}:
            continue
        try:
            event = decode(record.headers, record.value)
        except WireError:
            continue
        if record.position.topic == "ticket-commands":
            commands.append((record, event))
        elif isinstance(event, Fact):
            facts.setdefault(event.subject, {}).setdefault(event.id, event)
    mesh = _Mesh(policies, frozenset(event.id for _, event in commands if _made_by_the_mesh(event)))
    for record, event in track(_as_said(commands), "deciding anew 推演", console=console, transient=True):
        mesh.take(record, event)
    found = []
    for ticket in sorted({*facts, *mesh.facts}):
        recorded = sorted(facts.get(ticket, {}).values(), key=lambda fact: fact.sequence)
        difference = _compare(ticket, recorded, mesh.facts.get(ticket, []))
        if difference is not None:
            found.append(difference)
    was = Counter(fact.type for said in facts.values() for fact in said.values())
    is_now = Counter(fact.type for said in mesh.facts.values() for fact in said)
    totals = {name: (was[name], is_now[name]) for name in sorted({*was, *is_now}) if was[name] != is_now[name]}
    return Simulation(len(facts), tuple(found), totals)


def _as_said(commands: list[tuple[Record, Event]]) -> list[tuple[Record, Event]]:
    """Give the commands in the order in which the broker took them, each partition in its own.

    Tickets that are merged speak to each other across partitions: what one says must come before the other hears it.
    """
    latest: dict[int, float] = {}
    ordered = []
    for record, event in sorted(commands, key=lambda pair: (pair[0].position.partition, pair[0].position.offset)):
        partition = record.position.partition
        latest[partition] = max(record.appended_at, latest.get(partition, 0.0))
        ordered.append((latest[partition], record, event))
    ordered.sort(key=lambda item: (item[0], item[1].position.partition, item[1].position.offset))
    return [(record, event) for _, record, event in ordered]


def _essence(fact: Fact) -> dict[str, Any]:
    said = fact.model_dump(mode="json", exclude=_ABOUT_RULES)
    for clock in said["started"]:
        for name in ("calendar", "limit", "article"):
            del clock[name]
    return said


def _compare(ticket: str, recorded: Iterable[Fact], simulated: Iterable[Fact]) -> Difference | None:
    for was, is_now in zip_longest(recorded, simulated):
        if was is None or is_now is None or _essence(was) != _essence(is_now):
            some = was or is_now
            if some is None:
                continue
            kind = " / ".join(dict.fromkeys(fact.type for fact in (was, is_now) if fact is not None))
            return Difference(ticket, some.time.isoformat(), kind, _said(was), _said(is_now))
    return None


def _said(fact: Fact | None) -> str:
    if fact is None:
        return "–"
    dues = ", ".join(f"{clock.kind} due {clock.due_at.isoformat()}" for clock in fact.started)
    return f"{fact.type} {fact.time.isoformat()}" + (f" ({dues})" if dues else "")
