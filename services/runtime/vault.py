"""The vault: personal data and free text, sealed under a key per ticket that the master key wraps.

Erasing a ticket's key erases the person, in every copy and backup of the sealed bytes (crypto-shredding). So keys lie
in a file of their own, `*-keys.sqlite`: what is sealed may be backed up for years, the keys only as long as restoring
needs them. The keys' file also knows which tickets a person has (by a keyed hash), and which were erased for good.
"""

import hashlib
import hmac
import json
import re
import sqlite3
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from services.core.service import Sealable
from services.runtime.sealing import SealError, derive, seal, unseal
from services.runtime.settings import Settings

SEALED = "CREATE TABLE IF NOT EXISTS item (ref TEXT PRIMARY KEY, ticket TEXT, kind TEXT, bytes BLOB) WITHOUT ROWID;" + (
    "CREATE INDEX IF NOT EXISTS item_of_ticket ON item (ticket);"
)
KEYS = """
CREATE TABLE IF NOT EXISTS key (ticket TEXT PRIMARY KEY, wrapped BLOB NOT NULL, by TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS key_by ON key (by);
CREATE TABLE IF NOT EXISTS person (mark BLOB, ticket TEXT, PRIMARY KEY (mark, ticket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS person_of ON person (ticket);
CREATE TABLE IF NOT EXISTS erased (ticket TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS matter (ticket TEXT PRIMARY KEY, what TEXT NOT NULL, earlier TEXT);
CREATE TABLE IF NOT EXISTS unsaid (id TEXT PRIMARY KEY, event BLOB NOT NULL) WITHOUT ROWID;
"""
REWRAP_BATCH = 500
BUSY_SECONDS = 10.0


@dataclass(frozen=True)
class Item:
    """What was sealed under one reference: `submission` (JSON of the reporter and the matter) or `text`."""

    ref: str
    kind: str
    plain: bytes


def normalised(contact: str) -> str:
    """Give a phone or identity number as the blind index takes it: letters and digits, without the country's +86."""
    return re.sub(r"^(?:\+?86|0086)(?=1\d{10}$)", "", re.sub(r"[^0-9A-Za-z+]", "", contact)).upper()


def _open(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_SECONDS, isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;" + schema)
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")  # what is read before it is written must still be so then
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


class Vault:
    """A vault in two SQLite files; safe to use from several threads and processes.

    `wrapping` wraps new data keys (default: the master key); `old` open those that were wrapped before, until `rewrap`.
    """

    def __init__(
        self, path: Path, master: SecretStr, wrapping: SecretStr | None = None, old: Sequence[SecretStr] = ()
    ) -> None:
        self._sealed = _open(path, SEALED)
        self._keys = _open(path.with_name(f"{path.stem}-keys.sqlite"), KEYS)
        secrets = [wrapping or master, *old, master]
        self._wrapping = {derive(secret, "vault-key-id").hex()[:16]: derive(secret, "vault") for secret in secrets}
        self._current = next(iter(self._wrapping))
        self._blind = derive(master, "blind-index")
        self._lock = threading.RLock()

    def mark(self, contact: str) -> bytes:
        """Give the blind index of a phone or identity number: equal for equal numbers, worthless without the key."""
        return hmac.new(self._blind, normalised(contact).encode(), hashlib.sha256).digest()

    def put(self, items: Sequence[Sealable]) -> None:
        """Seal and store durably; putting the same reference again changes nothing for its readers.

        What comes of an erased ticket, a late copy for instance, is not stored.
        """
        if not items:
            return
        with self._lock:
            with _transaction(self._keys):  # keys first: what is sealed can be opened, whenever the process dies
                keys = self._keys_of({item.ticket for item in items})
                kept = [item for item in items if item.ticket in keys]
                marks = [
                    (self.mark(contact), item.ticket)
                    for item in kept
                    if item.kind == "submission"
                    for contact in _contacts(item.plain)
                ]
                self._keys.executemany("INSERT OR IGNORE INTO person VALUES (?, ?)", marks)
            rows = [
                (item.ref, item.ticket, item.kind, seal(keys[item.ticket], item.plain, item.ref.encode()))
                for item in kept
            ]
            if rows:
                with _transaction(self._sealed):
                    self._sealed.executemany("INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?)", rows)

    def reveal(self, ref: str) -> bytes:
        """Give what lies under `ref`; raises KeyError if nothing does, `SealError` if its key was erased."""
        with self._lock:
            row = self._sealed.execute("SELECT ticket, bytes FROM item WHERE ref = ?", (ref,)).fetchone()
            if row is None:
                raise KeyError(ref)
            return unseal(self._key(row[0], create=False), row[1], ref.encode())

    def items(self, ticket: str) -> list[Item]:
        """Give everything sealed of a ticket; raises KeyError if nothing ever was, `SealError` if it was erased."""
        with self._lock:
            if self._is_erased(ticket):
                raise SealError("the ticket's key was erased")
            query = "SELECT ref, kind, bytes FROM item WHERE ticket = ? ORDER BY kind, ref"
            rows = self._sealed.execute(query, (ticket,)).fetchall()
            if not rows:
                raise KeyError(ticket)
            key = self._key(ticket, create=False)
            return [Item(ref, kind, unseal(key, sealed, ref.encode())) for ref, kind, sealed in rows]

    def seal_for(self, owner: str, plain: bytes, context: bytes) -> bytes | None:
        """Seal bytes that lie elsewhere, a dead letter, under the key of `owner`; None if that was erased."""
        with self._lock, _transaction(self._keys):
            return None if self._is_erased(owner) else seal(self._key(owner, create=True), plain, context)

    def unseal_for(self, owner: str, sealed: bytes, context: bytes) -> bytes:
        """Open what `seal_for` sealed; raises `SealError`."""
        with self._lock:
            return unseal(self._key(owner, create=False), sealed, context)

    def tickets_of(self, contact: str) -> list[str]:
        """Give the tickets of the person with this phone or identity number (repeat callers)."""
        with self._lock:
            query = "SELECT ticket FROM person WHERE mark = ? ORDER BY ticket"
            return [row[0] for row in self._keys.execute(query, (self.mark(contact),)).fetchall()]

    def earlier(self, matters: Iterable[tuple[Sealable, str]]) -> list[str | None]:
        """Give for each matter (its submission, and what it is about) the ticket that its caller first brought it as.

        Decided once for a ticket, and kept: whoever asks again, after a crash or in another process, gets the same. Who
        gives neither phone nor identity number is nobody's same caller.
        """
        found: list[str | None] = []
        with self._lock, _transaction(self._keys):
            for item, what in matters:
                known = self._keys.execute("SELECT earlier FROM matter WHERE ticket = ?", (item.ticket,)).fetchone()
                found.append(known[0] if known else self._new_matter(item, what))
        return found

    def _new_matter(self, item: Sealable, what: str) -> str | None:
        marks = [self.mark(contact) for contact in _contacts(item.plain)]
        if not marks or self._is_erased(item.ticket):
            return None
        query = f"""SELECT coalesce(earlier, matter.ticket) FROM person JOIN matter ON matter.ticket = person.ticket
            WHERE mark IN ({", ".join("?" * len(marks))}) AND what = ? AND person.ticket != ?
            ORDER BY matter.rowid DESC LIMIT 1"""  # noqa: S608
        row = self._keys.execute(query, (*marks, what, item.ticket)).fetchone()
        earlier = row[0] if row else None
        self._keys.execute("INSERT INTO matter VALUES (?, ?, ?)", (item.ticket, what, earlier))
        self._keys.executemany("INSERT OR IGNORE INTO person VALUES (?, ?)", [(mark, item.ticket) for mark in marks])
        return earlier

    def known_as(self, ticket: str) -> str | None:
        """Give the earlier ticket that `earlier` found for this one; None if it found none, or was never asked."""
        with self._lock:
            row = self._keys.execute("SELECT earlier FROM matter WHERE ticket = ?", (ticket,)).fetchone()
            return row[0] if row else None

    def fellows(self, ticket: str) -> frozenset[str]:
        """Give the other tickets of the person whose ticket this is."""
        query = "SELECT ticket FROM person WHERE ticket != ? AND mark IN (SELECT mark FROM person WHERE ticket = ?)"
        with self._lock:
            return frozenset(row[0] for row in self._keys.execute(query, (ticket, ticket)).fetchall())

    def erase(self, ticket: str) -> bool:
        """Destroy the ticket's key: nothing sealed under it can be read again. False if that was done before."""
        return self.erase_all([(ticket, "", b"")]) > 0

    def erase_all(self, tickets: Iterable[tuple[str, str, bytes]]) -> int:
        """Destroy the keys of (ticket, id and bytes of the event to say it), all or none; gives how many were new.

        The events wait in `unsaid` until `said`. Returns when the keys are in no page of the file and its log any
        more; raises TimeoutError if a reader keeps the log from being emptied (call it again).
        """
        new = 0
        with self._lock:
            with _transaction(self._keys):
                for ticket, said, event in tickets:
                    if self._is_erased(ticket):
                        continue
                    new += 1
                    self._keys.execute("INSERT INTO erased VALUES (?)", (ticket,))
                    self._keys.execute("DELETE FROM key WHERE ticket = ?", (ticket,))
                    self._keys.execute("DELETE FROM person WHERE ticket = ?", (ticket,))
                    if said:
                        self._keys.execute("INSERT OR IGNORE INTO unsaid VALUES (?, ?)", (said, event))
            self.settle()
        return new

    def settle(self) -> None:
        """Empty the write-ahead log, where destroyed keys could still be read, and empty what nobody can open."""
        with self._lock:
            deadline = time.monotonic() + BUSY_SECONDS
            while self._keys.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise TimeoutError("the keys are destroyed, but a reader still holds the file's log")
                time.sleep(0.05)
            gone = self._keys.execute("SELECT ticket FROM erased").fetchall()
            with _transaction(self._sealed):
                self._sealed.executemany("UPDATE item SET bytes = x'' WHERE ticket = ? AND bytes != x''", gone)

    def unsaid(self) -> list[tuple[str, bytes]]:
        """Give id and bytes of the events of erasures that are not yet on the audit topic."""
        with self._lock:
            return self._keys.execute("SELECT id, event FROM unsaid ORDER BY id").fetchall()

    def said(self, name: str) -> None:
        """Note that the audit topic has the event."""
        with self._lock, _transaction(self._keys):
            self._keys.execute("DELETE FROM unsaid WHERE id = ?", (name,))

    def erased(self, ticket: str) -> bool:
        """Say whether the ticket was erased."""
        with self._lock:
            return self._is_erased(ticket)

    def to_rewrap(self) -> int:
        """Count the data keys that another than the current key wraps."""
        with self._lock:
            found: int = self._keys.execute("SELECT count(*) FROM key WHERE by != ?", (self._current,)).fetchone()[0]
            return found

    def rewrap(self) -> int:
        """Wrap the next data keys with the current key; gives how many, 0 when done. Resumable; raises `SealError`."""
        with self._lock, _transaction(self._keys):
            query = "SELECT ticket FROM key WHERE by != ? LIMIT ?"
            tickets = [row[0] for row in self._keys.execute(query, (self._current, REWRAP_BATCH)).fetchall()]
            for ticket in tickets:
                key = self._key(ticket, create=False)
                self._keys.execute(
                    "UPDATE key SET wrapped = ?, by = ? WHERE ticket = ?", (*self._wrapped(key, ticket), ticket)
                )
            return len(tickets)

    def _is_erased(self, ticket: str) -> bool:
        return self._keys.execute("SELECT 1 FROM erased WHERE ticket = ?", (ticket,)).fetchone() is not None

    def _keys_of(self, tickets: Collection[str]) -> dict[str, bytes]:
        """Give the data keys of these tickets, new ones where there are none; an erased ticket has none for ever."""
        names, marks = sorted(tickets), ",".join("?" * len(tickets))
        erased = {row[0] for row in self._keys.execute(f"SELECT ticket FROM erased WHERE ticket IN ({marks})", names)}  # noqa: S608
        query = f"SELECT ticket, wrapped, by FROM key WHERE ticket IN ({marks})"  # noqa: S608
        keys = {ticket: self._unwrapped(ticket, *row) for ticket, *row in self._keys.execute(query, names)}
        new = {name: AESGCM.generate_key(256) for name in names if name not in erased and name not in keys}
        rows = [(name, *self._wrapped(key, name)) for name, key in new.items()]
        self._keys.executemany("INSERT INTO key VALUES (?, ?, ?)", rows)
        return keys | new

    def _unwrapped(self, ticket: str, wrapped: bytes, by: str) -> bytes:
        if by not in self._wrapping:
            raise SealError("cannot be opened: another master key wraps it")
        return unseal(self._wrapping[by], wrapped, ticket.encode())

    def _wrapped(self, key: bytes, ticket: str) -> tuple[bytes, str]:
        return seal(self._wrapping[self._current], key, ticket.encode()), self._current

    def _key(self, ticket: str, *, create: bool) -> bytes:
        row = self._keys.execute("SELECT wrapped, by FROM key WHERE ticket = ?", (ticket,)).fetchone()
        if row is not None:
            return self._unwrapped(ticket, *row)
        if not create:
            raise SealError("the ticket's key was erased")
        key = AESGCM.generate_key(256)
        self._keys.execute("INSERT INTO key VALUES (?, ?, ?)", (ticket, *self._wrapped(key, ticket)))
        return key

    def close(self) -> None:
        """Close the files."""
        self._sealed.close()
        self._keys.close()


def _contacts(plain: bytes) -> list[str]:
    """Give what names a person in a submission: phone and identity number."""
    reporter = json.loads(plain).get("reporter") or {}
    return [reporter[name] for name in ("phone", "id_number") if normalised(reporter.get(name) or "")]


def path_of(settings: Settings) -> Path:
    """Give where the vault's sealed file lies."""
    return settings.home / "vault" / f"{settings.topic_prefix}vault.sqlite"


def open_vault(settings: Settings) -> Vault:
    """Open the vault that the settings name; it is made if there is none."""
    return Vault(path_of(settings), settings.master_key, settings.vault_key, settings.vault_keys_old)
