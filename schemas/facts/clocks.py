"""What became of clocks: near, late, run out, taken back, decided again; and what time it is."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Event, Instant, Token
from schemas.facts.fact import Fact
from schemas.values import Basis
from schemas.vocabulary import ClockKind, Rung


class ClockFact(Fact):
    """What every fact about one clock says: which clock, of which cycle, due when, and which unit answers for it.

    `charged_to` is null for the clocks of the office and of the citizen.
    """

    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    due_at: Instant
    charged_to: Token | None = None
    charged_group: Token | None = None


class ClockAtRisk(ClockFact):
    """A clock reached a rung of the reminder ladder (Art. 10)."""

    type: Literal["clock.at_risk.v1"] = "clock.at_risk.v1"
    rung: Rung


class ClockBreached(ClockFact):
    """A limit ran out; `time` is the due instant, not the instant of noticing it."""

    type: Literal["clock.breached.v1"] = "clock.breached.v1"


class ClockElapsed(ClockFact):
    """A window ended (release, return, rating): nobody is late."""

    type: Literal["clock.elapsed.v1"] = "clock.elapsed.v1"


class BreachWithdrawn(ClockFact):
    """What met the limit happened in time but arrived after the breach was declared; the breach is taken back."""

    type: Literal["breach.withdrawn.v1"] = "breach.withdrawn.v1"
    met_at: Instant


class DeadlineRevised(Fact):
    """A running clock was decided again under the calendar known since `time`; `notices` made it known (Art. 8, 18).

    The two instants are the same where only the reminders moved, or a provisional date became final.
    """

    type: Literal["deadline.revised.v1"] = "deadline.revised.v1"
    clock: ClockKind
    clock_cycle: int = Field(ge=0)
    old_due_at: Instant
    new_due_at: Instant
    old_calendar: Token
    new_calendar: Token
    notices: tuple[Basis, ...] = ()
    charged_to: Token | None = None
    charged_group: Token | None = None


class ClockPulsed(Event):
    """The router passed a pulse on into the same partition; `time` is the time it is."""

    type: Literal["clock.pulsed.v1"] = "clock.pulsed.v1"


CLOCKS: tuple[type[Fact], ...] = (ClockAtRisk, ClockBreached, ClockElapsed, BreachWithdrawn, DeadlineRevised)
