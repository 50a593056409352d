"""Whole lives through router and sla-timer, pulses lost, doubled and late: the invariants, and a plant for each."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from schemas.commands import Command, DecideExtension, RequestExtension
from schemas.envelope import Event
from schemas.facts import ClockBreached, CommandRefused, ExtensionGranted, Fact, TicketClosed, TicketSigned
from schemas.vocabulary import ClockKind, Stage
from schemas.wire import encode
from services.core.decision import Decision
from services.core.lifecycle import decide as deciders
from services.core.lifecycle import handling
from services.core.succession import Succession
from services.core.transitions import TERMINAL
from services.router.service import RouterState
from services.router.service import handle as route
from services.sla_timer import service as sla_timer
from services.sla_timer.state import TimerState
from tests.builders import TICKET, actor, position
from tests.core.test_life_properties import POLICIES, START, WITHOUT_A_CLOCK, next_command, opening

SUCCESSION = Succession.of(POLICIES)


class TicketLife(RuleBasedStateMachine):
    """One ticket: what its actors say, when, how often; the router decides, sla-timer is woken or not."""

    def __init__(self) -> None:
        super().__init__()
        self.router: RouterState | None = None
        self.timer: TimerState | None = None
        self.now = START
        self.heard: list[Command] = []
        self.facts: list[Fact] = []

    def hear(self, command: Command) -> None:
        before = self.router
        step = route(POLICIES, before, command, position())
        self.now = max(self.now, command.time)
        self.heard.append(command)
        assert step.state is not None
        self.router = step.state
        facts = [out.event for out in step.outputs if isinstance(out.event, Fact) and out.topic == "ticket-events"]
        self.facts.extend(facts)
        for fact in facts:
            self.timer = sla_timer.handle(self.timer, fact, position()).state
            if isinstance(fact, ClockBreached):
                assert fact.time == fact.due_at <= self.now, "a breach bears its due instant, which passed"
        if any(isinstance(fact, CommandRefused) for fact in facts):
            (refusal,) = facts
            assert isinstance(refusal, CommandRefused)
            assert refusal.code, "refused without a reason"
            assert before is not None
            assert before.ticket.model_copy(update={"sequence": refusal.sequence}) == self.router.ticket, "changed"

    @initialize(data=st.data())
    def open(self, data: Any) -> None:
        command = opening(data.draw)
        self.now = command.time
        self.hear(command)

    @rule(data=st.data(), minutes=st.sampled_from([0, 1, 25, 90, 600, 1500, 5000, 12000, -40, -2000]))
    def say(self, data: Any, minutes: int) -> None:
        assert self.router is not None
        said = self.now + timedelta(minutes=minutes)
        self.hear(next_command(data.draw, len(self.heard), self.router.ticket, said))

    @rule(data=st.data())
    def say_again(self, data: Any) -> None:
        before = self.router
        self.hear(data.draw(st.sampled_from(self.heard)))
        assert before == self.router, "what was said twice is decided once"

    @rule()
    def extend(self) -> None:
        assert self.router is not None
        base = {"source": "/test", "subject": TICKET, "time": self.now}
        who = actor(f"unit:{self.router.ticket.unit}")
        self.hear(RequestExtension.model_validate(base | {"id": f"c-{len(self.heard)}", "actor": who, "reason": "r"}))
        answer = base | {"id": f"c-{len(self.heard)}", "actor": actor("office"), "granted": True}
        self.hear(DecideExtension.model_validate(answer))

    @rule(minutes=st.sampled_from([30, 300, 3000, 30000]))
    def lose_pulses(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(doubled=st.booleans())
    def pulse(self, doubled: bool) -> None:
        for _ in range(1 + doubled):
            assert self.timer is not None
            step = sla_timer.wake(POLICIES, SUCCESSION, TICKET, self.timer, self.now)
            self.timer = step.state
            for out in step.outputs:
                assert isinstance(out.event, Command)
                self.hear(out.event)

    @invariant()
    def an_open_ticket_has_a_clock(self) -> None:
        if self.router is None:
            return
        ticket = self.router.ticket
        if ticket.stage in TERMINAL:
            assert all(clock.kind is ClockKind.APPEAL for clock in ticket.clocks), "only an appeal outlives its ticket"
        else:
            assert ticket.clocks or ticket.stage in WITHOUT_A_CLOCK, "no live clock"

    @invariant()
    def extensions_keep_to_the_rules(self) -> None:
        granted: Counter[int] = Counter()
        for fact in self.facts:
            if isinstance(fact, ExtensionGranted):
                assert fact.kind is not None
                granted[fact.generation] += 1
                most = POLICIES.at(fact.time).rulebook.kinds[fact.kind].extension.max_count
                assert granted[fact.generation] <= most, "too many extensions"

    @invariant()
    def closed_once_per_generation(self) -> None:
        closed = Counter(fact.generation for fact in self.facts if isinstance(fact, TicketClosed))
        assert max(closed.values(), default=1) == 1, "closed twice"

    def teardown(self) -> None:
        state: RouterState | None = None
        facts: list[Event] = []
        for command in self.heard:
            step = route(POLICIES, state, command, position())
            state = step.state
            facts += [out.event for out in step.outputs if out.topic == "ticket-events"]
        assert self.router == state
        assert [encode(fact) for fact in self.facts] == [encode(fact) for fact in facts], "a replay decides otherwise"


def play(lives: int) -> None:
    quietly = settings(
        max_examples=lives, stateful_step_count=30, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    run_state_machine_as_test(TicketLife, settings=quietly)


def test_whole_lives_keep_every_invariant() -> None:
    play(150)


def unlimited_extensions(d: Decision, command: Any) -> Decision:
    """Plant: forget how many extensions there were."""
    forgetful = d.known.model_copy(update={"extensions": 0})
    asked = handling.request_extension(Decision(forgetful, command, d.policies), command)
    return asked if asked.facts[-1].type == "extension.requested.v1" else handling.request_extension(d, command)


def sign_back_to_the_queue(d: Decision, _command: Any) -> Decision:
    """Plant: a signed ticket goes back to the desk."""
    return d.then(TicketSigned, "Art. 7", stage=Stage.QUEUED)


def forget_the_clocks(d: Decision, command: Any) -> Decision:
    """Plant: a signed ticket loses its clocks."""
    signed = handling.sign_ticket(d, command)
    assert signed.ticket is not None
    return Decision(signed.ticket.model_copy(update={"clocks": ()}), command, d.policies, signed.facts)


def refuse_without_a_reason(d: Decision, _command: Any) -> Decision:
    return d.refuse("", "Art. 7")


def refuse_and_change(d: Decision, _command: Any) -> Decision:
    refused = d.refuse("not-now", "Art. 7")
    return Decision(refused.known.model_copy(update={"contacts": 9}), d.command, d.policies, refused.facts)


def breach_ahead(d: Decision, command: Any) -> Decision:
    """Plant: every signature breaches a clock that has not run out."""
    due_at = command.time + timedelta(days=400)
    return d.then(ClockBreached, "Art. 10", at=due_at, clock=ClockKind.HANDLE, due_at=due_at, clock_cycle=1)


told: list[str] = []


def decide_by_something_outside(d: Decision, _command: Any) -> Decision:
    told.append("once more")
    return d.refuse(f"asked-{len(told)}-times", "Art. 7")


@pytest.mark.parametrize(
    ("command", "plant", "says"),
    [
        ("extension.request.v1", unlimited_extensions, "too many extensions"),
        ("ticket.sign.v1", sign_back_to_the_queue, "ticket.signed.v1 to queued"),
        ("ticket.sign.v1", forget_the_clocks, "no live clock"),
        ("ticket.sign.v1", refuse_without_a_reason, "without a reason|at least 1 character"),
        ("ticket.sign.v1", refuse_and_change, "changed"),
        ("ticket.sign.v1", breach_ahead, "which passed"),
        ("ticket.sign.v1", decide_by_something_outside, "decides otherwise|assert"),
    ],
)
def test_a_planted_defect_breaks_its_invariant(
    command: str, plant: Callable[[Decision, Any], Decision], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(deciders.DECIDERS, command, plant)
    with pytest.raises(Exception, match=says):
        play(150)
