"""What every command carries."""

from schemas.envelope import Event
from schemas.values import Actor


class Command(Event):
    """A wish concerning one ticket (`subject`), by `actor`, who says it happened at `time`."""

    actor: Actor
