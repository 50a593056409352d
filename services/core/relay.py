"""Time passed on: each pulse of one topic is written behind whatever was said before it, partition by partition."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.envelope import Event, derived_id
from services.core.service import Output


@dataclass(frozen=True)
class Relay:
    """Answers a pulse `heard` with one `said` in the same partition of `topic`; ids are derived under `name`."""

    heard: type[Event]
    said: Callable[..., Event]
    topic: str
    source: str
    name: str

    def __call__(self, event: Event, partition: int) -> tuple[Output, ...]:
        """Give what a pulse leads to in a partition (docs/adr/0005); nothing for another kind of pulse."""
        if not isinstance(event, self.heard):
            return ()
        name = derived_id(self.name, partition, event.time.isoformat())
        passed_on = self.said(id=name, source=self.source, time=event.time, causation=event.id)
        return (Output(self.topic, passed_on, partition=partition),)
