"""The intake process: the Kafka feed and the HTTP gateway in front of one door."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping

import uvicorn

from schemas.topics import load
from services.core.knowledge import KnowledgeBase
from services.core.policy import Policies
from services.intake.front import FEED, Door
from services.intake.gateway.app import build
from services.intake.gateway.credentials import platform_key, token_key
from services.intake.gateway.guard import Guard, PlatformAccess
from services.runtime import health, logs, wall
from services.runtime.collector import settle
from services.runtime.feed import Feed
from services.runtime.feedback import FeedbackSender
from services.runtime.follower import Follower
from services.runtime.metrics import Metrics
from services.runtime.outbox import TOPIC as FEEDBACK
from services.runtime.outbox import Outbox
from services.runtime.platform_files import Feedback, Platform, load_platforms, mappings_of
from services.runtime.rates import Rates
from services.runtime.revocations import Revocations
from services.runtime.settings import Settings, metrics_port
from services.runtime.spoilage import TooManyDeadLettersError
from services.runtime.ticket_view import TicketView

EXIT_CRASHED = 70


def guard_of(settings: Settings, platforms: Mapping[str, Platform]) -> Guard:
    """Give the guard that the settings and the platform files describe."""
    known = {
        name: PlatformAccess(
            tuple(platform_key(settings.master_key, name, generation) for generation in platform.key_generations),
            platform.requests_per_minute,
        )
        for name, platform in platforms.items()
    }
    revoked = Revocations(settings.home / "revoked-tokens.txt")
    rates = Rates(settings)
    return Guard(known, token_key(settings.master_key), revoked.numbers, rates.wait_seconds, wall.now)


def feedback_of(platforms: Mapping[str, Platform]) -> dict[str, Feedback]:
    """Give what each platform is told, by platform."""
    return {name: platform.feedback for name, platform in platforms.items() if platform.feedback}


async def run(settings: Settings, policies: Policies, knowledge: KnowledgeBase, metrics: Metrics) -> None:
    """Run the door until SIGTERM or SIGINT."""
    platforms = load_platforms(settings.policy_dir, settings.jurisdiction)
    guard = guard_of(settings, platforms)
    front = Door(settings, policies, knowledge, metrics)
    feed = Feed("intake", FEED, settings, metrics, front.publisher, front.carry)
    topics = load()
    outbox = Outbox(feedback_of(platforms))
    view = TicketView(settings.home / "views" / f"{settings.topic_prefix}tickets.sqlite", outbox)
    followers = (
        Follower(settings, topics["ticket-events"], view.positions, view.take),
        Follower(settings, topics[FEEDBACK], outbox.positions, outbox.take_outcomes),
    )
    sender = FeedbackSender(settings, view, outbox, front.publisher, metrics)
    metrics.show_feedback(outbox.pending)
    front.handled_as = view.handled_as
    app = build(front, guard, view, outbox.received, mappings_of(platforms))
    metrics.start_at_zero([FEED, "http"])

    def not_live() -> dict[str, str]:
        if isinstance(feed.failure, TooManyDeadLettersError):
            return {"dead-letters": str(feed.failure)}
        silent = wall.unix() - feed.heartbeat
        return {"feed": f"silent for {silent:.0f} s"} if silent > 90 else {}

    def not_ready() -> dict[str, str]:
        if feed.failure is not None:
            return {"feed": "it has stopped"}
        return {} if feed.assigned else {"feed": "waits for its partitions"}

    server = health.serve(settings.bind, metrics_port(settings, "intake"), metrics.registry, not_live, not_ready)
    feed.start()
    for follower in followers:
        follower.start()
    sender.start()
    web = uvicorn.Server(
        uvicorn.Config(app, host=settings.bind, port=settings.http_port, log_config=None, lifespan="off")
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settle()
    with contextlib.suppress(asyncio.CancelledError):
        serving = asyncio.create_task(_serve(web))
        logs.get().info("started", port=server.server_address[1], address=f"{settings.bind}:{settings.http_port}")
        parts = (feed, *followers, sender)
        while not (stop.is_set() or any(part.failure for part in parts) or serving.done()):
            await _wait(stop)
    failure = next((part.failure for part in parts if part.failure), None)
    if isinstance(failure, TooManyDeadLettersError):
        metrics.stopped.labels("intake", "dead-letters").set(1)
        logs.get().error("too many dead letters: nothing more is taken", reason=str(failure))
        await asyncio.sleep(settings.stop_linger)
    if failure is not None or serving.done():
        logs.get().error("stopped to lose nothing", error=repr(failure))
        os._exit(EXIT_CRASHED)
    web.should_exit = True
    await serving
    app.state.receiver.close()
    sender.stop()
    for follower in followers:
        follower.stop()
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
