"""A platform's record becomes our message; what is wrong is named by the platform's own path, never repeated. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.envelope import derived_id
from schemas.upstream import UpstreamTicketSubmitted, UpstreamTicketUrged
from services.core.upstream.mapping import EPOCH, Area, Coded, Files, Limit, Says, Taken, UpstreamMapping, Where
from services.core.upstream.paths import ABSENT, find

NOT_IN_FILE: Final = "(mapping)"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a record: the platform's path, a stable code, and why; nothing of what stands there."""

    path: str
    code: str
    problem: str


class NativeError(ValueError):
    """A record that is no message; `faults` names each wrong place."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.path}: {fault.code}" for fault in faults))


@dataclass(frozen=True)
class Withdrawn:
    """The platform says that the citizen withdraws the matter; `id` names the message."""

    platform: str
    upstream_id: str
    id: str
    time: datetime


Native = UpstreamTicketSubmitted | UpstreamTicketUrged | Withdrawn


def translate(mapping: UpstreamMapping, platform: str, record: Any, now: datetime) -> Native:
    """Give the message of one record, which happened `now` unless it says when; raises `NativeError`."""
    if not isinstance(record, dict):
        raise NativeError((Fault("/", "not-an-object", "a record must be a JSON object"),))
    reading = _Reading(mapping, record)
    says = reading.code(mapping.status) if mapping.status else Says.SUBMITS
    fields = mapping.fields
    upstream_id = reading.needed(fields.upstream_id)
    envelope = {
        "id": reading.message_id(says, upstream_id),
        "time": reading.instant(fields.time) or now,
        "source": f"/platform/{platform}", "platform": platform, "upstream_id": upstream_id,
    }  # fmt: skip
    if says is Says.SUBMITS:
        envelope |= reading.matter()
    reading.stop_if_wrong()
    try:
        if says is Says.SUBMITS:
            return UpstreamTicketSubmitted.model_validate(envelope)
        # An urge or a withdrawal is a message of its own, whatever number the platform gives it.
        urge = UpstreamTicketUrged.model_validate(envelope)
    except ValidationError as error:
        raise NativeError(tuple(_named(mapping, problem) for problem in error.errors())) from None
    if says is Says.URGES:
        return urge
    return Withdrawn(platform, urge.upstream_id, derived_id("withdrawn", platform, urge.id), urge.time)


def _named(mapping: UpstreamMapping, problem: Any) -> Fault:
    """Say by the platform's path what is wrong with a field of ours."""
    ours = ".".join(map(str, problem["loc"]))
    near = "upstream_id" if ours == "id" else ours.partition(".")[0]
    known = mapping.rules.get(ours) or mapping.rules.get(near) or ()
    return Fault(" | ".join(known) or NOT_IN_FILE, problem["type"], f"{ours}: {problem['msg']}")


@dataclass
class _Reading:
    mapping: UpstreamMapping
    record: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def message_id(self, says: Says, upstream_id: str | None) -> str | None:
        """Give what names the message; only a new matter may go by its own number."""
        rule = self.mapping.fields.id
        if rule is not None and says is not Says.SUBMITS:
            return self.needed(rule)
        return self.text(rule) or upstream_id

    def matter(self) -> dict[str, Any]:
        """Give what a new matter says besides its envelope; what the record leaves out is left out."""
        fields = self.mapping.fields
        found: dict[str, Any] = {
            "kind": self.code(fields.kind), "category": self.code(fields.category),
            "area": self.code(fields.area), "channel": self.code(fields.channel),
            "title": self.text(fields.title), "content": self.text(fields.content),
            "reporter": {name: self.text(rule) for name, rule in fields.reporter},
            "upstream_due_at": self.instant(fields.upstream_due_at),
            "limit_override": self.limit(fields.limit_override),
            "place": self.place(fields.place), "attachments": self.files(fields.attachments),
        }  # fmt: skip
        for name in ("anonymous", "secrecy_requested", "accepted_by"):
            rule: Coded[Any] | None = getattr(fields, name)
            found[name] = self.code(rule, optional=True) if rule else None
        return {name: value for name, value in found.items() if value is not None}

    def stop_if_wrong(self) -> None:
        """Raise `NativeError` with every fault found so far."""
        if self.faults:
            raise NativeError(tuple(self.faults))

    def text(self, rule: Taken | None) -> str | None:
        """Give a text, or a whole number as one; None if it is not there."""
        return self._at(rule.at, lambda value, _: value)[0] if rule else None

    def needed(self, rule: Taken) -> str | None:
        """Give a text that must be there."""
        value = self.text(rule)
        if value is None and not self._complained(rule.at):
            self._wrong(rule.at[0], "missing", "must be filled")
        return value

    def instant(self, rule: Taken | None) -> datetime | None:
        """Give an instant in UTC; a time without an offset is read in the platform's zone."""
        return self._at(rule.at, self._instant)[0] if rule else None

    def _instant(self, value: str, path: str) -> datetime | None:
        found = _read_time(value, self.mapping)
        if found is None:
            self._wrong(path, "not-a-time", "no RFC 3339 time with an offset, and none of the mapping's time_formats")
        return found

    def code(self, rule: Coded[Any], *, optional: bool = False) -> Any:
        """Give our word for the platform's."""
        if rule.fixed is not None:
            return rule.fixed
        places = rule.at or ()
        found, filled = self._at(places, lambda value, path: self._word(rule, value, path))
        if filled:
            return found
        if rule.absent is None and not optional and not self._complained(places):
            self._wrong(places[0], "missing", "must be filled")
        return rule.absent

    def _word(self, rule: Coded[Any], value: str, path: str) -> Any:
        if isinstance(rule, Area):
            if rule.digits is not None and not (len(value) == rule.digits and value.isascii() and value.isdigit()):
                return self._wrong(path, "not-an-area-code", f"must have {rule.digits} digits (GB/T 2260)")
            if rule.within is not None and not value.startswith(rule.within):
                return self._wrong(path, "another-area", f"does not begin with {rule.within}")
            value = value[: rule.keep]
        if value in rule.words:
            return rule.words[value]
        longest = max((prefix for prefix in rule.prefixes if value.startswith(prefix)), key=len, default=None)
        if longest is not None:
            return rule.prefixes[longest]
        if rule.as_is:
            return value
        if rule.otherwise is None:
            self._wrong(path, "unknown-word", "a word that the mapping does not list")
        return rule.otherwise

    def place(self, rule: Where) -> dict[str, str] | None:
        """Give where the matter is, if the record says it; degrees may be numbers."""
        found = {"address": self.text(rule.address)}
        for name in ("lat", "long"):
            part: Taken | None = getattr(rule, name)
            found[name] = self._at(part.at, lambda value, _: value, decimals=True)[0] if part else None
        return {name: value for name, value in found.items() if value is not None} or None

    def files(self, rule: Files | None) -> list[dict[str, Any]] | None:
        """Give the attachments, by digest."""
        listed = find(self.record, rule.at) if rule else ABSENT
        if rule is None or listed is ABSENT or listed is None:
            return None
        if not isinstance(listed, list):
            self._wrong(rule.at, "not-a-list", "must be a list of attachments")
            return None
        names = ("sha256", "media_type", "size")
        return [{name: find(file, getattr(rule, name)) for name in names} for file in listed]

    def limit(self, rule: Limit | None) -> dict[str, Any] | None:
        """Give the limit that a superior ordered, if the record has one."""
        if rule is None:
            return None
        found = {"working_days": self.text(rule.working_days), "due_at": self.instant(rule.due_at)}
        found = {name: value for name, value in found.items() if value is not None}
        if not found:
            return None
        basis = rule.legal_basis_fixed or (self.needed(rule.legal_basis) if rule.legal_basis else None)
        return found | {"legal_basis": basis}

    def _at(
        self, places: tuple[str, ...], read: Callable[[str, str], Any], *, decimals: bool = False
    ) -> tuple[Any, bool]:
        """Read the first place that is filled; says as well whether there was one."""
        for path in places:
            value = find(self.record, path)
            if value is ABSENT or value is None:
                continue
            if isinstance(value, bool):
                value = "true" if value else "false"
            if isinstance(value, dict | list) or (isinstance(value, float) and not decimals):
                self._wrong(path, "not-a-text", "must be a text or a whole number")
                return None, True
            if (value := str(value).strip()) not in self.mapping.empty:
                return read(value, path), True
        return None, False

    def _complained(self, places: tuple[str, ...]) -> bool:
        return any(fault.path in places for fault in self.faults)

    def _wrong(self, path: str, code: str, problem: str) -> None:
        self.faults.append(Fault(path, code, problem))


def _read_time(value: str, mapping: UpstreamMapping) -> datetime | None:
    for form in mapping.time_formats:
        try:
            if form in EPOCH:
                return datetime.fromtimestamp(int(value) / EPOCH[form], UTC)
            found = datetime.strptime(value, form)  # noqa: DTZ007 - a form without %z means the platform's zone
            return (found if found.tzinfo else found.replace(tzinfo=mapping.tz)).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            continue
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None
