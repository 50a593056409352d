"""The door's catalogue (受理目录): refusal codes and emergency keywords of a jurisdiction, as dated data.

Source: Art. 2; 国办函〔2025〕66号 (二): four lanes at the door, each refusal with its reason and the lawful channel.
"""

from datetime import date
from itertools import combinations

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from schemas.envelope import Token
from schemas.values import Basis
from schemas.vocabulary import Lane, LawfulChannel
from services.core.emergencies import EmergencyKeywords


class Refusal(BaseModel):
    """One refusal code: what it is called, what the caller is told, whose business it is, whether it is reviewable.

    In force from `effective_from` until before `effective_until`; a reworded code stands again with later dates.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    code: Token
    lane: Lane
    title_zh: str = Field(min_length=2)
    title_en: str = Field(min_length=2)
    told_zh: str = Field(min_length=2)
    told_en: str = Field(min_length=2)
    channel: LawfulChannel | None = None
    reviewable: bool
    basis: Basis
    effective_from: date = date.min
    effective_until: date = date.max

    @model_validator(mode="after")
    def _whole(self) -> "Refusal":
        if self.lane not in {Lane.LAWFUL_CHANNEL, Lane.NOT_ACCEPTABLE}:
            raise ValueError(f"code {self.code}: lane {self.lane} refuses nothing")
        if self.lane is Lane.LAWFUL_CHANNEL and self.channel is None:
            raise ValueError(f"code {self.code}: name the lawful channel")
        if self.effective_until <= self.effective_from:
            raise ValueError(f"code {self.code}: effective_until is not after effective_from")
        return self

    def clashes(self, other: "Refusal") -> bool:
        """Say whether both would stand for one code on one day."""
        first, last = sorted((self, other), key=lambda refusal: refusal.effective_from)
        return self.code == other.code and last.effective_from < first.effective_until


class DoorCatalogue(BaseModel):
    """What the door refuses and diverts, beside what the directory says of categories."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = ""
    version: str = ""
    refusals: tuple[Refusal, ...] = ()
    emergencies: EmergencyKeywords = EmergencyKeywords()

    @field_validator("refusals")
    @classmethod
    def _one_for_a_day(cls, refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
        for one, other in combinations(refusals, 2):
            if one.clashes(other):
                raise ValueError(f"code {one.code} stands twice on one day")
        return refusals

    def refusal(self, code: str, day: date) -> Refusal | None:
        """Give what a code means on a day."""
        dated = (r for r in self.refusals if r.code == code and r.effective_from <= day < r.effective_until)
        return next(dated, None)

    def lane_of(self, code: str) -> Lane | None:
        """Give the lane of a code on whatever day; None for a code that the catalogue lacks."""
        return next((refusal.lane for refusal in self.refusals if refusal.code == code), None)
