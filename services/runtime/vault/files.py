"""The two SQLite files of the vault: what is sealed, and the keys to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BUSY_SECONDS: Final = 10.0
"""How long to wait for another thread or process that writes, or reads the log that is to be emptied."""
_SEALED: Final = """
CREATE TABLE IF NOT EXISTS item (ref TEXT PRIMARY KEY, ticket TEXT, kind TEXT, bytes BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS item_of_ticket ON item (ticket);
"""
_KEYS: Final = """
CREATE TABLE IF NOT EXISTS key (ticket TEXT PRIMARY KEY, wrapped BLOB NOT NULL, by TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS key_by ON key (by);
CREATE TABLE IF NOT EXISTS person (mark BLOB, ticket TEXT, PRIMARY KEY (mark, ticket)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS person_of ON person (ticket);
CREATE TABLE IF NOT EXISTS erased (ticket TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS matter (ticket TEXT PRIMARY KEY, what TEXT NOT NULL, earlier TEXT);
CREATE TABLE IF NOT EXISTS unsaid (id TEXT PRIMARY KEY, event BLOB NOT NULL) WITHOUT ROWID;
"""


def _open(path: Path, schema: str) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, check_same_thread=False, timeout=BUSY_SECONDS, isolation_level=None)
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;" + schema)
    return db


def open_files(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Open the file of what is sealed and, beside it, the file of the keys; they are made if there are none."""
    return _open(path, _SEALED), _open(path.with_name(f"{path.stem}-keys.sqlite"), _KEYS)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Do all of the body or none of it, durably."""
    db.execute("BEGIN IMMEDIATE")  # what is read before it is written must still be so then
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
