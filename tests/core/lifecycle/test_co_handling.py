"""Several units on one ticket: the lead unit replies, each co-handler answers for its own part (Art. 3, 7, 12)."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.commands import AssignCoHandlers, AssignTicket, Command, DecideCoReturn, RequestCoReturn, SubmitCoReply
from services.core.explain.story import explain
from services.core.policy import Policies, Policy
from services.core.rulebook import Rulebook
from tests.builders import (
    SANITATION,
    TRAFFIC,
    URBAN,
    Story,
    asks_for_time,
    at,
    elapses,
    grants,
    local,
    opens,
    passes,
    play,
    refuses_return,
    replies,
    reply,
    returns,
    said,
    signs,
    stopped,
    upholds,
)

WATER = "U-WATER"
OPENS = opens("Wed 2026-09-16 09:00")  # to SANITATION; due on the 3rd working day after: 17, 18, Sunday 20 is worked


def joined(when: str, *units: str) -> Command:
    return said(AssignCoHandlers, "office", when, units=units)  # type: ignore[no-any-return]


def part(when: str, unit: str = URBAN, **changes: Any) -> Command:
    return said(SubmitCoReply, f"unit:{unit}", when, reply=reply(**changes))  # type: ignore[no-any-return]


def wants_out(when: str, unit: str = URBAN) -> Command:
    return said(RequestCoReturn, f"unit:{unit}", when, reason="not-ours", basis="三定方案")  # type: ignore[no-any-return]


def decides(when: str, unit: str = URBAN, *, upheld: bool, instead: str | None = None) -> Command:
    return said(DecideCoReturn, "office", when, co_handler=unit, upheld=upheld, unit=instead)  # type: ignore[no-any-return]


def legs(story: Story) -> list[tuple[str, str, str | None, str | None, bool | None]]:
    """Give unit, purpose, end, whom it is charged to and whether late, of every leg."""
    return [
        (leg.unit, leg.purpose.value, leg.end.value if leg.end else None, leg.charged_to, leg.breached)
        for leg in story.ticket.cycles
    ]


def switched(policy: Policy, **changes: Any) -> Policy:
    book = policy.rulebook.model_dump(mode="json", by_alias=True)
    book["co_handling"] |= changes
    return replace(policy, rulebook=Rulebook.model_validate(book))


def test_a_part_is_due_four_working_hours_before_the_lead_units_own_limit(policy: Policy) -> None:
    story = play(policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN))
    assert "Sun 2026-09-20 18:00" == story.due("handle")
    assert "Sun 2026-09-20 11:30" == story.due("co_handle"), "14:30-18:00 is 3.5 h, 11:30-12:00 the rest"
    assert (SANITATION, "U-SANITATION") == (story.ticket.unit, story.one("co_handler.assigned").unit)


def test_the_desk_names_lead_and_co_handlers_at_once(policy: Policy) -> None:
    desk = said(AssignTicket, "office", "Wed 2026-09-16 09:30", unit=URBAN, co_handlers=(WATER, TRAFFIC))
    story = play(policy, opens("Wed 2026-09-16 09:00", category="other"), desk)
    assert (WATER, TRAFFIC) == story.one("ticket.dispatched").co_handlers
    assert [(URBAN, 1), (WATER, 2), (TRAFFIC, 3)] == [(leg.unit, leg.number) for leg in story.ticket.cycles]


@pytest.mark.parametrize(
    ("units", "code"),
    [
        (("U-NOBODY",), "unknown-unit"),
        ((SANITATION,), "already-with-the-ticket"),
        ((WATER, WATER), "already-with-the-ticket"),
        ((URBAN,), "already-with-the-ticket"),
        ((WATER, TRAFFIC, "U-BAOHE", "U-YEZHI", "U-CIVIL"), "too-many-units"),
    ],
)
def test_who_cannot_join_is_refused(policy: Policy, units: tuple[str, ...], code: str) -> None:
    story = play(policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), joined("Wed 2026-09-16 10:01", *units))
    assert code == story.refusal


def test_nobody_joins_when_the_lead_units_time_is_over_or_without_the_office(policy: Policy) -> None:
    late = play(policy, OPENS, signs("Wed 2026-09-16 09:30"), joined("Sun 2026-09-20 18:00:01", URBAN))
    assert "deadline-passed" == late.refusal
    unit = said(AssignCoHandlers, f"unit:{SANITATION}", "Wed 2026-09-16 10:00", units=(URBAN,))
    assert "not-entitled" == play(policy, OPENS, unit).refusal


def test_the_lead_unit_waits_for_parts_until_they_are_due(policy: Policy) -> None:
    before = (OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"))
    assert "co-handlers-outstanding" == play(policy, *before, replies("Sun 2026-09-20 11:30")).refusal
    after = play(
        policy, *before, elapses("co_handle"), replies("Sun 2026-09-20 11:30:01"), passes("Sun 2026-09-20 11:31")
    )
    assert "reply.accepted" == after.types[-1]
    assert [("co_handle", "Sun 2026-09-20 11:30")] == after.missed
    assert URBAN == after.one("clock.breached").charged_to
    assert [
        (SANITATION, "handle", "replied", SANITATION, False),
        (URBAN, "co_handle", "released", URBAN, True),
    ] == legs(after)


def test_a_switch_lets_the_lead_unit_reply_at_once_or_never_without_its_parts(policy: Policy) -> None:
    before = (OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"))
    at_once = play(
        switched(policy, lead_reply="at_once"), *before, replies("Wed 2026-09-16 11:00"), passes("Wed 2026-09-16 11:01")
    )
    assert "reply.accepted" == at_once.types[-1]
    assert (URBAN, "co_handle", "released", None, False) == legs(at_once)[1], "charged to nobody: it was not late"
    waits = play(switched(policy, lead_reply="waits"), *before, elapses("co_handle"), replies("Sun 2026-09-20 17:00"))
    assert "co-handlers-outstanding" == waits.refusal


def test_a_part_ends_the_leg_and_frees_the_lead_unit(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        part("Thu 2026-09-17 10:00"), replies("Thu 2026-09-17 11:00"),
    )  # fmt: skip
    assert "reply.submitted" == story.types[-1]
    assert {"co_handle": "met"} == stopped(story.one("co_reply.submitted"))
    leg = story.ticket.cycles[1]
    assert (7 * 3600, "replied", URBAN) == (leg.elapsed_seconds, leg.end, leg.charged_to)


def test_a_part_that_misses_a_criterion_goes_back_and_its_clock_goes_on(policy: Policy) -> None:
    story = play(policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), part("Thu 2026-09-17 10:00", handler=None))
    assert ("no_handler",) == story.one("co_reply.rejected").defects
    assert "Sun 2026-09-20 11:30" == story.due("co_handle")


def test_a_late_part_is_late_for_ever_and_one_heard_late_is_not(policy: Policy) -> None:
    before = (OPENS, joined("Wed 2026-09-16 10:00", URBAN))
    late = play(policy, *before, part("Sun 2026-09-20 11:30:01"))
    assert [("co_handle", "Sun 2026-09-20 11:30")] == late.missed
    assert {"co_handle": "late"} == stopped(late.one("co_reply.submitted"))
    heard_late = play(policy, *before, elapses("co_handle"), part("Sun 2026-09-20 11:30"))
    assert [] == heard_late.missed
    assert URBAN == heard_late.one("breach.withdrawn").charged_to


def test_an_extension_moves_the_parts_that_are_not_late(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        asks_for_time("Thu 2026-09-17 09:00", SANITATION), grants("Thu 2026-09-17 10:00"),
    )  # fmt: skip
    assert "Tue 2026-09-22 18:00" == story.due("handle")
    assert "Tue 2026-09-22 11:30" == story.due("co_handle")
    assert "Tue 2026-09-22 11:30" == local(story.ticket.cycles[1].due_at)


def test_a_co_handler_is_let_out_and_replaced(policy: Policy) -> None:
    before = (OPENS, joined("Wed 2026-09-16 10:00", URBAN), wants_out("Wed 2026-09-16 11:00"))
    asked = play(policy, *before)
    assert "Thu 2026-09-17 18:00" == asked.due("adjudicate")
    story = play(policy, *before, decides("Wed 2026-09-16 15:00", upheld=True, instead=WATER))
    assert ["co_return.upheld", "co_handler.assigned"] == [fact.type.removesuffix(".v1") for fact in story.last]
    assert [(URBAN, "returned"), (WATER, None)] == [(leg[0], leg[2]) for leg in legs(story)[1:]]
    kept = play(policy, *before, decides("Wed 2026-09-16 15:00", upheld=False), wants_out("Wed 2026-09-16 15:30"))
    assert "no-further-return" == kept.refusal
    assert "Sun 2026-09-20 11:30" == kept.due("co_handle")


@pytest.mark.parametrize(
    ("when", "refusal"), [("Thu 2026-09-17 10:00", None), ("Thu 2026-09-17 10:00:01", "return-window-over")]
)
def test_a_co_handler_asks_out_within_24_hours(policy: Policy, when: str, refusal: str | None) -> None:
    assert refusal == play(policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), wants_out(when)).refusal


def test_who_is_no_co_handler_has_no_part(policy: Policy) -> None:
    before = (OPENS, joined("Wed 2026-09-16 10:00", URBAN))
    assert "not-a-co-handler" == play(policy, *before, part("Wed 2026-09-16 11:00", SANITATION)).refusal
    assert "not-a-co-handler" == play(policy, *before, wants_out("Wed 2026-09-16 11:00", WATER)).refusal
    assert "no-return-requested" == play(policy, *before, decides("Wed 2026-09-16 11:00", upheld=True)).refusal


def test_when_the_lead_unit_is_let_out_the_parts_go_with_it(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        returns("Wed 2026-09-16 10:30", to=WATER), upholds("Wed 2026-09-16 11:00", to=WATER),
    )  # fmt: skip
    assert (URBAN, "co_handle", "released", None, False) == legs(story)[1]
    assert "co_handle" not in story.running
    assert WATER == story.ticket.unit


def test_a_dispute_of_the_lead_unit_and_one_of_a_co_handler_are_kept_apart(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        wants_out("Wed 2026-09-16 10:10"), returns("Wed 2026-09-16 10:30", to=WATER),
        decides("Wed 2026-09-16 11:00", upheld=False),
    )  # fmt: skip
    assert ["adjudicate"] == [clock.kind for clock in story.ticket.clocks if clock.kind == "adjudicate"]
    assert story.ticket.cycle == story.clock("adjudicate").cycle


TWO = (OPENS, joined("Wed 2026-09-16 10:00", URBAN, WATER), signs("Wed 2026-09-16 10:05"))


def test_of_two_co_handlers_who_want_out_only_the_one_decided_on_goes(policy: Policy) -> None:
    story = play(
        policy, *TWO, wants_out("Wed 2026-09-16 11:00"), wants_out("Thu 2026-09-17 09:00", WATER),
        decides("Fri 2026-09-18 10:00", WATER, upheld=True, instead=TRAFFIC),
    )  # fmt: skip
    assert ["co_return.upheld", "co_handler.assigned"] == [fact.type.removesuffix(".v1") for fact in story.last], (
        "the other dispute is overdue since Thursday: sla-timer will say so, this decision does not"
    )
    assert [(1, None), (2, None), (3, "returned"), (4, None)] == [(leg.number, leg.end) for leg in story.ticket.cycles]
    assert at("Thu 2026-09-17 09:00") == story.ticket.cycles[2].stopped_at
    assert [2] == [clock.cycle for clock in story.ticket.clocks if clock.kind == "adjudicate"]
    assert [2, 4] == [clock.cycle for clock in story.ticket.clocks if clock.kind == "co_handle"]


def test_who_is_with_the_ticket_already_takes_no_other_s_place(policy: Policy) -> None:
    story = play(
        policy, *TWO, wants_out("Wed 2026-09-16 11:00"),
        decides("Wed 2026-09-16 15:00", upheld=True, instead=WATER),
    )  # fmt: skip
    assert "already-with-the-ticket" == story.refusal
    lead = play(
        policy, *TWO, wants_out("Wed 2026-09-16 11:00"),
        decides("Wed 2026-09-16 15:00", upheld=True, instead=SANITATION),
    )  # fmt: skip
    assert "already-with-the-ticket" == lead.refusal


def test_what_a_co_handler_missed_while_it_rightly_wanted_out_is_taken_back_and_the_other_s_is_not(
    policy: Policy,
) -> None:
    story = play(
        policy, *TWO, wants_out("Thu 2026-09-17 09:00"), elapses("co_handle", 2), elapses("co_handle", 3),
        decides("Sun 2026-09-20 15:00", upheld=True),
    )  # fmt: skip
    assert [(URBAN, 2)] == [(fact.charged_to, fact.clock_cycle) for fact in story.of("breach.withdrawn")]
    assert [3] == [breach.cycle for breach in story.ticket.breaches if breach.kind == "co_handle"]


def test_when_the_lead_unit_s_return_is_refused_the_dispute_of_its_co_handler_goes_on(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        wants_out("Wed 2026-09-16 10:10"), returns("Thu 2026-09-17 09:00", to=WATER),
        refuses_return("Fri 2026-09-18 10:00"),
    )  # fmt: skip
    assert ["return.refused"] == [fact.type.removesuffix(".v1") for fact in story.last]
    assert {"adjudicate": "met"} == stopped(story.one("return.refused"))
    assert [2] == [clock.cycle for clock in story.ticket.clocks if clock.kind == "adjudicate"]


def test_when_the_lead_unit_goes_its_leg_ends_with_its_own_request_and_late_parts_are_late(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN, WATER), signs("Wed 2026-09-16 10:05"),
        wants_out("Wed 2026-09-16 10:10"), returns("Thu 2026-09-17 09:00", to=TRAFFIC),
        upholds("Sun 2026-09-20 15:00", to=TRAFFIC),
    )  # fmt: skip
    assert [(URBAN, "released", True), (WATER, "released", True)] == [
        (leg.unit, leg.end, leg.breached) for leg in story.ticket.cycles[1:3]
    ]
    assert at("Thu 2026-09-17 09:00") == story.ticket.cycles[0].stopped_at
    assert {2, 3} == {fact.clock_cycle for fact in story.of("clock.breached") if fact.clock == "co_handle"}


def test_a_part_is_late_by_the_lead_unit_s_reply_though_no_alarm_came(policy: Policy) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        replies("Sun 2026-09-20 11:30:01"), passes("Sun 2026-09-20 11:31"),
    )  # fmt: skip
    assert [("co_handle", "Sun 2026-09-20 11:30")] == story.missed
    assert (URBAN, "co_handle", "released", URBAN, True) == legs(story)[1]


def test_the_desk_names_no_lead_unit_as_its_own_co_handler(policy: Policy) -> None:
    desk = said(AssignTicket, "office", "Wed 2026-09-16 09:30", unit=URBAN, co_handlers=(WATER, URBAN))
    assert "already-with-the-ticket" == play(policy, opens("Wed 2026-09-16 09:00", category="other"), desk).refusal


def test_the_clock_of_a_part_names_its_limit_by_the_lead_unit_s(policy: Policy) -> None:
    story = play(policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN))
    assert "4 working_hours before handle" == story.clock("co_handle").limit


def test_every_date_of_a_joint_ticket_can_be_explained(policy: Policy, policies: Policies) -> None:
    story = play(
        policy, OPENS, joined("Wed 2026-09-16 10:00", URBAN), signs("Wed 2026-09-16 10:05"),
        asks_for_time("Thu 2026-09-17 09:00", SANITATION), grants("Thu 2026-09-17 10:00"),
        joined("Tue 2026-09-22 16:00", WATER),
    )  # fmt: skip
    assert "Tue 2026-09-22 18:00" == local(story.ticket.cycles[2].due_at), "too little time is left: due with the lead"
    found = explain("T-1", story.facts, {}, policies, at("Wed 2026-09-23 09:00"))
    assert () == found.problems
