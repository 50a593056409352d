"""What is still to be handed back to platforms: tables beside the ticket view, in the transaction of its facts.

Everything here follows from two topics: what is owed from `ticket-events` and the platform files, what is settled from
`feedback-events`. A lost or older file is read anew from the log, and nothing that was received is sent again.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.feedback import Fed, FeedbackReceived
from schemas.wire import WireError, decode
from services.core.feedback import case_due, word_of
from services.runtime.engine import Record
from services.runtime.letters import REPLAYED
from services.runtime.platform_files import Feedback
from services.runtime.ticket_view import Connect, Headers

TOPIC: Final = "feedback-events"
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS delivery (
  id TEXT PRIMARY KEY, token TEXT, sequence INTEGER, platform TEXT, word TEXT, partition INTEGER, offset INTEGER,
  appended REAL, attempts INTEGER, due REAL, asked_again REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (platform, due);
CREATE INDEX IF NOT EXISTS delivery_age ON delivery (platform, appended);
CREATE INDEX IF NOT EXISTS delivery_of_ticket ON delivery (token, sequence);
CREATE TABLE IF NOT EXISTS outcome (
  id TEXT PRIMARY KEY, token TEXT, sequence INTEGER, at TEXT, attempts INTEGER, code TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS outcome_of_ticket ON outcome (token, sequence);
CREATE TABLE IF NOT EXISTS case_due (token TEXT PRIMARY KEY, sequence INTEGER, due TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback_position (partition INTEGER PRIMARY KEY, next INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feedback_asked (digest TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_COLUMNS: Final = "id, token, sequence, platform, word, partition, offset, appended, attempts"


@dataclass(frozen=True)
class Delivery:
    """One fact that a platform is to be told; `attempts` requests were made for it so far."""

    id: str
    ticket: str
    sequence: int
    platform: str
    word: str
    partition: int
    offset: int
    appended: float
    attempts: int


class Outbox:
    """The tables. The ticket view calls `take`; the sender asks `due`, and says `failed` or `settle`."""

    schema = SCHEMA

    def __init__(self, platforms: Mapping[str, Feedback]) -> None:
        self.platforms = platforms
        self._events = frozenset(word for feedback in platforms.values() for word in feedback.events)

    def open(self, connect: Connect) -> None:
        """Use the view's database. What platforms ask for has changed: the log is read again from its beginning."""
        self._connect = connect
        asked = [(name, f.since.isoformat(), sorted(f.events)) for name, f in sorted(self.platforms.items())]
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()
        db = connect()
        if db.execute("SELECT 1 FROM feedback_asked WHERE digest = ?", (digest,)).fetchone() is None:
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM feedback_asked")
            db.execute("INSERT INTO feedback_asked VALUES (?)", (digest,))
            db.execute("DELETE FROM delivery")
            db.execute("DELETE FROM case_due")
            db.execute("DELETE FROM position")
            db.execute("COMMIT")

    def take(self, db: sqlite3.Connection, record: Record, headers: Headers, data: Mapping[str, Any]) -> None:
        """Note what is owed because of one fact; a repeated fact owes nothing new, a replayed dead letter does."""
        token, sequence, fact = (record.key or b"").decode(), int(headers["ce_sequence"]), headers["ce_id"]
        moves = self._moves(db, token, sequence, fact, case_due(data.get("started", ())))
        asked_by = data.get("asked_by")
        if word_of(headers["ce_type"], self._events, moves=moves, asked_by=asked_by) is None:
            return
        row = db.execute("SELECT platform FROM ticket WHERE token = ?", (token,)).fetchone()
        feedback = self.platforms.get(row[0]) if row else None
        if row is None or feedback is None or datetime.fromisoformat(headers["ce_time"]) < feedback.since:
            return
        word = word_of(headers["ce_type"], feedback.events, moves=moves, asked_by=asked_by)
        if word is None:
            return
        again = record.appended_at if REPLAYED in headers else 0.0
        known = db.execute("SELECT code, at FROM outcome WHERE id = ?", (fact,)).fetchone()
        if known is not None:
            if not known[0] or datetime.fromisoformat(known[1]).timestamp() > again:
                return
            db.execute("DELETE FROM outcome WHERE id = ?", (fact,))
        at, now = record.position, record.appended_at
        db.execute(
            "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET due = min(due, CASE WHEN excluded.asked_again > 0 THEN excluded.due ELSE due END), "
            "asked_again = max(asked_again, excluded.asked_again)",
            (fact, token, sequence, row[0], word, at.partition, at.offset, now, now, again),
        )  # fmt: skip

    @staticmethod
    def _moves(db: sqlite3.Connection, token: str, sequence: int, fact: str, due: str | None) -> bool:
        if due is None:
            return False
        known = db.execute("SELECT sequence, due FROM case_due WHERE token = ?", (token,)).fetchone()
        if known is not None and sequence <= known[0]:  # said again: as it was judged before
            query = "SELECT 1 FROM delivery WHERE id = ? UNION ALL SELECT 1 FROM outcome WHERE id = ?"
            return db.execute(query, (fact, fact)).fetchone() is not None
        db.execute("INSERT OR REPLACE INTO case_due VALUES (?, ?, ?)", (token, sequence, due))
        return known is not None and known[1] != due

    def positions(self) -> dict[int, int]:
        """Give the next offset of `feedback-events` to read per partition."""
        return dict(self._connect().execute("SELECT partition, next FROM feedback_position"))

    def take_outcomes(self, records: Sequence[Record]) -> None:
        """Settle what a batch of `feedback-events` says, and the position after it, in one transaction."""
        db = self._connect()
        db.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                self._settle_record(db, record)
                at = record.position
                db.execute("INSERT OR REPLACE INTO feedback_position VALUES (?, ?)", (at.partition, at.offset + 1))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def _settle_record(self, db: sqlite3.Connection, record: Record) -> None:
        try:
            said = decode(record.headers, record.value)
        except WireError:
            return
        if isinstance(said, Fed):
            self._settle(db, said)

    def settle(self, said: Fed) -> None:
        """Note an outcome that is on the topic; what follows it may go."""
        self._settle(self._connect(), said)

    @staticmethod
    def _settle(db: sqlite3.Connection, said: Fed) -> None:
        received = isinstance(said, FeedbackReceived)
        code = "" if received else getattr(said, "code", "unknown")
        asked = db.execute("SELECT asked_again FROM delivery WHERE id = ?", (said.causation,)).fetchone()
        if not received and asked is not None and asked[0] > said.time.timestamp():
            return  # it was sent again after it had been given up
        db.execute(
            "INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
            "SET at = excluded.at, attempts = excluded.attempts, code = excluded.code WHERE code != ''",
            (said.causation, said.subject, said.fact_sequence, said.time.isoformat(), said.attempts, code),
        )
        db.execute("DELETE FROM delivery WHERE id = ?", (said.causation,))

    def due(self, platform: str, now: float, partitions: Collection[int], limit: int) -> list[Delivery]:
        """Give up to `limit` deliveries whose time has come: of each ticket only the first that is not settled."""
        marks = ",".join("?" * len(partitions))
        query = (
            f"SELECT {_COLUMNS} FROM delivery AS d WHERE platform = ? AND due <= ? AND partition IN ({marks}) "  # noqa: S608
            "AND NOT EXISTS (SELECT 1 FROM delivery AS e WHERE e.token = d.token AND e.sequence < d.sequence) "
            "ORDER BY due LIMIT ?"
        )
        rows = self._connect().execute(query, (platform, now, *sorted(partitions), limit))
        return [Delivery(*row) for row in rows]

    def failed(self, delivery: Delivery, due: float) -> None:
        """Note a failed try, and when the next is due."""
        self._connect().execute(
            "UPDATE delivery SET attempts = ?, due = ? WHERE id = ?", (delivery.attempts + 1, due, delivery.id)
        )

    def received(self, ticket: str) -> dict[int, str]:
        """Give when the platform had each fact of a ticket, by the fact's number."""
        query = "SELECT sequence, at FROM outcome WHERE token = ? AND code = ''"
        with closing(self._connect().execute(query, (ticket,))) as rows:
            return dict(rows)

    def pending(self) -> dict[str, tuple[int, float | None]]:
        """Give per platform how many deliveries are pending, and since when the oldest of them."""
        found: dict[str, tuple[int, float | None]] = dict.fromkeys(self.platforms, (0, None))
        query = "SELECT platform, count(*), min(appended) FROM delivery GROUP BY platform"
        for platform, count, oldest in self._connect().execute(query):
            found[platform] = (count, oldest)
        return found
