"""Dead letters: the original bytes, sealed because they may hold personal data, with where and why in headers."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import SecretStr

from services.runtime.engine import Record
from services.runtime.letters import Letter, Original, letter_id, original_of
from services.runtime.sealing import SealError, derive, seal, unseal
from services.runtime.settings import Settings
from services.runtime.vault import Vault, open_vault, path_of

Headers = list[tuple[str, bytes]]
SEALED_FOR = "dlq.sealed.for"
"""Header: whose data key seals the letter, a ticket's token or the letter's own id."""
OWNER = re.compile(r"^T-[a-z2-7]{24}$")
"""A ticket's token as the door makes it."""


@dataclass(frozen=True)
class DeadLetter:
    """What the dead-letter topic of a service gets for one bad record; there is no key, it may be personal."""

    headers: Headers
    value: bytes


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _context(topic: str, partition: int, offset: int) -> bytes:
    return f"{topic}/{partition}/{offset}".encode()


def bury(
    master: SecretStr,
    service: str,
    record: Record,
    code: str,
    reason: str,
    vault: Vault | None = None,
    owner: str | None = None,
) -> DeadLetter:
    """Make the dead letter of `record`; `code` is a stable word, `reason` never echoes the record.

    With a vault it is sealed under the key of its `owner`, the ticket it is about, or under one of its own: it can be
    erased. Without, as behind the door where no record holds a person, under the master key.
    """
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
    context = _context(at.topic, at.partition, at.offset)
    if vault is None:
        return DeadLetter(headers, seal(derive(master, "dead-letters"), plain, context))
    own = letter_id(service, at.topic, at.partition, at.offset)
    for name in filter(None, (owner, own)):
        sealed = vault.seal_for(name, plain, context)
        if sealed is not None:
            return DeadLetter([*headers, (SEALED_FOR, name.encode())], sealed)
    return DeadLetter([*headers, (SEALED_FOR, own.encode())], b"")  # erased before it was buried: nothing is kept


def exhume(master: SecretStr, headers: dict[str, bytes], value: bytes, vault: Vault | None = None) -> dict[str, object]:
    """Open a dead letter again: key, value and headers of the original, in base64; raises `SealError`."""
    topic, partition, offset = (headers[f"dlq.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    context = _context(topic, int(partition), int(offset))
    if SEALED_FOR not in headers:
        plain = unseal(derive(master, "dead-letters"), value, context)
    elif vault is None:
        raise SealError("sealed under a key of the vault, which is not here (HOTLINE_HOME)")
    else:
        plain = vault.unseal_for(headers[SEALED_FOR].decode(), value, context)
    original: dict[str, object] = json.loads(plain)
    return original


@contextmanager
def opener(settings: Settings) -> Iterator[Callable[[Letter], Original]]:
    """Give what opens letters with the keys that `settings` name, and with the vault if it is on this machine."""
    vault = open_vault(settings) if path_of(settings).exists() else None

    def opened(letter: Letter) -> Original:
        return original_of(exhume(settings.master_key, dict(letter.headers), letter.sealed, vault))

    try:
        yield opened
    finally:
        if vault is not None:
            vault.close()
