"""The mapping file of the open-data adapter: which column means what, which request becomes which matter."""

from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from schemas.envelope import Token
from schemas.vocabulary import AcceptedBy, Channel, Kind
from services.runtime.policy_files import PolicyFileError, parse

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[int, Field(ge=1)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class MappingError(ValueError):
    """A mapping file is missing or wrong; the message names the file, the line, the field and the problem."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(_Part):
    """The source's name for each thing that the adapter reads; of several places the first that is filled counts."""

    id: Text
    created: Text
    closed: Text
    promised: Text
    type: Text
    owner: Text
    channel: Text
    anonymous: Text
    status: Text
    places: tuple[Text, ...] = Field(min_length=1)

    def names(self) -> tuple[str, ...]:
        """Give every column that the file must have."""
        single = self.model_dump(exclude={"places"})
        return (*single.values(), *self.places)


class Dates(_Part):
    """How the source writes instants, and by how many whole days they move; the time of day on the clock stays."""

    format: Text
    zone: Text
    source_day: date
    plays_on: date

    @field_validator("zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name} is no time zone of the tz database, such as Asia/Shanghai") from None
        return name

    @field_validator("plays_on")
    @classmethod
    def _same_weekday(cls, plays_on: date, info: "object") -> date:
        source_day = getattr(info, "data", {}).get("source_day")
        if source_day is not None and source_day.weekday() != plays_on.weekday():
            raise ValueError(f"{source_day} is a {source_day:%A}, {plays_on} a {plays_on:%A}: weekdays must stay")
        return plays_on

    @property
    def shift(self) -> timedelta:
        """Whole days between the source's day and the day it is played on."""
        return self.plays_on - self.source_day

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone in which the clock times are read."""
        return ZoneInfo(self.zone)


class Matter(_Part):
    """What a request becomes. Drawn by `weight` among the matters of its type; `owners` restricts it to those."""

    weight: Weight = 1
    kind: Kind
    category: Token
    title_zh: Text
    title_en: Text
    owners: tuple[Text, ...] = ()


class Planted(Matter):
    """A matter that the source lacks, put in the place of a `share` of all requests."""

    share: Share


class Knowledge(_Part):
    """The share of consultations that ask, to the letter, what the knowledge base answers; questions by category."""

    share: Share
    questions: dict[Token, tuple[Text, ...]]


class Invented(_Part):
    """Word lists for reporters who never were, so that privacy is exercised with no real person's data."""

    surnames: tuple[Text, ...] = Field(min_length=1)
    given_names: tuple[Text, ...] = Field(min_length=1)
    streets: tuple[Text, ...] = Field(min_length=1)
    phone_prefix: Annotated[str, StringConstraints(pattern=r"^\d{7}$")]
    wishes: tuple[Text, ...] = Field(min_length=1)


class Shares(_Part):
    """How often a message carries what the source lacks."""

    secrecy_of_reports: Share
    upstream_due: Share


class SourceMapping(_Part):
    """A mapping file, whole."""

    platform: Token
    columns: Columns
    dates: Dates
    statuses: dict[Text, Literal["closed", "cancelled", "open"]]
    anonymous: tuple[Text, ...]
    channels: dict[Text, Channel]
    other_channel: Channel = Channel.OTHER
    areas: dict[Token, Text] = Field(min_length=1)
    accepted_by: dict[AcceptedBy, Weight] = Field(min_length=1)
    types: dict[Text, tuple[Matter, ...]]
    other_type: tuple[Matter, ...] = ()
    planted: tuple[Planted, ...] = ()
    knowledge: Knowledge
    shares: Shares
    invented: Invented

    @field_validator("types")
    @classmethod
    def _always_a_matter(cls, types: dict[str, tuple[Matter, ...]]) -> dict[str, tuple[Matter, ...]]:
        for name, matters in types.items():
            if not any(not matter.owners for matter in matters):
                raise ValueError(f"{name}: needs at least one matter without owners")
        return types

    @field_validator("other_type")
    @classmethod
    def _no_owners(cls, matters: tuple[Matter, ...]) -> tuple[Matter, ...]:
        if any(matter.owners for matter in matters):
            raise ValueError("stands for types not listed, whose owners are not known: leave owners out")
        return matters

    @model_validator(mode="after")
    def _room_left(self) -> "SourceMapping":
        total = sum(matter.share for matter in self.planted)
        if total > 1:
            raise ValueError(f"planted: the shares add up to {total:.3f}, more than all requests")
        return self

    def matters(self, request_type: str, owner: str) -> tuple[Matter, ...]:
        """Give the matters that a request of this type and owner may become; empty if the type is not mapped."""
        listed = self.types.get(request_type, self.other_type)
        return tuple(matter for matter in listed if not matter.owners or owner in matter.owners)


def load_mapping(path: Path) -> SourceMapping:
    """Read and validate a mapping file; raises `MappingError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise MappingError(f"{path}: cannot be read: {reason}") from None
    try:
        return parse(SourceMapping, text, str(path))
    except PolicyFileError as error:
        raise MappingError(str(error)) from None
