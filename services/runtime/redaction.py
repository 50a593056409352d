"""A record with nothing of a person in it: what its model declares free of persons, and of the rest only the shape."""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from schemas.envelope import Event
from schemas.events import BY_TYPE
from schemas.privacy import DataClass, UndeclaredError, classes_of, said_of

LOOKS_PERSONAL: Final = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{17}[\dXx](?!\d)")
"""A mobile number or an identity number (GB 11643): masked wherever it stands, also where only a code may stand."""
ITEMS_SHOWN: Final = 20


def _mask(value: Any, what: str) -> str:
    match value:
        case str():
            return f"‹{what}: text, {len(value)} characters›"
        case dict() | list():
            return f"‹{what}: {'object' if isinstance(value, dict) else 'list'}, {len(value)} members›"
        case _:
            return f"‹{what}: {type(value).__name__}›"


def _shown(kind: Any, metadata: Sequence[Any], value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    declared = said_of(metadata)
    if value is None or declared not in {None, DataClass.NONE}:
        return None if value is None else _mask(value, str(declared))
    if origin is Annotated:
        return _shown(inner[0], (*inner[1:], *metadata), value)
    if origin in {Union, UnionType}:
        parts = [part for part in inner if part is not type(None)]
        return _shown(parts[0], metadata, value) if len(parts) == 1 else _mask(value, "undeclared")
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _fields(kind, value) if isinstance(value, dict) else _mask(value, "not as declared")
    if origin in {tuple, list} and isinstance(value, list):
        return [_shown(inner[0], (), item) for item in value[:ITEMS_SHOWN]]
    try:
        if classes_of(kind, metadata) != {DataClass.NONE}:
            return _mask(value, "undeclared")
        TypeAdapter(Annotated[kind, *metadata, DataClass.NONE]).validate_python(value)
    except (ValidationError, UndeclaredError):
        return _mask(value, "not as declared")
    fine = isinstance(value, str | int | float) and not LOOKS_PERSONAL.search(str(value))
    return value if fine else _mask(value, "looks personal")


def _fields(model: type[BaseModel], value: Mapping[str, Any]) -> dict[str, Any]:
    known = model.model_fields
    said = {name: _shown(known[name].annotation, known[name].metadata, value[name]) for name in known if name in value}
    strangers = len(value.keys() - known.keys())
    return said | ({"‹undeclared›": f"{strangers} fields"} if strangers else {})


def redacted_value(kind: str | None, value: bytes | None) -> Any:
    """Give what may be shown of a record's value, of the event type `kind`; undeclared fields are only counted."""
    if value is None:
        return None
    model = BY_TYPE.get(kind or "")
    if model is None:
        return f"‹{len(value)} bytes of a type that nobody knows›"
    try:
        data = from_json(value, allow_inf_nan=False)
    except ValueError:
        return f"‹{len(value)} bytes that are not JSON›"
    return _fields(model, data) if isinstance(data, dict) else _mask(data, "undeclared")


def redacted_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, Any]:
    """Give the CloudEvents attributes that hold what they may hold; other headers are only counted."""
    shown: dict[str, Any] = {}
    strangers = 0
    for name, raw in headers:
        field = Event.model_fields.get(name.removeprefix("ce_")) if name.startswith("ce_") else None
        if field is None and name not in {"ce_specversion", "dlq.replay.letter"}:
            strangers += 1
            continue
        text = raw.decode("utf-8", "replace") if raw is not None else None
        known = name != "ce_type" or text in BY_TYPE
        simple = text is None or re.fullmatch(r"[A-Za-z0-9._:@/+-]{0,120}", text)
        fine = known and simple and not LOOKS_PERSONAL.search(text or "")
        shown[name] = text if fine else _mask(text, "not as declared")
    return shown | ({"‹undeclared›": f"{strangers} headers"} if strangers else {})
