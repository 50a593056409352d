"""A run: consecutive records of one partition, fetched together, handled together, acknowledged together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class OffsetGapError(RuntimeError):
    """Records are missing between what was handled and what came; going on would lose them."""


@dataclass(slots=True)
class Run:
    """Records of one partition in the order of their offsets, as librdkafka gave them."""

    topic: str
    partition: int
    messages: list[Any]
    claim: int = 0
    """Which assignment of the partition this run belongs to; one of an earlier assignment is dropped."""

    @property
    def first(self) -> int:
        """Offset of the first record."""
        offset: int = self.messages[0].offset()
        return offset

    @property
    def end(self) -> int:
        """Offset after the last record."""
        last: int = self.messages[-1].offset()
        return last + 1

    def check(self, expected: int | None, *, holes_allowed: bool) -> None:
        """Raise `OffsetGapError` unless the run begins at `expected` and has no hole inside."""
        first, end = self.first, self.end
        if holes_allowed:
            if expected is not None and first < expected:
                raise OffsetGapError(f"{self.topic}/{self.partition}: expected offset {expected} or later, got {first}")
        elif (expected is not None and first != expected) or end - first != len(self.messages):
            raise OffsetGapError(
                f"a hole in {self.topic}/{self.partition}: expected offset {expected}, "
                f"got {len(self.messages)} records from {first} to {end - 1}"
            )


def split(messages: Iterable[Any]) -> list[Run]:
    """Sort fetched records by partition; the order within a partition is kept."""
    found: dict[tuple[str, int], list[Any]] = {}
    for message in messages:
        at = (message.topic(), message.partition())
        run = found.get(at)
        if run is None:
            found[at] = [message]
        else:
            run.append(message)
    return [Run(topic, partition, run) for (topic, partition), run in found.items()]
