"""The only reader of the wall clock."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Give the instant it is, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place


def unix() -> float:
    """Give the Unix time in seconds."""
    return time.time()
