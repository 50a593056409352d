"""The gateway in front of a real mesh: what platforms, units, the office and citizens say, and what they may read."""

import base64
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.envelope import derived_id
from services.intake.gateway import limits
from services.intake.gateway.access import Access
from services.intake.gateway.credentials import platform_key
from services.runtime.mesh import Mesh
from tests.mesh.caller import Caller, as_platform, with_token

pytestmark = pytest.mark.broker
CANARY = "门口那条路 13800138000"
MATTER = {
    "upstream_id": "YN-1", "kind": "help", "category": "bulky-waste", "area": "533423100", "channel": "phone",
    "content": "门口有一张旧沙发", "time": "2026-09-24T17:00:00+08:00",
    "reporter": {"name": "张三", "phone": "13800138000"},
}  # fmt: skip
TICKETS = "/v1/platforms/dq12345/tickets"


@pytest.fixture(scope="module")
def platform(shared_mesh: Mesh) -> Caller:
    return as_platform(shared_mesh.url, shared_mesh.settings)


@pytest.fixture(scope="module")
def office(shared_mesh: Mesh) -> Caller:
    return with_token(shared_mesh.url, shared_mesh.settings, Access.OFFICE, "O-1")


@pytest.fixture(scope="module")
def unit(shared_mesh: Mesh) -> Caller:
    return with_token(shared_mesh.url, shared_mesh.settings, Access.UNIT, "U-SANITATION")


def became(caller: Caller, receipt: dict[str, Any]) -> dict[str, Any]:
    """Ask what became of a submission until the router has spoken."""
    for _ in range(300):
        status = caller.get(receipt["status_url"]).json()
        if status["state"] != "pending":
            return dict(status)
        time.sleep(0.1)
    raise AssertionError("the router did not speak")


def test_a_ticket_is_taken_signed_urged_and_read(platform: Caller, office: Caller, unit: Caller) -> None:
    answer = platform.post(TICKETS, MATTER | {"upstream_id": "story"})
    assert answer.status_code == 202
    status = became(platform, answer.json())
    assert (status["state"], status["facts"]) == ("accepted", ["ticket.opened.v1", "ticket.dispatched.v1"])
    ticket = answer.json()["ticket"]
    signed = unit.post(f"/v1/tickets/{ticket}/sign", idempotency_key="sign-story")
    assert "ticket.signed.v1" in became(unit, signed.json())["facts"]
    again = office.post(f"/v1/tickets/{ticket}/reopenings", idempotency_key="reopen-story")
    refused = became(office, again.json())
    assert (refused["state"], refused["refusal"]["code"]) == ("refused", "not-in-stage-in_progress")
    assert refused["refusal"]["article"]
    summary = platform.get(f"/v1/tickets/{ticket}").json()
    assert (summary["stage"], summary["unit"]) == ("in_progress", "U-SANITATION")
    inside = unit.get(f"/v1/tickets/{ticket}/timeline").json()["entries"]
    outside = platform.get(f"/v1/tickets/{ticket}/timeline").json()["entries"]
    assert [e["type"] for e in inside][-1] == "command.refused.v1"
    assert [e["type"] for e in outside] == ["ticket.opened.v1", "ticket.dispatched.v1", "ticket.signed.v1"]
    assert "clock.breached.v1" in [e["type"] for e in inside]  # it lay unsigned since September
    assert outside[0]["title_zh"] == "已立案"
    assert all("data" not in e or e["data"] is None for e in outside)


def test_the_same_message_gets_the_same_receipt(platform: Caller) -> None:
    said = MATTER | {"upstream_id": "twice"}
    assert platform.post(TICKETS, said).json() == platform.post(TICKETS, said).json()


def test_another_body_under_a_known_id_is_a_conflict_and_what_came_first_stands(platform: Caller, unit: Caller) -> None:
    said = MATTER | {"upstream_id": "two-bodies"}
    receipt = platform.post(TICKETS, said)
    for other in ({"content": CANARY}, {"kind": "complaint"}, {"reporter": {"phone": "13900000000"}}):
        refused = platform.post(TICKETS, said | other)
        assert (refused.status_code, refused.json()["code"]) == (409, "same-id-other-body")
        assert refused.headers["content-type"] == "application/problem+json"
        assert CANARY not in refused.text
    later = {"title": "", "time": "2026-09-24T18:00:00+08:00"}
    assert platform.post(TICKETS, said | later).json() == receipt.json(), "the same body, said again later"
    batch = platform.post(f"{TICKETS}/batch", [said | {"area": "533423101"}, said, {}]).json()["results"]
    assert [item["status"] for item in batch] == [409, 202, 422]
    assert batch[1]["receipt"] == receipt.json()
    ticket = became(platform, receipt.json())["ticket"]
    asked = {"reason": "parts"}
    first = unit.post(f"/v1/tickets/{ticket}/extension-requests", asked, idempotency_key="two-bodies")
    assert first.status_code == 202
    other_reason = unit.post(f"/v1/tickets/{ticket}/extension-requests", {"reason": "x"}, idempotency_key="two-bodies")
    assert other_reason.status_code == 409


def test_a_batch_is_answered_one_by_one(platform: Caller) -> None:
    good, bad = MATTER | {"upstream_id": "b-1"}, MATTER | {"kind": "gossip"}
    answer = platform.post(f"{TICKETS}/batch", [good, bad, good | {"upstream_id": "b-2"}])
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [item["status"] for item in results] == [202, 422, 202]
    assert results[1]["problem"]["fields"][0]["field"] == "kind"


def test_lists_go_page_by_page_and_show_a_unit_its_own_tickets_only(
    platform: Caller, unit: Caller, shared_mesh: Mesh
) -> None:
    for number in range(3):
        became(platform, platform.post(TICKETS, MATTER | {"upstream_id": f"page-{number}"}).json())
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = unit.get("/v1/tickets", cursor=cursor, limit=2).json()
        assert {row["unit"] for row in page["tickets"]} <= {"U-SANITATION"}
        seen += [row["token"] for row in page["tickets"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) >= 3
    assert seen == sorted(seen)
    stranger = with_token(shared_mesh.url, shared_mesh.settings, Access.UNIT, "U-POLICE")
    assert not set(seen) & {row["token"] for row in stranger.get("/v1/tickets", limit=200).json()["tickets"]}
    assert stranger.get(f"/v1/tickets/{seen[0]}").status_code == 404


def test_a_citizen_link_is_good_for_its_ticket_only(platform: Caller, shared_mesh: Mesh) -> None:
    receipt = platform.post(TICKETS, MATTER | {"upstream_id": "linked"}).json()
    became(platform, receipt)
    ticket = receipt["ticket"]
    citizen = with_token(shared_mesh.url, shared_mesh.settings, Access.CITIZEN, "link", ticket)
    assert citizen.get(f"/v1/tickets/{ticket}").status_code == 200
    urged = citizen.post(f"/v1/tickets/{ticket}/urges", idempotency_key="urge-linked")
    assert became(citizen, urged.json())["facts"] == ["ticket.urged.v1"]
    other = platform.post(TICKETS, MATTER | {"upstream_id": "not-linked"}).json()["ticket"]
    assert citizen.get(f"/v1/tickets/{other}").status_code == 403
    assert citizen.post(f"/v1/tickets/{other}/urges", idempotency_key="urge-linked").status_code == 403


BAD: list[tuple[Any, int, str]] = [
    (b"{", 400, "not-json"),
    (b'{"a": "\xff"}', 401, "bad-signature"),  # Standard Webhooks signs text
    (b"[" * 100_000, 400, "not-json"),
    (b"[" * 40 + b"]" * 40, 422, "too-deep"),
    (b'{"n": ' + b"9" * 5_000 + b"}", 400, "not-json"),
    (b'{"n": "\\ud800"}', 400, "not-json"),
    (b'{"n": NaN}', 400, "not-json"),
    ({f"k{n}": n for n in range(600)}, 422, "too-many-keys"),
    (MATTER | {"title": "x" * 33_000}, 422, "string-too-long"),
    ([], 422, "not-an-object"),
    ({}, 422, "upstream_id"),
    (MATTER | {"kind": "gossip"}, 422, "kind"),
    (MATTER | {"area": CANARY}, 422, "area"),
    (MATTER | {CANARY: 1}, 422, "extra_forbidden"),
    (MATTER | {"titel": "x"}, 422, "did you mean title?"),
    (MATTER | {"limit_override": {"legal_basis": "x"}}, 422, "limit_override"),
    (MATTER | {"upstream_due_at": "2999-01-01T00:00:00Z"}, 422, "upstream_due_at"),
    (MATTER | {"time": "2999-01-01T00:00:00Z"}, 422, "in-the-future"),
    (b'{"pad": "' + b"x" * limits.MAX_BODY + b'"}', 413, "too-large"),
]


@pytest.mark.parametrize(("body", "status", "word"), BAD)
def test_a_bad_ticket_is_refused_with_the_field_named_and_nothing_repeated(
    platform: Caller, shared_mesh: Mesh, body: Any, status: int, word: str
) -> None:
    if isinstance(body, bytes) and b"\xff" in body:
        answer = with_token(shared_mesh.url, shared_mesh.settings, Access.OFFICE).post(
            TICKETS, body, webhook_id="m", webhook_timestamp=str(int(time.time())), webhook_signature="v1,AAAA"
        )
    else:
        answer = platform.post(TICKETS, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.text
    assert CANARY not in json.dumps(answer.json(), ensure_ascii=False)


def test_a_compressed_body_is_not_opened(platform: Caller) -> None:
    answer = platform._http.post(TICKETS, content=b"\x1f\x8b\x08", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "content-encoding")


@pytest.mark.parametrize(
    "spoil",
    [
        {"skew": timedelta(seconds=-310)},
        {"skew": timedelta(seconds=310)},
        {"generation": 2},
    ],
    ids=["too old", "too new", "another key"],
)
def test_a_wrong_signature_is_not_listened_to(platform: Caller, spoil: dict[str, Any]) -> None:
    raw = json.dumps(MATTER).encode()
    answer = platform._http.post(TICKETS, content=raw, headers=platform.sign(raw, **spoil))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad-signature")


def test_a_changed_body_or_another_platform_breaks_the_signature(platform: Caller) -> None:
    raw = json.dumps(MATTER).encode()
    headers = platform.sign(raw)
    assert platform._http.post(TICKETS, content=raw + b" ", headers=headers).status_code == 401
    assert platform._http.post(TICKETS.replace("dq", "yn"), content=raw, headers=headers).status_code == 401
    assert platform._http.post(TICKETS.replace("dq", "xx"), content=raw, headers=headers).status_code == 401
    assert platform._http.post(TICKETS, content=raw).json()["code"] == "no-signature"
    assert platform._http.post(TICKETS, content=raw, headers=headers).status_code == 202


def test_no_unit_dates_itself_out_of_a_deadline(unit: Caller, office: Caller) -> None:
    early = {"time": "2026-09-01T00:00:00Z"}
    answer = unit.post("/v1/tickets/T-x/sign", early, idempotency_key="early-bird")
    assert (answer.status_code, answer.json()["fields"][0]["code"]) == (422, "not-entitled")
    assert office.post("/v1/tickets/T-x/reopenings", early, idempotency_key="early-bird").status_code == 202


def test_an_action_needs_an_idempotency_key_and_a_known_token(unit: Caller, shared_mesh: Mesh) -> None:
    answer = unit.post("/v1/tickets/T-x/sign")
    assert (answer.status_code, answer.json()["code"]) == (400, "no-idempotency-key")
    nobody = Caller(shared_mesh.url, shared_mesh.settings, {})
    assert nobody.post("/v1/tickets/T-x/sign").json()["code"] == "no-token"
    forger = Caller(shared_mesh.url, shared_mesh.settings, {"authorization": "Bearer a.b.c"})
    assert forger.post("/v1/tickets/T-x/sign").json()["code"] == "bad-token"


def sign(ticket: str, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": derived_id("http-test", ticket), "source": "/actor/unit", "type": "ticket.sign.v1",
        "subject": ticket, "time": "2026-09-24T17:05:00+08:00",
        "data": {"actor": {"role": "unit", "id": "U-SANITATION"}},
    } | changes  # fmt: skip


def test_a_trusted_system_speaks_for_actors_and_is_judged_one_by_one(platform: Caller, shared_mesh: Mesh) -> None:
    system = with_token(shared_mesh.url, shared_mesh.settings, Access.SYSTEM, "units-oa")
    ticket = platform.post(TICKETS, MATTER).json()["ticket"]
    batch = [
        sign(ticket),
        sign(ticket, type="clock.pulse.v1"),
        sign(ticket, subject=""),
        sign(ticket, time="yesterday"),
        sign("T-x", type="ticket.close.v1", data={"actor": {"role": "service", "id": "r"}, "resolution": "deemed"}),
    ]
    answer = system.post("/v1/commands", batch)
    assert (answer.status_code, [r["index"] for r in answer.json()["refused"]]) == (207, [1, 2, 3, 4])
    assert answer.json()["refused"][3]["code"] == "not-entitled"
    assert [a["ticket"] for a in answer.json()["accepted"]] == [ticket]
    assert system.post("/v1/commands", [sign("T-x")] * 501).json()["code"] == "not-a-batch"


def test_the_document_describes_every_operation(shared_mesh: Mesh, platform: Caller) -> None:
    document = platform._http.get("/openapi.json").json()
    operations = {op["operationId"]: op for path in document["paths"].values() for op in path.values()}
    assert {"submit-ticket", "sign", "decide-return", "rate", "list-tickets"} <= set(operations)
    assert all("security" in op and op["responses"] for op in operations.values())
    assert all("requestBody" in op for name, op in operations.items() if not name.startswith(("read", "list")))


def test_the_twelve_lines_of_the_documentation_hand_a_matter_down(shared_mesh: Mesh, capsys: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    secret = base64.b64encode(platform_key(shared_mesh.settings.master_key, "dq12345", 1)).decode()
    code = code.replace("http://127.0.0.1:8080", shared_mesh.url).replace("whsec_...", f"whsec_{secret}")
    exec(compile(code, "docs/gateway.md", "exec"), {})  # noqa: S102 - our own page
    assert "'ticket': 'T-" in capsys.readouterr().out
