"""The router: commands in, facts out; each command decided once, pulses passed on behind them."""

from typing import Any

import pytest

from schemas.commands import PulseClock
from schemas.facts import ClockPulsed
from services.core.policy import Policies, Policy
from services.core.service import Fold, Rejected
from services.router.service import REMEMBERED_COMMANDS, RouterState, service
from tests.builders import (
    at,
    closes,
    local,
    names,
    opens,
    passes,
    position,
    rates,
    replies,
    signs,
    told,
    urges,
    withdraws,
)

AT = position(topic="ticket-commands")
OPENED = opens("Wed 2026-09-23 09:00")
CLOSING = (
    OPENED,
    signs("Wed 2026-09-23 09:30"),
    replies("Wed 2026-09-23 15:00"),
    passes("Wed 2026-09-23 15:00"),
    rates("Thu 2026-09-24 09:00"),
    closes("Thu 2026-09-24 09:00"),
)


@pytest.fixture
def fold(policies: Policies) -> Fold[RouterState]:
    return service(policies).folds[0]


def run(fold: Fold[RouterState], *commands: Any) -> tuple[RouterState | None, list[Any]]:
    state, outputs = None, []
    for command in commands:
        step = fold.handle(state, command, AT)
        state = step.state
        outputs += step.outputs
    return state, outputs


def test_facts_go_to_ticket_events_and_the_closing_one_to_closed_tickets_too(
    policy: Policy, fold: Fold[RouterState]
) -> None:
    _, outputs = run(fold, *CLOSING)
    assert list(told(policy, *CLOSING)) == [o.event for o in outputs if o.topic == "ticket-events"]
    closed = [o.event for o in outputs if o.topic == "closed-tickets"]
    assert ["ticket.closed"] == names(closed)
    assert outputs[-2].event == closed[0], "the fact itself, under its own id"
    assert {None} == {o.partition for o in outputs}


def test_the_same_command_twice_changes_nothing(fold: Fold[RouterState]) -> None:
    state, _ = run(fold, *CLOSING[:3])
    for command in CLOSING[1:3]:
        step = fold.handle(state, command, AT)
        assert (state, (), True) == (step.state, step.outputs, step.duplicate)


def test_a_refused_command_sent_again_is_not_refused_again(fold: Fold[RouterState]) -> None:
    again = signs("Wed 2026-09-23 10:00")
    state, outputs = run(fold, *CLOSING[:2], again, again)
    assert state is not None
    assert ["command.refused"] == names([outputs[-1].event])
    assert 1 == sum(o.event.type == "command.refused.v1" for o in outputs)


def test_a_re_sent_ticket_meets_its_first_copy(fold: Fold[RouterState]) -> None:
    state, outputs = run(fold, OPENED)
    step = fold.handle(state, opens("Wed 2026-09-23 09:05"), AT)
    assert (state, (), True) == (step.state, step.outputs, step.duplicate)
    assert 2 == len(outputs)


def test_only_the_last_commands_are_remembered(fold: Fold[RouterState]) -> None:
    many = [urges("Wed 2026-09-23 10:00") for _ in range(REMEMBERED_COMMANDS + 5)]
    state, _ = run(fold, OPENED, *many)
    assert state is not None
    assert [c.id for c in many[-REMEMBERED_COMMANDS:]] == list(state.decided)


def test_a_pulse_is_passed_on_into_its_own_partition_with_an_id_of_its_own(fold: Fold[RouterState]) -> None:
    pulse = PulseClock(id="p-1", source="/clock", time=at("Wed 2026-09-23 09:00"))
    (first,), (again,), (other,) = (fold.on_pulse(pulse, partition, None) for partition in (3, 3, 4))
    assert ("ticket-events", 3, "") == (first.topic, first.partition, first.event.subject)
    assert isinstance(first.event, ClockPulsed)
    assert (pulse.time, "p-1") == (first.event.time, first.event.causation)
    assert first == again
    assert first.event.id != other.event.id
    assert () == fold.on_pulse(OPENED, 3, None)


def test_a_command_for_a_ticket_that_was_never_opened_is_rejected(fold: Fold[RouterState]) -> None:
    with pytest.raises(Rejected) as caught:
        fold.handle(None, CLOSING[1], AT)
    assert "unknown-ticket" == caught.value.code


def test_what_is_no_command_is_rejected(policy: Policy, fold: Fold[RouterState]) -> None:
    with pytest.raises(Rejected) as caught:
        fold.handle(None, told(policy, OPENED)[0], AT)
    assert "unexpected-type" == caught.value.code
    with pytest.raises(Rejected) as caught:
        fold.handle(None, OPENED.model_copy(update={"subject": ""}), AT)
    assert "missing-subject" == caught.value.code


def test_the_queue_age_counts_from_the_entry_into_the_stage(fold: Fold[RouterState]) -> None:
    state, _ = run(fold, *CLOSING[:2], urges("Wed 2026-09-23 10:00"))
    assert state is not None
    entry = fold.queue(state)
    assert entry is not None
    assert ("in_progress", "help", "urban", "Wed 2026-09-23 09:30") == (
        entry.stage, entry.kind, entry.unit_group, local(entry.since),
    )  # fmt: skip
    assert {"return", "handle", "case"} == {clock.kind for clock in fold.clocks(state)}
    gone, _ = run(fold, OPENED, withdraws("Wed 2026-09-23 10:00"))
    assert gone is not None
    assert (None, ()) == (fold.queue(gone), fold.clocks(gone))


def test_the_state_survives_its_bytes(fold: Fold[RouterState]) -> None:
    state, _ = run(fold, *CLOSING)
    assert state is not None
    assert state == RouterState.model_validate_json(state.model_dump_json())
