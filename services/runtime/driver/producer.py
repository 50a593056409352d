"""One idempotent librdkafka producer for outputs and changelog, whose deliveries are counted by epochs.

An epoch is everything handed over since the last commit began. Waiting for it proves that every record of it is on the
broker, while the next epoch fills. librdkafka's callbacks run inside `poll`, which only the event loop calls: no locks.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Librdkafka
from mode import Service

Headers = list[tuple[str, bytes]]
HIGH, LOW = 100_000, 20_000
"""Records under way at which processing waits, and at which it goes on."""


class UndeliveredError(RuntimeError):
    """The broker did not take a record: what is committed now would be ahead of what was said."""


class Epoch:
    """Counts deliveries, and keeps the last record that was delivered."""

    __slots__ = ("failed", "last", "pending")

    def __init__(self) -> None:
        self.pending = 0
        self.failed: Any = None
        self.last: Any = None

    def delivered(self, error: Any, message: Any) -> None:
        """Take librdkafka's delivery report."""
        self.pending -= 1
        if error is None:
            self.last = message
        else:
            self.failed = error

    @property
    def end(self) -> int:
        """Give the offset after the last record, of an epoch whose records are all of one partition."""
        return int(self.last.offset()) + 1


class Producer(Service):
    """Faust's producer interface on librdkafka; `emit` is the fast way, `send` the one that Faust's topics use."""

    threaded_producer = None

    def __init__(self, transport: Any, loop: Any = None, **kwargs: Any) -> None:
        self.transport, self.app = transport, transport.app
        self.failed: BaseException | None = None
        """Why a delivery failed, for ever: no later flush may commit past it."""
        self._epoch = Epoch()
        self._report = self._epoch.delivered
        self._kafka: Librdkafka | None = None
        self._produce: Callable[..., Any] = lambda *_: self._producer  # until it is started, when it raises
        super().__init__(loop=loop, **kwargs)

    async def on_start(self) -> None:
        """Connect."""
        self._kafka = Librdkafka(self.transport.producer_config())
        self._produce = self._kafka.produce

    async def on_stop(self) -> None:
        """Wait for what is under way."""
        if self._kafka is not None and self.failed is None:
            await self.flush()

    @property
    def _producer(self) -> Librdkafka:
        if self._kafka is None:
            raise RuntimeError("the producer is not started")
        return self._kafka

    def emit(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers | None = None, partition: int = -1
    ) -> None:
        """Hand one output over (partition -1: by key); its delivery is verified by the next commit at the latest."""
        self._hand_over(self._epoch, self._report, topic, key, value, headers, partition)

    def _hand_over(
        self,
        epoch: Epoch,
        report: Any,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None,
        partition: int,
    ) -> None:
        epoch.pending += 1
        while True:
            try:
                # By position (callback, its alias, timestamp): by name they cost as much as the rest of the call.
                self._produce(topic, value, key, partition, report, None, 0, headers)
            except BufferError:  # librdkafka's queue is full: let it drain a little
                self._producer.poll(0.05)
            except KafkaException as error:
                epoch.pending -= 1
                self.failed = UndeliveredError(str(error))
                raise self.failed from error
            else:
                return

    def write_changelog(
        self, epoch: Epoch, topic: str, partition: int, changes: Iterable[tuple[bytes, bytes | None]]
    ) -> None:
        """Hand table values over (None: a tombstone), each key once: among them no order is kept."""
        messages: list[dict[str, Any]] = [{"key": key, "value": value} for key, value in changes]
        while messages:
            taken = self._producer.produce_batch(topic, messages, partition, epoch.delivered)
            epoch.pending += taken
            if taken == len(messages):
                return
            messages = [message for message in messages if "_error" in message]
            errors = [message.pop("_error") for message in messages]
            for error in errors:
                if error.code() != KafkaError._QUEUE_FULL:  # noqa: SLF001 - the public name of a librdkafka error
                    self.failed = UndeliveredError(error.str())
                    raise self.failed
            self._producer.poll(0.05)  # librdkafka's queue is full: let it drain a little

    def take_epoch(self) -> Epoch:
        """Begin a new epoch and give the one that ended: everything emitted up to now."""
        ended, self._epoch = self._epoch, Epoch()
        self._report = self._epoch.delivered
        return ended

    async def acknowledged(self, epoch: Epoch) -> None:
        """Wait until every record of `epoch` is on the broker; raises `UndeliveredError` for one that is not."""
        pause = 0.0005
        while True:
            self._producer.poll(0)
            if epoch.failed is not None and self.failed is None:
                self.failed = UndeliveredError(epoch.failed.str())
            if self.failed is not None:
                raise self.failed
            if not epoch.pending:
                return
            await asyncio.sleep(pause)
            pause = min(0.02, pause * 2)

    async def breathe(self) -> None:
        """Collect delivery reports; wait while too much is under way."""
        self._producer.poll(0)
        if len(self._producer) > HIGH:
            while len(self._producer) > LOW:
                self._producer.poll(0)
                await asyncio.sleep(0.005)

    async def flush(self) -> None:
        """Wait until everything emitted up to now is on the broker; raises `UndeliveredError`.

        The epoch goes on counting, so that the next commit still sees a failure.
        """
        await self.acknowledged(self._epoch)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,  # noqa: ARG002 - Faust's signature; the topics are LogAppendTime
        headers: Any,
        *,
        transactional_id: str | None = None,  # noqa: ARG002 - Faust's signature
    ) -> "asyncio.Future[Any]":
        """Send one record of `topic.send`; the future gives librdkafka's message once the broker took it."""
        epoch, future = self._epoch, asyncio.get_running_loop().create_future()

        def report(error: Any, message: Any) -> None:
            epoch.delivered(error, message)
            if future.done():
                return
            if error is not None:
                future.set_exception(UndeliveredError(error.str()))
            else:
                future.set_result(message)

        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
        self._hand_over(epoch, report, topic, key, value, pairs, -1 if partition is None else partition)
        return future

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> Any:
        """Send one record and wait for the broker."""
        future = await self.send(*args, **kwargs)
        while not future.done():
            self._producer.poll(0)
            await asyncio.sleep(0.001)
        return future.result()

    def send_soon(self, fut: Any) -> None:
        """Refuse: Faust's buffered sends have no place in the order of durability."""
        raise NotImplementedError("use `emit`, or await `send`: buffered sends cannot be ordered before a commit")

    async def create_topic(self, topic: str, *_: Any, **__: Any) -> None:
        """Refuse: topics are declared in files, never on the way."""
        raise NotImplementedError(f"topic {topic} must exist; create it before the worker starts")

    def supports_headers(self) -> bool:
        """Say yes."""
        return True
