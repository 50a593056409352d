"""A contract only grows within a version; every way to break a consumer or a sender is found."""

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.__main__ import DIRECTORY
from schemas.compatibility import BASELINE, breaking, check, keep

Schema = dict[str, Any]
READ_BY_OTHERS = "ticket.closed.v1"
SENT_TO_US = "upstream.ticket.submitted.v1"


def schema(name: str) -> Schema:
    found: Schema = json.loads((DIRECTORY / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def edit(path: str, **changes: Any) -> Callable[[Schema], None]:
    """Give an edit of the node at `path` (dots); None deletes a key."""

    def apply(root: Schema) -> None:
        node: Any = root
        for part in path.split(".") if path else ():
            node = node[part]
        for key, value in changes.items():
            node.pop(key, None) if value is None else node.__setitem__(key, value)

    return apply


def without(path: str, name: str) -> Callable[[Schema], None]:
    """Give an edit that takes `name` out of the list at `path`."""

    def apply(root: Schema) -> None:
        node: Any = root
        for part in path.split("."):
            node = node[part]
        node.remove(name)

    return apply


def also_required(name: str) -> Callable[[Schema], None]:
    return lambda root: root["required"].append(name)


BREAKS: list[tuple[str, str, Callable[[Schema], None], str]] = [
    ("a field that consumers read is gone", READ_BY_OTHERS, edit("properties", rating=None),
     "ticket.closed.v1.rating: gone"),
    ("a field may now be null", READ_BY_OTHERS,
     edit("properties", deemed={"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
     "ticket.closed.v1.deemed: may now be null"),
    ("a field has another type", READ_BY_OTHERS, edit("properties.returns", type="string"),
     "ticket.closed.v1.returns: may now be string"),
    ("a field is no longer always there", READ_BY_OTHERS, without("required", "resolution"),
     "ticket.closed.v1.resolution: is no longer always there"),
    ("a value that consumers know is gone", READ_BY_OTHERS, without("$defs.Rating.enum", "satisfied"),
     'ticket.closed.v1.rating: lost the value "satisfied"'),
    ("an item of a list has another type", READ_BY_OTHERS, edit("properties.breaches", items={"type": "integer"}),
     "ticket.closed.v1.breaches[]: may now be integer"),
    ("a field of a nested object is gone", READ_BY_OTHERS, edit("$defs.RulebookRef.properties", hash=None),
     "ticket.closed.v1.rulebook.hash: gone"),
    ("senders are asked for a field more", SENT_TO_US, also_required("title"),
     "upstream.ticket.submitted.v1.title: is required now"),
    ("a kind that senders use is refused", SENT_TO_US, without("$defs.Kind.enum", "help"),
     'upstream.ticket.submitted.v1.kind: lost the value "help"'),
    ("texts may only be shorter", SENT_TO_US, edit("properties.title", maxLength=10),
     "upstream.ticket.submitted.v1.title: maxLength is stricter: 32000 became 10"),
    ("null is refused where it was taken", SENT_TO_US, edit("properties", upstream_due_at={"type": "string"}),
     "upstream.ticket.submitted.v1.upstream_due_at: no longer takes null"),
    ("a field that senders fill is ignored", SENT_TO_US, edit("properties", anonymous=None),
     "upstream.ticket.submitted.v1.anonymous: gone"),
    ("identifiers follow another pattern", SENT_TO_US, edit("properties.platform", pattern="^[a-z]+$"),
     "upstream.ticket.submitted.v1.platform: another pattern"),
    ("free words become a list of words", SENT_TO_US, edit("properties.category", enum=["road"]),
     "upstream.ticket.submitted.v1.category: takes only certain values now"),
]  # fmt: skip

GROWS: list[tuple[str, str, Callable[[Schema], None]]] = [
    ("a field more for consumers", READ_BY_OTHERS, edit("properties", outcome={"type": "string"})),
    ("a value more for consumers, who tolerate what they do not know", READ_BY_OTHERS,
     edit("$defs.Rating", enum=["satisfied", "basically_satisfied", "dissatisfied", "delighted"])),
    ("a field is always there now", READ_BY_OTHERS, also_required("breaches")),
    ("a field more that senders may fill", SENT_TO_US, edit("properties", planted={"type": "string"})),
    ("a kind more that senders may use", SENT_TO_US, lambda root: root["$defs"]["Kind"]["enum"].append("praise")),
    ("longer texts are taken", SENT_TO_US, edit("properties.title", maxLength=64_000)),
    ("a field need not be filled any more", SENT_TO_US, without("required", "area")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "name", "plant", "said"), BREAKS, ids=[row[0] for row in BREAKS])
def test_a_breaking_change_is_found(what: str, name: str, plant: Callable[[Schema], None], said: str) -> None:
    old, new = schema(name), copy.deepcopy(schema(name))
    plant(new)
    assert [said] == breaking(name, old, new)


@pytest.mark.parametrize(("what", "name", "plant"), GROWS, ids=[row[0] for row in GROWS])
def test_growth_is_no_break(what: str, name: str, plant: Callable[[Schema], None]) -> None:
    old, new = schema(name), copy.deepcopy(schema(name))
    plant(new)
    assert old != new
    assert [] == breaking(name, old, new)


def test_the_contracts_of_today_break_nobody_who_built_on_the_last_release() -> None:
    assert 50 < len(list(BASELINE.glob("*.schema.json")))
    assert [] == check(DIRECTORY)


def test_a_type_that_is_gone_is_found(tmp_path: Path) -> None:
    today = Path(shutil.copytree(BASELINE, tmp_path / "today"))
    (today / f"{READ_BY_OTHERS}.schema.json").unlink()
    assert [f"{READ_BY_OTHERS}: the type is gone; keep it, or bring a new version beside it"] == check(today)


def test_a_release_freezes_the_schemas_of_today(tmp_path: Path) -> None:
    baseline = tmp_path / "released"
    baseline.mkdir()
    (baseline / "ticket.forgotten.v1.schema.json").write_text("{}", encoding="utf-8")
    assert len(list(DIRECTORY.glob("*.schema.json"))) == keep(DIRECTORY, baseline)
    assert [] == check(DIRECTORY, baseline)
    assert not (baseline / "ticket.forgotten.v1.schema.json").exists()
