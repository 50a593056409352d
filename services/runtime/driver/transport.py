"""The transport itself: which classes, and librdkafka's settings out of Faust's."""

from typing import Any, ClassVar

import confluent_kafka
from faust.transport import base
from faust.transport.conductor import Conductor as FaustConductor
from faust.transport.drivers import TRANSPORTS
from mode import Service

from services.runtime.driver.assignor import OwnPartitions
from services.runtime.driver.consumer import Consumer
from services.runtime.driver.producer import Producer
from services.runtime.driver.tables import Table, TableManager

SCHEME = "rdkafka"


class Conductor(FaustConductor):
    """Faust's conductor, which puts a run into the agents' queues as it is, as one event."""

    def _build_handler(self, tp: Any, channels: Any) -> Any:  # noqa: ARG002 - Faust's signature
        async def on_run(message: Any) -> None:
            message.incref(len(channels))
            for channel in channels:
                event = self.app.create_event(None, message.value, {}, message)
                await channel.put(event)

        return on_run


class Fetcher(Service):
    """Fetches nothing: the consumer's thread does."""

    def __init__(self, app: Any, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    async def maybe_start(self) -> bool:
        """Do nothing."""
        return False


class Transport(base.Transport):
    """Faust's transport of this driver."""

    Consumer = Consumer
    Producer = Producer
    Conductor = Conductor
    Fetcher = Fetcher
    default_port = 9092
    driver_version = f"confluent-kafka={confluent_kafka.__version__} librdkafka={confluent_kafka.libversion()[0]}"
    topics_with_holes: frozenset[str] = frozenset()
    """Compacted or transactional sources, in which offsets may be missing."""
    extra_consumer_config: ClassVar[dict[str, Any]] = {}
    extra_producer_config: ClassVar[dict[str, Any]] = {}

    def _common(self) -> dict[str, Any]:
        servers = ",".join(f"{url.host or '127.0.0.1'}:{url.port or self.default_port}" for url in self.url)
        return {"bootstrap.servers": servers, "client.id": self.app.conf.broker_client_id, "log_level": 3}

    def consumer_config(self) -> dict[str, Any]:
        """Give librdkafka's settings of the group member."""
        conf = self.app.conf
        static = conf.consumer_group_instance_id
        return {
            **self._common(),
            "group.id": conf.id,
            **({"group.instance.id": static} if static else {}),
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": int(conf.broker_session_timeout * 1000),
            "heartbeat.interval.ms": int(conf.broker_heartbeat_interval * 1000),
            "max.poll.interval.ms": int(conf.broker_max_poll_interval * 1000),
            "auto.offset.reset": conf.consumer_auto_offset_reset,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "fetch.message.max.bytes": conf.consumer_max_fetch_size,
            "fetch.wait.max.ms": 1000,  # from pulse to pulse: records are answered at once
            "fetch.queue.backoff.ms": 5,  # the default of a second starves a busy worker each time its queue is full
            "queued.min.messages": 10_000,
            "queued.max.messages.kbytes": 32_768,
            **self.extra_consumer_config,
        }

    def recovery_config(self) -> dict[str, Any]:
        """Give librdkafka's settings of the consumer that reads changelogs."""
        return {
            **self._common(),
            "group.id": f"{self.app.conf.id}-recovery",  # asked for by librdkafka; nothing is ever committed
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "check.crcs": self.app.conf.broker_check_crcs,
            "fetch.message.max.bytes": 4 * 1_048_576,
            "fetch.wait.max.ms": 20,
            "fetch.queue.backoff.ms": 1,
            "queued.max.messages.kbytes": 65_536,
        }

    def producer_config(self) -> dict[str, Any]:
        """Give librdkafka's settings of the producer."""
        conf = self.app.conf
        return {
            **self._common(),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # Java's and aiokafka's; librdkafka's own would break co-partitioning
            "linger.ms": conf.producer_linger * 1000,
            "batch.size": conf.producer_max_batch_size,
            "compression.type": conf.producer_compression_type or "none",
            "message.max.bytes": conf.producer_max_request_size,
            "delivery.timeout.ms": int(conf.producer_request_timeout * 1000),
            "queue.buffering.max.messages": 500_000,
            **self.extra_producer_config,
        }


TRANSPORTS.aliases[SCHEME] = "services.runtime.driver.transport:Transport"

APP_SETTINGS: dict[str, Any] = {
    "Table": Table,
    "TableManager": TableManager,
    "PartitionAssignor": OwnPartitions,
    "processing_guarantee": "at_least_once",
    "table_standby_replicas": 0,
    "topic_allow_declare": False,
    "topic_disable_leader": True,
    "web_enabled": False,
    "reply_create_topic": False,
}
"""Settings of `faust.App` without which this driver does not work."""
