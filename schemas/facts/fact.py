"""What every fact of a ticket carries; and the one that says that a command changed nothing."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Event, Token
from schemas.values import Basis, Clock, Cycle, RulebookRef, StoppedClock
from schemas.vocabulary import Kind, Role, Stage


class Fact(Event):
    """What every fact of a ticket carries: where it stands now, which clocks changed, which rules decided.

    `sequence` counts the ticket's facts without a gap. `stage`, `unit`, `unit_group` and `round` hold after the
    fact. `started` and `stopped` are the clock changes; sla-timer needs nothing else. `cycles` are the legs that the
    fact began, changed or ended; on `ticket.closed` all of the generation. `article` is the rule.
    """

    sequence: int = Field(ge=1)
    stage: Stage
    kind: Kind
    generation: int = Field(default=1, ge=1)
    round: int = Field(default=0, ge=0)
    cycle: int = Field(default=0, ge=0)
    unit: Token | None = None
    unit_group: Token | None = None
    article: Basis
    rulebook: RulebookRef
    started: tuple[Clock, ...] = ()
    stopped: tuple[StoppedClock, ...] = ()
    cycles: tuple[Cycle, ...] = ()


class CommandRefused(Fact):
    """A command changed nothing; `code` and `article` say why, `asked_by` in which role it was sent."""

    type: Literal["command.refused.v1"] = "command.refused.v1"
    command: Token
    code: Token
    asked_by: Role | None = None
