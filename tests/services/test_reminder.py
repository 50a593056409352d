"""Reminder: one reminder per rung, ticket and cycle; outside office hours it waits for the opening (Art. 10)."""

from typing import Any

import pytest

from schemas.commands import Command
from schemas.facts import Fact
from schemas.supervision import ReminderIssued
from schemas.vocabulary import ClockKind, Rung
from services.core.policy import Policies, Policy
from services.core.service import Fold, Rejected, Step
from services.reminder.ladder import LadderState
from services.reminder.service import service
from tests.builders import (
    TICKET,
    Alarm,
    asks_for_time,
    at,
    elapses,
    fails,
    grants,
    judges,
    local,
    opens,
    passes,
    position,
    rates,
    replies,
    signs,
    told,
    urges,
)

SIGNED = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))
Told = tuple[str, str, str, str, bool]


def rings(rung: str, when: str, kind: str = "handle") -> Alarm:
    return Alarm(ClockKind(kind), Rung(rung), when)


@pytest.fixture
def fold(policies: Policies) -> Fold[LadderState]:
    return service(policies).folds[0]


class Desk:
    """The fold with its state, and everything it said."""

    def __init__(self, policy: Policy, fold: Fold[LadderState]) -> None:
        self.policy, self.fold = policy, fold
        self.state: LadderState | None = None
        self.said: list[ReminderIssued] = []

    def hears(self, *commands: Command | Alarm) -> None:
        """Fold the facts that are new since what it heard before."""
        known = self.state.sequence if self.state else 0
        for fact in told(self.policy, *commands)[known:]:
            self._take(self.fold.handle(self.state, fact, position()))

    def wakes(self, when: str) -> None:
        assert self.fold.wake is not None
        assert self.state is not None
        due = self.fold.wake_at(self.state)
        if due is not None and due <= at(when):
            self._take(self.fold.wake(TICKET, self.state, at(when)))

    def _take(self, step: Step[LadderState]) -> None:
        self.state = step.state
        assert {"reminder-events", "unit-reminders"} >= {output.topic for output in step.outputs}
        self.said += [o.event for o in step.outputs if isinstance(o.event, ReminderIssued)]

    @property
    def reminders(self) -> list[Told]:
        return [(r.clock.value, r.rung.value, local(r.time), r.channel, r.to_head) for r in self.said]


@pytest.fixture
def desk(policy: Policy, fold: Fold[LadderState]) -> Desk:
    return Desk(policy, fold)


LADDER = (
    rings("half", "Thu 2026-09-24 15:00"),
    rings("four_fifths", "Tue 2026-09-29 09:24"),
    rings("near_due", "Tue 2026-09-29 16:00"),
    elapses("case"),
    elapses("handle"),
    rings("overdue_daily", "Wed 2026-09-30 08:30"),
    rings("overdue_daily", "Thu 2026-10-08 08:30"),
)


def test_the_ladder_is_climbed_rung_by_rung(desk: Desk) -> None:
    desk.hears(*SIGNED, *LADDER[:5])
    desk.wakes("Wed 2026-09-30 08:30")
    desk.hears(*SIGNED, *LADDER)
    assert [
        ("handle", "half", "Thu 2026-09-24 15:00", "written", False),
        ("handle", "four_fifths", "Tue 2026-09-29 09:24", "written", False),
        ("handle", "near_due", "Tue 2026-09-29 16:00", "phone", False),
        ("handle", "overdue", "Wed 2026-09-30 08:30", "written", True),  # due at the close: waits for the opening
        ("handle", "overdue_daily", "Wed 2026-09-30 08:30", "written", False),
        ("handle", "overdue_daily", "Thu 2026-10-08 08:30", "written", False),
    ] == desk.reminders


def test_one_reminder_per_rung_of_a_clock_ever(desk: Desk) -> None:
    asked = (*SIGNED, rings("half", "Thu 2026-09-24 15:00"), asks_for_time("Thu 2026-09-24 16:00"))
    desk.hears(*asked, grants("Thu 2026-09-24 17:00"), rings("half", "Mon 2026-09-28 15:00"))
    assert [("handle", "half", "Thu 2026-09-24 15:00", "written", False)] == desk.reminders


def test_the_next_leg_has_a_ladder_of_its_own(desk: Desk) -> None:

    redone = (
        *SIGNED,
        rings("half", "Thu 2026-09-24 15:00"),
        replies("Thu 2026-09-24 16:00"),
        passes("Thu 2026-09-24 16:00"),
        rates("Thu 2026-09-24 16:10", "dissatisfied"),
        judges("Thu 2026-09-24 16:20", justified=True),
        rings("half", "Mon 2026-09-28 15:00"),
    )
    desk.hears(*redone)
    assert [1, 2] == [r.clock_cycle for r in desk.said]


@pytest.mark.parametrize(
    ("reached", "goes_out"),
    [
        ("Thu 2026-09-24 15:00", "Thu 2026-09-24 15:00"),
        ("Thu 2026-09-24 12:00", "Thu 2026-09-24 14:30"),  # the lunch break
        ("Thu 2026-09-24 20:00", "Mon 2026-09-28 08:30"),  # Mid-Autumn
        ("Sat 2026-09-19 10:00", "Sun 2026-09-20 08:30"),  # a Sunday that is worked
    ],
)
def test_a_reminder_waits_for_the_opening(desk: Desk, reached: str, goes_out: str) -> None:
    desk.hears(opens("Fri 2026-09-18 09:00"), signs("Fri 2026-09-18 09:30"), rings("half", reached))
    desk.wakes(goes_out)
    assert [goes_out] == [told[2] for told in desk.reminders]


def test_nothing_goes_out_before_the_opening(desk: Desk) -> None:
    desk.hears(*SIGNED, rings("half", "Wed 2026-09-23 20:00"))
    desk.wakes("Thu 2026-09-24 08:29:59")
    assert [] == desk.reminders
    desk.wakes("Thu 2026-09-24 08:30")
    desk.wakes("Thu 2026-09-24 08:31")
    assert 1 == len(desk.reminders)


@pytest.mark.parametrize("kind", ["complaint", "report", "enforcement"])
def test_urgent_kinds_are_reminded_at_any_hour(desk: Desk, kind: str) -> None:
    desk.hears(opens("Fri 2026-09-25 02:00", kind=kind), elapses("sign"))
    assert [("sign", "overdue", "Fri 2026-09-25 04:00", "written", True)] == desk.reminders


def test_a_reminder_is_dropped_when_the_unit_answers_before_the_opening(desk: Desk) -> None:
    desk.hears(*SIGNED, rings("half", "Wed 2026-09-23 20:00"))
    desk.hears(
        *SIGNED,
        rings("half", "Wed 2026-09-23 20:00"),
        replies("Wed 2026-09-23 21:00"),
        passes("Wed 2026-09-23 21:00"),
    )
    desk.wakes("Thu 2026-09-24 08:30")
    assert [] == desk.reminders


def test_a_reply_that_fails_before_the_opening_drops_no_reminder(desk: Desk) -> None:
    night = (*SIGNED, rings("half", "Wed 2026-09-23 20:00"))
    desk.hears(*night)
    desk.hears(*night, replies("Wed 2026-09-23 21:00"), fails("Wed 2026-09-23 21:00"))
    desk.wakes("Thu 2026-09-24 08:30")
    assert [("handle", "half")] == [told[:2] for told in desk.reminders]


def test_an_overdue_notice_is_dropped_when_its_breach_is_taken_back_before_the_opening(desk: Desk) -> None:
    overdue = (*SIGNED, asks_for_time("Tue 2026-09-29 17:00"), elapses("case"), elapses("handle"))
    desk.hears(*overdue)
    desk.hears(*overdue, grants("Tue 2026-09-29 20:00"))
    desk.wakes("Wed 2026-09-30 08:30")
    assert [] == desk.reminders


@pytest.mark.parametrize("opened", ["Wed 2026-09-23 10:00", "Wed 2026-09-23 16:00"])
def test_a_unit_that_did_not_sign_is_told_though_silence_was_deemed_signing(desk: Desk, opened: str) -> None:
    desk.hears(opens(opened), elapses("sign"))  # due at 12:00, or at 18:00: the office is closed then
    desk.wakes("Thu 2026-09-24 08:30")
    assert [("sign", "overdue")] == [told[:2] for told in desk.reminders]


def test_a_signature_heard_late_drops_the_notice(desk: Desk) -> None:
    late = (opens("Wed 2026-09-23 16:00"), elapses("sign"))
    desk.hears(*late)
    desk.hears(*late, signs("Wed 2026-09-23 17:00"))
    desk.wakes("Thu 2026-09-24 08:30")
    assert [] == desk.reminders


def test_the_citizen_s_clock_and_the_office_s_own_remind_no_unit(desk: Desk) -> None:
    desk.hears(opens("Wed 2026-09-23 09:00", category="other"), elapses("dispatch"))
    desk.wakes("Thu 2026-09-24 08:30")
    assert [] == desk.reminders


DAILY = [rings("overdue_daily", f"{day} 08:30") for day in (
    "Wed 2026-09-30", "Thu 2026-10-08", "Fri 2026-10-09", "Sat 2026-10-10", "Mon 2026-10-12", "Tue 2026-10-13",
)]  # fmt: skip


def test_the_fifth_working_day_overdue_goes_to_the_leader_instead(desk: Desk) -> None:
    desk.hears(*SIGNED, elapses("case"), elapses("handle"))
    desk.wakes("Wed 2026-09-30 08:30")
    desk.hears(*SIGNED, elapses("case"), elapses("handle"), *DAILY)
    assert ["overdue", *["overdue_daily"] * 4, "escalated", "overdue_daily"] == [told[1] for told in desk.reminders]
    assert ("handle", "escalated", "Mon 2026-10-12 08:30", "written", True) in desk.reminders


@pytest.mark.parametrize(
    ("urged", "told_at"),
    [("Wed 2026-09-23 10:00", "Wed 2026-09-23 10:00"), ("Wed 2026-09-23 20:00", "Thu 2026-09-24 08:30")],
)
def test_the_citizen_s_urge_reaches_the_unit_by_phone(desk: Desk, urged: str, told_at: str) -> None:
    desk.hears(*SIGNED, urges(urged))
    desk.wakes(told_at)
    assert [("handle", "urged", told_at, "phone", False)] == desk.reminders


def test_two_urges_of_one_second_are_two(desk: Desk) -> None:
    desk.hears(*SIGNED, urges("Wed 2026-09-23 10:00"), urges("Wed 2026-09-23 10:00"))
    assert 2 == len({r.id for r in desk.said})


def test_an_urge_where_no_unit_handles_reminds_nobody(desk: Desk) -> None:
    desk.hears(opens("Wed 2026-09-23 09:00", category="other"), urges("Wed 2026-09-23 10:00"))
    replied = (opens("Wed 2026-09-23 09:00"), replies("Wed 2026-09-23 09:30"), passes("Wed 2026-09-23 09:30"))
    desk.state = None
    desk.hears(*replied, urges("Wed 2026-09-23 10:00"))
    assert [] == desk.reminders


def test_the_same_history_gives_the_same_ids(policy: Policy, fold: Fold[LadderState]) -> None:
    said = []
    for _ in range(2):
        again = Desk(policy, fold)
        again.hears(*SIGNED, *LADDER)
        again.wakes("Thu 2026-10-08 08:30")
        said.append([r.id for r in again.said])
    assert said[0] == said[1]
    assert len(said[0]) == len(set(said[0]))


def test_a_fact_heard_twice_reminds_nobody_twice(policy: Policy, fold: Fold[LadderState], desk: Desk) -> None:
    history = (*SIGNED, rings("half", "Thu 2026-09-24 15:00"))
    desk.hears(*history)
    last: Fact = told(policy, *history)[-1]
    step: Any = fold.handle(desk.state, last, position(7))
    assert (desk.state, (), True) == (step.state, step.outputs, step.duplicate)


def test_a_gap_in_the_sequence_is_rejected(policy: Policy, fold: Fold[LadderState]) -> None:
    with pytest.raises(Rejected, match="expected sequence 1, got 2"):
        fold.handle(None, told(policy, *SIGNED)[1], position())
