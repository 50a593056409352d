"""Reading and erasing persons: the audit record first, acknowledged by Kafka, then what it speaks of."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from schemas.audit import Audited, PiiErased, PiiRefused, PiiRevealed, Reason
from schemas.envelope import derived_id
from schemas.events import AnyEvent
from schemas.topics import load
from schemas.wire import WireError, decode
from services.core.disclosure import CONTACT, IDENTITY, Disclosure, struck_out
from services.runtime import wall
from services.runtime.publisher import Publisher
from services.runtime.redaction import LOOKS_PERSONAL
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.vault import Item, Vault

TOPIC = "pii-audit"
SOURCE = "/hotline-mesh/operators"
ACK_SECONDS = 30.0
OWNER = re.compile(r"^(?:T-[a-z2-7]{24}|L-[a-z2-7]{12})$")
"""What a data key belongs to: a ticket, or a dead letter that no ticket could be found for."""

Request = dict[str, Any]
"""`by`, `role`, `reason`, `case` of who asks."""


def request(by: str, role: str, reason: Reason, case: str | None) -> Request:
    """Give the request; raises ValueError if an account or case number looks like a person's number."""
    if any(LOOKS_PERSONAL.search(text) for text in (by, case or "")):
        raise ValueError("--by, --case: looks like a phone or identity number; the audit trail holds no person")
    return {"by": by, "role": role, "reason": reason, "case": case}


def _envelope(kind: str, ticket: str, now: datetime, asked: Request) -> dict[str, Any]:
    name = derived_id(kind, ticket, asked["by"], now.isoformat())
    return {"id": name, "source": SOURCE, "subject": ticket, "time": now, **asked}


def _audit(settings: Settings, event: Audited) -> None:
    publisher = Publisher(settings, "pii")
    try:
        publisher.publish(TOPIC, event).result(timeout=ACK_SECONDS)
    finally:
        publisher.close()


def reveal(settings: Settings, vault: Vault, ticket: str, asked: Request, allowed: Disclosure) -> dict[str, Any] | None:
    """Give the fields that may be seen, after the audit topic has acknowledged it; None if it is refused.

    Raises KeyError if nothing was ever sealed, `SealError` if it was erased, `NotAcknowledgedError` or TimeoutError
    if the audit record could not be written: then nothing is shown.
    """
    now = wall.now()
    if allowed.code is not None:
        said = PiiRefused(**_envelope("pii-refused", ticket, now, asked), fields=allowed.fields, code=allowed.code)
        _audit(settings, said)
        return None
    found = _fields(vault.items(ticket), allowed)
    _audit(settings, PiiRevealed(**_envelope("pii-revealed", ticket, now, asked), fields=allowed.fields))
    return found


def _fields(items: Sequence[Item], allowed: Disclosure) -> dict[str, Any]:
    submissions = [json.loads(item.plain) for item in items if item.kind == "submission"]
    texts = [item.plain.decode() for item in items if item.kind == "text"]
    reporters = [said.get("reporter") or {} for said in submissions]
    everything: dict[str, list[str]] = {"texts": texts}
    for name in ("title", "content"):
        everything[name] = [said.get(name) or "" for said in submissions]
    places = [said.get("place") or {} for said in submissions]
    everything["place"] = [", ".join(str(part) for part in place.values() if part is not None) for place in places]
    for name in IDENTITY:
        everything[name] = [reporter.get(name.partition(".")[2]) or "" for reporter in reporters]
    secrets = [value for name in (*CONTACT, "reporter.id_number") for value in everything[name]]

    def words(value: str) -> str:
        return LOOKS_PERSONAL.sub("‹withheld›", struck_out(value, secrets)) if allowed.masked else value

    return {name: [words(value) for value in everything[name] if value] for name in allowed.fields}


def erase(
    settings: Settings, vault: Vault, owners: Sequence[str], asked: Request, *, whole_person: bool = False
) -> int:
    """Destroy the keys of tickets, all or none, then say so on the audit topic; gives how many were new.

    What was not said, because the process died or Kafka was away, waits in the vault: `finish` says it.
    """
    now = wall.now()
    rows = []
    for owner in owners:
        event = PiiErased(**_envelope("pii-erased", owner, now, asked), whole_person=whole_person)
        rows.append((owner, event.id, event.model_dump_json().encode()))
    new = vault.erase_all(rows)
    finish(settings, vault)
    return new


def finish(settings: Settings, vault: Vault) -> int:
    """Complete erasures that were begun: empty the log of the keys, say what is unsaid; gives how many were said."""
    vault.settle()
    waiting = vault.unsaid()
    if not waiting:
        return 0
    publisher = Publisher(settings, "pii")
    try:
        for name, raw in waiting:
            publisher.publish(TOPIC, AnyEvent.validate_json(raw)).result(timeout=ACK_SECONDS)
            vault.said(name)
    finally:
        publisher.close()
    return len(waiting)


def trail(settings: Settings) -> list[Audited]:
    """Read the audit trail, each record once."""
    tail = Tail(settings, load(), [TOPIC])
    found: dict[str, Audited] = {}
    try:
        for record in tail.catch_up():
            try:
                event = decode(record.headers, record.value)
            except WireError:
                continue
            if isinstance(event, Audited):
                found.setdefault(event.id, event)
    finally:
        tail.close()
    return list(found.values())


def erase_again(settings: Settings, vault: Vault) -> int:
    """Erase whatever the audit trail says was erased: after a backup of the keys was restored. Gives how many."""
    return vault.erase_all((said.subject, "", b"") for said in trail(settings) if isinstance(said, PiiErased))


def rewrap(vault: Vault, progress: Callable[[int], None]) -> int:
    """Wrap every data key with the current vault key, a batch at a time; may be killed and run again."""
    done = 0
    while count := vault.rewrap():
        done += count
        progress(count)
    vault.settle()
    return done
