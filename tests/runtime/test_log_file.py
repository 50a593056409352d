"""A log as a file: what goes in comes out, and a line that is no record is named."""

from pathlib import Path

import pytest

from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.log_file import LogFileError, read_log, write_log

RECORDS = [
    Record(Position("ticket-events", 3, 7), b"T-1", '{"unit": "县"}'.encode(), (("ce_id", b"a"), ("x", None)), 12.5),
    Record(Position("ticket-events", 0, 0), None, None, (), 0.0),
    Record(Position("ticket-commands", 1, 9), b"\xff\xfe", b"\x80", (("raw", b"\xff"),), 1.0),
]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_what_goes_in_comes_out(tmp_path: Path, name: str) -> None:
    assert write_log(tmp_path / "new" / name, RECORDS) == 3
    assert list(read_log(tmp_path / "new" / name)) == RECORDS


@pytest.mark.parametrize("line", ["{", "[]", '{"topic": "x"}', "7"])
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log.jsonl"
    write_log(path, RECORDS[:1])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(LogFileError, match=r"log\.jsonl:2: is no record of a log"):
        list(read_log(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogFileError, match="nowhere"):
        list(read_log(tmp_path / "nowhere.jsonl"))
    (tmp_path / "cut.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(LogFileError, match="cut"):
        list(read_log(tmp_path / "cut.jsonl.gz"))
