"""Which replica acts for which partition: a consumer group that reads nothing, so that exactly one of them does.

Kafka's group protocol is the lease: it names an owner per partition, and another one when that dies.
"""

from confluent_kafka import Consumer, TopicPartition

from services.runtime.settings import Settings


class Ownership:
    """The partitions of a topic for which this replica acts; whoever holds it calls `refresh` every second or so.

    A replica that was stopped for longer than its session may act for a moment beside the new owner: what it does
    must bear being done twice.
    """

    def __init__(self, settings: Settings, role: str, topic: str) -> None:
        self._owned: set[int] = set()
        self.generation = 0
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": settings.group(role),
                "group.instance.id": f"{settings.group(role)}-{settings.instance}",
                "session.timeout.ms": int(settings.session_timeout * 1000),
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
                "log_level": 2,
            }
        )
        self._consumer.subscribe(
            [settings.topic(topic)], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        consumer.pause(partitions)
        self._owned = {partition.partition for partition in partitions}
        self.generation += 1

    def _revoked(self, consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        consumer.unassign()
        self._owned = set()
        self.generation += 1

    def refresh(self) -> frozenset[int]:
        """Take part in the group, and give the partitions for which this replica acts now."""
        self._consumer.poll(0)
        return frozenset(self._owned)

    def close(self) -> None:
        """Hand the partitions over."""
        self._consumer.close()
