"""Lockstep: knows when the mesh has digested everything that was said, from the watermarks that services publish."""

import time
from collections.abc import Mapping

from confluent_kafka import Consumer, TopicPartition

from schemas.supervision import WatermarkPublished
from schemas.topics import SERVICES, Topic
from schemas.wire import decode
from services.runtime.offsets import admin_client, latest_offsets, next_messages
from services.runtime.settings import Settings


class NotDigestedError(TimeoutError):
    """The mesh did not come to rest in time; the message says which service lags where."""


class Lockstep:
    """Watches `mesh-watermarks` and compares it with the ends of the topics that services read."""

    def __init__(self, settings: Settings, topics: Mapping[str, Topic]) -> None:
        self._settings = settings
        self._positions: dict[str, dict[str, int]] = {service: {} for service in SERVICES}
        self._reads = {
            service: [topic for topic in topics.values() if service in topic.readers and topic.role in _INPUTS]
            for service in SERVICES
        }
        self._admin = admin_client(settings.bootstrap_servers)
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": settings.group("lockstep"),
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(settings.topic("mesh-watermarks"), 0, 0)])

    def ends(self) -> dict[str, int]:
        """Give the next offset to be written, per "topic/partition" of every input."""
        names = {topic.name: topic.partitions for topics in self._reads.values() for topic in topics}
        prefix = len(self._settings.topic_prefix)
        inputs = [(self._settings.topic(name), n) for name, count in sorted(names.items()) for n in range(count)]
        return {f"{topic[prefix:]}/{n}": end for (topic, n), end in latest_offsets(self._admin, inputs).items()}

    def lagging(self, ends: Mapping[str, int]) -> list[str]:
        """Give "service topic/partition: position of end" for whatever is not digested up to `ends`."""
        behind = []
        for service, topics in self._reads.items():
            for topic in topics:
                for partition in range(topic.partitions):
                    name = f"{topic.name}/{partition}"
                    position = self._positions[service].get(name, 0)
                    if position < ends[name]:
                        behind.append(f"{service} {name}: {position} of {ends[name]}")
        return behind

    def _read(self, timeout: float) -> None:
        for message in next_messages(self._consumer, 200, timeout):
            if message.error() is None:
                said = decode(message.headers(), message.value())
                if isinstance(said, WatermarkPublished) and said.service in self._positions:
                    self._positions[said.service] = said.positions

    def settle(self, timeout: float = 60.0) -> dict[str, int]:
        """Wait until every service has digested everything and said nothing new; gives the ends.

        Raises `NotDigestedError`.
        """
        deadline = time.monotonic() + timeout
        ends = self.ends()
        while True:
            while behind := self.lagging(ends):
                if time.monotonic() > deadline:
                    raise NotDigestedError("the mesh did not come to rest: " + "; ".join(behind[:6]))
                self._read(0.05)
            now = self.ends()
            if now == ends:
                return ends
            ends = now

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()


_INPUTS = ("feed", "commands", "facts")
