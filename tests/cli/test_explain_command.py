"""`hotline explain` on an exported log: text, JSON, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.envelope import Event
from schemas.facts import Fact
from schemas.wire import encode
from services.__main__ import app
from services.core.policy import Policy
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.log_file import write_log
from tests.explained import life

RUNNER = CliRunner()


def record(offset: int, event: Event) -> Record:
    headers, value = encode(event)
    topic = "ticket-events" if isinstance(event, Fact) else "ticket-commands"
    return Record(Position(topic, 0, offset), event.subject.encode(), value, tuple(headers), 0.0)


@pytest.fixture(scope="module")
def log(policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, facts, commands = life(policy)
    path = tmp_path_factory.mktemp("log") / "log.jsonl.gz"
    said: list[Event] = [*commands.values(), *facts, facts[0]]  # one of them twice, as a wire may
    write_log(path, [record(offset, event) for offset, event in enumerate(said)])
    return path


def test_it_explains_a_ticket_of_a_log_in_both_languages(log: Path) -> None:
    chinese = RUNNER.invoke(app, ["explain", "T-1", "--log", str(log)])
    english = RUNNER.invoke(app, ["explain", "T-1", "--log", str(log), "--lang", "en"])
    assert (chinese.exit_code, english.exit_code) == (0, 0)
    assert "已立案" in chinese.output
    assert "Every due instant was computed anew and agrees with the record." in english.output


def test_json_is_for_programs_and_an_instant_limits_what_is_known(log: Path) -> None:
    said = RUNNER.invoke(app, ["explain", "T-1", "--log", str(log), "--json", "--at", "2026-09-17T03:00:00"])
    explained = json.loads(said.output)
    assert (explained["stage"], len(explained["entries"])) == ("dispatched", 8)
    assert explained["next"][0]["clock"] == "sign"


def test_a_date_that_does_not_agree_ends_with_1(log: Path, tmp_path: Path, policy: Policy) -> None:
    _, facts, _ = life(policy)
    clock = facts[3].started[0]
    forged = clock.model_copy(update={"due_at": clock.due_at.replace(hour=9)})
    facts[3] = facts[3].model_copy(update={"started": (forged, *facts[3].started[1:])})
    path = tmp_path / "forged.jsonl"
    write_log(path, [record(offset, fact) for offset, fact in enumerate(facts)])
    said = RUNNER.invoke(app, ["explain", "T-1", "--log", str(path), "--lang", "en"])
    assert said.exit_code == 1
    assert "DOES NOT AGREE" in said.output


def test_an_unknown_ticket_or_file_ends_with_2(log: Path, tmp_path: Path) -> None:
    assert RUNNER.invoke(app, ["explain", "T-9", "--log", str(log)]).exit_code == 2
    assert RUNNER.invoke(app, ["explain", "T-1", "--log", str(tmp_path / "none.jsonl")]).exit_code == 2
