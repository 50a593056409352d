"""`hotline score` on an exported log: numbers, the tickets behind them, ranks, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.envelope import Event
from schemas.facts import ClockPulsed
from schemas.wire import encode
from services.__main__ import app
from services.core.policy import Policies, Policy
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.log_file import write_log
from services.scoring.service import service
from tests.builders import at, closes, elapses, opens, passes, play, rates, replies

RUNNER = CliRunner()
LATE = (
    opens("Wed 2026-09-23 09:00"),
    elapses("sign"),
    elapses("handle"),
    replies("Wed 2026-09-30 09:00"),
    passes("Wed 2026-09-30 09:00"),
    rates("Thu 2026-10-08 09:00"),
    closes("Thu 2026-10-08 09:00"),
)


def record(topic: str, offset: int, event: Event, key: str) -> Record:
    headers, value = encode(event)
    return Record(Position(topic, 0, offset), key.encode(), value, tuple(headers), 0.0)


def history(policy: Policy) -> list[Record]:
    """A late life, its facts and the scores that scoring published of it."""
    by_ticket, by_unit = service(Policies.always(policy)).folds[:2]
    said, ticket, unit, sent = [], None, None, 0
    for offset, fact in enumerate(play(policy, *LATE).facts):
        said.append(record("ticket-events", offset, fact, fact.subject))
        step = by_ticket.handle(ticket, fact, Position("ticket-events", 0, offset))
        ticket = step.state
        for output in step.outputs:
            scored = by_unit.handle(unit, output.event, Position("unit-measures", 0, sent))
            unit, sent = scored.state, sent + 1
            said += [record("unit-scores", sent, o.event, o.key or "") for o in scored.outputs if o.key]
    assert by_unit.wake is not None
    pulsed = ClockPulsed(id="pulse", source="/test", time=at("Fri 2026-10-09 09:00"))
    headers, value = encode(pulsed)
    said.append(Record(Position("ticket-events", 0, offset + 1), None, value, tuple(headers), 0.0))
    scored = by_unit.wake("U-SANITATION", unit, pulsed.time)
    return said + [record("unit-scores", sent + n, o.event, o.key or "") for n, o in enumerate(scored.outputs)]


@pytest.fixture
def log(policy: Policy, tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    write_log(path, history(policy))
    return path


def test_each_number_names_the_tickets_behind_it(log: Path) -> None:
    said = RUNNER.invoke(app, ["score", "show", "U-SANITATION", "2026-09", "--log", str(log), "--json"])
    assert said.exit_code == 0, said.output
    about = json.loads(said.output)
    found = {number["indicator"]: number for number in about["indicators"]}
    assert (0, 1) == (found["replied_on_time"]["part"], found["replied_on_time"]["whole"])
    [behind] = found["replied_on_time"]["tickets"]
    assert ("T-1", "replied", False) == (behind["ticket"], behind["measure"], behind["on_time"])
    assert (True, "departments", None) == (about["agrees_with_published"], about["unit_class"], about["rank"])


def test_it_speaks_both_languages(log: Path) -> None:
    chinese = RUNNER.invoke(app, ["score", "show", "U-SANITATION", "2026-09", "--log", str(log)])
    english = RUNNER.invoke(app, ["score", "rank", "2026-10", "--log", str(log), "--lang", "en"])
    assert "与已发布的考核结果一致" in chinese.output
    assert "T-1✗" in chinese.output
    assert "U-SANITATION" in english.output


def test_a_published_score_that_the_facts_do_not_make_ends_with_1(policy: Policy, tmp_path: Path) -> None:
    forged = []
    for one in history(policy):
        value = one.value or b""
        if one.position.topic == "unit-scores":
            value = value.replace(b'"breached":2', b'"breached":0')
        forged.append(Record(one.position, one.key, value, one.headers, one.appended_at))
    path = tmp_path / "forged.jsonl"
    write_log(path, forged)
    said = RUNNER.invoke(app, ["score", "show", "U-SANITATION", "2026-09", "--log", str(path), "--lang", "en"])
    assert (1, True) == (said.exit_code, "DOES NOT AGREE" in said.output)


def test_a_unit_of_which_nothing_counted_or_an_unreadable_file_ends_with_2(log: Path, tmp_path: Path) -> None:
    assert RUNNER.invoke(app, ["score", "show", "U-URBAN", "2026-09", "--log", str(log)]).exit_code == 2
    assert RUNNER.invoke(app, ["score", "rank", "2026-09", "--log", str(tmp_path / "none.jsonl")]).exit_code == 2
