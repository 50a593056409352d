"""A posted form becomes a message or a refusal that names the field, whatever stands in it."""

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.policy import Policies
from services.intake.gateway.open311.posting import FORM, read_form, submitted
from services.intake.gateway.open311.spark import respond
from services.intake.gateway.problems import ProblemError

NOW = datetime(2026, 9, 24, 9, 0, tzinfo=UTC)
URLENCODED = "application/x-www-form-urlencoded; charset=utf-8"
GOOD = {"service_code": "bulky-waste", "lat": "27.1", "long": "99.2", "attribute[area]": "533423100"}
CANARY = "张三 13800138000"


def message(policies: Policies, form: dict[str, str], day: str = "2026-09-24", key: bytes = b"key") -> object:
    return submitted(form, "app", policies.newest.directory, NOW, day, key)


def test_the_same_form_has_the_same_id_for_a_day_a_client_and_a_key(policies: Policies) -> None:
    def number(form: dict[str, str], day: str = "2026-09-24", key: bytes = b"key") -> str:
        return message(policies, form, day, key).upstream_id  # type: ignore[attr-defined,no-any-return]

    assert number(GOOD) == number(dict(reversed(GOOD.items()))) == number(GOOD | {"api_key": "another token"})
    others = [number(GOOD | {"description": "x"}), number(GOOD, "2026-09-25"), number(GOOD, key=b"other")]
    assert len({number(GOOD), *others}) == 4


@given(st.dictionaries(st.sampled_from([*FORM["properties"], "attribute[x]"]), st.text(max_size=20), max_size=8))
def test_whatever_stands_in_a_form_the_answer_is_a_message_or_names_a_field(
    policies: Policies, changes: dict[str, str]
) -> None:
    body = urlencode(GOOD | changes, errors="replace").encode()
    try:
        message(policies, read_form(body, URLENCODED))
    except ProblemError as refused:
        known = refused.problem.status in {400, 404, 422}
    else:
        known = True
    assert known


@pytest.mark.parametrize("field", ["service_code", "lat", "attribute[area]", "attribute[kind]", "address_id"])
def test_nothing_of_a_field_is_repeated(policies: Policies, field: str) -> None:
    form = {name: value for name, value in GOOD.items() if name != "attribute[area]"} | {field: CANARY}
    with pytest.raises(ProblemError) as caught:
        message(policies, form)
    assert CANARY not in repr(caught.value.body())


@pytest.mark.parametrize(
    ("first", "last", "name"), [("三", "张", "张三"), ("Ann", "Lee", "Ann Lee"), ("Ann", "", "Ann")]
)
def test_a_name_is_put_together_as_its_language_has_it(policies: Policies, first: str, last: str, name: str) -> None:
    said = message(policies, GOOD | {"first_name": first, "last_name": last})
    assert said.reporter.name == name  # type: ignore[attr-defined]


def test_xml_and_json_say_the_same_after_the_spark_convention() -> None:
    value = [{"key": "<&>", "required": True, "order": 1, "nothing": None, "values": [{"key": "a"}, {"key": "b"}]}]
    assert respond("json", "attributes", value).body == (
        b'[{"key":"<&>","required":true,"order":1,"nothing":null,"values":[{"key":"a"},{"key":"b"}]}]'
    )
    assert respond("xml", "attributes", value).body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<attributes><attribute>'
        b"<key>&lt;&amp;&gt;</key><required>true</required><order>1</order><nothing />"
        b"<values><value><key>a</key></value><value><key>b</key></value></values></attribute></attributes>"
    )
