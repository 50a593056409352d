"""Time for a topic of a service's own: each pulse is written behind whatever was said before it in its partition."""

from collections.abc import Callable

from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed
from schemas.supervision import PulseMeasured, PulseRelayed
from services.core.service import Output


def relay(
    topic: str, source: str, cls: type[PulseRelayed | PulseMeasured]
) -> Callable[[Event, int], tuple[Output, ...]]:
    """Give what passes each pulse of `ticket-events` on to the same partition of `topic` (docs/adr/0005)."""

    def pass_on(event: Event, partition: int) -> tuple[Output, ...]:
        if not isinstance(event, ClockPulsed):
            return ()
        name = derived_id(cls.__name__, partition, event.time.isoformat())
        relayed = cls(id=name, source=source, time=event.time, causation=event.id)
        return (Output(topic, relayed, partition=partition),)

    return pass_on
