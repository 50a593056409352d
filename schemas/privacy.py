"""What a field may hold of a person: a class for every field, declared on the models, inherited by whatever uses them.

A field whose type leaves no room for a person (a number, an instant, a word of a fixed vocabulary) has the class `none`
by its type. Every other field says it: `Annotated[str, DataClass.PERSONAL]`. Nothing is `none` by silence.
Source: Personal Information Protection Law (个人信息保护法) Art. 4, 28, 51; article 13 of the county's measures.
"""

from collections.abc import Iterable
from datetime import date, datetime
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


class DataClass(StrEnum):
    """The class of a field (字段分级)."""

    NONE = "none"
    """Codes, opaque ids, numbers: may stand on topics, in logs and reports."""
    PERSONAL = "personal"
    """Name, phone, identity number: who it is (个人信息)."""
    LOCATION = "location"
    """Where a person lives or a matter is, finer than an area code (位置信息)."""
    FREE_TEXT = "free_text"
    """Words of people: may hold anything (自由文本)."""


class UndeclaredError(TypeError):
    """A field that could hold a person has no class; the message names the field."""


_NO_ROOM = (Enum, bool, int, float, datetime, date, NoneType)


def said_of(metadata: Iterable[Any]) -> DataClass | None:
    """Give the class that `Annotated` metadata declare, if they do."""
    return next((item for item in metadata if isinstance(item, DataClass)), None)


def classes_of(kind: Any, metadata: Iterable[Any] = (), where: str = "") -> frozenset[DataClass]:
    """Give every class found in a type, models and containers opened; raises `UndeclaredError`."""
    declared = said_of(metadata)
    if declared is not None:
        return frozenset({declared})
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return classes_of(inner[0], inner[1:], where)
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, _NO_ROOM)):
        return frozenset({DataClass.NONE})
    if origin in {Union, UnionType, tuple, list, dict, frozenset}:
        parts = [part for part in inner if part is not Ellipsis]
        return frozenset().union(*(classes_of(part, (), where) for part in parts))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return frozenset().union(*field_classes(kind, where).values())
    raise UndeclaredError(f"{where}: could hold a person; declare its DataClass (schemas/privacy.py)")


def field_classes(model: type[BaseModel], where: str = "") -> dict[str, frozenset[DataClass]]:
    """Give the classes found in each field of a model; raises `UndeclaredError`."""
    prefix = where or model.__name__
    return {
        name: classes_of(field.annotation, field.metadata, f"{prefix}.{name}")
        for name, field in model.model_fields.items()
    }


def to_seal(model: type[BaseModel]) -> frozenset[str]:
    """Give the fields of a model that must not pass the door unsealed: all but those of class `none`."""
    return frozenset(name for name, found in field_classes(model).items() if found - {DataClass.NONE})
