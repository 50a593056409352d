"""Redis as this mesh uses it: what is in it may be gone, slow or wrong at any time, and nobody waits for it twice."""

from collections.abc import Callable
from typing import Any, Final

import redis

from services.runtime import logs, wall

TIMEOUT_SECONDS: Final = 0.3
ASKED_AGAIN_AFTER: Final = 5.0
Pipeline = Any


class RedisLink:
    """A connection that gives up after 0.3 s and is left alone for 5 s then; `meanwhile` says what holds instead."""

    def __init__(self, url: str | None, meanwhile: str) -> None:
        self._meanwhile = meanwhile
        self._client = (
            redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
            if url
            else None
        )
        self._away_until = 0.0
        self.available = self._client is not None

    def ask(self, commands: Callable[[Pipeline], object]) -> list[Any] | None:
        """Give the answers to what `commands` puts into a pipeline; None without Redis, or while it is away."""
        if self._client is None or wall.unix() < self._away_until:
            return None
        pipe = self._client.pipeline(transaction=False)
        try:
            commands(pipe)
            answers: list[Any] = pipe.execute()
        except redis.RedisError as error:
            if self.available:
                logs.get().warning(f"redis is away: {self._meanwhile}", error=type(error).__name__)
            self.available, self._away_until = False, wall.unix() + ASKED_AGAIN_AFTER
            return None
        finally:
            pipe.reset()
        self.available = True
        return answers
