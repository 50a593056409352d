"""Calendars of units: known from an instant on, shared, and asked about when the office's hours change beneath them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.core.calendar_history import CalendarHistory, calendar_history, unit_history
from services.core.calendar_hours import HoursRule
from services.core.policy import Policies, Policy
from services.core.succession import Succession, digest_of
from services.runtime.policy_files import load_layers
from tests.builders import URBAN, at

LAYERS = load_layers(Path(__file__).parents[2] / "ops", "weixi")
KNOWN = at("Wed 2026-11-04 12:00")
ALL_DAY = {"from": date(2020, 1, 1), "windows": ["00:00-24:00"]}
HALL = {"from": date(2020, 1, 1), "windows": ["09:00-12:00", "13:00-17:00"]}
SHORTER = {"from": date(2026, 11, 9), "windows": ["09:00-12:00"], "known_from": KNOWN, "basis": "测试文号"}


def rules(*said: dict[str, Any]) -> tuple[HoursRule, ...]:
    return tuple(HoursRule.model_validate(rule) for rule in said)


@pytest.fixture
def keeping(policy: Policy) -> Callable[..., Policies]:
    """Give the county's rules with units that keep these hours, and with further hours of the county itself."""

    def make(county: tuple[HoursRule, ...] = (), **units: tuple[HoursRule, ...]) -> Policies:
        last = LAYERS[-1].model_copy(update={"hours": (*LAYERS[-1].hours, *county)})
        layers = (*LAYERS[:-1], last)
        own: dict[str, CalendarHistory] = {
            name.replace("_", "-"): unit_history(layers, hours) for name, hours in units.items()
        }
        return Policies.always(replace(policy, history=calendar_history(layers), unit_histories=own))

    return make


def calendar_of(policies: Policies, unit: str, when: datetime) -> str:
    return policies.at(when).for_unit(unit).calendar.version


def test_before_its_first_hours_are_known_a_unit_has_the_jurisdictions_calendar(
    keeping: Callable[..., Policies],
) -> None:
    policies = keeping(U_URBAN=rules(SHORTER))
    before, after = at("Wed 2026-11-04 11:59:59"), KNOWN
    office = policies.at(before).calendar.version
    assert [office, office] == [calendar_of(policies, URBAN, before), policies.at(after).calendar.version]
    own = calendar_of(policies, URBAN, after)
    assert own != office
    assert ("测试文号",) == policies.learned(office, own)
    assert () == policies.learned(own, own) == policies.learned(own, office)


def test_the_instants_from_which_more_is_known_are_those_of_the_calendar_itself(
    keeping: Callable[..., Policies],
) -> None:
    policies = keeping(U_URBAN=rules(HALL, SHORTER))
    first = at("Mon 2026-11-02 09:00")
    office, own = policies.at(first).calendar.version, calendar_of(policies, URBAN, first)
    assert (KNOWN,) == policies.known_since(own, KNOWN)
    assert () == policies.known_since(own, at("Wed 2026-11-04 11:59:59"))
    assert () == policies.known_since(office, KNOWN) == policies.known_since("never@1:000000000000", KNOWN)


def test_sla_timer_counts_on_in_the_calendar_of_the_clock_as_known_then(keeping: Callable[..., Policies]) -> None:
    policies = keeping(U_URBAN=rules(HALL, SHORTER))
    old = calendar_of(policies, URBAN, at("Mon 2026-11-02 09:00"))
    succession = Succession.of(policies)
    for when in (at("Wed 2026-11-04 11:59:59"), KNOWN):
        found = succession.calendar_at(digest_of(old), when)
        assert found is policies.at(when).for_unit(URBAN).calendar
    assert succession.calendar_at("000000000000", KNOWN) is None


@pytest.mark.parametrize(("ends", "asked"), [("Fri 2026-11-06 09:00", False), ("Mon 2026-11-09 09:00", True)])
def test_a_clock_of_a_unit_is_asked_about_when_the_hours_of_the_office_change_that_hands_back(
    ends: str, *, asked: bool, keeping: Callable[..., Policies]
) -> None:
    """Open day and night, the unit is not touched; what its office hands back by Monday's or Tuesday's opening is."""
    policies = keeping(county=rules(SHORTER), U_URBAN=rules(ALL_DAY))
    old = calendar_of(policies, URBAN, at("Mon 2026-11-02 09:00"))
    found = Succession.of(policies).next_for(digest_of(old), at(ends))
    assert (KNOWN if asked else None) == (found.known_from if found else None)
