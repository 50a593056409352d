"""The door's HTTP gateway in front of a real mesh."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from schemas.envelope import derived_id
from services.runtime.mesh import Mesh

pytestmark = pytest.mark.broker
TICKET = {
    "platform": "province", "upstream_id": "YN-1", "kind": "help", "category": "bulky-waste", "area": "533423100",
    "channel": "phone", "content": "门口有一张旧沙发", "time": "2026-09-24T17:00:00+08:00",
}  # fmt: skip


def post(mesh: Mesh, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(mesh.url + path, raw, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def sign(ticket: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": derived_id("http-test", ticket), "source": "/actor/unit", "type": "ticket.sign.v1",
        "subject": ticket, "time": "2026-09-24T17:05:00+08:00",
        "data": {"actor": {"role": "unit", "id": "U-SANITATION"}},
    } | changes  # fmt: skip


def test_a_ticket_is_taken_and_its_copy_gets_the_same_token(shared_mesh: Mesh) -> None:
    first, again = post(shared_mesh, "/tickets", TICKET), post(shared_mesh, "/tickets", TICKET)
    assert (202, first) == (first[0], again)
    assert first[1]["ticket"].startswith("T-")


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "not JSON"),
        (b'{"a": "\xff"}', 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        ([], 400, "object"),
        ({}, 422, "upstream_id"),
        (TICKET | {"kind": "gossip"}, 422, "kind"),
        (TICKET | {"area": "门口那条路"}, 422, "area"),
        (TICKET | {"limit_override": {"legal_basis": "x"}}, 422, "limit_override"),
        (TICKET | {"upstream_due_at": "2999-01-01T00:00:00Z"}, 422, "upstream_due_at"),
        (b'{"pad": "' + b"x" * 5_000_000 + b'"}', 413, "larger"),
    ],
)
def test_a_bad_ticket_is_refused_with_the_field_named(shared_mesh: Mesh, body: Any, status: int, word: str) -> None:
    answer = post(shared_mesh, "/tickets", body)
    assert status == answer[0]
    assert word in json.dumps(answer[1])
    assert "门口那条路" not in json.dumps(answer[1], ensure_ascii=False)


def test_commands_are_judged_one_by_one(shared_mesh: Mesh) -> None:
    ticket = post(shared_mesh, "/tickets", TICKET)[1]["ticket"]
    batch = [
        sign(ticket),
        sign(ticket, type="clock.pulse.v1"),
        sign(ticket, subject=""),
        sign(ticket, time="yesterday"),
    ]
    status, answer = post(shared_mesh, "/commands", batch)
    assert (207, [1, 2, 3]) == (status, [refused["index"] for refused in answer["refused"]])
    assert [ticket] == [accepted["ticket"] for accepted in answer["accepted"]]


def test_nobody_speaks_as_a_service_through_the_door(shared_mesh: Mesh) -> None:
    data = {"actor": {"role": "service", "id": "revisit"}, "resolution": "deemed"}
    status, answer = post(shared_mesh, "/commands", sign("T-x", type="ticket.close.v1", data=data))
    assert (422, "not-entitled") == (status, answer["refused"][0]["code"])


def test_more_than_a_batch_is_too_much(shared_mesh: Mesh) -> None:
    assert 413 == post(shared_mesh, "/commands", [sign("T-x")] * 501)[0]
