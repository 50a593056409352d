"""The job as a plain confluent-kafka loop: a dict as table, its changelog a topic, a synchronous commit every second.

What anyone writes first. It has no recovery: after a crash its table would be empty.
"""

import time

from confluent_kafka import Consumer, Producer
from orjson import loads
from pydantic_core import to_json

from bench.engines.job import arguments, folded


def main() -> None:
    """Work until killed."""
    args = arguments()
    common = {"bootstrap.servers": args.bootstrap, "log_level": 3}
    consumer = Consumer(
        common | {"group.id": args.group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
                  "fetch.queue.backoff.ms": 5}
    )  # fmt: skip
    producer = Producer(
        common | {"acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random", "linger.ms": 5,
                  "compression.type": "lz4", "batch.size": 262_144, "queue.buffering.max.messages": 500_000}
    )  # fmt: skip
    consumer.subscribe([args.source])
    table: dict[bytes, bytes] = {}
    changelog, out = f"{args.group}-last-changelog", args.out
    commit_at, handled = time.monotonic() + 1, 0
    while True:
        for message in consumer.consume(1000, timeout=0.1):
            if message.error() is not None:
                continue
            key = message.key()
            stored = table.get(key)
            done = folded(None if stored is None else loads(stored), loads(message.value()))
            if done is not None:
                table[key] = value = to_json(done[0])
                producer.produce(out, to_json(done[1]), key)
                producer.produce(changelog, value, key)
            handled += 1
        producer.poll(0)
        if handled and time.monotonic() >= commit_at:
            if producer.flush(60):
                raise RuntimeError("records were not delivered")
            consumer.commit(asynchronous=False)
            commit_at, handled = time.monotonic() + 1, 0


if __name__ == "__main__":
    main()
