"""Whose tickets these are: persons by a keyed hash of their numbers, and the matters that they came with.

Nothing here locks or begins a transaction: the vault does, around all that belongs together.
"""

import re
import sqlite3
from typing import Final

from pydantic_core import from_json

from services.core.service import Sealable
from services.runtime.rows import insert
from services.runtime.sealing import keyed_hash

_NO_PART_OF_A_NUMBER: Final = re.compile(r"[^0-9A-Za-z+]")
_THE_COUNTRY: Final = re.compile(r"^(?:\+?86|0086)(?=1\d{10}$)")


def normalised(contact: str) -> str:
    """Give a phone or identity number as the blind index takes it: letters and digits, without the country's +86."""
    return _THE_COUNTRY.sub("", _NO_PART_OF_A_NUMBER.sub("", contact)).upper()


def contacts(plain: bytes) -> list[str]:
    """Give what names a person in a submission: phone and identity number."""
    reporter = from_json(plain).get("reporter") or {}
    given = (reporter.get(name) for name in ("phone", "id_number"))
    return [contact for contact in given if contact and normalised(contact)]


class Persons:
    """The blind index of persons, and their matters, in the keys' file."""

    def __init__(self, db: sqlite3.Connection, blind: bytes) -> None:
        self._db = db
        self._blind = blind

    def mark(self, contact: str) -> bytes:
        """Give the blind index of a phone or identity number: equal for equal numbers, worthless without the key."""
        return keyed_hash(self._blind, normalised(contact).encode())

    def note(self, submissions: list[Sealable]) -> None:
        """Note whose submissions these are."""
        marks = [(self.mark(contact), item.ticket) for item in submissions for contact in contacts(item.plain)]
        insert(self._db, "INSERT OR IGNORE INTO person", marks)

    def forget(self, ticket: str) -> None:
        """Forget whose ticket it is."""
        self._db.execute("DELETE FROM person WHERE ticket = ?", (ticket,))

    def tickets_of(self, contact: str) -> list[str]:
        """Give the tickets of the person with this phone or identity number."""
        query = "SELECT ticket FROM person WHERE mark = ? ORDER BY ticket"
        return [row[0] for row in self._db.execute(query, (self.mark(contact),)).fetchall()]

    def fellows(self, ticket: str) -> frozenset[str]:
        """Give the other tickets of the person whose ticket this is."""
        query = "SELECT ticket FROM person WHERE ticket != ? AND mark IN (SELECT mark FROM person WHERE ticket = ?)"
        return frozenset(row[0] for row in self._db.execute(query, (ticket, ticket)).fetchall())

    def known_matter(self, ticket: str) -> tuple[str | None] | None:
        """Give what was decided about the matter of a ticket: its earlier ticket or none; None if nothing was."""
        found: tuple[str | None] | None = self._db.execute(
            "SELECT earlier FROM matter WHERE ticket = ?", (ticket,)
        ).fetchone()
        return found

    def new_matter(self, item: Sealable, what: str) -> str | None:
        """Decide and keep which earlier ticket the person of a submission has about the same; none without a number."""
        marks = [self.mark(contact) for contact in contacts(item.plain)]
        if not marks:
            return None
        query = f"""SELECT coalesce(earlier, matter.ticket) FROM person JOIN matter ON matter.ticket = person.ticket
            WHERE mark IN ({", ".join("?" * len(marks))}) AND what = ? AND person.ticket != ?
            ORDER BY matter.rowid DESC LIMIT 1"""  # noqa: S608
        row = self._db.execute(query, (*marks, what, item.ticket)).fetchone()
        earlier = row[0] if row else None
        self._db.execute("INSERT INTO matter VALUES (?, ?, ?)", (item.ticket, what, earlier))
        self.note([item])
        return earlier
