"""The words of the contracts: no room for a person, and each word in the glossary with its Chinese."""

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from schemas import vocabulary
from schemas.commands import Command
from schemas.envelope import Event, Token
from schemas.events import BY_TYPE, EVENT_CLASSES, type_of
from schemas.upstream import UPSTREAM
from schemas.vocabulary import Word

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
LISTS = [cls for _, cls in inspect.getmembers(vocabulary, inspect.isclass) if issubclass(cls, Word) and cls is not Word]
PERSONAL = {"name", "phone", "mobile", "address", "content", "title", "email", "text", "reporter", "birthday", "gender"}
NOUNS = (
    "ticket", "unit", "office", "event", "command", "fact", "pulse", "clock", "limit", "window", "cycle", "round",
    "generation", "rung", "ladder", "breach", "return", "extension", "reply", "revisit", "deemed", "reminder",
    "measure", "score", "rulebook", "calendar", "vault", "watermark", "dead letter", "changelog", "table", "token",
    "case clock", "unit clock", "working day", "topic", "partition", "lockstep",
)  # fmt: skip


def nodes(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every field of a JSON Schema with its name, however deep."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for part in schema.values():
            yield from nodes(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from nodes(part)


def personal_fields(classes: Iterable[type[Event]]) -> list[str]:
    """Name the fields that sound like a person; `..._ref` names what lies in the vault."""
    found = []
    for cls in classes:
        for name, _ in nodes(cls.model_json_schema()):
            spoken = not name.endswith("_ref") and (set(name.split("_")) & PERSONAL or "id_number" in name)
            if spoken:
                found.append(f"{type_of(cls)}: {name}")
    return found


def _loose(field: Any) -> bool:
    if not isinstance(field, dict):
        return False
    if field.get("type") == "string":
        return not ({"enum", "const", "pattern", "format"} & set(field)) and field.get("maxLength", 10**9) > 120
    return any(_loose(part) for part in (field.get("items"), *field.get("anyOf", []), *field.get("prefixItems", [])))


def roomy_fields(classes: Iterable[type[Event]]) -> list[str]:
    """Name the fields in which a letter of a citizen would fit: texts that nothing bounds."""
    return [
        f"{type_of(cls)}: {name}"
        for cls in classes
        for name, field in nodes(cls.model_json_schema())
        if name not in Event.ENVELOPE and _loose(field)
    ]


INSIDE = [cls for cls in EVENT_CLASSES if cls not in UPSTREAM]


class Letter(Command):
    """Planted: what must never become an event."""

    type: Literal["letter.planted.v1"] = "letter.planted.v1"
    citizen_phone: Token
    remark: str


def test_no_event_inside_the_mesh_has_a_field_for_a_person() -> None:
    assert [] == personal_fields(INSIDE)


def test_no_event_inside_the_mesh_has_room_for_free_text() -> None:
    assert [] == roomy_fields(INSIDE)


def test_a_planted_field_for_a_person_is_found() -> None:
    assert ["letter.planted.v1: citizen_phone"] == personal_fields([Letter])


def test_a_planted_field_for_free_text_is_found() -> None:
    assert ["letter.planted.v1: remark"] == roomy_fields([Letter])


def test_the_feed_is_where_persons_are_and_the_check_sees_them() -> None:
    found = {line.split(": ")[1] for line in personal_fields(UPSTREAM)}
    assert {"name", "phone", "id_number", "address", "email", "content", "title", "reporter"} == found


def test_facts_are_told_in_the_past_and_commands_as_wishes() -> None:
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+\.v\d+", name) for name in BY_TYPE)
    verbs = {type_of(cls): type_of(cls).split(".")[-2] for cls in EVENT_CLASSES if not issubclass(cls, Command)}
    past = {name for name, verb in verbs.items() if re.search(r"(ed|en|held|withdrawn|at_risk)$", verb)}
    assert {"clock.pulse.v1"} == set(verbs) - past
    assert [] == [
        type_of(c) for c in EVENT_CLASSES if issubclass(c, Command) and type_of(c).split(".")[-2].endswith("ed")
    ]


def rows(section: str) -> dict[str, str]:
    """Give the words of one section of the glossary with their Chinese."""
    body = GLOSSARY.split(f"\n{section}", 1)[1].split("\n#", 1)[0]
    cells = [[c.strip() for c in line.strip().strip("|").split("|")] for line in body.splitlines() if "|" in line]
    return {row[0].strip("`"): row[1] for row in cells[2:]}


@pytest.mark.parametrize("words", LISTS, ids=lambda cls: cls.__name__)
def test_a_word_is_its_text_also_as_a_key(words: type[Word]) -> None:
    assert all({word: 1}[word.value] == 1 for word in words)


@pytest.mark.parametrize("words", LISTS, ids=lambda cls: cls.__name__)
def test_the_glossary_has_every_word_of_a_list_with_its_chinese_and_no_other(words: type[Word]) -> None:
    found = rows(f"### {words.__name__} ")
    assert [member.value for member in words] == list(found)
    assert [] == [word for word, chinese in found.items() if not re.search(r"[\u4e00-\u9fff]{2}", chinese)]


def test_the_glossary_has_no_list_that_the_vocabulary_lacks() -> None:
    assert sorted(cls.__name__ for cls in LISTS) == sorted(re.findall(r"^### (\w+) ", GLOSSARY, re.MULTILINE))


def test_the_glossary_explains_the_main_nouns() -> None:
    found = rows("## Nouns ")
    assert [] == [noun for noun in NOUNS if noun not in found]
    assert [] == [noun for noun, chinese in found.items() if not re.search(r"[\u4e00-\u9fff]{2}", chinese)]


def test_one_word_has_one_chinese_term_within_a_section() -> None:
    for section in ("## Nouns ", *(f"### {cls.__name__} " for cls in LISTS)):
        terms = list(rows(section).values())
        assert sorted(set(terms)) == sorted(terms), section
