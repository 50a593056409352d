"""Rate limits per caller: counted in Redis for all replicas together, in this process while Redis is away."""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from services.runtime import logs, wall
from services.runtime.settings import Settings


class Rates:
    """Counts requests of the last minute per caller."""

    def __init__(self, settings: Settings) -> None:
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._prefix = f"{settings.topic_prefix}rate"
        if settings.redis_url:
            storage = RedisStorage(settings.redis_url, socket_timeout=0.3, socket_connect_timeout=0.3)
            self._shared = MovingWindowRateLimiter(storage)
        self._shared_again_at = 0.0

    def wait_seconds(self, caller: str, per_minute: int) -> int:
        """Count a request; gives 0 if it may pass, else the seconds until the next may."""
        item = RateLimitItemPerMinute(per_minute)
        now = wall.unix()
        if self._shared is not None and now >= self._shared_again_at:
            try:
                return self._ask(self._shared, item, caller, now)
            except Exception as error:  # noqa: BLE001 - Redis away, slow or wrong: the limit is kept here instead
                self._shared_again_at = now + 5
                logs.get().warning("redis is away: rates are counted per process", error=type(error).__name__)
        return self._ask(self._here, item, caller, now)

    def _ask(self, limiter: MovingWindowRateLimiter, item: RateLimitItemPerMinute, caller: str, now: float) -> int:
        if limiter.hit(item, self._prefix, caller):
            return 0
        return max(1, int(limiter.get_window_stats(item, self._prefix, caller).reset_time - now) + 1)
