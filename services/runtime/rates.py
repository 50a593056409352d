"""Rate limits per caller, counted here and told to the other replicas through Redis once a second.

Nothing waits for Redis: a request is held against what this process counted and what the others had counted at the last
exchange. While Redis is away or has forgotten, each replica keeps the limit alone. The window slides: the last whole
minute counts by the share of it that still lies within sixty seconds.
"""

import threading
from dataclasses import dataclass
from typing import Final

from services.runtime import wall
from services.runtime.redis_link import Pipeline, RedisLink
from services.runtime.settings import Settings

WINDOW: Final = 60
EXCHANGE_SECONDS: Final = 1.0


@dataclass
class _Count:
    """What one caller did in one minute: here, of that already told, and in the other replicas."""

    here: int = 0
    told: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        return self.here + self.others


class Rates:
    """Counts requests of the last minute per caller; `close` ends the exchange."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"{settings.topic_prefix}rate:"
        self._redis = RedisLink(settings.redis_url, "rates are counted per process")
        self._counts: dict[tuple[str, int], _Count] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        if settings.redis_url:
            threading.Thread(target=self._run, name="rates", daemon=True).start()

    def wait_seconds(self, caller: str, per_minute: int, now: float | None = None) -> int:
        """Count a request; gives 0 if it may pass, else the seconds until the next may. Refused ones do not count."""
        now = wall.unix() if now is None else now
        minute = int(now // WINDOW)
        passed = now - minute * WINDOW
        with self._lock:
            before = self._counts.get((caller, minute - 1))
            count = self._counts.setdefault((caller, minute), _Count())
            weighed = before.total * (1 - passed / WINDOW) if before else 0.0
            over = weighed + count.total + 1 - per_minute
            if over <= 0:
                count.here += 1
                return 0
            if before is None or count.total >= per_minute:
                return int(WINDOW - passed) + 1
            return int(over * WINDOW / before.total) + 1  # what must slide out of the last minute first

    def _run(self) -> None:
        while not self._stop.wait(EXCHANGE_SECONDS):
            self.exchange(wall.unix())

    def exchange(self, now: float) -> None:
        """Tell the other replicas what was counted here since the last time, and hear of theirs."""
        minute = int(now // WINDOW)
        with self._lock:
            self._counts = {key: count for key, count in self._counts.items() if key[1] >= minute - 1}
            asked = [(key, count, count.here, count.here - count.told) for key, count in self._counts.items()]
        if not asked:
            return

        def commands(pipe: Pipeline) -> None:
            for (caller, number), _, _, new in asked:
                name = f"{self._prefix}{caller}:{number}"
                pipe.incrby(name, new)
                pipe.expire(name, 3 * WINDOW)

        answers = self._redis.ask(commands)
        if answers is None:
            return
        with self._lock:
            for (_, count, here, _), total in zip(asked, answers[::2], strict=True):
                count.told, count.others = here, max(0, int(total) - here)

    def close(self) -> None:
        """End the exchange."""
        self._stop.set()
