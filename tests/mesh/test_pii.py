"""`hotline pii` on a real mesh: audited before it is shown, refused to the reported, erased for ever."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from typer.testing import CliRunner

from schemas.topics import load
from services.__main__ import app
from services.core.policy import Policy
from services.runtime.letters import read_letters
from services.runtime.mesh import Mesh
from services.runtime.processes import wait_until
from services.runtime.publisher import Publisher
from services.runtime.settings import environment
from services.runtime.vault import open_vault
from tests.mesh.stage import Stage
from tests.mesh.test_bad_records import attributes

pytestmark = pytest.mark.broker
NAME, PHONE, UNIT = "赵画眉", "13698761234", "U-SANITATION"
REPORTER = {"name": NAME, "phone": PHONE, "address": "画眉巷三号"}
WHO = ["--by", "officer-7", "--role", "office", "--reason", "call_back"]
FORGET = ["--by", "officer-7", "--role", "office", "--reason", "data_subject", "--yes"]
Hotline = Callable[..., Result]


@pytest.fixture
def hotline(shared_mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    settings = shared_mesh.settings
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("HOTLINE_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("HOTLINE_HOME", str(settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words, **more: CliRunner().invoke(app, ["pii", *words], **more)


@pytest.fixture(scope="module")
def stage(shared_mesh: Mesh, policy: Policy) -> Iterator[Stage]:
    stage = Stage(shared_mesh, policy)
    for name, kind in (("help", "help"), ("report", "report"), ("again", "help"), ("killed", "help")):
        reporter = REPORTER if name != "killed" else {"phone": "13600000001"}
        stage.opens(f"pii-{name}", "Wed 2026-09-23 09:00", kind=kind, reporter=reporter, content=f"我是{NAME},太吵")
    stage.runs("Wed 2026-09-23 08:00", "Wed 2026-09-23 10:00")
    yield stage
    stage.close()


def token(stage: Stage, name: str) -> str:
    ticket: str = stage.driver.token("stage", f"pii-{name}")
    return ticket


def unit_of(stage: Stage, name: str) -> str:
    return next(fact.unit for fact in stage.facts(token(stage, name)) if getattr(fact, "unit", None))  # type: ignore[attr-defined]


def trail(hotline: Hotline, ticket: str) -> list[dict[str, object]]:
    said: list[dict[str, object]] = json.loads(hotline("audit", "--ticket", ticket, "--json").stdout)
    return said


def test_the_office_reads_a_person_and_the_trail_says_who_and_why_and_never_what(
    hotline: Hotline, stage: Stage
) -> None:
    ticket = token(stage, "help")
    shown = hotline("reveal", ticket, *WHO, "--field", "reporter.phone", "--json")
    assert {"reporter.phone": [PHONE]} == json.loads(shown.stdout)
    said = trail(hotline, ticket)[-1]
    assert ("pii.revealed.v1", "officer-7", "office", "call_back", ["reporter.phone"]) == tuple(
        said[name] for name in ("type", "by", "role", "reason", "fields")
    )
    assert PHONE not in hotline("audit").output


def test_a_unit_reads_how_to_reach_the_citizen_but_never_who_reported(hotline: Hotline, stage: Stage) -> None:
    as_unit = ["--role", "unit", "--reason", "handling", "--json", "--by"]
    shown = hotline("reveal", token(stage, "help"), *as_unit, unit_of(stage, "help"))
    assert PHONE in shown.stdout
    report, unit = token(stage, "report"), unit_of(stage, "report")
    refused = hotline("reveal", report, *as_unit, unit, "--field", "reporter.name")
    assert (3, True) == (refused.exit_code, NAME not in refused.output)
    assert ("pii.refused.v1", "reporter-kept-from-unit") == tuple(
        trail(hotline, report)[-1][n] for n in ("type", "code")
    )
    matter = hotline("reveal", report, *as_unit, unit)
    assert (0, ["我是‹withheld›,太吵"]) == (matter.exit_code, json.loads(matter.stdout)["content"])
    assert [] == [secret for secret in REPORTER.values() if secret in matter.output]
    assert 3 == hotline("reveal", token(stage, "help"), *as_unit, "U-STRANGER").exit_code


def test_without_an_audit_record_nothing_is_shown(
    hotline: Hotline, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    shown = hotline("reveal", token(stage, "help"), *WHO)
    assert (6, True) == (shown.exit_code, NAME not in shown.output and PHONE not in shown.output)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["reveal", "T-1", *WHO], 2),
        (["reveal", "T-" + "a" * 24, *WHO], 2),
        (["reveal", "T-" + "a" * 24, *WHO, "--field", "shoe-size"], 2),
        (["reveal", "T-" + "a" * 24, *WHO, "--case", PHONE], 2),
        (["erase", *FORGET], 2),
        (["erase", "T-" + "a" * 24, "--by", "u", "--role", "unit", "--reason", "handling", "--yes"], 3),
    ],
)
def test_a_wrong_call_shows_and_erases_nothing(hotline: Hotline, stage: Stage, words: list[str], code: int) -> None:
    assert code == hotline(*words).exit_code


def test_an_erasure_killed_half_way_is_finished_and_said_once(hotline: Hotline, stage: Stage) -> None:
    """The broker is away, so the erasure cannot be said; the process is killed while it tries."""
    settings, ticket = stage.mesh.settings, token(stage, "killed")
    lost = environment(settings.model_copy(update={"bootstrap_servers": "127.0.0.1:1"}))
    child = subprocess.Popen(
        [sys.executable, "-m", "services", "pii", "erase", ticket, *FORGET], env=lost, stderr=subprocess.DEVNULL
    )
    vault = open_vault(settings)
    deadline = time.monotonic() + 60
    while not vault.unsaid() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    assert -signal.SIGKILL == child.wait(30)
    assert (True, 1) == (vault.erased(ticket), len(vault.unsaid()))
    vault.close()
    assert [] == trail(hotline, ticket)
    for _ in range(2):
        assert 0 == hotline("erase", ticket, *FORGET).exit_code
    assert 0 == hotline("resume").exit_code
    assert ["pii.erased.v1"] == [said["type"] for said in trail(hotline, ticket)]
    assert 1 == hotline("reveal", ticket, *WHO).exit_code


def test_a_person_is_erased_with_all_tickets_and_letters_and_stays_so_when_the_feed_is_read_again(
    hotline: Hotline, stage: Stage, shared_mesh: Mesh
) -> None:
    settings, tickets = shared_mesh.settings, [token(stage, name) for name in ("help", "report", "again")]
    bad = json.dumps({"platform": "stage", "upstream_id": "pii-help", "title": NAME}).encode()
    publisher = Publisher(settings, "test")
    headers = attributes(b"upstream.ticket.submitted.v1")
    offset = publisher.send("upstream-tickets", bad, None, headers, 1).result(timeout=30)
    publisher.close()

    def letter() -> str | None:
        found = read_letters(settings, load(), ["intake"])
        return next((x.id for x in found if (x.topic, x.partition, x.offset) == ("upstream-tickets", 1, offset)), None)

    wait_until(lambda: letter() is not None, 30, "a dead letter of intake")
    show = ["dlq", "show", letter() or "", "--json"]
    assert "‹free_text: text, 3 characters›" in CliRunner().invoke(app, show).stdout
    done = hotline("erase", "--person", "-", *FORGET, input=f"+86 {PHONE}\n")
    assert (0, True) == (done.exit_code, "已删除 3;" in done.stdout), done.output
    assert "the ticket's key was erased" in CliRunner().invoke(app, show).stdout
    for ticket in tickets:
        assert 1 == hotline("reveal", ticket, *WHO).exit_code
        assert "pii.erased.v1" == trail(hotline, ticket)[-1]["type"]
    stage.opens("pii-help", "Wed 2026-09-23 10:30", id="m-late-copy", reporter=REPORTER, content=NAME)
    stage.runs("", "Wed 2026-09-23 11:00")
    assert 1 == hotline("reveal", tickets[0], *WHO).exit_code
    assert "已删除 0;" in hotline("erase", "--person", PHONE, *FORGET).stdout
    assert "重新删除 0" in hotline("reapply").stdout
