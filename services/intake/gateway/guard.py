"""Authenticates each request and holds it against permissions, rates and scope; everything it needs is handed in."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fastapi import Request

from services.intake.gateway import credentials
from services.intake.gateway.access import Access, Principal, permitted
from services.intake.gateway.problems import ProblemError

TOKEN_REQUESTS_PER_MINUTE: Final = 1200
ANYBODY_REQUESTS_PER_MINUTE: Final = 6000
"""Per address, which may be a proxy's: public reading needs no token."""


@dataclass(frozen=True)
class PlatformAccess:
    """What the guard knows of a platform: its valid keys, newest first, and how fast it may send."""

    keys: tuple[bytes, ...]
    requests_per_minute: int


@dataclass(frozen=True)
class Guard:
    """Knows the keys; `wait_seconds` counts a caller's requests, `revoked` gives the numbers of dead tokens."""

    platforms: Mapping[str, PlatformAccess]
    token_key: bytes
    revoked: Callable[[], Collection[str]]
    wait_seconds: Callable[[str, int], int]
    now: Callable[[], datetime]
    unknown: PlatformAccess = field(default_factory=lambda: PlatformAccess((), TOKEN_REQUESTS_PER_MINUTE))

    def platform(self, name: str, request: Request, body: bytes) -> Principal:
        """Give the platform that signed `body`; raises 401, or 429 when it sends too fast."""
        known = self.platforms.get(name, self.unknown)
        principal = credentials.verify(name, known.keys, request.headers, body)
        self._pace(f"platform:{name}", known.requests_per_minute)
        return principal

    def caller(self, request: Request, body: bytes = b"") -> Principal:
        """Give who calls: by token, or a platform by its signature with the header `x-hotline-platform`."""
        platform = request.headers.get("x-hotline-platform")
        if platform is not None:
            return self.platform(platform, request, body)
        principal = credentials.authenticate(request.headers.get("authorization"), self.token_key, self.revoked())
        self._pace(f"{principal.access}:{principal.id}", TOKEN_REQUESTS_PER_MINUTE * (50 if _trusted(principal) else 1))
        return principal

    def anybody(self, request: Request) -> None:
        """Let in whoever reads what is public; raises a 429 when one address asks too often."""
        self._pace(f"anybody:{request.client.host if request.client else ''}", ANYBODY_REQUESTS_PER_MINUTE)

    def client(self, api_key: str | None, request: Request) -> Principal:
        """Give who shows this API key, or a token in the header; raises 401, or 429."""
        header = f"Bearer {api_key}" if api_key else request.headers.get("authorization")
        if header is None:
            raise ProblemError(401, "no-token", "api_key: is missing")
        principal = credentials.authenticate(header, self.token_key, self.revoked())
        self._pace(f"{principal.access}:{principal.id}", TOKEN_REQUESTS_PER_MINUTE)
        return principal

    def _pace(self, caller: str, per_minute: int) -> None:
        wait = self.wait_seconds(caller, per_minute)
        if wait:
            raise ProblemError(
                429, "too-many-requests", f"at most {per_minute} requests a minute", headers={"retry-after": str(wait)}
            )


def _trusted(principal: Principal) -> bool:
    return principal.access is Access.SYSTEM


def require(principal: Principal, operation: str, ticket: str | None = None) -> None:
    """Raise a 403 unless `principal` may perform `operation` (on `ticket`)."""
    if not permitted(principal, operation, ticket):
        raise ProblemError(403, "not-permitted", f"{principal.access}: may not {operation} here")
