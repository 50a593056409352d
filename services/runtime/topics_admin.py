"""Compares the topic files with the broker, and creates what is missing. Nothing is auto-created anywhere else."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from schemas.topics import Topic
from services.runtime.settings import Settings


class BrokerUnreachableError(ConnectionError):
    """No broker answers."""


@dataclass(frozen=True)
class Change:
    """One difference between a topic file and the broker: `create`, or `differs` (which is never changed here)."""

    topic: str
    action: str
    detail: str


def admin(settings: Settings) -> AdminClient:
    """Give an admin client."""
    return AdminClient({"bootstrap.servers": settings.bootstrap_servers, "log_level": 0})


def _existing(client: AdminClient, settings: Settings) -> dict[str, Any]:
    try:
        return dict(client.list_topics(timeout=15).topics)
    except KafkaException as error:
        raise BrokerUnreachableError(
            f"no Kafka broker answers at {settings.bootstrap_servers}: start one with `hotline dev up`, "
            f"or set KAFKA_BOOTSTRAP_SERVERS ({error.args[0].name()})"
        ) from None


def _configs(client: AdminClient, names: Sequence[str], patience: float = 30.0) -> dict[str, Any]:
    # Another broker of the cluster may answer than the one that listed the topics, and know a new one a moment later.
    deadline = time.monotonic() + patience
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    while True:
        answers = client.describe_configs(resources) if resources else {}
        try:
            return {resource.name: answer.result() for resource, answer in answers.items()}
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def plan(settings: Settings, topics: Mapping[str, Topic]) -> list[Change]:
    """Give what `apply` would create, and where the broker differs from the files; raises `BrokerUnreachableError`."""
    client = admin(settings)
    existing = _existing(client, settings)
    configs = _configs(client, [name for topic in topics.values() if (name := settings.topic(topic.name)) in existing])
    changes = []
    for topic in topics.values():
        name = settings.topic(topic.name)
        if name not in existing:
            wanted = ", ".join(f"{key}={value}" for key, value in sorted(topic.settings().items()))
            changes.append(Change(topic.name, "create", f"{topic.partitions} partitions, {wanted}"))
            continue
        found = len(existing[name].partitions)
        if found != topic.partitions:
            changes.append(Change(topic.name, "differs", f"partitions: file {topic.partitions}, broker {found}"))
        for key, value in sorted(topic.settings().items()):
            actual = configs[name][key].value if key in configs[name] else None
            if actual is not None and set(actual.split(",")) != set(value.split(",")):
                changes.append(Change(topic.name, "differs", f"{key}: file {value}, broker {actual}"))
    return changes


def _wait_until_known(client: AdminClient, names: set[str], patience: float = 30.0) -> None:
    # A busy broker may list topics a moment after it has created them.
    deadline = time.monotonic() + patience
    while not names <= set(client.list_topics(timeout=15).topics) and time.monotonic() < deadline:
        time.sleep(0.05)


def apply(
    settings: Settings, topics: Mapping[str, Topic], tell: Callable[[str], None] = lambda _line: None
) -> list[Change]:
    """Create what is missing; gives the differences that a person must decide. Raises KafkaException on refusal."""
    changes = plan(settings, topics)
    missing = [topics[change.topic] for change in changes if change.action == "create"]
    if missing:
        replicas = settings.replication_factor
        safety = {"min.insync.replicas": str(max(1, replicas - 1))}
        new = [
            NewTopic(
                settings.topic(topic.name),
                num_partitions=topic.partitions,
                replication_factor=replicas,
                config=topic.settings() | safety,
            )
            for topic in missing
        ]
        client = admin(settings)  # kept: its futures die with it
        for name, future in client.create_topics(new, operation_timeout=30).items():
            future.result()
            tell(f"created {name}")
        _wait_until_known(client, {topic.topic for topic in new})
    return [change for change in changes if change.action == "differs"]
