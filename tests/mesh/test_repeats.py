"""The same caller's matter through a real mesh whose door is killed and forgets: urged once, opened again once."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis
from typer.testing import CliRunner

from schemas.facts import Fact, TicketOpened, TicketUrged
from schemas.topics import load
from schemas.upstream import UpstreamTicketUrged
from schemas.wire import decode, encode
from services.__main__ import app
from services.core.policy import Policies
from services.core.service import Position
from services.intake.front import FEED, Door
from services.intake.gateway.access import Access
from services.runtime.engine import Record
from services.runtime.letters import read_letters
from services.runtime.mesh import Mesh
from services.runtime.metrics import Metrics
from services.runtime.policy_files import load_knowledge
from services.runtime.processes import wait_until
from services.runtime.settings import Settings, environment
from services.runtime.tail import Tail
from services.runtime.topics_admin import apply
from tests.conftest import ROOT
from tests.mesh.caller import Caller, as_platform, with_token
from tests.mesh.test_gateway import MATTER, TICKETS, became
from tests.mesh.test_way_out import until_taken
from tests.rules.rows import switched
from tests.services.test_door import submitted

pytestmark = pytest.mark.broker
ASKED = MATTER | {"kind": "consultation", "category": "social-security"}
ANSWERED = {
    "outcome": "answered", "rating": "satisfied",
    "reply": {"text": "可在任一网点办理。", "handler": "H-1", "responsible": "R-1", "result": "answered"},
}  # fmt: skip


@pytest.fixture(scope="module")
def mesh(new_settings: Callable[[], Settings], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Door, router and revisit under a rulebook that looks for the same matter of the same caller."""
    home = tmp_path_factory.mktemp("repeats")
    shutil.copytree(ROOT / "ops", home / "ops")
    with (home / "ops" / "rulebooks" / "weixi" / "2024-10-15.yaml").open("a") as rulebook:
        rulebook.write("\nrepeats: {find_earlier: true}\n")
    settings = new_settings().model_copy(update={"policy_dir": home / "ops"})
    with Mesh(settings, home / "logs", ["intake", "router", "revisit"]) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def platform(mesh: Mesh) -> Caller:
    return as_platform(mesh.url, mesh.settings)


@pytest.fixture(scope="module")
def office(mesh: Mesh) -> Caller:
    return with_token(mesh.url, mesh.settings, Access.OFFICE, "O-1")


def hand_down(platform: Caller, name: str, phone: str) -> dict[str, Any]:
    said = ASKED | {"upstream_id": name, "reporter": {"name": "张三", "phone": phone}}
    return dict(until_taken(platform, TICKETS, said))


def close(office: Caller, ticket: str) -> None:
    office.post(f"/v1/tickets/{ticket}/calls", ANSWERED, idempotency_key=f"call-{ticket}")
    wait_until(lambda: office.get(f"/v1/tickets/{ticket}").json()["stage"] == "closed", 60, "the closing")


def forget(settings: Settings) -> None:
    """Take from Redis which messages the door has seen."""
    store = redis.Redis.from_url(settings.redis_url)
    for key in store.scan_iter(f"{settings.topic_prefix}seen:*"):
        store.delete(key)


def facts_of(settings: Settings) -> list[Fact]:
    tail = Tail(settings, load(), ["ticket-events"])
    try:
        said = [decode(record.headers, record.value) for record in tail.catch_up()]
    finally:
        tail.close()
    return list({fact.id: fact for fact in said if isinstance(fact, Fact)}.values())


def test_what_the_same_caller_says_again_is_an_urge_while_it_is_open_and_a_repeat_after(
    mesh: Mesh, platform: Caller, office: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hand_down(platform, "r-1", "13800138001")
    assert became(platform, first, "ticket.dispatched.v1")["facts"] == ["ticket.opened.v1", "ticket.dispatched.v1"]

    mesh.kill_and_restart("intake")
    second = hand_down(platform, "r-2", "13800138001")
    status = became(platform, second)
    assert (status["state"], status["facts"]) == ("accepted", ["ticket.urged.v1"])
    assert (status["ticket"], second["ticket"] != first["ticket"]) == (first["ticket"], True)
    mesh.kill_and_restart("intake")
    forget(mesh.settings)
    assert second == hand_down(platform, "r-2", "13800138001"), "said again: the same receipt"
    summary = platform.get(f"/v1/tickets/{second['ticket']}").json()
    assert (summary["token"], summary["stage"]) == (first["ticket"], "dispatched")
    timeline = platform.get(f"/v1/tickets/{second['ticket']}/timeline").json()
    assert timeline["entries"][-1]["type"] == "ticket.urged.v1"
    urge = until_taken(platform, f"/v1/tickets/{second['ticket']}/urges", {}, idempotency_key="urge-r-2")
    assert became(platform, urge)["facts"] == ["ticket.urged.v1"]

    path = f"/v1/tickets/{second['ticket']}/withdrawals"
    taken_back = became(platform, until_taken(platform, path, {}, idempotency_key="back-r-2"))
    assert ("refused", "not-the-opening-record") == (taken_back["state"], taken_back["refusal"]["code"])
    assert platform.get(f"/v1/tickets/{first['ticket']}").json()["stage"] == "dispatched", "the matter goes on"

    close(office, first["ticket"])
    mesh.kill_and_restart("intake")
    third = hand_down(platform, "r-3", "13800138001")
    assert became(platform, third)["ticket"] == third["ticket"]
    mesh.kill_and_restart("intake")
    forget(mesh.settings)
    assert third == hand_down(platform, "r-3", "13800138001")
    fourth = hand_down(platform, "r-4", "13800138001")
    assert became(platform, fourth)["ticket"] == third["ticket"], "an urge of what is open now"

    facts = facts_of(mesh.settings)
    opened = [(fact.subject, fact.repeat_of) for fact in facts if isinstance(fact, TicketOpened)]
    assert sorted([(first["ticket"], None), (third["ticket"], first["ticket"])]) == sorted(opened)
    urges = [(fact.subject, fact.count, fact.instead_of) for fact in facts if isinstance(fact, TicketUrged)]
    expected = [(first["ticket"], 1, second["ticket"]), (first["ticket"], 2, None)]
    assert sorted([*expected, (third["ticket"], 1, fourth["ticket"])]) == sorted(urges)
    assert [] == read_letters(mesh.settings, load(), ["intake", "router", "revisit"])
    for name, value in (environment(mesh.settings) | {"COLUMNS": "300"}).items():
        monkeypatch.setenv(name, value)
    explained = CliRunner().invoke(app, ["explain", third["ticket"], "--lang", "en"])
    assert explained.exit_code == 0, explained.output
    assert f"repeat_of={first['ticket']}" in explained.output
    before = CliRunner().invoke(app, ["explain", first["ticket"], "--lang", "en"])
    assert f"successor={third['ticket']}" in before.output
    assert f"instead_of={second['ticket']}" in before.output


def test_killed_while_callers_say_it_again_the_door_loses_none_and_counts_each_once(
    mesh: Mesh, platform: Caller
) -> None:
    callers = [f"139001390{number:02}" for number in range(8)]
    first = [hand_down(platform, f"k-{number}", phone) for number, phone in enumerate(callers)]
    said: dict[str, dict[str, Any]] = {}

    def say(number: int, phone: str) -> None:
        caller = as_platform(mesh.url, mesh.settings)
        for again in range(4):
            with contextlib.suppress(httpx.HTTPError):
                said[f"again-{number}-{again}"] = hand_down(caller, f"again-{number}-{again}", phone)

    threads = [threading.Thread(target=say, args=each) for each in enumerate(callers)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        mesh.kill_and_restart("intake")
        forget(mesh.settings)
    for thread in threads:
        thread.join()
    assert len(said) == 32
    tickets = {receipt["ticket"] for receipt in first}
    assert {became(platform, receipt)["ticket"] for receipt in said.values()} == tickets
    urges = [f for f in facts_of(mesh.settings) if isinstance(f, TicketUrged) and f.subject in tickets]
    assert sorted(f.instead_of for f in urges if f.instead_of) == sorted(r["ticket"] for r in said.values())
    assert sorted(f.count for f in urges) == sorted([1, 2, 3, 4] * 8)


def test_an_urge_in_one_batch_with_its_matter_goes_to_the_ticket_that_the_matter_urges(
    new_settings: Callable[[], Settings], policies: Policies
) -> None:
    settings = new_settings()
    apply(settings, load())
    looks = Policies(tuple((begin, switched(one, ["repeats.find_earlier = yes"])) for begin, one in policies.segments))
    door = Door(settings, looks, load_knowledge(settings.policy_dir, settings.jurisdiction), Metrics("intake", "0"))
    try:
        first, second = submitted(), submitted(id="m-2", upstream_id="2")
        urge = UpstreamTicketUrged(id="u-2", source=second.source, time=second.time, platform="stage", upstream_id="2")
        encoded = [encode(said) for said in (first, second, urge)]
        door.carry(
            [
                Record(Position(FEED, 0, n), b"k", value, tuple(headers), 1.0)
                for n, (headers, value) in enumerate(encoded)
            ]
        )
    finally:
        door.close()
    tail = Tail(settings, load(), ["ticket-commands"])
    said = [decode(record.headers, record.value) for record in tail.catch_up()]
    tail.close()
    opened, repeat, urged = said
    assert ["ticket.open.v1", "ticket.repeat.v1", "ticket.urge.v1"] == [command.type for command in said]
    assert {opened.subject} == {repeat.subject, urged.subject}
