"""A worker for the fault tests, as a process: counts per key in a table and says each count once, on either Faust.

Input: key, value `<sequence>`. Table: the last sequence of the key. Output: `<key>:<sequence>`; `hole <key>:<sequence>`
when a sequence was skipped. A sequence seen before says nothing again: so the output is lost for ever if state ever
gets ahead of what was said.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from typing import Any

import faust
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from services.runtime.driver import APP_SETTINGS, Run, follow
from services.runtime.driver.transport import Transport

PARTITIONS = 4


def folded(stored: bytes | None, key: bytes, value: bytes) -> tuple[bytes | None, bytes | None]:
    """Give (what to say, what to write) for one record."""
    last, sequence = int(stored or b"0"), int(value)
    if sequence <= last:
        return None, None
    said = b"%s:%d" % (key, sequence)
    return said if sequence == last + 1 else b"hole " + said, value


def settings(args: argparse.Namespace, scheme: str) -> dict[str, Any]:
    return {
        "broker": f"{scheme}://{args.bootstrap}",
        "datadir": args.home,
        "autodiscover": False,
        "broker_commit_interval": args.commit_interval,
        "broker_session_timeout": args.session_timeout,
        "broker_heartbeat_interval": min(1.0, args.session_timeout / 3),
        "consumer_group_instance_id": args.instance,
    }


def ours(args: argparse.Namespace) -> Any:
    Transport.extra_producer_config = {"linger.ms": args.linger_ms}
    app = faust.App(args.app, store=f"{args.store}://", **settings(args, "rdkafka"), **APP_SETTINGS)
    table = app.Table("last", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    async def handle(run: Run) -> None:
        held, emit = table.partition(run.partition), app.producer.emit
        for message in run.messages:
            key, value = message.key(), message.value()
            if key == b"poison":
                raise ValueError("poison")
            said, written = folded(held.get(key), key, value)
            if said is not None:
                emit(args.out, key, said)
                held.put(key, written)
            if args.slow:
                await asyncio.sleep(args.slow)

    follow(app, app.topic(args.source), handle, (table,), name="job")
    return app


def hear_of_seeks_late(seconds: float) -> None:
    """Let the main loop hear late of the seek that its consumer's thread made, as a busy loop does.

    Stock Faust reads on meanwhile, into queues that it empties once it has heard.
    """
    seek_to_committed = AIOKafkaConsumerThread.seek_to_committed

    async def late(self: Any) -> Any:
        found = await seek_to_committed(self)
        await asyncio.sleep(seconds)
        return found

    AIOKafkaConsumerThread.seek_to_committed = late


def stock(args: argparse.Namespace) -> Any:
    app = faust.App(
        args.app, **settings(args, "kafka"), web_enabled=False, topic_partitions=PARTITIONS, table_standby_replicas=0,
        topic_allow_declare=False, topic_disable_leader=True, stream_recovery_delay=0.0,
    )  # fmt: skip
    if args.late_seek:
        hear_of_seeks_late(args.late_seek)
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source = app.topic(args.source, partitions=PARTITIONS, **raw)
    out = app.topic(args.out, **raw)
    table = app.Table("last", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    @app.agent(source)
    async def job(stream: Any) -> None:
        async for event in stream.events():
            key, value = event.key, event.value
            if key == b"poison":
                raise ValueError("poison")
            said, written = folded(table.get(key), key, value)
            if said is not None:
                await out.send(key=key, value=said)
                table[key] = written
            if args.slow:
                await asyncio.sleep(args.slow)

    return app


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("engine", choices=["ours", "stock"])
    for name in ("bootstrap", "app", "source", "out", "home"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--instance")
    parser.add_argument("--store", default="memory")
    parser.add_argument("--linger-ms", type=float, default=2)
    parser.add_argument("--slow", type=float, default=0)
    parser.add_argument("--late-seek", type=float, default=0)
    parser.add_argument("--commit-interval", type=float, default=0.2)
    parser.add_argument("--session-timeout", type=float, default=6.0)
    args = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    app = {"ours": ours, "stock": stock}[args.engine](args)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await app.start()
    while not stop.is_set() and app.crash_reason is None:  # noqa: ASYNC110 - Faust sets it without an event
        await asyncio.sleep(0.02)
    if app.crash_reason is not None:
        print(f"crashed: {app.crash_reason!r}", file=sys.stderr, flush=True)  # noqa: T201 - the log of the child
        os._exit(70)  # as services.runtime.worker ends: nothing of what is under way may go on
    await app.stop()


if __name__ == "__main__":
    asyncio.run(main())
