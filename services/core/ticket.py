"""The ticket: all that the router must know of it to decide."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from schemas.values import Clock, Cycle, LimitOverride
from schemas.vocabulary import AcceptedBy, Channel, ClockKind, CyclePurpose, Indicator, Kind, Rating, Stage


class Breach(BaseModel):
    """A limit that ran out; stays on the ticket for ever unless withdrawn."""

    model_config = ConfigDict(frozen=True)
    kind: ClockKind
    cycle: int
    due_at: datetime


class Child(BaseModel):
    """A ticket of another caller that this one answers for, and the number of the child's attempt to be merged."""

    model_config = ConfigDict(frozen=True)
    ticket: str
    merging: int


class Grant(BaseModel):
    """More time for one clock, and when it was given: a due instant that is computed anew counts it again.

    An extension; or the end of a suspension that had begun `since` then.
    """

    model_config = ConfigDict(frozen=True)
    kind: ClockKind
    cycle: int
    at: datetime
    since: datetime | None = None


class Appeal(BaseModel):
    """What a unit appealed of one of its legs (Art. 15); each number of a leg once."""

    model_config = ConfigDict(frozen=True)
    leg: int
    counts_for: str
    indicators: tuple[Indicator, ...]
    reason: str
    decided: bool = False


class Ticket(BaseModel):
    """All that the router must know of a ticket to decide; everything in UTC."""

    model_config = ConfigDict(frozen=True)
    id: str
    sequence: int = 0
    generation: int = 1
    stage: Stage = Stage.OPENED
    kind: Kind
    category: str
    area: str
    channel: Channel
    platform: str
    upstream_id: str
    accepted_by: AcceptedBy
    upstream_due_at: datetime | None = None
    limit_override: LimitOverride | None = None
    unit: str | None = None
    unit_group: str | None = None
    round: int = 0
    cycle: int = 0
    opened_at: datetime
    dispatched_at: datetime | None = None
    cycle_dispatched_at: datetime | None = None
    return_due_at: datetime | None = None
    replied_at: datetime | None = None
    closed_at: datetime | None = None
    proposed_unit: str | None = None
    declined_at: datetime | None = None
    refusal_reviewable: bool = False
    refusal_reviews: int = 0
    clocks: tuple[Clock, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    cycles_begun: int = 0
    breaches: tuple[Breach, ...] = ()
    returns: int = 0
    co_returns: tuple[int, ...] = ()
    """Legs of co-handlers that asked once to be let out."""
    extensions: int = 0
    grants: tuple[Grant, ...] = ()
    extension_asked_at: datetime | None = None
    contacts: int = 0
    calls: int = 0
    call_rating: Rating | None = None
    urges: int = 0
    supplements: int = 0
    suspensions: int = 0
    suspension_asked: str | None = None
    """Reason of the request that waits for a decision."""
    paused: Clock | None = None
    """The unit's clock while it stands still, since `paused_at`."""
    paused_at: datetime | None = None
    moved_seconds: int = 0
    """By how much pauses moved the due instant of this leg."""
    paused_seconds: int = 0
    """Office time for which this leg stood still."""
    rating: Rating | None = None
    rating_elapsed: bool = False
    case_due_at: datetime | None = None
    appeals: tuple[Appeal, ...] = ()
    excluded: tuple[tuple[int, Indicator], ...] = ()
    """Legs, and what is left out of the assessment of each."""
    parent: str | None = None
    """The ticket that is asked to answer for this one, or does, or did (`merged_into`)."""
    merging: int = 0
    """The attempt to be merged that stands, asked or agreed; 0 for none."""
    case_clock: Clock | None = None
    """The citizen's clock as it stood when the ticket was merged."""
    children: tuple[Child, ...] = ()
    urged_instead: tuple[str, ...] = ()
    """Tickets that were not opened: the door found this one."""
    successor: str | None = None
    """The ticket that the matter goes on as, for the same caller, since this one ended."""

    @property
    def merged_into(self) -> str | None:
        """Give the ticket whose handling answers, or has answered, for this one."""
        return self.parent if self.stage is Stage.MERGED or not self.merging else None

    def clock(self, kind: ClockKind, cycle: int | None = None) -> Clock | None:
        """Give the running clock of that kind (and cycle, if given)."""
        return next((c for c in self.clocks if c.kind is kind and cycle in {None, c.cycle}), None)

    def leg(self, number: int) -> Cycle | None:
        """Give the leg of that number, of this generation."""
        return next((leg for leg in self.cycles if leg.number == number), None)

    def co_handlers(self) -> tuple[Cycle, ...]:
        """Give the running legs of co-handlers."""
        return tuple(leg for leg in self.cycles if leg.purpose is CyclePurpose.CO_HANDLE and leg.stopped_at is None)

    def breached(self, kind: ClockKind, cycle: int, due_at: datetime | None = None) -> Breach | None:
        """Give the breach of that clock, if it ran out; `due_at` tells two clocks of one leg and kind apart."""
        return next(
            (b for b in self.breaches if (b.kind, b.cycle) == (kind, cycle) and due_at in {None, b.due_at}), None
        )
