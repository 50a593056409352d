"""Open311's view of tickets: open or closed, until when, with whom; nothing of the person, the place or the words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from schemas.docs import CHINESE, meaning
from schemas.envelope import Instant
from schemas.events import BY_TYPE
from schemas.vocabulary import ClockKind, Stage
from services.core.directory import Directory
from services.intake.gateway.open311.posting import PLATFORM
from services.intake.gateway.problems import ProblemError
from services.intake.gateway.reading import FOR_CITIZENS
from services.runtime.ticket_search import TicketSearch, Wanted

MOST: Final = 1000
SPAN: Final = timedelta(days=90)
ENDS: Final = {
    Stage.CLOSED: "ticket.closed.v1", Stage.DECLINED: "ticket.declined.v1", Stage.DIVERTED: "ticket.diverted.v1",
    Stage.WITHDRAWN: "ticket.withdrawn.v1", Stage.ANSWERED: "ticket.answered.v1",
}  # fmt: skip
"""Stages in which a ticket is closed to Open311, and the fact that put it there."""
_INSTANT: Final[TypeAdapter[datetime]] = TypeAdapter(Instant)


def wanted(query: Mapping[str, str], now: datetime) -> Wanted:
    """Give what a query of GET requests asks for; raises a 400 that names the argument."""
    tokens = _several(query, "service_request_id")
    if tokens:  # overrides all other arguments
        return Wanted(PLATFORM, tokens=tokens, limit=MOST)
    since, until = _range(_instant(query, "start_date"), _instant(query, "end_date"), now)
    statuses = set(_several(query, "status"))
    if not statuses <= {"open", "closed"}:
        raise ProblemError(400, "invalid-field", "status: open, closed, or both with a comma")
    stages = set(Stage) if len(statuses) != 1 else set(ENDS) if statuses == {"closed"} else set(Stage) - set(ENDS)
    return Wanted(PLATFORM, since, until, categories=_several(query, "service_code"), stages=stages, limit=MOST)


def _several(query: Mapping[str, str], name: str) -> list[str]:
    found = [part.strip() for part in query.get(name, "").split(",") if part.strip()]
    if len(found) > MOST:
        raise ProblemError(400, "invalid-field", f"{name}: at most {MOST} at once")
    return found


def _instant(query: Mapping[str, str], name: str) -> datetime | None:
    if not query.get(name, "").strip():
        return None
    try:
        return _INSTANT.validate_python(query[name].strip().replace(" ", "+"))  # a + that nobody escaped
    except ValidationError:
        raise ProblemError(
            400, "invalid-field", f"{name}: a time with offset is wanted: 2026-01-01T00:00:00Z"
        ) from None


def _range(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    try:
        until = until or (min(now, since + SPAN) if since else now)
        since = since or until - SPAN
    except OverflowError:
        raise ProblemError(400, "invalid-field", "start_date, end_date: lie outside any calendar") from None
    if not since <= until <= since + SPAN:
        raise ProblemError(400, "invalid-field", "start_date, end_date: must span 0 to 90 days")
    return since, until


def shown(search: TicketSearch, directory: Directory, asked: Wanted) -> list[dict[str, Any]]:
    """Give the requests as the specification has them, the newest first."""
    rows = search.tickets(asked)
    tokens = [row["token"] for row in rows]
    told = search.latest(tokens, FOR_CITIZENS)
    ended = search.latest(tokens, ENDS.values())
    due = search.due(tokens, ClockKind.CASE)
    areas = {area.code: area.name_zh for area in directory.areas}
    found = []
    for row in rows:
        token, closed = row["token"], row["stage"] in set(ENDS)
        category, unit = directory.category(row["category"]), directory.unit(row["unit"] or "")
        last = told.get(token)
        found.append({
            "service_request_id": token,
            "status": "closed" if closed else "open",
            "status_notes": f"{CHINESE[last[0]]} {meaning(BY_TYPE[last[0]])}" if last else None,
            "service_name": category.name_zh if category else row["category"],
            "service_code": row["category"],
            "description": None,
            "agency_responsible": unit.name_zh if unit else None,
            "service_notice": None,
            "requested_datetime": _w3(row["opened_at"]),
            "updated_datetime": _w3(ended[token][1] if closed and token in ended else row["changed_at"]),
            "expected_datetime": _w3(due[token]) if token in due else None,
            "address": areas.get(row["area"]),
            "address_id": row["area"],
            "zipcode": None,
            "lat": None,
            "long": None,
            "media_url": None,
        })  # fmt: skip
    return found


def _w3(instant: str) -> str:
    return f"{_INSTANT.validate_python(instant):%Y-%m-%dT%H:%M:%SZ}"
