"""When a group committed: by the records that the broker keeps of it, and by asking how far it is."""

from collections.abc import Iterator
from struct import Struct

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bench.topics import Topics

OFFSETS, PARTITIONS = "__consumer_offsets", 4
"""The broker's own topic of commits, and its partitions (`services/runtime/embedded/broker.py`)."""
_SHORT = Struct(">h")
OFFSET_COMMIT_KEYS = {0, 1}
"""Versions of the keys that are commits; others name members.

Source: org.apache.kafka.coordinator.group, OffsetCommitKey.json.
"""


class Committed:
    """How far a group has committed a topic, asked without joining the group."""

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        self._asked = [TopicPartition(topic, number) for number in range(partitions)]
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._last = 0

    def records(self) -> int:
        """Give how many records are committed over all partitions; the last known number if the broker is too busy."""
        try:
            found = self._consumer.committed(self._asked, timeout=10)
        except KafkaException:
            return self._last
        self._last = sum(max(0, tp.offset) for tp in found)
        return self._last

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()


def times(topics: Topics, group: str, source: str) -> list[float]:
    """Give the broker's Unix time of every commit of `source` by a group, in their order."""
    return sorted(_times(topics, group, source))


def _times(topics: Topics, group: str, source: str) -> Iterator[float]:
    for message in topics.read(OFFSETS, PARTITIONS):
        if message.value() is not None and _names(message.key()) == (group, source):
            yield message.timestamp()[1] / 1000


def _names(key: bytes) -> tuple[str, str] | None:
    """Give group and topic of the key of a commit."""
    if _SHORT.unpack_from(key)[0] not in OFFSET_COMMIT_KEYS:
        return None
    group, at = _text(key, _SHORT.size)
    return group, _text(key, at)[0]


def _text(key: bytes, at: int) -> tuple[str, int]:
    (length,) = _SHORT.unpack_from(key, at)
    begin = at + _SHORT.size
    return key[begin : begin + length].decode(), begin + length
