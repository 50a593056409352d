"""Where a value lies in a platform's record: a JSON pointer (RFC 6901) or a dotted path."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

Steps = tuple[str, ...]
ABSENT: Final = object()
EVERY: Final = "*"
"""Stands for each place of a list in the paths that `leaves` gives."""


def steps(path: str) -> Steps:
    """Give the names on the way: `/a/b~1c` is a, b/c; `a.b` is a, b."""
    if path.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
    return tuple(path.split("."))


def pointer(way: Steps) -> str:
    """Give the JSON pointer of these names."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in way)


def _known(path: str) -> str:
    if not path or not all(steps(path)):
        raise ValueError("must be a JSON pointer (/order/number) or a dotted path (order.number)")
    return path


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Path = Annotated[str, AfterValidator(_known)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_several), Field(min_length=1, max_length=8)]
"""One path or several; of several the first that is filled counts."""


def find(record: Any, path: str) -> Any:
    """Give what lies at `path`, or `ABSENT`."""
    value = record
    for part in steps(path):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def leaves(record: Any, way: Steps = ()) -> Iterator[Steps]:
    """Give the way to everything in a record that is neither an object nor a list; the places of a list are one."""
    if isinstance(record, dict):
        for name, value in record.items():
            yield from leaves(value, (*way, str(name)))
    elif isinstance(record, list):
        for value in record:
            yield from leaves(value, (*way, EVERY))
    else:
        yield way
