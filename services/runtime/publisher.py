"""Publishing with verified delivery, for processes without tables: one librdkafka producer, one future per record."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import Producer

from schemas.envelope import Event
from schemas.wire import encode
from services.runtime.settings import Settings

MAX_BYTES = 4_194_304
COMMON = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
    "linger.ms": 2,
    "compression.type": "lz4",
    "message.max.bytes": MAX_BYTES,
    "delivery.timeout.ms": 60_000,
}
"""Producer settings of the mesh; murmur2 as in Java and aiokafka, so that keys of equal topics stay co-partitioned."""


class NotAcknowledgedError(Exception):
    """The broker did not take a record; it may be sent again under the same id."""


class _Waiting:
    """What one batch waits for: so many deliveries, told by whichever thread polls."""

    def __init__(self, count: int, timeout: float) -> None:
        self._left = count
        self._failure: str | None = None
        self._until = time.monotonic() + timeout
        self._lock = threading.Lock()
        self._done = threading.Event()
        if not count:
            self._done.set()

    def delivered(self, error: Any, _message: Any) -> None:
        with self._lock:
            self._left -= 1
            if error is not None:
                self._failure = str(error.name())
            over = self._left == 0 or error is not None
        if over:
            self._done.set()

    def wait(self) -> None:
        if not self._done.wait(max(0.0, self._until - time.monotonic())):
            raise TimeoutError("the broker does not acknowledge")
        if self._failure is not None:
            raise NotAcknowledgedError(self._failure)


class Publisher:
    """A producer whose records' deliveries are futures; they raise `NotAcknowledgedError` when one was not taken."""

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._settings = settings
        self._producer = Producer(
            COMMON | {"bootstrap.servers": settings.bootstrap_servers, "client.id": client_id, "log_level": 2}
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="publisher", daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(0.05)

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        headers: list[tuple[str, bytes]],
        partition: int | None = None,
    ) -> "Future[int]":
        """Hand over one record; the future gives its offset once the broker acknowledged it."""
        future: Future[int] = Future()

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                future.set_exception(NotAcknowledgedError(error.name()))
            else:
                future.set_result(message.offset())

        where = {} if partition is None else {"partition": partition}
        self._produce(topic, value=value, key=key, headers=list(headers), on_delivery=delivered, **where)
        return future

    def _produce(self, topic: str, **record: Any) -> None:
        name = self._settings.topic(topic)
        while True:
            try:
                self._producer.produce(name, **record)
            except BufferError:
                self._producer.flush(0.1)
            else:
                return

    def hand_over(self, topic: str, events: Sequence[Event], timeout: float) -> Callable[[], None]:
        """Hand over events, keyed by subject; what it gives returns when the broker has acknowledged all of them.

        It raises `NotAcknowledgedError`, or TimeoutError so many seconds after they were handed over; then any of them
        may have been taken nevertheless.
        """
        waiting = _Waiting(len(events), timeout)
        for event in events:
            headers, value = encode(event)
            self._produce(
                topic, value=value, key=event.subject.encode() or None, headers=headers, on_delivery=waiting.delivered
            )
        return waiting.wait

    def publish(
        self, topic: str, event: Event, *, key: str | None = None, partition: int | None = None
    ) -> "Future[int]":
        """Hand over one event; its key is its subject unless given."""
        headers, value = encode(event)
        chosen = (key or event.subject).encode() or None
        return self.send(topic, value, chosen, headers, partition)

    def close(self) -> None:
        """Wait for what is under way, then stop."""
        self._producer.flush(30)
        self._stop.set()
        self._thread.join(timeout=5)
