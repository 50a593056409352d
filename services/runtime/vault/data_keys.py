"""The data keys, one per ticket: made, wrapped by the key of the year, wrapped anew, destroyed for good.

Nothing here locks or begins a transaction: the vault does, around all that belongs together.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from services.runtime.rows import insert
from services.runtime.sealing import SealError, derive, seal, unseal

REWRAP_BATCH: Final = 500
"""Data keys that are wrapped anew at a time."""


class DataKeys:
    """The data keys in the keys' file; the first of `secrets` wraps new ones, all of them open what they wrapped."""

    def __init__(self, db: sqlite3.Connection, secrets: Sequence[SecretStr]) -> None:
        self._db = db
        self._wrapping = {derive(secret, "vault-key-id").hex()[:16]: derive(secret, "vault") for secret in secrets}
        self._current = next(iter(self._wrapping))

    def erased(self, ticket: str) -> bool:
        """Say whether the ticket's key was destroyed."""
        return self._db.execute("SELECT 1 FROM erased WHERE ticket = ?", (ticket,)).fetchone() is not None

    def all_erased(self) -> list[tuple[str]]:
        """Give the rows of all tickets whose key was destroyed."""
        return self._db.execute("SELECT ticket FROM erased").fetchall()

    def destroy(self, ticket: str) -> None:
        """Destroy the ticket's key; it will never have another."""
        self._db.execute("INSERT INTO erased VALUES (?)", (ticket,))
        self._db.execute("DELETE FROM key WHERE ticket = ?", (ticket,))

    def get(self, ticket: str) -> bytes:
        """Give the ticket's key; raises `SealError` if there is none any more."""
        row = self._db.execute("SELECT wrapped, by FROM key WHERE ticket = ?", (ticket,)).fetchone()
        if row is None:
            raise SealError("the ticket's key was erased")
        return self._unwrapped(ticket, *row)

    def get_or_make(self, tickets: Collection[str]) -> dict[str, bytes]:
        """Give the keys of these tickets, new ones where there are none; an erased ticket has none for ever."""
        names, marks = sorted(tickets), ",".join("?" * len(tickets))
        erased = {row[0] for row in self._db.execute(f"SELECT ticket FROM erased WHERE ticket IN ({marks})", names)}  # noqa: S608
        query = f"SELECT ticket, wrapped, by FROM key WHERE ticket IN ({marks})"  # noqa: S608
        keys = {ticket: self._unwrapped(ticket, *row) for ticket, *row in self._db.execute(query, names)}
        new = {name: AESGCM.generate_key(256) for name in names if name not in erased and name not in keys}
        rows = [(name, *self._wrapped(name, key)) for name, key in new.items()]
        insert(self._db, "INSERT INTO key", rows)
        return keys | new

    def to_rewrap(self) -> int:
        """Count the keys that another than the current one wraps."""
        found: int = self._db.execute("SELECT count(*) FROM key WHERE by != ?", (self._current,)).fetchone()[0]
        return found

    def rewrap(self) -> int:
        """Wrap the next keys with the current one; gives how many, 0 when done; raises `SealError`."""
        query = "SELECT ticket, wrapped, by FROM key WHERE by != ? LIMIT ?"
        rows = self._db.execute(query, (self._current, REWRAP_BATCH)).fetchall()
        for ticket, *row in rows:
            wrapped = self._wrapped(ticket, self._unwrapped(ticket, *row))
            self._db.execute("UPDATE key SET wrapped = ?, by = ? WHERE ticket = ?", (*wrapped, ticket))
        return len(rows)

    def _unwrapped(self, ticket: str, wrapped: bytes, by: str) -> bytes:
        if by not in self._wrapping:
            raise SealError("cannot be opened: another master key wraps it")
        return unseal(self._wrapping[by], wrapped, ticket.encode())

    def _wrapped(self, ticket: str, key: bytes) -> tuple[bytes, str]:
        return seal(self._wrapping[self._current], key, ticket.encode()), self._current
