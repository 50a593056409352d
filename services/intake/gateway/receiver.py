"""Takes what many requests bring at once: one seal, one sync to disk and one wait for Kafka serve all that wait."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.intake.door import Heard
from services.intake.gateway.problems import ProblemError

MAX_WAITING: Final = 5_000
"""Messages under way; beyond, callers are told to come back later (back-pressure when Kafka is slow)."""
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""Bytes of their bodies: what a standstill may cost in memory, some three times over."""
STALLED_SECONDS: Final = 5.0
"""A batch that Kafka has not acknowledged for so long closes the door to new messages, until it is settled."""
ANSWER_SECONDS: Final = 20.0
"""How long a caller waits at most."""
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
        self._under_way = self._bytes = 0  # only touched on the event loop
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    async def take(self, heard: Sequence[Heard]) -> frozenset[int]:
        """Return when `heard` is acknowledged, with the places of conflicts, which were not taken.

        Raises a 503 with Retry-After if it is not, or if too much waits.
        """
        if not heard:
            return frozenset()
        size = sum(len(item.body) for item in heard)
        self._admit(len(heard), size)
        self._under_way, self._bytes = self._under_way + len(heard), self._bytes + size
        loop = asyncio.get_running_loop()
        waiting = _Waiting(heard, loop, loop.create_future())
        self._queue.put(waiting)
        patience = loop.call_later(ANSWER_SECONDS, _give_up, waiting.done)
        try:
            return await waiting.done
        except Exception:  # noqa: BLE001 - whatever it was, nothing is promised; the caller sends it again
            raise _later("Kafka did not acknowledge: send it again, under the same id") from None
        finally:
            patience.cancel()
            self._under_way, self._bytes = self._under_way - len(heard), self._bytes - size

    def _admit(self, count: int, size: int) -> None:
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > STALLED_SECONDS:
            raise _later("Kafka does not acknowledge")
        full = self._under_way + count > MAX_WAITING or self._bytes + size > MAX_WAITING_BYTES
        if full and self._under_way:
            raise _later("too much is under way: Kafka is slow")

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
        batch = [waiting for waiting in batch if not waiting.done.done()]  # whose caller waited too long
        self._busy_since = time.monotonic()
        failure: Exception | None = None
        conflicts: frozenset[int] = frozenset()
        try:
            conflicts = self._accept([item for waiting in batch for item in waiting.heard])
        except Exception as error:  # noqa: BLE001 - each caller hears of it
            failure = error
        self._busy_since = None
        if batch:
            batch[0].loop.call_soon_threadsafe(_settle, batch, conflicts, failure)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join(timeout=30)


def _give_up(done: "asyncio.Future[frozenset[int]]") -> None:
    if not done.done():
        done.set_exception(TimeoutError())


def _settle(batch: list[_Waiting], conflicts: frozenset[int], failure: Exception | None) -> None:
    first = 0
    for waiting in batch:
        last = first + len(waiting.heard)
        if waiting.done.done():  # the caller has gone away
            pass
        elif failure is not None:
            waiting.done.set_exception(failure)
        else:
            waiting.done.set_result(frozenset(place - first for place in conflicts if first <= place < last))
        first = last


def _later(detail: str) -> ProblemError:
    return ProblemError(503, "come-back-later", detail, headers={"retry-after": str(RETRY_AFTER_SECONDS)})
