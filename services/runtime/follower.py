"""Follows a topic from where a reader's own store stands, without a consumer group: every replica reads everything."""

import threading
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from schemas.topics import Topic
from services.core.service import Position
from services.runtime import logs
from services.runtime.engine import Record
from services.runtime.offsets import next_messages
from services.runtime.settings import Settings

BATCH = 2000
_PASSING = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT}  # noqa: SLF001


class Follower:
    """A thread that hands batches of `topic` to `take`, beginning at `positions`; `failure` says why it ended."""

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        positions: Callable[[], Mapping[int, int]],
        take: Callable[[Sequence[Record]], None],
    ) -> None:
        self._settings, self._topic, self._positions, self._take = settings, topic, positions, take
        self._stop = threading.Event()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"follower-{topic.name}", daemon=True)

    def start(self) -> None:
        """Follow in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._settings.bootstrap_servers,
                "group.id": self._settings.group("follower"),
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",  # a position older than the topic's retention
                "fetch.wait.max.ms": 1000,  # an answer with records does not wait
                "log_level": 2,
            }
        )
        try:
            self._follow(consumer)
        except BaseException as error:  # noqa: BLE001 - shown by `failure`; the process decides
            logs.get().error("a follower stopped", topic=self._topic.name, error=repr(error))
            self.failure = error
        finally:
            consumer.close()

    def _follow(self, consumer: Consumer) -> None:
        known = self._positions()
        name = self._settings.topic(self._topic.name)
        consumer.assign(
            [TopicPartition(name, p, known.get(p, OFFSET_BEGINNING)) for p in range(self._topic.partitions)]
        )
        while not self._stop.is_set():
            records = []
            for message in next_messages(consumer, BATCH, 0.2):
                error = message.error()
                if error is not None:
                    if error.code() not in _PASSING:
                        raise KafkaException(error)
                    continue
                position = Position(self._topic.name, message.partition(), message.offset())
                headers = tuple(message.headers() or ())
                records.append(Record(position, message.key(), message.value(), headers, message.timestamp()[1] / 1000))
            if records:
                self._take(records)
