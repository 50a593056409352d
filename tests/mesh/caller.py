"""Calls the gateway of a real mesh as a platform that signs, or as anybody with a token."""

import json
from datetime import timedelta
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from services.intake.gateway.access import Access, Principal
from services.intake.gateway.credentials import issue, platform_key, token_key
from services.runtime import wall
from services.runtime.settings import Settings

CERTIFICATES = httpx.create_ssl_context()
"""Read once: each client would read them anew, in fifty milliseconds, and there are hundreds."""


class Caller:
    """One caller of the gateway at `url`."""

    def __init__(self, url: str, settings: Settings, headers: dict[str, str], platform: str | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=30, headers=headers, verify=CERTIFICATES)
        self._settings, self._platform = settings, platform

    def get(self, path: str, **query: Any) -> httpx.Response:
        headers = {"x-hotline-platform": self._platform, **self.sign(b"")} if self._platform else {}
        return self._http.get(path, params=query, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        more = {"content-type": "application/json"}
        if self._platform:
            more |= {"x-hotline-platform": self._platform, **self.sign(raw)}
        return self._http.post(path, content=raw, headers=more | {k.replace("_", "-"): v for k, v in headers.items()})

    def sign(
        self, body: bytes, generation: int = 1, skew: timedelta = timedelta(0), name: str = "m-1"
    ) -> dict[str, str]:
        assert self._platform is not None
        when = wall.now() + skew
        signer = Webhook(platform_key(self._settings.master_key, self._platform, generation))
        signature = signer.sign(name, when, body.decode())
        return {"webhook-id": name, "webhook-timestamp": str(int(when.timestamp())), "webhook-signature": signature}


def as_platform(url: str, settings: Settings, platform: str = "dq12345") -> Caller:
    return Caller(url, settings, {}, platform)


def with_token(
    url: str, settings: Settings, access: Access, identity: str = "somebody", ticket: str | None = None
) -> Caller:
    token = issue(
        Principal(access, identity, ticket), token_key(settings.master_key), wall.now(), timedelta(hours=1), "test"
    )
    return Caller(url, settings, {"authorization": f"Bearer {token}"})
