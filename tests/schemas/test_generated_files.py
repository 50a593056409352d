"""What is generated agrees with the models; a planted difference is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from schemas import docs
from schemas.__main__ import DIRECTORY, drift, main, page_drift
from schemas.events import BY_TYPE
from schemas.topics import load

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DIRECTORY, tmp_path / "json"))


def test_the_committed_schemas_are_those_of_the_models() -> None:
    assert [] == drift()


def test_a_changed_schema_is_found(copied: Path) -> None:
    file = copied / "ticket.dispatched.v1.schema.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"minimum": 1', '"minimum": 0', 1), encoding="utf-8")
    assert ["ticket.dispatched.v1.schema.json: differs"] == drift(copied)


def test_a_missing_schema_is_found(copied: Path) -> None:
    (copied / "clock.pulse.v1.schema.json").unlink()
    assert ["clock.pulse.v1.schema.json: missing"] == drift(copied)


def test_a_schema_of_no_event_type_is_found(copied: Path) -> None:
    (copied / "ticket.lost.v1.schema.json").write_text("{}", encoding="utf-8")
    assert ["ticket.lost.v1.schema.json: no such event type"] == drift(copied)


def test_the_committed_page_of_events_is_that_of_the_models() -> None:
    assert [] == page_drift()


def test_an_edited_page_of_events_is_found(tmp_path: Path) -> None:
    page = tmp_path / "events.md"
    page.write_text(docs.page().replace("已派单", "已派发"), encoding="utf-8")
    assert ["docs/events.md: differs or missing; run `python -m schemas generate`"] == page_drift(page)
    page.unlink()
    assert 1 == len(page_drift(page))


def test_the_page_names_every_type_with_its_topics_and_chinese() -> None:
    assert set(BY_TYPE) == set(docs.CHINESE)
    lines = docs.page().splitlines()
    for name in BY_TYPE:
        row = next(line for line in lines if line.startswith(f"| [`{name}`](../schemas/json/"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert docs.CHINESE[name] == cells[2]
        assert {t.name for t in load().values() if name in t.events} == set(cells[4].replace("`", "").split(", "))


def test_links_of_the_page_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", docs.page())
    assert len(links) > 2 * len(BY_TYPE)
    assert [] == [link for link in links if not (docs.PAGE.parent / link).exists()]


def test_only_writers_of_commands_write_commands() -> None:
    writers = {name for names in docs.COMMAND_WRITERS.values() for name in names}
    assert writers | {"intake"} == set(load()["ticket-commands"].writers)


def test_check_exits_zero_and_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schemas", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_wrong_word_on_the_command_line_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["chekc"])
    assert "usage: python -m schemas generate|check" in capsys.readouterr().err
    assert 0 == main(["--help"])
    assert "exit code 1" in capsys.readouterr().out
