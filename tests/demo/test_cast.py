"""The cast, played against the real door, router, sla-timer and revisit in memory."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.commands import Command
from schemas.facts import TicketWithdrawn
from schemas.upstream import UpstreamTicketSubmitted
from schemas.vocabulary import ReplyDefect, StopOutcome
from services.core.policy import Policies
from services.core.reply_review import EMPTY_PHRASES
from services.demo import cast_replies
from services.demo.cast import REACTIONS, Cast, ScriptError
from services.demo.cast_script import DECISIONS
from services.intake.adapters.open_data import SourceRequest, load_mapping, read
from services.intake.door import FROM_OUTSIDE, actor_command
from services.runtime.knowledge_index import KnowledgeIndex
from tests.demo.ticket_life import InMemoryMesh, Life

ROOT = Path(__file__).parents[2]
SEED = 12345
CALM = {
    "sign": "in_time", "course": "reply", "pace": "in_time", "quality": "good", "contact": "answered",
    "rating": "satisfied", "withdrawal": "none", "reopening": "none", "judgement": "unjustified",
    "handling": "alone", "part": "in_time",
    "explanation": "in_time", "return_decision": "upheld", "extension_decision": "granted",
}  # fmt: skip


@pytest.fixture(scope="module")
def requests() -> list[SourceRequest]:
    mapping = load_mapping(ROOT / "examples" / "la311-mapping.yaml")
    found = read(ROOT / "examples" / "la311-2017-12.csv.gz", mapping, SEED)
    return [item for item in found if isinstance(item, SourceRequest)]


@pytest.fixture(scope="module")
def sample(
    requests: list[SourceRequest], policies: Policies, knowledge: KnowledgeIndex
) -> list[tuple[SourceRequest, Life]]:
    """Every second request of the file, played to its end."""
    mesh = InMemoryMesh(policies, knowledge, Cast(SEED, policies))
    return [(request, mesh.play(request)) for request in requests[::2]]


@pytest.fixture
def plays(requests: list[SourceRequest], policies: Policies, knowledge: KnowledgeIndex) -> Any:
    """Play one request of help, calm but for what is forced and changed."""
    plain = next(
        r for r in requests
        if r.submitted.kind == "help" and r.submitted.category == "bulky-waste" and not r.submitted.upstream_due_at
        and not r.cancelled and r.closes_at and r.submitted.accepted_by == "county"
    )  # fmt: skip

    def play(forced: dict[str, str] | None = None, **changes: Any) -> Life:
        submitted = UpstreamTicketSubmitted.model_validate(plain.submitted.model_dump() | changes)
        source = SourceRequest(submitted, plain.closes_at, plain.line)
        cast = Cast(SEED, policies, {submitted.upstream_id: CALM | (forced or {})})
        return InMemoryMesh(policies, knowledge, cast).play(source)

    return play


def test_a_calm_ticket_is_signed_replied_rated_and_closed(plays: Any) -> None:
    assert plays().story == [
        "ticket.opened", "ticket.dispatched", "ticket.signed", "clock.elapsed", "clock.at_risk", "reply.submitted",
        "reply.accepted", "contact.attempted", "rating.recorded", "ticket.closed",
    ]  # fmt: skip


def test_a_late_signature_comes_after_the_ticket_is_deemed_signed(plays: Any) -> None:
    life = plays({"sign": "late"})
    assert [fact.deemed for fact in life.of("ticket.signed")] == [True]
    assert [fact.clock for fact in life.of("clock.breached")] == ["sign"]
    assert [fact.code for fact in life.of("command.refused")] == ["already-signed"]


def test_who_never_signs_is_deemed_to_have(plays: Any) -> None:
    life = plays({"sign": "never"})
    assert [fact.deemed for fact in life.of("ticket.signed")] == [True]
    assert life.of("command.refused") == []
    assert life.facts[-1].stage == "closed"


def test_an_upheld_return_goes_to_another_unit_that_replies(plays: Any) -> None:
    life = plays({"course@1": "return"})
    first, second = [fact.unit for fact in life.of("ticket.dispatched")]
    assert first != second
    assert [fact.returned_by for fact in life.of("return.upheld")] == [first]
    assert [fact.unit for fact in life.of("reply.submitted")] == [second]


def test_a_refused_return_is_replied_to_by_the_same_unit(plays: Any) -> None:
    life = plays({"course@1": "return", "return_decision": "refused"})
    assert len(life.of("return.refused")) == 1
    assert len(life.of("ticket.dispatched")) == 1
    assert life.facts[-1].stage == "closed"


def test_a_return_after_the_window_is_refused_and_replied_to(plays: Any) -> None:
    life = plays({"course": "return_too_late"})
    assert [fact.code for fact in life.of("command.refused")] == ["return-window-over"]
    assert len(life.of("reply.submitted")) == 1


def test_a_second_return_is_adjudicated_and_a_third_refused(plays: Any) -> None:
    life = plays({"course@1": "return", "course@2": "return", "course@3": "return"})
    assert [fact.reason for fact in life.of("ticket.dispatched")][1:] == ["return_upheld", "adjudicated"]
    assert [fact.code for fact in life.of("command.refused")] == ["no-further-return"]
    assert life.facts[-1].stage == "closed"


def test_an_extension_is_granted_from_the_old_due_instant(plays: Any) -> None:
    life = plays({"course": "extend"})
    granted = life.of("extension.granted")[0]
    assert granted.new_due_at > granted.old_due_at
    assert life.of("reply.submitted")[0].time <= granted.new_due_at


@pytest.mark.parametrize("decision", ["refused", "none"])
def test_an_extension_refused_or_never_decided_ends_in_a_reply(decision: str, plays: Any) -> None:
    life = plays({"course": "extend", "extension_decision": decision})
    assert len(life.of("extension.requested")) == 1
    assert life.of("extension.granted") == []
    assert len(life.of("extension.refused")) == (1 if decision == "refused" else 0)
    assert len(life.of("reply.submitted")) == 1


def test_an_extension_asked_for_after_the_limit_is_refused(plays: Any) -> None:
    life = plays({"course": "extend_too_late"})
    assert [fact.code for fact in life.of("command.refused")] == ["deadline-passed"]
    assert "handle" in [fact.clock for fact in life.of("clock.breached")]
    assert life.facts[-1].stage == "closed"


def test_a_platform_decides_the_extension_of_what_it_accepted(plays: Any) -> None:
    life = plays({"course": "extend"}, accepted_by="prefecture")
    sent = [said.command for _, said in life.said if said.command["type"] == "extension.decide.v1"]
    assert [command["data"]["actor"] for command in sent] == [{"role": "platform", "id": "la311"}]
    assert len(life.of("extension.granted")) == 1


@pytest.mark.parametrize("defect", [way for way in DECISIONS["quality"] if way != "good"])
def test_each_poor_reply_has_its_one_defect_and_a_better_one_follows(defect: str, plays: Any) -> None:
    life = plays({"quality": defect, "second_reply": "better"})
    assert [fact.defects for fact in life.of("reply.rejected")] == [(ReplyDefect(defect),)]
    assert len(life.of("reply.accepted")) == 1


def test_the_same_words_again_are_a_template_and_the_third_reply_is_good(plays: Any) -> None:
    life = plays({"quality": "no_handler", "second_reply": "repeated"})
    assert [fact.defects for fact in life.of("reply.rejected")] == [
        (ReplyDefect.NO_HANDLER,),
        (ReplyDefect.TEMPLATE_REPEATED,),
    ]
    assert life.facts[-1].stage == "closed"


def test_a_reply_after_the_limit_is_late_for_ever(plays: Any) -> None:
    life = plays({"pace": "late"})
    stopped = [c for fact in life.of("reply.accepted") for c in fact.stopped if c.kind == "handle"]
    assert [clock.outcome for clock in stopped] == [StopOutcome.LATE]
    assert "handle" in life.of("ticket.closed")[0].breaches


@pytest.mark.parametrize("contact", ["no_answer", "refused", "wrong_number"])
def test_who_is_never_reached_is_deemed_satisfied_after_three_attempts(contact: str, plays: Any) -> None:
    life = plays({"contact": contact})
    assert [fact.outcome for fact in life.of("contact.attempted")] == [contact] * 3
    assert [fact.deemed for fact in life.of("ticket.closed")] == [True]


def test_who_answers_and_stays_silent_is_deemed_satisfied(plays: Any) -> None:
    life = plays({"rating": "silent"})
    assert len(life.of("contact.attempted")) == 1
    assert [fact.resolution for fact in life.of("ticket.closed")] == ["deemed"]


def test_justified_dissatisfaction_is_redone_and_then_rated_well(plays: Any) -> None:
    life = plays({"rating@1": "dissatisfied", "judgement": "justified"})
    assert [fact.round for fact in life.of("ticket.redispatched")] == [1]
    assert [fact.rating for fact in life.of("rating.recorded")] == ["dissatisfied", "satisfied"]
    assert [fact.resolution for fact in life.of("ticket.closed")] == ["rated"]


def test_dissatisfied_after_every_redo_the_office_decides(plays: Any) -> None:
    life = plays({"rating": "dissatisfied", "judgement": "justified"})
    assert len(life.of("ticket.redispatched")) == 2
    assert [fact.resolution for fact in life.of("ticket.closed")] == ["office_decision"]


@pytest.mark.parametrize("way", ["in_time", "late"])
def test_unjustified_dissatisfaction_is_explained(way: str, plays: Any) -> None:
    life = plays({"rating": "dissatisfied", "explanation": way})
    assert [fact.resolution for fact in life.of("ticket.closed")] == ["explained"]
    assert [fact.clock for fact in life.of("clock.breached")] == (["explain"] if way == "late" else [])


def test_the_manual_desk_names_a_unit(plays: Any) -> None:
    life = plays(category="other")
    assert len(life.of("ticket.queued")) == 1
    assert [fact.reason for fact in life.of("ticket.dispatched")] == ["assigned"]
    assert life.facts[-1].stage == "closed"


def test_nobody_acts_on_an_emergency_or_an_answer_from_the_knowledge_base(
    plays: Any, knowledge: KnowledgeIndex
) -> None:
    emergency = plays(category="fire")
    answered = plays(kind="consultation", title=knowledge.base.root[0].title_zh)
    assert (emergency.story[-1], emergency.said) == ("ticket.diverted", [])
    assert (answered.story[-1], answered.said) == ("ticket.answered", [])


def test_a_withdrawn_ticket_is_left_alone_afterwards(plays: Any) -> None:
    life = plays({"withdrawal": "withdrawn", "pace": "late"})
    assert isinstance(life.facts[-1], TicketWithdrawn)


def test_a_reopened_ticket_is_handled_again_and_not_reopened_twice(plays: Any) -> None:
    life = plays({"reopening": "reopened"})
    assert [fact.generation for fact in life.of("ticket.closed")] == [1, 2]
    assert len(life.of("ticket.reopened")) == 1


def test_a_request_that_the_data_never_closed_is_signed_and_stays_open(
    requests: list[SourceRequest], policies: Policies, knowledge: KnowledgeIndex
) -> None:
    mesh = InMemoryMesh(policies, knowledge, Cast(SEED, policies))
    for request in (r for r in requests if r.closes_at is None):
        life = mesh.play(request)
        assert life.of("reply.submitted") == []
        assert life.facts[-1].stage in {"in_progress", "answered"}


def test_a_cancelled_request_is_withdrawn_when_the_data_says(sample: list[tuple[SourceRequest, Life]]) -> None:
    cancelled = [(r, life) for r, life in sample if r.cancelled and life.of("ticket.withdrawn")]
    assert cancelled
    for request, life in cancelled:
        dispatched = life.of("ticket.dispatched")[0].time
        assert life.of("ticket.withdrawn")[0].time == max(request.closes_at, dispatched + timedelta(minutes=1))


def test_units_reply_when_the_data_says(sample: list[tuple[SourceRequest, Life]]) -> None:
    ways: Counter[bool] = Counter()
    for request, life in sample:
        replied, signed = life.of("reply.submitted"), life.of("ticket.signed")
        plain = request.submitted.kind != "consultation" and not life.of("extension.requested")
        if replied and plain and request.closes_at and request.closes_at > signed[0].time:
            late = timedelta() <= replied[0].time - request.closes_at <= timedelta(minutes=5)
            ways[late] += 1
    assert ways[True] / ways.total() > 0.8


def test_nobody_reacts_before_a_minute_has_passed(sample: list[tuple[SourceRequest, Life]]) -> None:
    said = [(event, planned) for _, life in sample for event, planned in life.said]
    assert len(said) > 5000
    assert [p for event, p in said if p.at < event.time + timedelta(minutes=1)] == []


NOT_PLAYED = {
    "reply.review.v1", "ticket.close.v1", "ticket.urge.v1", "ticket.supplement.v1", "ticket.decline.v1",
    "refusal_review.request.v1", "refusal_review.decide.v1", "call.log.v1", "suspension.request.v1",
    "suspension.decide.v1", "ticket.resume.v1", "ticket.merge.v1", "ticket.unmerge.v1",
    "measure.exclude.v1", "appeal.request.v1", "appeal.decide.v1", "accountability.raise.v1",
    "accountability.decide.v1",
}  # fmt: skip
"""What the mesh says itself, and what nobody does in the demo's city."""


def test_every_command_is_one_that_the_door_takes(sample: list[tuple[SourceRequest, Life]]) -> None:
    said = [planned for _, life in sample for _, planned in life.said]
    for planned in said:
        heard = actor_command(planned.command, b"key").command
        assert isinstance(heard, Command)
        assert (heard.id, heard.subject, heard.time) == (planned.command["id"], planned.ticket, planned.at)
    expected = set(FROM_OUTSIDE) - NOT_PLAYED
    assert {planned.command["type"] for planned in said} == expected


def test_ids_are_unique(sample: list[tuple[SourceRequest, Life]]) -> None:
    ids = [planned.command["id"] for _, life in sample for _, planned in life.said]
    assert len(ids) == len(set(ids))


def test_the_router_refuses_only_what_the_cast_does_wrong_on_purpose(
    sample: list[tuple[SourceRequest, Life]],
) -> None:
    refused = Counter((f.command, f.code) for _, life in sample for f in life.of("command.refused"))
    late = {"ticket.sign.v1", "return.request.v1", "extension.request.v1"}
    joint = {"co-handlers-outstanding", "not-a-co-handler", "no-return-requested", "deadline-passed"}
    after_the_end = {key for key in refused if key[1] in {"not-in-stage-closed", "not-in-stage-withdrawn"}}
    others = set(refused) - after_the_end
    assert {command for command, code in others if code not in joint} <= late
    assert sum(refused[key] for key in after_the_end) / len(sample) < 0.02


def test_the_shares_are_those_of_the_table(sample: list[tuple[SourceRequest, Life]]) -> None:
    dispatched = [life for _, life in sample if life.of("ticket.dispatched")]

    def share(name: str) -> float:
        return sum(bool(life.of(name)) for life in dispatched) / len(dispatched)

    assert share("return.requested") == pytest.approx(0.06, abs=0.025)
    assert share("extension.requested") == pytest.approx(0.08, abs=0.03)
    assert share("reply.rejected") == pytest.approx(0.07, abs=0.03)
    assert share("ticket.reopened") == pytest.approx(0.01, abs=0.008)
    signed = [fact for life in dispatched for fact in life.of("ticket.signed")]
    assert sum(fact.deemed for fact in signed) / len(signed) == pytest.approx(0.08, abs=0.02)
    closed = [fact for life in dispatched for fact in life.of("ticket.closed")]
    assert 0.08 <= sum(fact.deemed for fact in closed) / len(closed) <= 0.2
    assert len(closed) / len(dispatched) > 0.9


def test_every_reaction_happens_in_the_sample(sample: list[tuple[SourceRequest, Life]]) -> None:
    heard = {event.type for _, life in sample for event, _ in life.said}
    assert heard == set(REACTIONS)


def test_two_plays_are_equal_and_another_seed_differs(
    requests: list[SourceRequest], policies: Policies, knowledge: KnowledgeIndex
) -> None:
    few = requests[100:160]

    def play(seed: int) -> list[list[Any]]:
        mesh = InMemoryMesh(policies, knowledge, Cast(seed, policies))
        return [mesh.play(request).facts for request in few]

    first = play(SEED)
    assert play(SEED) == first
    assert play(SEED + 1) != first


def test_good_texts_hold_no_empty_phrase_and_bad_ones_do() -> None:
    good = (*cast_replies.DONE, *cast_replies.ANSWERS, *cast_replies.REFUSALS, cast_replies.POOR, cast_replies.PROMISE)
    assert [text for text in good if any(phrase in text for phrase in EMPTY_PHRASES)] == []
    assert any(phrase in cast_replies.EMPTY for phrase in EMPTY_PHRASES)


@pytest.mark.parametrize(
    ("forced", "said"),
    [
        ({"signature": "late"}, "no decision signature"),
        ({"sign": "soon"}, "sign: no way soon"),
        ({"sign@x": "late"}, "after @ comes a number"),
    ],
)
def test_a_script_with_a_slip_of_the_pen_is_refused(forced: dict[str, str], said: str, policies: Policies) -> None:
    with pytest.raises(ScriptError, match=said):
        Cast(SEED, policies, {"S-1": forced})
