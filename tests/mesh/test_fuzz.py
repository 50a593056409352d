"""Whatever is sent to the gateway, it answers as its document says: schemathesis with all its checks, and no 5xx.

A few cases per operation here; `make fuzz` sends at least 10,000.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis import builder
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi import checks

from services.intake.gateway.access import PERMISSIONS, Access
from services.runtime.mesh import Mesh
from tests.mesh.caller import Caller, as_platform, with_token

pytestmark = pytest.mark.broker
DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
for path in DOCUMENT["paths"].values():
    for operation in path.values():
        # Every case shows the right credential; wrong and missing ones are in test_permissions.py and test_gateway.py.
        del operation["security"]
BATCHES = ("submit-tickets", "submit-native-tickets", "submit-commands")
BY_MAPPING = ("submit-native-ticket",)
"""The document says an object; what must be in it, the platform's mapping says. Likewise the directory for Open311."""
ANSWERED_ONE_BY_ONE = [checks.negative_data_rejection]  # a wrong member gets its own 422 within a 207
BEYOND_THE_SCHEMA = {"in-the-future", "not-entitled", "value_error", "invalid-field", "int_type"}
"""What only the rules can say; and 17.0, which JSON Schema takes for an integer."""
CASES = int(os.environ.get("HOTLINE_FUZZ_CASES", "15"))
schema = schemathesis.openapi.from_dict(DOCUMENT)
operations = {found.ok().definition.raw["operationId"]: found.ok() for found in schema.get_all_operations()}
LEFT_OUT = (
    builder.UnsatisfiableExampleMark, builder.NonSerializableMark, builder.UnserializablePayloadMark,
    builder.InvalidRegexMark, builder.InvalidHeadersExampleMark, builder.MissingPathParameters,
)  # fmt: skip
"""What schemathesis notes on a test of which it had to leave cases out."""
sent: dict[str, Counter[int]] = {}
"""How often each operation was answered with which status."""
known: dict[tuple[Access, str], Caller] = {}


class As(requests.auth.AuthBase):
    """Signs or shows a token, as whoever may perform the operation."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def __call__(self, request: Any) -> Any:
        body = request.body or b""
        raw = body if isinstance(body, bytes) else body.encode()
        if self.caller._platform:
            try:
                request.headers.update(self.caller.sign(raw))
            except UnicodeDecodeError:
                request.headers.update(self.caller.sign(b""))
        else:
            request.headers["authorization"] = self.caller._http.headers["authorization"]
        return request


def caller(mesh: Mesh, access: Access) -> Caller:
    """Give a caller; somebody new after 1,000 cases, because nobody may call more than 1,200 times a minute."""
    name = f"fuzzer-{cases() // 1000}"
    if (access, name) not in known:
        fresh = (
            as_platform(mesh.url, mesh.settings)
            if access is Access.PLATFORM
            else with_token(mesh.url, mesh.settings, access, name)
        )
        known[access, name] = fresh
    return known[access, name]


def cases() -> int:
    """Give how many requests were sent."""
    return sum(map(Counter.total, sent.values()))


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Tell whoever runs `make fuzz` how far it is."""
    before = dict(sent)
    yield
    for operation in sent.keys() - before.keys():
        answers = ", ".join(f"{status} x {times:,}" for status, times in sorted(sent[operation].items()))
        print(f"\n{len(sent)} of {len(operations)} operations, {cases():,} cases: {operation} {answers}")  # noqa: T201


@pytest.mark.parametrize("operation", operations)
def test_every_answer_is_as_documented(operation: str, shared_mesh: Mesh) -> None:
    """Build the cases here: `schema.parametrize` builds them at the collection, so in every xdist worker."""
    load_all_checks()
    answered = build_operation_test(
        config=schema.config, operation=operations[operation], test_func=is_answered_as_documented, given_kwargs={},
        feedback=FeedbackSources(),
    )  # fmt: skip
    answered(shared_mesh=shared_mesh)
    assert [] == [mark for mark in LEFT_OUT if mark.is_set(answered)], "some of its cases could not be made"


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def is_answered_as_documented(case: Any, shared_mesh: Mesh) -> None:
    operation = case.operation.definition.raw["operationId"]
    access = min(PERMISSIONS[operation] - {Access.CITIZEN})
    if operation == "open311-post-request" and isinstance(case.body, dict) and cases() % 2:
        case.body["service_code"] = "bulky-waste"  # every other one gets past the first check
    if "platform" in case.path_parameters and operation.startswith("submit"):
        case.path_parameters["platform"] = "dq12345"
    response = case.call(base_url=shared_mesh.url, auth=As(caller(shared_mesh, access)))
    sent.setdefault(operation, Counter())[response.status_code] += 1
    excluded = list(ANSWERED_ONE_BY_ONE) if operation in BATCHES else []
    if operation in BY_MAPPING or operation.startswith("open311-"):
        excluded.append(checks.positive_data_acceptance)
    if response.status_code == 422 and {f["code"] for f in response.json().get("fields", [])} <= BEYOND_THE_SCHEMA:
        excluded.append(checks.positive_data_acceptance)
    if response.status_code == 413:  # a rejection, and before any schema: schemathesis does not count it as one
        excluded.append(checks.negative_data_rejection)
    case.validate_response(response, excluded_checks=excluded)
    if operation.startswith("open311-"):
        if response.status_code >= 400 and response.status_code != 405:
            assert b"description" in response.content
    elif response.status_code >= 400:
        assert json.loads(response.content)["code"]
