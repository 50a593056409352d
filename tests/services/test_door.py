"""The door: a lane for each matter, a command for each wish, and no free text beyond it (Art. 2, 8, 13)."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.commands import OpenTicket, SubmitExplanation, SubmitReply, UrgeTicket
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from schemas.wire import encode
from services.core.policy import Policy
from services.core.service import Rejected
from services.intake.door import FROM_OUTSIDE, actor_command, check_dates, open_command, problems, urge_command
from services.runtime.knowledge_index import KnowledgeIndex
from tests.builders import at

KEY = b"digest key"
SECRETS = ("李四", "13800001111", "533423199001011234", "县城北路 8 号", "路灯坏了三天")


def submitted(**changes: Any) -> UpstreamTicketSubmitted:
    base = {
        "id": "m-1", "source": "/platform/stage", "time": at("Wed 2026-09-23 09:00"), "platform": "stage",
        "upstream_id": "1", "kind": "help", "category": "street-light", "area": "533423100", "channel": "phone",
        "title": "路灯", "content": SECRETS[4],
        "reporter": {"name": SECRETS[0], "phone": SECRETS[1], "id_number": SECRETS[2], "address": SECRETS[3]},
    }  # fmt: skip
    return UpstreamTicketSubmitted.model_validate(base | changes)


def opened(policy: Policy, knowledge: KnowledgeIndex, **changes: Any) -> OpenTicket:
    command = open_command(submitted(**changes), "T-1", policy.directory, knowledge).command
    assert isinstance(command, OpenTicket)
    return command


@pytest.mark.parametrize(
    ("category", "lane", "detail"),
    [
        ("street-light", "accept", (None, None)),
        ("unheard-of", "accept", (None, None)),  # the manual desk will place it
        ("fire", "emergency", ("119", None)),
        ("crime-in-progress", "emergency", ("110", None)),
        ("litigation", "lawful_channel", (None, "court-or-arbitration")),
        ("state-secret", "not_acceptable", (None, "secret-or-private")),
    ],
)
def test_the_category_chooses_the_lane(
    policy: Policy, knowledge: KnowledgeIndex, category: str, lane: str, detail: tuple[str | None, str | None]
) -> None:
    command = opened(policy, knowledge, category=category)
    assert (lane, detail) == (command.lane.value, (command.call_number, command.lane_code))


def test_a_consultation_that_the_knowledge_base_knows_is_answered(policy: Policy, knowledge: KnowledgeIndex) -> None:
    article = knowledge.base.root[0]
    asked = {"category": "social-security", "title": f" {article.title_zh} "}
    command = opened(policy, knowledge, kind="consultation", **asked)
    assert ("knowledge_base", article.id) == (command.lane.value, command.knowledge_article)
    assert "accept" == opened(policy, knowledge, kind="complaint", **asked).lane, "a complaint is no question"
    assert "accept" == opened(policy, knowledge, kind="consultation", category="social-security").lane
    emergency = opened(policy, knowledge, kind="consultation", category="fire", title=article.title_zh)
    assert "emergency" == emergency.lane, "an emergency comes first"


def test_nothing_personal_passes_the_door_and_everything_is_sealed(policy: Policy, knowledge: KnowledgeIndex) -> None:
    heard = open_command(submitted(), "T-1", policy.directory, knowledge)
    headers, value = encode(heard.command)
    on_the_wire = value.decode() + repr(headers)
    assert heard.sealable is not None
    for secret in SECRETS:
        assert secret not in on_the_wire
        assert secret in heard.sealable.plain.decode()
    assert isinstance(heard.command, OpenTicket)
    assert (heard.command.pii_ref, "T-1") == (heard.sealable.ref, heard.sealable.ticket)


def test_the_same_message_gives_the_same_command(policy: Policy, knowledge: KnowledgeIndex) -> None:
    assert opened(policy, knowledge) == opened(policy, knowledge)
    assert opened(policy, knowledge).id != opened(policy, knowledge, id="m-2").id


def test_an_urge_is_passed_on() -> None:
    said = UpstreamTicketUrged(
        id="u-1", source="/p", time=at("Wed 2026-09-23 09:00"), platform="stage", upstream_id="1"
    )
    command = urge_command(said, "T-1").command
    assert isinstance(command, UrgeTicket)
    assert ("T-1", "u-1", "platform") == (command.subject, command.causation, command.actor.role)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"upstream_due_at": at("Tue 2030-01-01 09:00")}, "upstream_due_at"),
        ({"limit_override": {"due_at": at("Tue 2030-01-01 09:00"), "legal_basis": "省令"}}, "limit_override.due_at"),
    ],
)
def test_a_due_instant_that_no_calendar_reaches_is_refused_by_field(changes: dict[str, Any], field: str) -> None:
    check_dates(submitted(**changes), date(2031, 1, 1))
    with pytest.raises(Rejected, match=f"{field}: the calendar ends on 2030-01-01") as caught:
        check_dates(submitted(**changes), date(2030, 1, 1))
    assert "invalid-field" == caught.value.code


# ---------------------------------------------------------------- what actors say


def message(kind: str, data: Any, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "e-1", "source": "/unit", "type": kind, "subject": "T-1",
        "time": "2026-09-23T09:00:00+08:00", "data": data,
    } | changes  # fmt: skip


UNIT = {"role": "unit", "id": "U-SANITATION"}
REPLY = {"text": "经现场核实,已清运。", "handler": "H-1", "responsible": "R-1", "result": "resolved"}


def test_the_text_of_a_reply_is_sealed_and_only_noted_of() -> None:
    heard = actor_command(message("reply.submit.v1", {"actor": UNIT, "reply": REPLY}), KEY)
    assert isinstance(heard.command, SubmitReply)
    assert heard.sealable is not None
    assert (REPLY["text"], heard.command.reply.content_ref) == (heard.sealable.plain.decode(), heard.sealable.ref)
    assert REPLY["text"] not in encode(heard.command)[1].decode()
    assert 0 == heard.command.reply.empty_phrases
    empty = actor_command(message("reply.submit.v1", {"actor": UNIT, "reply": REPLY | {"text": "将尽快处理"}}), KEY)
    assert isinstance(empty.command, SubmitReply)
    assert 1 == empty.command.reply.empty_phrases
    assert empty.command.reply.template_digest != heard.command.reply.template_digest


def test_files_are_passed_on_by_digest_and_none_leaves_no_trace(policy: Policy, knowledge: KnowledgeIndex) -> None:
    photo = {"sha256": "ab" * 32, "media_type": "image/jpeg", "size": 1}
    answered = actor_command(
        message("reply.submit.v1", {"actor": UNIT, "reply": REPLY | {"attachments": [photo]}}), KEY
    ).command
    assert isinstance(answered, SubmitReply)
    assert [photo] == [file.model_dump() for file in answered.reply.attachments]
    citizen = {"actor": {"role": "citizen", "id": "c"}, "text": SECRETS[4], "attachments": [photo]}
    added = actor_command(message("ticket.supplement.v1", citizen), KEY)
    assert photo["sha256"] in added.command.model_dump_json()
    assert SECRETS[4] not in added.command.model_dump_json()
    assert opened(policy, knowledge, attachments=[photo]).attachments == answered.reply.attachments
    assert "attachments" not in opened(policy, knowledge).model_dump_json(), "records of before stay as they were"
    assert "place" not in submitted().model_dump_json()
    for wrong in ({"sha256": "AB" * 32}, {"media_type": "image/张三"}, {"size": -1}, {"size": 10**9 + 1}):
        with pytest.raises(ValidationError):
            submitted(attachments=[photo | wrong])
    with pytest.raises(ValidationError):
        submitted(attachments=[photo] * 21)


def test_the_door_notes_when_it_heard_a_reply_and_no_sender_can() -> None:
    said = message("reply.submit.v1", {"actor": UNIT, "reply": REPLY | {"received_at": "2026-09-01T09:00:00+08:00"}})
    heard_at = at("Wed 2026-09-23 09:01")
    heard = actor_command(said, KEY, heard_at)
    assert isinstance(heard.command, SubmitReply)
    assert heard_at == heard.command.reply.received_at
    unheard = actor_command(said, KEY)
    assert isinstance(unheard.command, SubmitReply)
    assert unheard.command.reply.received_at is None, "in simulated time the door's clock says nothing"
    assert heard.body == unheard.body, "the same message, whenever it came"


def test_the_text_of_an_explanation_is_sealed() -> None:
    heard = actor_command(message("explanation.submit.v1", {"actor": UNIT, "text": "依据政策。"}), KEY)
    assert isinstance(heard.command, SubmitExplanation)
    assert heard.sealable is not None
    assert heard.command.content_ref == heard.sealable.ref


def test_an_explanation_cannot_borrow_the_text_of_a_reply() -> None:
    said = message("explanation.submit.v1", {"actor": UNIT, "content_ref": "mine", "reply": dict(REPLY)})
    with pytest.raises(ValidationError, match="content_ref"):
        actor_command(said, KEY)


def test_the_sender_s_own_message_is_left_as_it_was() -> None:
    said = message("reply.submit.v1", {"actor": UNIT, "reply": dict(REPLY)})
    actor_command(said, KEY)
    assert REPLY == said["data"]["reply"]


def test_nobody_vouches_for_his_own_text() -> None:
    own = {"content_ref": "mine", "template_digest": "mine", "empty_phrases": 0}
    said = message("reply.submit.v1", {"actor": UNIT, "reply": REPLY | own | {"text": "将尽快处理"}})
    command = actor_command(said, KEY).command
    assert isinstance(command, SubmitReply)
    assert 1 == command.reply.empty_phrases
    assert "mine" not in {command.reply.content_ref, command.reply.template_digest}


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("reply.submit.v1", {"reply": REPLY | {"text": None, "content_ref": "mine"}}, "data.reply.text"),
        ("reply.submit.v1", {"reply": {k: v for k, v in REPLY.items() if k != "text"}}, "data.reply.text"),
        ("reply.submit.v1", {"reply": REPLY | {"text": "  "}}, "data.reply.text"),
        ("explanation.submit.v1", {"content_ref": "mine"}, "data.text"),
        ("explanation.submit.v1", {"text": 7}, "data.text"),
        ("ticket.supplement.v1", {"content_ref": "mine"}, "data.text"),
    ],
)  # fmt: skip
def test_a_reply_or_explanation_without_words_is_refused(kind: str, data: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected, match=rf"^{field}: must ") as caught:
        actor_command(message(kind, {"actor": UNIT} | data), KEY)
    assert "invalid-field" == caught.value.code


@pytest.mark.parametrize(
    "kind", ["clock.pulse.v1", "clock.signal.v1", "ticket.open.v1", "ticket.closed.v1", "ticket.unheard.v1", ""]
)
def test_what_actors_may_not_send_is_refused_with_what_they_may(kind: str) -> None:
    assert kind not in FROM_OUTSIDE
    with pytest.raises(Rejected, match=r"actors may send: ticket\.assign\.v1, ") as caught:
        actor_command(message(kind, {"actor": UNIT}), KEY)
    assert "unknown-type" == caught.value.code


@pytest.mark.parametrize("kind", sorted(FROM_OUTSIDE))
def test_a_service_does_not_speak_through_the_door(kind: str) -> None:
    extra: dict[str, Any] = {
        "unit": "U-1", "reason": "r", "basis": "b", "upheld": True, "granted": True, "reply": dict(REPLY), "cycle": 1,
        "attempt": 1, "channel": "phone", "outcome": "answered", "rating": "satisfied", "justified": True,
        "text": "说明", "resolution": "rated", "units": ["U-1"], "co_handler": "U-1", "code": "petition",
        "parent": "T-2", "leg": 1, "indicators": ["replied_on_time"], "item": "late_handling",
        "flag": "f-1", "note_ref": "n-1",
    }  # fmt: skip
    extra.pop("reply" if kind in {"explanation.submit.v1", "ticket.supplement.v1"} else "text")
    assert actor_command(message(kind, extra | {"actor": {"role": "office", "id": "desk"}}), KEY).command
    with pytest.raises(Rejected) as caught:
        actor_command(message(kind, extra | {"actor": {"role": "service", "id": "revisit"}}), KEY)
    assert "not-entitled" == caught.value.code


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"data": "text"}, "data: must be a JSON object"), ({"subject": ""}, "subject: must be the token of the ticket")],
)
def test_an_incomplete_message_is_refused_by_field(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Rejected, match=problem):
        actor_command(message("ticket.sign.v1", {"actor": UNIT}) | changes, KEY)


def test_problems_name_the_field_and_never_the_content() -> None:
    with pytest.raises(ValidationError) as caught:
        actor_command(message("ticket.assign.v1", {"actor": UNIT, "unit": "李四 13800001111"}), KEY)
    found = problems(caught.value)
    assert ["unit"] == [problem["field"] for problem in found]
    assert "13800001111" not in repr(found)
    with pytest.raises(ValidationError) as caught:
        actor_command(message("ticket.sign.v1", {}), KEY)
    assert ["actor"] == [problem["field"] for problem in problems(caught.value)]
