"""Many rows in few statements: all of them arrive, in their order, and what was there already is not counted."""

import sqlite3

import pytest

from services.runtime import rows


@pytest.mark.parametrize("count", [0, 1, rows.AT_ONCE, rows.AT_ONCE + 1, 2 * rows.AT_ONCE + 1])
def test_every_row_arrives_however_many_there_are(count: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, said TEXT)")
    assert count == rows.insert(db, "INSERT INTO t", [(number, f"n{number}") for number in range(count)])
    assert [(number, f"n{number}") for number in range(count)] == db.execute("SELECT * FROM t").fetchall()


def test_rows_that_are_ignored_do_not_count_and_of_two_the_first_stands() -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, said TEXT)")
    assert 1 == rows.insert(db, "INSERT INTO t", [(1, "first")])
    assert 1 == rows.insert(db, "INSERT OR IGNORE INTO t", [(1, "again"), (2, "second"), (2, "third")])
    assert [(1, "first"), (2, "second")] == db.execute("SELECT * FROM t").fetchall()
