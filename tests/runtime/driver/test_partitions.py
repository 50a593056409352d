"""What a partition on disk holds, and what it takes for its own."""

from pathlib import Path

from rocksdict import Options, Rdict

from services.runtime.driver.partitions import BEGINNING, RocksPartition


def test_a_partition_on_disk_goes_on_from_its_offset(tmp_path: Path) -> None:
    held = RocksPartition(tmp_path / "t")
    held.restore([(b"a", b"1"), (b"b", b"2"), (b"a", None)], 3)
    held.close()
    held = RocksPartition(tmp_path / "t")
    assert (list(held.items()), held.changelog_offset) == ([(b"b", b"2")], 3)
    held.close()


def test_what_is_changed_and_not_yet_durable_is_seen_in_place_of_what_is_on_disk(tmp_path: Path) -> None:
    held = RocksPartition(tmp_path / "t")
    held.restore([(b"a", b"1"), (b"b", b"2"), (b"c", b"3")], 3)
    held.put(b"a", b"4")
    first = held.take()
    held.put(b"b", None)
    held.put(b"d", b"5")
    assert [held.get(key) for key in (b"a", b"b", b"c", b"d")] == [b"4", None, b"3", b"5"]
    assert sorted(held.items()) == [(b"a", b"4"), (b"c", b"3"), (b"d", b"5")]
    held.secured(first, 4)
    held.secured(held.take(), 6)
    assert (sorted(held.items()), held.changelog_offset) == ([(b"a", b"4"), (b"c", b"3"), (b"d", b"5")], 6)
    held.close()


def test_keys_that_stand_without_an_offset_are_thrown_away_and_read_anew_from_the_changelog(tmp_path: Path) -> None:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    other = Rdict(str(tmp_path / "t"), options)
    other[b"o"], other[b"kT-1"] = (7).to_bytes(8, "big"), b"a value in the layout of before"
    other.close()
    held = RocksPartition(tmp_path / "t")
    assert (list(held.items()), held.changelog_offset) == ([], BEGINNING)
    held.close()
