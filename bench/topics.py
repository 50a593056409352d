"""Topics of a benchmark: made, filled, read whole; engines as processes."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services.runtime.offsets import latest_offsets
from services.runtime.processes import Child

ROOT = Path(__file__).parents[1]
BATCH = 10_000


class Topics:
    """The topics of one broker."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})

    def create(self, partitions: int, configs: Mapping[str, Mapping[str, str]]) -> None:
        """Create topics by name, each with its settings."""
        new = [NewTopic(name, partitions, 1, config=dict(conf)) for name, conf in configs.items()]
        for future in self.admin.create_topics(new, operation_timeout=30).values():
            future.result()

    def producer(self) -> Producer:
        """Give a producer for filling topics."""
        return Producer(
            {
                "bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True,
                "linger.ms": 20, "compression.type": "lz4", "batch.size": 1_000_000, "log_level": 0,
                "queue.buffering.max.messages": 200_000,
            }
        )  # fmt: skip

    def ends(self, topic: str, partitions: int) -> list[int]:
        """Give the next offset of each partition."""
        found = latest_offsets(self.admin, [(topic, number) for number in range(partitions)])
        return [found[topic, number] for number in range(partitions)]

    def read(self, topic: str, partitions: int) -> Iterator[Any]:
        """Give every message up to the present ends, each partition in its order."""
        left = {number: end for number, end in enumerate(self.ends(topic, partitions)) if end}
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap, "group.id": "bench-reader", "enable.auto.commit": False,
                "log_level": 3, "enable.partition.eof": True, "queued.max.messages.kbytes": 65_536,
                "fetch.queue.backoff.ms": 5,
            }
        )  # fmt: skip
        consumer.assign([TopicPartition(topic, number, 0) for number in left])
        while left:
            for message in consumer.consume(BATCH, timeout=0.2):
                if message.error() is None:
                    yield message
                else:
                    left.pop(message.partition(), None)
        consumer.close()

    def fill(self, topic: str, records: Iterator[tuple[bytes, bytes]]) -> None:
        """Write records by key and wait until the broker has them."""
        producer = self.producer()
        for key, value in records:
            produce(producer, topic, value, key)
        if producer.flush(120):
            raise RuntimeError(f"the broker did not take all records for {topic}")


def produce(producer: Producer, topic: str, value: bytes, key: bytes | None = None, **more: Any) -> None:
    """Hand a record over, when librdkafka's queue has room."""
    while True:
        try:
            producer.produce(topic, value, key, **more)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def engine(
    module: str, arguments: Sequence[str], home: Path, *, program: str = sys.executable, env: Mapping[str, str]
) -> Child:
    """Start a module of `bench` as a process whose log lies in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    child = Child(module.rsplit(".", 1)[-1], [program, "-m", module, *arguments], log_dir=home, env=env)
    child.start()
    return child


def eventually(condition: Any, what: str, child: Child, seconds: float, every: float = 0.05) -> float:
    """Wait until `condition()` holds and give the time.time() at which it did; raises when the child ends first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if not child.alive:
            raise RuntimeError(f"waiting for {what}: the engine ended\n{child.log_text()[-4000:]}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"waiting for {what} took over {seconds} s\n{child.log_text()[-4000:]}")
        time.sleep(every)
    return time.time()
