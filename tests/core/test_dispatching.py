"""Art. 2, 6, 7: the lanes, when a ticket goes out, and what comes of a return."""

import pytest

from schemas.facts import TicketDispatched
from services.core.policy import Policy
from tests.builders import (
    SANITATION,
    TRAFFIC,
    URBAN,
    assigns,
    at,
    closes,
    elapses,
    judges,
    local,
    names,
    opens,
    passes,
    play,
    rates,
    refuses_return,
    reopens,
    replies,
    returns,
    signs,
    stopped,
    upholds,
    withdraws,
)


def test_a_history_with_a_wrong_weekday_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-09-23 09:00 is a Wed, not a Thu"):
        at("Thu 2026-09-23 09:00")


@pytest.mark.parametrize(
    "when",
    [
        "Wed 2026-09-23 08:30",  # the first second of the day
        "Wed 2026-09-23 13:00",  # the lunch break is working hours (Art. 6)
        "Wed 2026-09-23 17:59:59",
        "Sun 2026-09-20 09:00",  # worked for National Day
        "Sat 2026-10-10 09:00",  # worked for National Day
    ],
)
def test_in_working_hours_a_ticket_is_dispatched_at_once(policy: Policy, when: str) -> None:
    story = play(policy, opens(when))
    assert ["ticket.opened", "ticket.dispatched"] == story.types
    assert when == local(story.facts[1].time)
    assert (SANITATION, 1) == (story.ticket.unit, story.ticket.cycle)
    assert {"sign", "handle", "case"} == story.running


@pytest.mark.parametrize(
    ("when", "out", "by"),
    [
        ("Wed 2026-09-23 08:29:59", "Wed 2026-09-23 08:30", "Wed 2026-09-23 10:00"),
        ("Wed 2026-09-23 18:00", "Thu 2026-09-24 08:30", "Thu 2026-09-24 10:00"),
        ("Sat 2026-09-19 12:00", "Sun 2026-09-20 08:30", "Sun 2026-09-20 10:00"),  # a worked Sunday
        ("Thu 2026-09-24 18:00", "Mon 2026-09-28 08:30", "Mon 2026-09-28 10:00"),  # Mid-Autumn
        ("Wed 2026-09-30 20:00", "Thu 2026-10-08 08:30", "Thu 2026-10-08 10:00"),  # National Day
    ],
)
def test_off_hours_a_ticket_is_held_and_goes_out_at_the_opening(policy: Policy, when: str, out: str, by: str) -> None:
    held = play(policy, opens(when))
    assert ["ticket.opened", "ticket.held"] == held.types
    assert (out, by) == (held.due("release"), held.due("dispatch"))
    released = play(policy, opens(when), elapses("release"))
    assert ["clock.elapsed", "ticket.dispatched"] == names(released.last)
    assert out == local(released.last[1].time), "at the opening, whenever the alarm was heard"
    assert {"dispatch": "met"} == stopped(released.last[1])
    assert [] == released.missed


@pytest.mark.parametrize("kind", ["complaint", "report", "enforcement"])
def test_complaints_reports_and_enforcement_go_out_at_any_hour_and_are_signed_for_by_the_wall_clock(
    policy: Policy, kind: str
) -> None:
    story = play(policy, opens("Fri 2026-09-25 02:00", kind=kind))
    assert ["ticket.opened", "ticket.dispatched"] == story.types
    assert "Fri 2026-09-25 04:00" == story.due("sign")


def test_the_manual_desk_has_until_the_close_for_a_ticket_of_the_day(policy: Policy) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00", category="other"))
    assert ["ticket.opened", "ticket.queued"] == story.types
    assert ({"dispatch"}, "Wed 2026-09-23 18:00") == (story.running, story.due("dispatch"))


def test_the_manual_desk_has_until_ten_for_a_ticket_of_the_night(policy: Policy) -> None:
    night = opens("Tue 2026-09-22 22:00", category="other")
    queued = play(policy, night, elapses("release"))
    assert ["clock.elapsed", "ticket.queued"] == names(queued.last)
    assert ({"dispatch"}, "Wed 2026-09-23 10:00") == (queued.running, queued.due("dispatch"))
    in_time = play(policy, night, elapses("release"), assigns("Wed 2026-09-23 10:00"))
    assert (TRAFFIC, []) == (in_time.ticket.unit, in_time.missed)
    assert "manual-desk" == in_time.one("ticket.dispatched").rule
    late = play(policy, night, elapses("release"), assigns("Wed 2026-09-23 10:00:01"))
    assert ["clock.breached", "ticket.dispatched"] == names(late.last)
    assert [("dispatch", "Wed 2026-09-23 10:00")] == late.missed
    assert {"dispatch": "late"} == stopped(late.last[1])


def test_the_desk_may_place_a_held_ticket_before_the_opening(policy: Policy) -> None:
    story = play(policy, opens("Tue 2026-09-22 22:00"), assigns("Wed 2026-09-23 07:00", URBAN))
    assert {"release": "met", "dispatch": "met"} == stopped(story.last[0])
    assert URBAN == story.ticket.unit


def test_a_unit_that_is_in_no_directory_gets_nothing(policy: Policy) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00", category="other"), assigns("Wed 2026-09-23 09:10", "U-NOBODY"))
    assert "unknown-unit" == story.refusal


@pytest.mark.parametrize(
    ("lane", "end", "detail"),
    [
        ({"lane": "emergency", "call_number": "119"}, "ticket.diverted", ("call_number", "119")),
        ({"lane": "knowledge_base", "knowledge_article": "K-1"}, "ticket.answered", ("knowledge_article", "K-1")),
        ({"lane": "lawful_channel", "lane_code": "court"}, "ticket.declined", ("code", "court")),
        ({"lane": "not_acceptable", "lane_code": "secret"}, "ticket.declined", ("code", "secret")),
    ],
)  # fmt: skip
def test_what_the_hotline_does_not_take_ends_at_the_door_without_a_clock(
    policy: Policy, lane: dict[str, str], end: str, detail: tuple[str, str]
) -> None:
    story = play(policy, opens("Wed 2026-09-23 03:00", **lane))
    assert ["ticket.opened", end] == story.types
    assert set() == story.running
    assert detail[1] == getattr(story.facts[1], detail[0])


def test_the_same_ticket_opened_again_says_nothing(policy: Policy) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00"), opens("Wed 2026-09-23 09:05"))
    assert () == story.last


SIGNED = (opens("Wed 2026-09-23 09:00"), signs("Wed 2026-09-23 09:30"))


@pytest.mark.parametrize(
    ("signed", "asked", "refusal"),
    [
        ("Wed 2026-09-23 09:30", "Thu 2026-09-24 09:30", None),  # 24 hours to the second
        ("Wed 2026-09-23 09:30", "Thu 2026-09-24 09:30:01", "return-window-over"),
        ("Thu 2026-09-24 09:30", "Mon 2026-09-28 10:00", None),  # ends on Mid-Autumn: moves to 10:00
        ("Thu 2026-09-24 09:30", "Mon 2026-09-28 10:00:01", "return-window-over"),
        ("Fri 2026-10-09 16:00", "Sat 2026-10-10 16:00:01", "return-window-over"),  # a Saturday that is worked
    ],
)
def test_a_return_is_heard_within_24_hours_of_signing(
    policy: Policy, signed: str, asked: str, refusal: str | None
) -> None:
    day = signed.rpartition(" ")[0]
    hour = "15:00" if "16:00" in signed else "09:00"
    story = play(policy, opens(f"{day} {hour}"), signs(signed), returns(asked))
    assert refusal == story.refusal
    assert ("disputed" if refusal is None else "in_progress") == story.ticket.stage


def test_an_upheld_return_goes_to_the_unit_that_the_office_names(policy: Policy) -> None:
    returned = (*SIGNED, returns("Wed 2026-09-23 10:00", to=URBAN))
    assert "Thu 2026-09-24 18:00" == play(policy, *returned).due("adjudicate")
    upheld = play(policy, *returned, upholds("Wed 2026-09-23 11:00", TRAFFIC))
    assert ["return.upheld", "ticket.dispatched"] == names(upheld.last)
    assert (TRAFFIC, 2) == (upheld.ticket.unit, upheld.ticket.cycle)
    assert {"adjudicate": "met", "handle": "cancelled"} == stopped(upheld.last[0])
    assert {"sign", "handle", "case"} == upheld.running
    assert "Wed 2026-09-23 15:30" == upheld.due("sign"), "2 working hours from 11:00, across the lunch break"


def test_an_upheld_return_goes_to_the_proposed_unit_else_to_the_area_s_government(policy: Policy) -> None:
    proposed = play(policy, *SIGNED, returns("Wed 2026-09-23 10:00", to=URBAN), upholds("Wed 2026-09-23 11:00"))
    assert URBAN == proposed.ticket.unit
    nobody = play(policy, *SIGNED, returns("Wed 2026-09-23 10:00"), upholds("Wed 2026-09-23 11:00"))
    assert "U-BAOHE" == nobody.ticket.unit
    assert "last-resort/533423100" == [f.rule for f in nobody.facts if isinstance(f, TicketDispatched)][-1]


def test_a_return_may_not_propose_a_unit_that_does_not_exist(policy: Policy) -> None:
    assert "unknown-unit" == play(policy, *SIGNED, returns("Wed 2026-09-23 10:00", to="U-NOBODY")).refusal


def test_a_refused_return_leaves_ticket_and_time_with_the_unit(policy: Policy) -> None:
    before = play(policy, *SIGNED)
    after = play(policy, *SIGNED, returns("Wed 2026-09-23 10:00"), refuses_return("Wed 2026-09-23 11:00"))
    assert ("in_progress", SANITATION) == (after.ticket.stage, after.ticket.unit)
    assert before.clock("handle") == after.clock("handle")


def test_the_second_return_is_adjudicated_and_a_third_is_not_heard(policy: Policy) -> None:
    twice = (
        *SIGNED,
        returns("Wed 2026-09-23 10:00"),
        refuses_return("Wed 2026-09-23 10:10"),
        returns("Wed 2026-09-23 10:20"),
        upholds("Wed 2026-09-23 10:30", URBAN),
    )
    story = play(policy, *twice)
    assert "adjudicated" == story.last[1].reason  # type: ignore[attr-defined]
    third = play(policy, *twice, signs("Wed 2026-09-23 10:40", URBAN), returns("Wed 2026-09-23 10:50", URBAN))
    assert "no-further-return" == third.refusal


DISPUTED = (
    opens("Wed 2026-09-23 09:00", kind="consultation"),
    signs("Wed 2026-09-23 09:30"),
    returns("Thu 2026-09-24 09:00"),
)
"""A consultation is due on Thu 2026-09-24 18:00, in the middle of the dispute."""


def test_what_ran_out_during_an_upheld_dispute_is_charged_to_nobody(policy: Policy) -> None:
    missed = play(policy, *DISPUTED, elapses("case"), elapses("handle"))
    assert [("case", "Thu 2026-09-24 18:00"), ("handle", "Thu 2026-09-24 18:00")] == missed.missed
    upheld = play(policy, *DISPUTED, elapses("case"), elapses("handle"), upholds("Mon 2026-09-28 09:00", URBAN))
    assert ["breach.withdrawn", "return.upheld", "ticket.dispatched"] == names(upheld.last)
    assert [("case", "Thu 2026-09-24 18:00")] == upheld.missed, "the citizen waited all the same"


def test_what_ran_out_during_a_refused_dispute_stays_with_the_unit(policy: Policy) -> None:
    story = play(policy, *DISPUTED, elapses("handle"), refuses_return("Mon 2026-09-28 09:00"))
    assert [("handle", "Thu 2026-09-24 18:00")] == story.missed


def test_a_limit_missed_before_the_dispute_is_not_healed_by_it(policy: Policy) -> None:
    story = play(
        policy,
        opens("Wed 2026-09-23 09:00", limit_override={"due_at": at("Wed 2026-09-23 16:00"), "legal_basis": "省令"}),
        signs("Wed 2026-09-23 09:30"),
        returns("Wed 2026-09-23 17:00", to=URBAN),
        upholds("Wed 2026-09-23 17:30"),
    )
    assert ["clock.breached", "return.upheld", "ticket.dispatched"] == names(story.last)
    assert [("handle", "Wed 2026-09-23 16:00")] == story.missed


def test_an_office_that_judges_a_return_late_has_missed_its_own_limit(policy: Policy) -> None:
    story = play(policy, *SIGNED, returns("Wed 2026-09-23 10:00"), refuses_return("Mon 2026-09-28 09:00"))
    assert [("adjudicate", "Thu 2026-09-24 18:00")] == story.missed
    assert {"adjudicate": "late"} == stopped(story.last[-1])


CLOSED = (
    *SIGNED,
    replies("Wed 2026-09-23 15:00"),
    passes("Wed 2026-09-23 15:00"),
    rates("Thu 2026-09-24 09:00"),
    closes("Thu 2026-09-24 09:00"),
)


@pytest.mark.parametrize(
    ("when", "refusal"),
    [
        ("Thu 2026-09-24 10:00", None),
        ("Thu 2026-10-22 18:00", None),  # 28-30 Sep, 8-10, 12-16 and 19-22 Oct: the 15th working day
        ("Thu 2026-10-22 18:00:01", "reopen-window-over"),
    ],
)
def test_a_closed_matter_comes_back_within_15_working_days(policy: Policy, when: str, refusal: str | None) -> None:
    story = play(policy, *CLOSED, reopens(when))
    assert refusal == story.refusal
    assert (2 if refusal is None else 1) == story.ticket.generation


def test_a_matter_that_comes_back_has_unit_clocks_but_its_case_clock_never_restarts(policy: Policy) -> None:
    story = play(policy, *CLOSED, reopens("Thu 2026-09-24 10:00"))
    assert ["ticket.reopened", "ticket.dispatched"] == names(story.last)
    assert {"sign", "handle"} == story.running
    assert "Tue 2026-09-29 18:00" == local(story.ticket.case_due_at or at("Thu 1970-01-01 08:00"))


def test_a_second_generation_has_office_clocks_of_its_own(policy: Policy) -> None:
    desk = (
        opens("Tue 2026-09-22 22:00", category="other"),
        elapses("release"),
        elapses("dispatch"),
        assigns("Wed 2026-09-23 10:05"),
        signs("Wed 2026-09-23 10:10", TRAFFIC),
        replies("Wed 2026-09-23 15:00", TRAFFIC),
        passes("Wed 2026-09-23 15:00"),
        rates("Thu 2026-09-24 09:00"),
        closes("Thu 2026-09-24 09:00"),
    )
    again = play(policy, *desk, reopens("Thu 2026-09-24 22:00"), elapses("release"), elapses("dispatch"))
    assert [("dispatch", "Wed 2026-09-23 10:00"), ("dispatch", "Mon 2026-09-28 10:00")] == again.missed


def test_only_a_closed_matter_can_come_back(policy: Policy) -> None:
    assert "not-in-stage-in_progress" == play(policy, *SIGNED, reopens("Wed 2026-09-23 10:00")).refusal
    gone = play(policy, *SIGNED, withdraws("Wed 2026-09-23 10:00"), reopens("Wed 2026-09-23 11:00"))
    assert "not-in-stage-withdrawn" == gone.refusal


def test_the_case_clock_starts_once_however_often_the_ticket_is_sent(policy: Policy) -> None:
    story = play(
        policy,
        *SIGNED,
        returns("Wed 2026-09-23 10:00", to=URBAN),
        upholds("Wed 2026-09-23 11:00"),
        signs("Wed 2026-09-23 11:10", URBAN),
        replies("Wed 2026-09-23 15:00", URBAN),
        passes("Wed 2026-09-23 15:00", cycle=2),
        rates("Thu 2026-09-24 09:00", "dissatisfied"),
        judges("Thu 2026-09-24 10:00", justified=True),
        signs("Thu 2026-09-24 10:30", URBAN),
        returns("Thu 2026-09-24 11:00", URBAN, to=TRAFFIC),
        upholds("Thu 2026-09-24 11:30"),
    )
    started = [c for fact in story.facts for c in fact.started if c.kind == "case"]
    assert ["Wed 2026-09-23 09:00"] == [local(c.started_at) for c in started]
    assert (4, {"sign", "handle"}) == (story.ticket.cycle, story.running)
