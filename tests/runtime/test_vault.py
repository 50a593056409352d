"""The vault and the seals under it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.core.service import Position, Sealable
from services.runtime.dead_letters import bury, exhume
from services.runtime.engine import Record
from services.runtime.sealing import SealError, derive, seal, ticket_token, unseal
from services.runtime.vault import Vault

MASTER = SecretStr("a master key of the tests")


def test_what_was_put_is_revealed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([Sealable("r1", "T-1", b"one"), Sealable("r2", "T-2", b"two")])
    assert (b"one", b"two") == (vault.reveal("r1"), vault.reveal("r2"))


def test_putting_the_same_again_after_a_crash_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        vault = Vault(tmp_path / "v.sqlite", MASTER)
        vault.put([Sealable("r1", "T-1", b"one")])
        vault.close()
    assert b"one" == Vault(tmp_path / "v.sqlite", MASTER).reveal("r1")


def test_erasing_one_ticket_leaves_the_others(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([Sealable("r1", "T-1", b"one"), Sealable("r2", "T-2", b"two")])
    assert (True, False) == (vault.erase("T-1"), vault.erase("T-1"))
    with pytest.raises(SealError):
        vault.reveal("r1")
    assert b"two" == vault.reveal("r2")


def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([Sealable("r1", "T-1", b"one")])
    vault.close()
    with pytest.raises(SealError):
        Vault(tmp_path / "v.sqlite", SecretStr("another")).reveal("r1")


def test_sealed_bytes_cannot_be_moved_to_another_place() -> None:
    key = derive(MASTER, "test")
    with pytest.raises(SealError):
        unseal(key, seal(key, b"plain", b"here"), b"there")


def test_purposes_have_keys_of_their_own() -> None:
    assert derive(MASTER, "a") != derive(MASTER, "b")


def test_a_token_is_the_same_for_every_copy_and_says_nothing() -> None:
    key = derive(MASTER, "ticket-token")
    first = ticket_token(key, "la311", "1-866505430")
    assert first == ticket_token(key, "la311", "1-866505430")
    assert first != ticket_token(key, "la31", "11-866505430"), "the boundary between the parts counts"
    assert "866505430" not in first


def test_a_dead_letter_gives_the_original_bytes_back() -> None:
    record = Record(Position("upstream-tickets", 2, 7), b"k", b"\xff\x00", (("h", b"v"), ("n", None)), 1.5)
    letter = bury(MASTER, "intake", record, "not-json", "why")
    headers = dict(letter.headers)
    assert (b"upstream-tickets", b"2", b"7", b"not-json") == tuple(
        headers[f"dlq.errors.{name}"] for name in ("topic", "partition", "offset", "class")
    )
    original = exhume(MASTER, headers, letter.value)
    assert {"key": "aw==", "value": "/wA=", "headers": [["h", "dg=="], ["n", None]]} == original


def test_a_dead_letter_cannot_be_passed_off_as_another() -> None:
    record = Record(Position("upstream-tickets", 2, 7), b"k", b"v", (), 1.5)
    letter = bury(MASTER, "intake", record, "not-json", "why")
    headers = dict(letter.headers) | {"dlq.errors.offset": b"8"}
    with pytest.raises(SealError):
        exhume(MASTER, headers, letter.value)
