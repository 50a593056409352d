"""Is a contract still what its users built on? The JSON Schemas of the last release against those of today.

Within a version (`.v1`) a contract only grows. What a consumer reads may gain fields and enum members (unknown ones are
to be tolerated) but loses nothing and promises no less. What a sender writes may be asked for less, never for more.
A change beyond that needs a new version of the type. `keep` freezes today's schemas as the next baseline.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from schemas.commands import COMMANDS
from schemas.events import BY_TYPE
from schemas.upstream import UPSTREAM

BASELINE: Final = Path(__file__).parent / "released"
"""The JSON Schemas of the last release, as they were."""
SENT_TO_US: Final = (*COMMANDS, *UPSTREAM)
"""What others write and we read; all other types we write and others read."""
_UPPER: Final = ("maxLength", "maximum", "maxItems", "exclusiveMaximum")
_LOWER: Final = ("minLength", "minimum", "minItems", "exclusiveMinimum")


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        node: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = {**node, **{k: v for k, v in schema.items() if k != "$ref"}}
    return schema


def _types(schema: dict[str, Any], root: dict[str, Any]) -> frozenset[str]:
    """Give the JSON types that a schema takes, through its alternatives."""
    schema = _resolved(schema, root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return frozenset(name for option in options for name in _types(option, root))
    found = schema.get("type", "any")
    return frozenset(found if isinstance(found, list) else [found])


def _main(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Give the one alternative besides null, where there is just one: `Instant | None` is compared as `Instant`."""
    schema = _resolved(schema, root)
    options = [o for o in schema.get("anyOf", ()) if _types(o, root) != {"null"}]
    return _main(options[0], root) if len(options) == 1 else schema


def _enum(schema: dict[str, Any]) -> frozenset[str] | None:
    if "const" in schema:
        return frozenset([json.dumps(schema["const"])])
    return frozenset(map(json.dumps, schema["enum"])) if "enum" in schema else None


class _Pair:
    """Two versions of one schema, and in which direction the data flows."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any], *, sent_to_us: bool) -> None:
        self.old, self.new, self.sent_to_us = old, new, sent_to_us

    def compare(self, a: dict[str, Any], b: dict[str, Any], at: str) -> Iterator[str]:
        """Give each breaking difference from `a` (old) to `b` (new), in words, with its place."""
        before, after = _types(a, self.old), _types(b, self.new)
        narrower, wider = before - after, after - before
        if self.sent_to_us and narrower and "any" not in after:
            yield f"{at}: no longer takes {', '.join(sorted(narrower))}"
        if not self.sent_to_us and wider and "any" not in before:
            yield f"{at}: may now be {', '.join(sorted(wider))}"
        a, b = _main(a, self.old), _main(b, self.new)
        yield from self._values(a, b, at)
        yield from self._fields(a, b, at)
        if isinstance(a.get("items"), dict) and isinstance(b.get("items"), dict):
            yield from self.compare(a["items"], b["items"], f"{at}[]")

    def _values(self, a: dict[str, Any], b: dict[str, Any], at: str) -> Iterator[str]:
        old, new = _enum(a), _enum(b)
        if old is not None and new is not None and old - new:
            yield f"{at}: lost the value {', '.join(sorted(old - new))}"
        if not self.sent_to_us:
            return
        if old is None and new is not None:
            yield f"{at}: takes only certain values now"
        for bound in (*_UPPER, *_LOWER):
            if bound in b and (bound not in a or (b[bound] < a[bound] if bound in _UPPER else b[bound] > a[bound])):
                yield f"{at}: {bound} is stricter: {a.get(bound, 'none')} became {b[bound]}"
        if b.get("pattern") is not None and b["pattern"] != a.get("pattern"):
            yield f"{at}: another pattern"

    def _fields(self, a: dict[str, Any], b: dict[str, Any], at: str) -> Iterator[str]:
        old, new = a.get("properties", {}), b.get("properties", {})
        for name in sorted(old.keys() - new.keys()):
            yield f"{at}.{name}: gone"
        for name in sorted(old.keys() & new.keys()):
            yield from self.compare(old[name], new[name], f"{at}.{name}")
        was, now = set(a.get("required", ())), set(b.get("required", ()))
        if self.sent_to_us:
            yield from (f"{at}.{name}: is required now" for name in sorted(now - was))
        else:
            yield from (f"{at}.{name}: is no longer always there" for name in sorted((was - now) & new.keys()))


def breaking(name: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Give what breaks users of type `name` between two schemas, in words."""
    sent_to_us = BY_TYPE.get(name) in SENT_TO_US
    return list(_Pair(old, new, sent_to_us=sent_to_us).compare(old, new, name))


def check(today: Path, baseline: Path = BASELINE) -> list[str]:
    """Give every breaking change from the schemas in `baseline` to those in `today`."""
    said = []
    for file in sorted(baseline.glob("*.schema.json")):
        name = file.name.removesuffix(".schema.json")
        current = today / file.name
        if not current.exists():
            said.append(f"{name}: the type is gone; keep it, or bring a new version beside it")
            continue
        old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (file, current))
        said += breaking(name, old, new)
    return said


def keep(today: Path, baseline: Path = BASELINE) -> int:
    """Make today's schemas the baseline of the next comparison; gives their number. Part of a release."""
    shutil.rmtree(baseline, ignore_errors=True)
    shutil.copytree(today, baseline)
    return len(list(baseline.glob("*.schema.json")))
