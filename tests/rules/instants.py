"""Instants as the tables write them: `Wed 2026-09-23 09:00`, local time; the weekday must be true."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
DAY = rf"(?:{'|'.join(WEEKDAYS)}) [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
INSTANT = rf"(?:{DAY} )?{CLOCK}"
"""An instant, or a time on the day that was written last, as a regular expression."""


def instant(text: str, day_of: datetime | None = None) -> datetime:
    """Read an instant, or a time of the local day of `day_of`; ValueError says what is wrong."""
    if re.fullmatch(CLOCK, text):
        if day_of is None:
            raise ValueError(f"{text}: no day was written before it")
        return _at(f"{day_of.astimezone(SHANGHAI):%Y-%m-%d} {text}")
    if not re.fullmatch(INSTANT, text):
        raise ValueError(f"{text!r} is no instant like Wed 2026-09-23 09:00")
    weekday, rest = text.split(" ", 1)
    found = datetime.fromisoformat(rest)
    if weekday != WEEKDAYS[found.weekday()]:
        raise ValueError(f"{rest[:10]} is a {WEEKDAYS[found.weekday()]}, not a {weekday}")
    return _at(rest)


def _at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=SHANGHAI).astimezone(UTC)


def written(at: datetime) -> str:
    """Write an instant as `instant` reads it, seconds only where there are some."""
    here = at.astimezone(SHANGHAI)
    seconds = f":{here:%S}" if here.second else ""
    return f"{WEEKDAYS[here.weekday()]} {here:%Y-%m-%d %H:%M}{seconds}"
