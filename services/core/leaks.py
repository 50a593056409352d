"""Who read whom more than work needs: what the audit trail shows, for a person to look at (Art. 13, 16 (3))."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from schemas.audit import Audited, PiiRefused, PiiRevealed


@dataclass(frozen=True)
class Suspicion:
    """One account on one local day: tickets whose person it read, or was refused, with the ids of the records."""

    by: str
    role: str
    day: str
    tickets: int
    refused: int
    evidence: tuple[str, ...]


def suspicions(trail: Iterable[Audited], reveals_a_day: int, zone: ZoneInfo) -> list[Suspicion]:
    """Give the accounts that were refused, or read the persons of at least `reveals_a_day` tickets, in a day.

    It says nothing of why: a person looks, and raises a flag under Art. 16 (3) or not.
    """
    days: dict[tuple[str, str, str], dict[str, Audited]] = {}
    for said in trail:
        if isinstance(said, PiiRevealed | PiiRefused):
            day = said.time.astimezone(zone).date().isoformat()
            days.setdefault((day, said.by, said.role), {})[said.id] = said
    found = []
    for (day, by, role), records in sorted(days.items()):
        tickets = {said.subject for said in records.values() if isinstance(said, PiiRevealed)}
        refused = sum(isinstance(said, PiiRefused) for said in records.values())
        if refused or len(tickets) >= reveals_a_day:
            found.append(Suspicion(by, role, day, len(tickets), refused, tuple(records)))
    return found
