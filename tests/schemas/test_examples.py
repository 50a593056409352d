"""Each example is a record that the mesh could have written: every type has one, and every file is checked."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator

from schemas import docs
from schemas.__main__ import DIRECTORY
from schemas.events import BY_TYPE
from schemas.topics import load
from schemas.wire import encode
from tests.schemas.example_records import EVERY, NAMES, event, record

TOPICS = load()
each = pytest.mark.parametrize(("path", "example"), EVERY, ids=NAMES)


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((DIRECTORY / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_every_event_type_has_an_example() -> None:
    assert set(BY_TYPE) == {path.parent.name for path, _ in EVERY}


def test_no_file_among_the_examples_goes_unread() -> None:
    assert {path for path, _ in EVERY} == {path for path in docs.EXAMPLES.rglob("*") if path.is_file()}


@each
def test_an_example_says_what_a_developer_needs(path: Path, example: dict[str, Any]) -> None:
    assert ["about", "topic", "key", "headers", "value"] == list(example)


@each
def test_an_example_lies_in_the_folder_of_its_type(path: Path, example: dict[str, Any]) -> None:
    assert path.parent.name == example["headers"]["ce_type"]


@each
def test_an_example_survives_decoding_and_encoding(path: Path, example: dict[str, Any]) -> None:
    headers, value = encode(event(example))
    assert example["headers"] == {name: content.decode() for name, content in headers}
    assert record(example)[1] == value


@each
def test_an_example_fits_the_committed_json_schema(path: Path, example: dict[str, Any]) -> None:
    assert [] == [error.message for error in validator(path.parent.name).iter_errors(example["value"])]


@each
def test_an_example_lies_on_a_topic_that_lists_its_type(path: Path, example: dict[str, Any]) -> None:
    assert path.parent.name in TOPICS[example["topic"]].events


@each
def test_the_writer_of_an_example_is_the_one_that_the_page_names(path: Path, example: dict[str, Any]) -> None:
    source = example["headers"]["ce_source"]
    said = docs.writer(path.parent.name, TOPICS[example["topic"]])
    if said == "upstream platforms":
        assert source.startswith("/platforms/")
    elif said == "intake" and source != "/hotline-mesh/intake":
        # intake passes an actor's command on under the actor's own source and id
        assert source.startswith(("/units/", "/office/", "/citizens/"))
    else:
        assert source.removeprefix("/hotline-mesh/") in said.split(", ")


@each
def test_the_key_of_an_example_is_the_one_that_the_topic_file_names(path: Path, example: dict[str, Any]) -> None:
    subject, value = example["headers"].get("ce_subject"), example["value"]
    match TOPICS[example["topic"]].key.split(";")[0].split(",")[0]:
        case "ticket token" | "unit id" | "opaque token of the ticket":
            assert subject == example["key"]
        case "unit id|period":
            assert f"{value['unit']}|{value['period']}" == example["key"]
        case "ticket token or platform|upstream id":
            assert f"{value['platform']}|{value['upstream_id']}" == example["key"]
        case "service name":
            assert value["service"] == example["key"]
        case unknown:
            pytest.fail(f"{example['topic']}: the key {unknown!r} is not known to this test")


@each
def test_the_text_of_an_example_tells_its_local_time_and_weekday(path: Path, example: dict[str, Any]) -> None:
    local = datetime.fromisoformat(example["headers"]["ce_time"]).astimezone(ZoneInfo("Asia/Shanghai"))
    assert example["about"].startswith(f"{local:%a %Y-%m-%d %H:%M} (Asia/Shanghai). ")


def test_persons_in_the_examples_are_obviously_invented() -> None:
    reporters = [e["value"]["reporter"] for p, e in EVERY if p.parent.name == "upstream.ticket.submitted.v1"]
    assert reporters
    for reporter in reporters:
        assert "虚构" in reporter["name"]
        assert "虚构" in reporter["address"]
        assert {"0"} == set(reporter["phone"]) | set(reporter["id_number"])


def test_a_planted_wrong_word_does_not_fit_the_committed_schema() -> None:
    example = next(e for p, e in EVERY if p.parent.name == "ticket.dispatched.v1")
    assert not validator("ticket.dispatched.v1").is_valid(example["value"] | {"kind": "wish"})
    assert not validator("ticket.dispatched.v1").is_valid(example["value"] | {"unit": "two words"})
    assert not validator("ticket.dispatched.v1").is_valid({k: v for k, v in example["value"].items() if k != "stage"})
