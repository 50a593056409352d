"""What a table holds of one partition: in memory, or in RocksDB behind the changes that are not durable yet."""

import shutil
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

Changes = dict[bytes, bytes | None]
"""Changed keys and their last values; None: deleted."""
BEGINNING = -2
"""librdkafka's name for the first offset there is."""


class NotOwnedError(RuntimeError):
    """A table was used for a partition that this worker does not own (any more)."""


class Partition(Protocol):
    """The keys of one table in one partition."""

    dirty: Changes
    """Changed since the last commit began."""

    def get(self, key: bytes, /) -> bytes | None:
        """Give the value of a key."""

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None deletes it."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """Give every key and value."""

    def restore(self, records: Iterable[tuple[bytes, bytes | None]], end: int) -> None:
        """Apply changelog records; `end` is the changelog offset after the last of them."""

    def take(self) -> Changes:
        """Begin a commit: give what changed since the last one."""

    def secured(self, changes: Changes, end: int) -> None:
        """End a commit: `changes` are in the changelog, whose next offset is `end`."""

    @property
    def changelog_offset(self) -> int:
        """Where recovery must begin."""

    def forget(self) -> None:
        """Empty it, also on disk: it does not fit the changelog."""

    def close(self) -> None:
        """Let go of it; what is on disk stays."""

    def __len__(self) -> int: ...


class MemoryPartition(dict[bytes, bytes]):
    """A dict; recovered from the whole changelog."""

    changelog_offset = BEGINNING

    def __init__(self) -> None:
        super().__init__()
        self.dirty: Changes = {}

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None deletes it."""
        if value is None:
            self.pop(key, None)
        else:
            self[key] = value
        self.dirty[key] = value

    def restore(self, records: Iterable[tuple[bytes, bytes | None]], end: int) -> None:  # noqa: ARG002 - the protocol
        """Apply changelog records."""
        for key, value in records:
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value

    def take(self) -> Changes:
        """Begin a commit."""
        taken, self.dirty = self.dirty, {}
        return taken

    def secured(self, changes: Changes, end: int) -> None:
        """End a commit; there is nothing to do in memory."""

    def forget(self) -> None:
        """Empty it."""
        self.clear()

    def close(self) -> None:
        """Let go of it."""
        self.clear()


class RocksPartition:
    """A RocksDB of its own, written only with what is in the changelog already, together with the offset.

    So it is a prefix of the changelog at any instant, also after kill -9, and recovery reads on from there. A machine
    that loses power may lose the tail of RocksDB's log: values and offset go together.
    """

    _OFFSET = b""
    """Key of the changelog offset: the one key that no record of a table has, and the first in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.dirty: Changes = {}
        self._securing: list[Changes] = []
        self._db = self._open()
        if self.changelog_offset == BEGINNING and next(self._db.keys(), None) is not None:
            self.forget()  # keys without an offset are of another layout, or of another program

    def _open(self) -> Any:
        from rocksdict import Options, Rdict

        self._path.parent.mkdir(parents=True, exist_ok=True)
        options = Options(raw_mode=True)
        options.create_if_missing(True)  # noqa: FBT003 - RocksDB's own setter
        options.set_write_buffer_size(16 * 1024 * 1024)
        options.set_keep_log_file_num(2)
        return Rdict(str(self._path), options)

    def get(self, key: bytes) -> bytes | None:
        """Give the value of a key: the newest change, else what is on disk."""
        if key in self.dirty:
            return self.dirty[key]
        for changes in reversed(self._securing):
            if key in changes:
                return changes[key]
        value: bytes | None = self._db.get(key)
        return value

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set the value of a key; None deletes it."""
        self.dirty[key] = value

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Give every key and value."""
        changed: Changes = {}
        for changes in (*self._securing, self.dirty):
            changed |= changes
        stored: Iterator[tuple[bytes, bytes]] = self._db.items(from_key=b"\0")
        if not changed:
            return stored  # a million are read: no statement is run for each
        latest = ((key, value) for key, value in changed.items() if value is not None)
        return chain((item for item in stored if item[0] not in changed), latest)

    def _write(self, records: Iterable[tuple[bytes, bytes | None]], end: int) -> None:
        from rocksdict import WriteBatch

        batch = WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self._OFFSET, end.to_bytes(8, "big"))
        self._db.write(batch)

    def restore(self, records: Iterable[tuple[bytes, bytes | None]], end: int) -> None:
        """Apply changelog records, with the offset after them, in one atomic write."""
        self._write(records, end)

    def take(self) -> Changes:
        """Begin a commit; the changes stay readable until it ends."""
        taken, self.dirty = self.dirty, {}
        if taken:
            self._securing.append(taken)
        return taken

    def secured(self, changes: Changes, end: int) -> None:
        """End a commit: write it to disk with the offset."""
        self._write(changes.items(), max(end, self.changelog_offset))
        self._securing = [held for held in self._securing if held is not changes]

    @property
    def changelog_offset(self) -> int:
        """Where recovery must begin."""
        stored: bytes | None = self._db.get(self._OFFSET)
        return BEGINNING if stored is None else int.from_bytes(stored, "big")

    def forget(self) -> None:
        """Empty it on disk."""
        self._db.close()
        shutil.rmtree(self._path)
        self._db = self._open()

    def close(self) -> None:
        """Close the database; the files stay."""
        self._db.close()

    def __len__(self) -> int:
        return sum(1 for _ in self.items())
