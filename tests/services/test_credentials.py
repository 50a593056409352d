"""A platform's signature: what is believed, and that everything else is answered alike."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from services.intake.gateway.credentials import verify
from services.intake.gateway.problems import ProblemError
from services.runtime import wall

WINDOW_SECONDS = 300
SOON = 10
"""Seconds that a test may take."""
KEY, OLD = b"k" * 32, b"o" * 32
BODY = '{"content": "门口有一张旧沙发"}'.encode()


def headers(key: bytes = KEY, skew: int = 0, name: str = "m-1", body: bytes = BODY) -> dict[str, str]:
    when = wall.now() + timedelta(seconds=skew)
    signature = Webhook(key).sign(name, when, body.decode())
    return {"webhook-id": name, "webhook-timestamp": str(int(when.timestamp())), "webhook-signature": signature}


def refused(said: dict[str, str], keys: tuple[bytes, ...] = (KEY,), body: bytes = BODY) -> str:
    with pytest.raises(ProblemError) as caught:
        verify("p", keys, said, body)
    assert caught.value.problem.status == 401
    return caught.value.problem.code


@pytest.mark.parametrize("skew", [0, WINDOW_SECONDS - SOON, SOON - WINDOW_SECONDS])
def test_what_the_library_signs_within_the_window_is_believed(skew: int) -> None:
    assert verify("p", [KEY], headers(skew=skew), BODY).id == "p"


def test_any_of_its_keys_and_any_of_its_signatures_will_do() -> None:
    assert verify("p", [KEY, OLD], headers(OLD), BODY).id == "p"
    both = headers() | {"webhook-signature": f"v1a,xyz {headers(OLD)['webhook-signature']} nonsense"}
    assert verify("p", [OLD], both, BODY).id == "p"


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_lack_is_named(header: str) -> None:
    assert refused(headers() | {header: ""}) == "no-signature"
    assert refused({name: value for name, value in headers().items() if name != header}) == "no-signature"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: headers(skew=WINDOW_SECONDS + SOON),
        lambda: headers(skew=-WINDOW_SECONDS - 1),
        lambda: headers(OLD),
        lambda: headers(body=BODY + b" "),
        lambda: headers(name="m-2") | {"webhook-id": "m-1"},
        lambda: headers() | {"webhook-timestamp": "9" * 5_000},
        lambda: headers() | {"webhook-timestamp": "9" * 30},
        lambda: headers() | {"webhook-timestamp": "1٢٣"},
        lambda: headers() | {"webhook-timestamp": "nan"},
        lambda: headers() | {"webhook-timestamp": "inf"},
        lambda: headers() | {"webhook-signature": "v1,"},
        lambda: headers() | {"webhook-signature": "v2" + headers()["webhook-signature"][2:]},
        lambda: headers() | {"webhook-signature": headers()["webhook-signature"][3:]},
        lambda: headers() | {"webhook-signature": "v1,ÿ"},
    ],
)
def test_whatever_else_is_wrong_is_answered_alike(spoil: Callable[[], dict[str, str]]) -> None:
    assert refused(spoil()) == "bad-signature"


def test_nobody_learns_that_a_platform_has_no_keys() -> None:
    assert refused(headers(), keys=()) == refused(headers(OLD)) == "bad-signature"
