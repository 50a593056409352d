"""What the fault tests share: topics, workers as processes, and what was committed, said and written, read back."""

import itertools
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services.runtime.offsets import latest_offsets
from services.runtime.processes import Child
from tests.runtime.driver.job import PARTITIONS

ROOT = Path(__file__).parents[3]
KEYS = [b"k%d" % number for number in range(40)]
_numbers = itertools.count(1)


class Stage:
    """One job's topics on a broker."""

    def __init__(self, bootstrap: str, home: Path, *, out_config: dict[str, str] | None = None) -> None:
        self.bootstrap, self.home = bootstrap, home
        self.name = f"job-{time.time_ns()}-{next(_numbers)}"
        self.source, self.out = f"{self.name}-in", f"{self.name}-out"
        self.changelog = f"{self.name}-last-changelog"
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        new = [
            NewTopic(self.source, PARTITIONS, 1),
            NewTopic(self.out, PARTITIONS, 1, config=out_config or {}),
            NewTopic(self.changelog, PARTITIONS, 1, config={"cleanup.policy": "compact"}),
        ]
        for future in self.admin.create_topics(new, operation_timeout=30).values():
            future.result()
        self.producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "log_level": 0,
            }
        )
        # Asked without ever joining: the admin client crashes when a broker is not ready to tell offsets yet.
        self._member = Consumer({"bootstrap.servers": bootstrap, "group.id": self.name, "log_level": 0})
        self.sequences: dict[bytes, int] = {}

    def feed(self, keys: Iterable[bytes], times: int = 1, partition: int | None = None) -> None:
        """Give each key its next sequence number, `times` times; returns when the broker has them."""
        chosen = list(keys)
        where = {} if partition is None else {"partition": partition}
        for _ in range(times):
            for key in chosen:
                self.sequences[key] = self.sequences.get(key, 0) + 1
                self.producer.produce(self.source, b"%d" % self.sequences[key], key, **where)
        assert self.producer.flush(30) == 0

    def poison(self, partition: int) -> None:
        """Write a record that the handler cannot survive."""
        self.producer.produce(self.source, b"1", b"poison", partition=partition)
        assert self.producer.flush(30) == 0

    def worker(self, engine: str, instance: str | None = None, *options: str) -> Child:
        """Start a worker process."""
        argv = [sys.executable, "-m", "tests.runtime.driver.job", engine, "--bootstrap", self.bootstrap]
        argv += ["--app", self.name, "--source", self.source, "--out", self.out, *options]
        name = f"{self.name}-{instance or 'worker'}"
        argv += ["--home", str(self.home / name)] + (["--instance", instance] if instance else [])
        child = Child(name, argv, log_dir=self.home, env={**os.environ, "PYTHONPATH": str(ROOT)})
        child.start()
        return child

    def expected(self) -> set[bytes]:
        """Give everything that must be said once all is handled."""
        return {b"%s:%d" % (key, n) for key, last in self.sequences.items() for n in range(1, last + 1)}

    def read(self, topic: str) -> list[tuple[bytes, bytes | None]]:
        """Give the (key, value) of every record of a topic up to its present ends, partition by partition in order."""
        ends = latest_offsets(self.admin, [(topic, n) for n in range(PARTITIONS)])
        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 0,
                "enable.partition.eof": True,
            }
        )  # fmt: skip
        found: list[tuple[bytes, bytes | None]] = []
        consumer.assign([TopicPartition(topic, n, 0) for (_, n), end in ends.items() if end])
        open_partitions = {n for (_, n), end in ends.items() if end}
        while open_partitions:
            for message in consumer.consume(1000, timeout=0.2):
                if message.error() is not None:
                    open_partitions.discard(message.partition())
                else:
                    found.append((message.key(), message.value()))
        consumer.close()
        return found

    def said(self) -> list[bytes]:
        """Give every output."""
        return [value for _, value in self.read(self.out) if value is not None]

    def state(self) -> dict[bytes, bytes]:
        """Give what a recovery of the table would find."""
        table: dict[bytes, bytes] = {}
        for key, value in self.read(self.changelog):
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
        return table

    def committed(self) -> dict[int, int]:
        """Give the committed offset per source partition (0 where none is)."""
        wanted = [TopicPartition(self.source, n) for n in range(PARTITIONS)]
        deadline = time.monotonic() + 30
        while True:
            try:
                return {tp.partition: max(0, tp.offset) for tp in self._member.committed(wanted, timeout=10)}
            except KafkaException:  # a broker that was just started loads its offsets first
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def owned(self) -> dict[str, int]:
        """Give how many source partitions each static member owns."""
        group = self.admin.describe_consumer_groups([self.name], request_timeout=10)[self.name].result()
        return {
            member.group_instance_id: sum(tp.topic == self.source for tp in member.assignment.topic_partitions)
            for member in group.members
            if member.group_instance_id
        }

    def ends(self, topic: str | None = None) -> dict[int, int]:
        """Give the next offset per partition of a topic (default: the source)."""
        found = latest_offsets(self.admin, [(topic or self.source, n) for n in range(PARTITIONS)])
        return {number: end for (_, number), end in found.items()}

    def all_committed(self) -> bool:
        """Say whether every source partition is committed to its end."""
        try:
            return self.committed() == self.ends()
        except KafkaException:  # the broker is being started again: ask once more
            return False


def wait_for(condition: Callable[[], bool], what: str, *children: Child, seconds: float = 60) -> None:
    """Wait until `condition` holds; fails with the workers' logs when it does not come true or a worker ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        ended = [child for child in children if not child.alive]
        logs = "\n".join(child.log_text()[-3000:] for child in children)
        assert not ended, f"waiting for {what}: a worker ended\n{logs}"
        assert time.monotonic() < deadline, f"waiting for {what}\n{logs}"
        time.sleep(0.05)


def assert_whole(stage: Stage) -> None:
    """Everything was said, nothing was skipped, and the durable state is the fold of the input."""
    said = set(stage.said())
    assert {line for line in said if line.startswith(b"hole")} == set()
    assert stage.expected() - said == set()
    assert {key: b"%d" % last for key, last in stage.sequences.items()} == stage.state()
