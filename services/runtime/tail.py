"""Reads topics from their beginning, as an auditor would: what was said, in order, up to the present end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.topics import Topic
from services.core.service import Position
from services.runtime.engine import Record
from services.runtime.offsets import admin_client, latest_offsets, next_messages
from services.runtime.settings import Settings


class StalledError(TimeoutError):
    """Records that should be there cannot be read."""


@dataclass(frozen=True)
class _Partition:
    topic: str
    number: int


class Tail:
    """Follows every partition of some topics; each `catch_up` gives the records that are new since the last one."""

    def __init__(self, settings: Settings, topics: Mapping[str, Topic], names: Sequence[str]) -> None:
        self._prefix = len(settings.topic_prefix)
        self._settings = settings
        self._next = {_Partition(name, number): 0 for name in names for number in range(topics[name].partitions)}
        servers = settings.bootstrap_servers
        self._admin = admin_client(servers)
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": settings.group("tail"),
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "fetch.message.max.bytes": 4_194_304,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(settings.topic(p.topic), p.number, 0) for p in self._next])

    def ends(self) -> dict[_Partition, int]:
        """Give the next offset to be written of every partition."""
        found = latest_offsets(self._admin, [(self._settings.topic(p.topic), p.number) for p in self._next])
        return {_Partition(topic[self._prefix :], number): end for (topic, number), end in found.items()}

    def catch_up(self, patience: int = 300) -> Iterator[Record]:
        """Give every record up to the present ends; raises `StalledError` after `patience` empty reads of 0.1 s."""
        ends = self.ends()
        empty = 0
        while any(self._next[partition] < end for partition, end in ends.items()):
            messages = next_messages(self._consumer, 2000, 0.1)
            empty = 0 if messages else empty + 1
            if empty > patience:
                raise StalledError("the topics' ends cannot be reached")
            for message in messages:
                if message.error() is not None:
                    continue
                name = message.topic()[self._prefix :]
                self._next[_Partition(name, message.partition())] = message.offset() + 1
                yield Record(
                    Position(name, message.partition(), message.offset()),
                    message.key(),
                    message.value(),
                    tuple(message.headers() or ()),
                    message.timestamp()[1] / 1000,
                )

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


def reachable(settings: Settings, seconds: float = 10.0) -> bool:
    """Say whether a broker answers."""
    try:
        AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 0}).list_topics(timeout=seconds)
    except KafkaException:
        return False
    return True
