"""Duplicate suppression at the door, in Redis: a fast path. Losing it changes no effect; the router drops the rest."""

import redis

from services.runtime import logs
from services.runtime.settings import Settings

REMEMBERED_SECONDS = 7 * 86_400


class Seen:
    """Remembers message ids for seven days; without Redis, or while it is away, nothing counts as seen."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"{settings.topic_prefix}seen:"
        self._redis = (
            redis.Redis.from_url(settings.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
            if settings.redis_url
            else None
        )
        self.available = self._redis is not None

    def known(self, ids: list[str]) -> set[str]:
        """Give those of `ids` that were acknowledged before."""
        if self._redis is None or not ids:
            return set()
        try:
            found = self._redis.mget([self._prefix + item for item in ids])
        except redis.RedisError as error:
            self._away(error)
            return set()
        self.available = True
        return {item for item, hit in zip(ids, found, strict=True) if hit is not None}

    def remember(self, ids: list[str]) -> None:
        """Remember ids whose commands Kafka acknowledged."""
        if self._redis is None or not ids:
            return
        try:
            pipe = self._redis.pipeline(transaction=False)
            for item in ids:
                pipe.set(self._prefix + item, b"1", ex=REMEMBERED_SECONDS)
            pipe.execute()
        except redis.RedisError as error:
            self._away(error)

    def _away(self, error: redis.RedisError) -> None:
        if self.available:
            logs.get().warning("redis is away: duplicates are dropped by the router only", error=type(error).__name__)
        self.available = False
