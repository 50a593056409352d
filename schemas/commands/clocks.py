"""What the clocks say: the alarms of a ticket, and what time it is."""

from typing import Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Event, Instant, Strict, Token
from schemas.vocabulary import ClockKind, Rung


class ClockSignal(Strict):
    """One clock reached a rung at `at`, or (no rung) elapsed at its due instant.

    With `calendar`: another version of the calendar became known at `at`, under which the clock is to be decided again.
    """

    clock: ClockKind
    cycle: int = Field(ge=0)
    due_at: Instant
    at: Instant
    rung: Rung | None = None
    calendar: Token | None = None


class SignalClocks(Command):
    """sla-timer says which clocks of the ticket reached a rung or elapsed: all of one pulse in one record.

    One record, so that no other command can come between two alarms of the same ticket and instant.
    """

    type: Literal["clock.signal.v1"] = "clock.signal.v1"
    signals: tuple[ClockSignal, ...] = Field(min_length=1)


class PulseClock(Event):
    """The time it is: one record in every partition; whatever was said before it stands before it."""

    type: Literal["clock.pulse.v1"] = "clock.pulse.v1"


CLOCKS: tuple[type[Event], ...] = (SignalClocks, PulseClock)
