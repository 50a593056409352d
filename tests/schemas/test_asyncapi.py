"""The AsyncAPI document is valid, complete and that of the models; a planted fault is found."""

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from schemas import asyncapi
from schemas.__main__ import DIRECTORY, document_drift
from schemas.events import BY_TYPE
from schemas.topics import load

# The JSON Schema of AsyncAPI 3.0.0 as the npm package @asyncapi/specs 6.11.1 ships it (Apache-2.0), without $id.
SPECIFICATION = Path(__file__).parent / "asyncapi-3.0.0.schema.json.gz"
DOCUMENT = yaml.safe_load(asyncapi.DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads(gzip.decompress(SPECIFICATION.read_bytes())))


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


def resolves(ref: str) -> bool:
    file, _, pointer = ref.partition("#")
    if file:
        return (asyncapi.DOCUMENT.parent / file).exists()
    node: Any = DOCUMENT
    for part in pointer.removeprefix("/").split("/"):
        if part not in node:
            return False
        node = node[part]
    return True


def test_the_document_is_valid_asyncapi_3(validator: jsonschema.Draft7Validator) -> None:
    assert [] == [error.message for error in validator.iter_errors(DOCUMENT)]


def _without_title(document: dict[str, Any]) -> None:
    del document["info"]["title"]


def _unknown_action(document: dict[str, Any]) -> None:
    next(iter(document["operations"].values()))["action"] = "publish"


def _partitions_in_words(document: dict[str, Any]) -> None:
    document["channels"]["ticket-events"]["bindings"]["kafka"]["partitions"] = "four"


@pytest.mark.parametrize("plant", [_without_title, _unknown_action, _partitions_in_words])
def test_a_planted_fault_is_not_valid(plant: Any, validator: jsonschema.Draft7Validator) -> None:
    document = copy.deepcopy(DOCUMENT)
    plant(document)
    assert not validator.is_valid(document)


def test_the_committed_document_is_that_of_the_models() -> None:
    assert [] == document_drift()


def test_an_edited_document_is_found(tmp_path: Path) -> None:
    edited = tmp_path / "asyncapi.yaml"
    edited.write_text(asyncapi.text().replace("办结工单流", "工单流"), encoding="utf-8")
    assert ["schemas/asyncapi.yaml: differs or missing; run `python -m schemas generate`"] == document_drift(edited)


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert 200 < len(found)
    assert [] == [ref for ref in found if not resolves(ref)]
    assert not resolves("#/channels/lost-tickets")


def test_every_contract_topic_and_every_event_type_is_described() -> None:
    contracts = {name for name, topic in load().items() if topic.role not in asyncapi.INTERNAL}
    assert contracts == set(DOCUMENT["channels"])
    internal = {name for topic in load().values() if topic.role in asyncapi.INTERNAL for name in topic.events}
    assert set(BY_TYPE) - internal == set(DOCUMENT["components"]["messages"])
    assert all((DIRECTORY / f"{name}.schema.json").exists() for name in DOCUMENT["components"]["messages"])


def test_only_the_router_sends_facts_of_tickets() -> None:
    senders = {
        name.split(".")[0]
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "send" and operation["channel"]["$ref"] == "#/channels/ticket-events"
    }
    assert {"router"} == senders
