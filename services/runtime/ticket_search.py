"""Questions to the ticket view that concern many tickets at once: by platform and day, latest facts, case clocks."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.runtime.ticket_view import COLUMNS


@dataclass(frozen=True)
class Wanted:
    """Tickets of the platforms whose name begins with `platforms`, opened from `since` to `until`; empty: any."""

    platforms: str
    since: datetime | None = None
    until: datetime | None = None
    tokens: Sequence[str] = ()
    categories: Sequence[str] = ()
    stages: Collection[str] = field(default_factory=frozenset)
    limit: int = 1000


def _second(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S")


class TicketSearch:
    """Reads the file of a `TicketView` through the connections that it gives."""

    def __init__(self, connection: Callable[[], sqlite3.Connection]) -> None:
        self._connection = connection

    def tickets(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Give the tickets, the newest first."""
        last = wanted.platforms[:-1] + chr(ord(wanted.platforms[-1]) + 1)
        where, values = ["platform >= ?", "platform < ?"], [wanted.platforms, last]
        for bound, instant in ((">=", wanted.since), ("<=", wanted.until)):
            if instant is not None:
                where.append(f"substr(opened_at, 1, 19) {bound} ?")
                values.append(_second(instant))
        for column, several in (
            ("token", self._handled_as(wanted.tokens)),
            ("category", wanted.categories),
            ("stage", sorted(wanted.stages)),
        ):
            if several:
                where.append(f"{column} IN ({_marks(several)})")
                values += several
        query = (
            f"SELECT {', '.join(COLUMNS)} FROM ticket WHERE {' AND '.join(where)} "  # noqa: S608 - names of ours only
            "ORDER BY opened_at DESC, token LIMIT ?"
        )
        found = self._connection().execute(query, (*values, wanted.limit))
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    def _handled_as(self, tokens: Sequence[str]) -> list[str]:
        """Give these and the tickets that any of them was taken for an urge of."""
        query = f"SELECT ticket FROM urged_instead WHERE token IN ({_marks(tokens)})"  # noqa: S608 - names of ours only
        return [*tokens, *(row[0] for row in self._connection().execute(query, tokens))] if tokens else []

    def latest(self, tokens: Sequence[str], types: Collection[str]) -> dict[str, tuple[str, str]]:
        """Give type and time of each ticket's newest fact among `types`."""
        names = sorted(types)
        query = (
            f"SELECT token, type, time, MAX(sequence) FROM fact WHERE token IN ({_marks(tokens)}) "  # noqa: S608
            f"AND type IN ({_marks(names)}) GROUP BY token"
        )
        return {token: (name, time) for token, name, time, _ in self._connection().execute(query, (*tokens, *names))}

    def due(self, tokens: Sequence[str], clock: str) -> dict[str, str]:
        """Give the newest due instant of each ticket's clock of this kind, if it ever had one."""
        query = (
            "SELECT token, json_extract(each.value, '$.due_at'), MAX(sequence) "  # noqa: S608
            "FROM fact, json_each(CAST(data AS TEXT), '$.started') AS each "
            f"WHERE token IN ({_marks(tokens)}) AND json_extract(each.value, '$.kind') = ? GROUP BY token"
        )
        return {token: due for token, due, _ in self._connection().execute(query, (*tokens, clock))}


def _marks(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))
