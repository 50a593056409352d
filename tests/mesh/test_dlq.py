"""`hotline dlq` on a real broker: a wish that came before its ticket is set aside, found, shown, and sent again."""

import json
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result
from typer.testing import CliRunner

from schemas.commands import SignTicket
from schemas.topics import load
from schemas.values import Actor
from schemas.vocabulary import Role
from services.__main__ import app
from services.core.policy import Policy
from services.runtime.letters import REPLAYED, Letter, read_letters
from services.runtime.mesh import Mesh
from services.runtime.processes import wait_until
from services.runtime.publisher import Publisher
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from tests.mesh.stage import Stage, at
from tests.mesh.test_bad_records import attributes

pytestmark = pytest.mark.broker
NAME, PHONE = "李金丝雀", "13812340987"
UNREADABLE = f'{{"platform": "stage", "upstream_id": "{PHONE}", "title": "{NAME}", "{NAME}": 1, "kind": "no"}}'
Hotline = Callable[..., Result]


@pytest.fixture
def hotline(shared_mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> Hotline:
    settings = shared_mesh.settings
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("HOTLINE_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("HOTLINE_HOME", str(settings.home))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["dlq", *words])


def find(settings: Settings, service: str, code: str, topic: str, offset: int) -> Letter:
    def there() -> list[Letter]:
        found = read_letters(settings, load(), [service])
        return [letter for letter in found if (letter.topic, letter.offset, letter.code) == (topic, offset, code)]

    wait_until(lambda: bool(there()), 30, f"a dead letter of {service}")
    return there()[0]


@pytest.fixture(scope="module")
def early(shared_mesh: Mesh, policy: Policy) -> Iterator[tuple[Stage, str, Letter]]:
    """A ticket whose signature came before it."""
    stage = Stage(shared_mesh, policy)
    ticket = stage.driver.token("stage", "signed-too-early")
    wish = SignTicket(
        id="early-sign", source="/test", subject=ticket, time=at("Wed 2026-09-23 09:30"),
        actor=Actor(role=Role.UNIT, id="U-SANITATION"),
    )  # fmt: skip
    publisher = Publisher(shared_mesh.settings, "test")
    offset = publisher.publish("ticket-commands", wish).result(timeout=30)
    publisher.close()
    letter = find(shared_mesh.settings, "router", "unknown-ticket", "ticket-commands", offset)
    stage.opens("signed-too-early", "Wed 2026-09-23 09:00")
    stage.runs("Wed 2026-09-23 08:00", "Wed 2026-09-23 10:00")
    yield stage, ticket, letter
    stage.close()


def test_a_letter_is_listed_with_time_place_class_and_the_token_it_is_about(
    hotline: Hotline, early: tuple[Stage, str, Letter]
) -> None:
    _, ticket, letter = early
    rows = json.loads(hotline("ls", "--service", "router", "--class", "unknown-ticket", "--json").stdout)
    row = next(row for row in rows if row["id"] == letter.id)
    assert (ticket, "ticket-commands", letter.offset) == (row["key"], row["topic"], row["offset"])
    assert letter.id in hotline("ls", "--limit", "0").stdout


def test_what_is_sent_again_takes_effect_once_and_is_not_sent_a_third_time(
    hotline: Hotline, early: tuple[Stage, str, Letter]
) -> None:
    stage, ticket, letter = early
    dry = hotline("replay", "--id", letter.id, "--dry-run")
    assert f"{letter.id} unknown-ticket to ticket-commands" in dry.stdout
    assert [] == [fact for fact in stage.facts(ticket) if fact.causation == "early-sign"]
    for arguments, said in (([], "已重放 1;"), ([], "已重放 0;"), (["--again"], "已重放 1;")):
        done = hotline("replay", "--id", letter.id, "--rate", "100", *arguments)
        assert (0, True) == (done.exit_code, said in done.stdout), done.output
    stage.runs("", "Wed 2026-09-23 10:30")
    (effect,) = [fact.type for fact in stage.facts(ticket) if fact.causation == "early-sign"]
    # On a mesh whose pulses are later already, the limit had run out: then the late wish withdraws the breach.
    assert effect in {"ticket.signed.v1", "breach.withdrawn.v1"}
    tail = Tail(stage.mesh.settings, load(), ["ticket-commands"])
    marked = [record for record in tail.catch_up() if (REPLAYED, letter.id.encode()) in record.headers]
    tail.close()
    assert {(letter.partition, ticket.encode())} == {(r.position.partition, r.key) for r in marked}
    (listed,) = [row for row in json.loads(hotline("ls", "--json", "--limit", "0").stdout) if row["id"] == letter.id]
    assert listed["replayed_at"] is not None


def test_show_gives_what_is_declared_free_of_persons_and_the_shape_of_the_rest(
    hotline: Hotline, shared_mesh: Mesh
) -> None:
    publisher = Publisher(shared_mesh.settings, "test")
    headers = [*attributes(b"upstream.ticket.submitted.v1"), ("x-caller", NAME.encode())]
    where = publisher.send("upstream-tickets", UNREADABLE.encode(), PHONE.encode(), headers, 0).result(timeout=30)
    publisher.close()
    letter = find(shared_mesh.settings, "intake", "invalid-field", "upstream-tickets", where)
    shown = hotline("show", letter.id, "--json")
    value = json.loads(shown.stdout)["original"]["value"]
    assert ("stage", "‹free_text: text, 4 characters›", "1 fields") == (
        value["platform"], value["title"], value["‹undeclared›"]
    )  # fmt: skip
    said = shown.output + hotline("show", letter.id).output + hotline("ls", "--limit", "0").output
    assert [] == [mark for mark in (NAME, PHONE) if mark in said]
    assert letter.id in said


def test_letters_are_counted_by_class_service_and_hour(hotline: Hotline, early: tuple[Stage, str, Letter]) -> None:
    counted = json.loads(hotline("stats", "--json").stdout)
    assert counted["letters"] == sum(counted["class"].values()) == sum(counted["hour"].values())
    assert counted["class"]["unknown-ticket"] >= 1
    assert counted["service"]["router"] >= 1
    assert "█" in hotline("stats", "--class", "unknown-ticket").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["replay"], 2),
        (["ls", "--service", "nobody"], 2),
        (["show", "L-aaaaaaaaaaaa"], 2),
        (["replay", "--id", "L-aaaaaaaaaaaa"], 2),
    ],
)
def test_a_wrong_choice_ends_with_2_and_sends_nothing(hotline: Hotline, words: list[str], code: int) -> None:
    assert code == hotline(*words).exit_code
