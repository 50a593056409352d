"""What every fold shares: facts in sequence; and what the table of deciders takes no decision about."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, timedelta

import pytest

from schemas.commands import PulseClock
from services.core.deadlines import Limit, dispatch_by, due, fraction_instant, not_on_day_off, release_at
from services.core.lifecycle.decide import decide
from services.core.policy import Policies, Policy
from services.core.service import Rejected, dump_json, in_sequence, load_json
from services.core.ticket import Ticket
from tests.builders import at, opens, play, signs


@pytest.mark.parametrize(
    ("last", "sequence", "code"), [(0, None, "missing-sequence"), (0, 2, "sequence-gap"), (5, 9, "sequence-gap")]
)
def test_a_fact_without_its_place_or_beyond_a_gap_is_rejected(last: int, sequence: int | None, code: str) -> None:
    with pytest.raises(
        Rejected, match=r"^a fact without ce_sequence cannot be ordered$|^expected sequence [16], got [29]$"
    ) as found:
        in_sequence(last, sequence)
    assert found.value.code == code


def test_the_next_fact_is_applied_and_an_earlier_one_was() -> None:
    assert in_sequence(0, 1)
    assert in_sequence(4, 5)
    assert not in_sequence(4, 4)
    assert not in_sequence(4, 1)


def test_a_table_value_leaves_out_what_is_as_it_is_by_default(policy: Policy) -> None:
    ticket = play(policy, opens("Mon 2026-11-02 09:00")).ticket
    value = dump_json(ticket)
    said = json.loads(value[1:])
    assert (b"1", "T-1", ticket) == (value[:1], said["id"], load_json(Ticket, value))
    assert {"extensions", "children", "parent"}.isdisjoint(said)


def test_a_pulse_is_nothing_to_decide(policy: Policy) -> None:
    pulse = PulseClock(id="p-1", source="/clock", time=at("Mon 2026-11-02 09:00"))
    with pytest.raises(Rejected, match=r"^clock\.pulse\.v1 is no command about a ticket$") as found:
        decide(None, pulse, Policies.always(policy))  # type: ignore[arg-type]
    assert found.value.code == "unexpected-type"


def test_a_ticket_that_was_never_opened_is_unknown(policy: Policy) -> None:
    with pytest.raises(Rejected, match=r"^the command names a ticket that was never opened$") as found:
        decide(None, signs("Mon 2026-11-02 09:00"), Policies.always(policy))
    assert found.value.code == "unknown-ticket"


def test_a_time_beyond_the_calendar_is_rejected(policy: Policy) -> None:
    with pytest.raises(Rejected) as found:
        decide(None, opens("Mon 2035-01-01 09:00"), Policies.always(policy))
    assert found.value.code == "beyond-the-calendar"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own zone is New York."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
def test_every_due_instant_is_utc_whatever_the_zone_of_the_machine(policy: Policy) -> None:
    start, calendar = at("Mon 2026-11-02 12:30"), policy.calendar
    instants = [
        due(start, Limit(3, "working_days"), calendar),
        due(start, Limit(2, "working_hours"), calendar),
        due(start, Limit(24, "hours"), calendar),
        due(start, Limit(1, "working_days"), calendar, day_end="same_time"),
        due(start, Limit(1, "working_days"), calendar, day_end="midnight"),
        release_at(start, calendar),
        dispatch_by(start, calendar, policy.rulebook.dispatch.out_by),
        not_on_day_off(start, calendar, policy.rulebook.return_.moves_to),
        not_on_day_off(start - timedelta(days=1), calendar, policy.rulebook.return_.moves_to),
        fraction_instant(start, start + timedelta(hours=9), 50, calendar, wall_clock=True),
    ]
    assert {instant.tzinfo for instant in instants} == {UTC}


@pytest.mark.parametrize("percent", [1, 33, 50, 99])
def test_a_part_of_a_wall_clock_limit_lies_on_the_microsecond(policy: Policy, percent: int) -> None:
    start = at("Mon 2026-11-02 09:00")
    found = fraction_instant(start, start + timedelta(seconds=7), percent, policy.calendar, wall_clock=True)
    assert found == start + timedelta(microseconds=7_000_000 * percent // 100)
