"""Marked persons go through the whole mesh, and are found nowhere but sealed (Art. 7, 13)."""

from collections.abc import Iterator

import pytest
import redis

from schemas.topics import load
from services.core.policy import Policy
from services.runtime.mesh import Mesh
from services.runtime.tail import Tail
from services.runtime.vault import Vault
from tests.mesh.stage import Stage

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
    yield stage
    stage.close()


def found(text: bytes) -> list[str]:
    return [mark for mark in MARKS if mark.encode() in text]


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


def test_the_ticket_view_holds_no_mark(passed_through: Stage) -> None:
    files = list((passed_through.mesh.settings.home / "views").iterdir())
    assert sum(file.stat().st_size for file in files) > 0
    assert [] == found(b"".join(file.read_bytes() for file in files))


def test_the_vault_file_is_sealed_and_gives_the_person_back_until_erased(passed_through: Stage) -> None:
    settings = passed_through.mesh.settings
    path = settings.home / "vault" / f"{settings.topic_prefix}vault.sqlite"
    assert [] == found(b"".join(part.read_bytes() for part in path.parent.iterdir()))
    opened = passed_through.facts(passed_through.driver.token("stage", "canary"))[0]
    vault = Vault(path, settings.master_key)
    assert list(MARKS[:5]) == found(vault.reveal(opened.pii_ref))  # type: ignore[attr-defined]
    assert vault.erase(opened.subject)
    with pytest.raises(ValueError, match="erased"):
        vault.reveal(opened.pii_ref)  # type: ignore[attr-defined]
    vault.close()
