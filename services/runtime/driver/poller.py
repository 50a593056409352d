"""The one thread that calls librdkafka's consumer: it waits for records, so that the event loop never blocks.

confluent-kafka lets one call into a consumer at a time and keeps the others waiting, so whatever the event loop wants
of the consumer (commit, resume) is asked of this thread. Rebalance callbacks run in it too, inside `poll`.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

BATCH = 1000
"""Most records taken at once."""
AHEAD = 4000
"""Records handed over and not yet handled at which the thread stops taking more."""
POLL_SECONDS = 0.1


class Poller(threading.Thread):
    """Takes records and hands them to `deliver`; on any error it ends and hands that to `fail`."""

    def __init__(
        self, consumer: Consumer, deliver: Callable[[list[Any]], None], fail: Callable[[BaseException], None]
    ) -> None:
        super().__init__(name="rdkafka-poller", daemon=True)
        self._consumer, self._deliver, self._fail = consumer, deliver, fail
        self._room = threading.Condition()
        self._ahead = 0
        self._stopping = False
        self._asked: deque[tuple[Callable[[], Any], Future[Any]]] = deque()

    def run(self) -> None:
        """Take records until told to stop, then leave the group."""
        try:
            while not self._stopping:
                self.serve()
                if not self._has_room():
                    continue
                first = self._consumer.poll(POLL_SECONDS)
                if first is None:
                    continue
                # `consume` alone would wait out its timeout unless the batch is full.
                messages = [first, *self._consumer.consume(BATCH - 1, timeout=0)]
                records = [message for message in messages if not _trouble(message.error())]
                if records:
                    with self._room:
                        self._ahead += len(records)
                    self._deliver(records)
            self.serve()
            self._consumer.close()
        except BaseException as error:  # noqa: BLE001 - the worker must hear of it, whatever it is
            self._fail(error)

    def _has_room(self) -> bool:
        with self._room:
            return self._room.wait_for(lambda: self._stopping or self._asked or self._ahead < AHEAD, timeout=1.0) and (
                self._ahead < AHEAD
            )

    def serve(self, timeout: float = 0.0) -> None:
        """Do what was asked, in this thread; wait up to `timeout` seconds for something to be asked."""
        if timeout:
            with self._room:
                self._room.wait_for(lambda: bool(self._asked), timeout)
        while self._asked:
            do, answer = self._asked.popleft()
            try:
                answer.set_result(do())
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                answer.set_exception(error)

    def ask(self, do: Callable[[], Any]) -> "Future[Any]":
        """Have `do` called in this thread."""
        answer: Future[Any] = Future()
        with self._room:
            self._asked.append((do, answer))
            self._room.notify()
        return answer

    def handled(self, count: int) -> None:
        """Say that records handed over are handled or dropped."""
        with self._room:
            self._ahead -= count
            self._room.notify()

    def stop(self) -> None:
        """Take no more, and leave."""
        with self._room:
            self._stopping = True
            self._room.notify()


def _trouble(error: KafkaError | None) -> bool:
    """Say whether this is no record; librdkafka mends what is not fatal by itself. Raises `KafkaException`."""
    if error is None:
        return False
    if error.fatal():
        raise KafkaException(error)
    return True
