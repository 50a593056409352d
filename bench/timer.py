"""The real sla-timer under a benchmark: its topics, its worker as a process, open tickets in its changelog."""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bench.topics import Topics, produce
from schemas.envelope import Event, derived_id
from schemas.facts import ClockPulsed
from schemas.topics import load
from schemas.vocabulary import ClockKind, Rung
from schemas.wire import encode
from services.runtime.ports import free_port
from services.runtime.processes import Child
from services.runtime.settings import Settings, environment
from services.runtime.topics_admin import apply
from services.sla_timer.state import RunningClock, TimerState, dump, micros

PARTITIONS = 4
NOW = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
"""The day of the README's ticket, at noon."""
CHANGELOG = "sla-timer-clocks-changelog"


def token(number: int) -> str:
    """Give a ticket's token; of the form and length of real ones."""
    return "T-" + blake2b(b"%d" % number, digest_size=12).hexdigest()


def open_ticket(number: int) -> TimerState:
    """Give a signed ticket with three clocks, like a real one: its unit's limit with three marks, the citizen's limit
    at a close of office, and the window for a return, which ends at an instant of its own."""
    signed = NOW - timedelta(seconds=number % 7200, microseconds=number)
    due = datetime(2026, 9, 24, 10, 0, tzinfo=UTC) + timedelta(days=number % 15)
    half, fifths = due - (due - signed) / 2, due - (due - signed) / 5
    marks = (
        (Rung.HALF, micros(half)),
        (Rung.FOUR_FIFTHS, micros(fifths)),
        (Rung.NEAR_DUE, micros(due - timedelta(hours=2))),
    )
    clocks = (
        RunningClock(ClockKind.HANDLE, 1, micros(due), marks=marks),
        RunningClock(ClockKind.CASE, 0, micros(due)),
        RunningClock(ClockKind.RETURN, 1, micros(signed + timedelta(days=1))),
    )
    return TimerState(3, "in_progress", "help", "urban", micros(signed), clocks)


def first_due(number: int) -> TimerState:
    """Give a ticket whose clock ends `number` seconds after `NOW`, before any other's."""
    clock = RunningClock(ClockKind.CASE, 0, micros(after(number)))
    return TimerState(3, "in_progress", "help", "urban", micros(NOW), (clock,))


def after(seconds: float) -> datetime:
    """Give an instant after `NOW`."""
    return NOW + timedelta(seconds=seconds)


class Timer:
    """sla-timer on one broker, under a prefix of its own."""

    def __init__(self, bootstrap: str, prefix: str, home: Path, policy_dir: Path, store: str = "memory") -> None:
        self.topics = Topics(bootstrap)
        self.settings = Settings(
            bootstrap_servers=bootstrap, topic_prefix=prefix, home=home, policy_dir=policy_dir,
            table_store=store, session_timeout=6.0, instance="a", metrics_port=free_port(),  # type: ignore[arg-type]
        )  # fmt: skip
        apply(self.settings, load())
        self.producer = self.topics.producer()
        self.worker = self._worker(self.settings)

    def another(self, instance: str) -> Any:
        """Give a further worker, not yet started, which shares the partitions."""
        return self._worker(self.settings.model_copy(update={"instance": instance, "metrics_port": free_port()}))

    def _worker(self, settings: Settings) -> Any:
        return Child(
            f"{settings.topic_prefix}sla-timer-{settings.instance}",
            [sys.executable, "-m", "services", "run", "sla-timer"],
            log_dir=settings.home, env=environment(settings),
        )  # fmt: skip

    def hold(self, states: Iterator[tuple[str, TimerState]]) -> None:
        """Write open tickets into the changelog, as a worker of before left them."""
        self.topics.fill(self.settings.topic(CHANGELOG), ((name.encode(), dump(state)) for name, state in states))

    def say(self, event: Event, partition: int | None = None) -> None:
        """Put an event on `ticket-events`."""
        headers, value = encode(event)
        where = {} if partition is None else {"partition": partition}
        produce(
            self.producer, self.settings.topic("ticket-events"), value, event.subject.encode() or None,
            headers=headers, **where,
        )  # fmt: skip

    def pulse(self, at: datetime) -> None:
        """Say the time in every partition."""
        for number in range(PARTITIONS):
            self.say(ClockPulsed(id=derived_id("pulse", number, at.isoformat()), source="/bench", time=at), number)

    def flush(self) -> None:
        """Wait until the broker has all that was said."""
        if self.producer.flush(60):
            raise RuntimeError("the broker did not take everything")

    @property
    def ready(self) -> bool:
        """Say whether the worker says that it is ready."""
        url = f"http://127.0.0.1:{self.settings.metrics_port}/readyz"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def commands(self) -> int:
        """Count what was said on `ticket-commands`."""
        return sum(self.topics.ends(self.settings.topic("ticket-commands"), PARTITIONS))
