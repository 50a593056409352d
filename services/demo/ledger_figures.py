"""The figures that the demo's books give: values that say what they count."""

from dataclasses import dataclass
from datetime import datetime

NAMED = 20
"""How many unaccounted tickets an account names."""


@dataclass(frozen=True)
class DeadLetterSeen:
    """A record that a service could not take: which service, why, and where the record stands."""

    service: str
    code: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Account:
    """Where every ticket that came in is now; each counts once, in its last stage.

    `accepted` counts matters on the feed (a message sent twice is one matter) and records of the feed that the door
    could not read. `missing` names matters without an end, `strays` tickets that no platform handed down, `broken`
    tickets with a hole in their facts; each names at most `NAMED`.
    """

    accepted: int
    closed: int
    open: int
    diverted: int
    answered: int
    declined: int
    withdrawn: int
    dead_letters: int
    missing: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def accounted(self) -> int:
        """Give the right side of the equation."""
        ended = self.closed + self.diverted + self.answered + self.declined + self.withdrawn
        return ended + self.open + self.dead_letters

    @property
    def balanced(self) -> bool:
        """Say whether every ticket accepted is accounted for, and nothing else is on the books."""
        return self.accepted == self.accounted and not (self.missing or self.strays or self.broken)


@dataclass(frozen=True)
class OnTime:
    """How tickets stand to their handling limits; the rate does not hide what is open and overdue."""

    on_time: int = 0
    late: int = 0
    open_in_time: int = 0
    open_overdue: int = 0

    @property
    def rate(self) -> float | None:
        """Give the percentage on time of what was answered or should have been; None when nothing counted."""
        counted = self.on_time + self.late + self.open_overdue
        return 100 * self.on_time / counted if counted else None


@dataclass(frozen=True)
class Satisfaction:
    """How citizens judged closed tickets; silence is deemed basically satisfied (Art. 9) and shown apart."""

    closed: int
    satisfied: int
    rated: int
    satisfied_rated: int

    @property
    def with_deemed(self) -> float | None:
        """Give the percentage satisfied, silence included."""
        return 100 * self.satisfied / self.closed if self.closed else None

    @property
    def rated_only(self) -> float | None:
        """Give the percentage satisfied of those who answered."""
        return 100 * self.satisfied_rated / self.rated if self.rated else None


@dataclass(frozen=True)
class OpenQueue:
    """Open tickets of one stage, kind and unit group: how many, and since when the oldest waits there."""

    count: int
    oldest_since: datetime
