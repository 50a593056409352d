"""The fold by ticket: what each fact counts as, for which unit and month; and what no longer counts (Art. 15)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from schemas.envelope import Event, derived_id
from schemas.facts import (
    AccountabilityDecided,
    AccountabilityRaised,
    BreachWithdrawn,
    ClockAtRisk,
    ClockBreached,
    CoReplyRejected,
    Fact,
    MeasureExcluded,
    ReplyRejected,
    ReturnRefused,
    ReturnUpheld,
    TicketClosed,
    TicketDispatched,
    TicketOpened,
    TicketRedispatched,
    TicketRepeated,
    TicketSigned,
)
from schemas.supervision import AccountabilityNoted, UnitMeasured
from schemas.vocabulary import ClockKind, CycleEnd, Indicator, Measure, Rating, StopOutcome
from services.core.assessment import BREACH_WITHDRAWN, period_of
from services.core.policy import Policies
from services.core.service import Output, Position, Rejected, Step, in_sequence

SOURCE = "/hotline-mesh/scoring"
HANDLING = (ClockKind.HANDLE, ClockKind.CO_HANDLE)
"""Clocks whose end without a reply leaves a leg late and open."""
OF_A_UNIT = (ClockKind.SIGN, *HANDLING, ClockKind.EXPLAIN)
"""Limits that a unit misses."""
INDICATORS = {
    Measure.SIGNED: Indicator.SIGNED_ON_TIME,
    Measure.REPLIED: Indicator.REPLIED_ON_TIME,
    Measure.OVERDUE: Indicator.REPLIED_ON_TIME,
    Measure.CLOSED: Indicator.SATISFACTION,
    Measure.REDONE: Indicator.REDONE,
    Measure.RETURNED: Indicator.RETURNS_UPHELD,
    Measure.RETURN_REFUSED: Indicator.RETURNS_UPHELD,
    Measure.REPLY_REJECTED: Indicator.REPLIES_REJECTED,
    Measure.REPEATED: Indicator.REPEATED,
}
"""Which number of an assessment a measure goes into; a breach into that of its clock."""


class Counted(NamedTuple):
    """What a fact of the ticket counted as, so that it can be taken back."""

    measure: Measure
    unit: str
    unit_group: str
    period: str
    evidence: str
    cycle: int
    clock: ClockKind | None = None
    by: int = 1
    on_time: bool | None = None
    rating: Rating | None = None
    deemed: bool = False

    @property
    def indicator(self) -> Indicator | None:
        """Give the number of an assessment that it goes into."""
        if self.measure is Measure.BREACHED:
            return Indicator.SIGNED_ON_TIME if self.clock is ClockKind.SIGN else Indicator.REPLIED_ON_TIME
        return INDICATORS.get(self.measure)


class LegState(BaseModel):
    """How far the facts of one ticket are measured, and what they counted as."""

    model_config = ConfigDict(frozen=True)
    sequence: int
    stage: str
    kind: str
    unit_group: str
    since: datetime
    category: str | None = None
    counted: tuple[Counted, ...] = ()
    excluded: tuple[tuple[int, str, Indicator, str], ...] = ()
    """Leg, unit, what is left out of its assessment, and why."""

    def open_overdue(self, cycle: int) -> Counted | None:
        """Give how a leg that is late and open was counted, if one is."""
        found = [c for c in self.counted if c.measure is Measure.OVERDUE and c.cycle == cycle]
        return found[0] if sum(c.by for c in found) > 0 else None


@dataclass
class Measuring:
    """The measures of one fact in the making."""

    policies: Policies
    event: Fact
    at: Position
    state: LegState
    said: list[UnitMeasured | AccountabilityNoted] = field(default_factory=list)

    def say(self, counted: Counted, because: str | None = None) -> None:
        """Count something, or less of it."""
        index = len(self.said)
        unit = counted.unit
        self.said.append(
            UnitMeasured.model_validate(
                counted._asdict()
                | {
                    "count": counted.by,
                    "id": derived_id("measure", self.event.id, *([index] if index else [])),
                    "source": SOURCE,
                    "subject": unit,
                    "time": self.event.time,
                    "causation": self.event.id,
                    "ticket": self.event.subject,
                    "kind": self.event.kind,
                    "category": self._new_to(unit, counted),
                    "indicator": counted.indicator,
                    "because": because,
                    "partition": self.at.partition,
                    "offset": self.at.offset,
                    "index": index,
                }
            )
        )
        self.state = self.state.model_copy(update={"counted": (*self.state.counted, counted)})

    def _new_to(self, unit: str, counted: Counted) -> str | None:
        """Give the ticket's category if it comes to the unit for the first time."""
        came = any(one.measure is Measure.DISPATCHED and one.unit == unit for one in self.state.counted)
        return self.state.category if counted.measure is Measure.DISPATCHED and not came else None

    def count(self, measure: Measure, unit: str | None, group: str | None, at: datetime, **more: Any) -> None:
        """Count the fact for a unit, in the month in which what it says happened (local time)."""
        if unit is None or group is None:
            return
        period = period_of(self.policies, at)
        cycle = more.pop("cycle", self.event.cycle)
        counted = Counted(measure, unit, group, period, self.event.id, cycle, **more)
        self.say(counted)
        for leg, of_unit, indicator, reason in self.state.excluded:
            if (leg, of_unit, indicator) == (cycle, unit, counted.indicator):
                self.take_back(counted, reason)

    def take_back(self, counted: Counted, because: str) -> None:
        """Count less of what had counted, in its own month."""
        self.say(counted._replace(by=-counted.by), because)

    def standing(self, cycle: int, *measures: Measure) -> list[Counted]:
        """Give what still counts of one leg: what was taken back is left out, with what took it back."""
        left: list[Counted] = []
        for one in self.state.counted:
            if one.cycle == cycle and one.measure in measures:
                opposite = one._replace(by=-one.by)
                if opposite in left:
                    left.remove(opposite)
                else:
                    left.append(one)
        return left

    def note(self, unit: str, group: str, **about: Any) -> None:
        """Say what concerns a flag of a unit."""
        index = len(self.said)
        noted = {
            "id": derived_id("note", self.event.id),
            "source": SOURCE,
            "subject": unit,
            "time": self.event.time,
            "causation": self.event.id,
            "unit": unit,
            "unit_group": group,
            "period": period_of(self.policies, self.event.time),
            "ticket": self.event.subject,
            "evidence": self.event.id,
            "partition": self.at.partition,
            "offset": self.at.offset,
            "index": index,
        }
        self.said.append(AccountabilityNoted.model_validate(noted | about))


def _exclude(m: Measuring, event: MeasureExcluded) -> None:
    """Take back what the leg counted as; what it will count as later is taken back as it comes."""
    more = tuple((event.leg, event.counts_for, one, event.reason) for one in event.indicators)
    m.state = m.state.model_copy(update={"excluded": (*m.state.excluded, *more)})
    for one in m.standing(event.leg, *Measure):
        if one.unit == event.counts_for and one.indicator in event.indicators:
            m.take_back(one, event.reason)


def _handed_in(m: Measuring) -> None:
    """Count the legs that the fact ended: by a reply, in time or late, or late and given up.

    A leg that ended with an upheld return was never the unit's business, and counts for its signing only.
    """
    event = m.event
    clocks = {clock.cycle: clock for clock in event.stopped if clock.kind in HANDLING}
    for leg in event.cycles:
        clock = clocks.get(leg.number)
        if clock is None:
            continue
        on_time = leg.end is CycleEnd.REPLIED and clock.outcome is StopOutcome.MET
        if leg.end is CycleEnd.REPLIED or (leg.end is not CycleEnd.RETURNED and leg.breached):
            about = {"cycle": leg.number, "clock": clock.kind, "on_time": on_time}
            m.count(Measure.REPLIED, leg.charged_to, leg.unit_group, leg.stopped_at or event.time, **about)
        if late := m.state.open_overdue(leg.number):
            settled = period_of(m.policies, max(leg.stopped_at or event.time, clock.due_at))
            m.say(late._replace(by=-1, period=settled))


def _withdrawn(m: Measuring, event: BreachWithdrawn) -> None:
    """Take back a breach that was none, and what followed from it."""
    for one in m.standing(event.clock_cycle, Measure.BREACHED, Measure.OVERDUE, Measure.SIGNED):
        if one.measure is not Measure.SIGNED and one.clock is event.clock:
            m.take_back(one, BREACH_WITHDRAWN)
        elif one.measure is Measure.SIGNED and event.clock is ClockKind.SIGN and one.on_time is False:
            m.take_back(one, BREACH_WITHDRAWN)
            m.say(one._replace(on_time=True))


def _said_by_the_office(m: Measuring) -> None:
    match m.event:
        case MeasureExcluded() as event:
            _exclude(m, event)
        case AccountabilityRaised() as event:
            unit, group = event.answerable, event.answerable_group
            m.note(unit, group, item=event.item, reason=event.reason, basis=event.basis)
        case AccountabilityDecided() as event:
            unit, group = event.answerable, event.answerable_group
            m.note(unit, group, flag=event.flag, upheld=event.upheld, note_ref=event.note_ref)
        case _:
            pass


def _measured(m: Measuring) -> None:
    """Count one fact as whatever it counts as."""
    event, unit, group, at = m.event, m.event.unit, m.event.unit_group, m.event.time
    match event:
        case TicketDispatched():
            m.count(Measure.DISPATCHED, unit, group, at)
        case TicketRedispatched():
            m.count(Measure.REDONE, unit, group, at)
        case TicketSigned():
            sign = next((clock for clock in event.stopped if clock.kind is ClockKind.SIGN), None)
            on_time = None if sign is None else sign.outcome is StopOutcome.MET
            m.count(Measure.SIGNED, unit, group, at, clock=ClockKind.SIGN, on_time=on_time)
        case TicketRepeated() if event.counted:
            m.count(Measure.REPEATED, unit, group, at)
        case ReturnUpheld():
            m.count(Measure.RETURNED, unit, group, at)
        case ReturnRefused():
            m.count(Measure.RETURN_REFUSED, unit, group, at)
        case ReplyRejected():
            m.count(Measure.REPLY_REJECTED, unit, group, at)
        case CoReplyRejected():
            found = m.policies.at(at).directory.unit(event.co_handler)
            m.count(Measure.REPLY_REJECTED, event.co_handler, found.group if found else None, at)
        case TicketClosed():
            m.count(Measure.CLOSED, unit, group, at, rating=event.rating, deemed=event.deemed)
        case ClockAtRisk():
            about = {"cycle": event.clock_cycle, "clock": event.clock}
            m.count(Measure.REMINDED, event.charged_to, event.charged_group, at, **about)
        case ClockBreached() if event.clock in OF_A_UNIT:
            about = {"cycle": event.clock_cycle, "clock": event.clock}
            m.count(Measure.BREACHED, event.charged_to, event.charged_group, at, **about)
            if event.clock in HANDLING:
                m.count(Measure.OVERDUE, event.charged_to, event.charged_group, at, **about)
        case BreachWithdrawn():
            _withdrawn(m, event)
        case _:
            _said_by_the_office(m)
    _handed_in(m)


def measure(policies: Policies, state: LegState | None, event: Event, at: Position) -> Step[LegState]:
    """Turn one fact into measures of units, each in the month in which it happened (local time)."""
    if not isinstance(event, Fact):
        raise Rejected("unexpected-type", f"{event.type} is no fact of a ticket")
    if not in_sequence(state.sequence if state else 0, event.sequence):
        return Step(state, duplicate=True)
    moved = state is None or state.stage != event.stage
    after = LegState(
        sequence=event.sequence,
        stage=event.stage,
        kind=event.kind,
        unit_group=event.unit_group or "none",
        since=event.time if moved or state is None else state.since,
        category=event.category if isinstance(event, TicketOpened) else state.category if state else None,
        counted=state.counted if state else (),
        excluded=state.excluded if state else (),
    )
    measuring = Measuring(policies, event, at, after)
    _measured(measuring)
    return Step(measuring.state, tuple(Output("unit-measures", said) for said in measuring.said))
