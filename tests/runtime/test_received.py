"""One id never stands for two bodies, after a restart either; and the file says nothing of what was said."""

from pathlib import Path

import pytest

from services.runtime import received, wall
from services.runtime.received import Received

PHONE = b'{"reporter": {"phone": "13800001111"}}'


def test_another_body_under_a_known_id_is_a_conflict_and_the_same_one_is_not(tmp_path: Path) -> None:
    store = Received(tmp_path / "r.sqlite", b"key")
    assert frozenset() == store.conflicts([("a", PHONE), ("b", b"other")])
    assert frozenset({1, 3}) == store.conflicts([("a", PHONE), ("b", PHONE), ("c", PHONE), ("c", b"")])
    assert frozenset() == store.conflicts([("a", PHONE), ("b", b"other"), ("c", PHONE)]), "what came first stands"


def test_it_is_remembered_after_a_restart(tmp_path: Path) -> None:
    Received(tmp_path / "r.sqlite", b"key").conflicts([("a", PHONE)])  # never closed: the process was killed
    again = Received(tmp_path / "r.sqlite", b"key")
    assert frozenset({0}) == again.conflicts([("a", b"other")])


def test_it_is_forgotten_with_the_log_that_knew_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Received(tmp_path / "r.sqlite", b"key").conflicts([("a", PHONE)])
    now = wall.unix()
    for days, found in ((received.KEPT_DAYS, {0}), (received.KEPT_DAYS + 1, set())):
        later = now + days * 86_400
        monkeypatch.setattr("services.runtime.received.wall.unix", lambda later=later: later)
        assert found == set(Received(tmp_path / "r.sqlite", b"key").conflicts([("a", b"other")]))


def test_the_file_holds_nothing_of_a_body_and_its_digest_needs_the_key(tmp_path: Path) -> None:
    for name in ("one", "two"):
        store = Received(tmp_path / f"{name}.sqlite", name.encode())
        store.conflicts([("a", PHONE)])
        store.close()
    one, two = ((tmp_path / f"{name}.sqlite").read_bytes() for name in ("one", "two"))
    assert b"13800001111" not in one
    assert one != two, "the digest is keyed"
