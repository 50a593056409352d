"""A platform's signature, judged by hand, against the library of the standard, which made it."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from services.intake.gateway.credentials import WINDOW_SECONDS, verify
from services.intake.gateway.problems import ProblemError

NOW = datetime(2026, 9, 24, 9, 0, 0, 250_000, UTC)
KEY, OLD = b"k" * 32, b"o" * 32
BODY = '{"content": "门口有一张旧沙发"}'.encode()


def headers(key: bytes = KEY, skew: int = 0, name: str = "m-1", body: bytes = BODY) -> dict[str, str]:
    when = NOW + timedelta(seconds=skew)
    signature = Webhook(key).sign(name, when, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(when.timestamp())), "webhook-signature": signature}


def refused(said: dict[str, str], keys: tuple[bytes, ...] = (KEY,), body: bytes = BODY) -> str:
    with pytest.raises(ProblemError) as caught:
        verify("p", keys, said, body, NOW)
    assert caught.value.problem.status == 401
    return caught.value.problem.code


@pytest.mark.parametrize("skew", [0, WINDOW_SECONDS, 1 - WINDOW_SECONDS])
def test_what_the_library_signs_within_the_window_is_believed(skew: int) -> None:
    assert verify("p", [KEY], headers(skew=skew), BODY, NOW).id == "p"


def test_any_of_its_keys_and_any_of_its_signatures_will_do() -> None:
    assert verify("p", [KEY, OLD], headers(OLD), BODY, NOW).id == "p"
    both = headers() | {"webhook-signature": f"v1a,xyz {headers(OLD)['webhook-signature']} nonsense"}
    assert verify("p", [OLD], both, BODY, NOW).id == "p"


def test_the_name_is_signed_as_its_bytes_came_over_the_wire() -> None:
    name = "编号-1"
    stamp = str(int(NOW.timestamp()))
    digest = hmac.digest(KEY, f"{name}.{stamp}.".encode() + BODY, "sha256")
    said = {
        "webhook-id": name.encode().decode("latin-1"), "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }  # fmt: skip
    assert verify("p", [KEY], said, BODY, NOW).id == "p"


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_lack_is_named(header: str) -> None:
    assert refused(headers() | {header: ""}) == "no-signature"
    assert refused({name: value for name, value in headers().items() if name != header}) == "no-signature"


@pytest.mark.parametrize(
    "spoilt",
    [
        headers(skew=WINDOW_SECONDS + 1),
        headers(skew=-WINDOW_SECONDS),
        headers(OLD),
        headers(body=BODY + b" "),
        headers(name="m-2") | {"webhook-id": "m-1"},
        headers() | {"webhook-timestamp": "9" * 5_000},
        headers() | {"webhook-timestamp": f"{int(NOW.timestamp())}.0"},
        headers() | {"webhook-timestamp": "١٢٣٤٥٦٧٨٩٠"},
        headers() | {"webhook-timestamp": "nan"},
        headers() | {"webhook-signature": "v1,"},
        headers() | {"webhook-signature": "v2" + headers()["webhook-signature"][2:]},
        headers() | {"webhook-signature": headers()["webhook-signature"][3:]},
        headers() | {"webhook-signature": "v1,ÿ"},
    ],
)
def test_whatever_else_is_wrong_is_answered_alike(spoilt: dict[str, str]) -> None:
    assert refused(spoilt) == "bad-signature"


def test_nobody_learns_that_a_platform_has_no_keys() -> None:
    assert refused(headers(), keys=()) == refused(headers(OLD)) == "bad-signature"
