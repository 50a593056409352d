"""The JSON Schema of `hotline explain --json`: it is that of the models, and the real output keeps to it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from schemas.commands import Command
from services.__main__ import app
from services.cli import explain_schema
from services.core.policy import Policy
from services.runtime.log_file import write_log
from tests.builders import opens
from tests.cli.test_explain_command import record
from tests.explained import SAID, life

RUNNER = CliRunner()
LAW = {"working_days": 45, "legal_basis": "信访工作条例"}
DECIDED_AGAIN = (opens("Mon 2025-11-03 10:00", limit_override=LAW),)
"""The notice of 2026 becomes known two days later, on Wednesday 5 November 2025."""


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = json.loads(explain_schema.FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def printed(said: tuple[Command, ...], policy: Policy, folder: Path) -> dict[str, Any]:
    ticket, facts, commands = life(policy, said)
    path = folder / "log.jsonl"
    write_log(path, [record(offset, event) for offset, event in enumerate([*commands.values(), *facts])])
    found: dict[str, Any] = json.loads(RUNNER.invoke(app, ["explain", ticket, "--log", str(path), "--json"]).output)
    return found


@pytest.mark.parametrize("said", [SAID, DECIDED_AGAIN], ids=["a whole life", "decided again"])
def test_what_the_command_prints_keeps_to_the_schema(
    said: tuple[Command, ...], schema: jsonschema.Draft202012Validator, policy: Policy, tmp_path: Path
) -> None:
    found = printed(said, policy, tmp_path)
    assert [] == [error.message for error in schema.iter_errors(found)]
    assert found["problems"] == []
    revised = any("revision" in clock for entry in found["entries"] for clock in entry["started"])
    assert revised is (said is DECIDED_AGAIN)


def test_the_schema_is_no_blank_cheque(schema: jsonschema.Draft202012Validator, policy: Policy, tmp_path: Path) -> None:
    """Each required field left out, and a value of another type, is an error."""
    found = printed(SAID, policy, tmp_path)
    dispatched = next(entry for entry in found["entries"] if entry["type"] == "ticket.dispatched.v1")
    clock = dispatched["started"][0]
    for part, needed in (
        (found, "Explanation"),
        (dispatched, "Entry"),
        (clock, "Arithmetic"),
        (clock["days"][0], "Day"),
    ):
        top = schema.schema if needed == "Explanation" else schema.schema["$defs"][needed]
        for name in top["required"]:
            kept = part.pop(name)
            assert not schema.is_valid(found), f"{needed} without {name}"
            part[name] = kept
        assert schema.is_valid(found)
    clock["due_at"] = "tomorrow"
    assert not schema.is_valid(found)


def test_a_schema_that_differs_from_the_models_is_found_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain_schema.main(["check"]) == 0
    file = tmp_path / "explanation.schema.json"
    monkeypatch.setattr(explain_schema, "FILE", file)
    assert explain_schema.main(["check"]) == 1
    file.write_text(explain_schema.text().replace('"hours"', '"opening"'), encoding="utf-8")
    assert explain_schema.main(["check"]) == 1
    assert "explanation.schema.json differs from the models" in capsys.readouterr().err
    assert [explain_schema.main([word]) for word in ("generate", "check", "dance")] == [0, 0, 2]
