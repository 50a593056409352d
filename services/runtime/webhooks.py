"""Signed webhooks out, one POST after Standard Webhooks (https://www.standardwebhooks.com), and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp
from standardwebhooks.webhooks import Webhook

TIMEOUT_SECONDS: Final = 15.0
LONGEST_RETRY_AFTER: Final = 86_400.0
_AWAY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Answer:
    """What came of one request: `code` is `received`, or a stable word for the failure; `away`: nobody could answer.

    `retry_after` are the seconds that the receiver asked for.
    """

    code: str
    away: bool = False
    retry_after: float = 0.0

    @property
    def received(self) -> bool:
        """Whether the receiver has it."""
        return self.code == "received"


def signed(name: str, when: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Give the headers of a webhook: `name` is the same at every try, and there is a signature for each key."""
    text = body.decode()
    return {
        "content-type": "application/json",
        "user-agent": "hotline-mesh",
        "webhook-id": name,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(name, when, text) for key in keys),
    }


def session() -> aiohttp.ClientSession:
    """Give a client that follows nothing the environment says: no proxies, no cookies, no netrc."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, connect=5)
    return aiohttp.ClientSession(
        timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=0)
    )


async def post(client: aiohttp.ClientSession, url: str, headers: dict[str, str], body: bytes, now: datetime) -> Answer:
    """Make one request. Redirects are not followed, and the answer's body is not read: nobody vouches for either."""
    try:
        async with client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            status = answer.status
            wanted = answer.headers.get("retry-after", "")
    except TimeoutError:
        return Answer("timeout", away=True)
    except (aiohttp.ClientError, OSError, ValueError):
        return Answer("unreachable", away=True)
    if 200 <= status < 300:
        return Answer("received")
    away = status >= 500 or status in _AWAY
    return Answer(f"http-{status}", away, _seconds(wanted, now) if away else 0.0)


def _seconds(header: str, now: datetime) -> float:
    """Read `Retry-After` (RFC 9110, 10.2.3): seconds or a date; 0 if it is neither."""
    if header.strip().isdecimal():
        return min(float(header), LONGEST_RETRY_AFTER)
    try:
        return min(max(0.0, (parsedate_to_datetime(header) - now).total_seconds()), LONGEST_RETRY_AFTER)
    except (ValueError, TypeError):
        return 0.0
