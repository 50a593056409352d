"""Revisit: reviews replies, asks for contact attempts, and says when a ticket may be closed (Art. 9, 12)."""

import pytest

from schemas.commands import CloseTicket, Command, ReviewReply
from schemas.envelope import Event
from schemas.supervision import ContactRequested
from services.core.policy import Policies, Policy
from services.core.service import Fold, Rejected, Step
from services.revisit.service import RevisitState, service
from tests.builders import (
    TICKET,
    Alarm,
    at,
    calls,
    elapses,
    explains,
    judges,
    local,
    names,
    opens,
    passes,
    position,
    rates,
    replies,
    signs,
    told,
    withdraws,
)

REPLIED = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"), replies("Wed 2026-09-23 15:00"))
REVISITING = (*REPLIED, passes("Wed 2026-09-23 15:00"))


@pytest.fixture
def fold(policies: Policies) -> Fold[RevisitState]:
    return service(policies).folds[0]


class Centre:
    """The fold with its state, and what it said of each topic."""

    def __init__(self, policy: Policy, fold: Fold[RevisitState]) -> None:
        self.policy, self.fold = policy, fold
        self.state: RevisitState | None = None
        self.commands: list[Event] = []
        self.tasks: list[ContactRequested] = []

    def hears(self, *commands: Command | Alarm) -> None:
        """Fold the facts that are new since what it heard before."""
        known = self.state.sequence if self.state else 0
        for fact in told(self.policy, *commands)[known:]:
            self._take(self.fold.handle(self.state, fact, position()))

    def wakes(self) -> str:
        """Let it wake at the instant for which it asked; gives that instant."""
        assert self.fold.wake is not None
        assert self.state is not None
        due = self.fold.wake_at(self.state)
        assert due is not None, "it waits for nothing"
        self._take(self.fold.wake(TICKET, self.state, due))
        return local(due)

    def waits(self) -> bool:
        assert self.state is not None
        return self.fold.wake_at(self.state) is not None

    def _take(self, step: Step[RevisitState]) -> None:
        self.state = step.state
        for output in step.outputs:
            if output.topic == "contact-tasks":
                assert isinstance(output.event, ContactRequested)
                self.tasks.append(output.event)
            else:
                assert "ticket-commands" == output.topic
                self.commands.append(output.event)


@pytest.fixture
def centre(policy: Policy, fold: Fold[RevisitState]) -> Centre:
    return Centre(policy, fold)


def test_a_good_reply_passes_with_the_leg_that_it_answers(centre: Centre) -> None:
    centre.hears(*REPLIED)
    (review,) = centre.commands
    assert isinstance(review, ReviewReply)
    assert (1, (), "Wed 2026-09-23 15:00") == (review.cycle, review.defects, local(review.time))
    assert ("service", "revisit") == (review.actor.role, review.actor.id)


def test_a_poor_reply_goes_back_with_every_reason(centre: Centre) -> None:
    centre.hears(*REPLIED[:2], replies("Wed 2026-09-23 15:00", handler=None, result="promised"))
    assert ("no_handler", "promise_without_result") == centre.commands[0].defects  # type: ignore[attr-defined]


def test_the_same_template_used_again_goes_back(centre: Centre) -> None:
    from_review = (
        *REVISITING,
        rates("Thu 2026-09-24 09:00", "dissatisfied"),
        judges("Thu 2026-09-24 09:30", justified=True),
    )
    centre.hears(*from_review, signs("Thu 2026-09-24 10:00"), replies("Thu 2026-09-24 11:00"))
    assert [(), ("template_repeated",)] == [c.defects for c in centre.commands if isinstance(c, ReviewReply)]


def test_the_first_attempt_is_by_phone_at_once_or_at_the_opening(policy: Policy, fold: Fold[RevisitState]) -> None:
    by_day, by_night = Centre(policy, fold), Centre(policy, fold)
    by_day.hears(*REVISITING)
    assert "Wed 2026-09-23 15:00" == by_day.wakes()
    late = (*REPLIED[:2], replies("Wed 2026-09-23 20:00"), passes("Wed 2026-09-23 20:00"))
    by_night.hears(*late)
    assert "Thu 2026-09-24 08:30" == by_night.wakes()
    (task,) = by_night.tasks
    assert (1, "phone", "pii-1", "Thu 2026-10-08 18:00") == (
        task.attempt, task.channel, task.pii_ref, local(task.answer_by),
    )  # fmt: skip


def test_attempts_take_turns_of_phone_and_sms_on_working_days_and_end_with_the_third(centre: Centre) -> None:
    centre.hears(*REVISITING)
    at_last = [centre.wakes()]
    first = (*REVISITING, calls("Wed 2026-09-23 15:10", 1, "no_answer"))
    centre.hears(*first)
    at_last.append(centre.wakes())
    second = (*first, calls("Thu 2026-09-24 09:00", 2, "no_answer"))
    centre.hears(*second)
    at_last.append(centre.wakes())
    centre.hears(*second, calls("Mon 2026-09-28 09:00", 3, "wrong_number"))
    assert ["Wed 2026-09-23 15:00", "Thu 2026-09-24 08:30", "Mon 2026-09-28 08:30"] == at_last
    assert [(1, "phone"), (2, "sms"), (3, "phone")] == [(t.attempt, t.channel.value) for t in centre.tasks]
    assert not centre.waits()


def test_no_attempt_follows_one_that_was_answered(centre: Centre) -> None:
    centre.hears(*REVISITING)
    centre.wakes()
    answered = (*REVISITING, calls("Wed 2026-09-23 15:10", 1, "answered"))
    centre.hears(*answered)
    assert not centre.waits()


@pytest.mark.parametrize("last", [rates("Thu 2026-09-24 08:00", "dissatisfied"), withdraws("Thu 2026-09-24 08:00")])
def test_an_attempt_that_was_planned_is_dropped_when_the_ticket_leaves_the_revisit(
    centre: Centre, last: Command
) -> None:
    planned = (*REPLIED[:2], replies("Wed 2026-09-23 20:00"), passes("Wed 2026-09-23 20:00"))
    centre.hears(*planned)
    assert centre.waits()
    centre.hears(*planned, last)
    assert not centre.waits()


def test_no_attempt_is_planned_for_after_the_window(centre: Centre) -> None:
    centre.hears(*REVISITING)
    centre.wakes()
    centre.hears(*REVISITING, calls("Thu 2026-10-08 17:00", 1, "no_answer"))
    assert not centre.waits()


UNHAPPY = (*REVISITING, rates("Thu 2026-09-24 09:00", "dissatisfied"))


@pytest.mark.parametrize(
    ("ending", "resolution"),
    [
        ((*REVISITING, rates("Thu 2026-09-24 09:00")), "rated"),
        ((*REVISITING, elapses("rating")), "deemed"),
        ((*UNHAPPY, judges("Thu 2026-09-24 10:00", justified=False), explains("Thu 2026-09-24 11:00")), "explained"),
    ],
)
def test_what_fulfils_the_conditions_of_closing_closes(
    policy: Policy, centre: Centre, ending: tuple[Command | Alarm, ...], resolution: str
) -> None:
    centre.hears(*ending)
    close = centre.commands[-1]
    assert isinstance(close, CloseTicket)
    assert resolution == close.resolution
    assert ["ticket.closed"] == names(told(policy, *ending, close)[-1:]), "and the router agrees"


def test_when_the_rounds_are_used_up_the_office_s_decision_closes(policy: Policy, centre: Centre) -> None:
    def again(day: str, cycle: int, text: str) -> tuple[Command, ...]:
        return (
            judges(f"{day} 10:00", justified=True),
            signs(f"{day} 10:10"),
            replies(f"{day} 10:20", template_digest=text),
            passes(f"{day} 10:20", cycle=cycle),
            rates(f"{day} 10:30", "dissatisfied"),
        )

    history = (
        *UNHAPPY,
        *again("Thu 2026-09-24", 2, "second"),
        *again("Mon 2026-09-28", 3, "third"),
        judges("Tue 2026-09-29 10:00", justified=True),
    )
    centre.hears(*history)
    close = centre.commands[-1]
    assert isinstance(close, CloseTicket)
    assert "office_decision" == close.resolution
    assert ["ticket.closed"] == names(told(policy, *history, close)[-1:])
    assert 1 == sum(isinstance(c, CloseTicket) for c in centre.commands)


def test_dissatisfaction_alone_closes_nothing(centre: Centre) -> None:
    centre.hears(*UNHAPPY, judges("Thu 2026-09-24 10:00", justified=False))
    assert ["reply.review.v1"] == [c.type for c in centre.commands]


def test_a_fact_heard_twice_says_nothing_twice(policy: Policy, fold: Fold[RevisitState], centre: Centre) -> None:
    centre.hears(*REPLIED)
    step = fold.handle(centre.state, told(policy, *REPLIED)[-1], position(9))
    assert (centre.state, (), True) == (step.state, step.outputs, step.duplicate)


def test_the_same_fact_gives_the_same_command(policy: Policy, fold: Fold[RevisitState]) -> None:
    once, again = Centre(policy, fold), Centre(policy, fold)
    for centre in (once, again):
        centre.hears(*REVISITING)
        centre.wakes()
    assert (once.commands, once.tasks) == (again.commands, again.tasks)


def test_a_gap_in_the_sequence_is_rejected(policy: Policy, fold: Fold[RevisitState]) -> None:
    with pytest.raises(Rejected, match="expected sequence 1, got 2"):
        fold.handle(None, told(policy, *REPLIED)[1], position())


def test_the_ticket_leaves_the_queue_when_it_is_done(policy: Policy, fold: Fold[RevisitState], centre: Centre) -> None:
    centre.hears(*REVISITING)
    assert centre.state is not None
    entry = fold.queue(centre.state)
    assert entry is not None
    assert ("revisiting", at("Wed 2026-09-23 15:00")) == (entry.stage, entry.since)
    centre.hears(*REVISITING, withdraws("Wed 2026-09-23 16:00"))
    assert fold.queue(centre.state) is None
