"""The changelog of a commit is handed over in batches: all of it arrives, or the commit fails."""

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services.runtime.driver import Producer, UndeliveredError
from services.runtime.driver.producer import Epoch

pytestmark = [pytest.mark.broker, pytest.mark.timeout(60)]
QUEUE = 100
"""Records that librdkafka holds at most."""


@pytest.fixture
def bootstrap(servers: Any) -> str:
    return str(servers.bootstrap_servers)


@pytest.fixture
def topic(bootstrap: str, request: pytest.FixtureRequest) -> str:
    name, admin = f"changelog-{os.getpid()}-{request.node.name}", AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=2)])[name].result()
    return name


async def connected(bootstrap: str) -> Producer:
    config = {
        "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0,
        "queue.buffering.max.messages": QUEUE,
    }  # fmt: skip
    producer = Producer(SimpleNamespace(app=None, producer_config=lambda: config))
    await producer.on_start()
    return producer


def read(bootstrap: str, topic: str, partition: int) -> list[tuple[bytes, bytes | None]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found: list[tuple[bytes, bytes | None]] = []
    while (message := consumer.poll(10)) is not None and message.error() is None:
        found.append((message.key(), message.value()))
    consumer.close()
    return found


def test_more_changes_than_librdkafka_holds_at_once_all_arrive_in_their_partition(bootstrap: str, topic: str) -> None:
    changes: dict[bytes, bytes | None] = {b"key-%d" % number: b"value-%d" % number for number in range(10 * QUEUE)}
    changes[b"key-7"] = None

    async def commit() -> Epoch:
        producer, epoch = await connected(bootstrap), Epoch()
        producer.write_changelog(epoch, topic, 1, changes.items())
        await producer.acknowledged(epoch)
        return epoch

    epoch = asyncio.run(commit())
    found = read(bootstrap, topic, 1)
    assert len(found) == len(changes) == epoch.end
    assert changes == dict(found)
    assert [] == read(bootstrap, topic, 0)


def test_a_change_that_librdkafka_does_not_take_fails_the_commit_for_ever(bootstrap: str, topic: str) -> None:
    async def commit() -> None:
        producer, epoch = await connected(bootstrap), Epoch()
        with pytest.raises(UndeliveredError, match="Message size too large"):
            producer.write_changelog(epoch, topic, 0, [(b"small", b"1"), (b"huge", b"1" * 2_000_000)])
        with pytest.raises(UndeliveredError):
            await producer.flush()

    asyncio.run(commit())
