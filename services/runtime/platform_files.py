"""The upstream platforms of a jurisdiction: a file each, under `platforms/<jurisdiction>/<platform>.yaml`."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from schemas.envelope import Token
from services.runtime.policy_files import PolicyFileError, parse


class Platform(BaseModel):
    """A platform that hands matters down: its name, the generations of its signing key, how fast it may send."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    platform: Token
    name_en: str
    name_zh: str
    key_generations: tuple[int, ...] = Field(min_length=1, max_length=2)
    requests_per_minute: int = Field(default=6000, ge=1)


def load_platforms(root: Path, jurisdiction: str) -> Mapping[str, Platform]:
    """Read every platform file of the jurisdiction; raises `PolicyFileError` naming file, line and field."""
    found: dict[str, Platform] = {}
    for path in sorted((root / "platforms" / jurisdiction).glob("*.yaml")):
        platform = parse(Platform, path.read_text(encoding="utf-8"), str(path))
        if platform.platform != path.stem:
            raise PolicyFileError(f"{path}: platform: is {platform.platform}, but the file is named {path.stem}")
        found[platform.platform] = platform
    return found
