"""The ticket view: every fact of `ticket-events` in a local SQLite file, for reading tickets by HTTP.

Nothing hangs on it: the position lies in the same transaction as the facts, and a lost file is read anew from the log.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic_core import from_json

from services.runtime.engine import Record

FORMAT: Final = 3
"""Of the tables; a file of another one is emptied, and read anew from the log."""
TABLES: Final = ("ticket", "fact", "unit_of", "urged_instead", "position")
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ticket (
  token TEXT PRIMARY KEY, platform TEXT, upstream_id TEXT, kind TEXT, category TEXT, area TEXT, channel TEXT,
  opened_at TEXT, stage TEXT, unit TEXT, generation INTEGER, sequence INTEGER, changed_at TEXT,
  merged_into TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ticket_of_platform ON ticket (platform, upstream_id);
CREATE INDEX IF NOT EXISTS ticket_of_matter ON ticket (category, area);
CREATE INDEX IF NOT EXISTS ticket_merged ON ticket (merged_into);
CREATE TABLE IF NOT EXISTS fact (
  token TEXT, sequence INTEGER, id TEXT, type TEXT, time TEXT, causation TEXT, data BLOB,
  PRIMARY KEY (token, sequence)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fact_by_causation ON fact (causation);
CREATE TABLE IF NOT EXISTS unit_of (unit TEXT, token TEXT, PRIMARY KEY (unit, token)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS urged_instead (
  token TEXT PRIMARY KEY, ticket TEXT NOT NULL, platform TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS urged_by ON urged_instead (ticket, platform);
CREATE TABLE IF NOT EXISTS position (partition INTEGER PRIMARY KEY, next INTEGER) WITHOUT ROWID;
"""
COLUMNS: Final = (
    "token", "platform", "upstream_id", "kind", "category", "area", "channel", "opened_at", "stage", "unit",
    "generation", "sequence", "changed_at", "merged_into",
)  # fmt: skip
FILTERS: Final = ("platform", "stage", "kind", "category", "area", "merged_into")


MERGED_INTO: Final = {"ticket.merged.v1": "parent", "ticket.unmerged.v1": None, "ticket.reopened.v1": None}
"""Facts that change which ticket's handling answers for a ticket, and the field that names it."""


Connect = Callable[[], sqlite3.Connection]
"""Gives the calling thread's connection to the view's database."""
Headers = Mapping[str, str]


class Beside(Protocol):
    """Tables beside the view's that follow from the same facts, in the same transaction."""

    schema: str

    def open(self, connect: Connect) -> None:
        """Begin; the tables of `schema` are there."""

    def take(self, db: sqlite3.Connection, record: Record, headers: Headers, data: Mapping[str, Any]) -> None:
        """Take one fact, after the view; also one that the view had before."""


@dataclass(frozen=True)
class StoredFact:
    """One fact as it stands in the log; `data` is its JSON."""

    sequence: int
    id: str
    type: str
    time: str
    causation: str | None
    data: dict[str, Any]


class TicketView:
    """The file; one writer of facts (`take`), any number of reading threads. `beside` keeps tables of its own there."""

    def __init__(self, path: Path, beside: Beside | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._local = threading.local()
        self._beside = beside
        if self._db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            old = "".join(f"DROP TABLE IF EXISTS {name};" for name in TABLES)
            self._db.executescript(f"PRAGMA journal_mode=WAL; {old} PRAGMA user_version={FORMAT};")
        self._db.executescript("PRAGMA journal_mode=WAL;" + SCHEMA + (beside.schema if beside else ""))
        if beside is not None:
            beside.open(lambda: self._db)

    def connection(self) -> sqlite3.Connection:
        """Give this thread's connection to the file, for reading."""
        return self._db

    @property
    def _db(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "db", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            found.execute("PRAGMA synchronous=NORMAL")  # a lost tail is read again, together with its position
            self._local.db = found
        return found

    def positions(self) -> dict[int, int]:
        """Give the next offset to read per partition."""
        return dict(self._db.execute("SELECT partition, next FROM position"))

    def take(self, records: Sequence[Record]) -> None:
        """Store a batch of `ticket-events` and the position after it, in one transaction; repeats change nothing."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                self._take_one(db, record)
                db.execute(
                    "INSERT OR REPLACE INTO position VALUES (?, ?)",
                    (record.position.partition, record.position.offset + 1),
                )
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise

    def _take_one(self, db: sqlite3.Connection, record: Record) -> None:
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        sequence = headers.get("ce_sequence", "")
        if record.key is None or record.value is None or not sequence.isdigit():
            return  # a passed-on pulse
        token, number, data = record.key.decode(), int(sequence), from_json(record.value)
        self._note(db, record, headers, token, number, data)
        if self._beside is not None:
            self._beside.take(db, record, headers, data)

    @staticmethod
    def _note(
        db: sqlite3.Connection, record: Record, headers: Headers, token: str, number: int, data: dict[str, Any]
    ) -> None:
        added = db.execute(
            "INSERT OR IGNORE INTO fact VALUES (?, ?, ?, ?, ?, ?, ?)",
            (token, number, headers["ce_id"], headers["ce_type"], headers["ce_time"], headers.get("ce_causation"),
             record.value),
        ).rowcount  # fmt: skip
        if not added:
            return
        if headers["ce_type"] == "ticket.opened.v1":
            db.execute(
                "INSERT OR IGNORE INTO ticket VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', NULL, 1, 0, '', NULL)",
                (token, *(data[name] for name in ("platform", "upstream_id", "kind", "category", "area", "channel")),
                 headers["ce_time"]),
            )  # fmt: skip
        if headers["ce_type"] in MERGED_INTO:
            into = data.get(MERGED_INTO[headers["ce_type"]] or "")
            db.execute("UPDATE ticket SET merged_into = ? WHERE token = ? AND sequence < ?", (into, token, number))
        if headers["ce_type"] == "ticket.urged.v1" and data.get("instead_of"):
            urge = (data["instead_of"], token, data["platform"])
            db.execute("INSERT OR IGNORE INTO urged_instead VALUES (?, ?, ?)", urge)
        unit = data.get("unit")
        if unit:
            db.execute("INSERT OR IGNORE INTO unit_of VALUES (?, ?)", (unit, token))
        db.execute(
            "UPDATE ticket SET stage = ?, unit = ?, generation = ?, sequence = ?, changed_at = ? "
            "WHERE token = ? AND sequence < ?",
            (data["stage"], unit, data["generation"], number, headers["ce_time"], token, number),
        )

    def ticket(self, token: str) -> dict[str, Any] | None:
        """Give where a ticket stands, or None."""
        row = self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM ticket WHERE token = ?", (token,)).fetchone()  # noqa: S608
        return dict(zip(COLUMNS, row, strict=True)) if row else None

    def facts(self, token: str) -> list[StoredFact]:
        """Give the facts of a ticket, in order."""
        return list(self._facts("token = ? ORDER BY sequence", token))

    def caused_by(self, command: str) -> list[StoredFact]:
        """Give the facts that a command led to, in order."""
        return list(self._facts("causation = ? ORDER BY sequence", command))

    def _facts(self, where: str, value: str) -> Iterator[StoredFact]:
        query = f"SELECT sequence, id, type, time, causation, data FROM fact WHERE {where}"  # noqa: S608
        for row in self._db.execute(query, (value,)):
            sequence, fact, name, time, causation, data = row
            yield StoredFact(sequence, fact, name, time, causation, from_json(data))

    def urged(self, platform: str, token: str) -> bool:
        """Say whether the platform handed the matter of this ticket down again, under an id of its own."""
        query = "SELECT 1 FROM urged_instead WHERE ticket = ? AND platform = ?"
        return bool(self._db.execute(query, (token, platform)).fetchone())

    def handled_as(self, token: str) -> str | None:
        """Give the ticket under which a matter is handled: its own, or the one that it urged; None if neither is known.

        What was opened never urges another ticket, and what urged one is not opened.
        """
        query = "SELECT token FROM ticket WHERE token = ? UNION ALL SELECT ticket FROM urged_instead WHERE token = ?"
        row = self._db.execute(query, (token, token)).fetchone()
        return row[0] if row else None

    def had(self, unit: str, token: str) -> bool:
        """Say whether the ticket, or the one that it is merged into, is or was with the unit."""
        query = (
            "SELECT 1 FROM unit_of WHERE unit = ? AND token IN (?, (SELECT merged_into FROM ticket WHERE token = ?))"
        )
        return bool(self._db.execute(query, (unit, token, token)).fetchone())

    def like(self, token: str, same: Sequence[str], stages: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """Give up to `limit` other tickets in `stages` that agree with this one in the columns `same`, eldest first."""
        agreeing = " AND ".join(f"other.{name} = one.{name}" for name in same if name in COLUMNS)
        query = f"""SELECT {", ".join(f"other.{name}" for name in COLUMNS)} FROM ticket one JOIN ticket other
            ON {agreeing} AND other.token != one.token
            WHERE one.token = ? AND other.stage IN ({", ".join("?" * len(stages))})
            ORDER BY other.opened_at, other.token LIMIT ?"""  # noqa: S608
        return [dict(zip(COLUMNS, row, strict=True)) for row in self._db.execute(query, (token, *stages, limit))]

    def page(self, after: str, limit: int, unit: str | None, filters: dict[str, str]) -> list[dict[str, Any]]:
        """Give up to `limit` tickets whose token follows `after`, in order of tokens."""
        where, values = ["token > ?"], [after]
        for name, value in filters.items():
            if name not in FILTERS:
                raise KeyError(name)
            where.append(f"{name} = ?")
            values.append(value)
        if unit is not None:
            had = "(SELECT token FROM unit_of WHERE unit = ?)"
            where.append(f"(token IN {had} OR merged_into IN {had})")
            values += [unit, unit]
        query = f"SELECT {', '.join(COLUMNS)} FROM ticket WHERE {' AND '.join(where)} ORDER BY token LIMIT ?"  # noqa: S608
        return [dict(zip(COLUMNS, row, strict=True)) for row in self._db.execute(query, (*values, limit))]
