"""The upstream platforms of a jurisdiction: a file each, under `platforms/<jurisdiction>/<platform>.yaml`."""

import contextlib
import ipaddress
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from schemas.envelope import Instant, Token
from services.core.feedback import DETAILS, RETRY_SECONDS, USUAL
from services.core.upstream.mapping import UpstreamMapping
from services.runtime.policy_files import PolicyFileError, parse

STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
StatusWord = Annotated[str, StringConstraints(min_length=1, max_length=40)]


def _known(names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in DETAILS]
    if unknown:
        raise ValueError(f"nobody is told of {', '.join(unknown)}; choose of: {', '.join(DETAILS)}")


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


class Feedback(BaseModel):
    """Where and of what a platform is told (结果反馈, Art. 4): facts that happened from `since` on, signed by us.

    `status_words` are the platform's own words by event. `key_generations` are of our signing key: two while it is
    rotated, then every request carries both signatures. `plain_http` allows http beyond this machine.
    """

    model_config = STRICT
    plain_http: bool = False
    url: str = Field(max_length=500)
    since: Instant
    events: tuple[str, ...] = USUAL
    status_words: dict[str, StatusWord] = Field(default_factory=dict)
    key_generations: tuple[int, ...] = Field(default=(1,), min_length=1, max_length=2)
    retry_seconds: tuple[float, ...] = Field(default=RETRY_SECONDS, min_length=1, max_length=20)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value)
        host = parts.hostname
        if parts.scheme not in {"https", "http"} or not host:
            raise ValueError("must be an https address")
        if parts.username is not None or parts.fragment:
            raise ValueError("must hold no user, password or fragment: requests are signed instead")
        if parts.scheme == "http" and not (info.data.get("plain_http") or _is_this_machine(host)):
            raise ValueError("must be https; `plain_http: true` allows http within a closed network")
        return value

    @field_validator("since", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return value.isoformat() if isinstance(value, datetime) else value  # YAML reads an instant as one

    @field_validator("events")
    @classmethod
    def _known_events(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        _known(value)
        return value

    @field_validator("status_words")
    @classmethod
    def _words_of_known_events(cls, value: dict[str, str]) -> dict[str, str]:
        _known(value)
        return value

    @field_validator("retry_seconds")
    @classmethod
    def _growing(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value[0] <= 0 or sorted(value) != list(value):
            raise ValueError("the waits between tries must be above 0 and must not become shorter")
        return value


class Platform(BaseModel):
    """A platform that hands matters down: its name, the generations of its signing key, how fast it may send.

    `mapping` says how to read its own records; without it the platform writes ours.
    With `feedback` it is told what became of its matters.
    """

    model_config = STRICT
    platform: Token
    name_en: str
    name_zh: str
    key_generations: tuple[int, ...] = Field(min_length=1, max_length=2)
    requests_per_minute: int = Field(default=6000, ge=1)
    feedback: Feedback | None = None
    mapping: UpstreamMapping | None = None


def load_platforms(root: Path, jurisdiction: str) -> Mapping[str, Platform]:
    """Read every platform file of the jurisdiction; raises `PolicyFileError` naming file, line and field."""
    found: dict[str, Platform] = {}
    for path in sorted((root / "platforms" / jurisdiction).glob("*.yaml")):
        platform = load_platform(path)
        if platform.platform != path.stem:
            raise PolicyFileError(f"{path}: platform: is {platform.platform}, but the file is named {path.stem}")
        found[platform.platform] = platform
    return found


def load_platform(path: Path) -> Platform:
    """Read one platform file; raises `PolicyFileError` naming file, line and field."""
    try:
        return parse(Platform, path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise PolicyFileError(f"{path}: cannot be read: {reason}") from None


def mappings_of(platforms: Mapping[str, Platform]) -> dict[str, UpstreamMapping]:
    """Give the mappings of those platforms that have one."""
    return {name: platform.mapping for name, platform in platforms.items() if platform.mapping is not None}
