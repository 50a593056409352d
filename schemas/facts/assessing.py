"""What a unit's assessment leaves out, appeals, and what it may have to answer for (Art. 15, 16)."""

from typing import Literal

from pydantic import Field

from schemas.envelope import Token
from schemas.facts.fact import Fact
from schemas.values import Basis
from schemas.vocabulary import AccountabilityItem, Indicator


class LegFact(Fact):
    """What every fact about the assessment of one leg says: which leg, which unit it counts for, which numbers."""

    leg: int = Field(ge=1)
    counts_for: Token
    indicators: tuple[Indicator, ...]


class MeasureExcluded(LegFact):
    """What the leg counted for is left out of the unit's assessment; `reason` is of the rulebook's list (Art. 15)."""

    type: Literal["measure.excluded.v1"] = "measure.excluded.v1"
    reason: Token
    basis: Basis


class AppealRequested(LegFact):
    """The unit appealed what the leg counts for; the office has to decide (Art. 15)."""

    type: Literal["appeal.requested.v1"] = "appeal.requested.v1"
    reason: Token
    basis: Basis


class AppealDecided(LegFact):
    """The office decided the appeal; an upheld one leaves the numbers out (Art. 15)."""

    type: Literal["appeal.decided.v1"] = "appeal.decided.v1"
    upheld: bool
    basis: Basis


class AccountabilityRaised(Fact):
    """The office flagged what a unit may have to answer for; a person decides, the system never punishes (Art. 16)."""

    type: Literal["accountability.raised.v1"] = "accountability.raised.v1"
    answerable: Token
    answerable_group: Token
    item: AccountabilityItem
    reason: Token
    basis: Basis


class AccountabilityDecided(Fact):
    """The office dismissed or upheld a flag; `note_ref` names the file with the decision (Art. 16)."""

    type: Literal["accountability.decided.v1"] = "accountability.decided.v1"
    flag: Token
    answerable: Token
    answerable_group: Token
    upheld: bool
    note_ref: Token


ASSESSING: tuple[type[Fact], ...] = (
    MeasureExcluded,
    AppealRequested,
    AppealDecided,
    AccountabilityRaised,
    AccountabilityDecided,
)
