"""The embedded cluster with the real Kafka and the real Redis."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from services.runtime.embedded import (
    EmbeddedCluster,
    ExistingServers,
    PortTakenError,
    StartError,
    infrastructure,
)
from services.runtime.embedded.broker import NodePorts
from services.runtime.embedded.cluster import Ports
from services.runtime.processes import runs, wait_until

pytestmark = pytest.mark.broker
QUIET = {"log_level": 0}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(tmp_path_factory.mktemp("one")) as cluster:
        yield cluster


def test_what_is_produced_is_consumed_with_the_brokers_time(one: EmbeddedCluster) -> None:
    create_topic(one, "produced", partitions=2)
    assert produce(one, "produced", 100) == []
    messages = consume(one, "produced", 100)
    assert sorted(str(n) for n in range(100)) == sorted((message.value() or b"").decode() for message in messages)
    assert {TIMESTAMP_LOG_APPEND_TIME} == {message.timestamp()[0] for message in messages}


def test_redis_keeps_a_value(one: EmbeddedCluster) -> None:
    client = redis.Redis.from_url(one.redis_url)
    client.set("key", "value")
    assert client.get("key") == b"value"
    client.close()


def test_topics_are_not_created_by_being_named(one: EmbeddedCluster) -> None:
    assert len(produce(one, "never-created", 1, timeout_s=2)) == 1
    admin = AdminClient({"bootstrap.servers": one.bootstrap_servers, **QUIET})
    assert "never-created" not in admin.list_topics(timeout=10).topics


def test_a_folder_in_use_is_not_started_twice(one: EmbeddedCluster) -> None:
    with pytest.raises(StartError, match=r"Another process is using .* Stop it"):
        EmbeddedCluster(one.home).start()
    assert all(child.alive for child in one.children)


def test_a_taken_port_is_said_and_nothing_is_left_running(one: EmbeddedCluster, tmp_path: Path) -> None:
    taken = one.brokers[0].ports.client
    cluster = EmbeddedCluster(tmp_path, ports=Ports(nodes=[NodePorts(taken, taken)]))
    with pytest.raises(PortTakenError, match=f"Port {taken} of 127.0.0.1 is in use"):
        cluster.start()
    assert [child.pid for child in cluster.children if child.alive] == []


def test_the_environment_selects_existing_servers(
    one: EmbeddedCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", one.bootstrap_servers)
    with infrastructure(tmp_path) as found:
        assert one.bootstrap_servers == found.bootstrap_servers
        assert redis.Redis.from_url(found.redis_url).ping()
        assert one.redis_url != found.redis_url
    monkeypatch.setenv("REDIS_URL", one.redis_url)
    with infrastructure(tmp_path / "unused") as found:
        assert ExistingServers(one.bootstrap_servers, one.redis_url) == found
    assert not (tmp_path / "unused").exists()


def test_data_survives_kill_9_and_a_new_cluster_on_the_same_folder(tmp_path: Path) -> None:
    with EmbeddedCluster(tmp_path) as cluster:
        create_topic(cluster, "kept", partitions=1)
        assert produce(cluster, "kept", 10) == []
        cluster.brokers[0].kill()
        cluster.brokers[0].start()
        cluster.wait_ready()
        assert produce(cluster, "kept", 10) == []
        first_pids = [child.pid for child in cluster.children]
    assert [runs(pid) for pid in first_pids] == [False, False]
    with EmbeddedCluster(tmp_path, fresh=False) as again:
        assert len(consume(again, "kept", 20)) == 20
    with pytest.raises(StartError, match=r"made by 1 broker\(s\) .* asked for are 3"):
        EmbeddedCluster(tmp_path, 3, fresh=False).start()


def test_one_of_three_brokers_is_killed_and_writes_to_all_go_on(tmp_path: Path) -> None:
    with EmbeddedCluster(tmp_path, 3, redis=False) as cluster:
        create_topic(cluster, "safe", partitions=4)
        wait_until(lambda: topic_setting(cluster, "safe", "min.insync.replicas") == "2", 20, "two replicas in sync")
        assert produce(cluster, "safe", 100) == []
        cluster.brokers[1].kill()
        assert [broker.alive for broker in cluster.brokers] == [True, False, True]
        assert produce(cluster, "safe", 100) == []
        assert len(consume(cluster, "safe", 200)) == 200
        cluster.brokers[1].start()
        cluster.wait_ready()
        assert produce(cluster, "safe", 100) == []
        cluster.brokers[0].kill()
        cluster.brokers[2].kill()
        assert len(produce(cluster, "safe", 10, timeout_s=2)) == 10, "one of three may not acknowledge alone"
        cluster.brokers[1].kill()  # without a quorum an orderly stop takes Kafka ten seconds


def test_two_brokers_are_refused() -> None:
    with pytest.raises(StartError, match="choose 1 or 3"):
        EmbeddedCluster(Path("unused"), 2)


def test_the_record_of_a_cluster_names_its_version(one: EmbeddedCluster) -> None:
    record = json.loads((one.home / "data" / "cluster.json").read_text())
    assert sorted(record) == ["brokers", "id", "kafka"]


def create_topic(cluster: EmbeddedCluster, name: str, *, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, **QUIET})
    admin.create_topics([NewTopic(name, partitions)])[name].result(20)


def topic_setting(cluster: EmbeddedCluster, topic: str, name: str) -> str | None:
    """None also while the broker that is asked has not heard of the topic yet."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, **QUIET})
    try:
        value: str | None = admin.describe_configs([resource])[resource].result(20)[name].value
    except KafkaException as error:
        if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
        return None
    return value


def produce(cluster: EmbeddedCluster, topic: str, count: int, *, timeout_s: float = 40) -> list[KafkaError]:
    """Failed deliveries of `count` records sent with acks=all."""
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "acks": "all",
            "delivery.timeout.ms": int(timeout_s * 1000),
            **QUIET,
        }
    )
    failures: list[KafkaError] = []
    for number in range(count):
        producer.produce(topic, str(number), on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(timeout_s + 5) == 0
    return failures


def consume(cluster: EmbeddedCluster, topic: str, count: int, *, timeout_s: float = 40) -> list[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap_servers,
            "group.id": f"test-{topic}",
            "auto.offset.reset": "earliest",
            **QUIET,
        }
    )
    consumer.subscribe([topic])
    messages: list[Message] = []
    deadline = time.monotonic() + timeout_s
    while len(messages) < count and time.monotonic() < deadline:
        messages += [message for message in consumer.consume(count, timeout=0.5) if message.error() is None]
    consumer.close()
    return messages
