"""The vault and the seals under it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.core.service import Position, Sealable
from services.runtime.dead_letters import bury, exhume
from services.runtime.engine import Record
from services.runtime.letters import letter_id
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


PERSON = '{"title": "t", "content": "c", "reporter": {"name": "n", "phone": "+86 138-1234-0987", "id_number": null}}'


def submission(ticket: str, phone: str = "13812340987") -> Sealable:
    plain = PERSON.replace("+86 138-1234-0987", phone).encode()
    return Sealable(f"ref-{ticket}", ticket, plain, "submission")


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_a_destroyed_key_is_in_no_file_any_more_and_neither_is_what_it_sealed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([submission("T-1")])
    (wrapped,) = vault._keys.execute("SELECT wrapped FROM key").fetchone()
    (sealed,) = vault._sealed.execute("SELECT bytes FROM item").fetchone()
    assert wrapped in bytes_of(tmp_path)
    vault.erase("T-1")
    assert wrapped not in bytes_of(tmp_path)
    vault._sealed.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert sealed not in bytes_of(tmp_path)


def test_a_backup_of_what_is_sealed_cannot_be_read_once_the_key_is_destroyed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([Sealable("r1", "T-1", b"one")])
    vault._sealed.execute("VACUUM INTO ?", (str(tmp_path / "backup.sqlite"),))
    vault.erase("T-1")
    vault.close()
    (tmp_path / "backup.sqlite").rename(tmp_path / "v.sqlite")
    (tmp_path / "v.sqlite-wal").unlink(missing_ok=True)
    with pytest.raises(SealError, match="erased"):
        Vault(tmp_path / "v.sqlite", MASTER).reveal("r1")


def test_a_late_copy_of_an_erased_ticket_is_not_stored_again(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([submission("T-1")])
    vault.erase("T-1")
    vault.put([submission("T-1"), submission("T-2")])
    assert ["T-2"] == vault.tickets_of("13812340987")
    with pytest.raises(SealError, match="erased"):
        vault.items("T-1")


def test_a_person_is_found_by_phone_or_number_however_it_is_written_and_by_nothing_in_the_file(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([submission("T-1", "+86 138-1234-0987"), submission("T-2", "0086 13812340987"), submission("T-3", "110")])
    assert ["T-1", "T-2"] == vault.tickets_of("138 1234 0987")
    assert [] == vault.tickets_of("13812340988")
    assert b"13812340987" not in bytes_of(tmp_path)
    assert Vault(tmp_path / "w.sqlite", SecretStr("another")).mark("1") != vault.mark("1")


def test_the_words_of_a_unit_are_never_taken_for_a_person(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([Sealable("r1", "T-1", PERSON.encode())])
    assert [] == vault.tickets_of("13812340987")


def test_keys_are_wrapped_anew_and_the_old_vault_key_opens_nothing_then(tmp_path: Path) -> None:
    path, old, new = tmp_path / "v.sqlite", SecretStr("of last year"), SecretStr("of this year")
    Vault(path, MASTER, old).put([Sealable(f"r{n}", f"T-{n}", b"x") for n in range(700)])
    with pytest.raises(SealError, match="another master key"):
        Vault(path, MASTER, new).reveal("r1")
    rotating = Vault(path, MASTER, new, (old,))
    assert 700 == rotating.to_rewrap()
    assert (500, b"x", b"x") == (rotating.rewrap(), rotating.reveal("r1"), rotating.reveal("r699"))
    rotating.close()  # killed in between: both keys are still needed, and the next call goes on
    rotating = Vault(path, MASTER, new, (old,))
    assert (200, 0) == (rotating.rewrap(), rotating.rewrap())
    assert b"x" == Vault(path, MASTER, new).reveal("r699")
    with pytest.raises(SealError):
        Vault(path, MASTER, old).reveal("r699")


def test_erasing_several_is_all_or_none_and_what_is_to_be_said_waits(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([submission("T-1"), submission("T-2")])

    def dies() -> object:
        yield ("T-1", "e1", b"1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.erase_all(dies())  # type: ignore[arg-type]
    assert ["T-1", "T-2"] == vault.tickets_of("13812340987")
    assert 2 == vault.erase_all([("T-1", "e1", b"1"), ("T-2", "e2", b"2")])
    assert 0 == vault.erase_all([("T-1", "e3", b"3")])
    vault.close()
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    assert [("e1", b"1"), ("e2", b"2")] == vault.unsaid()
    vault.said("e1")
    assert [("e2", b"2")] == vault.unsaid()


def test_a_dead_letter_of_the_door_is_erased_with_its_ticket_or_alone(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    record = Record(Position("upstream-tickets", 2, 7), b"k", b"v", (), 1.5)
    own = letter_id("intake", "upstream-tickets", 2, 7)
    for owner in ("T-1", None):
        letter = bury(MASTER, "intake", record, "not-json", "why", vault, owner)
        headers = dict(letter.headers)
        assert "dg==" == exhume(MASTER, headers, letter.value, vault)["value"]
        vault.erase(owner or own)
        with pytest.raises(SealError, match="erased"):
            exhume(MASTER, headers, letter.value, vault)
    assert b"" == bury(MASTER, "intake", record, "not-json", "why", vault, "T-1").value, "both keys are gone"


def test_a_caller_s_earlier_ticket_is_found_once_and_for_all(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    first, other, elsewhere = submission("T-1"), submission("T-2", "110"), submission("T-3")
    assert [None, None, None] == vault.earlier([(first, "waste"), (other, "waste"), (elsewhere, "noise")])
    again = [(submission("T-4"), "waste"), (submission("T-5", "+86 138 1234 0987"), "waste")]
    assert ["T-1", "T-1"] == vault.earlier(again)
    assert ["T-1", "T-1"] == Vault(tmp_path / "v.sqlite", MASTER).earlier(again), "another process, after a crash"
    assert [None] == vault.earlier([(first, "waste")]), "what came first stays first"
    assert ("T-1", None, None) == tuple(vault.known_as(name) for name in ("T-4", "T-1", "T-9"))


def test_two_messages_of_one_batch_are_one_matter(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    assert [None, "T-1"] == vault.earlier([(submission("T-1"), "waste"), (submission("T-2"), "waste")])


def test_nobody_without_a_number_and_nobody_erased_has_an_earlier_ticket(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    unknown = [Sealable(f"r-{n}", f"T-{n}", b'{"reporter": {"name": "n"}}', "submission") for n in (1, 2)]
    assert [None, None] == vault.earlier((item, "waste") for item in unknown)
    vault.earlier([(submission("T-3"), "waste")])
    vault.erase("T-3")
    assert [None, None] == vault.earlier([(submission("T-4"), "waste"), (submission("T-3"), "waste")])


def test_the_first_ticket_stays_what_a_matter_is_known_as_when_it_alone_is_erased(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    assert [None, "T-1"] == vault.earlier([(submission("T-1"), "waste"), (submission("T-2"), "waste")])
    vault.erase("T-1")
    assert ["T-1"] == vault.earlier([(submission("T-3"), "waste")]), "what T-2 went to, this goes to"


def test_the_other_tickets_of_a_person_are_his_fellows(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.sqlite", MASTER)
    vault.put([submission("T-1"), submission("T-2"), submission("T-3", "110")])
    assert ({"T-2"}, set()) == (vault.fellows("T-1"), vault.fellows("T-3"))
