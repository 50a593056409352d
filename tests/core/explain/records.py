"""Records with clocks that are decided again, under rules and hours of the test, and what is explained of them."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from schemas.commands import (
    AssignCoHandlers,
    Command,
    DecideSuspension,
    RequestSuspension,
    ResumeTicket,
    SignalClocks,
)
from schemas.commands.clocks import ClockSignal
from schemas.vocabulary import ClockKind, Kind
from services.core.calendar_history import calendar_history, unit_history
from services.core.calendar_hours import HoursRule
from services.core.explain.model import Arithmetic, Explanation
from services.core.explain.story import explain
from services.core.policy import Policies, Policy
from services.core.rule import LimitRule
from services.core.rulebook_articles import ExtensionRule, KindRule, StatutoryLimit
from services.core.ticket import Ticket
from services.runtime.policy_files import load_layers
from tests.builders import (
    SANITATION,
    TICKET,
    Alarm,
    Story,
    alarm,
    at,
    said,
)

LAYERS = load_layers(Path(__file__).parents[3] / "ops", "weixi")
END = at("Thu 2026-12-31 12:00")
SPRING, KNOWN = "Thu 2020-01-23 10:00", "Mon 2020-01-27 00:00"
"""Opened before the Spring Festival of 2020, and when it is known that it lasts until Sunday 2 February.

Worked after Thursday 23 January, as known that day: Fri 31 January, Sat 1 February, Mon 3 to Fri 7, Mon 10.
As known from the 27th on: Mon 3 to Fri 7, Mon 10 to Fri 14.
"""
PROLONGED = "国办发明电〔2020〕1号"
OVERRIDE_BY_DAYS = {"working_days": 5, "legal_basis": "信访条例"}
HALL = {"from": date(2020, 1, 1), "windows": ["09:00-12:00", "13:00-17:00"]}
CLOSES = "On its last day it ends at the close of office, 18:00 (Civil Code 203)."
CLOSES_AT_FIVE = "On its last day it ends at the close of office, 17:00 (Civil Code 203)."
BY_LAW = "某条例第三条 sets the limit of this category, instead of the table."
BY_OVERRIDE = "Set by 信访条例, instead of the table."
STARTS = "Starts Thu 2020-01-23 10:00; that day does not count (Civil Code 201)."
MONDAY = "Starts Mon 2026-11-02 09:00; that day does not count (Civil Code 201)."


@dataclass(frozen=True)
class Learns(Alarm):
    """sla-timer has heard of another version of the calendar: the clock is to be decided again."""

    version: str = ""

    def on(self, ticket: Ticket) -> SignalClocks:
        clock = ticket.clock(self.kind, self.cycle)
        assert clock is not None
        assert self.when is not None
        return alarm(
            ClockSignal(
                clock=clock.kind, cycle=clock.cycle, due_at=clock.due_at, at=at(self.when), calendar=self.version
            )
        )


def learns(policies: Policies, when: str, kind: str = "handle", cycle: int | None = None) -> Learns:
    return Learns(ClockKind(kind), None, when, cycle, policies.at(at(when)).calendar.version)


def told(policies: Policies, story: Story) -> Explanation:
    """Explain a record in which everything agrees."""
    found = explain(TICKET, story.facts, {}, policies, END)
    assert () == found.problems
    return found


def last(found: Explanation, kind: str, cycle: int | None = None) -> Arithmetic:
    return [
        clock
        for entry in found.entries
        for clock in entry.started
        if clock.clock == kind and cycle in {None, clock.cycle}
    ][-1]


def words(clock: Arithmetic) -> list[str]:
    return [step.en for step in clock.steps]


def ruled(policy: Policy, **changes: Any) -> Policy:
    return replace(policy, rulebook=policy.rulebook.model_copy(update=changes))


def days(amount: int) -> LimitRule:
    return LimitRule(amount=amount, unit="working_days", article="Art. 8")


def hours(amount: int) -> LimitRule:
    return LimitRule(amount=amount, unit="working_hours", article="Art. 4")


def help_of(policy: Policy, handle: int, total: int) -> dict[str, Any]:
    """Other limits for matters of help: for handling, and with an extension in all."""
    rule = KindRule(handle=days(handle), extension=ExtensionRule(max_count=1, total=days(total)))
    return {"kinds": {**policy.rulebook.kinds, Kind.HELP: rule}}


def by_law(policy: Policy) -> Policy:
    """A law sets 2 working days for this kind and category, dispatched on 23 January 2020 or 2 November 2026."""
    limits = tuple(
        StatutoryLimit(
            category="bulky-waste", kinds=(Kind.HELP,), amount=2, legal_basis="某条例第三条", effective_from=day,
            effective_until=day + timedelta(days=1),
        )
        for day in (date(2020, 1, 23), date(2026, 11, 2))
    )  # fmt: skip
    return ruled(policy, statutory_limits=limits)


def by_tier(policy: Policy) -> Policy:
    """The category is of an urgency tier: 4 working days, 6 in all."""
    categories = tuple(
        each.model_copy(update={"tier": "pressing"}) if each.code == "bulky-waste" else each
        for each in policy.directory.categories
    )
    tier = KindRule(handle=days(4), extension=ExtensionRule(max_count=1, total=days(6)))
    directory = policy.directory.model_copy(update={"categories": categories})
    return replace(ruled(policy, tiers={"pressing": tier}), directory=directory)


def suspending(policy: Policy) -> Policy:
    rule = policy.rulebook.suspension.model_copy(update={"enabled": True, "max_count": 2})
    return ruled(policy, suspension=rule)


def keeping(
    policy: Policy, *, county: tuple[dict[str, Any], ...] = (), unit: tuple[dict[str, Any], ...] = ()
) -> Policy:
    """The county keeps further hours, and its Sanitation Station hours of its own; no year before 2025 is compiled."""
    more = tuple(HoursRule.model_validate(rule) for rule in county)
    nation = LAYERS[0].model_copy(update={"notices": LAYERS[0].notices[-2:]})
    layers = (nation, *LAYERS[1:-1], LAYERS[-1].model_copy(update={"hours": (*LAYERS[-1].hours, *more)}))
    own = tuple(HoursRule.model_validate(rule) for rule in unit)
    units = {SANITATION: unit_history(layers, own)} if own else {}
    return replace(policy, history=calendar_history(layers), unit_histories=units)


def hearing(policy: Policy, notice: str, when: str) -> Policy:
    """The county hears of a notice at that instant only; it knows the one before it, and no other."""
    notices = LAYERS[0].notices
    number = next(i for i, each in enumerate(notices) if each.id == notice)
    late = notices[number].model_copy(update={"known_from": at(when)})
    nation = LAYERS[0].model_copy(update={"notices": (notices[number - 1], late)})
    return replace(policy, history=calendar_history((nation, *LAYERS[1:])))


def suspends(asked: str, granted: str, resumed: str | None = None) -> tuple[Command, ...]:
    unit = f"unit:{SANITATION}"
    asking = said(RequestSuspension, unit, asked, reason="waiting-for-citizen-material")
    granting = said(DecideSuspension, "office", granted, granted=True)
    return (asking, granting, said(ResumeTicket, unit, resumed)) if resumed else (asking, granting)


def joined_by(when: str, unit: str) -> Command:
    return said(AssignCoHandlers, "office", when, units=(unit,))  # type: ignore[no-any-return]
