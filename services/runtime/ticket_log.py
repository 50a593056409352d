"""Reads out of a log what was said of tickets: the facts, each once, and the commands that led to them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.commands import Command
from schemas.facts import Fact
from schemas.wire import WireError, decode
from services.runtime.engine import Record

TOPICS = ("ticket-commands", "ticket-events")


@dataclass
class Told:
    """What was said of one ticket, by id."""

    facts: dict[str, Fact] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)


def told(log: Iterable[Record], ticket: str | None = None) -> dict[str, Told]:
    """Give what was said, ticket by ticket; only of `ticket`, if given. Records that nobody can read are left out."""
    found: dict[str, Told] = {}
    wanted = ticket.encode() if ticket is not None else None
    for record in log:
        if record.position.topic not in TOPICS or record.key is None or wanted not in {None, record.key}:
            continue
        try:
            event = decode(record.headers, record.value)
        except WireError:
            continue  # it is in the dead letters, with its reason
        said = found.setdefault(event.subject, Told())
        if isinstance(event, Fact):
            said.facts.setdefault(event.id, event)
        elif isinstance(event, Command):
            said.commands.setdefault(event.id, event)
    return found
