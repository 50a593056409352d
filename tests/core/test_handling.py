"""Art. 7, 8, 12: signing, the handling limit and its extension, replies and their review; who was late, and when."""

import pytest

from schemas.values import LimitOverride
from services.core.policy import Policy
from tests.builders import (
    SANITATION,
    URBAN,
    Alarm,
    Story,
    alarm,
    asks_for_time,
    at,
    elapses,
    fails,
    grants,
    judges,
    local,
    names,
    opens,
    passes,
    play,
    rates,
    refuses_time,
    replies,
    returns,
    signs,
    stopped,
    upholds,
    withdraws,
)

OPENED = opens("Wed 2026-09-23 09:00")
SIGNED = (OPENED, signs("Wed 2026-09-23 09:30"))


# ---------------------------------------------------------------- Art. 7: sign within 2 working hours


def test_a_unit_signs_in_time_to_the_second(policy: Policy) -> None:
    story = play(policy, OPENED, signs("Wed 2026-09-23 11:00"))
    assert ["ticket.signed"] == names(story.last)
    assert ({"sign": "met"}, []) == (stopped(story.last[0]), story.missed)
    assert "Thu 2026-09-24 11:00" == story.due("return")


def test_one_second_late_is_late_whether_or_not_the_alarm_was_heard(policy: Policy) -> None:
    story = play(policy, OPENED, signs("Wed 2026-09-23 11:00:01"))
    assert ["clock.breached", "ticket.signed"] == names(story.last)
    assert {"sign": "late"} == stopped(story.last[1])
    assert "Wed 2026-09-23 11:00" == local(story.last[0].time), "stamped with the due instant"
    assert story.one("ticket.signed").deemed is False


def test_silence_is_deemed_signing_at_the_due_instant(policy: Policy) -> None:
    story = play(policy, OPENED, elapses("sign"))
    assert ["clock.breached", "ticket.signed"] == names(story.last)
    signed = story.one("ticket.signed")
    assert (True, "Wed 2026-09-23 11:00") == (signed.deemed, local(signed.time))
    assert {"sign": "late"} == stopped(signed)
    assert "Thu 2026-09-24 11:00" == story.due("return"), "nobody gains time by not signing"


def test_where_the_rulebook_does_not_deem_signing_the_ticket_stays_unsigned(policy: Policy) -> None:
    book = policy.rulebook
    strict = Policy(
        book.model_copy(update={"sign": book.sign.model_copy(update={"deemed": False})}),
        policy.calendar,
        policy.directory,
    )
    story = play(strict, OPENED, elapses("sign"))
    assert (["clock.breached"], "dispatched") == (names(story.last), story.ticket.stage)
    assert {"sign", "handle", "case"} == story.running


def test_a_signature_given_in_time_and_heard_late_takes_the_breach_back(policy: Policy) -> None:
    story = play(policy, OPENED, elapses("sign"), signs("Wed 2026-09-23 10:59"))
    assert ["breach.withdrawn"] == names(story.last)
    withdrawn = story.one("breach.withdrawn")
    assert ("Wed 2026-09-23 10:59", "Art. 7") == (local(withdrawn.met_at), withdrawn.article)
    assert [] == story.missed


@pytest.mark.parametrize("when", ["Wed 2026-09-23 11:00:01", "Wed 2026-09-23 15:00"])
def test_a_signature_after_the_deemed_one_heals_nothing(policy: Policy, when: str) -> None:
    story = play(policy, OPENED, elapses("sign"), signs(when))
    assert ("already-signed", [("sign", "Wed 2026-09-23 11:00")]) == (story.refusal, story.missed)


def test_signing_twice_is_refused(policy: Policy) -> None:
    assert "already-signed" == play(policy, *SIGNED, signs("Wed 2026-09-23 09:31")).refusal


# ---------------------------------------------------------------- Art. 8: the handling limit


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("consultation", "Thu 2026-09-24 18:00"),  # 1 working day; the day of dispatch does not count
        ("help", "Tue 2026-09-29 18:00"),  # 3: Thu 24, Mon 28, Tue 29; Mid-Autumn is off
        ("suggestion", "Tue 2026-09-29 18:00"),
        ("complaint", "Wed 2026-10-21 18:00"),  # 15: 24, 28-30, 8-10, 12-16, 19-21
        ("report", "Wed 2026-10-21 18:00"),
        ("enforcement", "Wed 2026-10-21 18:00"),
    ],
)
def test_each_kind_has_its_limit_and_the_citizen_s_clock_the_same(policy: Policy, kind: str, due: str) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00", kind=kind))
    assert (due, due) == (story.due("handle"), story.due("case"))


def test_a_ticket_of_the_night_counts_as_dispatched_when_it_is_released(policy: Policy) -> None:
    story = play(policy, opens("Tue 2026-09-22 20:00", kind="consultation"), elapses("release"))
    assert "Thu 2026-09-24 18:00" == story.due("handle")


@pytest.mark.parametrize(
    ("upstream", "due"),
    [
        ("Mon 2026-09-28 18:00", "Mon 2026-09-28 16:00"),  # less 2 working hours to hand back
        ("Mon 2026-09-28 15:30", "Mon 2026-09-28 11:00"),  # across the lunch break
        ("Mon 2026-10-12 18:00", "Tue 2026-09-29 18:00"),  # later than our own limit
        ("Wed 2026-09-23 10:00", "Wed 2026-09-23 10:00"),  # no room left for the buffer
        ("Tue 2026-09-22 10:00", "Tue 2026-09-29 18:00"),  # has passed: our own limit is left
    ],
)
def test_the_upstream_s_own_due_instant_bounds_ours_less_the_hand_back(policy: Policy, upstream: str, due: str) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00", upstream_due_at=at(upstream)))
    assert due == story.due("handle")


@pytest.mark.parametrize(
    ("override", "due"),
    [
        (LimitOverride(working_days=1, legal_basis="信访条例"), "Thu 2026-09-24 18:00"),
        (LimitOverride(working_days=10, legal_basis="信访条例"), "Wed 2026-10-14 18:00"),
        (LimitOverride(due_at=at("Wed 2026-09-23 12:00"), legal_basis="省令"), "Wed 2026-09-23 12:00"),
        (LimitOverride(due_at=at("Thu 2026-10-15 12:00"), legal_basis="省令"), "Thu 2026-10-15 12:00"),
    ],
)
def test_law_or_a_superior_order_wins_over_the_table_in_both_directions(
    policy: Policy, override: LimitOverride, due: str
) -> None:
    story = play(policy, opens("Wed 2026-09-23 09:00", limit_override=override))
    assert (due, due) == (story.due("handle"), story.due("case"))


def test_an_ordered_instant_that_has_passed_does_not_make_the_next_leg_overdue_at_birth(policy: Policy) -> None:
    override = LimitOverride(due_at=at("Wed 2026-09-23 12:00"), legal_basis="省令")
    story = play(
        policy,
        opens("Wed 2026-09-23 09:00", limit_override=override),
        signs("Wed 2026-09-23 09:30"),
        returns("Wed 2026-09-23 10:00", to=URBAN),
        upholds("Wed 2026-09-23 15:00"),
    )
    assert ("Tue 2026-09-29 18:00", "Wed 2026-09-23 12:00") == (story.due("handle"), story.due("case"))


# ---------------------------------------------------------------- Art. 8: extension


@pytest.mark.parametrize(
    ("kind", "due"),
    [
        ("consultation", "Tue 2026-09-29 18:00"),  # 3 working days in all
        ("help", "Thu 2026-10-08 18:00"),  # 5 in all: 24, 28, 29, 30 September, 8 October
        ("suggestion", "Thu 2026-10-08 18:00"),
        ("complaint", "Wed 2026-11-04 18:00"),  # 10 more, from the old due of Wed 10-21
        ("report", "Wed 2026-11-04 18:00"),
        ("enforcement", "Wed 2026-11-04 18:00"),
    ],
)
def test_an_extension_caps_the_whole_or_adds_to_the_old_due(policy: Policy, kind: str, due: str) -> None:
    asked = (
        opens("Wed 2026-09-23 09:00", kind=kind),
        signs("Wed 2026-09-23 09:30"),
        asks_for_time("Wed 2026-09-23 10:00"),
    )
    before = play(policy, *asked)
    after = play(policy, *asked, grants("Thu 2026-09-24 16:00"))
    granted = after.one("extension.granted")
    assert (before.clock("handle").due_at, at(due), 1) == (granted.old_due_at, granted.new_due_at, granted.count)
    assert (due, due) == (after.due("handle"), after.due("case"))
    assert "Wed 2026-09-23 09:00" == local(after.clock("case").started_at), "moved, not restarted"


def test_an_extension_asked_for_after_the_citizens_limit_ran_out_in_an_earlier_leg_does_not_mend_that(
    policy: Policy,
) -> None:
    asked = (
        opens("Wed 2026-09-23 09:00"),
        signs("Wed 2026-09-23 09:30"),
        returns("Wed 2026-09-23 10:00", to="U-URBAN"),
        upholds("Mon 2026-09-28 10:00", to="U-URBAN"),
        elapses("case"),
        asks_for_time("Wed 2026-09-30 10:00", "U-URBAN"),
    )
    before = play(policy, *asked)
    after = play(policy, *asked, grants("Wed 2026-09-30 11:00"))
    # Friday the 25th is Mid-Autumn, 1 to 7 October are off: Thu, Mon, Tue for the citizen, Tue, Wed, Thu for the unit.
    assert ("Tue 2026-09-29 18:00", "Thu 2026-10-08 18:00") == (before.due("case"), before.due("handle"))
    assert (before.due("case"), "Sat 2026-10-10 18:00") == (after.due("case"), after.due("handle"))
    assert before.missed == after.missed
    assert ("case", "Tue 2026-09-29 18:00") in after.missed


def test_a_complaint_is_extended_twice_and_no_more(policy: Policy) -> None:
    twice = (
        opens("Wed 2026-09-23 09:00", kind="complaint"),
        signs("Wed 2026-09-23 09:30"),
        asks_for_time("Mon 2026-10-19 10:00"),
        grants("Mon 2026-10-19 11:00"),
        asks_for_time("Mon 2026-11-02 10:00"),
        grants("Mon 2026-11-02 11:00"),
    )
    assert "Wed 2026-11-18 18:00" == play(policy, *twice).due("handle")
    assert "no-further-extension" == play(policy, *twice, asks_for_time("Tue 2026-11-10 10:00")).refusal


def test_a_help_ticket_is_extended_once(policy: Policy) -> None:
    story = play(
        policy,
        *SIGNED,
        asks_for_time("Wed 2026-09-23 10:00"),
        grants("Wed 2026-09-23 11:00"),
        asks_for_time("Mon 2026-09-28 10:00"),
    )
    assert "no-further-extension" == story.refusal


@pytest.mark.parametrize(
    ("when", "refusal"), [("Tue 2026-09-29 18:00", None), ("Tue 2026-09-29 18:00:01", "deadline-passed")]
)
def test_more_time_is_asked_for_before_the_deadline(policy: Policy, when: str, refusal: str | None) -> None:
    assert refusal == play(policy, *SIGNED, asks_for_time(when)).refusal


def test_while_a_request_is_pending_no_clock_stops_and_no_second_is_heard(policy: Policy) -> None:
    before = play(policy, *SIGNED)
    pending = play(policy, *SIGNED, asks_for_time("Wed 2026-09-23 10:00"))
    assert before.ticket.clocks == pending.ticket.clocks
    again = play(policy, *SIGNED, asks_for_time("Wed 2026-09-23 10:00"), asks_for_time("Wed 2026-09-23 11:00"))
    assert "extension-pending" == again.refusal


def test_a_refused_request_changes_no_clock_and_may_be_made_again(policy: Policy) -> None:
    before = play(policy, *SIGNED)
    refused = (*SIGNED, asks_for_time("Wed 2026-09-23 10:00"), refuses_time("Wed 2026-09-23 11:00"))
    assert before.ticket.clocks == play(policy, *refused).ticket.clocks
    assert play(policy, *refused, asks_for_time("Wed 2026-09-23 11:10")).refusal is None


def test_nobody_grants_what_nobody_asked_for(policy: Policy) -> None:
    assert "no-extension-requested" == play(policy, *SIGNED, grants("Wed 2026-09-23 10:00")).refusal


def test_a_breach_is_annulled_when_more_time_had_been_asked_for_in_time(policy: Policy) -> None:
    asked = (*SIGNED, asks_for_time("Tue 2026-09-29 17:00"), elapses("case"), elapses("handle"))
    assert 2 == len(play(policy, *asked).missed), "silence grants nothing"
    granted = play(policy, *asked, grants("Wed 2026-09-30 10:00"))
    assert ["extension.granted", "breach.withdrawn", "breach.withdrawn"] == names(granted.last)
    assert ([], "Thu 2026-10-08 18:00") == (granted.missed, granted.due("handle"))
    again = play(policy, *asked, grants("Wed 2026-09-30 10:00"), elapses("handle"))
    assert [("handle", "Thu 2026-10-08 18:00")] == again.missed, "the longer limit can be missed in its turn"


def test_a_request_lapses_with_the_leg_for_which_it_was_made(policy: Policy) -> None:
    moved = (
        *SIGNED,
        asks_for_time("Wed 2026-09-23 09:40"),
        returns("Wed 2026-09-23 10:00", to=URBAN),
        upholds("Wed 2026-09-23 11:00"),
        signs("Wed 2026-09-23 11:10", URBAN),
    )
    assert "no-extension-requested" == play(policy, *moved, grants("Wed 2026-09-23 11:20")).refusal
    assert play(policy, *moved, asks_for_time("Wed 2026-09-23 11:20", URBAN)).refusal is None
    redone = (
        *SIGNED,
        asks_for_time("Wed 2026-09-23 09:40"),
        replies("Wed 2026-09-23 10:00"),
        passes("Wed 2026-09-23 10:00"),
        rates("Wed 2026-09-23 11:00", "dissatisfied"),
        judges("Wed 2026-09-23 11:30", justified=True),
    )
    assert "no-extension-requested" == play(policy, *redone, grants("Wed 2026-09-23 11:40")).refusal


@pytest.mark.parametrize(
    ("accepted_by", "who", "refusal"),
    [
        ("county", "office", None),
        ("prefecture", "platform:stage", None),
        ("prefecture", "office", None),  # enters the prefecture's answer
        ("county", "platform:stage", "not-entitled"),
        ("province", "platform:another", "not-entitled"),
        ("county", f"unit:{SANITATION}", "not-entitled"),
    ],
)
def test_the_body_that_accepted_the_ticket_decides_on_more_time(
    policy: Policy, accepted_by: str, who: str, refusal: str | None
) -> None:
    story = play(
        policy,
        opens("Wed 2026-09-23 09:00", accepted_by=accepted_by),
        signs("Wed 2026-09-23 09:30"),
        asks_for_time("Wed 2026-09-23 10:00"),
        grants("Wed 2026-09-23 11:00", who),
    )
    assert refusal == story.refusal


# ---------------------------------------------------------------- Art. 12: reply and review


def test_replying_implies_having_signed(policy: Policy) -> None:
    story = play(policy, OPENED, replies("Wed 2026-09-23 10:00"))
    assert ["ticket.signed", "reply.submitted"] == names(story.last)
    assert ({"sign": "met"}, {"return": "met"}) == (stopped(story.last[0]), stopped(story.last[1]))
    assert [] == story.missed


def test_a_reply_before_signing_that_comes_after_the_sign_limit_was_signed_late(policy: Policy) -> None:
    story = play(policy, OPENED, replies("Wed 2026-09-23 11:30"))
    assert ["clock.breached", "ticket.signed", "reply.submitted"] == names(story.last)
    assert ({"sign": "late"}, "Wed 2026-09-23 11:30") == (stopped(story.last[1]), local(story.last[1].time))
    assert [("sign", "Wed 2026-09-23 11:00")] == story.missed


def test_a_reply_that_passes_ends_both_clocks_and_opens_the_rating_window(policy: Policy) -> None:
    story = play(policy, *SIGNED, replies("Tue 2026-09-29 18:00"), passes("Tue 2026-09-29 18:00"))
    assert {"handle": "met", "case": "met"} == stopped(story.last[0])
    assert ({"rating"}, "Mon 2026-10-12 18:00") == (story.running, story.due("rating"))


REPLIED_IN_TIME = (*SIGNED, replies("Tue 2026-09-29 17:00"))
ALARMS = (elapses("case"), elapses("handle"))


def test_a_reply_in_time_that_is_reviewed_after_the_due_instant_is_no_breach(policy: Policy) -> None:
    story = play(policy, *REPLIED_IN_TIME, *ALARMS, passes("Wed 2026-09-30 09:00"))
    assert ([], {"handle": "met", "case": "met"}) == (story.missed, stopped(story.last[0]))


BOTH = [("case", "Tue 2026-09-29 18:00"), ("handle", "Tue 2026-09-29 18:00")]


def missed(story: Story) -> list[tuple[str, str]]:
    return sorted(story.missed)


@pytest.mark.parametrize("reviewed", ["Wed 2026-09-30 09:00", "Tue 2026-09-29 17:00"])
@pytest.mark.parametrize("alarms", [(), ALARMS])
def test_a_reply_in_time_that_fails_after_the_due_instant_is_a_breach(
    policy: Policy, reviewed: str, alarms: tuple[Alarm, ...]
) -> None:
    rejected = (*REPLIED_IN_TIME, *alarms, fails(reviewed))
    story = play(policy, *rejected)
    if reviewed.startswith("Tue"):  # heard after, but happened before the due instant: the clocks ring once more
        assert [] == story.missed
        assert {"handle", "case"} == {clock.kind.value for clock in story.last[0].started}
        story = play(policy, *rejected, *ALARMS)
    assert BOTH == missed(story)
    late = play(policy, *rejected, replies("Wed 2026-09-30 10:00"), passes("Wed 2026-09-30 10:00"))
    assert BOTH == missed(late), "a late reply does not heal it"


def test_a_late_reply_is_a_breach_even_if_no_alarm_was_heard_yet(policy: Policy) -> None:
    story = play(policy, *SIGNED, replies("Tue 2026-09-29 18:00:01"), passes("Tue 2026-09-29 18:00:01"))
    assert ["clock.breached", "clock.breached", "reply.accepted"] == names(story.last)
    assert (BOTH, {"handle": "late", "case": "late"}) == (missed(story), stopped(story.last[-1]))


def test_an_alarm_that_rings_while_a_late_reply_is_in_review_declares_the_breach(policy: Policy) -> None:
    story = play(policy, *SIGNED, replies("Tue 2026-09-29 18:00:01"), elapses("handle"))
    assert [("handle", "Tue 2026-09-29 18:00")] == story.missed


def test_a_reply_given_in_time_and_heard_late_takes_the_breaches_back(policy: Policy) -> None:
    story = play(policy, *SIGNED, *ALARMS, replies("Tue 2026-09-29 17:00"), passes("Wed 2026-09-30 09:00"))
    assert ["breach.withdrawn", "breach.withdrawn", "reply.accepted"] == names(story.last)
    assert ([], {"handle": "met", "case": "met"}) == (story.missed, stopped(story.last[-1]))


def test_a_rejected_reply_changes_no_due_instant(policy: Policy) -> None:
    before = play(policy, *SIGNED)
    after = play(policy, *SIGNED, replies("Wed 2026-09-23 10:00"), fails("Wed 2026-09-23 10:00"))
    assert (before.due("handle"), "in_progress") == (after.due("handle"), after.ticket.stage)


def test_a_mark_of_the_ladder_that_passed_is_not_told_again(policy: Policy) -> None:
    half = play(policy, *SIGNED).clock("handle").marks[0]
    story = play(policy, *SIGNED, replies("Mon 2026-09-28 17:00"), fails("Mon 2026-09-28 17:00"))
    assert "half" == half.rung
    assert half.at < at("Mon 2026-09-28 17:00")
    assert half.rung not in {mark.rung for mark in story.clock("handle").marks}


def test_a_review_of_another_leg_or_of_no_reply_says_nothing(policy: Policy) -> None:
    assert () == play(policy, *SIGNED, passes("Wed 2026-09-23 10:00")).last
    assert () == play(policy, *SIGNED, replies("Wed 2026-09-23 10:00"), passes("Wed 2026-09-23 10:00", cycle=7)).last


@pytest.mark.parametrize("who", [f"unit:{SANITATION}", "citizen", "platform:stage"])
def test_no_unit_passes_its_own_reply(policy: Policy, who: str) -> None:
    story = play(policy, *SIGNED, replies("Wed 2026-09-23 10:00"), passes("Wed 2026-09-23 10:00", who=who))
    assert ("not-entitled", "replied") == (story.refusal, story.ticket.stage)


def test_alarms_are_taken_from_services_alone(policy: Policy) -> None:
    story = play(policy, OPENED)
    forged = elapses("handle").on(story.ticket).model_copy(update={"actor": signs("Wed 2026-09-23 09:30").actor})
    assert "not-entitled" == play(policy, OPENED, forged).refusal


def test_a_stale_alarm_changes_nothing(policy: Policy) -> None:
    before_signing = elapses("sign").on(play(policy, OPENED).ticket)
    assert () == play(policy, *SIGNED, before_signing).last
    before_extension = elapses("handle").on(play(policy, *SIGNED).ticket)
    extended = (*SIGNED, asks_for_time("Wed 2026-09-23 10:00"), grants("Wed 2026-09-23 11:00"))
    assert () == play(policy, *extended, before_extension).last


def test_an_alarm_repeated_declares_the_breach_once(policy: Policy) -> None:
    story = play(policy, *SIGNED, elapses("handle"), elapses("handle"))
    assert [("handle", "Tue 2026-09-29 18:00")] == story.missed
    assert () == story.last


def test_alarms_of_one_pulse_are_taken_in_the_order_in_which_they_happened(policy: Policy) -> None:
    held = play(policy, opens("Tue 2026-09-22 20:00"))
    both = alarm(
        *elapses("release").on(held.ticket).signals,
        *elapses("dispatch").on(held.ticket).signals,
    )
    story = play(policy, opens("Tue 2026-09-22 20:00"), both)
    assert ["clock.elapsed", "ticket.dispatched"] == names(story.last)
    assert [] == story.missed, "it was out at 08:30, whenever the alarms were heard"


def test_what_had_run_out_before_the_citizen_withdrew_stays_missed(policy: Policy) -> None:
    late = play(policy, *SIGNED, withdraws("Wed 2026-09-30 09:00"))
    assert (BOTH, {"handle": "cancelled", "case": "cancelled", "return": "cancelled"}) == (
        missed(late),
        stopped(late.last[-1]),
    )
    in_review = play(policy, *REPLIED_IN_TIME, withdraws("Wed 2026-09-30 09:00"))
    assert [] == in_review.missed, "it had been answered in time"
