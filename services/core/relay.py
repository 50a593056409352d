"""Time passed on: pulses of one topic are written behind whatever was said before them, partition by partition."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from schemas.envelope import Event, derived_id
from services.core.service import Output

UNHURRIED = 5
"""Seconds between two pulses for what goes out by the half hour, or is looked at now and then."""


@dataclass(frozen=True)
class Relay:
    """Answers a pulse `heard` with one `said` in the same partition of `topic`; ids are derived under `name`.

    `every`: only the first pulse within each so many seconds of the clock; 0: each.
    """

    heard: type[Event]
    said: Callable[..., Event]
    topic: str
    source: str
    name: str
    every: int = 0

    def __call__(self, event: Event, partition: int, before: datetime | None) -> tuple[Output, ...]:
        """Give what a pulse leads to in a partition where it was `before` (docs/adr/0005); nothing for another kind."""
        if not isinstance(event, self.heard) or not self._tells(event.time, before):
            return ()
        name = derived_id(self.name, partition, event.time.isoformat())
        passed_on = self.said(id=name, source=self.source, time=event.time, causation=event.id)
        return (Output(self.topic, passed_on, partition=partition),)

    def _tells(self, at: datetime, before: datetime | None) -> bool:
        return not self.every or before is None or at.timestamp() // self.every > before.timestamp() // self.every
