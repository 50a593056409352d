"""Dead letters: the original bytes, sealed because they may hold personal data, with where and why in headers."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from services.runtime.engine import Record
from services.runtime.letters import Letter, Original, original_of
from services.runtime.sealing import derive, seal, unseal
from services.runtime.settings import Settings

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class DeadLetter:
    """What the dead-letter topic of a service gets for one bad record; there is no key, it may be personal."""

    headers: Headers
    value: bytes


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _context(topic: str, partition: int, offset: int) -> bytes:
    return f"{topic}/{partition}/{offset}".encode()


def bury(master: SecretStr, service: str, record: Record, code: str, reason: str) -> DeadLetter:
    """Make the dead letter of `record`; `code` is a stable word, `reason` never echoes the record."""
    at = record.position
    original = {
        "key": _text(record.key) if record.key is not None else None,
        "value": _text(record.value) if record.value is not None else None,
        "headers": [[name, _text(value) if value is not None else None] for name, value in record.headers],
    }
    plain = json.dumps(original).encode()
    headers = [
        ("dlq.errors.topic", at.topic.encode()),
        ("dlq.errors.partition", str(at.partition).encode()),
        ("dlq.errors.offset", str(at.offset).encode()),
        ("dlq.errors.service", service.encode()),
        ("dlq.errors.class", code.encode()),
        ("dlq.errors.message", reason[:500].encode()),
        ("dlq.errors.timestamp", str(int(record.appended_at * 1000)).encode()),
    ]
    return DeadLetter(headers, seal(derive(master, "dead-letters"), plain, _context(at.topic, at.partition, at.offset)))


def exhume(master: SecretStr, headers: dict[str, bytes], value: bytes) -> dict[str, object]:
    """Open a dead letter again: key, value and headers of the original, in base64; raises `SealError`."""
    topic, partition, offset = (headers[f"dlq.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    plain = unseal(derive(master, "dead-letters"), value, _context(topic, int(partition), int(offset)))
    original: dict[str, object] = json.loads(plain)
    return original


@contextmanager
def opener(settings: Settings) -> Iterator[Callable[[Letter], Original]]:
    """Give what opens letters with the keys that `settings` name."""

    def opened(letter: Letter) -> Original:
        return original_of(exhume(settings.master_key, dict(letter.headers), letter.sealed))

    yield opened
