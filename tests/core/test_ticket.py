"""The state machine: which fact may follow in which stage; and that a copy of a ticket holds what its model names."""

import re
from typing import Any

import pytest

from schemas.events import BY_TYPE, type_of
from schemas.facts import TICKET_FACTS, Fact
from schemas.vocabulary import Stage
from services.core.policy import Policy
from services.core.ticket import Ticket
from services.core.ticket_fold import apply
from services.core.transitions import ANYWHERE, OPEN_STAGES, TERMINAL, TRANSITIONS, IllegalTransitionError
from tests.builders import Story, closes, elapses, opens, passes, play, rates, reopens, replies, returns, signs, upholds

OPENED = opens("Mon 2026-11-02 09:00")
ANSWERED = (OPENED, signs("Mon 2026-11-02 09:30"), replies("Mon 2026-11-02 10:00"), passes("Mon 2026-11-02 10:00"))


def as_if(story: Story, name: str, stage: Stage) -> Fact:
    """The last fact of the story, told once more as another type, leading to `stage`."""
    data = dict(story.facts[-1]) | {"type": name, "stage": stage, "sequence": story.ticket.sequence + 1}
    return BY_TYPE[name].model_construct(**data)  # type: ignore[return-value]


def refused(ticket: Ticket | None, fact: Fact) -> str:
    with pytest.raises(IllegalTransitionError) as found:
        apply(ticket, fact)
    return str(found.value)


def test_a_fact_that_the_stage_does_not_know_is_a_defect_that_names_itself(policy: Policy) -> None:
    story = play(policy, OPENED)
    said = refused(story.ticket, as_if(story, "reply.accepted.v1", Stage.REVISITING))
    assert said == "reply.accepted.v1 to revisiting in stage dispatched of T-1"


def test_a_known_fact_may_not_lead_elsewhere(policy: Policy) -> None:
    story = play(policy, OPENED)
    assert "to closed in stage dispatched" in refused(story.ticket, as_if(story, "ticket.signed.v1", Stage.CLOSED))


@pytest.mark.parametrize("name", ANYWHERE)
def test_what_may_stand_anywhere_moves_no_ticket(policy: Policy, name: str) -> None:
    story = play(policy, OPENED)
    assert f"{name} to in_progress" in refused(story.ticket, as_if(story, name, Stage.IN_PROGRESS))


def test_only_withdrawing_leads_to_withdrawn_and_only_from_an_open_stage(policy: Policy) -> None:
    story = play(policy, OPENED)
    assert "ticket.signed.v1" in refused(story.ticket, as_if(story, "ticket.signed.v1", Stage.WITHDRAWN))
    assert "to closed" in refused(story.ticket, as_if(story, "ticket.withdrawn.v1", Stage.CLOSED))
    for stage in TERMINAL:
        ticket = story.ticket.model_copy(update={"stage": stage})
        assert "ticket.withdrawn.v1" in refused(ticket, as_if(story, "ticket.withdrawn.v1", Stage.WITHDRAWN))
    for stage in OPEN_STAGES:
        ticket = story.ticket.model_copy(update={"stage": stage})
        assert apply(ticket, as_if(story, "ticket.withdrawn.v1", Stage.WITHDRAWN)).stage is Stage.WITHDRAWN


def test_a_ticket_is_opened_once_and_first(policy: Policy) -> None:
    story = play(policy, OPENED)
    assert "ticket.opened.v1" in refused(story.ticket, as_if(story, "ticket.opened.v1", Stage.OPENED))
    said = refused(None, as_if(story, "ticket.signed.v1", Stage.IN_PROGRESS))
    assert said == "ticket.signed.v1 on a ticket that was never opened"


def test_every_transition_names_a_fact_of_the_contract() -> None:
    known = {type_of(cls) for cls in TICKET_FACTS}
    assert {name for _, name in TRANSITIONS} | set(ANYWHERE) <= known
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+\.v1", name) for name in known)


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ((*ANSWERED, rates("Mon 2026-11-02 11:00")), {"rating": "satisfied", "rating_elapsed": False}),
        ((*ANSWERED, elapses("rating")), {"rating": None, "rating_elapsed": True}),
        (
            (
                *ANSWERED,
                rates("Mon 2026-11-02 11:00"),
                closes("Mon 2026-11-02 11:00"),
                reopens("Tue 2026-11-03 09:00"),
            ),
            {"rating": None, "rating_elapsed": False, "closed_at": None, "generation": 2},
        ),
        (
            (
                OPENED,
                signs("Mon 2026-11-02 09:30"),
                returns("Mon 2026-11-02 10:00", to="U-URBAN"),
                upholds("Mon 2026-11-02 11:00"),
            ),
            {"return_due_at": None, "proposed_unit": None, "returns": 1, "unit": "U-URBAN"},
        ),
    ],
)
def test_what_the_ticket_knows_after_a_story(
    policy: Policy, commands: tuple[Any, ...], expected: dict[str, Any]
) -> None:
    ticket = play(policy, *commands).ticket
    assert {name: getattr(ticket, name) for name in expected} == expected
    assert set(ticket.__dict__) == set(Ticket.model_fields)
