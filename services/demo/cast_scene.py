"""One scene: a fact, who hears it, the seeded dice, and the commands that may come of it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.envelope import derived_id
from schemas.facts import Fact
from schemas.supervision import ContactRequested
from schemas.values import Clock
from schemas.vocabulary import ClockKind, Role
from services.core.calendar import WorkCalendar
from services.core.policy import Policy
from services.demo.cast_script import DECISIONS, Script, drawn_way, forced_way
from services.intake.adapters.open_data import SourceRequest

SOONEST: Final = timedelta(minutes=1)
"""Nobody answers a fact faster than this."""
OFFICE: Final = (Role.OFFICE, "county-office")
CALL_CENTRE: Final = (Role.OFFICE, "call-centre")
CITIZEN: Final = (Role.CITIZEN, "caller")


@dataclass(frozen=True)
class Planned:
    """A command and the instant at which it is to be said; `command` is a structured-mode CloudEvent.

    Of several for one ticket and instant the one of lower `order` comes first.
    """

    at: datetime
    ticket: str
    order: int
    command: dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """What a reaction sees: the event, the request behind it (if it came from the data), and the dice."""

    seed: int
    policy: Policy
    forced: Script
    event: Fact | ContactRequested
    source: SourceRequest | None

    @property
    def calendar(self) -> WorkCalendar:
        """The working-day calendar of the county."""
        return self.policy.calendar

    @property
    def closes_at(self) -> datetime | None:
        """When the data says that the request was closed."""
        return self.source.closes_at if self.source else None

    @property
    def never_closes(self) -> bool:
        """Whether the data says that nobody ever did anything."""
        return self.source is not None and self.source.closes_at is None

    def dice(self, what: str) -> random.Random:
        """Give the dice for one question about this event: the same seed and event always fall the same way."""
        moment = self.event.sequence if isinstance(self.event, Fact) else self.event.id
        return random.Random(f"{self.seed}|{self.event.subject}|{moment}|{what}")  # noqa: S311 - a play, not a secret

    def choose(self, name: str, weights: Mapping[str, int] | None = None) -> str:
        """Take the decision `name`: as the script says, else by the dice."""
        nth = self.event.cycle if isinstance(self.event, Fact) else self.event.attempt
        return forced_way(self.forced, name, nth) or drawn_way(self.dice(name), weights or DECISIONS[name])

    def working(self, start: datetime, what: str, low: int, high: int) -> datetime:
        """Give an instant from `low` to `high` working minutes after `start`."""
        return self.calendar.add_working_time(start, self.dice(what).randint(low * 60, high * 60))

    def wall(self, start: datetime, what: str, low: int, high: int) -> datetime:
        """Give an instant from `low` to `high` minutes after `start` by the clock on the wall."""
        return start + timedelta(seconds=self.dice(what).randint(low * 60, high * 60))

    def part(self, start: datetime, end: datetime, what: str, low: float, high: float) -> datetime:
        """Give an instant at which a share of `low` to `high` of the working time from `start` to `end` is used."""
        if end <= start:
            return start
        seconds = self.calendar.working_seconds_between(start, end)
        return self.calendar.add_working_time(start, int(seconds * self.dice(what).uniform(low, high)))

    def plan(
        self, at: datetime, type_: str, actor: tuple[Role, str], *, order: int = 1, about: str = "", **data: object
    ) -> Planned:
        """Plan a command, at the soonest a minute after the event; its id hangs on event, type and `about`."""
        role, name = actor
        at = max(at, self.event.time + SOONEST).astimezone(UTC)
        return Planned(
            at,
            self.event.subject,
            order,
            {
                "specversion": "1.0",
                "id": derived_id(self.event.id, type_, *([about] if about else [])),
                "source": f"/actor/{role.value}/{name}",
                "type": type_,
                "subject": self.event.subject,
                "time": at.isoformat().replace("+00:00", "Z"),
                "causation": self.event.id,
                "data": {"actor": {"role": role.value, "id": name}, **data},
            },
        )


def clock_of(fact: Fact, kind: ClockKind) -> Clock | None:
    """Give the clock of that kind that the fact started."""
    return next((clock for clock in fact.started if clock.kind is kind), None)
