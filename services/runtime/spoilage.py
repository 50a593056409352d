"""How much of a partition goes to the dead letters, and when that is a bad deployment and no longer a bad record.

Counted are records that cannot be read, and defects of ours; wrong wishes (`Rejected`) are nobody's deployment. Each
partition is judged alone: one that is spoiled is not hidden by three that are sound.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

from services.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """When a service stops: more than `in_a_row`, or more than `share` of the last `window` once `least` were seen."""

    in_a_row: int = 100
    share: float = 0.2
    window: int = 200
    least: int = 50


@dataclass(slots=True)
class Watch:
    """What was seen of one partition since this process took it."""

    limits: Limits
    seen: int = 0
    in_a_row: int = 0
    spoiled: deque[int] = field(default_factory=deque)
    """Numbers of the spoiled records among the last `window`."""

    def good(self) -> None:
        """Count a record that was handled."""
        self.seen += 1
        self.in_a_row = 0

    def bad(self) -> str | None:
        """Count a record that could not be; gives the reason to stop, if it is time to."""
        limits = self.limits
        self.seen += 1
        self.in_a_row += 1
        self.spoiled.append(self.seen)
        while self.spoiled[0] <= self.seen - limits.window:
            self.spoiled.popleft()
        if self.in_a_row > limits.in_a_row:
            return f"{self.in_a_row} in a row"
        of = min(self.seen, limits.window)
        if of >= limits.least and len(self.spoiled) > limits.share * of:
            return f"{len(self.spoiled)} of the last {of}"
        return None


class Spoilage:
    """The watches of a process, one per topic and partition."""

    def __init__(self, limits: Limits) -> None:
        self._watches: defaultdict[tuple[str, int], Watch] = defaultdict(lambda: Watch(limits))

    def of(self, topic: str, partition: int) -> Watch:
        """Give the watch of a partition."""
        return self._watches[topic, partition]


class TooManyDeadLettersError(Exception):
    """Too much of a partition went to the dead letters; the message says where and how much."""


def limits_of(settings: Settings) -> Limits:
    """Give the limits that the settings name."""
    return Limits(settings.max_consecutive_dead_letters, settings.max_dead_letter_share)


def stopped_by(topic: str, partition: int, said: str) -> str:
    """Say why a service stopped."""
    return f"too many dead letters, {said} of {topic}/{partition}: a bad deploy must stop, not drain a topic"
