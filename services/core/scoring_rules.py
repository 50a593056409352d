"""The part of the rulebook on assessment and accountability (Art. 15, 16; 国办函〔2025〕66号 (六))."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from schemas.vocabulary import Indicator
from services.core.rule import LimitRule, Rule

Corner = tuple[Annotated[float, Field(ge=0, le=100)], Annotated[float, Field(ge=0, le=1000)]]


class IndicatorRule(Rule):
    """Art. 15: how many points a rate is worth: `curve` goes straight from corner (percent, points) to corner.

    Before the first corner and after the last it is level.
    """

    indicator: Indicator
    curve: tuple[Corner, ...] = Field(min_length=1)

    @field_validator("curve")
    @classmethod
    def _ascending(cls, curve: tuple[Corner, ...]) -> tuple[Corner, ...]:
        if any(a[0] >= b[0] for a, b in pairwise(curve)):
            raise ValueError("give the corners in ascending order of their percent")
        return curve

    @property
    def most(self) -> float:
        """Give the points of the best rate."""
        return max(points for _, points in self.curve)


class ClassRule(Rule):
    """Art. 15, 国办函〔2025〕66号 (六): a class of units, assessed by indicators of its own, compared within itself."""

    name_zh: str
    name_en: str
    groups: tuple[str, ...] = Field(min_length=1, description="unit groups of the directory")
    min_sample: int | None = Field(default=None, ge=1)
    indicators: tuple[IndicatorRule, ...] = Field(min_length=1)

    @field_validator("indicators")
    @classmethod
    def _sum(cls, indicators: tuple[IndicatorRule, ...]) -> tuple[IndicatorRule, ...]:
        if len({rule.indicator for rule in indicators}) != len(indicators):
            raise ValueError("an indicator stands twice")
        if sum(rule.most for rule in indicators) != 100:
            raise ValueError("the points of the best rates must sum up to 100")
        return indicators


class AppealRule(Rule):
    """国办函〔2025〕66号 (六): how long a unit may appeal, how long the office has, and why something may be left out.

    The window begins when the leg ended, for satisfaction when the ticket was closed.
    """

    window: LimitRule = LimitRule(amount=5, unit="working_days", article="Art. 15")
    decide: LimitRule = LimitRule(amount=5, unit="working_days", article="Art. 15")
    reasons: tuple[str, ...] = (
        "unjustified_dissatisfaction",
        "upstream_outage",
        "force_majeure",
        "wrong_dispatch",
        "beyond_remit",
        "recording_error",
    )


class ScoringRule(Rule):
    """Art. 15: weights of a unit's score, in points that sum up to 100; Art. 16: when a person should look.

    `classes` weigh by class of unit instead.
    """

    signed_on_time: int = Field(ge=0)
    replied_on_time: int = Field(ge=0)
    satisfaction: int = Field(ge=0)
    min_sample: int = Field(ge=1)
    flag_returns: int = Field(ge=1)
    flag_breaches: int = Field(ge=1)
    flag_refused_returns: int | None = Field(default=None, ge=1, description="unfounded returns: Art. 16 (4)")
    flag_rejected_replies: int | None = Field(default=None, ge=1, description="replies sent back: Art. 16 (2)")
    flag_redone: int | None = Field(default=None, ge=1, description="justified dissatisfaction: Art. 16 (1)")
    flag_reveals: int = Field(default=20, ge=1, description="tickets whose person one account reads a day: Art. 16 (3)")
    appeal: AppealRule = AppealRule()
    classes: dict[str, ClassRule] = Field(default={}, description="by name; every unit group is in one")

    @model_validator(mode="after")
    def _sum(self) -> "ScoringRule":
        if self.signed_on_time + self.replied_on_time + self.satisfaction != 100:
            raise ValueError("the weights must sum up to 100 points")
        groups = [group for rule in self.classes.values() for group in rule.groups]
        if len(set(groups)) != len(groups):
            raise ValueError("a unit group stands in two classes")
        return self
