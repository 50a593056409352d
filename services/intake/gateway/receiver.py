"""Takes what many requests bring at once: one seal, one sync to disk and one wait for Kafka serve all that wait."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.intake.door import Heard
from services.intake.gateway.problems import ProblemError

MAX_WAITING: Final = 5_000
"""Messages under way; beyond, callers are told to come back later (back-pressure when Kafka is slow)."""
_AT_ONCE: Final = 500
RETRY_AFTER_SECONDS: Final = 5


@dataclass(frozen=True)
class _Waiting:
    heard: Sequence[Heard]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[frozenset[int]]"


class Receiver:
    """Hands batches to `accept`, which returns when Kafka acknowledged all of them, or raises.

    `accept` gives the places of what it did not take: another body had come under the same id before.
    """

    def __init__(self, accept: Callable[[Sequence[Heard]], frozenset[int]]) -> None:
        self._accept = accept
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._under_way = 0  # only touched on the event loop
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    async def take(self, heard: Sequence[Heard]) -> frozenset[int]:
        """Return when `heard` is acknowledged, with the places of conflicts, which were not taken.

        Raises a 503 with Retry-After if it is not, or if too much waits.
        """
        if not heard:
            return frozenset()
        if self._under_way + len(heard) > MAX_WAITING and self._under_way:
            raise _later("too much is under way: Kafka is slow")
        self._under_way += len(heard)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(heard, loop, loop.create_future())
        self._queue.put(waiting)
        try:
            return await waiting.done
        except Exception:  # noqa: BLE001 - whatever it was, nothing is promised; the caller sends it again
            raise _later("Kafka did not acknowledge: send it again, under the same id") from None
        finally:
            self._under_way -= len(heard)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, size = [first], len(first.heard)
            while size < _AT_ONCE and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                batch.append(following)
                size += len(following.heard)
            self._carry(batch)

    def _carry(self, batch: list[_Waiting]) -> None:
        failure: Exception | None = None
        conflicts: frozenset[int] = frozenset()
        try:
            conflicts = self._accept([item for waiting in batch for item in waiting.heard])
        except Exception as error:  # noqa: BLE001 - each caller hears of it
            failure = error
        first = 0
        for waiting in batch:
            own = frozenset(place - first for place in conflicts if first <= place < first + len(waiting.heard))
            first += len(waiting.heard)
            waiting.loop.call_soon_threadsafe(_settle, waiting.done, own, failure)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=30)


def _settle(done: "asyncio.Future[frozenset[int]]", conflicts: frozenset[int], failure: Exception | None) -> None:
    if done.done():  # the caller has gone away
        return
    if failure is None:
        done.set_result(conflicts)
    else:
        done.set_exception(failure)


def _later(detail: str) -> ProblemError:
    return ProblemError(503, "come-back-later", detail, headers={"retry-after": str(RETRY_AFTER_SECONDS)})
