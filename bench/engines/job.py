"""The job that every engine does: decode an event, write one table key with changelog, emit one output.

Nothing of the project is imported here: the peers' environment does not have it. In Python, JSON is read with orjson,
as Quix Streams does; it is written with pydantic_core, for what orjson 3.13 writes holds four kilobytes as long as a
table keeps it.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PARTITIONS = 4
EVENT_BYTES = 600
EVENTS_PER_TICKET = 10
STAGES = ("dispatched", "signed", "handling", "replied", "rating")


def event(number: int, ticket: int, sequence: int) -> tuple[bytes, bytes]:
    """Give (key, value) of one event of a ticket; the value has 600 bytes."""
    name, stage, minute = b"T-%012d" % ticket, STAGES[sequence % len(STAGES)].encode(), number % 60
    text = (
        b'{"id":"e-%012d","ticket":"%s","sequence":%d,"type":"ticket.%s.v1","time":"2026-09-23T09:%02d:00+08:00",'
        b'"unit":"U-%03d","unit_group":"county","stage":"%s","kind":"help","category":"c-%02d","clocks":'
        b'[{"kind":"sign","cycle":%d,"due_at":"2026-09-23T11:%02d:00+08:00"},'
        b'{"kind":"handle","cycle":%d,"due_at":"2026-09-29T18:00:00+08:00"}],'
        b'"rulebook":{"name":"weixi-2024-01-01","hash":"%016x"},"actor":{"role":"unit","id":"U-%03d"},"padding":"'
    ) % (
        number, name, sequence, stage, minute, ticket % 200, stage, ticket % 60, sequence, minute, sequence,
        number * 0x9E3779B97F4A7C15 % 2**64, ticket % 200,
    )  # fmt: skip
    return name, text + b"x" * (EVENT_BYTES - len(text) - 2) + b'"}'


def events(count: int, tickets: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Give (key, value) of `count` events of `tickets`, or about ten of each ticket, always the same."""
    chance = random.Random(12345)  # noqa: S311 - made-up data, not a secret
    sequences = [0] * (tickets or max(1, count // EVENTS_PER_TICKET))
    for number in range(count):
        ticket = chance.randrange(len(sequences))
        sequences[ticket] += 1
        yield event(number, ticket, sequences[ticket])


def folded(state: dict[str, Any] | None, event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Give (new state, output) of one event; None for one applied before."""
    if state is not None and event["sequence"] <= state["sequence"]:
        return None
    due = min(clock["due_at"] for clock in event["clocks"])
    after = {"sequence": event["sequence"], "stage": event["stage"], "unit": event["unit"], "due": due}
    return after, {"id": event["id"], "ticket": event["ticket"], **after}


def arguments() -> argparse.Namespace:
    """Give what every engine is told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--instance", default="a", help="the name of this member in its group")
    return parser.parse_args()
