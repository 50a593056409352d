"""Marked persons go through the whole mesh, and are found nowhere but sealed (Art. 7, 13)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import pytest
import redis
from typer.testing import CliRunner

from schemas.topics import load
from services.__main__ import app
from services.core.policy import Policy
from services.intake.gateway.access import Access
from services.runtime.letters import read_letters
from services.runtime.mesh import Mesh
from services.runtime.processes import wait_until
from services.runtime.publisher import Publisher
from services.runtime.tail import Tail
from services.runtime.vault import open_vault
from tests.mesh.caller import as_platform, with_token
from tests.mesh.stage import Stage
from tests.mesh.test_bad_records import attributes

pytestmark = pytest.mark.broker
MARKS = ("王金丝雀", "13912345678", "53342319850607888X", "金丝雀巷七号", "门口的金丝雀太吵", "金丝雀已经搬走")
THE_ONE_EXCEPTION = "upstream-tickets"


@pytest.fixture(scope="module")
def passed_through(shared_mesh: Mesh, policy: Policy) -> Iterator[Stage]:
    name, phone, number, address, content, answer = MARKS
    stage = Stage(shared_mesh, policy)
    reporter = {"name": name, "phone": phone, "id_number": number, "address": address}
    ticket = stage.opens("canary", "Thu 2026-09-24 15:00", reporter=reporter, title=content, content=content)
    stage.replies(ticket, "Thu 2026-09-24 16:00", "U-SANITATION", text=answer)
    stage.says(ticket, "Thu 2026-09-24 16:30", "rating.submit.v1", "citizen:c", rating="satisfied")
    stage.runs("Thu 2026-09-24 14:00", "Thu 2026-09-24 18:00")
    assert stage.story(ticket)[-1] == "ticket.closed"
    by_every_bad_path(stage, ticket)
    yield stage
    stage.close()


def by_every_bad_path(stage: Stage, ticket: str) -> None:
    """Marks where no mark belongs: wrong fields, names of fields, headers, paths, query strings, broken bodies."""
    settings, url = stage.mesh.settings, stage.mesh.url
    name, phone, number, address, content, _ = MARKS
    everywhere = {"kind": name, name: phone, "platform": number, "upstream_id": address, "reporter": name, "title": 7}
    bodies: list[Any] = [everywhere, [everywhere], name, f'{{"{name}": {phone}, '.encode()]
    platform, unit = as_platform(url, settings), with_token(url, settings, Access.UNIT, "U-SANITATION")
    system, client = with_token(url, settings, Access.SYSTEM), with_token(url, settings, Access.APP, "canary-app")
    for body in bodies:
        for answer in (
            platform.post("/v1/platforms/dq12345/tickets", body),
            platform.post("/v1/platforms/dq12345/tickets/batch", [body] if isinstance(body, dict) else body),
            unit.post(f"/v1/tickets/{ticket}/replies", body, idempotency_key=f"{phone}-x"),
            unit.post(f"/v1/tickets/{ticket}/sign", body, idempotency_key="sign-canary-1", x_caller=phone),
            unit.post(f"/v1/tickets/{phone}/sign", body, idempotency_key="sign-canary-2"),
            unit.post(f"/v1/{name}/{phone}", body),
            system.post("/v1/commands", body),
            platform.post("/v1/platforms/dq12345/tickets/native", body),
            platform.post("/v1/platforms/dq12345/tickets/native/batch", body if isinstance(body, bytes) else [body]),
            platform.post(f"/v1/tickets/{ticket}/supplements", body, idempotency_key="supplement-canary"),
            client.post("/open311/v2/requests.json", body),
            client._http.post("/open311/v2/requests.xml", data={"service_code": name, "lat": phone, name: phone}),
            client.get("/open311/v2/requests.json", service_code=name, status=phone, jurisdiction_id=address),
            client.get(f"/open311/v2/requests/{phone}.xml", start_date=number),
            client.get(f"/open311/v2/services/{name}.{phone}"),
            unit.get("/v1/tickets", stage=name, area=phone, cursor=number),
            unit.get(f"/v1/tickets/{ticket}", **{name: address}),
        ):
            assert answer.status_code < 500
            assert [] == [mark for mark in MARKS if mark.encode() in answer.content]
    good = {"upstream_id": "canary-2", "kind": "help", "category": "bulky-waste", "area": "533423100", "channel": "web"}
    reporter = {"name": name, "phone": phone, "id_number": number, "address": address}
    taken = platform.post("/v1/platforms/dq12345/tickets", good | {"reporter": reporter, "content": name})
    assert 202 == taken.status_code, taken.text
    record = {
        "工单状态": "已转办", "工单编号": "canary-3", "来电类别": "求助", "三级分类": "大件垃圾", "受理渠道": "电话",
        "行政区划代码": "533423100001", "主要内容": content, "来电人": name, "联系电话": phone, "联系地址": address,
    }  # fmt: skip
    assert 202 == platform.post("/v1/platforms/dq12345/tickets/native", record).status_code
    form = {
        "service_code": "bulky-waste", "attribute[area]": "533423100", "address_string": address, "phone": phone,
        "last_name": name, "email": f"{phone}@example.org", "description": content, "media_url": f"http://x/{phone}",
    }  # fmt: skip
    assert 200 == client._http.post("/open311/v2/requests.json", data=form).status_code
    added = {"text": content, "attachments": [{"sha256": "0" * 64, "media_type": "image/png", "size": 1}]}
    said = platform.post(f"/v1/tickets/{ticket}/supplements", added, idempotency_key="supplement-canary-2")
    assert 202 == said.status_code, said.text
    publisher = Publisher(settings, "test")
    value = json.dumps(everywhere, ensure_ascii=False).encode()
    for raw in (value, name.encode(), b'"' + value):
        headers = [
            *attributes(b"upstream.ticket.submitted.v1"), ("x-name", name.encode()), ("ce_causation", phone.encode())
        ]  # fmt: skip
        publisher.send("upstream-tickets", raw, phone.encode(), headers, 3).result(timeout=30)
    publisher.send("upstream-tickets", value, name.encode(), [("ce_type", name.encode())], 3).result(timeout=30)
    publisher.close()
    wait_until(
        lambda: sum(3 == letter.partition for letter in read_letters(settings, load(), ["intake"])) >= 4,
        60,
        "the dead letters",
    )


FORMS = {mark: (mark.encode(), json.dumps(mark)[1:-1].encode()) for mark in MARKS}
"""As UTF-8, and as JSON escapes it."""


def found(text: bytes) -> list[str]:
    return [mark for mark, forms in FORMS.items() if any(form in text for form in forms)]


def test_the_raw_feed_holds_the_marks_so_the_scan_can_fail(passed_through: Stage) -> None:
    tail = Tail(passed_through.mesh.settings, load(), [THE_ONE_EXCEPTION])
    seen = b"".join(record.value or b"" for record in tail.catch_up())
    tail.close()
    assert list(MARKS[:5]) == found(seen)


@pytest.mark.parametrize("topic", [name for name in load() if name != THE_ONE_EXCEPTION])
def test_no_other_topic_holds_a_mark(passed_through: Stage, topic: str) -> None:
    tail = Tail(passed_through.mesh.settings, load(), [topic])
    for record in tail.catch_up():
        headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
        assert [] == found((record.key or b"") + (record.value or b"") + headers)
    tail.close()


def test_logs_metrics_and_redis_hold_no_mark(passed_through: Stage) -> None:
    mesh = passed_through.mesh
    for service, child in mesh.children.items():
        assert [] == found(child.log_text(10_000_000).encode() + mesh.metrics(service).encode())
    client = redis.Redis.from_url(mesh.settings.redis_url or "")
    for key in client.scan_iter():
        assert [] == found(key + content(client, key))


def content(client: redis.Redis, key: bytes) -> bytes:
    """Everything under a key, whatever its type; an unknown type is an error, not a gap."""
    read = {
        b"string": lambda: [client.get(key) or b""],
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        b"none": list,  # it expired since
    }
    return b" ".join(read[client.type(key)]())


def readable(raw: bytes) -> bytes:
    """Give bytes with every lz4 frame in them opened as well: Kafka's segments are compressed."""
    opened, at = [raw], raw.find(LZ4)
    while at >= 0:
        try:
            opened.append(bytes(cramjam.lz4.decompress(raw[at:])))
        except cramjam.DecompressionError:
            opened.append(b"")
        at = raw.find(LZ4, at + 4)
    return b" ".join(opened)


LZ4 = b"\x04\x22\x4d\x18"


def scan(folder: Path) -> dict[str, list[str]]:
    """Give the files under a folder that hold a mark."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): marks for path in files if (marks := found(readable(path.read_bytes())))}


def test_no_file_that_the_services_wrote_holds_a_mark(passed_through: Stage) -> None:
    home = passed_through.mesh.settings.home
    assert {"views", "vault"} <= {path.name for path in home.iterdir()}
    assert {} == scan(home)
    assert {} == scan(passed_through.mesh.log_dir)


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("form", [0, 1])
def test_a_planted_leak_is_found_in_any_form(mark: str, form: int, tmp_path: Path) -> None:
    planted = b"x" * 50 + FORMS[mark][form]
    (tmp_path / "plain.log").write_bytes(planted)
    (tmp_path / "segment").write_bytes(b"head" + bytes(cramjam.lz4.compress(planted * 3)))
    assert {"plain.log", "segment"} == set(scan(tmp_path))


def test_what_the_command_line_shows_holds_no_mark(
    passed_through: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = passed_through.mesh.settings
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap_servers)
    monkeypatch.setenv("HOTLINE_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("HOTLINE_HOME", str(settings.home))
    letters = [letter for letter in read_letters(settings, load(), ["intake", "router"]) if letter.partition == 3]
    token = passed_through.driver.token("stage", "canary")
    calls = [["dlq", "show", letter.id] for letter in letters[-8:]] + [
        ["dlq", "ls", "--limit", "0"], ["dlq", "ls", "--limit", "0", "--json"], ["dlq", "stats"], ["explain", token],
        ["explain", token, "--json"], ["log", "export", str(tmp_path / "log.jsonl")], ["pii", "audit"],
    ]  # fmt: skip
    for call in calls:
        said = CliRunner().invoke(app, call)
        assert (0, []) == (said.exit_code, found(said.output.encode())), call
    assert {} == scan(tmp_path)


def test_the_vault_file_is_sealed_and_gives_the_person_back_until_erased(passed_through: Stage) -> None:
    settings = passed_through.mesh.settings
    opened = passed_through.facts(passed_through.driver.token("stage", "canary"))[0]
    vault = open_vault(settings)
    assert list(MARKS[:5]) == found(vault.reveal(opened.pii_ref))  # type: ignore[attr-defined]
    assert vault.erase(opened.subject)
    with pytest.raises(ValueError, match="erased"):
        vault.reveal(opened.pii_ref)  # type: ignore[attr-defined]
    vault.close()
