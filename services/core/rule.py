"""What every part of a rulebook is made of: frozen data, unknown keys refused, limits with their article."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.core.deadlines import Limit


class Rule(BaseModel):
    """A part of the rulebook: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LimitRule(Rule):
    """An amount of time and its unit; see `services.core.deadlines.due`."""

    amount: int = Field(ge=1)
    unit: Literal["working_days", "working_hours", "hours"]
    article: str

    @property
    def limit(self) -> Limit:
        """Give the limit that deadline arithmetic takes."""
        return Limit(self.amount, self.unit)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


def _in_hours(limit: LimitRule) -> LimitRule:
    if limit.unit == "working_days":
        raise ValueError("give hours or working_hours: it is taken off an instant")
    return limit


HoursRule = Annotated[LimitRule, AfterValidator(_in_hours)]
"""A limit that is taken off an instant, so it cannot be in days."""
