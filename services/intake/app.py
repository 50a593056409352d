"""The intake process: the Kafka feed and the HTTP gateway in front of one door."""

import asyncio
import contextlib
import os
import signal

import uvicorn

from services.core.knowledge import KnowledgeBase
from services.core.policy import Policy
from services.intake.front import FEED, Door
from services.intake.http import build
from services.runtime import health, logs, wall
from services.runtime.feed import Feed
from services.runtime.metrics import Metrics
from services.runtime.settings import Settings, metrics_port

EXIT_CRASHED = 70


async def run(settings: Settings, policy: Policy, knowledge: KnowledgeBase, metrics: Metrics) -> None:
    """Run the door until SIGTERM or SIGINT."""
    front = Door(settings, policy, knowledge, metrics)
    feed = Feed("intake", FEED, settings, metrics, front.publisher, front.carry)
    metrics.start_at_zero([FEED, "http"])

    def not_live() -> dict[str, str]:
        silent = wall.unix() - feed.heartbeat
        return {"feed": f"silent for {silent:.0f} s"} if silent > 90 else {}

    def not_ready() -> dict[str, str]:
        return {} if feed.assigned else {"feed": "waits for its partitions"}

    server = health.serve(settings.bind, metrics_port(settings, "intake"), metrics.registry, not_live, not_ready)
    feed.start()
    web = uvicorn.Server(
        uvicorn.Config(build(front), host=settings.bind, port=settings.http_port, log_config=None, lifespan="off")
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with contextlib.suppress(asyncio.CancelledError):
        serving = asyncio.create_task(_serve(web))
        logs.get().info("started", port=server.server_address[1], address=f"{settings.bind}:{settings.http_port}")
        while not stop.is_set() and feed.failure is None and not serving.done():
            await _wait(stop)
    if feed.failure is not None or serving.done():
        logs.get().error("stopped to lose nothing", error=repr(feed.failure))
        os._exit(EXIT_CRASHED)
    web.should_exit = True
    await serving
    feed.stop()
    front.close()
    logs.get().info("stopped")


async def _serve(web: uvicorn.Server) -> None:
    web.config.load()
    web.lifespan = web.config.lifespan_class(web.config)
    await web._serve()  # noqa: SLF001 - `serve` would take over our signal handlers


async def _wait(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), timeout=0.5)
