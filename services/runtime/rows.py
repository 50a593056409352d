"""Many rows into SQLite at once: a statement for each row would give up the interpreter, and wait for it, each time."""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

AT_ONCE: Final = 200
"""Rows of one statement: with four columns 800 variables, which every build of SQLite takes."""


def insert(db: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Do `into` (for instance `INSERT OR IGNORE INTO item`) with all rows; gives how many it made."""
    made = 0
    for first in range(0, len(rows), AT_ONCE):
        some = rows[first : first + AT_ONCE]
        one = f"({', '.join('?' * len(some[0]))})"
        made += db.execute(f"{into} VALUES {', '.join([one] * len(some))}", list(chain.from_iterable(some))).rowcount
    return made
