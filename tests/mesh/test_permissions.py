"""The permission matrix, cell by cell, against a real gateway: what a role may not do is refused before it is read."""

import pytest

from services.intake.gateway.access import PERMISSIONS, PUBLIC, Access
from services.intake.gateway.actions import ACTIONS
from services.runtime.mesh import Mesh
from tests.mesh.caller import Caller, as_platform, with_token

pytestmark = pytest.mark.broker
PLATFORM, UNIT, OFFICE, CITIZEN = Access.PLATFORM, Access.UNIT, Access.OFFICE, Access.CITIZEN
AUDITOR, SYSTEM, APP = Access.AUDITOR, Access.SYSTEM, Access.APP
EVERYBODY = set(Access) - {APP}
PUBLIC_READS = {
    "open311-discovery": "/open311/discovery.json",
    "open311-services": "/open311/v2/services.json",
    "open311-service": "/open311/v2/services/other.json",
    "open311-token": "/open311/v2/tokens/T-nobody.json",
    "open311-requests": "/open311/v2/requests.json",
    "open311-request": "/open311/v2/requests/T-nobody.json",
}
MATRIX: dict[str, set[Access]] = {
    "submit-commands": {SYSTEM},
    "read-ticket": EVERYBODY - {Access.OPERATOR},
    "read-timeline": EVERYBODY - {Access.OPERATOR},
    "list-tickets": {PLATFORM, UNIT, OFFICE, AUDITOR, SYSTEM},
    "read-submission": EVERYBODY,
    "sign": {UNIT}, "request-return": {UNIT}, "request-extension": {UNIT}, "reply": {UNIT},
    "explain-to-citizen": {UNIT},
    "co-reply": {UNIT}, "request-co-return": {UNIT}, "assign-co-handlers": {OFFICE}, "decide-co-return": {OFFICE},
    "decline": {OFFICE}, "request-refusal-review": {PLATFORM, OFFICE, CITIZEN}, "decide-refusal-review": {OFFICE},
    "assign": {OFFICE}, "decide-return": {OFFICE}, "decide-extension": {OFFICE, PLATFORM}, "log-contact": {OFFICE},
    "log-call": {OFFICE},
    "request-suspension": {UNIT, OFFICE}, "decide-suspension": {OFFICE, PLATFORM}, "resume": {UNIT, OFFICE},
    "judge-dissatisfaction": {OFFICE}, "reopen": {OFFICE}, "merge": {OFFICE}, "unmerge": {OFFICE},
    "list-merge-candidates": {OFFICE},
    "supplement": {PLATFORM, OFFICE, CITIZEN},
    **{operation: set(Access) for operation in PUBLIC_READS},
    "exclude-measure": {OFFICE}, "request-appeal": {UNIT}, "decide-appeal": {OFFICE},
    "raise-accountability": {OFFICE}, "decide-accountability": {OFFICE},
    "rate": {PLATFORM, OFFICE, CITIZEN}, "urge": {PLATFORM, OFFICE, CITIZEN}, "withdraw": {PLATFORM, OFFICE, CITIZEN},
}  # fmt: skip
"""Written by hand, as the office would write it down; the code's own table must agree with it."""
TICKET = "T-nobody"
READS = {
    "read-ticket": f"/v1/tickets/{TICKET}",
    "read-timeline": f"/v1/tickets/{TICKET}/timeline",
    "list-tickets": "/v1/tickets",
    "list-merge-candidates": f"/v1/tickets/{TICKET}/merge-candidates",
    "read-submission": f"/v1/tickets/{TICKET}/submissions/none",
} | PUBLIC_READS
WRITES = {"submit-commands": "/v1/commands"} | {a.name: f"/v1/tickets/{TICKET}/{a.path}" for a in ACTIONS}
SIGNED_ONLY = {"submit-ticket", "submit-tickets", "submit-native-ticket", "submit-native-tickets"}


BY_FORM = {"open311-post-request"}
"""With the key inside the form: cell by cell in test_open311.py."""


def test_the_matrix_of_the_tests_knows_every_operation() -> None:
    assert set(PERMISSIONS) == set(MATRIX) | SIGNED_ONLY | BY_FORM
    assert set(PUBLIC) == set(PUBLIC_READS)
    assert set(MATRIX) == set(READS) | set(WRITES)


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("operation", MATRIX)
def test_cell(operation: str, access: Access, shared_mesh: Mesh) -> None:
    if access is Access.PLATFORM:
        caller = as_platform(shared_mesh.url, shared_mesh.settings)
    else:
        ticket = TICKET if access is Access.CITIZEN else None
        caller = with_token(shared_mesh.url, shared_mesh.settings, access, ticket=ticket)
    # Whoever may speak is told that his body is no JSON; the others are refused before it is read.
    answer = caller.get(READS[operation]) if operation in READS else caller.post(WRITES[operation], b"not json")
    expected = access in MATRIX[operation]
    assert (answer.status_code != 403) == expected, answer.text
    if expected and operation in WRITES:
        assert answer.json()["code"] == "not-json"
    if not expected:
        assert answer.json()["code"] == "not-permitted"


@pytest.mark.parametrize("path", PUBLIC_READS.values(), ids=PUBLIC_READS)
def test_what_is_public_needs_no_token(path: str, shared_mesh: Mesh) -> None:
    assert Caller(shared_mesh.url, shared_mesh.settings, {}).get(path).status_code in {200, 404}


@pytest.mark.parametrize("access", [access for access in Access if access is not Access.PLATFORM])
@pytest.mark.parametrize("path", ["", "/batch", "/native", "/native/batch"])
def test_nobody_hands_matters_down_with_a_token(path: str, access: Access, shared_mesh: Mesh) -> None:
    caller = with_token(shared_mesh.url, shared_mesh.settings, access)
    answer = caller.post(f"/v1/platforms/dq12345/tickets{path}", {})
    assert (answer.status_code, answer.json()["code"]) == (401, "no-signature")
