"""What a unit's assessment leaves out, appeals, and accountability: Art. 15, 16; 国办函〔2025〕66号 (六).

They are said of a ticket, so that they stand in its one order of facts; scoring folds them like all others.
"""

from datetime import datetime

from schemas.commands import DecideAccountability, DecideAppeal, ExcludeMeasure, RaiseAccountability, RequestAppeal
from schemas.facts import AccountabilityDecided, AccountabilityRaised, AppealDecided, AppealRequested, MeasureExcluded
from schemas.values import Cycle
from schemas.vocabulary import ClockKind, Indicator, Role
from services.core import clocks
from services.core.deadlines import due
from services.core.decision import Decision
from services.core.lifecycle.verdicts import settle

ARTICLE = "Art. 15"
OF_NO_LEG = frozenset({Indicator.SATISFACTION_RATED_ONLY, Indicator.KNOWLEDGE_CURRENT})
"""Numbers that no leg has of its own: satisfaction covers the first, no ticket the second."""


def _unfit(d: Decision, leg: Cycle | None, indicators: tuple[Indicator, ...], reason: str) -> str | None:
    """Give a refusal code unless these numbers of a leg can be left out for that reason."""
    if leg is None or leg.charged_to is None:
        return "unknown-leg"
    if OF_NO_LEG & set(indicators):
        return "not-of-a-leg"
    if reason not in d.policy.rulebook.scoring.appeal.reasons:
        return "unknown-reason"
    gone = {indicator for number, indicator in d.known.excluded if number == leg.number}
    return "already-excluded" if gone & set(indicators) else None


def exclude_measure(d: Decision, command: ExcludeMeasure) -> Decision:
    """The office leaves numbers of a leg out, for a reason of the rulebook's list."""
    if command.actor.role is not Role.OFFICE:
        return d.refuse("not-entitled", ARTICLE)
    leg = d.known.leg(command.leg)
    if code := _unfit(d, leg, command.indicators, command.reason):
        return d.refuse(code, ARTICLE)
    unit = (leg.charged_to if leg else None) or "nobody"
    return _exclude(d, command.leg, unit, command.indicators, command.reason, command.basis)


def _exclude(d: Decision, leg: int, unit: str, indicators: tuple[Indicator, ...], reason: str, basis: str) -> Decision:
    return d.then(MeasureExcluded, ARTICLE, leg=leg, counts_for=unit, indicators=indicators, reason=reason, basis=basis)


def _ended(d: Decision, leg: Cycle, indicator: Indicator) -> datetime | None:
    """Give when what a leg counts for was settled: with its end, or with the ticket's for what the citizen says."""
    return d.known.closed_at if indicator is Indicator.SATISFACTION else leg.stopped_at


def request_appeal(d: Decision, command: RequestAppeal) -> Decision:
    """A unit appeals what its leg counts for, each number once, within the window after it was settled."""
    rules, ticket = d.policy.rulebook.scoring.appeal, d.known
    leg = ticket.leg(command.leg)
    if command.actor.role is not Role.UNIT or leg is None or command.actor.id != leg.charged_to:
        return d.refuse("not-the-responsible-unit", ARTICLE)
    if code := _unfit(d, leg, command.indicators, command.reason):
        return d.refuse(code, ARTICLE)
    mine = [appeal for appeal in ticket.appeals if appeal.leg == leg.number]
    if any(not appeal.decided for appeal in mine):
        return d.refuse("appeal-pending", ARTICLE)
    if {indicator for appeal in mine for indicator in appeal.indicators} & set(command.indicators):
        return d.refuse("no-further-appeal", ARTICLE)
    own = d.policy.for_unit(leg.charged_to)
    for ended in (_ended(d, leg, indicator) for indicator in command.indicators):
        window = ended and due(ended, rules.window.limit, own.calendar, day_end=own.rulebook.day_end)
        if window is not None and command.time > window:
            return d.refuse("appeal-window-over", ARTICLE)
    return d.then(
        AppealRequested,
        ARTICLE,
        leg=leg.number,
        counts_for=leg.charged_to,
        indicators=command.indicators,
        reason=command.reason,
        basis=command.basis,
        started=(clocks.start_clock(ClockKind.APPEAL, leg.number, command.time, rules.decide, d.policy),),
    )


def decide_appeal(d: Decision, command: DecideAppeal) -> Decision:
    """The office decides an appeal; upheld, the numbers are left out for the reason that the unit gave."""
    ticket = d.known
    if command.actor.role is not Role.OFFICE:
        return d.refuse("not-entitled", ARTICLE)
    appeal = next((one for one in ticket.appeals if one.leg == command.leg and not one.decided), None)
    if appeal is None:
        return d.refuse("no-appeal-requested", ARTICLE)
    d = settle(d, command.time, ClockKind.APPEAL, cycle=command.leg)
    d = d.then(
        AppealDecided,
        ARTICLE,
        leg=appeal.leg,
        counts_for=appeal.counts_for,
        indicators=appeal.indicators,
        upheld=command.upheld,
        basis=command.basis,
        stopped=clocks.stop_kinds(ticket, command.time, ClockKind.APPEAL, cycle=command.leg),
    )
    if not command.upheld:
        return d
    left = tuple(one for one in appeal.indicators if (appeal.leg, one) not in d.known.excluded)
    if not left:
        return d
    return _exclude(d, appeal.leg, appeal.counts_for, left, appeal.reason, command.basis)


def raise_accountability(d: Decision, command: RaiseAccountability) -> Decision:
    """The office flags what a unit may have to answer for; a person decides later (Art. 16)."""
    unit = d.policy.directory.unit(command.unit)
    if command.actor.role is not Role.OFFICE:
        return d.refuse("not-entitled", "Art. 16")
    if unit is None:
        return d.refuse("unknown-unit", "Art. 16")
    return d.then(
        AccountabilityRaised,
        "Art. 16",
        answerable=unit.id,
        answerable_group=unit.group,
        item=command.item,
        reason=command.reason,
        basis=command.basis,
    )


def decide_accountability(d: Decision, command: DecideAccountability) -> Decision:
    """The office dismisses or upholds a flag (Art. 16); scoring, which keeps the flags, says so under its name."""
    unit = d.policy.directory.unit(command.unit)
    if command.actor.role is not Role.OFFICE:
        return d.refuse("not-entitled", "Art. 16")
    return d.then(
        AccountabilityDecided,
        "Art. 16",
        flag=command.flag,
        answerable=command.unit,
        answerable_group=unit.group if unit else "none",
        upheld=command.upheld,
        note_ref=command.note_ref,
    )
