"""Small things that every reader needs: the ends of partitions in one request, and reading without waiting in vain."""

import contextlib
import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

ELECTING = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError._TIMED_OUT,  # noqa: SLF001 - the public name of a librdkafka error
}


def admin_client(bootstrap_servers: str) -> AdminClient:
    """Give an admin client that has met a broker, if one answers within 3 s.

    One that has not yet met any may, by chance, answer its first request for offsets only after 3 s.
    """
    client = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    with contextlib.suppress(KafkaException):  # the request that follows says that nobody answers
        client.list_topics(timeout=3)
    return client


def latest_offsets(
    client: AdminClient, partitions: Iterable[tuple[str, int]], patience: float = 15.0
) -> dict[tuple[str, int], int]:
    """Give the next offset to be written per (topic, partition); raises KafkaException after `patience` seconds."""
    wanted = {TopicPartition(topic, number): OffsetSpec.latest() for topic, number in partitions}
    deadline = time.monotonic() + patience
    while True:
        try:
            found = client.list_offsets(wanted, request_timeout=10)
            return {(tp.topic, tp.partition): future.result().offset for tp, future in found.items()}
        except KafkaException as error:
            if error.args[0].code() not in ELECTING or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            with contextlib.suppress(KafkaException):
                client.list_topics(timeout=10)  # the client remembers who leads, also when that is wrong


def next_messages(consumer: Consumer, most: int, timeout: float) -> list[Message]:
    """Give what is there, or the first message that comes within `timeout` seconds.

    `Consumer.consume` alone waits out its timeout unless `most` messages come.
    """
    first = consumer.poll(timeout)
    return [] if first is None else [first, *consumer.consume(most - 1, timeout=0)]
