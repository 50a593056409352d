"""Whatever anybody says in whatever order: the invariants of a ticket's life."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from schemas.commands import (
    AnswerMerge,
    AssignCoHandlers,
    AssignTicket,
    AttachChild,
    CarryExtension,
    ClockSignal,
    CloseTicket,
    Command,
    DecideAccountability,
    DecideAppeal,
    DecideCoReturn,
    DecideExtension,
    DecideRefusalReview,
    DecideReturn,
    DecideSuspension,
    DeclineTicket,
    DetachChild,
    ExcludeMeasure,
    JudgeDissatisfaction,
    LogCall,
    LogContact,
    MergeTicket,
    Merging,
    OpenTicket,
    RaiseAccountability,
    ReopenTicket,
    RepeatTicket,
    RequestAppeal,
    RequestCoReturn,
    RequestExtension,
    RequestRefusalReview,
    RequestReturn,
    RequestSuspension,
    ResumeTicket,
    ReviewReply,
    ShareReply,
    SignalClocks,
    SignTicket,
    SubmitCoReply,
    SubmitExplanation,
    SubmitRating,
    SubmitReply,
    SupplementTicket,
    UnmergeTicket,
    UrgeTicket,
    WithdrawTicket,
)
from schemas.facts import ClockBreached, Fact, TicketClosed
from schemas.vocabulary import ClockKind, Kind, Lane, Rating, Resolution, Rung, Stage
from schemas.wire import encode
from services.core.decision import Decision
from services.core.lifecycle.decide import DECIDERS, decide
from services.core.policy import Policies
from services.core.rulebook_articles import SuspensionRule
from services.core.ticket import Ticket
from services.core.ticket_fold import apply
from services.core.transitions import OPEN_STAGES, TERMINAL
from services.runtime.policy_files import load_policies
from services.sla_timer.service import handle as follow_clocks
from services.sla_timer.state import instant
from tests.builders import SANITATION, TICKET, URBAN, actor, alarm, at, position, reply


def _with_every_switch_on(policies: Policies) -> Policies:
    """Give the county's policies with what its text does not know switched on: lives should meet it."""
    on = {"suspension": SuspensionRule(enabled=True, max_count=2)}
    return Policies(
        tuple((begin, replace(p, rulebook=p.rulebook.model_copy(update=on))) for begin, p in policies.segments)
    )


POLICIES: Policies = _with_every_switch_on(load_policies(Path(__file__).parents[2] / "ops", "weixi"))
WITHOUT_A_CLOCK = {Stage.REVISITING, Stage.EXPLAINED, Stage.MERGED}
"""Open stages that may stand without a clock: revisit answers the fact that led there with `ticket.close.v1`; for a
merged ticket its parent answers (`test_merged_lives`)."""

START = at("Wed 2026-09-16 00:00")
numbers = st.lists(st.sampled_from(["signed_on_time", "replied_on_time", "satisfaction"]), min_size=1, unique=True).map(
    tuple
)
reasons = st.sampled_from(["force_majeure", "force_majeure", "no_reason"])
units = st.sampled_from([SANITATION, URBAN, "U-BAOHE", "U-NOBODY"])
actors = st.sampled_from(
    ["office", "citizen", "service", "platform:stage", *(f"unit:{u}" for u in (SANITATION, URBAN, "U-BAOHE"))]
)


def matter_of(ticket: str) -> OpenTicket:
    """Give the opening of another ticket of the same caller."""
    return OpenTicket(
        id=f"o-{ticket}", source="/test", subject=ticket, time=START, actor=actor("platform:stage"), platform="stage",
        upstream_id=ticket, kind=Kind.HELP, category="bulky-waste", area="533423100", channel="phone", pii_ref="p",
    )  # fmt: skip


others = st.sampled_from(["T-2", "T-3"])
FIELDS: dict[type[Command], st.SearchStrategy[dict[str, Any]]] = {
    OpenTicket: st.fixed_dictionaries({"kind": st.sampled_from(Kind)}),
    RepeatTicket: st.sampled_from(["T-7", "T-8"]).map(lambda name: {"matter": matter_of(name)}),
    AssignTicket: st.fixed_dictionaries({"unit": units, "co_handlers": st.just(()) | st.just(("U-BAOHE", "U-WATER"))}),
    DeclineTicket: st.fixed_dictionaries({"code": st.sampled_from(["petition", "secret-or-private", "no-code"])}),
    RequestRefusalReview: st.just({"reason": "r"}),
    DecideRefusalReview: st.fixed_dictionaries({"upheld": st.booleans(), "reason": st.just("r")}),
    SignTicket: st.just({}),
    RequestReturn: st.fixed_dictionaries(
        {"reason": st.just("r"), "basis": st.just("b"), "proposed_unit": st.none() | units}
    ),
    DecideReturn: st.fixed_dictionaries({"upheld": st.booleans(), "unit": st.none() | units}),
    AssignCoHandlers: st.fixed_dictionaries({"units": st.lists(units, min_size=1, max_size=2).map(tuple)}),
    SubmitCoReply: st.just({"reply": reply()}),
    RequestCoReturn: st.just({"reason": "r", "basis": "b"}),
    DecideCoReturn: st.fixed_dictionaries({"co_handler": units, "upheld": st.booleans(), "unit": st.none() | units}),
    RequestExtension: st.just({"reason": "r"}),
    DecideExtension: st.fixed_dictionaries({"granted": st.booleans()}),
    RequestSuspension: st.fixed_dictionaries({"reason": st.sampled_from(["waiting-for-citizen-material", "tired"])}),
    DecideSuspension: st.fixed_dictionaries({"granted": st.sampled_from([True, True, False])}),
    ResumeTicket: st.just({}),
    SubmitReply: st.just({"reply": reply()}),
    ReviewReply: st.fixed_dictionaries(
        {"cycle": st.integers(0, 4), "defects": st.sampled_from([(), (), ("empty_phrases",)])}
    ),
    LogCall: st.sampled_from(
        [
            {"outcome": "answered", "reply": reply(), "rating": "satisfied"},
            {"outcome": "answered", "reply": reply()},
            {"outcome": "no_answer"},
            {"outcome": "answered"},
        ]
    ),
    LogContact: st.fixed_dictionaries(
        {"attempt": st.integers(1, 3), "channel": st.just("phone"), "outcome": st.just("no_answer")}
    ),
    SubmitRating: st.fixed_dictionaries({"rating": st.sampled_from(Rating)}),
    JudgeDissatisfaction: st.fixed_dictionaries({"justified": st.booleans(), "reason": st.just("r")}),
    SubmitExplanation: st.just({"content_ref": "t"}),
    CloseTicket: st.fixed_dictionaries({"resolution": st.sampled_from(Resolution)}),
    UrgeTicket: st.just({}),
    SupplementTicket: st.just({"content_ref": "t"}),
    WithdrawTicket: st.just({}),
    ReopenTicket: st.just({}),
    MergeTicket: st.fixed_dictionaries({"parent": st.sampled_from(["T-2", "T-3", TICKET])}),
    UnmergeTicket: st.just({"reason": "another-matter-after-all"}),
    AttachChild: st.fixed_dictionaries(
        {
            "merging": st.integers(1, 3),
            "child": others,
            "area": st.just("533423100"),
            "category": st.sampled_from(["bulky-waste", "bulky-waste", "graffiti", "other"]),
            "unit": st.none() | units,
            "case_due_at": st.sampled_from([START, START + timedelta(days=90)]),
            "extensions": st.integers(0, 2),
        }
    ),
    DetachChild: st.fixed_dictionaries({"merging": st.integers(1, 3), "child": others}),
    AnswerMerge: st.fixed_dictionaries(
        {
            "merging": st.integers(1, 9),
            "parent": others,
            "code": st.sampled_from([None, None, "unknown-ticket"]),
            "extensions": st.integers(0, 2),
        }
    ),
    ShareReply: st.fixed_dictionaries(
        {
            "merging": st.integers(1, 9),
            "parent": others,
            "content_ref": st.just("t"),
            "replied_at": st.just(START),
            "unit": units,
            "unit_group": st.just("urban"),
        }
    ),
    CarryExtension: st.fixed_dictionaries({"merging": st.integers(1, 9), "parent": others, "count": st.integers(1, 2)}),
    ExcludeMeasure: st.fixed_dictionaries(
        {"leg": st.integers(1, 3), "indicators": numbers, "reason": reasons, "basis": st.just("b")}
    ),
    RequestAppeal: st.fixed_dictionaries(
        {"leg": st.integers(1, 3), "indicators": numbers, "reason": reasons, "basis": st.just("b")}
    ),
    DecideAppeal: st.fixed_dictionaries({"leg": st.integers(1, 3), "upheld": st.booleans(), "basis": st.just("b")}),
    RaiseAccountability: st.fixed_dictionaries(
        {"unit": units, "item": st.just("other"), "reason": st.just("r"), "basis": st.just("b")}
    ),
    DecideAccountability: st.fixed_dictionaries(
        {"flag": st.just("f"), "unit": units, "upheld": st.booleans(), "note_ref": st.just("n")}
    ),
}
LIKELY: dict[Stage, tuple[type[Command], ...]] = {
    Stage.HELD: (AssignTicket, DeclineTicket),
    Stage.QUEUED: (AssignTicket, AssignTicket, DeclineTicket),
    Stage.DECLINED: (RequestRefusalReview,),
    Stage.CONTESTED: (DecideRefusalReview,),
    Stage.DISPATCHED: (
        SignTicket,
        SubmitReply,
        RequestExtension,
        LogCall,
        MergeTicket,
        AttachChild,
        RequestAppeal,
    ),
    Stage.IN_PROGRESS: (
        SubmitReply,
        RequestReturn,
        RequestExtension,
        DecideExtension,
        *[RequestSuspension] * 4,
        AssignCoHandlers,
        AssignCoHandlers,
        SubmitCoReply,
        RequestCoReturn,
        DecideCoReturn,
        AttachChild,
        MergeTicket,
    ),
    Stage.MERGED: (AnswerMerge, ShareReply, UnmergeTicket, CarryExtension),
    Stage.SUSPENDED: (*[ResumeTicket] * 3, SupplementTicket, RequestCoReturn, DecideCoReturn),
    Stage.DISPUTED: (DecideReturn, DecideExtension),
    Stage.REPLIED: (ReviewReply,),
    Stage.REVISITING: (SubmitRating, LogContact, CloseTicket, RequestAppeal, DecideAppeal),
    Stage.JUDGING: (JudgeDissatisfaction,),
    Stage.EXPLAINING: (SubmitExplanation,),
    Stage.EXPLAINED: (CloseTicket,),
    Stage.CLOSED: (
        ReopenTicket,
        RepeatTicket,
        RequestAppeal,
        DecideAppeal,
        ExcludeMeasure,
        RaiseAccountability,
        DecideAccountability,
    ),
}
"""What moves a ticket in each stage: pure chance would leave most lives at the desk."""
ENTITLED: dict[type[Command], str] = {
    AssignCoHandlers: "office",
    DecideCoReturn: "office",
    AssignTicket: "office",
    DeclineTicket: "office",
    RequestRefusalReview: "citizen",
    DecideRefusalReview: "office",
    DecideReturn: "office",
    DecideExtension: "office",
    DecideSuspension: "office",
    ReviewReply: "service",
    LogCall: "office",
    LogContact: "office",
    SubmitRating: "citizen",
    JudgeDissatisfaction: "office",
    CloseTicket: "service",
    ReopenTicket: "citizen",
    MergeTicket: "office",
    RepeatTicket: "platform:stage",
    UnmergeTicket: "office",
    **dict.fromkeys((AttachChild, DetachChild, AnswerMerge, ShareReply, CarryExtension), "service"),
    ExcludeMeasure: "office",
    DecideAppeal: "office",
    RaiseAccountability: "office",
    DecideAccountability: "office",
}


def opening(draw: Callable[..., Any]) -> OpenTicket:
    lane = draw(st.sampled_from([*[Lane.ACCEPT] * 24, *Lane]))
    start = START + timedelta(minutes=draw(st.integers(0, 14 * 24 * 60)))
    return OpenTicket(
        id="c-0", source="/test", subject=TICKET, time=start, actor=actor("platform:stage"), platform="stage",
        upstream_id="1", kind=draw(st.sampled_from(Kind)), lane=lane, lane_code="petition",
        category=draw(st.sampled_from(["bulky-waste", "graffiti", "other"])), area="533423100", channel="phone",
        pii_ref="p",
        upstream_due_at=draw(st.none() | st.just(start + timedelta(days=2))),
        limit_override=draw(
            st.none()
            | st.just({"due_at": start + timedelta(hours=30), "legal_basis": "b"})
            | st.just({"working_days": 2, "legal_basis": "b"})
        ),
    )  # fmt: skip


def next_command(draw: Callable[..., Any], number: int, ticket: Ticket, now: Any) -> Command:
    """Draw what is said next: an alarm of a clock that runs, something likely, or anything by anybody."""
    what = draw(st.sampled_from([*["likely"] * 7, "alarm", "anything"]))
    if what == "alarm" and ticket.clocks:
        clock = draw(st.sampled_from(ticket.clocks))
        rung = draw(st.none() | st.sampled_from(Rung))
        at_mark = next((mark.at for mark in clock.marks if mark.rung is rung), clock.due_at)
        signal = ClockSignal(clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, at=at_mark, rung=rung)
        said = alarm(signal)
        return said.model_copy(update={"id": f"c-{number}"})
    likely = LIKELY.get(ticket.stage, ())
    if ticket.merging and ticket.stage is not Stage.MERGED:
        likely = (*likely, AnswerMerge, AnswerMerge, ShareReply)
    if ticket.children:
        likely = (*likely, DetachChild)
    disputed = [leg for leg in ticket.co_handlers() if ticket.clock(ClockKind.ADJUDICATE, leg.number)]
    if disputed and ticket.stage is Stage.IN_PROGRESS:
        likely = (DecideCoReturn, SubmitReply)
    elif ticket.stage is Stage.IN_PROGRESS and ticket.suspension_asked:
        likely = (DecideSuspension, DecideSuspension, SubmitReply)
    elif ticket.stage is Stage.IN_PROGRESS and ticket.co_handlers():
        likely = (*likely, *[RequestCoReturn] * 8)
    cls: type[Command] = draw(st.sampled_from(likely if what == "likely" and likely else tuple(FIELDS)))
    who = draw(actors)
    if what == "likely":
        who = ENTITLED.get(cls, f"unit:{ticket.unit}")
    data = draw(FIELDS[cls])
    if what == "likely" and ticket.co_handlers() and cls in {SubmitCoReply, RequestCoReturn, DecideCoReturn}:
        leg = draw(st.sampled_from(disputed or ticket.co_handlers()))
        who = who if cls is DecideCoReturn else f"unit:{leg.unit}"
        data = data | ({"co_handler": leg.unit} if cls is DecideCoReturn else {})
    if what == "likely" and issubclass(cls, Merging):
        data = data | still_standing(cls, ticket)
    if what == "likely" and cls in {RequestAppeal, DecideAppeal, ExcludeMeasure} and ticket.cycles:
        pending = [appeal.leg for appeal in ticket.appeals if not appeal.decided]
        leg = draw(st.sampled_from(ticket.cycles))
        data = data | {"leg": pending[0] if cls is DecideAppeal and pending else leg.number}
        who = f"unit:{leg.charged_to}" if cls is RequestAppeal else who
    if cls is ReviewReply and what == "likely":
        data = data | {"cycle": ticket.cycle}
    if cls is LogContact and what == "likely":
        data = data | {"attempt": ticket.contacts + 1}
    if cls is CloseTicket and what == "likely":
        data = {"resolution": resolution(ticket)}
    if cls is OpenTicket:
        return opening(draw).model_copy(update={"id": f"c-{number}", "time": now})
    base = {"id": f"c-{number}", "source": "/test", "subject": TICKET, "time": now, "actor": actor(who)}
    return cls.model_validate(base | data)


def still_standing(cls: type[Command], ticket: Ticket) -> dict[str, Any]:
    """Give what makes a message of the saga belong to the attempt that stands."""
    if cls in {AnswerMerge, ShareReply, CarryExtension} and ticket.merging:
        return {"merging": ticket.merging, "parent": ticket.parent}
    if cls is DetachChild and ticket.children:
        return {"child": ticket.children[0].ticket, "merging": ticket.children[0].merging}
    return {"category": ticket.category, "case_due_at": START + timedelta(days=90)} if cls is AttachChild else {}


def resolution(ticket: Ticket) -> Resolution:
    """Give what revisit would close the ticket with."""
    if ticket.stage is Stage.EXPLAINED:
        return Resolution.EXPLAINED
    return Resolution.RATED if ticket.rating else Resolution.DEEMED


@st.composite
def lives(draw: Callable[..., Any]) -> list[Decision]:
    """Draw a life: each command with the ticket before it and what the router decided."""
    first = opening(draw)
    decisions = [decide(None, first, POLICIES)]
    now = first.time
    for number in range(1, draw(st.integers(4, 25)) + 1):
        # mostly onward by minutes or days; now and then heard late, with an earlier time of happening
        now += timedelta(minutes=draw(st.sampled_from([0, 1, 25, 90, 600, 1500, 5000, 12000, -40, -2000])))
        ticket = decisions[-1].known
        command = next_command(draw, number, ticket, now)
        now = max(now, command.time)
        decisions.append(decide(ticket, command, POLICIES))
    return decisions


quickly = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def facts_of(life: list[Decision]) -> list[Fact]:
    return [fact for decision in life for fact in decision.facts]


@quickly
@given(lives())
def test_facts_are_numbered_without_a_gap_and_lead_to_the_ticket(life: list[Decision]) -> None:
    facts = facts_of(life)
    assert list(range(1, len(facts) + 1)) == [fact.sequence for fact in facts]
    ticket: Ticket | None = None
    for fact in facts:
        ticket = apply(ticket, fact)
    assert life[-1].ticket == ticket, "who folds the facts knows what the router knows"


@quickly
@given(lives())
def test_an_open_ticket_has_a_clock_or_waits_for_revisit_to_close_it(life: list[Decision]) -> None:
    for decision in life:
        ticket = decision.known
        note(f"{decision.command.type} at {decision.command.time} -> {ticket.stage}")
        assert ticket.stage is not Stage.OPENED
        if ticket.stage in TERMINAL or ticket.stage is Stage.MERGED:
            assert all(clock.kind is ClockKind.APPEAL for clock in ticket.clocks), "an appeal outlives its ticket"
        elif not ticket.clocks:
            assert ticket.stage in WITHOUT_A_CLOCK
            assert ticket.stage is Stage.EXPLAINED or ticket.rating is not None or ticket.rating_elapsed


@quickly
@given(lives())
def test_a_ticket_is_closed_once_per_generation_and_its_case_clock_starts_once(life: list[Decision]) -> None:
    facts = facts_of(life)
    closed = Counter(fact.generation for fact in facts if isinstance(fact, TicketClosed))
    assert set(closed.values()) <= {1}
    begun = {(c.kind, c.cycle, c.started_at) for f in facts for c in f.started if c.kind is ClockKind.CASE}
    assert len(begun) <= 1


@quickly
@given(lives())
def test_a_breach_bears_its_due_instant_which_lies_before_what_was_heard(life: list[Decision]) -> None:
    heard = START
    for decision in life:
        heard = max(heard, decision.command.time)
        for fact in decision.facts:
            if isinstance(fact, ClockBreached):
                assert fact.due_at == fact.time
                assert fact.due_at <= heard
    standing = [(b.kind, b.cycle, b.due_at) for b in life[-1].known.breaches]
    assert len(standing) == len(set(standing)), "one breach per clock; back at the desk it has another"


@quickly
@given(lives())
def test_a_clock_that_ended_late_left_a_breach_and_one_that_was_met_left_none(life: list[Decision]) -> None:
    ticket: Ticket | None = None
    for fact in facts_of(life):
        ticket = apply(ticket, fact)
        for clock in fact.stopped:
            windows = {ClockKind.RELEASE, ClockKind.RETURN, ClockKind.RATING, ClockKind.SUSPENSION}
            if clock.kind not in windows and clock.outcome not in {"cancelled", "paused"}:
                breach = ticket.breached(clock.kind, clock.cycle, clock.due_at)
                assert (clock.outcome == "late") == (breach is not None)


@quickly
@given(lives())
def test_a_refused_command_changes_nothing_but_the_sequence(life: list[Decision]) -> None:
    before: Ticket | None = None
    for decision in life:
        if decision.facts and decision.facts[-1].type == "command.refused.v1":
            assert 1 == len(decision.facts)
            assert before is not None
            assert before.model_copy(update={"sequence": before.sequence + 1}) == decision.known
        before = decision.known


@quickly
@given(lives())
def test_deciding_again_gives_the_same_bytes(life: list[Decision]) -> None:
    ticket: Ticket | None = None
    for decision in life:
        stored = Ticket.model_validate_json(ticket.model_dump_json()) if ticket else None
        again = decide(stored, decision.command, POLICIES)
        assert [encode(fact) for fact in decision.facts] == [encode(fact) for fact in again.facts]
        ticket = again.ticket


@quickly
@given(lives())
def test_sla_timer_knows_the_clocks_that_run_on_the_ticket(life: list[Decision]) -> None:
    state = None
    for fact in facts_of(life):
        state = follow_clocks(state, fact, position()).state
    assert state is not None
    told = {(c.kind, c.cycle, instant(c.due)) for c in state.clocks}
    assert {(c.kind, c.cycle, c.due_at) for c in life[-1].known.clocks} == told


def test_the_drawn_lives_reach_every_stage_and_every_decider() -> None:
    """A property that never meets a stage says nothing of it."""
    stages: Counter[Stage] = Counter()
    deciders: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(lives())
    def collect(life: list[Decision]) -> None:
        for decision in life:
            if not decision.facts or decision.facts[-1].type != "command.refused.v1":
                stages[decision.known.stage] += 1
                deciders[decision.command.type] += 1

    reachable = {*OPEN_STAGES, *TERMINAL} - {Stage.OPENED}
    for attempt in range(24):  # what Hypothesis draws differs with what else is loaded
        if (set(stages), set(deciders)) != (reachable, set(DECIDERS)):
            seed(attempt)(collect)()
    assert reachable == set(stages)
    assert set(DECIDERS) == set(deciders)
    assert SignalClocks.model_fields["type"].default in deciders
