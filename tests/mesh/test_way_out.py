"""Results go back to the platforms, whatever dies on the way. On a Kafka and a Redis of its own, which it harms."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
import redis
import yaml
from typer.testing import CliRunner

from schemas.facts import CommandRefused, Fact, TicketOpened
from schemas.feedback import FeedbackAbandoned, FeedbackReceived
from schemas.topics import load
from schemas.vocabulary import Role
from schemas.wire import decode
from services.__main__ import app
from services.core.feedback import USUAL
from services.intake.gateway.access import Access
from services.intake.gateway.receiver import ANSWER_SECONDS, MAX_WAITING_BYTES, STALLED_SECONDS
from services.runtime.embedded import EmbeddedCluster
from services.runtime.letters import read_letters
from services.runtime.mesh import Mesh
from services.runtime.ports import free_port
from services.runtime.processes import wait_until
from services.runtime.publisher import Publisher
from services.runtime.sealing import feedback_key
from services.runtime.settings import Settings, environment
from services.runtime.tail import Tail
from tests.conftest import ROOT
from tests.mesh.caller import Caller, as_platform, with_token
from tests.mesh.platform_receiver import Behaviour, Receiver, Told
from tests.mesh.test_gateway import MATTER, became
from tests.services.test_door import submitted

pytestmark = pytest.mark.broker
EVENTS = [*USUAL, "ticket.urged", "command.refused"]
PATIENCE = 60.0


class WayOut:
    """Router and intake on servers of their own, and platforms that are told of results."""

    def __init__(self, cluster: EmbeddedCluster, settings: Settings, mesh: Mesh, receiver: Receiver) -> None:
        self.cluster, self.settings, self.mesh, self.receiver = cluster, settings, mesh, receiver

    def caller(self, platform: str) -> Caller:
        return as_platform(self.mesh.url, self.settings, platform)

    def submit(self, platform: str, name: str) -> dict[str, Any]:
        path = f"/v1/platforms/{platform}/tickets"
        return dict(until_taken(self.caller(platform), path, MATTER | {"upstream_id": name}))

    def urge(self, platform: str, ticket: str, number: int) -> None:
        until_taken(self.caller(platform), f"/v1/tickets/{ticket}/urges", {}, idempotency_key=f"urge-{number:04}")

    def said(self, *topics: str) -> list[Any]:
        tail = Tail(self.settings, load(), topics)
        try:
            return [decode(record.headers, record.value) for record in tail.catch_up()]
        finally:
            tail.close()

    def owed(self, platform: str) -> dict[tuple[str, int], str]:
        """Give what a platform must be told according to the log: ticket and number to the fact's id."""
        facts = [fact for fact in self.said("ticket-events") if isinstance(fact, Fact)]
        mine = {fact.subject for fact in facts if getattr(fact, "platform", None) == platform}
        return {
            (fact.subject, fact.sequence or 0): fact.id
            for fact in facts
            if fact.subject in mine and fact.type.rsplit(".", 1)[0] in EVENTS
        }

    def metric(self, name: str, platform: str) -> float:
        lines = self.mesh.metrics("intake").splitlines()
        found = [line for line in lines if line.startswith(name + "{") and f'platform="{platform}"' in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)


def until_taken(caller: Caller, path: str, body: Any, statuses: Counter[int] | None = None, **headers: str) -> Any:
    """Say it again until it is taken, as a platform does that is answered 503 or not at all."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            answer = caller.post(path, body, **headers)
            if statuses is not None:
                statuses[answer.status_code] += 1
            if answer.status_code == 202:
                return answer.json()
            assert answer.status_code in {429, 503}, answer.text
        time.sleep(0.2)
    raise AssertionError("the door did not open again")


def first_in_order(told: list[Told]) -> bool:
    """Say whether each ticket's facts came in the order of their numbers, repeats left out."""
    seen: dict[str, list[int]] = defaultdict(list)
    for item in told:
        ticket, sequence = item.place
        if sequence not in seen[ticket]:
            seen[ticket].append(sequence)
    return all(numbers == sorted(numbers) for numbers in seen.values())


@pytest.fixture(scope="module")
def way_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WayOut]:
    home = tmp_path_factory.mktemp("way-out")
    receiver = Receiver()
    addresses = {name: receiver.url(name) for name in ("well", "failing", "slow", "refusing", "rotating", "asking")}
    addresses["dead"] = f"http://127.0.0.1:{free_port()}/dead"
    shutil.copytree(ROOT / "ops", home / "ops")
    for name, url in addresses.items():
        feedback: dict[str, Any] = {"url": url, "since": "2026-09-01T00:00:00+08:00", "events": EVENTS}
        feedback["retry_seconds"] = [0.2, 0.4, 0.8] if name == "refusing" else [0.2, 0.4] + [1.0] * 18
        feedback["key_generations"] = [2, 3] if name == "rotating" else [1]
        text = {"platform": name, "name_en": name, "name_zh": name, "key_generations": [1], "feedback": feedback}
        text["requests_per_minute"] = 100_000
        (home / "ops" / "platforms" / "weixi" / f"{name}.yaml").write_text(yaml.safe_dump(text))
    with EmbeddedCluster(home / "cluster") as cluster:
        settings = Settings(
            bootstrap_servers=cluster.bootstrap_servers, redis_url=cluster.redis_url, home=home / "home",
            policy_dir=home / "ops", topic_prefix=f"out{os.getpid()}-", session_timeout=45,
        )  # fmt: skip
        for name in addresses:
            generations = (2, 3) if name == "rotating" else (1,)
            keys = [feedback_key(settings.master_key, name, number) for number in generations]
            receiver.platforms[name] = Behaviour(keys)
        with Mesh(settings, home / "logs", ("router", "intake")) as mesh:
            yield WayOut(cluster, settings, mesh, receiver)
    receiver.close()


def test_a_platform_is_told_of_dispatch_and_reply_under_its_own_number_and_the_view_says_when(way_out: WayOut) -> None:
    receipt = way_out.submit("well", "story")
    caller = way_out.caller("well")
    became(caller, receipt)
    ticket = receipt["ticket"]
    unit = with_token(way_out.mesh.url, way_out.settings, Access.UNIT, "U-SANITATION")
    reply = {"text": "已清运", "handler": "H-1", "responsible": "R-1", "result": "resolved"}
    unit.post(f"/v1/tickets/{ticket}/replies", {"reply": reply}, idempotency_key="reply-story")
    told = way_out.receiver.platforms["well"].told
    wait_until(lambda: len(told) == 2, PATIENCE, "two results")
    first, second = (item.said["data"] for item in told)
    assert ["ticket.dispatched", "reply.submitted"] == [item.said["type"] for item in told]
    assert ("story", "dispatched", "U-SANITATION") == (first["upstream_id"], first["status"], first["unit"])
    assert "2026-09-30T10:00:00Z" == first["due_at"]  # Mon 28, Tue 29, Wed 30 September
    assert "resolved" == second["result"]
    assert "已清运".encode() not in told[1].body

    def received() -> list[str]:
        entries = caller.get(f"/v1/tickets/{ticket}/timeline").json()["entries"]
        return [entry["type"] for entry in entries if entry["received_at"]]

    wait_until(lambda: received() == ["ticket.dispatched.v1", "reply.submitted.v1"], PATIENCE, "receipts in the view")
    (confirmed,) = {said.platform for said in way_out.said("feedback-events") if said.subject == ticket}
    assert confirmed == "well"


def test_a_platform_hears_of_its_own_commands_whether_they_were_taken_or_refused_and_of_nobody_else_s(
    way_out: WayOut,
) -> None:
    platform = way_out.receiver.platforms["asking"]
    ticket = way_out.submit("asking", "outcomes")["ticket"]
    unit = with_token(way_out.mesh.url, way_out.settings, Access.UNIT, "U-SANITATION")
    unit.post(f"/v1/tickets/{ticket}/extension-requests", {"reason": "weather"}, idempotency_key="too-early")
    caller = way_out.caller("asking")
    path = f"/v1/tickets/{ticket}/withdrawals"
    taken, refused = (until_taken(caller, path, {}, idempotency_key=f"withdrawal-{n}") for n in (1, 2))

    def told() -> list[dict[str, Any]]:
        return [item.said for item in platform.told if item.said["data"]["upstream_id"] == "outcomes"]

    wait_until(lambda: len(told()) == 3, PATIENCE, "dispatch, withdrawal and refusal")
    assert ["ticket.dispatched", "ticket.withdrawn", "command.refused"] == [said["type"] for said in told()]
    assert [taken["submission"], refused["submission"]] == [said["data"]["submission"] for said in told()[1:]]
    last = told()[-1]["data"]
    assert ("ticket.withdraw.v1", "not-in-stage-withdrawn") == (last["command"], last["code"])
    roles = [fact.asked_by for fact in way_out.said("ticket-events") if isinstance(fact, CommandRefused)]
    assert {Role.UNIT, Role.PLATFORM} == set(roles), "the unit was refused too, and that is its own concern"


def test_both_keys_sign_while_ours_is_rotated(way_out: WayOut) -> None:
    way_out.submit("rotating", "r-1")
    platform = way_out.receiver.platforms["rotating"]
    wait_until(lambda: len(platform.told) == 1, PATIENCE, "a result signed twice")
    assert 0 == platform.forged


def test_a_failing_a_slow_and_a_dead_platform_delay_only_themselves(way_out: WayOut) -> None:
    platforms = way_out.receiver.platforms
    failing, slow = platforms["failing"], platforms["slow"]
    failing.answer = lambda number: (500, None, 301, 429)[number % 4] if number <= 9 else 204
    failing.headers = {"location": way_out.receiver.url("well")}
    slow.delay = 1.5
    for number in range(6):
        for name in ("dead", "slow", "failing"):
            way_out.submit(name, f"{name}-{number}")
    before = time.time()
    well = platforms["well"]
    already = len(well.told)
    for number in range(6):
        way_out.submit("well", f"quick-{number}")
    wait_until(lambda: len(well.told) == already + 6, PATIENCE, "the results of the platform that is well")
    took = time.time() - before
    wait_until(lambda: len({t.place for t in failing.told}) == 6, PATIENCE, "results after failures")
    wait_until(lambda: len({t.place for t in slow.told}) == 6, PATIENCE, "results of a slow platform")
    assert took < PATIENCE / 2
    assert 0 == failing.forged + slow.forged
    assert {t.id for t in failing.told} == set(way_out.owed("failing").values())
    assert [] == [t for t in well.told if "failing" in t.said["data"]["upstream_id"]], "a redirect was followed"
    assert 6 == way_out.metric("hotline_feedback_pending", "dead")
    oldest = way_out.metric("hotline_feedback_oldest_timestamp_seconds", "dead")
    assert before - PATIENCE < oldest < time.time()
    assert way_out.metric("hotline_feedback_attempts_total", "dead") > 0


def test_after_the_last_try_it_lies_in_the_dead_letters_and_a_replay_tells_it(
    way_out: WayOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = way_out.receiver.platforms["refusing"]
    refusing.answer = lambda _number: 422
    ticket = way_out.submit("refusing", "x-1")["ticket"]
    way_out.urge("refusing", ticket, 1)

    def given_up() -> list[str]:
        letters = read_letters(way_out.settings, load(), ["intake"])
        return [letter.id for letter in letters if letter.code == "feedback-abandoned"]

    wait_until(lambda: len(given_up()) == 2, PATIENCE, "two results given up")
    assert 8 == len(refusing.requests), "four tries each, one after the other"
    outcomes = [said for said in way_out.said("feedback-events") if isinstance(said, FeedbackAbandoned)]
    assert {("http-422", 4)} == {(said.code, said.attempts) for said in outcomes}
    refusing.answer = lambda _number: 204
    for name, value in environment(way_out.settings).items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()
    for said in ("已重放 2;", "已重放 0;"):
        done = runner.invoke(app, ["dlq", "replay", "--class", "feedback-abandoned"])
        assert said in done.stdout, done.output
    wait_until(lambda: len(refusing.told) == 2, PATIENCE, "what was replayed")
    assert first_in_order(refusing.told)
    assert {t.id for t in refusing.told} == set(way_out.owed("refusing").values())


def test_nothing_is_missed_and_each_ticket_keeps_its_order_though_the_sender_is_killed(way_out: WayOut) -> None:
    well = way_out.receiver.platforms["well"]
    well.answer = lambda number: 503 if number % 5 == 0 else 204
    tickets = [way_out.submit("well", f"kill-{number}")["ticket"] for number in range(20)]
    for round_ in range(2):
        for number, ticket in enumerate(tickets):
            way_out.urge("well", ticket, round_)
            if number == 10:
                way_out.mesh.kill_and_restart("intake")
    wait_until(lambda: set(way_out.owed("well")) <= {t.place for t in well.told}, PATIENCE, "every result")
    well.answer = lambda _number: 204
    owed = way_out.owed("well")
    assert 20 * 3 <= len(owed)
    assert owed == {t.place: t.id for t in well.told}
    assert first_in_order(well.told)
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for item in well.told:
        bodies[item.id].add(item.body)
    assert {1} == {len(found) for found in bodies.values()}, "a repeat says the same"
    wait_until(lambda: way_out.metric("hotline_feedback_pending", "well") == 0, PATIENCE, "an empty outbox")
    confirmed = [said for said in way_out.said("feedback-events") if isinstance(said, FeedbackReceived)]
    assert set(owed.values()) == {said.causation for said in confirmed if said.platform == "well"}


def test_a_lost_view_is_read_anew_and_tells_nobody_anything_twice(way_out: WayOut) -> None:
    told = way_out.receiver.platforms["well"].told
    before = len(told)
    intake = way_out.mesh.children["intake"]
    intake.kill()
    shutil.rmtree(way_out.settings.home / "views")
    intake.start()
    way_out.mesh.wait_ready("intake")
    way_out.submit("well", "after-the-loss")
    wait_until(lambda: len(told) > before, PATIENCE, "the result of the new ticket")
    time.sleep(1)
    assert ["after-the-loss"] == [t.said["data"]["upstream_id"] for t in told[before:]]


def opened(way_out: WayOut, begin: str) -> Counter[str]:
    """Count how often each matter whose number begins so was opened; a fact that was written twice is one."""
    facts = {fact.id: fact for fact in way_out.said("ticket-events") if isinstance(fact, TicketOpened)}
    return Counter(fact.upstream_id for fact in facts.values() if fact.upstream_id.startswith(begin))


class Load:
    """Platforms that hand matters down by HTTP and by the feed, each twice, until they are stopped."""

    def __init__(self, way_out: WayOut, name: str) -> None:
        self.way_out, self.name = way_out, name
        self.sent: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._stop = threading.Event()
        workers = [threading.Thread(target=self._by_http, args=(n,)) for n in range(4)]
        self._threads = [*workers, threading.Thread(target=self._by_feed)]
        for thread in self._threads:
            thread.start()

    def _by_http(self, worker: int) -> None:
        caller = self.way_out.caller("well")
        for number in itertools.count():
            if self._stop.is_set():
                return
            matter = MATTER | {"upstream_id": f"{self.name}-h{worker}-{number}"}
            for _ in range(2):
                until_taken(caller, "/v1/platforms/well/tickets", matter, statuses=self.statuses)
            self.sent.add(matter["upstream_id"])

    def _by_feed(self) -> None:
        publisher = Publisher(self.way_out.settings, "test")
        for number in itertools.count():
            if self._stop.wait(0.02):
                break
            name = f"{self.name}-f-{number}"
            said = submitted(id=f"m-{name}", platform="well", upstream_id=name)
            for _ in range(2):
                publisher.publish("upstream-tickets", said, key=name)
            self.sent.add(name)
        publisher.close()

    def stop(self) -> set[str]:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=2 * PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)
        return self.sent


def test_redis_may_be_flushed_paused_and_killed_under_load_and_no_ticket_is_lost_or_doubled(way_out: WayOut) -> None:
    server = way_out.cluster.redis
    assert server is not None
    load = Load(way_out, "redis")
    time.sleep(1)
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() > 0, "the door uses it"
        client.flushall()
    time.sleep(1)
    os.kill(server.pid, signal.SIGSTOP)
    during_the_pause = len(load.sent)
    time.sleep(3)
    during_the_pause = len(load.sent) - during_the_pause
    os.kill(server.pid, signal.SIGCONT)
    server.kill()
    time.sleep(1)
    server.start()
    time.sleep(1)
    sent = load.stop()
    assert during_the_pause > 0, "the door stood still with Redis"
    assert {202} == set(load.statuses), load.statuses
    wait_until(lambda: set(opened(way_out, "redis-")) == sent, PATIENCE, "every ticket")
    assert {1} == set(opened(way_out, "redis-").values())


def test_a_kafka_that_stands_is_answered_503_at_once_and_nothing_is_lost_when_it_goes_on(way_out: WayOut) -> None:
    broker = way_out.cluster.brokers[0]
    intake = psutil.Process(way_out.mesh.children["intake"].pid)
    before = intake.memory_info().rss
    os.kill(broker.pid, signal.SIGSTOP)
    load = Load(way_out, "kafka")
    caller = way_out.caller("well")
    try:
        time.sleep(STALLED_SECONDS + 1)
        began = time.monotonic()
        answer = caller.post("/v1/platforms/well/tickets", MATTER | {"upstream_id": "kafka-now"})
        took = time.monotonic() - began
        assert (503, "come-back-later") == (answer.status_code, answer.json()["code"])
        assert int(answer.headers["retry-after"]) > 0
        flood = [MATTER | {"upstream_id": f"kafka-no-{n}", "content": "长" * 30_000} for n in range(6)]
        for body in (json.dumps([matter] * 40, ensure_ascii=False).encode() for matter in flood):
            assert 503 == caller.post("/v1/platforms/well/tickets/batch", body).status_code
        grown = intake.memory_info().rss - before
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    time.sleep(2)
    sent = load.stop()
    assert took < ANSWER_SECONDS / 2
    assert grown < 3 * MAX_WAITING_BYTES
    wait_until(lambda: set(opened(way_out, "kafka-")) == sent, PATIENCE, "every ticket that was taken, and no other")
    assert {1} == set(opened(way_out, "kafka-").values())
