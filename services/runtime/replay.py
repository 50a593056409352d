"""Replay: decide every command again from offset 0 with fresh state, and compare with what the router said."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.envelope import Event
from schemas.facts import Fact
from schemas.topics import Topic
from schemas.wire import WireError, decode, encode
from services.core.service import Rejected, Service
from services.runtime.engine import Engine
from services.runtime.settings import Settings
from services.runtime.tail import Tail

History = dict[str, list[bytes]]
"""Per ticket, its facts in order, as canonical bytes (attributes and value)."""


@dataclass(frozen=True)
class Comparison:
    """How a replay compares: tickets, facts, and up to ten tickets that differ."""

    tickets: int
    facts: int
    differing: tuple[str, ...]
    digest: str


def canonical(event: Event) -> bytes:
    """Give attributes and value of an event as bytes that depend on nothing else."""
    headers, value = encode(event)
    return json.dumps({name: raw.decode() for name, raw in headers}, sort_keys=True).encode() + b"\n" + value


def histories(events: Iterable[Event]) -> History:
    """Sort facts by ticket, dropping copies of an id."""
    seen: set[str] = set()
    found: History = {}
    for event in events:
        if isinstance(event, Fact) and event.id not in seen:
            seen.add(event.id)
            found.setdefault(event.subject, []).append(canonical(event))
    return found


def digest(history: Mapping[str, list[bytes]]) -> str:
    """Give one SHA-256 over all tickets and their facts in order."""
    total = hashlib.sha256()
    for ticket in sorted(history):
        total.update(ticket.encode())
        for fact in history[ticket]:
            total.update(fact)
    return total.hexdigest()


def read_facts(settings: Settings, topics: Mapping[str, Topic], name: str) -> History:
    """Read the facts of a topic from offset 0."""
    tail = Tail(settings, topics, [name])
    try:
        return histories(decode(record.headers, record.value) for record in tail.catch_up())
    finally:
        tail.close()


def decide_again(settings: Settings, topics: Mapping[str, Topic], router: Service) -> History:
    """Give the facts that a router with empty tables decides from `ticket-commands`, offset 0 on."""
    (fold,) = router.folds
    table: dict[bytes, bytes] = {}
    engine = Engine(fold, table)
    said: list[Event] = []
    tail = Tail(settings, topics, [fold.reads])
    for record in tail.catch_up():
        try:
            result = engine.handle(record)
        except (WireError, Rejected):
            continue
        said.extend(output.event for output in result.outputs if output.topic == "ticket-events")
        for key, value in result.writes:
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
    tail.close()
    return histories(said)


def compare(settings: Settings, topics: Mapping[str, Topic], router: Service) -> Comparison:
    """Compare what was said with what a replay says."""
    live, again = read_facts(settings, topics, "ticket-events"), decide_again(settings, topics, router)
    differing = [ticket for ticket in sorted(live.keys() | again.keys()) if live.get(ticket) != again.get(ticket)]
    return Comparison(len(live), sum(map(len, live.values())), tuple(differing[:10]), digest(live))
