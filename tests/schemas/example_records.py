"""The committed examples as Kafka records."""

import json
from typing import Any

from schemas.docs import EXAMPLES, STORY, example_files
from schemas.envelope import Event
from schemas.wire import decode

EVERY = example_files()
NAMES = [str(path.relative_to(EXAMPLES)) for path, _ in EVERY]


def record(example: dict[str, Any]) -> tuple[list[tuple[str, bytes | None]], bytes]:
    """Give headers and value as they lie on the topic: compact JSON, UTF-8."""
    headers: list[tuple[str, bytes | None]] = [(k, v.encode()) for k, v in example["headers"].items()]
    return headers, json.dumps(example["value"], ensure_ascii=False, separators=(",", ":")).encode()


def event(example: dict[str, Any]) -> Event:
    return decode(*record(example))


def of(topic: str, key: str | None = STORY) -> list[Event]:
    """Give the example events of one topic and key, in the order of their sequence where they have one."""
    found = [event(e) for _, e in EVERY if e["topic"] == topic and e["key"] == key]
    return sorted(found, key=lambda e: e.sequence or 0)
