"""What came under which id: a keyed digest of each message's body, so that one id never stands for two bodies.

A local file beside the vault; it holds ids and digests under a key, nothing of what was said (Art. 13).
"""

import hmac
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from services.runtime import wall
from services.runtime.rows import insert
from services.runtime.sealing import keyed_hash

KEPT_DAYS = 400
"""How long a body is remembered: as long as `ticket-commands` keeps what was said (schemas/topics/)."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS received (
  message TEXT PRIMARY KEY, digest BLOB NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID"""
_DAY = 86_400


class Received:
    """The digests, in one SQLite file; safe to use from several threads. Survives kill -9, not the loss of the file."""

    def __init__(self, path: Path, key: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {SCHEMA};")
        self._key = key
        self._lock = threading.Lock()
        with self._db:
            self._db.execute("DELETE FROM received WHERE day < ?", (int(wall.unix() // _DAY) - KEPT_DAYS,))

    def conflicts(self, messages: Sequence[tuple[str, bytes]]) -> frozenset[int]:
        """Note each (id, body); give the places of those whose id came before with another body."""
        today = int(wall.unix() // _DAY)
        rows = [(name, keyed_hash(self._key, body), today) for name, body in messages]
        with self._lock, self._db:
            if insert(self._db, "INSERT OR IGNORE INTO received", rows) == len(rows):
                return frozenset()
            known = self._digests(rows)
        return frozenset(place for place, row in enumerate(rows) if not hmac.compare_digest(known[row[0]], row[1]))

    def _digests(self, rows: Sequence[tuple[str, bytes, int]]) -> dict[str, bytes]:
        query = "SELECT digest FROM received WHERE message = ?"
        return {name: self._db.execute(query, (name,)).fetchone()[0] for name, _, _ in rows}

    def close(self) -> None:
        """Close the file."""
        self._db.close()
