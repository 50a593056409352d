"""Which rules govern: those in force when things happened; a running clock keeps those of its start (ADR 3)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.core.policy import NotInForceError, Policies, Policy
from services.core.rulebook import Rulebook
from services.core.service import Rejected
from tests.builders import asks_for_time, at, elapses, grants, opens, play, replies, signs

NEW_YEAR = at("Thu 2026-01-01 00:00")


def revised(policy: Policy, **changes: Any) -> Policy:
    """The county's rules from 2026 on: help within 2 working days, one extension to at most 4."""
    book = policy.rulebook.model_dump(mode="json", by_alias=True)
    book["kinds"]["help"]["handle"]["amount"] = 2
    book["kinds"]["help"]["extension"]["total"]["amount"] = 4
    book |= {"effective_from": "2026-01-01", "version": "2026"} | changes
    return replace(policy, rulebook=Rulebook.model_validate(book))


def both(policy: Policy, **changes: Any) -> Policies:
    return Policies.of((revised(policy, **changes), policy))


def test_rules_are_in_force_from_midnight_of_their_first_day(policy: Policy) -> None:
    policies = both(policy)
    assert policy.rulebook is policies.at(NEW_YEAR - timedelta(microseconds=1)).rulebook
    assert "2026" == policies.at(NEW_YEAR).rulebook.version == policies.newest.rulebook.version


def test_before_the_first_rules_nothing_is_decided(policy: Policy) -> None:
    first = at("Tue 2024-10-15 00:00")
    assert policy.rulebook is both(policy).at(first).rulebook
    with pytest.raises(NotInForceError, match=r"no rules of weixi are in force at 2024-10-14T15:59:59\+00:00"):
        both(policy).at(first - timedelta(seconds=1))
    with pytest.raises(Rejected) as caught:
        play(both(policy), opens("Mon 2024-10-14 23:59"))
    assert "no-rules-in-force" == caught.value.code


@pytest.mark.parametrize("wrong", ["none", "twice", "backwards"])
def test_segments_out_of_order_are_refused(policy: Policy, wrong: str) -> None:
    one, other = both(policy).segments
    with pytest.raises(ValueError, match="at least one segment, in ascending order"):
        Policies({"none": (), "twice": (one, one), "backwards": (other, one)}[wrong])


def test_each_fact_names_the_version_that_it_was_decided_under(policy: Policy) -> None:
    story = play(both(policy), opens("Wed 2025-12-31 17:00"), signs("Sun 2026-01-04 09:00"))
    opened, dispatched, signed = story.facts
    assert ["2024-10-15.1"] * 2 + ["2026"] == [f.rulebook.version for f in (opened, dispatched, signed)]
    assert dispatched.rulebook.hash != signed.rulebook.hash


def test_a_new_rulebook_moves_no_running_clock_but_rules_those_that_start_after_it(policy: Policy) -> None:
    story = play(both(policy), opens("Wed 2025-12-31 17:00"), signs("Sun 2026-01-04 09:00"))
    assert "Tue 2026-01-06 18:00" == story.due("handle"), "three working days, as promised when it started"
    later = play(both(policy), opens("Sun 2026-01-04 09:00"))
    assert "Tue 2026-01-06 18:00" == later.due("handle"), "two working days"


def test_a_held_ticket_is_released_under_the_rules_of_the_day_on_which_it_goes_out(policy: Policy) -> None:
    story = play(both(policy), opens("Wed 2025-12-31 20:00"), elapses("release"))
    assert "2026" == story.one("ticket.dispatched").rulebook.version
    assert "Tue 2026-01-06 18:00" == story.due("handle"), "out on Sunday the 4th, which is worked, two working days"


@pytest.mark.parametrize(
    ("applies_to_running", "extended_to"),
    [(False, "Thu 2026-01-08 18:00"), (True, "Wed 2026-01-07 18:00")],
    ids=["five in all, as when the clock started", "four in all, because the new rules claim running clocks"],
)
def test_an_extension_follows_the_rules_that_govern_its_clock(
    policy: Policy, applies_to_running: bool, extended_to: str
) -> None:
    policies = both(policy, applies_to_running=applies_to_running)
    story = play(
        policies,
        opens("Wed 2025-12-31 17:00"),
        signs("Sun 2026-01-04 09:00"),
        asks_for_time("Sun 2026-01-04 10:00"),
        grants("Sun 2026-01-04 11:00"),
    )
    assert extended_to == story.due("handle")


def test_what_happened_before_midnight_is_decided_by_the_old_rules_though_it_is_heard_after(policy: Policy) -> None:
    policies = both(policy)
    story = play(policies, opens("Wed 2025-12-31 09:00"), elapses("sign"), replies("Wed 2025-12-31 16:00"))
    assert "2024-10-15.1" == story.facts[-1].rulebook.version


def test_a_calendar_is_found_by_its_version_and_one_that_was_never_known_is_none(policies: Policies) -> None:
    calendar = policies.newest.calendar
    assert calendar == policies.calendar(calendar.version)
    assert policies.calendar("weixi@2020-01-26:000000000000") is None


def test_processes_that_know_other_rules_show_another_hash(policy: Policy) -> None:
    assert policy.rulebook.ref == Policies.always(policy).ref
    assert both(policy).ref.hash not in {policy.rulebook.hash, revised(policy).rulebook.hash}
    assert "2026" == both(policy).ref.version


def test_a_switch_at_its_default_changes_no_hash(policy: Policy) -> None:
    book = policy.rulebook.model_dump(mode="json", by_alias=True)
    assert policy.rulebook.hash == Rulebook.model_validate(book | {"applies_to_running": False}).hash
    assert policy.rulebook.hash != Rulebook.model_validate(book | {"applies_to_running": True}).hash
    assert date(2024, 10, 15) == policy.rulebook.effective_from
