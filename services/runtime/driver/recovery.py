"""Recovery: a changelog read in large batches straight into partitions, up to its end; no event, no queue per record.

The end is librdkafka's end-of-partition event, so an empty or compacted changelog needs no counting of offsets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.runtime.driver.partitions import BEGINNING, Partition

BATCH = 10_000


@dataclass(frozen=True)
class Restore:
    """One partition of a table that is to be brought up to the end of its changelog."""

    changelog: str
    number: int
    partition: Partition


def restore(config: dict[str, Any], jobs: list[Restore], wanted: Callable[[Restore], bool]) -> int:
    """Bring every job's partition up to date, while it is `wanted`; gives the number of records read.

    Blocks: to be called in a thread. Raises `KafkaException` for what librdkafka does not retry by itself.
    """
    open_jobs = {(job.changelog, job.number): job for job in jobs}
    consumer = Consumer(config)
    read = 0
    try:
        consumer.assign([TopicPartition(job.changelog, job.number, job.partition.changelog_offset) for job in jobs])
        while open_jobs:
            first = consumer.poll(0.2)
            messages = [] if first is None else [first, *consumer.consume(BATCH - 1, timeout=0)]
            batches: dict[tuple[str, int], list[tuple[bytes, bytes | None]]] = {}
            ends: dict[tuple[str, int], int] = {}
            finished = []
            for message in messages:
                error = message.error()
                at = (message.topic(), message.partition())
                if error is None:
                    batches.setdefault(at, []).append((message.key(), message.value()))
                    ends[at] = message.offset() + 1
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the public name of an event
                    finished.append(at)
                elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
                    _from_the_beginning(consumer, open_jobs[at])
                elif error.fatal() or not error.retriable():
                    raise KafkaException(error)
            for at, records in batches.items():
                if at in open_jobs:
                    open_jobs[at].partition.restore(records, ends[at])
                    read += len(records)
            for at in finished:
                open_jobs.pop(at, None)
            for at in [at for at, job in open_jobs.items() if not wanted(job)]:
                consumer.incremental_unassign([TopicPartition(*at)])
                del open_jobs[at]
    finally:
        consumer.close()
    return read


def _from_the_beginning(consumer: Consumer, job: Restore) -> None:
    # What is on disk knows an offset that the changelog does not have (a topic made anew): it is of another life.
    job.partition.forget()
    # Assigned anew, because a partition whose offset was refused cannot be sought in.
    consumer.incremental_unassign([TopicPartition(job.changelog, job.number)])
    consumer.incremental_assign([TopicPartition(job.changelog, job.number, BEGINNING)])
