"""Tables by partition: what a worker does not own it does not hold, so no stale key of a lost partition is seen."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from faust.streams import current_event
from faust.tables import Table as FaustTable
from faust.tables import TableManager as FaustTableManager

from services.runtime.driver.partitions import Changes, MemoryPartition, NotOwnedError, Partition, RocksPartition
from services.runtime.driver.recovery import Restore


class Table(FaustTable):
    """A Faust table of bytes whose changes wait, the last value per key, until the next commit.

    `restored` is called, in a thread, with a partition's number and content before it is used; `dropped` with the
    number when it is gone.
    """

    source: str | None = None
    """The topic it is folded from; `follow` sets it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held: dict[int, Partition] = {}
        self.restored: list[Callable[[int, Partition], None]] = []
        self.dropped: list[Callable[[int], None]] = []

    async def on_start(self) -> None:
        """Start without a Faust store: partitions are opened when they are assigned."""

    def partition(self, number: int) -> Partition:
        """Give what is held of a partition; raises `NotOwnedError`."""
        try:
            return self.held[number]
        except KeyError:
            raise NotOwnedError(f"table {self.name} does not hold partition {number}") from None

    def open_partition(self, number: int) -> Restore:
        """Open an assigned partition and say how it is brought up to date; nobody reads it before `install`."""
        if (self._store or self.app.conf.store).scheme == "rocksdb":
            path = Path(str(self.app.conf.tabledir)) / f"{self.name}-{number}.rocksdb"
            return Restore(self.changelog_topic.get_topic_name(), number, RocksPartition(path))
        return Restore(self.changelog_topic.get_topic_name(), number, MemoryPartition())

    def prepare(self, job: Restore) -> None:
        """Make what is derived from a recovered partition; in a thread, for it may take seconds."""
        for call in self.restored:
            call(job.number, job.partition)

    def install(self, job: Restore) -> None:
        """Let the partition be used."""
        self.held[job.number] = job.partition

    def discard(self, job: Restore) -> None:
        """Let go of a partition that was taken away before it was used."""
        job.partition.close()
        for call in self.dropped:
            call(job.number)

    def drop(self, number: int) -> None:
        """Let go of a partition, with whatever of it was not committed."""
        held = self.held.pop(number, None)
        if held is not None:
            held.close()
            for call in self.dropped:
                call(number)

    def take(self) -> list[tuple[int, Partition, Changes]]:
        """Begin a commit: give the changes of every partition, in one step."""
        return [(number, held, held.take()) for number, held in self.held.items() if held.dirty]

    def _current(self) -> Partition:
        event = current_event()
        if event is None:
            raise NotOwnedError(f"table {self.name} is used outside of an agent: which partition is meant?")
        return self.partition(event.message.partition)

    def __getitem__(self, key: bytes) -> bytes:
        value = self._current().get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: bytes, default: Any = None) -> Any:
        """Give the value of a key in the partition of the current event."""
        value = self._current().get(key)
        return default if value is None else value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._current().put(key, value)

    def __delitem__(self, key: bytes) -> None:
        self._current().put(key, None)

    def pop(self, key: bytes, *default: Any) -> Any:
        """Delete a key of the partition of the current event and give its value."""
        held = self._current()
        value = held.get(key)
        if value is None:
            if default:
                return default[0]
            raise KeyError(key)
        held.put(key, None)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._current().get(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        return (key for held in self.held.values() for key, _ in held.items())

    def __len__(self) -> int:
        return sum(len(held) for held in self.held.values())

    def keys(self) -> Any:
        """Give every key of the owned partitions."""
        return list(self)

    def items(self) -> Any:
        """Give every key and value of the owned partitions."""
        return [item for held in self.held.values() for item in held.items()]

    def values(self) -> Any:
        """Give every value of the owned partitions."""
        return [value for _, value in self.items()]

    def persisted_offset(self, tp: Any) -> None:
        """Know nothing: recovery asks the partition itself."""


class TableManager(FaustTableManager):
    """Faust's table manager without its recovery service: partitions come and go one by one."""

    def __init__(self, app: Any, **kwargs: Any) -> None:
        super().__init__(app, **kwargs)
        self.completed = asyncio.Event()
        """Set while every assigned partition is recovered."""

    async def on_start(self) -> None:
        """Close the list of tables."""
        self._tables_finalized.set()
        for table in self.values():
            if table.source is None:
                raise RuntimeError(f"no agent follows a topic with table {table.name}; see `follow`")
            await table.maybe_start()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """Close every partition."""
        for table in self.values():
            for number in list(table.held):
                table.drop(number)
            await table.stop()

    def of(self, topic: str) -> list[Table]:
        """Give the tables that are folded from a topic."""
        return [table for table in self.values() if table.source == topic]

    def take(self) -> list[tuple[str, int, Partition, Changes]]:
        """Begin a commit: give (changelog, partition, held, changes) of all that changed."""
        return [
            (table.changelog_topic.get_topic_name(), number, held, changes)
            for table in self.values()
            for number, held, changes in table.take()
        ]

    def drop(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Let go of partitions of source topics."""
        for topic, number in partitions:
            for table in self.of(topic):
                table.drop(number)

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Do nothing: the consumer drops what is revoked once it is committed."""

    async def wait_until_recovery_completed(self) -> bool:
        """Wait until every assigned partition is recovered; True if the app stopped meanwhile."""
        stopped: bool = await self.wait_for_stopped(self.completed)
        return stopped
