"""Art. 9 and 10: rating, silence, dissatisfaction, closing; urging and withdrawing; who may say what."""

import pytest

from schemas.commands import Command, RequestAppeal
from services.core.policy import Policy
from services.core.service import Rejected
from tests.builders import (
    SANITATION,
    actor,
    asks_for_time,
    assigns,
    calls,
    closes,
    elapses,
    explains,
    grants,
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
    said,
    signs,
    stopped,
    urges,
    withdraws,
)

REVISITING = (
    opens("Wed 2026-09-23 09:00"),
    signs("Wed 2026-09-23 09:30"),
    replies("Wed 2026-09-23 15:00"),
    passes("Wed 2026-09-23 15:00"),
)
UNHAPPY = (*REVISITING, rates("Thu 2026-09-24 09:00", "dissatisfied"))


@pytest.mark.parametrize("rating", ["satisfied", "basically_satisfied"])
def test_a_content_citizen_s_ticket_is_closed_as_rated(policy: Policy, rating: str) -> None:
    rated = play(policy, *REVISITING, rates("Thu 2026-09-24 09:00", rating))
    assert ("revisiting", set()) == (rated.ticket.stage, rated.running), "revisit closes it at once"
    closed = play(policy, *REVISITING, rates("Thu 2026-09-24 09:00", rating), closes("Thu 2026-09-24 09:00"))
    summary = closed.one("ticket.closed")
    assert ("rated", rating, False) == (summary.resolution, summary.rating, summary.deemed)


@pytest.mark.parametrize(
    ("when", "refusal"),
    [("Thu 2026-10-08 18:00", None), ("Thu 2026-10-08 18:00:01", "rating-window-over")],
)
def test_the_rating_window_is_5_working_days(policy: Policy, when: str, refusal: str | None) -> None:
    assert "Thu 2026-10-08 18:00" == play(policy, *REVISITING).due("rating")
    assert refusal == play(policy, *REVISITING, rates(when)).refusal


def test_silence_is_deemed_basic_satisfaction_and_says_so(policy: Policy) -> None:
    silent = play(policy, *REVISITING, elapses("rating"))
    assert (["clock.elapsed"], [], set()) == (names(silent.last), silent.missed, silent.running)
    closed = play(policy, *REVISITING, elapses("rating"), closes("Thu 2026-10-08 18:00", "deemed"))
    summary = closed.one("ticket.closed")
    assert ("deemed", "basically_satisfied", True) == (summary.resolution, summary.rating, summary.deemed)


@pytest.mark.parametrize("resolution", ["rated", "deemed", "explained", "office_decision"])
def test_a_ticket_without_rating_or_silence_is_not_closed(policy: Policy, resolution: str) -> None:
    assert "conditions-not-met" == play(policy, *REVISITING, closes("Thu 2026-09-24 09:00", resolution)).refusal


def test_a_second_rating_is_refused_and_so_is_one_after_silence(policy: Policy) -> None:
    twice = play(policy, *REVISITING, rates("Thu 2026-09-24 09:00"), rates("Thu 2026-09-24 09:01", "dissatisfied"))
    assert "already-rated" == twice.refusal
    late = play(policy, *REVISITING, elapses("rating"), rates("Wed 2026-10-07 09:00"))
    assert "rating-window-over" == late.refusal


def test_contact_attempts_are_logged_in_order(policy: Policy) -> None:
    first = (*REVISITING, calls("Thu 2026-09-24 09:00", 1, "no_answer"))
    assert 1 == play(policy, *first).ticket.contacts
    assert "attempt-out-of-order" == play(policy, *first, calls("Thu 2026-09-24 09:01", 1)).refusal
    assert "attempt-out-of-order" == play(policy, *first, calls("Thu 2026-09-24 09:01", 3)).refusal
    assert play(policy, *first, calls("Mon 2026-09-28 09:00", 2)).refusal is None


def test_the_office_has_a_working_day_to_judge_dissatisfaction(policy: Policy) -> None:
    story = play(policy, *UNHAPPY)
    assert ("judging", {"judge"}) == (story.ticket.stage, story.running)
    assert "Mon 2026-09-28 18:00" == story.due("judge"), "Mid-Autumn is off"
    late = play(policy, *UNHAPPY, judges("Tue 2026-09-29 09:00", justified=False))
    assert [("judge", "Mon 2026-09-28 18:00")] == late.missed


def test_justified_dissatisfaction_is_redone_by_the_unit_with_its_limit_anew(policy: Policy) -> None:
    story = play(policy, *UNHAPPY, judges("Thu 2026-09-24 10:00", justified=True))
    assert ["dissatisfaction.judged", "ticket.redispatched"] == names(story.last)
    ticket = story.ticket
    assert ("dispatched", SANITATION, 1, 2) == (ticket.stage, ticket.unit, ticket.round, ticket.cycle)
    assert {"sign", "handle"} == story.running, "the citizen's clock never restarts"
    assert "Wed 2026-09-30 18:00" == story.due("handle")


def redo(day: str, cycle: int) -> tuple[Command, ...]:
    return (
        judges(f"{day} 10:00", justified=True),
        signs(f"{day} 10:10"),
        replies(f"{day} 10:20"),
        passes(f"{day} 10:20", cycle=cycle),
        rates(f"{day} 10:30", "dissatisfied"),
    )


def test_after_two_rounds_the_office_decides(policy: Policy) -> None:
    rounds = (*UNHAPPY, *redo("Thu 2026-09-24", 2), *redo("Mon 2026-09-28", 3))
    story = play(policy, *rounds, judges("Tue 2026-09-29 10:00", justified=True))
    assert (["dissatisfaction.judged"], "explained", 2) == (names(story.last), story.ticket.stage, story.ticket.round)
    assert set() == story.running, "revisit closes it at once"
    closed = play(
        policy,
        *rounds,
        judges("Tue 2026-09-29 10:00", justified=True),
        closes("Tue 2026-09-29 10:00", "office_decision"),
    )
    assert ("office_decision", "dissatisfied") == (closed.last[0].resolution, closed.last[0].rating)  # type: ignore[attr-defined]


def test_unjustified_dissatisfaction_is_explained_patiently_and_closed(policy: Policy) -> None:
    judged = (*UNHAPPY, judges("Thu 2026-09-24 10:00", justified=False))
    assert ({"explain"}, "Mon 2026-09-28 18:00") == (
        play(policy, *judged).running,
        play(policy, *judged).due("explain"),
    )
    explained = play(policy, *judged, explains("Thu 2026-09-24 15:00"))
    assert ("explained", {"explain": "met"}) == (explained.ticket.stage, stopped(explained.last[0]))
    closed = play(policy, *judged, explains("Thu 2026-09-24 15:00"), closes("Thu 2026-09-24 15:00", "explained"))
    summary = closed.one("ticket.closed")
    assert ("explained", "dissatisfied", False) == (summary.resolution, summary.rating, summary.deemed)
    late = play(policy, *judged, explains("Tue 2026-09-29 09:00"))
    assert [("explain", "Mon 2026-09-28 18:00")] == late.missed


def test_what_met_a_limit_and_was_heard_late_takes_its_breach_back_whoever_owed_it(policy: Policy) -> None:
    judged = play(policy, *UNHAPPY, elapses("judge"), judges("Mon 2026-09-28 17:00", justified=False))
    assert (["breach.withdrawn", "dissatisfaction.judged"], []) == (names(judged.last), judged.missed)
    owed = (*UNHAPPY, judges("Thu 2026-09-24 10:00", justified=False), elapses("explain"))
    explained = play(policy, *owed, explains("Mon 2026-09-28 17:00"))
    assert (["breach.withdrawn", "explanation.given"], []) == (names(explained.last), explained.missed)
    queued = (opens("Wed 2026-09-23 09:00", category="other"), elapses("dispatch"))
    assert [] == play(policy, *queued, assigns("Wed 2026-09-23 17:00")).missed


def test_the_closing_fact_names_every_limit_that_was_missed(policy: Policy) -> None:
    story = play(
        policy,
        opens("Wed 2026-09-23 09:00"),
        elapses("sign"),
        replies("Wed 2026-09-30 09:00"),
        passes("Wed 2026-09-30 09:00"),
        rates("Thu 2026-10-08 09:00"),
        closes("Thu 2026-10-08 09:00"),
    )
    summary = story.one("ticket.closed")
    assert {"sign", "handle", "case"} == {kind.value for kind in summary.breaches}
    assert "Tue 2026-09-29 18:00" == local(summary.case_due_at)


def test_an_urge_is_counted_and_moves_no_clock(policy: Policy) -> None:
    before = play(policy, *REVISITING[:2])
    after = play(policy, *REVISITING[:2], urges("Wed 2026-09-23 10:00"), urges("Wed 2026-09-23 11:00", "citizen"))
    assert (2, before.ticket.clocks) == (after.ticket.urges, after.ticket.clocks)
    done = play(
        policy,
        *REVISITING,
        rates("Thu 2026-09-24 09:00"),
        closes("Thu 2026-09-24 09:00"),
        urges("Thu 2026-09-24 10:00"),
    )
    assert "not-in-stage-closed" == done.refusal


def test_a_citizen_withdraws_and_every_clock_ends_without_a_verdict(policy: Policy) -> None:
    story = play(policy, *REVISITING[:2], withdraws("Wed 2026-09-23 10:00"))
    assert {"return": "cancelled", "handle": "cancelled", "case": "cancelled"} == stopped(story.last[0])
    assert ("withdrawn", set(), []) == (story.ticket.stage, story.running, story.missed)
    assert (
        "not-in-stage-withdrawn"
        == play(policy, *REVISITING[:2], withdraws("Wed 2026-09-23 10:00"), withdraws("Wed 2026-09-23 10:01")).refusal
    )


# ---------------------------------------------------------------- who may say what


OPENED = REVISITING[:1]
SIGNED = REVISITING[:2]
DISPUTED = (*SIGNED, returns("Wed 2026-09-23 10:00"))
ASKED = (*SIGNED, asks_for_time("Wed 2026-09-23 10:00"))
EXPLAINING = (*UNHAPPY, judges("Thu 2026-09-24 10:00", justified=False))
CLOSED = (*REVISITING, rates("Thu 2026-09-24 09:00"), closes("Thu 2026-09-24 09:00"))
QUEUED = (opens("Wed 2026-09-23 09:00", category="other"),)
OWN, OTHER = f"unit:{SANITATION}", "unit:U-URBAN"


@pytest.mark.parametrize(
    ("before", "command", "entitled"),
    [
        (QUEUED, assigns("Wed 2026-09-23 10:00"), {"office"}),
        (OPENED, signs("Wed 2026-09-23 10:00"), {OWN}),
        (SIGNED, returns("Wed 2026-09-23 10:00"), {OWN}),
        (DISPUTED, refuses_return("Wed 2026-09-23 11:00"), {"office"}),
        (SIGNED, asks_for_time("Wed 2026-09-23 10:00"), {OWN}),
        (ASKED, grants("Wed 2026-09-23 11:00"), {"office"}),
        (SIGNED, replies("Wed 2026-09-23 10:00"), {OWN}),
        (REVISITING[:3], passes("Wed 2026-09-23 15:00"), {"office", "service"}),
        (REVISITING, calls("Thu 2026-09-24 09:00"), {"office", "service"}),
        (REVISITING, rates("Thu 2026-09-24 09:00"), {"citizen", "office", "platform:stage"}),
        (UNHAPPY, judges("Thu 2026-09-24 10:00", justified=True), {"office"}),
        (EXPLAINING, explains("Thu 2026-09-24 11:00"), {OWN}),
        (CLOSED[:-1], closes("Thu 2026-09-24 09:00"), {"office", "service"}),
        (SIGNED, urges("Wed 2026-09-23 10:00"), {"citizen", "office", "platform:stage", "service"}),
        (SIGNED, withdraws("Wed 2026-09-23 10:00"), {"citizen", "office", "platform:stage", "service"}),
        (CLOSED, reopens("Thu 2026-09-24 10:00"), {"citizen", "office", "platform:stage"}),
    ],
    ids=lambda value: value.type if isinstance(value, Command) else None,
)
def test_each_command_is_heard_from_those_entitled_and_from_nobody_else(
    policy: Policy, before: tuple[Command, ...], command: Command, entitled: set[str]
) -> None:
    everybody = ("citizen", "office", "platform:stage", "service", OWN, OTHER)
    heard = set()
    for who in everybody:
        story = play(policy, *before, command.model_copy(update={"actor": actor(who)}))
        if story.refusal is None:
            heard.add(who)
        else:
            assert story.refusal in {"not-entitled", "not-the-responsible-unit"}
            assert play(policy, *before).ticket == story.ticket.model_copy(
                update={"sequence": story.ticket.sequence - 1}
            )
    assert entitled == heard


@pytest.mark.parametrize(
    "command",
    [
        assigns("Thu 2026-09-24 10:00"),
        returns("Thu 2026-09-24 10:00"),
        refuses_return("Thu 2026-09-24 10:00"),
        asks_for_time("Thu 2026-09-24 10:00"),
        grants("Thu 2026-09-24 10:00"),
        replies("Thu 2026-09-24 10:00"),
        calls("Thu 2026-09-24 10:00"),
        rates("Thu 2026-09-24 10:00"),
        judges("Thu 2026-09-24 10:00", justified=True),
        explains("Thu 2026-09-24 10:00"),
        closes("Thu 2026-09-24 10:00"),
        signs("Thu 2026-09-24 10:00"),
    ],
    ids=lambda command: command.type,
)
def test_a_closed_ticket_hears_nothing_but_that_it_comes_back(policy: Policy, command: Command) -> None:
    assert "not-in-stage-closed" == play(policy, *CLOSED, command).refusal


def test_a_command_about_a_ticket_that_was_never_opened_is_rejected(policy: Policy) -> None:
    with pytest.raises(Rejected, match="never opened") as caught:
        play(policy, signs("Wed 2026-09-23 10:00"))
    assert "unknown-ticket" == caught.value.code


def test_a_time_that_leads_beyond_the_calendar_is_rejected_with_what_to_do(policy: Policy) -> None:
    with pytest.raises(Rejected, match="add the next one to the nation's layer") as caught:
        play(policy, *OPENED, signs("Wed 2130-03-01 10:00"))
    assert "beyond-the-calendar" == caught.value.code


@pytest.mark.parametrize(
    "end",
    [
        (rates("Thu 2026-09-24 09:00"), closes("Thu 2026-09-24 09:00")),
        (withdraws("Thu 2026-09-24 09:00"),),
    ],
    ids=["closed", "withdrawn"],
)
def test_an_appeal_outlives_its_ticket_and_no_other_clock_does(policy: Policy, end: tuple[Command, ...]) -> None:
    appeal = said(
        RequestAppeal, f"unit:{SANITATION}", "Wed 2026-09-23 16:00", leg=1, indicators=("signed_on_time",),
        reason="upstream_outage", basis="停机公告",
    )  # fmt: skip
    story = play(policy, *REVISITING, appeal)
    assert {"rating", "appeal"} == story.running
    ended = play(policy, *REVISITING, appeal, *end)
    assert {"appeal"} == ended.running
    assert "appeal" not in stopped(ended.last[-1])
