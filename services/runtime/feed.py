"""A consumer loop for a service without tables: a batch in, effects acknowledged, then offsets; never the other way."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.envelope import derived_id
from schemas.supervision import WatermarkPublished
from services.core.service import Position
from services.runtime import logs, wall
from services.runtime.engine import Record
from services.runtime.metrics import Metrics
from services.runtime.offsets import next_messages
from services.runtime.publisher import Publisher
from services.runtime.settings import Settings

BATCH = 500


class Feed:
    """Follows one topic; `handle` returns only when everything a batch led to is acknowledged, or raises."""

    def __init__(
        self,
        service: str,
        topic: str,
        settings: Settings,
        metrics: Metrics,
        publisher: Publisher,
        handle: Callable[[Sequence[Record]], None],
    ) -> None:
        self._service, self._topic, self._settings = service, topic, settings
        self._metrics, self._publisher, self._handle = metrics, publisher, handle
        self._positions: dict[str, int] = {}
        self._stop = threading.Event()
        self.assigned = False
        self.heartbeat = wall.unix()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Follow the topic in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and leave the group."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _consumer(self) -> Consumer:
        settings = self._settings
        consumer = Consumer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": settings.group(self._service),
                "group.instance.id": f"{settings.group(self._service)}-{settings.instance}",
                "session.timeout.ms": int(settings.session_timeout * 1000),
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 1000,  # an answer with records does not wait
                "fetch.message.max.bytes": 1_048_576,
                "log_level": 2,
            }
        )
        consumer.subscribe([settings.topic(self._topic)], on_assign=self._on_assign, on_revoke=self._on_revoke)
        return consumer

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._positions = {
            f"{self._topic}/{p.partition}": max(0, p.offset) for p in consumer.committed(partitions, timeout=15)
        }
        self.assigned = True
        self._publish_watermark()

    def _on_revoke(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self.assigned = False

    def _run(self) -> None:
        try:
            consumer = self._consumer()
            while not self._stop.is_set():
                self.heartbeat = wall.unix()
                messages = next_messages(consumer, BATCH, 0.2)
                records = [self._record(message) for message in messages if not self._broker_trouble(message)]
                if records:
                    self._carry(consumer, records)
            consumer.close()
        except BaseException as error:  # noqa: BLE001 - the process must end: what is uncommitted is read again
            logs.get().error("the feed stopped", error=repr(error))
            self.failure = error

    def _carry(self, consumer: Consumer, records: list[Record]) -> None:
        started = wall.unix()
        self._handle(records)
        for record in records:
            self._positions[f"{self._topic}/{record.position.partition}"] = record.position.offset + 1
        ends = [
            TopicPartition(self._settings.topic(self._topic), int(name.rsplit("/", 1)[1]), offset)
            for name, offset in self._positions.items()
        ]
        consumer.commit(offsets=ends, asynchronous=False)
        now = wall.unix()
        labels = (self._service, self._topic)
        for record in records:
            self._metrics.age.labels(*labels).observe(max(0.0, now - record.appended_at))
            self._metrics.handling.labels(*labels).observe((now - started) / len(records))
        self._metrics.watermark.labels(*labels, str(records[-1].position.partition)).set(records[-1].appended_at)
        self._metrics.commit.labels(self._service).set(now)
        self._publish_watermark()

    def _publish_watermark(self) -> None:
        text = ",".join(f"{name}={offset}" for name, offset in sorted(self._positions.items()))
        said = WatermarkPublished(
            id=derived_id("watermark", self._service, text),
            source=f"/hotline-mesh/{self._service}",
            time=wall.now(),
            service=self._service,
            positions=dict(self._positions),
        )
        self._publisher.publish("mesh-watermarks", said, key=self._service)

    @staticmethod
    def _broker_trouble(message: Any) -> bool:
        error = message.error()
        if error is None:
            return False
        if error.code() in {KafkaError._PARTITION_EOF, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}:  # noqa: SLF001
            return True
        raise KafkaException(error)

    def _record(self, message: Any) -> Record:
        return Record(
            Position(self._topic, message.partition(), message.offset()),
            message.key(),
            message.value(),
            tuple(message.headers() or ()),
            message.timestamp()[1] / 1000,
        )
