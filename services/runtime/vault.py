"""The vault: personal data and free text, sealed under a key per ticket that the master key wraps.

Erasing a ticket's key erases the person, in every copy and backup of the sealed bytes (crypto-shredding).
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from services.core.service import Sealable
from services.runtime.sealing import SealError, derive, seal, unseal

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (ticket TEXT PRIMARY KEY, wrapped BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed (ref TEXT PRIMARY KEY, ticket TEXT NOT NULL, bytes BLOB NOT NULL) WITHOUT ROWID;
"""


class Vault:
    """A vault in one SQLite file; safe to use from several threads."""

    def __init__(self, path: Path, master: SecretStr) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;" + SCHEMA)
        self._wrapping = derive(master, "vault")
        self._lock = threading.Lock()

    def put(self, items: Iterable[Sealable]) -> None:
        """Seal and store durably; putting the same reference again changes nothing for its readers."""
        with self._lock, self._db:
            for item in items:
                key = self._key(item.ticket, create=True)
                sealed = seal(key, item.plain, item.ref.encode())
                self._db.execute("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?)", (item.ref, item.ticket, sealed))

    def reveal(self, ref: str) -> bytes:
        """Give what lies under `ref`; raises KeyError if nothing does, `SealError` if its key was erased."""
        with self._lock:
            row = self._db.execute("SELECT ticket, bytes FROM sealed WHERE ref = ?", (ref,)).fetchone()
            if row is None:
                raise KeyError(ref)
            return unseal(self._key(row[0], create=False), row[1], ref.encode())

    def erase(self, ticket: str) -> bool:
        """Delete the ticket's key: nothing sealed under it can be read again. Says whether there was one."""
        with self._lock, self._db:
            return self._db.execute("DELETE FROM keys WHERE ticket = ?", (ticket,)).rowcount > 0

    def _key(self, ticket: str, *, create: bool) -> bytes:
        row = self._db.execute("SELECT wrapped FROM keys WHERE ticket = ?", (ticket,)).fetchone()
        if row is not None:
            return unseal(self._wrapping, row[0], ticket.encode())
        if not create:
            raise SealError("the ticket's key was erased")
        key = AESGCM.generate_key(256)
        self._db.execute("INSERT INTO keys VALUES (?, ?)", (ticket, seal(self._wrapping, key, ticket.encode())))
        return key

    def close(self) -> None:
        """Close the file."""
        self._db.close()
