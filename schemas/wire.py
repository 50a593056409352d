"""Events to Kafka records and back: CloudEvents 1.0, Kafka protocol binding, binary content mode.

Headers carry the attributes (`ce_id`, `ce_type`, ...), the value is plain JSON of the event's own facts, so that
`kcat` reads it. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.envelope import Event
from schemas.events import BY_TYPE

Headers = list[tuple[str, bytes]]
CONTENT_TYPE: Final = b"application/json"
MAX_BYTES: Final = 1_000_000
"""Largest value of an event; a bigger record lands in the dead letters."""
_READ: Final = frozenset({"ce_specversion"} | {f"ce_{name}" for name in Event.ENVELOPE})
"""Headers that readers look at; other extensions are ignored, whatever they hold."""
_EVENT_CLASSES_BY_FAMILY = {name.rsplit(".", 1)[0]: name for name in BY_TYPE}


class WireError(ValueError):
    """A record that is no event of the mesh; `code` is a stable word, the message never echoes the record."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _rfc3339(instant: datetime) -> bytes:
    return instant.isoformat().replace("+00:00", "Z").encode()


def encode(event: Event) -> tuple[Headers, bytes]:
    """Give the headers and the value of the Kafka record of `event`.

    Raises `TypeError` for a class outside the vocabulary: nobody writes fields that no schema declares.
    """
    if BY_TYPE.get(event.type) is not type(event):
        raise TypeError(f"{type(event).__name__} is not the class of {event.type} in schemas.events")
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_time", _rfc3339(event.time)),
        ("content-type", CONTENT_TYPE),
    ]
    if event.subject:
        headers.append(("ce_subject", event.subject.encode()))
        headers.append(("ce_partitionkey", event.subject.encode()))
    if event.sequence is not None:
        headers.append(("ce_sequence", str(event.sequence).encode()))
    if event.causation is not None:
        headers.append(("ce_causation", event.causation.encode()))
    return headers, event.model_dump_json(exclude=set(Event.ENVELOPE)).encode()


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers:
        if name in _READ and value is not None:
            try:
                found[name[3:]] = value.decode()
            except UnicodeDecodeError:
                raise WireError("bad-header", f"header {name} is not UTF-8") from None
    return found


def decode(headers: Iterable[tuple[str, bytes | None]] | None, value: bytes | None) -> Event:
    """Give the event of a Kafka record.

    Raises `WireError` with code `oversized`, `missing-header`, `bad-header`, `unknown-type`, `unknown-version`,
    `empty-value`, `not-json`, or `invalid-field` (the message names the fields, never their content).
    """
    if value is not None and len(value) > MAX_BYTES:
        raise WireError("oversized", f"the value has {len(value)} bytes; at most {MAX_BYTES} are taken")
    attributes = _attributes(headers or ())
    name = attributes.get("type")
    if name is None:
        raise WireError("missing-header", "header ce_type is missing: this is not a CloudEvent in binary mode")
    cls = BY_TYPE.get(name)
    if cls is None:
        known = _EVENT_CLASSES_BY_FAMILY.get(name.rsplit(".", 1)[0])
        if known is not None:
            raise WireError(
                "unknown-version", f"this version of {known.rsplit('.', 1)[0]} is not known; known: {known}"
            )
        raise WireError("unknown-type", "ce_type names no event type of this mesh")
    if attributes.pop("specversion", None) != "1.0":
        raise WireError("bad-header", "header ce_specversion must be 1.0")
    if value is None:
        raise WireError("empty-value", "the record has no value")
    return from_parts(cls, attributes, value)


def from_parts(cls: type[Event], attributes: dict[str, Any], value: bytes) -> Event:
    """Give the event of class `cls` with these envelope `attributes` and this JSON `value`; raises `WireError`."""
    try:
        data = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        # The parser's message holds a position, and nothing of the text.
        raise WireError("not-json", f"the value is not JSON in UTF-8: {str(error)[:120]}") from None
    if not isinstance(data, dict):
        raise WireError("not-json", "the value must be a JSON object")
    data.update({name: attributes[name] for name in Event.ENVELOPE if name in attributes})
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        raise WireError("invalid-field", describe(error)) from None


def _field_names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _field_names(part)


@cache
def _declared() -> frozenset[str]:
    # Made when the first error is described: it takes longer than half of a worker's other imports.
    return frozenset(name for cls in BY_TYPE.values() for name in _field_names(cls.model_json_schema()))


def _shown(part: int | str) -> str:
    # The keys of a map (`positions`) are content: only names that the contracts declare may be repeated.
    return str(part) if isinstance(part, int) or part in _declared() else "?"


def describe(error: ValidationError) -> str:
    """Say which fields are wrong and why, without their content."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{'.'.join(map(_shown, p['loc'])) or 'value'}: {p['type']}" for p in problems[:8]]
    return "; ".join(said) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
