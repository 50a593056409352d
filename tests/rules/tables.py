"""Reads the decision tables: every line of a Markdown file beside this one that begins with | belongs to a table."""

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CITES = HERE / "articles.md"
DASH = "—"
"""Nothing: no fact, no clock."""
GIVEN = "Every row begins: "
"""A line that begins so says what happened before every row of its section."""
LIFE, DAY, LIMIT, FACT = "life", "day", "limit", "fact"
BEGINS = {
    ("situation", "when", "facts"): LIFE,
    ("day", "worked"): DAY,
    ("start", "limit", "due"): LIMIT,
    ("fact", "about"): FACT,
}
"""The shapes of a table by its first columns; the last column of each is `article`."""


class TableError(AssertionError):
    """A table that cannot be read as it is meant; the message begins with file and line."""


@dataclass(frozen=True)
class Row:
    """One row: its cells by column, what happened before, and where it stands."""

    file: Path
    line: int
    text: str
    shape: str
    cells: dict[str, str]
    given: str

    @property
    def id(self) -> str:
        return f"{self.file.stem}:{self.line}"

    def __str__(self) -> str:
        return f"tests/rules/{self.file.name}:{self.line}\n  {self.text}"

    def parts(self, column: str) -> list[str]:
        """Give what `;` separates in a cell; nothing for a dash."""
        cell = self.cells[column]
        return [] if cell == DASH else [" ".join(part.split()) for part in cell.split(";")]


def read(file: Path, text: str | None = None) -> list[Row]:
    """Give the rows of a file; raises `TableError` for whatever would be skipped or misread."""
    lines = (file.read_text(encoding="utf-8") if text is None else text).splitlines()
    rows: list[Row] = []
    columns: list[str] = []
    shape = given = ""
    for number, line in enumerate(lines, 1):
        where = f"{file.name}:{number}"
        if line.startswith("#"):
            given = ""
        elif line.startswith(GIVEN):
            given = line.removeprefix(GIVEN).rstrip(".")
        if not line.startswith("|"):
            if line.lstrip().startswith("|"):
                raise TableError(f"{where}: a row begins at the margin")
            columns = []
            continue
        if re.fullmatch(r"\|(?:-+\|)+", line):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not columns:
            columns, shape = cells, _shape(where, cells)
            if number == len(lines) or not re.fullmatch(r"\|(?:-+\|)+", lines[number]):
                raise TableError(f"{where}: a table's head is followed by |---|")
            continue
        if len(cells) != len(columns):
            raise TableError(f"{where}: {len(cells)} cells under {len(columns)} columns")
        for column, cell in zip(columns, cells, strict=True):
            if not cell:
                raise TableError(f"{where}: {column} is empty; write {DASH} for nothing")
        rows.append(Row(file, number, line, shape, dict(zip(columns, cells, strict=True)), given))
    if not rows:
        raise TableError(f"{file.name}: holds no row")
    return rows


def _shape(where: str, columns: list[str]) -> str:
    shape = next((shape for begin, shape in BEGINS.items() if tuple(columns[: len(begin)]) == begin), None)
    if shape is None or columns[-1] != "article":
        known = "; ".join(" | ".join(begin) for begin in BEGINS)
        raise TableError(f"{where}: a table begins with {known} and ends with article")
    return shape


def all_rows() -> list[Row]:
    """Give every case; README.md explains, and articles.md holds no case."""
    return [
        row for file in sorted(HERE.glob("*.md")) if file.name not in {"README.md", CITES.name} for row in read(file)
    ]


def articles() -> dict[tuple[str, str], Row]:
    """Give the line of articles.md for each fact or clock, and what it is about."""
    return {(row.cells["fact"], row.cells["about"]): row for row in read(CITES)}
