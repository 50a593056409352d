"""Takes what many requests bring at once: one seal, one sync to disk and one wait for Kafka serve all that wait.

Two threads: while one batch waits for Kafka, the next is sealed.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from services.intake.door import Heard
from services.intake.front import Passed
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
_AHEAD: Final = 1
"""Batches that may be ready while another waits for Kafka; more would only be smaller."""
RETRY_AFTER_SECONDS: Final = 5


@dataclass(frozen=True)
class _Waiting:
    heard: Sequence[Heard]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[frozenset[int]]"


_Batch = list[_Waiting]


class Receiver:
    """Hands batches to `accept`, which seals them and hands them to Kafka, and waits until Kafka acknowledged them."""

    def __init__(self, accept: Callable[[Sequence[Heard]], Passed]) -> None:
        self._accept = accept
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._passed: queue.Queue[tuple[_Batch, Passed] | None] = queue.Queue(_AHEAD)
        self._under_way = self._bytes = 0  # only touched on the event loop
        self._began: deque[float] = deque()  # when each batch was begun that is not settled, the eldest first
        self._threads = [
            threading.Thread(target=self._run, name="receiver", daemon=True),
            threading.Thread(target=self._settle_each, name="receiver-acknowledged", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

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
        eldest = next(iter(self._began.copy()), None)
        if eldest is not None and time.monotonic() - eldest > STALLED_SECONDS:
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
            self._carry([waiting for waiting in batch if not waiting.done.done()])  # the others waited too long
        self._passed.put(None)

    def _carry(self, batch: _Batch) -> None:
        if not batch:
            return
        self._began.append(time.monotonic())
        try:
            passed = self._accept([item for waiting in batch for item in waiting.heard])
        except Exception as error:  # noqa: BLE001 - each caller hears of it
            passed = Passed(frozenset(), partial(_fail, error))
        self._passed.put((batch, passed))

    def _settle_each(self) -> None:
        while (item := self._passed.get()) is not None:
            batch, passed = item
            failure: Exception | None = None
            try:
                passed.acknowledged()
            except Exception as error:  # noqa: BLE001 - each caller hears of it
                failure = error
            self._began.popleft()
            batch[0].loop.call_soon_threadsafe(_settle, batch, passed.conflicts, failure)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout=30)


def _fail(error: Exception) -> None:
    raise error


def _give_up(done: "asyncio.Future[frozenset[int]]") -> None:
    if not done.done():
        done.set_exception(TimeoutError())


def _settle(batch: _Batch, conflicts: frozenset[int], failure: Exception | None) -> None:
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
