"""Kafka and Redis in containers, with the same face as the embedded ones."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.runtime.embedded import ExistingServers

KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
REDIS_IMAGE = "redis:7.4-alpine"


@contextmanager
def containers() -> Iterator[ExistingServers]:
    """Start both, give their addresses, remove them."""
    from testcontainers.kafka import KafkaContainer
    from testcontainers.redis import RedisContainer

    kafka = KafkaContainer(KAFKA_IMAGE).with_kraft().with_env("KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS", "1000")
    with kafka, RedisContainer(REDIS_IMAGE) as redis:
        url = f"redis://{redis.get_container_host_ip()}:{redis.get_exposed_port(6379)}/0"
        yield ExistingServers(kafka.get_bootstrap_server(), url)
