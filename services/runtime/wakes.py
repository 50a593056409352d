"""When which key wants to be woken: an index of one partition, rebuilt from the table, never the truth.

Day limits all end at the close of office, so very many keys share few instants: one bucket of keys per instant, and a
heap of the instants. Nothing is taken out when a wake is moved or cancelled; whoever wakes a key asks its state first.
A key costs 8 bytes here, since the bucket holds the same bytes object as the table.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Give an instant in whole microseconds since 1970, exactly."""
    return (at - EPOCH) // _MICROSECOND


def _keys(bucket: bytes | list[bytes]) -> list[bytes]:
    return bucket if isinstance(bucket, list) else [bucket]


class Wakes:
    """Keys by instant; `due` gives them in (instant, key) order, and may be left and taken up again."""

    def __init__(self) -> None:
        self._buckets: dict[int, bytes | list[bytes]] = {}
        self._instants: list[int] = []
        self._current: tuple[int, list[bytes]] | None = None
        """The bucket at hand: its instant, and its keys that are still to come, the next one last."""

    def add(self, at: int, key: bytes) -> None:
        """Note that `key` wants to be woken at `at` (microseconds since 1970)."""
        bucket = self._buckets.get(at)
        if bucket is None:
            self._buckets[at] = key
            heappush(self._instants, at)
        elif isinstance(bucket, list):
            bucket.append(key)
        else:
            self._buckets[at] = [bucket, key]

    def fill(self, buckets: dict[int, bytes | list[bytes]]) -> None:
        """Begin with these: per instant (microseconds since 1970) its key or keys."""
        self._buckets, self._instants = buckets, list(buckets)
        heapify(self._instants)

    def due(self, now: int) -> Iterator[tuple[int, bytes]]:
        """Give and forget what is due at `now`; keys come in their order, each once per instant."""
        while True:
            if self._current is None:
                if not self._instants or self._instants[0] > now:
                    return
                at = heappop(self._instants)
                self._current = at, sorted(set(_keys(self._buckets.pop(at))), reverse=True)
            at, keys = self._current
            while keys:
                yield at, keys.pop()
            self._current = None

    def waiting(self, now: int) -> int:
        """Count what is due at `now` and was not given yet; a key that moved on meanwhile counts too."""
        count = len(self._current[1]) if self._current else 0
        return count + sum(len(_keys(bucket)) for at, bucket in self._buckets.items() if at <= now)

    def any_due(self, now: int) -> bool:
        """Say whether something is due at `now`."""
        return bool(self._current and self._current[1]) or bool(self._instants and self._instants[0] <= now)
