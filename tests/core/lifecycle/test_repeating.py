"""The same caller, the same matter, said again late or out of order: in effect once, and never lost (Art. 10)."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.commands import Command, OpenTicket, RepeatTicket, WithdrawTicket
from schemas.envelope import derived_id
from services.core.decision import SOURCE
from services.core.policy import Policies
from services.core.service import Fold, Position
from services.router.service import RouterState, service
from tests.builders import (
    TICKET,
    actor,
    at,
    closes,
    opens,
    passes,
    position,
    rates,
    reopens,
    replies,
    signs,
    withdraws,
)

AT: Position = position(topic="ticket-commands")
OPEN = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))
CLOSED = (
    *OPEN,
    replies("Wed 2026-09-23 15:00"),
    passes("Wed 2026-09-23 15:00"),
    rates("Thu 2026-09-24 09:00"),
    closes("Thu 2026-09-24 09:00"),
)


def again(name: str, when: str, who: str = "platform:stage") -> RepeatTicket:
    """The caller of the ticket brings the matter again, as `name`."""
    return RepeatTicket(
        id=f"repeat-{name}", source="/test", subject=TICKET, time=at(when), actor=actor(who),
        matter=opens(when, id=f"open-{name}", subject=name),
    )  # fmt: skip


def takes_back(name: str, when: str) -> WithdrawTicket:
    """The platform takes back its record `name`, which the door believes to have urged the ticket."""
    return WithdrawTicket(
        id=f"back-{name}", source="/test", subject=TICKET, time=at(when), actor=actor("platform:stage"),
        instead_of=name,
    )  # fmt: skip


class Router:
    """The router, and what it said of one ticket."""

    def __init__(self, policies: Policies, *commands: Command) -> None:
        self.fold: Fold[RouterState] = service(policies).folds[0]
        self.state: RouterState | None = None
        for command in commands:
            self.hear(command)

    def hear(self, command: Command) -> list[Any]:
        step = self.fold.handle(self.state, command, AT)
        self.state = step.state
        return [output.event for output in step.outputs]

    def forget(self) -> None:
        """Forget which commands were decided, as after many more."""
        assert self.state is not None
        self.state = self.state.model_copy(update={"decided": ()})


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def test_an_urge_that_comes_again_after_many_commands_counts_once(policies: Policies) -> None:
    router = Router(policies, *OPEN)
    assert ["ticket.urged.v1"] == types(router.hear(again("T-2", "Wed 2026-09-23 10:00")))
    router.forget()
    assert [] == router.hear(again("T-2", "Wed 2026-09-23 10:00"))


def test_an_urge_says_which_message_of_which_platform_it_was_and_which_ticket_was_not_opened(
    policies: Policies,
) -> None:
    (urged,) = Router(policies, *OPEN).hear(again("T-2", "Wed 2026-09-23 10:00"))
    assert (1, "T-2", "stage", "1", "pii-1", "repeat-T-2") == (
        urged.count, urged.instead_of, urged.platform, urged.upstream_id, urged.pii_ref, urged.causation,
    )  # fmt: skip


@pytest.mark.parametrize("successor", [None, "T-3"])
def test_an_urge_that_comes_again_after_the_closing_opens_nothing(policies: Policies, successor: str | None) -> None:
    router = Router(policies, *OPEN, again("T-2", "Wed 2026-09-23 10:00"), *CLOSED[2:])
    if successor:
        router.hear(again(successor, "Thu 2026-09-24 10:00"))
    router.forget()
    assert [] == router.hear(again("T-2", "Wed 2026-09-23 10:00"))


def test_what_goes_on_is_opened_once_however_often_it_comes(policies: Policies) -> None:
    router = Router(policies, *CLOSED)
    fact, opening = router.hear(again("T-2", "Thu 2026-09-24 10:00"))
    assert ("ticket.repeated.v1", "T-2", True) == (fact.type, fact.successor, fact.counted)
    assert isinstance(opening, OpenTicket)
    assert ("T-2", "open-T-2", TICKET, "service") == (
        opening.subject, opening.id, opening.repeat_of, opening.actor.role,
    )  # fmt: skip
    assert SOURCE == opening.source
    router.forget()
    assert [] == router.hear(again("T-2", "Thu 2026-09-24 10:00"))


def test_what_comes_after_the_successor_goes_to_the_successor_under_one_id(policies: Policies) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"))
    (first,) = router.hear(again("T-3", "Thu 2026-09-24 11:00"))
    router.forget()
    (second,) = router.hear(again("T-3", "Thu 2026-09-24 11:00"))
    assert first == second
    assert ("ticket.repeat.v1", "T-2", "T-3") == (first.type, first.subject, first.matter.subject)
    assert ("repeat-T-3", "service", "router") == (first.causation, first.actor.role, first.actor.id)
    assert (SOURCE, derived_id("repeat", "open-T-3", "T-2")) == (first.source, first.id), "the same after an upgrade"


def test_a_ticket_that_is_open_again_is_urged_though_it_had_gone_on_as_another(policies: Policies) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"), reopens("Thu 2026-09-24 10:30"))
    assert ["ticket.urged.v1"] == types(router.hear(again("T-3", "Thu 2026-09-24 11:00")))
    router.forget()
    assert [] == router.hear(again("T-2", "Thu 2026-09-24 10:00")), "it was opened: no urge"


def test_a_matter_whose_earlier_ticket_was_never_opened_is_opened(policies: Policies) -> None:
    (opening,) = Router(policies).hear(again("T-2", "Wed 2026-09-23 10:00"))
    assert ("ticket.open.v1", "T-2", None) == (opening.type, opening.subject, opening.repeat_of)


@pytest.mark.parametrize(("day_end", "counted"), [("close_of_office", False), ("midnight", True)])
def test_the_last_day_on_which_a_repeat_counts_ends_when_the_rulebook_says(
    policies: Policies, day_end: str, counted: bool
) -> None:
    rules = policies.newest.rulebook
    window = rules.repeats.window.model_copy(update={"amount": 1})
    changes = {"repeats": rules.repeats.model_copy(update={"window": window}), "day_end": day_end}
    changed = Policies.always(replace(policies.newest, rulebook=rules.model_copy(update=changes)))
    fact, _ = Router(changed, *CLOSED).hear(again("T-2", "Mon 2026-09-28 20:00"))
    assert counted is fact.counted, "closed on Thursday; Friday to Sunday are off"


def test_what_was_withdrawn_is_no_repeat(policies: Policies) -> None:
    router = Router(policies, *OPEN, withdraws("Wed 2026-09-23 10:00"))
    fact, opening = router.hear(again("T-2", "Wed 2026-09-23 11:00"))
    assert (False, None) == (fact.counted, opening.repeat_of)


@pytest.mark.parametrize("who", ["citizen", "office", "unit:U-SANITATION"])
def test_nobody_but_the_door_says_that_it_is_the_same_caller(policies: Policies, who: str) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"))
    (refused,) = router.hear(again("T-3", "Thu 2026-09-24 11:00", who))
    assert ("command.refused.v1", "not-entitled") == (refused.type, refused.code)
    assert "国办函〔2025〕66号 (五)" == refused.article


def test_the_record_of_an_urge_that_is_taken_back_ends_nothing_and_is_answered(policies: Policies) -> None:
    router = Router(policies, *OPEN, again("T-2", "Wed 2026-09-23 10:00"))
    (refused,) = router.hear(takes_back("T-2", "Wed 2026-09-23 10:30"))
    assert ("command.refused.v1", "not-the-opening-record", "back-T-2") == (
        refused.type, refused.code, refused.causation,
    )  # fmt: skip
    assert [] == router.hear(takes_back("T-2", "Wed 2026-09-23 10:30")), "twice: answered once"
    router = Router(policies, *OPEN)
    assert ["not-the-opening-record"] == [f.code for f in router.hear(takes_back("T-9", "Wed 2026-09-23 10:30"))]


def test_a_record_that_was_opened_as_another_ticket_after_all_is_withdrawn_there(policies: Policies) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"))
    said = takes_back("T-2", "Thu 2026-09-24 10:30")
    (on,) = router.hear(said)
    assert [on] == router.hear(said), "heard twice, it is said twice: the other ticket remembers"
    assert ("T-2", None, said.id, said.actor) == (on.subject, on.instead_of, on.id, on.actor)
    assert SOURCE == on.source, "the router passes it on"
    other = Router(policies, opens("Thu 2026-09-24 10:00"))
    withdrawal = on.model_copy(update={"subject": TICKET})
    assert ["ticket.withdrawn.v1"] == types(other.hear(withdrawal))
    assert [] == other.hear(withdrawal)


def test_the_record_of_an_urge_of_the_successor_is_for_the_successor_to_answer(policies: Policies) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"), again("T-3", "Thu 2026-09-24 11:00"))
    (on,) = router.hear(takes_back("T-3", "Thu 2026-09-24 11:30"))
    assert ("T-2", "T-3") == (on.subject, on.instead_of)


def test_a_ticket_that_went_on_as_another_is_not_withdrawn_by_what_names_no_other_record(policies: Policies) -> None:
    router = Router(policies, *CLOSED, again("T-2", "Thu 2026-09-24 10:00"))
    (refused,) = router.hear(withdraws("Thu 2026-09-24 10:30"))
    assert ("command.refused.v1", TICKET, "not-in-stage-closed") == (refused.type, refused.subject, refused.code)


def test_the_record_of_an_urge_is_answered_here_though_the_matter_went_on_as_another(policies: Policies) -> None:
    router = Router(policies, *OPEN, again("T-2", "Wed 2026-09-23 10:00"), *CLOSED[2:])
    router.hear(again("T-3", "Thu 2026-09-24 10:00"))
    (refused,) = router.hear(takes_back("T-2", "Thu 2026-09-24 10:30"))
    assert (TICKET, "not-the-opening-record") == (refused.subject, refused.code)


def test_a_record_whose_earlier_ticket_was_never_opened_is_withdrawn_as_its_own(policies: Policies) -> None:
    (on,) = Router(policies).hear(takes_back("T-2", "Wed 2026-09-23 10:30"))
    assert ("T-2", None) == (on.subject, on.instead_of)
