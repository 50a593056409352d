"""How a caller proves who he is: a platform by a signature on the raw body, everybody else by a token.

Signatures: Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), HMAC-SHA256 over `id.timestamp.body`, 300 s
window. Tokens: JSON Web Tokens (RFC 7519), HS256. All keys are derived from the master key.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import jwt
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.intake.gateway.access import Access, Principal
from services.intake.gateway.problems import ProblemError
from services.runtime.sealing import derive

ISSUER: Final = "hotline-mesh"
UNAUTHENTICATED: Final = {"www-authenticate": "Bearer"}
SIGNATURE_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


def platform_key(master: SecretStr, platform: str, generation: int) -> bytes:
    """Give the signing key of a platform; raising its generation rotates it (two may be valid at a time)."""
    return derive(master, f"platform-signature/{platform}/{generation}")


def token_key(master: SecretStr) -> bytes:
    """Give the key under which API tokens are signed."""
    return derive(master, "api-token")


def issue(principal: Principal, key: bytes, now: datetime, valid: timedelta, number: str) -> str:
    """Give an API token for `principal`; `number` (jti) is what a revocation names."""
    claims = {
        "iss": ISSUER, "sub": principal.id, "role": principal.access.value, "iat": now, "exp": now + valid,
        "jti": number,
    }  # fmt: skip
    if principal.ticket is not None:
        claims["ticket"] = principal.ticket
    return jwt.encode(claims, key, algorithm="HS256")


def authenticate(header: str | None, key: bytes, revoked: Collection[str]) -> Principal:
    """Give who presents this `Authorization` header; raises a 401 that says what is wrong with the token."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise ProblemError(401, "no-token", "authorization: a bearer token is needed", headers=UNAUTHENTICATED)
    try:
        claims = jwt.decode(
            token, key, algorithms=["HS256"], issuer=ISSUER, options={"require": ["exp", "sub", "jti", "role"]}
        )
        principal = Principal(Access(claims["role"]), claims["sub"], claims.get("ticket"))
    except jwt.ExpiredSignatureError:
        raise ProblemError(401, "token-expired", "the token has expired", headers=UNAUTHENTICATED) from None
    except (jwt.InvalidTokenError, ValueError):
        raise ProblemError(401, "bad-token", "the token is not one of ours", headers=UNAUTHENTICATED) from None
    if claims["jti"] in revoked:
        raise ProblemError(401, "token-revoked", "the token was revoked", headers=UNAUTHENTICATED)
    return principal


def verify(platform: str, keys: Collection[bytes], headers: Mapping[str, str], body: bytes) -> Principal:
    """Give the platform if one of its keys signed `body`; raises a 401 otherwise, the same for every reason but a lack.

    A platform without keys is answered like one with a wrong signature: nobody learns which platforms exist.
    """
    missing = [name for name in SIGNATURE_HEADERS if not headers.get(name)]
    if missing:
        raise ProblemError(401, "no-signature", f"{missing[0]}: is missing (Standard Webhooks)")
    for key in keys:
        try:
            Webhook(key).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            continue
        return Principal(Access.PLATFORM, platform)
    raise ProblemError(
        401, "bad-signature", "the signature does not fit platform, body and time (window 300 s): check key and clock"
    )
