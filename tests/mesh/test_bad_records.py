"""Records that no service can take land in its dead letters, with where and why; neighbours flow on."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

from schemas.commands import SignTicket
from schemas.topics import load
from schemas.values import Actor
from schemas.vocabulary import Role
from services.core.policy import Policy
from services.intake.front import CONFLICT
from services.runtime.dead_letters import exhume
from services.runtime.letters import REPLAYED
from services.runtime.mesh import Mesh
from services.runtime.processes import ProcessFailedError, wait_until
from services.runtime.publisher import Publisher
from services.runtime.sealing import SealError
from services.runtime.settings import Settings
from services.runtime.tail import Tail
from services.runtime.topics_admin import admin, apply
from services.runtime.vault import open_vault
from tests.mesh.stage import Stage, at
from tests.ops.tools import run

pytestmark = pytest.mark.broker
CANARY = "张三 13800138000 530123199001011234"
READERS = {
    "upstream-tickets": ["intake"],
    "ticket-commands": ["router"],
    "ticket-events": ["sla-timer", "reminder", "revisit", "scoring"],
    "unit-measures": ["scoring"],
}


def attributes(name: bytes) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"), ("ce_id", b"bad"), ("ce_source", b"/test"), ("ce_type", name),
        ("ce_time", b"2026-09-23T01:00:00Z"), ("ce_subject", b"T-bad"),
    ]  # fmt: skip


def committed_offset(settings: Settings, group: str, topic: str, partition: int) -> int:
    at = TopicPartition(settings.topic(topic), partition)
    asked = ConsumerGroupTopicPartitions(settings.group(group), [at])
    client = admin(settings)  # kept: its futures die with it
    (future,) = client.list_consumer_group_offsets([asked]).values()
    return max(0, future.result(timeout=30).topic_partitions[0].offset)


KNOWN = {
    "upstream-tickets": b"upstream.ticket.submitted.v1",
    "ticket-commands": b"ticket.sign.v1",
    "ticket-events": b"ticket.urged.v1",
    "unit-measures": b"unit.measured.v1",
}
PLANTED = {
    "not-json": lambda topic: (attributes(KNOWN[topic]), f'{{"name": "{CANARY}", '.encode()),
    "oversized": lambda topic: (attributes(KNOWN[topic]), b'{"pad": "' + b"x" * 1_100_000 + b'"}'),
    "non-utf-8": lambda topic: (attributes(KNOWN[topic]), b'{"name": "\xff\xfe"}'),
    "unknown-version": lambda topic: (attributes(KNOWN[topic].replace(b".v1", b".v9")), b"{}"),
    "unknown-type": lambda topic: (attributes(b"nobody.knows.v1"), b"{}"),
    "missing-header": lambda _topic: ([], CANARY.encode()),
    "empty-value": lambda topic: (attributes(KNOWN[topic]), None),
    "invalid-field": lambda topic: (attributes(KNOWN[topic]), f'{{"actor": "{CANARY}", "unit": 7}}'.encode()),
}
EXPECTED = {**{name: name for name in PLANTED}, "non-utf-8": "not-json"}


class Aftermath:
    def __init__(
        self,
        mesh: Mesh,
        letters: dict[str, list[tuple[dict[str, bytes], bytes]]],
        story: list[str],
        planted: set[tuple[str, bytes, bytes]],
    ) -> None:
        self.mesh, self.letters, self.story, self.planted = mesh, letters, story, planted


@pytest.fixture(scope="module")
def aftermath(shared_mesh: Mesh, policy: Policy) -> Iterator[Aftermath]:
    """Bad records on every input of every service, a good ticket in their midst."""
    stage = Stage(shared_mesh, policy)
    publisher = Publisher(shared_mesh.settings, "test")
    planted: set[tuple[str, bytes, bytes]] = set()
    good = stage.opens("good-neighbour", "Wed 2026-09-23 09:00")
    for topic in READERS:
        for make in PLANTED.values():
            headers, value = make(topic)
            for partition in range(4):
                offset = publisher.send(topic, value, b"T-bad", headers, partition).result(timeout=30)
                planted.add((topic, str(partition).encode(), str(offset).encode()))
    twice = stage.submission("two-bodies", "Wed 2026-09-23 09:00")
    for said in (twice, twice, twice.model_copy(update={"content": CANARY})):
        publisher.publish("upstream-tickets", said, key="stage").result(timeout=30)
    publisher.close()
    stage.runs("Wed 2026-09-23 08:00", "Wed 2026-09-23 10:00")
    settings, topics = shared_mesh.settings, load()
    letters: dict[str, list[tuple[dict[str, bytes], bytes]]] = {}
    for service in shared_mesh.ports:
        tail = Tail(settings, topics, [f"{service}-dead-letters"])
        found = [({k: v or b"" for k, v in record.headers}, record.value or b"") for record in tail.catch_up()]
        letters[service] = [(headers, value) for headers, value in found if REPLAYED not in headers]
        tail.close()
    yield Aftermath(shared_mesh, letters, stage.story(good), planted)
    stage.close()


@pytest.mark.parametrize(("topic", "service"), [(t, s) for t, readers in READERS.items() for s in readers])
def test_each_bad_record_is_in_the_dead_letters_of_its_reader(aftermath: Aftermath, topic: str, service: str) -> None:
    found = Counter(
        headers["dlq.errors.class"].decode()
        for headers, _ in aftermath.letters[service]
        if headers["dlq.errors.topic"].decode() == topic
        and (topic, headers["dlq.errors.partition"], headers["dlq.errors.offset"]) in aftermath.planted
    )
    wanted = Counter(EXPECTED[name] for name in PLANTED for _ in range(4))
    assert wanted == found


def test_another_body_under_a_known_id_is_quarantined_and_the_same_one_is_not(aftermath: Aftermath) -> None:
    found = [headers for headers, _ in aftermath.letters["intake"] if headers["dlq.errors.class"] == CONFLICT.encode()]
    assert 1 == len(found)
    assert "another body" in found[0]["dlq.errors.message"].decode()


def test_a_dead_letter_says_where_and_why_and_never_what(aftermath: Aftermath) -> None:
    for service, letters in aftermath.letters.items():
        for headers, value in letters:
            assert headers["dlq.errors.service"].decode() == service
            assert headers["dlq.errors.partition"].decode().isdigit()
            assert headers["dlq.errors.offset"].decode().isdigit()
            assert headers["dlq.errors.message"]
            assert CANARY.encode() not in b"".join(headers.values()) + value


def test_a_dead_letter_of_the_door_can_be_opened_again_with_the_vault_alone(aftermath: Aftermath) -> None:
    headers, value = next((h, v) for h, v in aftermath.letters["intake"] if h["dlq.errors.class"] == b"missing-header")
    settings = aftermath.mesh.settings
    with pytest.raises(SealError):
        exhume(settings.master_key, headers, value)
    vault = open_vault(settings)
    assert [] == exhume(settings.master_key, headers, value, vault)["headers"]
    vault.close()
    headers, value = aftermath.letters["router"][0]
    assert exhume(settings.master_key, headers, value)["headers"] is not None


def test_the_neighbour_flows_on(aftermath: Aftermath) -> None:
    first, second, *_ = aftermath.story  # what follows depends on how late it already is in the shared mesh
    assert ("ticket.opened", "ticket.dispatched") == (first, second)


def test_no_service_died_and_the_metrics_count_the_letters(aftermath: Aftermath) -> None:
    for service, child in aftermath.mesh.children.items():
        assert child.alive, service
        counted = sum(
            float(line.rsplit(" ", 1)[1])
            for line in aftermath.mesh.metrics(service).splitlines()
            if line.startswith("hotline_dead_letters_total")
        )
        assert len(aftermath.letters[service]) == counted


def test_logs_name_no_person(aftermath: Aftermath) -> None:
    for child in aftermath.mesh.children.values():
        assert "13800138000" not in child.log_text(1_000_000)


def test_kcat_reads_closed_tickets_as_plain_json_with_cloudevents_headers(
    shared_mesh: Mesh, policy: Policy, aftermath: Aftermath
) -> None:
    stage = Stage(shared_mesh, policy)
    ticket = stage.opens("for-kcat", "Thu 2026-09-24 09:00")
    stage.replies(ticket, "Thu 2026-09-24 10:00", "U-SANITATION")
    stage.says(ticket, "Thu 2026-09-24 11:00", "rating.submit.v1", "citizen:c", rating="satisfied")
    stage.runs("Thu 2026-09-24 08:00", "Thu 2026-09-24 12:00")
    assert stage.story(ticket)[-1] == "ticket.closed"
    settings = shared_mesh.settings
    where = ["-b", settings.bootstrap_servers, "-t", settings.topic("closed-tickets"), "-o", "beginning"]
    said = run("kcat", "-C", *where, "-e", "-q", "-f", "%k %h %s\n").stdout
    line = next(line for line in said.splitlines() if line.startswith(ticket))
    assert "ce_type=ticket.closed.v1" in line
    assert '"resolution":"rated"' in line
    assert at("Thu 2026-09-24 11:00").strftime("ce_time=%Y-%m-%dT%H:%M:%SZ") in line
    stage.close()


def test_unreadable_records_in_a_row_stop_the_service_but_wrong_wishes_never_do(
    new_settings: Callable[[], Settings], tmp_path: Path
) -> None:
    settings = new_settings().model_copy(update={"max_consecutive_dead_letters": 5, "stop_linger": 3})
    wish = SignTicket(
        id="wish",
        source="/test",
        subject="T-nobody",
        time=at("Wed 2026-09-23 09:00"),
        actor=Actor(role=Role.UNIT, id="U"),
    )
    with Mesh(settings, tmp_path, services=["router"]) as mesh:
        publisher = Publisher(settings, "test")
        for number in range(20):
            publisher.publish("ticket-commands", wish.model_copy(update={"id": f"wish-{number}"})).result(timeout=30)
        counted = 'hotline_dead_letters_total{code="unknown-ticket",service="router",topic="ticket-commands"} 20.0'
        wait_until(lambda: counted in mesh.metrics("router"), 30, "20 dead letters")
        assert mesh.children["router"].alive
        for _ in range(6):
            publisher.send("ticket-commands", b"{", b"T-bad", attributes(b"ticket.sign.v1"), 0).result(timeout=30)
        said = 'hotline_stopped{reason="dead-letters",service="router"} 1.0'
        wait_until(lambda: said in mesh.metrics("router"), 30, "the metric that says that it stopped")
        assert not mesh.ready("router")
        wait_until(lambda: not mesh.children["router"].alive, 30, "the router's end")
        assert 70 == mesh.children["router"].returncode
        assert "too many dead letters, 6 in a row of ticket-commands/0" in mesh.children["router"].log_text()
        publisher.close()


def test_a_deployment_that_fails_at_every_third_record_stops_before_it_drains_the_topic(
    new_settings: Callable[[], Settings], tmp_path: Path
) -> None:
    settings = new_settings().model_copy(update={"stop_linger": 0})
    apply(settings, load())
    publisher = Publisher(settings, "test")
    good, bad = attributes(b"clock.pulse.v1"), attributes(b"ticket.sign.v1")
    for number in range(240):
        headers, value = (bad, b"{") if number % 3 == 0 else (good, b"{}")
        publisher.send("ticket-commands", value, b"T-bad", headers, 2).result(timeout=30)
    publisher.close()
    mesh = Mesh(settings, tmp_path, services=["router"])
    with contextlib.suppress(ProcessFailedError), mesh:  # it may end before it was ready
        wait_until(lambda: not mesh.children["router"].alive, 60, "the router's end")
    assert 70 == mesh.children["router"].returncode
    assert "too many dead letters, 18 of the last 52 of ticket-commands/2" in mesh.children["router"].log_text()
    tail = Tail(settings, load(), ["router-dead-letters"])
    buried = {int(dict(record.headers)["dlq.errors.offset"] or b"") for record in tail.catch_up()}
    tail.close()
    assert buried == set(range(0, 51, 3)), "the 18th is not set aside: it is read again"
    assert committed_offset(settings, "router", "ticket-commands", 2) <= 51
