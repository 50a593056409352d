"""Leave out of a unit's assessment, appeal, hold accountable (Art. 15, 16)."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.commands.command import Command
from schemas.envelope import Token
from schemas.values import Basis
from schemas.vocabulary import AccountabilityItem, Indicator

Indicators = Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=len(Indicator))]
"""Numbers of an assessment."""


class ExcludeMeasure(Command):
    """The office leaves what a leg of a ticket counted for out of the unit's assessment (Art. 15)."""

    type: Literal["measure.exclude.v1"] = "measure.exclude.v1"
    leg: int = Field(ge=1)
    indicators: Indicators
    reason: Token
    basis: Basis


class RequestAppeal(Command):
    """A unit appeals what one of its legs counts for in its assessment (Art. 15)."""

    type: Literal["appeal.request.v1"] = "appeal.request.v1"
    leg: int = Field(ge=1)
    indicators: Indicators
    reason: Token
    basis: Basis


class DecideAppeal(Command):
    """The office upholds or refuses an appeal (Art. 15)."""

    type: Literal["appeal.decide.v1"] = "appeal.decide.v1"
    leg: int = Field(ge=1)
    upheld: bool
    basis: Basis


class RaiseAccountability(Command):
    """The office flags what a unit may have to answer for, with this ticket as evidence (Art. 16)."""

    type: Literal["accountability.raise.v1"] = "accountability.raise.v1"
    unit: Token
    item: AccountabilityItem
    reason: Token
    basis: Basis


class DecideAccountability(Command):
    """The office dismisses or upholds an accountability flag; `note_ref` names the file with the decision (Art. 16)."""

    type: Literal["accountability.decide.v1"] = "accountability.decide.v1"
    flag: Token
    unit: Token
    upheld: bool
    note_ref: Token


ASSESSING: tuple[type[Command], ...] = (
    ExcludeMeasure,
    RequestAppeal,
    DecideAppeal,
    RaiseAccountability,
    DecideAccountability,
)
