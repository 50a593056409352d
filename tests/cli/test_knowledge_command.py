"""`hotline knowledge`: what the door would answer, and what the log says of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.wire import encode
from services.__main__ import app
from services.core.policy import Policies
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.knowledge_index import KnowledgeIndex
from services.runtime.log_file import write_log
from tests.core.test_knowledge_report import life

FIRST = "2026-11-02T01:00:00"


@pytest.mark.parametrize(
    ("question", "code", "said"),
    [("路灯坏了由谁来修?", 0, "KB-STREET-LIGHT"), ("小区路灯坏了由谁来修?", 1, "would be dispatched")],
)
def test_search_shows_what_the_door_would_answer(question: str, code: int, said: str) -> None:
    found = CliRunner().invoke(app, ["knowledge", "search", question, "--at", FIRST])
    assert (code, True) == (found.exit_code, said in found.output)


def test_the_report_reads_an_exported_log(policies: Policies, knowledge: KnowledgeIndex, tmp_path: Path) -> None:
    records = []
    for fact in life(policies, knowledge, "a", "路灯坏了由谁来修?", "satisfied"):
        headers, value = encode(fact)
        records.append(
            Record(Position("ticket-events", 0, len(records)), fact.subject.encode(), value, tuple(headers), 0.0)
        )
    log = tmp_path / "log.jsonl"
    write_log(log, records)
    table = CliRunner().invoke(app, ["knowledge", "report", "--log", str(log)])
    assert (0, True) == (table.exit_code, "100%" in table.output), table.output
    data = json.loads(CliRunner().invoke(app, ["knowledge", "report", "--log", str(log), "--json"]).output)
    assert (1, 1) == (data["answered"], *[a["helped"] for a in data["articles"] if a["answered"]])


def test_a_log_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("no json\n")
    found = CliRunner().invoke(app, ["knowledge", "report", "--log", str(tmp_path / "x.jsonl")])
    assert (2, True) == (found.exit_code, "x.jsonl:1: is no record of a log" in found.output)
