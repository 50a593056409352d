"""The mapping of a platform (映射): where each thing lies in its records, and what its words mean here; data.

Area codes are those of GB/T 2260 and GB/T 10114: two digits each for province, prefecture and county, three for the
township, three for the village; 12 in all.
"""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from schemas.envelope import Token
from schemas.values import Basis
from schemas.vocabulary import AcceptedBy, Channel, Kind
from services.core.upstream.paths import Path, Paths

T = TypeVar("T")
Word = Annotated[str, StringConstraints(max_length=200)]
EPOCH = {"epoch-s": 1, "epoch-ms": 1000}
"""Time formats that are numbers: units in a second."""


class Says(StrEnum):
    """What a record of a platform says: a new matter, that the citizen asks again, or that he withdraws."""

    SUBMITS = "submits"
    URGES = "urges"
    WITHDRAWS = "withdraws"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Taken(_Part):
    """A text, number or time that is taken as it stands."""

    at: Paths


class Coded(_Part, Generic[T]):
    """A word of the platform that becomes one of ours.

    First `words`, to the letter; then the longest of `prefixes`; then, `as_is`, the word itself; then `otherwise`. A
    record that has none becomes `absent`. `fixed`: the same for every record.
    """

    at: Paths | None = None
    words: dict[Word, T] = {}
    prefixes: dict[Word, T] = {}
    as_is: bool = False
    otherwise: T | None = None
    absent: T | None = None
    fixed: T | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Coded[T]":
        given = self.model_fields_set - {"fixed"}
        if (self.fixed is None) == (self.at is None):
            raise ValueError("give either `at`, where it lies, or `fixed`")
        if self.fixed is not None and given:
            raise ValueError("`fixed` stands alone")
        if self.at is not None and not (self.words or self.prefixes or self.as_is or self.otherwise is not None):
            raise ValueError("says no word: give `words`, `prefixes`, `as_is: true` or `otherwise`")
        return self


class Area(Coded[Token]):
    """An area code: of `digits` digits, all under `within`; its first `keep` digits are looked up in the rest."""

    digits: int | None = Field(default=None, ge=2, le=12)
    within: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")] | None = None
    keep: int | None = Field(default=None, ge=2, le=12)


def _path_alone(value: object) -> object:
    return {"at": value} if isinstance(value, str | list) else value


Place = Annotated[Taken, BeforeValidator(_path_alone)]


class Reporter(_Part):
    """Where the citizen's particulars lie; they go into the vault."""

    name: Place | None = None
    phone: Place | None = None
    id_number: Place | None = None
    address: Place | None = None
    email: Place | None = None


class Where(_Part):
    """Where the place of the matter lies: in words, or in degrees (WGS 84)."""

    address: Place | None = None
    lat: Place | None = None
    long: Place | None = None


class Files(_Part):
    """Where the list of attachments lies, and in each of them its digest, kind and size."""

    at: Path
    sha256: Path
    media_type: Path
    size: Path


class Limit(_Part):
    """A limit that law or a superior orders (Art. 8): in working days or as an instant, and under which law."""

    working_days: Place | None = None
    due_at: Place | None = None
    legal_basis: Place | None = None
    legal_basis_fixed: Basis | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Limit":
        if self.working_days is None and self.due_at is None:
            raise ValueError("give working_days, due_at or both, of which a record has one")
        if (self.legal_basis is None) == (self.legal_basis_fixed is None):
            raise ValueError("give either legal_basis, where it lies, or legal_basis_fixed")
        return self


class Fields(_Part):
    """For each field of a submission (`docs/openapi.yaml`), where the platform has it."""

    upstream_id: Place
    id: Place | None = None
    time: Place | None = None
    kind: Coded[Kind]
    category: Coded[Token]
    area: Area
    channel: Coded[Channel]
    title: Place | None = None
    content: Place | None = None
    reporter: Reporter = Reporter()
    place: Where = Where()
    anonymous: Coded[bool] | None = None
    secrecy_requested: Coded[bool] | None = None
    accepted_by: Coded[AcceptedBy] | None = None
    upstream_due_at: Place | None = None
    limit_override: Limit | None = None
    attachments: Files | None = None


class UpstreamMapping(_Part):
    """How one platform writes: times, what stands for nothing, its status words, its fields.

    `ignored` names what is known and not needed, with all that lies below; anything else that no field reads is
    reported by `hotline upstream check`.
    """

    zone: str = "Asia/Shanghai"
    time_formats: tuple[str, ...] = ()
    empty: tuple[Word, ...] = ("",)
    status: Coded[Says] | None = None
    fields: Fields
    ignored: tuple[Path, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError("no time zone of the tz database, such as Asia/Shanghai") from None
        return name

    @field_validator("time_formats")
    @classmethod
    def _a_day_at_least(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        probe = datetime(2026, 11, 23, 13, 45, 56, tzinfo=UTC)
        for form in formats:
            if form not in EPOCH and (form.startswith("epoch") or str(probe.day) not in probe.strftime(form)):
                raise ValueError(f"must be as strptime has it, with the day, or one of: {', '.join(EPOCH)}")
        return formats

    @model_validator(mode="after")
    def _named_messages(self) -> "UpstreamMapping":
        others = self.status is not None and any(
            says is not Says.SUBMITS
            for says in (*self.status.words.values(), *self.status.prefixes.values(), self.status.otherwise)
            if says is not None
        )
        if others and self.fields.id is None:
            raise ValueError("status: what urges or withdraws needs fields.id, the message's own id")
        return self

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone of times that name none."""
        return ZoneInfo(self.zone)

    @cached_property
    def rules(self) -> dict[str, tuple[str, ...]]:
        """Each field that the mapping fills, by its dotted name, and the paths at which it looks for it."""
        found = {"status": self.status.at or ()} if self.status else {}
        return found | dict(_rules(self.fields))


def _rules(part: _Part, prefix: str = "") -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    for name in type(part).model_fields:
        rule: Any = getattr(part, name)
        if isinstance(rule, Files):
            found.append((prefix + name, (rule.at,)))
        elif isinstance(rule, Taken | Coded):
            found.append((prefix + name, rule.at or ()))
        elif isinstance(rule, _Part):
            found += _rules(rule, f"{prefix}{name}.")
    return found
