"""What a platform hands down is held to one form, whether it comes by HTTP or on the feed."""

import json
from datetime import timedelta
from typing import Any

import pytest

from schemas.upstream import UpstreamTicketUrged
from schemas.wire import decode, encode
from services.core.service import Rejected
from services.intake.form import CLOCK_SKEW, check
from services.intake.gateway.models import Submission
from services.intake.gateway.problems import ProblemError
from services.intake.gateway.writing import _validated
from tests.services.test_door import submitted

HEADERS, GOOD = encode(submitted())
LIMIT = {"legal_basis": "信访工作条例"}
FILE = {"sha256": "a" * 64, "media_type": "image/jpeg"}


def on_the_feed(value: bytes) -> str | None:
    """Say what is wrong with a record that the wire takes; None for nothing."""
    try:
        check(decode(HEADERS, value), value, None)
    except Rejected as error:
        return str(error)
    return None


def by_http(value: bytes) -> list[str]:
    data = {name: said for name, said in json.loads(value).items() if name != "platform"}
    try:
        _validated(Submission, data)
    except ProblemError as error:
        return [f"{wrong.field}: {wrong.code}" for wrong in error.problem.fields or []]
    return []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"conten": "门口"}, "?: extra_forbidden"),
        ({"reporter": {"nam": "张三"}}, "reporter.?: extra_forbidden"),
        ({"anonymous": 0}, "anonymous: bool_type"),
        ({"anonymous": "yes"}, "anonymous: bool_type"),
        ({"limit_override": LIMIT | {"working_days": "5"}}, "limit_override.working_days: int_type"),
        ({"limit_override": LIMIT | {"working_days": 5.0}}, "limit_override.working_days: int_type"),
        ({"place": {"lat": "25.0"}}, "place.lat: float_type"),
        ({"attachments": [FILE | {"size": "5"}]}, "attachments.0.size: int_type"),
    ],
)
def test_what_the_gateway_refuses_the_feed_refuses_for_the_same_reason(changes: dict[str, Any], wrong: str) -> None:
    value = json.dumps(json.loads(GOOD) | changes).encode()
    assert (wrong, [wrong]) == (on_the_feed(value), by_http(value))


@pytest.mark.parametrize(
    "changes", [{}, {"attachments": [FILE | {"size": 5}]}, {"place": {"lat": 25, "long": 100.5}}, {"reporter": {}}]
)
def test_what_the_gateway_takes_the_feed_takes(changes: dict[str, Any]) -> None:
    value = json.dumps(json.loads(GOOD) | changes).encode()
    assert (None, []) == (on_the_feed(value), by_http(value))


def test_an_urge_has_a_form_too() -> None:
    urged = UpstreamTicketUrged(id="u-1", source="/p", time=submitted().time, platform="stage", upstream_id="1")
    _, value = encode(urged)
    check(urged, value, None)
    with pytest.raises(Rejected, match=r"\?: extra_forbidden"):
        check(urged, value[:-1] + b', "words": "13800138000"}', None)


def test_nobody_speaks_from_the_future_but_where_time_is_simulated() -> None:
    said = submitted()
    check(said, GOOD, said.time - CLOCK_SKEW)
    with pytest.raises(Rejected, match="time: lies in the future"):
        check(said, GOOD, said.time - CLOCK_SKEW - timedelta(seconds=1))
    check(said, GOOD, None)
