"""The gateway in front of a real mesh: what platforms, units, the office and citizens say, and what they may read."""

import base64
import json
import os
import subprocess
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
from services.runtime.processes import wait_until
from services.runtime.sealing import derive, ticket_token
from tests.mesh.caller import Caller, as_platform, with_token
from tests.ops.tools import need

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


def became(caller: Caller, receipt: dict[str, Any], last: str | None = None) -> dict[str, Any]:
    """Ask what became of a submission until the router has spoken; until it said `last`, if that is given.

    The facts of one decision may lie in two batches of Kafka, and a reader sees the first alone for a moment.
    """
    for _ in range(300):
        status = caller.get(receipt["status_url"]).json()
        if status["state"] != "pending" and (last is None or last in status["facts"]):
            return dict(status)
        time.sleep(0.1)
    raise AssertionError("the router did not speak")


def test_a_ticket_is_taken_signed_urged_and_read(platform: Caller, office: Caller, unit: Caller) -> None:
    answer = platform.post(TICKETS, MATTER | {"upstream_id": "story"})
    assert answer.status_code == 202
    status = became(platform, answer.json(), "ticket.dispatched.v1")
    assert (status["state"], status["facts"]) == ("accepted", ["ticket.opened.v1", "ticket.dispatched.v1"])
    ticket = answer.json()["ticket"]
    signed = unit.post(f"/v1/tickets/{ticket}/sign", idempotency_key="sign-story")
    assert became(unit, signed.json(), "ticket.signed.v1")["state"] == "accepted"
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


def test_a_platform_hands_down_its_own_records(shared_mesh: Mesh, office: Caller) -> None:
    province = as_platform(shared_mesh.url, shared_mesh.settings, "yn12345")
    lines = (Path(__file__).parents[2] / "examples" / "upstream" / "yn12345.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    native = "/v1/platforms/yn12345/tickets/native"
    first = province.post(native, records[3])
    ticket = became(province, first.json())["ticket"]
    opened = office.get(f"/v1/tickets/{ticket}/timeline").json()["entries"][0]["data"]
    assert (opened["kind"], opened["category"], opened["area"]) == ("complaint", "construction", "533423100")
    assert opened["limit_override"]["working_days"] == 5, "the limit that the superior ordered"
    assert "漏水" not in json.dumps(opened, ensure_ascii=False)
    assert province.post(native, records[3]).json() == first.json(), "the same record, the same receipt"
    other = json.loads(lines[3].replace("漏水", "塌陷"))
    assert (province.post(native, other).status_code, province.post(native, other).json()["code"]) == (
        409, "same-id-other-body",
    )  # fmt: skip
    batch = province.post(f"{native}/batch", records).json()["results"]
    assert [item["status"] for item in batch] == [202] * 8 + [422] * 2
    assert [item["problem"]["fields"][0]["field"] for item in batch[8:]] == ["/order/type", "/place/admin_code"]
    urged, withdrawn = batch[6]["receipt"], batch[7]["receipt"]
    assert urged["ticket"] == batch[0]["receipt"]["ticket"]
    assert became(province, urged)["facts"] == ["ticket.urged.v1"]
    assert became(province, withdrawn)["state"] == "refused", "answered at once, so there is nothing to withdraw"


def test_a_wrong_record_is_refused_by_the_platforms_own_path_and_nothing_is_repeated(shared_mesh: Mesh) -> None:
    prefecture = as_platform(shared_mesh.url, shared_mesh.settings)
    record = {"工单状态": "已转办", "工单编号": "DQ-1", "来电类别": CANARY, "受理时间": CANARY, CANARY: CANARY}
    answer = prefecture.post(f"{TICKETS}/native", record)
    assert answer.status_code == 422
    assert {f["field"]: f["code"] for f in answer.json()["fields"]} == {
        "来电类别": "unknown-word", "受理时间": "not-a-time", "三级分类": "missing", "行政区划代码": "missing",
        "受理渠道": "missing",
    }  # fmt: skip
    assert CANARY not in json.dumps(answer.json(), ensure_ascii=False)


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


def test_the_office_merges_what_other_callers_said_of_the_same_matter(
    platform: Caller, office: Caller, unit: Caller
) -> None:
    said = MATTER | {"area": "533423104"}
    tickets = []
    for name, phone in (("elder", "13900000001"), ("younger", "13900000002"), ("elsewhere", "13900000003")):
        matter = said | {"upstream_id": f"merge-{name}", "reporter": {"phone": phone}}
        receipt = platform.post(TICKETS, matter | ({"area": "533423200"} if name == "elsewhere" else {})).json()
        assert became(platform, receipt)["state"] == "accepted"
        tickets.append(receipt["ticket"])
    elder, younger, _ = tickets
    found = office.get(f"/v1/tickets/{younger}/merge-candidates").json()["tickets"]
    assert [elder] == [ticket["token"] for ticket in found]
    answer = office.post(f"/v1/tickets/{younger}/merges", {"parent": elder}, idempotency_key="merge-younger")
    assert became(office, answer.json(), "merge.requested.v1")["facts"][-1:] == ["merge.requested.v1"]
    for _ in range(300):
        stands = office.get(f"/v1/tickets/{younger}").json()
        if stands["merged_into"]:
            break
        time.sleep(0.1)
    assert (stands["stage"], stands["merged_into"], stands["unit"]) == ("merged", elder, None)
    for reader in (office, unit):
        listed = reader.get("/v1/tickets", merged_into=elder).json()["tickets"]
        assert [younger] == [ticket["token"] for ticket in listed], "the unit sees for whom else it replies"
    assert [] == office.get(f"/v1/tickets/{elder}/merge-candidates").json()["tickets"]
    answer = office.post(f"/v1/tickets/{younger}/unmerges", {"reason": "another-place"}, idempotency_key="apart-again")
    facts = became(office, answer.json(), "ticket.unmerged.v1")["facts"]
    assert "ticket.unmerged.v1" in facts
    assert office.get(f"/v1/tickets/{younger}").json()["merged_into"] is None


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


def test_what_the_citizen_adds_is_sealed_and_its_files_are_named_by_digest(
    platform: Caller, office: Caller, shared_mesh: Mesh
) -> None:
    photo = {"sha256": "ab" * 32, "media_type": "image/jpeg", "size": 48_211}
    receipt = platform.post(TICKETS, MATTER | {"upstream_id": "added-to", "attachments": [photo]}).json()
    became(platform, receipt)
    ticket = receipt["ticket"]
    citizen = with_token(shared_mesh.url, shared_mesh.settings, Access.CITIZEN, "link", ticket)
    added = {"text": CANARY, "attachments": [photo | {"sha256": "cd" * 32}]}
    said = citizen.post(f"/v1/tickets/{ticket}/supplements", added, idempotency_key="supplement-1")
    assert became(citizen, said.json())["facts"] == ["ticket.supplemented.v1"]
    again = citizen.post(f"/v1/tickets/{ticket}/supplements", added, idempotency_key="supplement-1")
    assert again.json() == said.json()
    other = citizen.post(f"/v1/tickets/{ticket}/supplements", {"text": "x"}, idempotency_key="supplement-1")
    assert (other.status_code, other.json()["code"]) == (409, "same-id-other-body")
    entries = office.get(f"/v1/tickets/{ticket}/timeline").json()["entries"]
    facts = {entry["type"]: entry["data"] for entry in entries}
    assert facts["ticket.opened.v1"]["attachments"] == [photo]
    assert facts["ticket.supplemented.v1"]["attachments"][0]["sha256"] == "cd" * 32
    assert CANARY not in json.dumps(entries, ensure_ascii=False)
    told = [entry["type"] for entry in citizen.get(f"/v1/tickets/{ticket}/timeline").json()["entries"]]
    assert told[-1] == "ticket.supplemented.v1"
    late = platform.post(f"/v1/tickets/{receipt['ticket']}/withdrawals", idempotency_key="withdraw-added")
    assert became(platform, late.json(), "ticket.withdrawn.v1")["state"] == "accepted"
    refused = citizen.post(f"/v1/tickets/{ticket}/supplements", added, idempotency_key="supplement-2")
    assert became(citizen, refused.json())["state"] == "refused"


def test_a_refusal_is_told_with_its_channel_contested_and_overturned(platform: Caller, office: Caller) -> None:
    receipt = platform.post(TICKETS, MATTER | {"upstream_id": "court", "category": "litigation"}).json()
    assert became(platform, receipt, "ticket.declined.v1")["facts"] == ["ticket.opened.v1", "ticket.declined.v1"]
    path = f"/v1/tickets/{receipt['ticket']}"
    told = platform.get(f"{path}/timeline").json()["entries"][-1]
    assert "人民法院" in told["told_zh"]
    assert "court" in told["told"]
    said = {"reason": "no-lawsuit", "time": "2026-09-28T09:00:00+08:00"}
    contested = platform.post(f"{path}/refusal-reviews", said, idempotency_key="contest-court")
    assert became(platform, contested.json())["facts"] == ["refusal_review.requested.v1"]
    verdict = {"upheld": False, "reason": "none-found", "time": "2026-09-28T10:00:00+08:00"}
    decided = office.post(f"{path}/refusal-review-decisions", verdict, idempotency_key="decide-court")
    assert became(office, decided.json(), "ticket.queued.v1")["facts"] == ["refusal.overturned.v1", "ticket.queued.v1"]


def test_an_emergency_in_the_words_is_diverted_by_its_rule(platform: Caller, office: Caller) -> None:
    words = "快来人,厨房着火了"
    receipt = platform.post(TICKETS, MATTER | {"upstream_id": "kitchen", "content": words}).json()
    assert became(platform, receipt, "ticket.diverted.v1")["facts"] == ["ticket.opened.v1", "ticket.diverted.v1"]
    timeline = office.get(f"/v1/tickets/{receipt['ticket']}/timeline")
    last = timeline.json()["entries"][-1]["data"]
    assert (last["call_number"], last["rule"]) == ("119", "fire")
    assert words not in timeline.text


def test_a_consultation_is_answered_in_a_call(platform: Caller, office: Caller) -> None:
    asked = MATTER | {"upstream_id": "call", "kind": "consultation", "category": "social-security"}
    receipt = platform.post(TICKETS, asked).json()
    became(platform, receipt)
    answered = {"text": "可在任一网点办理。", "handler": "H-1", "responsible": "R-1", "result": "answered"}
    said = {"outcome": "answered", "reply": answered, "rating": "satisfied", "time": "2026-09-24T17:10:00+08:00"}
    logged = office.post(f"/v1/tickets/{receipt['ticket']}/calls", said, idempotency_key="call-one")
    assert logged.status_code == 202, logged.text
    status = became(office, logged.json(), "reply.submitted.v1")
    assert status["facts"] == ["call.logged.v1", "ticket.signed.v1", "reply.submitted.v1"]
    for _ in range(300):
        if office.get(f"/v1/tickets/{receipt['ticket']}").json()["stage"] == "closed":
            return
        time.sleep(0.1)
    raise AssertionError("the revisit did not close it")


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


DEEP_FILES = [{"sha256": "0" * 64, "media_type": "image/jpeg", "size": 1}] * 21
HOSTILE: list[tuple[str, bytes, dict[str, str]]] = [
    ("brackets", b"[" * 100_000, {}),
    ("objects", b'{"a":' * 40 + b"1" + b"}" * 40, {}),
    ("a long number", b'{"n": ' + b"9" * 5_000 + b"}", {}),
    ("a long exponent", b'{"n": 1e999999}', {}),
    ("a lone surrogate", b'{"text": "\\ud800"}', {}),
    ("NaN", b'{"n": NaN}', {}),
    ("Infinity", b'{"n": -Infinity}', {}),
    ("a bomb", b"\x1f" * 1000, {"content_encoding": "gzip"}),
    ("1.1 MB", b'{"text": "' + b"x" * 1_100_000 + b'"}', {}),
    ("many keys", json.dumps({f"k{n}": n for n in range(600)}).encode(), {}),
    ("an empty batch", b"[]", {}),
    ("nothing", b"", {}),
    ("too many files", json.dumps({"text": "x", "attachments": DEEP_FILES}).encode(), {}),
    ("no digest", b'{"text": "x", "attachments": [{"sha256": "..", "media_type": "image/png", "size": 1}]}', {}),
    ("a file's bytes", b'{"text": "x", "attachments": [{"data": "aGVsbG8="}]}', {}),
]


@pytest.mark.parametrize("path", [f"{TICKETS}/native", f"{TICKETS}/native/batch", "/v1/tickets/T-x/supplements"])
@pytest.mark.parametrize(("body", "headers"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_body_is_answered_with_a_clear_4xx(
    platform: Caller, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = platform.post(path, body, idempotency_key="hostile-1", **headers)
    assert answer.status_code in {400, 413, 415, 422}, answer.text
    assert answer.json()["code"]
    assert answer.headers["content-type"] == "application/problem+json"


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
    assert all("requestBody" in path["post"] for path in document["paths"].values() if "post" in path)


def test_the_twelve_lines_of_the_documentation_hand_a_matter_down(shared_mesh: Mesh, capsys: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    secret = base64.b64encode(platform_key(shared_mesh.settings.master_key, "dq12345", 1)).decode()
    code = code.replace("http://127.0.0.1:8080", shared_mesh.url).replace("whsec_...", f"whsec_{secret}")
    exec(compile(code, "docs/gateway.md", "exec"), {})  # noqa: S102 - our own page
    assert "'ticket': 'T-" in capsys.readouterr().out


def test_the_kcat_recipe_of_the_documentation_hands_a_matter_down_on_the_feed(
    shared_mesh: Mesh, platform: Caller
) -> None:
    kcat, settings = need("kcat"), shared_mesh.settings
    page = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text(encoding="utf-8")
    recipe = page.split("```sh\n")[1].split("```")[0].replace("DQ202611240001", "DQ-by-kcat")
    recipe = recipe.replace("localhost:9092", settings.bootstrap_servers)
    recipe = recipe.replace("-t upstream-tickets", f"-t {settings.topic('upstream-tickets')}")
    path = f"{Path(kcat).parent}:{os.environ['PATH']}"
    subprocess.run(recipe, shell=True, env=os.environ | {"PATH": path}, timeout=60, check=True)  # noqa: S602 - our own page
    ticket = ticket_token(derive(settings.master_key, "ticket-token"), "dq12345", "DQ-by-kcat")
    wait_until(lambda: platform.get(f"/v1/tickets/{ticket}").status_code == 200, 60, "the ticket")
