"""What may be shown of a record that nobody could take: declared codes, and of the rest only the shape."""

import json
from typing import Any

import pytest

from services.runtime.redaction import redacted_headers, redacted_value

SUBMITTED = "upstream.ticket.submitted.v1"
NAME, PHONE, NUMBER = "李金丝雀", "13812340987", "53342319850607888X"


def shown(kind: str, /, **fields: Any) -> Any:
    return redacted_value(kind, json.dumps(fields).encode())


def test_what_is_declared_free_of_persons_is_shown() -> None:
    said = {"platform": "stage", "kind": "help", "anonymous": True, "limit_override": None}
    assert said == shown(SUBMITTED, **said)
    units = ["U-1", "U-2"]
    assert {"units": units} == shown("co_handler.assign.v1", units=units)


@pytest.mark.parametrize(
    ("fields", "masked"),
    [
        ({"title": NAME}, {"title": "‹free_text: text, 4 characters›"}),
        ({"reporter": {"name": NAME, NAME: 1}},
         {"reporter": {"name": "‹personal: text, 4 characters›", "‹undeclared›": "1 fields"}}),
        ({"reporter": NAME}, {"reporter": "‹not as declared: text, 4 characters›"}),
        ({"upstream_id": PHONE}, {"upstream_id": "‹looks personal: text, 11 characters›"}),
        ({"upstream_id": f"a-{NUMBER}-b"}, {"upstream_id": "‹looks personal: text, 22 characters›"}),
        ({"platform": NAME}, {"platform": "‹not as declared: text, 4 characters›"}),
        ({"platform": int(PHONE)}, {"platform": "‹not as declared: int›"}),
        ({"kind": {NAME: NAME}}, {"kind": "‹not as declared: object, 1 members›"}),
        ({"limit_override": {"working_days": 3, "legal_basis": PHONE}},
         {"limit_override": {"working_days": 3, "legal_basis": "‹looks personal: text, 11 characters›"}}),
        ({NAME: PHONE}, {"‹undeclared›": "1 fields"}),
    ],
)  # fmt: skip
def test_of_everything_else_only_the_shape_is_shown(fields: dict[str, Any], masked: dict[str, Any]) -> None:
    assert masked == shown(SUBMITTED, **fields)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (None, NAME.encode()),
        ("nobody.knows.v1", b"{}"),
        (SUBMITTED, NAME.encode()),
        (SUBMITTED, f'["{NAME}"]'.encode()),
    ],
)
def test_what_cannot_be_read_is_measured(kind: str | None, value: bytes) -> None:
    said = redacted_value(kind, value)
    assert said.startswith("‹")
    assert NAME not in said


def test_headers_are_shown_if_they_are_attributes_that_hold_codes() -> None:
    headers = [
        ("ce_type", SUBMITTED.encode()), ("ce_id", PHONE.encode()), ("ce_source", NAME.encode()), ("ce_time", None),
        ("x-caller", NAME.encode()), (NAME, b"1"),
    ]  # fmt: skip
    assert {
        "ce_type": SUBMITTED,
        "ce_id": "‹not as declared: text, 11 characters›",
        "ce_source": "‹not as declared: text, 4 characters›",
        "ce_time": None,
        "‹undeclared›": "2 headers",
    } == redacted_headers(headers)
    assert redacted_headers([("ce_type", NAME.encode())]) == {"ce_type": "‹not as declared: text, 4 characters›"}
