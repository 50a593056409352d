"""The job on stock Faust and its aiokafka transport, set as well as it can be: large batches, lz4, no leader."""

import asyncio
import sys
from typing import Any

import faust
from orjson import loads
from pydantic_core import to_json

from bench.engines.job import PARTITIONS, arguments, folded


async def main() -> None:
    """Work until killed."""
    args = arguments()
    app: Any = faust.App(
        args.group, broker=f"kafka://{args.bootstrap}", store="memory://", datadir=args.home, autodiscover=False,
        processing_guarantee="at_least_once", table_standby_replicas=0, topic_partitions=PARTITIONS,
        topic_replication_factor=1, topic_disable_leader=True, topic_allow_declare=False,
        broker_commit_interval=1.0, broker_commit_every=2000, broker_session_timeout=30.0,
        consumer_group_instance_id="a", broker_max_poll_records=500,
        stream_buffer_maxsize=1024, stream_recovery_delay=0.0, producer_linger=0.01, producer_max_batch_size=131_072,
        producer_compression_type="lz4", web_enabled=False,
    )  # fmt: skip
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source = app.topic(args.source, partitions=PARTITIONS, **raw)
    out = app.topic(args.out, **raw)
    table = app.Table("last", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    @app.agent(source)
    async def job(stream: Any) -> None:
        async for event in stream.events():
            key = event.key
            stored = table.get(key)
            done = folded(None if stored is None else loads(stored), loads(event.value))
            if done is not None:
                await out.send(key=key, value=to_json(done[1]))
                table[key] = to_json(done[0])

    await app.start()
    while app.crash_reason is None:  # noqa: ASYNC110 - Faust sets it without an event
        await asyncio.sleep(0.1)
    print(f"crashed: {app.crash_reason!r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
