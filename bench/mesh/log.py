"""What `ticket-events` says after a run: when each fact was appended, by the broker's clock."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from services.runtime.settings import Settings


@dataclass(frozen=True)
class Said:
    """One record: who it is about, what it says, when that happened, when it was appended (Unix seconds)."""

    appended_at: float
    attributes: dict[str, bytes]
    key: bytes | None
    message: Any


def _consumer(settings: Settings, name: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": f"bench-{name}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.message.max.bytes": 4_194_304,
            "log_level": 2,
        }
    )


def follow(settings: Settings, topic: str, partitions: int) -> Consumer:
    """Give a consumer of what a topic gets from now on."""
    consumer = _consumer(settings, "follow")
    parts = [TopicPartition(settings.topic(topic), number) for number in range(partitions)]
    for part in parts:
        part.offset = consumer.get_watermark_offsets(part, timeout=30)[1]
    consumer.assign(parts)
    return consumer


def lag(settings: Settings, group: str, topic: str, partitions: int) -> int:
    """Give how many records of a topic a service has still to commit."""
    parts = [TopicPartition(settings.topic(topic), number) for number in range(partitions)]
    asked = ConsumerGroupTopicPartitions(settings.group(group), parts)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 2})
    done = admin.list_consumer_group_offsets([asked])[settings.group(group)].result().topic_partitions
    return ends(settings, topic, partitions)() - sum(max(0, part.offset) for part in done)


def ends(settings: Settings, topic: str, partitions: int) -> Callable[[], int]:
    """Give a function that counts the records that a topic holds."""
    consumer = _consumer(settings, "ends")
    parts = [TopicPartition(settings.topic(topic), number) for number in range(partitions)]
    return lambda: sum(consumer.get_watermark_offsets(part, timeout=30)[1] for part in parts)


def read(settings: Settings, topic: str, partitions: int) -> Iterator[Said]:
    """Read a topic from its beginning to its end."""
    consumer = _consumer(settings, "read")
    consumer.assign([TopicPartition(settings.topic(topic), n, OFFSET_BEGINNING) for n in range(partitions)])
    left = set(range(partitions))
    while left:
        for message in consumer.consume(10_000, timeout=1.0):
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the public name of an event
                    raise RuntimeError(error.str())
                left.discard(message.partition())
                continue
            yield Said(message.timestamp()[1] / 1000, dict(message.headers()), message.key(), message)
    consumer.close()


def quantiles(seconds: "array[float] | list[float]") -> dict[str, float]:
    """Give p50, p99 and the maximum, in seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    last = len(ordered) - 1
    picked = {"p50": ordered[last // 2], "p99": ordered[min(last, round(last * 0.99))], "max": ordered[-1]}
    return {name: round(value, 3) for name, value in picked.items()}
