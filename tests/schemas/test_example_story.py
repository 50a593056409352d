"""The ticket that runs through the examples could have lived: the real router says the same about the same commands."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.commands import Command
from schemas.docs import STORY
from schemas.events import BY_TYPE
from schemas.facts import TICKET_FACTS, Fact
from schemas.vocabulary import ClockKind, Stage
from services.core.decision import Decision
from services.core.lifecycle.decide import decide
from services.core.policy import Policies
from services.core.ticket import Ticket
from services.core.ticket_fold import apply
from services.core.transitions import IllegalTransitionError
from services.runtime.policy_files import load_policies
from tests.schemas.example_records import EVERY, event, of
from tests.schemas.retell import policies_of

KEYS = sorted({e["key"] for _, e in EVERY if e["topic"] == "ticket-events" and e["key"]})
ENDS = {Stage.WITHDRAWN, Stage.DIVERTED, Stage.ANSWERED, Stage.DECLINED, Stage.CLOSED}


def at(text: str) -> datetime:
    """Read "Mon 2026-09-21 18:00" as local time; the weekday must be right."""
    local = datetime.fromisoformat(text[4:]).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    assert f"{local:%a}" == text[:3], f"{text} is a {local:%A}"
    return local.astimezone(UTC)


def facts_of(key: str) -> list[Fact]:
    return [fact for fact in of("ticket-events", key) if isinstance(fact, Fact)]


def fold(facts: list[Fact]) -> Ticket | None:
    ticket: Ticket | None = None
    for fact in facts:
        ticket = apply(ticket, fact)
    return ticket


def essence(fact: Fact) -> dict[str, Any]:
    """Everything but the versions of rulebook and calendar, which new notices change."""
    said = fact.model_dump(exclude={"rulebook"})
    return said | {"started": [{k: v for k, v in clock.items() if k != "calendar"} for clock in said["started"]]}


@pytest.fixture(scope="module")
def county() -> Policies:
    return load_policies(Path(__file__).parents[2] / "ops", "weixi")


def test_the_stories_show_every_fact_that_a_ticket_can_live_through() -> None:
    every = {name for name, cls in BY_TYPE.items() if cls in TICKET_FACTS}
    assert every == {fact.type for key in KEYS for fact in facts_of(key)}


@pytest.mark.parametrize("key", KEYS)
def test_the_facts_of_a_ticket_are_counted_without_a_gap(key: str) -> None:
    assert list(range(1, len(facts_of(key)) + 1)) == [fact.sequence for fact in facts_of(key)]


@pytest.mark.parametrize("key", KEYS)
def test_the_state_machine_allows_the_whole_life(key: str) -> None:
    ticket = fold(facts_of(key))
    assert ticket is not None
    assert () == ticket.clocks, "a life that ended leaves no clock running"
    assert ticket.stage in ENDS


def test_a_life_with_a_fact_left_out_is_not_allowed() -> None:
    without = [fact for fact in facts_of(STORY) if fact.type != "ticket.dispatched.v1"]
    with pytest.raises(IllegalTransitionError, match=r"ticket\.signed\.v1 to in_progress in stage queued"):
        fold(without)


@pytest.mark.parametrize("key", KEYS)
def test_the_router_says_these_facts_to_these_commands(key: str, county: Policies) -> None:
    commands = {command.id: command for command in of("ticket-commands", key)}
    expected = facts_of(key)
    order = list(dict.fromkeys(fact.causation for fact in expected))
    assert set(order) == set(commands), "each command led to a fact, each fact came from a command"
    ticket: Ticket | None = None
    said: list[Fact] = []
    for causation in order:
        command = commands[str(causation)]
        assert isinstance(command, Command)
        decision: Decision = decide(ticket, command, policies_of(key, county))
        ticket = decision.ticket
        said += decision.facts
    assert [essence(fact) for fact in expected] == [essence(fact) for fact in said]


@pytest.mark.parametrize(
    ("sequence", "clock", "due"),
    [
        (2, ClockKind.RELEASE, "Thu 2026-09-17 08:30"),  # the opening of the next working day (Art. 6)
        (2, ClockKind.DISPATCH, "Thu 2026-09-17 10:00"),  # off-hours: out by 10:00 (Art. 6)
        (5, ClockKind.SIGN, "Thu 2026-09-17 11:10"),  # 2 working hours from 09:10 (Art. 7)
        (5, ClockKind.HANDLE, "Mon 2026-09-21 18:00"),  # Fri 18, Sun 20 (worked), Mon 21 (Art. 8)
        (6, ClockKind.RETURN, "Fri 2026-09-18 10:00"),  # 24 hours from signing (Art. 7)
        (10, ClockKind.SIGN, "Thu 2026-09-17 17:00"),
        (14, ClockKind.ADJUDICATE, "Sun 2026-09-20 18:00"),  # Friday does not count; Sunday is worked
        (20, ClockKind.HANDLE, "Wed 2026-09-23 18:00"),  # 5 in all from Thu 17: 18, 20, 21, 22, 23 (Art. 8)
        (30, ClockKind.RATING, "Fri 2026-10-09 18:00"),  # 28, 29, 30 September, 8 and 9 October (Art. 9)
        (35, ClockKind.HANDLE, "Thu 2026-10-08 16:00"),  # 29, 30, 8; the upstream's 18:00 less 2 working hours
        (38, ClockKind.RATING, "Mon 2026-10-12 18:00"),  # 30, 8, 9, Sat 10 (worked), Mon 12
        (41, ClockKind.EXPLAIN, "Wed 2026-09-30 18:00"),
        (45, ClockKind.DISPATCH, "Thu 2026-10-08 18:00"),  # in working hours: the same day (Art. 6)
    ],
)
def test_deadlines_of_the_story_are_those_counted_by_hand(sequence: int, clock: ClockKind, due: str) -> None:
    started = {c.kind: c.due_at for c in facts_of(STORY)[sequence - 1].started}
    assert at(due) == started[clock]


def test_the_closed_ticket_stream_holds_the_closing_fact_itself() -> None:
    copies = [e for p, e in EVERY if e["topic"] == "closed-tickets"]
    closing = [e for p, e in EVERY if e["topic"] == "ticket-events" and p.parent.name == "ticket.closed.v1"]
    assert [(e["headers"], e["value"]) for e in closing] == [(e["headers"], e["value"]) for e in copies]


def test_reminders_measures_and_scores_name_the_example_that_caused_them() -> None:
    told = {event(e).id for _, e in EVERY}
    derived = [e for _, e in EVERY if e["topic"] in {"reminder-events", "unit-measures"}]
    assert derived
    assert [] == [e["about"] for e in derived if e["headers"]["ce_causation"] not in told]
