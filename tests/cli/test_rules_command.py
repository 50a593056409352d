"""`hotline rules check|diff|simulate`: what is wrong is named with file and line; what differs is shown."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app

RUNNER = CliRunner()
OPS = Path(__file__).parents[2] / "ops"
BOOK = "rulebooks/weixi/2024-10-15.yaml"


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    for folder in ("rulebooks", "directories", "calendars", "knowledge", "door"):
        shutil.copytree(OPS / folder, tmp_path / folder)
    return tmp_path


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first `old`; gives its line."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_committed_files_are_right() -> None:
    said = RUNNER.invoke(app, ["rules", "check", str(OPS)])
    assert said.exit_code == 0
    assert "weixi 2024-10-15.1" in said.output


WRONG = [
    ("an unknown key", BOOK, "  deemed: true", "  deemt: true", "sign.deemt: Extra inputs"),
    (
        "a key that stands twice",
        BOOK,
        "  max_returns: 2",
        "  max_returns: 2\n  max_returns: 3",
        "'max_returns' stands twice",
    ),
    ("a cap below the limit", BOOK, "total: {amount: 3,", "total: {amount: 0,", "greater than or equal to 1"),
    (
        "an extension shorter than its limit",
        BOOK,
        "handle: {amount: 3,",
        "handle: {amount: 9,",
        "is shorter than the limit",
    ),
    (
        "a file of another day",
        BOOK,
        "effective_from: 2024-10-15",
        "effective_from: 2024-10-16",
        "but the file is named",
    ),
    ("a file of another place", BOOK, "jurisdiction: weixi", "jurisdiction: deqin", "is deqin, in the folder weixi"),
    ("a category without unit", "directories/weixi.yaml", ", desk: true", "", "give one of unit, by_area"),
    ("an unknown unit", "directories/weixi.yaml", "unit: U-SANITATION", "unit: U-GONE", "unknown unit U-GONE"),
    (
        "a refusal code that the door's catalogue lacks",
        "directories/weixi.yaml",
        "lane_code: petition",
        "lane_code: petitions",
        "category petition: ",
    ),
    ("a refusal without a channel", "door/weixi.yaml", "    channel: petition\n", "", "name the lawful channel"),
    (
        "a limit by law for a category that is none",
        BOOK,
        "statutory_limits: []",
        "statutory_limits: [{category: nothing, amount: 2, legal_basis: 某条例, effective_from: 2026-01-01}]",
        "has no category nothing",
    ),
    (
        "two limits by law for one matter",
        BOOK,
        "statutory_limits: []",
        "statutory_limits: [{category: other, amount: 2, legal_basis: 甲法, effective_from: 2026-01-01}, "
        "{category: other, amount: 3, legal_basis: 乙法, effective_from: 2027-01-01}]",
        "two limits for other: 甲法 and 乙法",
    ),
    ("a calendar that is not there", BOOK, "calendar: weixi", "calendar: nowhere", "nowhere.yaml: cannot be read"),
    ("a directory that is not there", BOOK, "directory: weixi", "directory: nowhere", "nowhere.yaml: cannot be read"),
]


@pytest.mark.parametrize(("name", "file", "old", "new", "said"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_named(ops: Path, name: str, file: str, old: str, new: str, said: str) -> None:
    edit(ops / file, old, new)
    found = RUNNER.invoke(app, ["rules", "check", str(ops)])
    assert found.exit_code == 1, name
    assert said in found.output
    assert ".yaml" in found.output


def test_the_line_of_a_key_that_stands_twice_is_told(ops: Path) -> None:
    line = edit(ops / BOOK, "  max_returns: 2", "  max_returns: 2\n  max_returns: 3") + 1
    assert f"2024-10-15.yaml:{line}: " in RUNNER.invoke(app, ["rules", "check", str(ops)]).output


@pytest.mark.parametrize(
    ("until", "said"),
    [("2026-12-31", "a gap without rules"), ("2027-01-02", "an overlap of two rulebooks"), ("2027-01-01", None)],
)
def test_rulebooks_meet_without_gap_or_overlap(ops: Path, until: str, said: str | None) -> None:
    path = ops / BOOK
    later = path.read_text(encoding="utf-8").replace("effective_from: 2024-10-15", "effective_from: 2027-01-01")
    (path.parent / "2027-01-01.yaml").write_text(later, encoding="utf-8")
    line = edit(path, "effective_from: 2024-10-15", f"effective_from: 2024-10-15\neffective_until: {until}") + 1
    found = RUNNER.invoke(app, ["rules", "check", str(ops)])
    assert found.exit_code == (1 if said else 0)
    if said:
        assert f"2024-10-15.yaml:{line}: effective_until: {until} leaves {said}" in found.output


def test_a_rulebook_that_ends_before_it_begins_is_refused(ops: Path) -> None:
    edit(ops / BOOK, "effective_from: 2024-10-15", "effective_from: 2024-10-15\neffective_until: 2024-10-15")
    assert "is not after" in RUNNER.invoke(app, ["rules", "check", str(ops)]).output


def test_a_difference_is_shown_rule_by_rule_and_none_is_said(ops: Path) -> None:
    same = RUNNER.invoke(app, ["rules", "diff", str(OPS / BOOK), str(ops / BOOK)])
    assert (same.exit_code, "say the same" in same.output) == (0, True)
    edit(ops / BOOK, "max_redo_rounds: 2", "max_redo_rounds: 3")
    other = RUNNER.invoke(app, ["rules", "diff", str(OPS / BOOK), str(ops / BOOK), "--json"])
    assert other.exit_code == 1
    assert json.loads(other.output) == {"revisit.max_redo_rounds": {"old": 2, "new": 3}}


def test_a_folder_without_rules_or_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    assert "no jurisdiction" in RUNNER.invoke(app, ["rules", "check", str(tmp_path)]).output
    missing = RUNNER.invoke(app, ["rules", "diff", str(OPS / BOOK), str(tmp_path / "none.yaml")])
    assert (missing.exit_code, "none.yaml" in missing.output) == (2, True)
