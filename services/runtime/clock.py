"""The clock: pulses into every partition of `ticket-commands`, from the wall or from simulated time.

A pulse stands behind everything that was said before it. Two clocks at once are harmless: pulses of one second have
one id, and time never runs backwards in a partition.
"""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schemas.commands import PulseClock
from schemas.envelope import derived_id
from services.runtime import wall
from services.runtime.publisher import Publisher

SOURCE = "/hotline-mesh/clock"
TOPIC = "ticket-commands"


def pulse(publisher: Publisher, partitions: int, at: datetime) -> None:
    """Write the pulse `at` into every partition; returns when all are acknowledged."""
    futures = [
        publisher.publish(
            TOPIC,
            PulseClock(id=derived_id("pulse", partition, at.isoformat()), source=SOURCE, time=at),
            partition=partition,
        )
        for partition in range(partitions)
    ]
    for future in futures:
        future.result(timeout=90)


def wall_time(interval: float) -> Iterator[tuple[datetime, float]]:
    """Give (instant, seconds to wait before it) for ever: whole multiples of `interval` on the wall clock."""
    while True:
        now = wall.unix()
        following = (now // interval + 1) * interval
        yield datetime.fromtimestamp(following, UTC), following - now


def simulated_time(start: datetime, speed: float, interval: float) -> Iterator[tuple[datetime, float]]:
    """Give (instant, seconds to wait before it): `speed` simulated seconds per second, a pulse every `interval`."""
    began = wall.unix()
    step = 0
    while True:
        step += 1
        at = start + timedelta(seconds=round(step * interval * speed))
        yield at, max(0.0, began + step * interval - wall.unix())


def tick(
    publisher: Publisher, partitions: int, times: Iterator[tuple[datetime, float]], stop: threading.Event
) -> datetime | None:
    """Write pulses until `stop` is set; gives the last one."""
    last = None
    for at, seconds in times:
        if stop.wait(seconds):
            return last
        pulse(publisher, partitions, at)
        last = at
    return last
