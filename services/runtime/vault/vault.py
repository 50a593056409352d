"""The vault itself: what is put, revealed, looked for and erased, each under one lock and durably."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from services.core.service import Sealable
from services.runtime.rows import insert
from services.runtime.sealing import SealError, derive, seal, unseal
from services.runtime.settings import Settings
from services.runtime.vault.data_keys import DataKeys
from services.runtime.vault.files import BUSY_SECONDS, open_files, transaction
from services.runtime.vault.persons import Persons


@dataclass(frozen=True)
class Item:
    """What was sealed under one reference: `submission` (JSON of the reporter and the matter) or `text`."""

    ref: str
    kind: str
    plain: bytes


class Vault:
    """A vault in two SQLite files; safe to use from several threads and processes.

    `wrapping` wraps new data keys (default: the master key); `old` open those that were wrapped before, until `rewrap`.
    """

    def __init__(
        self, path: Path, master: SecretStr, wrapping: SecretStr | None = None, old: Sequence[SecretStr] = ()
    ) -> None:
        self._sealed, self._keys = open_files(path)
        self._data_keys = DataKeys(self._keys, [wrapping or master, *old, master])
        self._persons = Persons(self._keys, derive(master, "blind-index"))
        self._lock = threading.RLock()

    def mark(self, contact: str) -> bytes:
        """Give the blind index of a phone or identity number: equal for equal numbers, worthless without the key."""
        return self._persons.mark(contact)

    def put(self, items: Sequence[Sealable]) -> None:
        """Seal and store durably; putting the same reference again changes nothing for its readers.

        What comes of an erased ticket, a late copy for instance, is not stored.
        """
        if not items:
            return
        with self._lock:
            with transaction(self._keys):  # keys first: what is sealed can be opened, whenever the process dies
                keys = self._data_keys.get_or_make({item.ticket for item in items})
                kept = [item for item in items if item.ticket in keys]
                self._persons.note([item for item in kept if item.kind == "submission"])
            rows = [
                (item.ref, item.ticket, item.kind, seal(keys[item.ticket], item.plain, item.ref.encode()))
                for item in kept
            ]
            if rows:
                with transaction(self._sealed):
                    insert(self._sealed, "INSERT OR REPLACE INTO item", rows)

    def reveal(self, ref: str) -> bytes:
        """Give what lies under `ref`; raises KeyError if nothing does, `SealError` if its key was erased."""
        with self._lock:
            row = self._sealed.execute("SELECT ticket, bytes FROM item WHERE ref = ?", (ref,)).fetchone()
            if row is None:
                raise KeyError(ref)
            return unseal(self._data_keys.get(row[0]), row[1], ref.encode())

    def items(self, ticket: str) -> list[Item]:
        """Give everything sealed of a ticket; raises KeyError if nothing ever was, `SealError` if it was erased."""
        with self._lock:
            if self._data_keys.erased(ticket):
                raise SealError("the ticket's key was erased")
            query = "SELECT ref, kind, bytes FROM item WHERE ticket = ? ORDER BY kind, ref"
            rows = self._sealed.execute(query, (ticket,)).fetchall()
            if not rows:
                raise KeyError(ticket)
            key = self._data_keys.get(ticket)
            return [Item(ref, kind, unseal(key, sealed, ref.encode())) for ref, kind, sealed in rows]

    def seal_for(self, owner: str, plain: bytes, context: bytes) -> bytes | None:
        """Seal bytes that lie elsewhere, a dead letter, under the key of `owner`; None if that was erased."""
        with self._lock, transaction(self._keys):
            key = self._data_keys.get_or_make([owner]).get(owner)
            return key and seal(key, plain, context)

    def unseal_for(self, owner: str, sealed: bytes, context: bytes) -> bytes:
        """Open what `seal_for` sealed; raises `SealError`."""
        with self._lock:
            return unseal(self._data_keys.get(owner), sealed, context)

    def tickets_of(self, contact: str) -> list[str]:
        """Give the tickets of the person with this phone or identity number (repeat callers)."""
        with self._lock:
            return self._persons.tickets_of(contact)

    def earlier(self, matters: Iterable[tuple[Sealable, str]]) -> list[str | None]:
        """Give for each matter (its submission, and what it is about) the ticket that its caller first brought it as.

        Decided once for a ticket, and kept: whoever asks again, after a crash or in another process, gets the same. Who
        gives neither phone nor identity number is nobody's same caller.
        """
        found: list[str | None] = []
        with self._lock, transaction(self._keys):
            for item, what in matters:
                known = self._persons.known_matter(item.ticket)
                if known is None and not self._data_keys.erased(item.ticket):
                    known = (self._persons.new_matter(item, what),)
                found.append(known and known[0])
        return found

    def known_as(self, ticket: str) -> str | None:
        """Give the earlier ticket that `earlier` found for this one; None if it found none, or was never asked."""
        with self._lock:
            known = self._persons.known_matter(ticket)
            return known and known[0]

    def fellows(self, ticket: str) -> frozenset[str]:
        """Give the other tickets of the person whose ticket this is."""
        with self._lock:
            return self._persons.fellows(ticket)

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
            with transaction(self._keys):
                for ticket, said, event in tickets:
                    if self._data_keys.erased(ticket):
                        continue
                    new += 1
                    self._data_keys.destroy(ticket)
                    self._persons.forget(ticket)
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
            gone = self._data_keys.all_erased()
            with transaction(self._sealed):
                self._sealed.executemany("UPDATE item SET bytes = x'' WHERE ticket = ? AND bytes != x''", gone)

    def unsaid(self) -> list[tuple[str, bytes]]:
        """Give id and bytes of the events of erasures that are not yet on the audit topic."""
        with self._lock:
            return self._keys.execute("SELECT id, event FROM unsaid ORDER BY id").fetchall()

    def said(self, name: str) -> None:
        """Note that the audit topic has the event."""
        with self._lock, transaction(self._keys):
            self._keys.execute("DELETE FROM unsaid WHERE id = ?", (name,))

    def erased(self, ticket: str) -> bool:
        """Say whether the ticket was erased."""
        with self._lock:
            return self._data_keys.erased(ticket)

    def to_rewrap(self) -> int:
        """Count the data keys that another than the current key wraps."""
        with self._lock:
            return self._data_keys.to_rewrap()

    def rewrap(self) -> int:
        """Wrap the next data keys with the current key; gives how many, 0 when done. Resumable; raises `SealError`."""
        with self._lock, transaction(self._keys):
            return self._data_keys.rewrap()

    def close(self) -> None:
        """Close the files."""
        self._sealed.close()
        self._keys.close()


def path_of(settings: Settings) -> Path:
    """Give where the vault's sealed file lies."""
    return settings.home / "vault" / f"{settings.topic_prefix}vault.sqlite"


def open_vault(settings: Settings) -> Vault:
    """Open the vault that the settings name; it is made if there is none."""
    return Vault(path_of(settings), settings.master_key, settings.vault_key, settings.vault_keys_old)
