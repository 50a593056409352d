"""The job on the project's own Faust driver, with the settings of its services."""

import asyncio
import os
import sys
from typing import Any

from orjson import loads
from pydantic_core import to_json

from bench.engines.job import PARTITIONS, arguments, folded
from services.runtime.collector import settle
from services.runtime.driver import Run, follow
from services.runtime.faust_app import build_app
from services.runtime.settings import Settings


async def main() -> None:
    """Work until killed."""
    args = arguments()
    settings = Settings(bootstrap_servers=args.bootstrap, home=args.home, instance=args.instance)
    app: Any = build_app(args.group, settings)
    table = app.Table("last", partitions=PARTITIONS, key_type=bytes, value_type=bytes)

    async def handle(run: Run) -> None:
        held, emit, out = table.partition(run.partition), app.producer.emit, args.out
        for message in run.messages:
            key = message.key()
            stored = held.get(key)
            done = folded(None if stored is None else loads(stored), loads(message.value()))
            if done is not None:
                emit(out, key, to_json(done[1]))
                held.put(key, to_json(done[0]))

    follow(app, app.topic(args.source, partitions=PARTITIONS), handle, (table,), name="job")
    settle()
    await app.start()
    while app.crash_reason is None:  # noqa: ASYNC110 - Faust sets it without an event
        await asyncio.sleep(0.1)
    print(f"crashed: {app.crash_reason!r}", file=sys.stderr, flush=True)
    os._exit(70)


if __name__ == "__main__":
    asyncio.run(main())
